//! The first answers to POSTs.

use mission_control_shared::{Timestamp, UserId};

use super::{Result, TenantTx};
use crate::args;

/// A first answer.
#[derive(Clone, Debug)]
pub struct First {
    /// SHA-256 of path and body.
    pub request_hash: [u8; 32],
    /// Its HTTP status.
    pub status: u16,
    /// Its JSON, secrets left out.
    pub body: String,
}

/// The answer that this key had since that time.
pub fn find(
    tx: &mut TenantTx<'_, '_>,
    caller: UserId,
    path: &str,
    key: &str,
    since: Timestamp,
) -> Result<Option<First>> {
    tx.row(
        "SELECT request_hash, status, body FROM idempotency_keys
          WHERE org_id = ?1 AND caller_id = ?2 AND path = ?3 AND key = ?4 AND created_at >= ?5",
        args![caller, path, key, since],
        |row| {
            let status: i64 = row.get(1)?;
            Ok(First {
                request_hash: row.get(0)?,
                status: u16::try_from(status).unwrap_or(200),
                body: row.get(2)?,
            })
        },
    )
}

/// Keeps an answer, in place of one that is too old.
pub fn insert(
    tx: &mut TenantTx<'_, '_>,
    caller: UserId,
    path: &str,
    key: &str,
    first: &First,
    at: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO idempotency_keys (org_id, caller_id, path, key, request_hash, status, body, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (org_id, caller_id, path, key) DO UPDATE
            SET request_hash = excluded.request_hash, status = excluded.status, body = excluded.body,
                created_at = excluded.created_at",
        args![caller, path, key, first.request_hash, i64::from(first.status), first.body, at],
    )?;
    Ok(())
}

/// Forgets the answers of one organization from before that time.
pub fn forget_before(tx: &mut TenantTx<'_, '_>, time: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM idempotency_keys WHERE org_id = ?1 AND created_at < ?2", args![time])
}
