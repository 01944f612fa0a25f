//! What was looked up of callers, until it may have changed.
//!
//! Invariant: nothing is kept that was read before a change and comes after it. A reader notes the
//! [`Epoch`] before it reads and keeps what it read only when no change came in between.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use mission_control_shared::{OrgId, SessionId};

use super::caller::{Credential, Member, Principal};
use crate::domain::session::Session;
use crate::events::Who;

/// Entries of each kind; beyond that all of the kind are forgotten.
const KEPT: usize = 4_096;

/// How many changes there had been when a reader began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(u64);

/// What is known of callers.
#[derive(Debug, Default)]
pub struct Cache(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    changes: u64,
    /// By SHA-256 of the whole key.
    keys: HashMap<[u8; 32], Principal>,
    sessions: HashMap<SessionId, Arc<Session>>,
    /// By credential and slug.
    members: HashMap<(Credential, String), Arc<Member>>,
}

impl Cache {
    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be noted before a read whose result is to be kept.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.read().changes)
    }

    /// Whose key has this hash.
    pub fn key(&self, hash: &[u8; 32]) -> Option<Principal> {
        self.read().keys.get(hash).cloned()
    }

    /// The session with this id.
    pub fn session(&self, id: SessionId) -> Option<Arc<Session>> {
        self.read().sessions.get(&id).cloned()
    }

    /// The member that this credential is in the organization with this slug.
    pub fn member(&self, at: &(Credential, String)) -> Option<Arc<Member>> {
        self.read().members.get(at).cloned()
    }

    /// Keeps whose key it is.
    pub fn keep_key(&self, epoch: Epoch, hash: [u8; 32], principal: Principal) {
        self.keep(epoch, |known| insert(&mut known.keys, hash, principal));
    }

    /// Keeps a session.
    pub fn keep_session(&self, epoch: Epoch, session: Arc<Session>) {
        self.keep(epoch, |known| insert(&mut known.sessions, session.id, session));
    }

    /// Keeps a member.
    pub fn keep_member(&self, epoch: Epoch, at: (Credential, String), member: Arc<Member>) {
        self.keep(epoch, |known| insert(&mut known.members, at, member));
    }

    fn keep(&self, epoch: Epoch, insert: impl FnOnce(&mut Known)) {
        let mut known = self.write();
        if known.changes == epoch.0 {
            insert(&mut known);
        }
    }

    /// Forgets what is known of these users in one organization, or at all, and what is being read
    /// of anybody. Sessions reach further than one organization and stay when one is named.
    pub fn forget(&self, org_id: Option<OrgId>, who: Who) {
        let mut known = self.write();
        known.changes += 1;
        let concerns = |of: OrgId| org_id.is_none_or(|org_id| org_id == of);
        known.members.retain(|_, member| !who.includes(member.user_id) || !concerns(member.org_id));
        known.keys.retain(|_, principal| match principal.credential {
            Credential::Key { org_id, .. } => !who.includes(principal.user_id) || !concerns(org_id),
            Credential::Session { .. } => false,
        });
        if org_id.is_none() {
            known.sessions.retain(|_, session| !who.includes(session.user_id));
        }
    }

    /// Forgets everything.
    pub fn forget_all(&self) {
        let mut known = self.write();
        *known = Known { changes: known.changes + 1, ..Known::default() };
    }
}

fn insert<K: std::hash::Hash + Eq, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= KEPT {
        map.clear();
    }
    map.insert(key, value);
}

#[cfg(test)]
mod tests {
    use mission_control_shared::{ApiKeyId, UserId, UserType};
    use uuid::Uuid;

    use super::*;
    use crate::events::Scope;

    fn principal(user: u128) -> Principal {
        let credential = Credential::Key { id: ApiKeyId(Uuid::nil()), org_id: OrgId(Uuid::nil()) };
        Principal {
            user_id: UserId(Uuid::from_u128(user)),
            kind: UserType::Agent,
            credential,
            scope: Scope::Organization,
            valid_until: None,
        }
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let cache = Cache::default();
        let before = cache.epoch();
        cache.forget(None, Who::User(UserId(Uuid::from_u128(9))));
        cache.keep_key(before, [1; 32], principal(1));
        assert!(cache.key(&[1; 32]).is_none());
        cache.keep_key(cache.epoch(), [1; 32], principal(1));
        assert!(cache.key(&[1; 32]).is_some());
    }

    #[test]
    fn a_change_forgets_that_user_alone() {
        let cache = Cache::default();
        let epoch = cache.epoch();
        cache.keep_key(epoch, [1; 32], principal(1));
        cache.keep_key(epoch, [2; 32], principal(2));
        cache.forget(Some(OrgId(Uuid::max())), Who::User(UserId(Uuid::from_u128(1))));
        assert!(cache.key(&[1; 32]).is_some(), "another organization is no concern of the key");
        cache.forget(Some(OrgId(Uuid::nil())), Who::User(UserId(Uuid::from_u128(1))));
        assert!(cache.key(&[1; 32]).is_none());
        assert!(cache.key(&[2; 32]).is_some());
        cache.forget_all();
        assert!(cache.key(&[2; 32]).is_none());
    }

    #[test]
    fn everybody_of_one_organization_is_forgotten_and_nobody_of_another() {
        let cache = Cache::default();
        let epoch = cache.epoch();
        let elsewhere = Principal {
            credential: Credential::Key { id: ApiKeyId(Uuid::nil()), org_id: OrgId(Uuid::max()) },
            ..principal(3)
        };
        cache.keep_key(epoch, [1; 32], principal(1));
        cache.keep_key(epoch, [2; 32], principal(2));
        cache.keep_key(epoch, [3; 32], elsewhere);
        cache.forget(Some(OrgId(Uuid::nil())), Who::Everybody);
        assert!(cache.key(&[1; 32]).is_none());
        assert!(cache.key(&[2; 32]).is_none());
        assert!(cache.key(&[3; 32]).is_some());
    }

    #[test]
    fn memory_is_bounded() {
        let cache = Cache::default();
        for number in 0..=KEPT as u128 {
            let mut hash = [0; 32];
            hash[..16].copy_from_slice(&number.to_le_bytes());
            cache.keep_key(cache.epoch(), hash, principal(number));
        }
        assert!(cache.read().keys.len() <= KEPT);
    }
}
