//! Sessions of people: opened, renewed, listed, ended. Each is a family of one-hour tokens.

use mission_control_shared::{AuthPayload, EventKind, OrgId, SessionId, Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit::{self, Origin};
use crate::error::{Error, Noun, Result};
use crate::events::{Draft, Signal, Who};
use crate::store::{SystemTx, TenantTx, event, session};

pub use crate::store::session::Session;

const DAY: i64 = 86_400;
/// A session that is not renewed for so long dies.
const UNUSED_SECONDS: i64 = 30 * DAY;
/// A session older than this dies in any case.
const LONGEST_SECONDS: i64 = 180 * DAY;
/// The token before the newest still works so long: two tabs may renew at the same time.
const PREVIOUS_SECONDS: i64 = 60;

/// A session as its owner sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionInfo {
    /// Its id.
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub current: bool,
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

/// Whether the token opens the session: it is the newest, or the one before it for a moment.
pub fn accepts(session: &Session, token_id: Uuid, now: Timestamp) -> bool {
    let previous = session.previous_token_id == Some(token_id)
        && session.previous_valid_until.is_some_and(|end| now < end);
    now < session.expires_at && (session.token_id == token_id || previous)
}

/// The session, when it is alive.
pub fn find(tx: &mut SystemTx<'_, '_>, id: SessionId) -> Result<Option<Session>> {
    Ok(session::find(tx, id)?)
}

/// Opens a session.
pub fn open(
    tx: &mut SystemTx<'_, '_>,
    user_id: UserId,
    org_id: Option<OrgId>,
    origin: &Origin,
) -> Result<Session> {
    let now = tx.now();
    let session = Session {
        id: SessionId(tx.new_id()),
        user_id,
        org_id,
        token_id: tx.new_id(),
        previous_token_id: None,
        previous_valid_until: None,
        address: origin.address.clone(),
        user_agent: origin.user_agent.clone(),
        created_at: now,
        last_used_at: now,
        expires_at: now.plus_seconds(UNUSED_SECONDS),
    };
    session::insert(tx, &session)?;
    Ok(session)
}

/// Gives the session its next token. A tab that comes a moment late with the token before the
/// newest gets the newest again.
///
/// Errors: `UNAUTHENTICATED`.
pub fn renew(tx: &mut SystemTx<'_, '_>, id: SessionId, token_id: Uuid) -> Result<Session> {
    let now = tx.now();
    let mut session = find_accepting(tx, id, token_id)?;
    if session.token_id != token_id {
        return Ok(session);
    }
    session.previous_token_id = Some(token_id);
    session.previous_valid_until = Some(now.plus_seconds(PREVIOUS_SECONDS));
    session.token_id = tx.new_id();
    session.last_used_at = now;
    let longest = session.created_at.plus_seconds(LONGEST_SECONDS);
    session.expires_at = now.plus_seconds(UNUSED_SECONDS).min(longest);
    if !session::renew(tx, &session)? {
        // Another tab was faster since we read: its token is the newest.
        return find_accepting(tx, id, token_id);
    }
    tx.signal(Signal::Access { org_id: None, who: Who::User(session.user_id) });
    Ok(session)
}

fn find_accepting(tx: &mut SystemTx<'_, '_>, id: SessionId, token_id: Uuid) -> Result<Session> {
    let now = tx.now();
    let found = session::find(tx, id)?.filter(|session| accepts(session, token_id, now));
    found.ok_or(Error::Unauthenticated)
}

/// The living sessions of a person; `current` is the one that asks.
pub fn list(
    tx: &mut SystemTx<'_, '_>,
    user_id: UserId,
    current: Option<SessionId>,
) -> Result<Vec<SessionInfo>> {
    let info = |session: Session| SessionInfo {
        id: session.id,
        current: Some(session.id) == current,
        address: session.address,
        user_agent: session.user_agent,
        created_at: session.created_at,
        last_used_at: session.last_used_at,
        expires_at: session.expires_at,
    };
    Ok(session::of_user(tx, user_id)?.into_iter().map(info).collect())
}

/// Ends one session of a person. Errors: `SESSION_NOT_FOUND`.
pub fn end(tx: &mut SystemTx<'_, '_>, user_id: UserId, id: SessionId, origin: &Origin) -> Result<()> {
    if !session::revoke(tx, user_id, id)? {
        return Err(Error::NotFound(Noun::Session));
    }
    ended(tx, user_id, origin)
}

/// Ends a session by the will of its person; one that is dead already stays so.
pub fn leave(tx: &mut SystemTx<'_, '_>, user_id: UserId, id: SessionId, origin: &Origin) -> Result<()> {
    match end(tx, user_id, id, origin) {
        Err(Error::NotFound(Noun::Session)) => Ok(()),
        ended => ended,
    }
}

/// Ends the sessions of a person, all but one where one is named.
pub fn end_all(
    tx: &mut SystemTx<'_, '_>,
    user_id: UserId,
    except: Option<SessionId>,
    origin: &Origin,
) -> Result<()> {
    if session::revoke_all(tx, user_id, except)? > 0 {
        ended(tx, user_id, origin)?;
    }
    Ok(())
}

fn ended(tx: &mut SystemTx<'_, '_>, user_id: UserId, origin: &Origin) -> Result<()> {
    tx.signal(Signal::Access { org_id: None, who: Who::User(user_id) });
    audit::record(tx, EventKind::AuthSessionRevoked, user_id, origin)
}

/// Ends every session of a person who was taken out of their last organization.
pub(super) fn end_all_of_leaver(tx: &mut TenantTx<'_, '_>, user_id: UserId) -> Result<()> {
    if session::revoke_all_of_leaver(tx, user_id)? > 0 {
        let payload = AuthPayload { user_id, address: None, user_agent: None };
        let draft = Draft::new(EventKind::AuthSessionRevoked, &payload);
        event::append(tx, draft.subject(user_id).admin_only())?;
        tx.signal(Signal::Access { org_id: None, who: Who::User(user_id) });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_previous_token_works_for_a_minute() {
        let (old, new) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let session = Session {
            id: SessionId(Uuid::from_u128(3)),
            user_id: UserId(Uuid::from_u128(4)),
            org_id: None,
            token_id: new,
            previous_token_id: Some(old),
            previous_valid_until: Some(Timestamp(60)),
            address: String::new(),
            user_agent: String::new(),
            created_at: Timestamp(0),
            last_used_at: Timestamp(0),
            expires_at: Timestamp(100),
        };
        assert!(accepts(&session, old, Timestamp(59)));
        assert!(!accepts(&session, old, Timestamp(60)));
        assert!(accepts(&session, new, Timestamp(99)));
        assert!(!accepts(&session, new, Timestamp(100)));
        assert!(!accepts(&session, Uuid::from_u128(5), Timestamp(1)));
    }
}
