//! API keys of agents: made, rotated, revoked.
//!
//! `mc_ak_live_<owner>_<secret>`: the owner part is the tail of the user's id, so that a key is found
//! by one indexed read; the secret is 256 random bits.

use std::fmt;

use mission_control_shared::{ApiKeyId, EventKind, Timestamp, User, UserId, UserPayload, UserType};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::policy::{Action, Authority as _};
use super::token::{self, Token};
use super::user;
use crate::error::{Conflict, Error, Result};
use crate::events::{Draft, Signal, Who};
use crate::store::{TenantTx, key};

const MARK: &str = "mc_ak_live_";
const OWNER_LENGTH: usize = 8;
/// Crockford's base 32, which has no letters that look like digits.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How long older keys work after a rotation, when nothing else is asked for.
const GRACE_HOURS: i64 = 24;

/// A key that was made now. It is shown once.
pub struct NewKey {
    /// The whole key.
    pub secret: String,
    /// What of it may be shown again.
    pub prefix: String,
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// The eight characters that name the owner of a key: the last 40 bits of their id.
pub fn owner_of(user_id: UserId) -> String {
    let tail = user_id.0.as_u128();
    (0..OWNER_LENGTH).rev().map(|place| char::from(ALPHABET[(tail >> (5 * place)) as usize & 31])).collect()
}

/// The owner part of what somebody brings as a key; `None` when it is no key of ours.
pub fn owner_part(text: &str) -> Option<&str> {
    let (owner, secret) = text.strip_prefix(MARK)?.split_at_checked(OWNER_LENGTH)?;
    let secret = secret.strip_prefix('_')?;
    let sound = owner.bytes().all(|byte| ALPHABET.contains(&byte))
        && secret.len() == token::LENGTH
        && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    sound.then_some(owner)
}

/// Makes a key and stores its hash.
pub(super) fn make(tx: &mut TenantTx<'_, '_>, user_id: UserId) -> Result<NewKey> {
    let owner = owner_of(user_id);
    let prefix = format!("{MARK}{owner}");
    let secret = format!("{prefix}_{}", Token::random().reveal());
    let hash = token::hash(&secret);
    let id = ApiKeyId(tx.new_id());
    key::insert(tx, key::NewKey { id, user_id, owner: &owner, prefix: &prefix, hash: &hash })?;
    Ok(NewKey { secret, prefix })
}

/// How to rotate a key.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    /// Hours that older keys still work: 0 to 168, 24 when left out.
    #[schema(minimum = 0, maximum = 168, default = 24)]
    pub grace_hours: Option<i64>,
}

/// The answer to a rotation.
#[derive(Serialize, ToSchema)]
pub struct RotatedKey {
    /// The new key, shown this once; `null` when the answer is a replay.
    #[schema(value_type = Option<String>)]
    pub api_key: String,
    /// What of it may be shown again.
    pub key_prefix: String,
    /// When the older keys die; `null` when none was alive.
    pub previous_expires_at: Option<Timestamp>,
}

fn record(tx: &mut TenantTx<'_, '_>, kind: EventKind, payload: &UserPayload<'_>) -> Result<()> {
    let user_id = payload.user.id;
    crate::store::event::append(tx, Draft::new(kind, payload).subject(user_id))?;
    tx.signal(Signal::Access { org_id: Some(tx.org_id()), who: Who::User(user_id) });
    Ok(())
}

/// Gives an agent a new key; older ones die after the grace time.
///
/// Errors: `USER_NOT_FOUND`, `NOT_AN_AGENT`, `VALIDATION_FAILED`, `FORBIDDEN`.
pub fn rotate(tx: &mut TenantTx<'_, '_>, user_id: UserId, how: RotateKey) -> Result<RotatedKey> {
    find_agent(tx, user_id)?;
    let hours = how.grace_hours.unwrap_or(GRACE_HOURS);
    if !(0..=168).contains(&hours) {
        return Err(Error::field("grace_hours", "must be between 0 and 168"));
    }
    let end = tx.now().plus_seconds(hours * 3_600);
    let older = key::expire_all(tx, user_id, end)?;
    let new = make(tx, user_id)?;
    let previous_expires_at = (older > 0).then_some(end);
    let agent = user::for_events(find_agent(tx, user_id)?);
    let payload = UserPayload { previous_expires_at, ..UserPayload::of(&agent) };
    record(tx, EventKind::ApiKeyRotated, &payload)?;
    Ok(RotatedKey { api_key: new.secret, key_prefix: new.prefix, previous_expires_at })
}

/// Kills every key of an agent at once.
///
/// Errors: `USER_NOT_FOUND`, `NOT_AN_AGENT`, `FORBIDDEN`. Without a living key nothing happens.
pub fn revoke(tx: &mut TenantTx<'_, '_>, user_id: UserId) -> Result<()> {
    find_agent(tx, user_id)?;
    revoke_all(tx, user_id)
}

/// The same for a user who leaves.
pub(super) fn revoke_all(tx: &mut TenantTx<'_, '_>, user_id: UserId) -> Result<()> {
    if key::revoke_all(tx, user_id)? == 0 {
        return Ok(());
    }
    let agent = user::for_events(user::find(tx, user_id)?);
    record(tx, EventKind::ApiKeyRevoked, &UserPayload::of(&agent))
}

/// The agent whose keys the actor may manage.
fn find_agent(tx: &mut TenantTx<'_, '_>, user_id: UserId) -> Result<User> {
    let user = user::find_present(tx, user_id)?;
    tx.require(Action::ManageKeys, &user)?;
    if user.kind != UserType::Agent {
        return Err(Error::conflict(Conflict::NotAnAgent, "people have no API keys: add an agent for it"));
    }
    Ok(user)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_owner_is_the_tail_of_the_id() {
        assert_eq!(owner_of(UserId(Uuid::from_u128(0))), "00000000");
        assert_eq!(owner_of(UserId(Uuid::from_u128(u128::MAX))), "zzzzzzzz");
        assert_eq!(owner_of(UserId(Uuid::from_u128(1 << 40 | 33))), "00000011");
    }

    proptest! {
        #[test]
        fn every_key_names_its_owner(id in any::<u128>()) {
            let owner = owner_of(UserId(Uuid::from_u128(id)));
            let key = format!("{MARK}{owner}_{}", Token::random().reveal());
            prop_assert_eq!(owner_part(&key), Some(owner.as_str()));
        }

        #[test]
        fn what_is_no_key_is_refused_without_a_panic(text in "(mc_ak_live_)?\\PC{0,60}") {
            if let Some(owner) = owner_part(&text) {
                prop_assert_eq!(text.len(), MARK.len() + OWNER_LENGTH + 1 + token::LENGTH);
                prop_assert_eq!(&text[MARK.len()..][..OWNER_LENGTH], owner);
            }
        }
    }
}
