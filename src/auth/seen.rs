//! What need not be written more than once a minute for each user.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use mission_control_shared::{OrgId, Timestamp, UserId};

const MINUTE_SECONDS: i64 = 60;
/// Users that are remembered; beyond that all are forgotten, which costs a write each.
const REMEMBERED: usize = 10_000;

/// When something was last written for a member.
#[derive(Debug, Default)]
pub struct OncePerMinute(Mutex<HashMap<(OrgId, UserId), Timestamp>>);

impl OncePerMinute {
    /// Whether it is time to write again; then it counts as written now.
    pub fn is_due(&self, org_id: OrgId, user_id: UserId, now: Timestamp) -> bool {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written.get(&(org_id, user_id)).is_some_and(|last| now < last.plus_seconds(MINUTE_SECONDS)) {
            return false;
        }
        if written.len() >= REMEMBERED {
            written.clear();
        }
        written.insert((org_id, user_id), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn once_a_minute() {
        let (once, org, user) = (OncePerMinute::default(), OrgId(Uuid::nil()), UserId(Uuid::nil()));
        assert!(once.is_due(org, user, Timestamp(0)));
        assert!(!once.is_due(org, user, Timestamp(59_999_999)));
        assert!(once.is_due(org, user, Timestamp(60_000_000)));
    }
}
