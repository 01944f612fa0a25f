//! Invitations: of each the hash of its token, never the token.

use mission_control_shared::{InvitationId, OrgId, Timestamp, UserId};

use super::{Result, Row, SystemTx, TenantTx};
use crate::args;

/// An invitation that can still be accepted.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Who is invited.
    pub user_id: UserId,
    /// Their address.
    pub email: String,
    /// Who invited them; `None` is the server itself.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
    /// When the link dies.
    pub expires_at: Timestamp,
}

/// Columns of every statement that gives invitations, in the order that [`invitation`] reads.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, user_id, email, created_by, created_at, expires_at FROM invitations
              WHERE org_id = ?1 AND accepted_at IS NULL AND revoked_at IS NULL ",
            $rest
        )
    };
}

fn invitation(row: &Row<'_>) -> Result<Invitation> {
    Ok(Invitation {
        id: row.get(0)?,
        user_id: row.get(1)?,
        email: row.get(2)?,
        created_by: row.get(3)?,
        created_at: row.get(4)?,
        expires_at: row.get(5)?,
    })
}

/// A page of the open invitations, also of those that are too old, newest first, and how many there are.
pub fn page(tx: &mut TenantTx<'_, '_>, offset: i64, limit: i64) -> Result<(Vec<Invitation>, i64)> {
    let total = tx.row(
        "SELECT count(*) FROM invitations WHERE org_id = ?1 AND accepted_at IS NULL AND revoked_at IS NULL",
        args![],
        |row| row.get(0),
    )?;
    let page = tx.rows(
        select!("ORDER BY created_at DESC, id DESC LIMIT ?2 + 0 OFFSET ?3"),
        args![limit, offset],
        invitation,
    )?;
    Ok((page, total.unwrap_or(0)))
}

/// One open invitation.
pub fn find(tx: &mut TenantTx<'_, '_>, id: InvitationId) -> Result<Option<Invitation>> {
    tx.row(select!("AND id = ?2"), args![id], invitation)
}

/// The organization and the person of a link that still works.
pub fn find_by_token(
    tx: &mut SystemTx<'_, '_>,
    token_hash: &[u8; 32],
) -> Result<Option<(InvitationId, OrgId, UserId)>> {
    let now = tx.now();
    tx.row(
        "SELECT id, org_id, user_id FROM invitations
          WHERE token_hash = ?1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > ?2",
        args![token_hash, now],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}

/// Stores a new invitation.
pub fn insert(tx: &mut TenantTx<'_, '_>, invitation: &Invitation, token_hash: &[u8; 32]) -> Result<()> {
    tx.execute(
        "INSERT INTO invitations (org_id, id, user_id, email, token_hash, created_by, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        args![
            invitation.id,
            invitation.user_id,
            invitation.email,
            token_hash,
            invitation.created_by,
            invitation.created_at,
            invitation.expires_at
        ],
    )?;
    Ok(())
}

/// Notes that an invitation was accepted; false when it was accepted or revoked before.
pub fn accept(tx: &mut TenantTx<'_, '_>, id: InvitationId) -> Result<bool> {
    let now = tx.now();
    tx.execute(
        "UPDATE invitations SET accepted_at = ?3
          WHERE org_id = ?1 AND id = ?2 AND accepted_at IS NULL AND revoked_at IS NULL",
        args![id, now],
    )
    .map(|accepted| accepted > 0)
}

/// Makes every open invitation of a user worthless.
pub fn revoke_all(tx: &mut TenantTx<'_, '_>, user_id: UserId) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE invitations SET revoked_at = ?3
          WHERE org_id = ?1 AND user_id = ?2 AND accepted_at IS NULL AND revoked_at IS NULL",
        args![user_id, now],
    )?;
    Ok(())
}
