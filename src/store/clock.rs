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
    ids: Mutex<Ids>,
}

/// The newest id, and random bytes for the next ones: asking the system for each id by itself costs
/// more than everything else about it.
#[derive(Debug, Default)]
struct Ids {
    last: u128,
    random: Vec<u8>,
}

/// Random bytes that the system is asked for at a time.
const RANDOM: usize = 1_280;
/// Random bytes of one id.
const TAIL: usize = 10;

impl Clock {
    /// The time now.
    pub fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        Timestamp(micros.saturating_add(self.offset.load(Ordering::Relaxed)))
    }

    /// Microseconds between this clock and the system's.
    #[cfg(feature = "postgres")]
    pub(super) fn offset(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    /// Moves the time by so many seconds, either way.
    pub fn travel(&self, seconds: i64) {
        self.offset.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    /// A new id (UUID version 7), greater than every id before it even when the clock jumps back.
    pub fn id(&self) -> Uuid {
        let millis = (self.now().0 / 1_000).max(0) as u64;
        let mut ids = self.ids.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if ids.random.is_empty() {
            ids.random.resize(RANDOM, 0);
            getrandom::fill(&mut ids.random).expect("the system has random numbers");
        }
        let mut tail = [0_u8; TAIL];
        let rest = ids.random.len() - TAIL;
        tail.copy_from_slice(&ids.random[rest..]);
        ids.random.truncate(rest);
        let fresh = uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid().as_u128();
        // Adding to the random tail keeps the version and the variant bits as they are.
        ids.last = if fresh > ids.last { fresh } else { ids.last + 1 };
        Uuid::from_u128(ids.last)
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
