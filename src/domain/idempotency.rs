//! A POST that is sent twice happens once: its first answer is kept in the savepoint of the change.

use serde::Serialize;

use crate::error::{Conflict, Error, Result};
use crate::store::{TenantTx, idempotency};

/// Answers older than this are forgotten, in seconds.
pub const KEPT_SECONDS: i64 = 24 * 3_600;

/// Fields of answers that are never stored.
const SECRETS: [&str; 3] = ["api_key", "ephemeral_api_key", "invite_url"];

/// The key of a POST with what it was sent with.
#[derive(Clone, Debug)]
pub struct Key {
    /// 1 to 128 visible ASCII characters.
    pub key: String,
    /// The path of the request.
    pub path: String,
    /// SHA-256 of path and body.
    pub request_hash: [u8; 32],
}

/// What the caller gets: now made, or the same as the first time.
#[derive(Clone, Debug)]
pub struct Answer {
    /// JSON.
    pub body: String,
    /// The HTTP status of the first answer.
    pub status: u16,
    /// Whether it is the first answer again.
    pub replayed: bool,
}

/// Runs `work` unless this key has an answer already, and keeps its answer.
///
/// Errors: `IDEMPOTENCY_MISMATCH` when the key came with another body, and those of `work`.
pub fn once<T: Serialize>(
    tx: &mut TenantTx<'_, '_>,
    key: Option<&Key>,
    status: u16,
    work: impl FnOnce(&mut TenantTx<'_, '_>) -> Result<T>,
) -> Result<Answer> {
    let caller = tx.actor().user_id;
    let kept = key.zip(caller);
    if let Some((key, caller)) = kept {
        let since = tx.now().plus_seconds(-KEPT_SECONDS);
        if let Some(first) = idempotency::find(tx, caller, &key.path, &key.key, since)? {
            if first.request_hash != key.request_hash {
                return Err(mismatch());
            }
            return Ok(Answer { body: first.body, status: first.status, replayed: true });
        }
    }
    let value = work(tx)?;
    let body = serde_json::to_string(&value).map_err(|error| Error::Internal(error.into()))?;
    if let Some((key, caller)) = kept {
        let now = tx.now();
        let first =
            idempotency::First { request_hash: key.request_hash, status, body: without_secrets(&body) };
        idempotency::insert(tx, caller, &key.path, &key.key, &first, now)?;
    }
    Ok(Answer { body, status, replayed: false })
}

/// The same key with another body.
pub fn mismatch() -> Error {
    Error::conflict(
        Conflict::IdempotencyMismatch,
        "this Idempotency-Key was used with another body: take a new key for a new request",
    )
}

fn without_secrets(body: &str) -> String {
    if !SECRETS.iter().any(|name| body.contains(name)) {
        return body.to_owned();
    }
    let mut value: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    for name in SECRETS {
        if let Some(secret) = value.get_mut(name) {
            *secret = serde_json::Value::Null;
        }
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_kept() {
        let kept = without_secrets(r#"{"user":{"id":1},"api_key":"mc_ak_live_x"}"#);
        assert_eq!(kept, r#"{"api_key":null,"user":{"id":1}}"#);
    }
}
