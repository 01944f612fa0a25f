//! The time and the ids of transactions. Tests set both.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use mission_control_shared::Timestamp;
use uuid::Uuid;

/// Where transactions take their time and ids from.
#[derive(Debug, Default)]
pub struct Clock {
    /// Microseconds added to the system's clock; tests travel with it.
    offset: AtomicI64,
    last_id: Mutex<u128>,
}

impl Clock {
    /// The time now.
    pub fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        Timestamp(micros.saturating_add(self.offset.load(Ordering::Relaxed)))
    }

    /// Moves the time by so many seconds, either way.
    pub fn travel(&self, seconds: i64) {
        self.offset.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    /// A new id (UUID version 7), greater than every id before it even when the clock jumps back.
    pub fn id(&self) -> Uuid {
        let millis = (self.now().0 / 1_000).max(0) as u64;
        let mut random = [0_u8; 10];
        getrandom::fill(&mut random).expect("the system has random numbers");
        let fresh = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().as_u128();
        let mut last = self.last_id.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Adding to the random tail keeps the version and the variant bits as they are.
        *last = if fresh > *last { fresh } else { *last + 1 };
        Uuid::from_u128(*last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_through_a_clock_that_jumps_back() {
        let clock = Clock::default();
        let before = clock.id();
        clock.travel(-3_600);
        let after = clock.id();
        assert!(after > before);
        assert_eq!(after.get_version_num(), 7);
    }
}
