//! People across organizations, and the links that set them a new password.
//!
//! Most functions take the system's handle: identities are read before the organization is known.
//! The few that a tenant needs (who has this address, is anybody left) take a tenant's.

use std::fmt;

use mission_control_shared::{Timestamp, UserId};

use super::{Result, Row, SystemTx, TenantTx};
use crate::args;

/// A person.
#[derive(Clone)]
pub struct Identity {
    /// Their id, which is also their user id in every organization.
    pub id: UserId,
    /// Their sign-in address, in lower case.
    pub email: String,
    /// The hash of their password, where they have one.
    pub password_hash: Option<String>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("id", &self.id).finish_non_exhaustive()
    }
}

fn identity(row: &Row<'_>) -> Result<Identity> {
    Ok(Identity { id: row.get(0)?, email: row.get(1)?, password_hash: row.get(2)? })
}

/// The person with this id.
pub fn find(tx: &mut SystemTx<'_, '_>, id: UserId) -> Result<Option<Identity>> {
    tx.row("SELECT id, email, password_hash FROM identities WHERE id = ?1", args![id], identity)
}

/// The person with this address, which is in lower case.
pub fn find_by_email(tx: &mut SystemTx<'_, '_>, email: &str) -> Result<Option<Identity>> {
    tx.row("SELECT id, email, password_hash FROM identities WHERE email = ?1", args![email], identity)
}

/// Stores a new person, who has no password yet.
pub fn insert(tx: &mut SystemTx<'_, '_>, id: UserId, email: &str) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO identities (id, email, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)",
        args![id, email, now],
    )?;
    Ok(())
}

/// The person with this address; stored now when nobody has it yet.
pub fn ensure(tx: &mut TenantTx<'_, '_>, email: &str) -> Result<UserId> {
    let mut tx = tx.identities();
    if let Some(found) = find_by_email(&mut tx, email)? {
        return Ok(found.id);
    }
    let (id, now) = (UserId(tx.new_id()), tx.now());
    // Another organization may store them at the same time: then theirs counts.
    tx.execute(
        "INSERT INTO identities (id, email, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT (email) DO NOTHING",
        args![id, email, now],
    )?;
    Ok(find_by_email(&mut tx, email)?.map_or(id, |found| found.id))
}

/// Stores the hash of a password.
pub fn set_password(tx: &mut SystemTx<'_, '_>, id: UserId, password_hash: &str) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE identities SET password_hash = ?2, updated_at = ?3 WHERE id = ?1",
        args![id, password_hash, now],
    )?;
    Ok(())
}

/// Stores the hash of the first password of a person; false when they have one.
pub fn set_first_password(tx: &mut SystemTx<'_, '_>, id: UserId, password_hash: &str) -> Result<bool> {
    let now = tx.now();
    tx.execute(
        "UPDATE identities SET password_hash = ?2, updated_at = ?3 WHERE id = ?1 AND password_hash IS NULL",
        args![id, password_hash, now],
    )
    .map(|set| set > 0)
}

/// Whether the person is an active member of any organization.
pub fn belongs_somewhere(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<bool> {
    let mut tx = tx.identities();
    tx.scope_to_identity(id)?;
    let found =
        tx.row("SELECT 1 FROM users WHERE id = ?1 AND status = 'active' LIMIT 1", args![id], |_| Ok(()))?;
    Ok(found.is_some())
}

/// Stores a link that sets a new password.
pub fn insert_reset(
    tx: &mut SystemTx<'_, '_>,
    identity: UserId,
    token_hash: &[u8; 32],
    expires_at: Timestamp,
) -> Result<()> {
    let (id, now) = (tx.new_id(), tx.now());
    tx.execute(
        "INSERT INTO password_resets (id, identity_id, token_hash, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        args![id, identity, token_hash, now, expires_at],
    )?;
    Ok(())
}

/// Whose password this link sets, when it was not used and is not too old.
pub fn find_reset(tx: &mut SystemTx<'_, '_>, token_hash: &[u8; 32]) -> Result<Option<UserId>> {
    let now = tx.now();
    tx.row(
        "SELECT identity_id FROM password_resets
          WHERE token_hash = ?1 AND used_at IS NULL AND expires_at > ?2",
        args![token_hash, now],
        |row| row.get(0),
    )
}

/// Uses this link, once; gives whose password it sets.
pub fn use_reset(tx: &mut SystemTx<'_, '_>, token_hash: &[u8; 32]) -> Result<Option<UserId>> {
    let now = tx.now();
    tx.row(
        "UPDATE password_resets SET used_at = ?2
          WHERE token_hash = ?1 AND used_at IS NULL AND expires_at > ?2
         RETURNING identity_id",
        args![token_hash, now],
        |row| row.get(0),
    )
}

/// Makes every link of this person worthless.
pub fn use_resets(tx: &mut SystemTx<'_, '_>, identity: UserId) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE password_resets SET used_at = ?2 WHERE identity_id = ?1 AND used_at IS NULL",
        args![identity, now],
    )?;
    Ok(())
}
