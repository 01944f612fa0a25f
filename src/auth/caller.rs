//! The authenticated caller.

use std::sync::Arc;

use mission_control_shared::{ActorType, ApiKeyId, OrgId, Role, SessionId, Timestamp, UserId, UserType};

use crate::error::Result;
use crate::events::Scope;
use crate::store::user::Place;
use crate::store::{Actor, SystemTx, key, session, user};

/// A live credential, before an organization is chosen.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Who.
    pub user_id: UserId,
    /// A person or an agent.
    pub kind: UserType,
    /// What they came with.
    pub credential: Credential,
    /// How much of the organization the credential opens.
    pub scope: Scope,
    /// When the credential dies by itself, where that is known.
    pub valid_until: Option<Timestamp>,
}

/// What somebody came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    /// An API key, which belongs to one organization.
    Key {
        /// The key.
        id: ApiKeyId,
        /// Its organization.
        org_id: OrgId,
    },
    /// A session.
    Session {
        /// The family.
        id: SessionId,
    },
}

/// A member of the organization in the path. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller(pub Arc<Member>);

/// What is known of a caller.
#[derive(Clone, Debug)]
pub struct Member {
    /// Who.
    pub user_id: UserId,
    /// The organization.
    pub org_id: OrgId,
    /// A person or an agent.
    pub kind: UserType,
    /// What they may do.
    pub role: Role,
    /// What they came with.
    pub credential: Credential,
    /// How much of the organization the credential opens.
    pub scope: Scope,
    /// When the credential dies by itself.
    pub valid_until: Option<Timestamp>,
}

impl std::ops::Deref for Caller {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.0
    }
}

impl Member {
    /// As an actor in transactions.
    pub fn actor(&self) -> Actor {
        Actor {
            user_id: Some(self.user_id),
            kind: match self.kind {
                _ if self.scope.is_confined() => ActorType::SubAgent,
                UserType::Human => ActorType::Human,
                UserType::Agent => ActorType::Agent,
            },
            role: self.role,
            scope: self.scope.clone(),
            session_id: match self.credential {
                Credential::Session { id } => Some(id),
                Credential::Key { .. } => None,
            },
        }
    }
}

impl Principal {
    /// As a member of the organization that `place` names.
    pub fn member(&self, place: &Place) -> Member {
        Member {
            user_id: self.user_id,
            org_id: place.org_id,
            kind: place.kind,
            role: place.role,
            credential: self.credential,
            scope: self.scope.clone(),
            valid_until: self.valid_until,
        }
    }

    /// The member that they are in the organization with this slug; a key belongs to its own alone.
    pub fn member_of(&self, tx: &mut SystemTx<'_, '_>, slug: &str) -> Result<Option<Member>> {
        let place = user::place_by_slug(tx, self.user_id, slug)?;
        let place = place.filter(|place| match self.credential {
            Credential::Key { org_id, .. } => org_id == place.org_id,
            Credential::Session { .. } => true,
        });
        Ok(place.map(|place| self.member(&place)))
    }
}

/// The member as they are now; `None` when the credential or the membership is gone.
pub fn still_live(tx: &mut SystemTx<'_, '_>, member: &Member) -> Result<Option<Member>> {
    let now = tx.now();
    let valid_until = match member.credential {
        Credential::Key { id, .. } => match key::find(tx, id)?.filter(|key| key.is_live(now)) {
            Some(key) => key.expires_at,
            None => return Ok(None),
        },
        Credential::Session { id } => match session::find(tx, id)? {
            Some(session) => Some(session.expires_at),
            None => return Ok(None),
        },
    };
    let principal = Principal {
        user_id: member.user_id,
        kind: member.kind,
        credential: member.credential,
        scope: member.scope.clone(),
        valid_until,
    };
    let place = user::place_in(tx, member.user_id, member.org_id)?;
    Ok(place.map(|place| principal.member(&place)))
}
