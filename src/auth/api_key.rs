//! From an API key to whose it is.

use mission_control_shared::{OrgId, UserId, UserType};

use super::caller::{Credential, Principal};
use super::secret;
use crate::error::Result;
use crate::events::Scope;
use crate::store::{SystemTx, key, user};

/// What became of a key that somebody brought.
#[derive(Clone, Debug)]
pub enum Found {
    /// It opens something.
    Live(Principal),
    /// It opens nothing, but names an agent.
    Dead {
        /// The agent's organization.
        org_id: OrgId,
        /// The agent.
        user_id: UserId,
    },
    /// It names nobody.
    Unknown,
}

/// Whose key it is: the owner part finds the candidates in one read, their hashes are compared in
/// constant time.
pub fn look_up(tx: &mut SystemTx<'_, '_>, owner: &str, hash: &[u8; 32]) -> Result<Found> {
    let candidates = key::by_owner(tx, owner)?;
    let Some(named) = candidates.first() else {
        return Ok(Found::Unknown);
    };
    let dead = |key: &key::Key| Found::Dead { org_id: key.org_id, user_id: key.user_id };
    let Some(found) = candidates.iter().find(|key| secret::is_same(&key.hash, hash)) else {
        return Ok(dead(named));
    };
    if !found.is_live(tx.now()) {
        return Ok(dead(found));
    }
    let Some(place) = user::place_in(tx, found.user_id, found.org_id)? else {
        return Ok(dead(found));
    };
    debug_assert_eq!(place.kind, UserType::Agent, "only agents have keys");
    Ok(Found::Live(Principal {
        user_id: found.user_id,
        kind: place.kind,
        credential: Credential::Key { id: found.id, org_id: found.org_id },
        scope: Scope::Organization,
        valid_until: found.expires_at,
    }))
}
