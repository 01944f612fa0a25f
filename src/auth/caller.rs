//! The authenticated caller.

use std::sync::Arc;

use mission_control_shared::{ActorType, ApiKeyId, OrgId, OrgStatus, Role, SessionId, Timestamp, UserId, UserType};

use crate::store::Actor;

/// A live credential, before an organization is chosen.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Who.
    pub user_id: UserId,
    /// A person or an agent.
    pub kind: UserType,
    /// What they came with.
    pub credential: Credential,
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
    /// What it may do now.
    pub org_status: OrgStatus,
    /// A person or an agent.
    pub kind: UserType,
    /// What they may do.
    pub role: Role,
    /// What they came with.
    pub credential: Credential,
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
                UserType::Human => ActorType::Human,
                UserType::Agent => ActorType::Agent,
            },
            role: self.role,
            session_id: match self.credential {
                Credential::Session { id } => Some(id),
                Credential::Key { .. } => None,
            },
        }
    }
}
