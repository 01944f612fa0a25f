//! The audit of sign-ins: what administrators hear of sessions, failed sign-ins and dead keys.
//!
//! Written also while the organization is suspended or pending deletion: whoever reads it then is on
//! record. Called by `session`, `identity` and sign-in. Must not know: what a session or a password is.

use mission_control_shared::{ActorType, AuthPayload, EventKind, OrgId, UserId, UserStatus};

use crate::error::Result;
use crate::events::Draft;
use crate::store::user::Place;
use crate::store::{Actor, Gate, SystemTx, event, user};

/// Where a request came from, for the audit.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The client's address.
    pub address: String,
    /// What it calls itself.
    pub user_agent: String,
}

/// What an audit event says of who tried, for administrators alone.
fn draft(kind: EventKind, user_id: UserId, origin: &Origin) -> Draft {
    let payload = AuthPayload {
        user_id,
        address: Some(origin.address.as_str().into()),
        user_agent: Some(origin.user_agent.as_str().into()),
    };
    let draft = Draft::new(kind, &payload).admin_only();
    if kind == EventKind::AuthSessionRevoked { draft.subject(user_id) } else { draft }
}

/// Records what happened to a person's sign-in, in each organization that they are an active
/// member of.
pub fn record(tx: &mut SystemTx<'_, '_>, kind: EventKind, user_id: UserId, origin: &Origin) -> Result<()> {
    for place in places(tx, user_id)?.into_iter().filter(|place| place.status == UserStatus::Active) {
        // Whoever failed to sign in is not known to be that person.
        let actor = match kind {
            EventKind::AuthLoginFailure => Actor::SYSTEM,
            _ => acting(user_id, &place),
        };
        event::append(&mut tx.tenant(place.org_id, &actor, Gate::Lifecycle)?, draft(kind, user_id, origin))?;
    }
    Ok(())
}

/// Records that somebody came with a dead key that names an agent.
pub fn record_key_failure(
    tx: &mut SystemTx<'_, '_>,
    org_id: OrgId,
    user_id: UserId,
    origin: &Origin,
) -> Result<()> {
    let mut tx = tx.tenant(org_id, &Actor::SYSTEM, Gate::Lifecycle)?;
    Ok(event::append(&mut tx, draft(EventKind::AuthApiKeyFailure, user_id, origin))?)
}

pub(super) fn acting(user_id: UserId, place: &Place) -> Actor {
    Actor { user_id: Some(user_id), kind: ActorType::Human, role: place.role, ..Actor::SYSTEM }
}

/// Every place that somebody has or is invited to.
pub(super) fn places(tx: &mut SystemTx<'_, '_>, user_id: UserId) -> Result<Vec<Place>> {
    Ok(user::places(tx, user_id)?)
}
