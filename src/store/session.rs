//! Sessions: families of one-hour tokens.

use mission_control_shared::{OrgId, SessionId, Timestamp, UserId};
use uuid::Uuid;

use super::{Result, Row, SystemTx, TenantTx};
use crate::args;

/// A family of tokens that is alive.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// The organization that is active in it.
    pub org_id: Option<OrgId>,
    /// The newest token.
    pub token_id: Uuid,
    /// The token before it.
    pub previous_token_id: Option<Uuid>,
    /// How long that one still works.
    pub previous_valid_until: Option<Timestamp>,
    /// Where it was opened from.
    pub address: String,
    /// With what it was opened.
    pub user_agent: String,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last renewed.
    pub last_used_at: Timestamp,
    /// When it dies unless it is renewed.
    pub expires_at: Timestamp,
}

/// Columns of every statement that gives sessions, in the order that [`session`] reads.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, identity_id, org_id, token_id, previous_token_id, previous_valid_until, address,
                    user_agent, created_at, last_used_at, expires_at
               FROM sessions ",
            $rest
        )
    };
}

fn session(row: &Row<'_>) -> Result<Session> {
    Ok(Session {
        id: row.get(0)?,
        user_id: row.get(1)?,
        org_id: row.get(2)?,
        token_id: row.get(3)?,
        previous_token_id: row.get(4)?,
        previous_valid_until: row.get(5)?,
        address: row.get(6)?,
        user_agent: row.get(7)?,
        created_at: row.get(8)?,
        last_used_at: row.get(9)?,
        expires_at: row.get(10)?,
    })
}

/// The session, when it is alive.
pub fn find(tx: &mut SystemTx<'_, '_>, id: SessionId) -> Result<Option<Session>> {
    let now = tx.now();
    tx.row(select!("WHERE id = ?1 AND revoked_at IS NULL AND expires_at > ?2"), args![id, now], session)
}

/// The living sessions of a person, newest first.
pub fn of_user(tx: &mut SystemTx<'_, '_>, user_id: UserId) -> Result<Vec<Session>> {
    let now = tx.now();
    tx.rows(
        select!(
            "WHERE identity_id = ?1 AND revoked_at IS NULL AND expires_at > ?2
             ORDER BY created_at DESC, id DESC LIMIT 200"
        ),
        args![user_id, now],
        session,
    )
}

/// Stores a new session.
pub fn insert(tx: &mut SystemTx<'_, '_>, session: &Session) -> Result<()> {
    tx.execute(
        "INSERT INTO sessions (id, identity_id, org_id, token_id, address, user_agent, created_at,
                last_used_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        args![
            session.id,
            session.user_id,
            session.org_id,
            session.token_id,
            session.address,
            session.user_agent,
            session.created_at,
            session.last_used_at,
            session.expires_at
        ],
    )?;
    Ok(())
}

/// Stores the next token of a session in place of the one before it; false when that is the newest no
/// longer.
pub fn renew(tx: &mut SystemTx<'_, '_>, session: &Session) -> Result<bool> {
    tx.execute(
        "UPDATE sessions SET token_id = ?2, previous_token_id = ?3, previous_valid_until = ?4,
                last_used_at = ?5, expires_at = ?6
          WHERE id = ?1 AND token_id = ?3 AND revoked_at IS NULL",
        args![
            session.id,
            session.token_id,
            session.previous_token_id,
            session.previous_valid_until,
            session.last_used_at,
            session.expires_at
        ],
    )
    .map(|renewed| renewed > 0)
}

/// Ends a session of this person; false when they have no such session.
pub fn revoke(tx: &mut SystemTx<'_, '_>, user_id: UserId, id: SessionId) -> Result<bool> {
    let now = tx.now();
    tx.execute(
        "UPDATE sessions SET revoked_at = ?3
          WHERE id = ?2 AND identity_id = ?1 AND revoked_at IS NULL AND expires_at > ?3",
        args![user_id, id, now],
    )
    .map(|ended| ended > 0)
}

/// Ends the sessions of this person, all but one where one is named; gives how many.
pub fn revoke_all(tx: &mut SystemTx<'_, '_>, user_id: UserId, except: Option<SessionId>) -> Result<u64> {
    let now = tx.now();
    tx.execute(
        "UPDATE sessions SET revoked_at = ?3
          WHERE identity_id = ?1 AND (id <> ?2 OR ?2 IS NULL) AND revoked_at IS NULL AND expires_at > ?3",
        args![user_id, except, now],
    )
}

/// Ends every session of a person who leaves their last organization; gives how many.
pub fn revoke_all_of_leaver(tx: &mut TenantTx<'_, '_>, user_id: UserId) -> Result<u64> {
    revoke_all(&mut tx.identities(), user_id, None)
}

/// Forgets sessions that ended a day ago or earlier: until then they say who was signed in where.
pub fn forget_ended(tx: &mut SystemTx<'_, '_>, now: Timestamp) -> Result<u64> {
    let before = now.plus_seconds(-24 * 3_600);
    tx.execute("DELETE FROM sessions WHERE expires_at < ?1 OR revoked_at < ?1", args![before])
}
