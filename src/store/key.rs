//! API keys: of each the hash, never the key.

use mission_control_shared::{ApiKeyId, OrgId, Timestamp, UserId};

use super::{Result, Row, SystemTx, TenantTx};
use crate::args;

/// A key as sign-in finds it.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its id.
    pub id: ApiKeyId,
    /// Its organization.
    pub org_id: OrgId,
    /// Whose it is.
    pub user_id: UserId,
    /// SHA-256 of the whole key.
    pub hash: [u8; 32],
    /// When it dies by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Key {
    /// Whether it opens anything.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }
}

fn key(row: &Row<'_>) -> Result<Key> {
    Ok(Key {
        id: row.get(0)?,
        org_id: row.get(1)?,
        user_id: row.get(2)?,
        hash: row.get(3)?,
        expires_at: row.get(4)?,
        revoked_at: row.get(5)?,
    })
}

/// Every key that names this owner, dead ones too, newest first.
pub fn by_owner(tx: &mut SystemTx<'_, '_>, owner: &str) -> Result<Vec<Key>> {
    tx.rows(
        "SELECT id, org_id, user_id, hash, expires_at, revoked_at FROM api_keys
          WHERE owner = ?1 ORDER BY created_at DESC, id DESC",
        args![owner],
        key,
    )
}

/// The key with this id.
pub fn find(tx: &mut SystemTx<'_, '_>, id: ApiKeyId) -> Result<Option<Key>> {
    tx.row(
        "SELECT id, org_id, user_id, hash, expires_at, revoked_at FROM api_keys WHERE id = ?1",
        args![id],
        key,
    )
}

/// A key to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewKey<'a> {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub user_id: UserId,
    /// The characters that name the owner.
    pub owner: &'a str,
    /// What of it may be shown.
    pub prefix: &'a str,
    /// SHA-256 of the whole key.
    pub hash: &'a [u8; 32],
}

/// Stores a new key.
pub fn insert(tx: &mut TenantTx<'_, '_>, key: NewKey<'_>) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO api_keys (org_id, id, user_id, owner, prefix, hash, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        args![key.id, key.user_id, key.owner, key.prefix, key.hash, now],
    )?;
    Ok(())
}

/// Lets the living keys of a user die at `at`, those that die earlier as they would; gives how many
/// that were.
pub fn expire_all(tx: &mut TenantTx<'_, '_>, user_id: UserId, at: Timestamp) -> Result<u64> {
    let now = tx.now();
    tx.execute(
        "UPDATE api_keys SET expires_at = CASE WHEN expires_at < ?3 THEN expires_at ELSE ?3 END
          WHERE org_id = ?1 AND user_id = ?2 AND revoked_at IS NULL
            AND (expires_at IS NULL OR expires_at > ?4)",
        args![user_id, at, now],
    )
}

/// Kills the living keys of a user at once; gives how many.
pub fn revoke_all(tx: &mut TenantTx<'_, '_>, user_id: UserId) -> Result<u64> {
    let now = tx.now();
    tx.execute(
        "UPDATE api_keys SET revoked_at = ?3
          WHERE org_id = ?1 AND user_id = ?2 AND revoked_at IS NULL
            AND (expires_at IS NULL OR expires_at > ?3)",
        args![user_id, now],
    )
}

/// Notes that a key was used.
pub fn used(tx: &mut TenantTx<'_, '_>, id: ApiKeyId) -> Result<()> {
    let now = tx.now();
    tx.execute("UPDATE api_keys SET last_used_at = ?3 WHERE org_id = ?1 AND id = ?2", args![id, now])?;
    Ok(())
}
