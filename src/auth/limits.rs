//! Limits on guessing and on asking too much.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::Clock as _;
use governor::clock::DefaultClock;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use mission_control_shared::UserId;

use super::address::counted;
use crate::domain::token;
use crate::error::{Error, Result};

/// Dead or unknown keys that one address may bring in a minute.
const FAILED_KEYS: u32 = 30;
/// So many seconds of its budget a caller may save up.
const SAVED_SECONDS: NonZeroU32 = NonZeroU32::new(4).expect("the constant is not zero");
/// Failures in a row that cost nothing.
const FREE_FAILURES: u32 = 5;
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// Pairs of account and address that are remembered.
const REMEMBERED: usize = 10_000;
/// After so many questions the limiters forget who has been quiet.
const SWEEP_AFTER: u32 = 1_024;

/// Every limit that callers can run into.
pub struct Limits {
    sign_in: Option<PerKey<IpAddr>>,
    failed_keys: Option<PerKey<IpAddr>>,
    budget: Option<PerKey<UserId>>,
    failures: Mutex<HashMap<Pair, Failures>>,
}

/// An account, by the hash of its address, and where from: nobody can lock somebody else out.
type Pair = ([u8; 32], IpAddr);

struct Failures {
    count: u32,
    until: Instant,
}

/// A limiter whose memory is bounded by who has asked lately.
struct PerKey<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, HashMapStateStore<K>, DefaultClock>,
    asked: AtomicU32,
}

impl<K: Hash + Eq + Clone> PerKey<K> {
    fn new(quota: Quota) -> Self {
        PerKey { limiter: RateLimiter::hashmap(quota), asked: AtomicU32::new(0) }
    }

    fn ask(&self, key: &K) -> Result<()> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP_AFTER == SWEEP_AFTER - 1 {
            self.limiter.retain_recent();
        }
        self.limiter
            .check_key(key)
            .map_err(|until| Error::Limited(until.wait_time_from(DefaultClock::default().now())))
    }
}

impl Limits {
    /// `sign_in` a minute and address, `budget` a second and caller; 0 = off.
    pub fn new(sign_in: u32, budget: u32) -> Limits {
        let failed_keys = NonZeroU32::new(FAILED_KEYS).expect("the constant is not zero");
        let budget = NonZeroU32::new(budget)
            .map(|rate| PerKey::new(Quota::per_second(rate).allow_burst(rate.saturating_mul(SAVED_SECONDS))));
        Limits {
            sign_in: NonZeroU32::new(sign_in).map(|rate| PerKey::new(Quota::per_minute(rate))),
            // Whoever turns the limits on guessing off turns this one off too.
            failed_keys: (sign_in > 0).then(|| PerKey::new(Quota::per_minute(failed_keys))),
            budget,
            failures: Mutex::default(),
        }
    }

    /// One try to sign in, set up, or use a link. Errors: `RATE_LIMITED`.
    pub fn try_sign_in(&self, from: IpAddr) -> Result<()> {
        self.sign_in.as_ref().map_or(Ok(()), |limit| limit.ask(&counted(from)))
    }

    /// One dead or unknown key. Errors: `RATE_LIMITED`.
    pub fn failed_key(&self, from: IpAddr) -> Result<()> {
        self.failed_keys.as_ref().map_or(Ok(()), |limit| limit.ask(&counted(from)))
    }

    /// One request of a caller. Errors: `RATE_LIMITED`.
    pub fn spend(&self, caller: UserId) -> Result<()> {
        self.budget.as_ref().map_or(Ok(()), |limit| limit.ask(&caller))
    }

    /// Whether this account may be tried from there now. Errors: `RATE_LIMITED`.
    pub fn may_try(&self, account: &str, from: IpAddr, now: Instant) -> Result<()> {
        match self.failures().get(&pair(account, from)) {
            Some(failures) if now < failures.until => Err(Error::Limited(failures.until - now)),
            _ => Ok(()),
        }
    }

    /// A try failed: the next ones have to wait longer and longer.
    pub fn failed(&self, account: &str, from: IpAddr, now: Instant) {
        let mut all = self.failures();
        if all.len() >= REMEMBERED {
            all.retain(|_, failures| now < failures.until);
        }
        if all.len() >= REMEMBERED {
            all.clear();
        }
        let failures = all.entry(pair(account, from)).or_insert(Failures { count: 0, until: now });
        failures.count = failures.count.saturating_add(1);
        failures.until = now + wait(failures.count);
    }

    /// A try worked.
    pub fn worked(&self, account: &str, from: IpAddr) {
        self.failures().remove(&pair(account, from));
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<Pair, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pair(account: &str, from: IpAddr) -> Pair {
    (token::hash(account), counted(from))
}

/// How long to wait after so many failures in a row: 1 s, doubled each time.
fn wait(failures: u32) -> Duration {
    match failures.checked_sub(FREE_FAILURES) {
        None => Duration::ZERO,
        Some(over) => Duration::from_secs(1_u64.checked_shl(over).unwrap_or(u64::MAX)).min(LONGEST_WAIT),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

    #[test]
    fn a_limit_of_zero_is_off() {
        let limits = Limits::new(0, 0);
        for _ in 0..1_000 {
            limits.try_sign_in(HERE).expect("no limit");
        }
    }

    #[test]
    fn the_eleventh_try_in_a_minute_waits() {
        let limits = Limits::new(10, 0);
        for _ in 0..10 {
            limits.try_sign_in(HERE).expect("within the limit");
        }
        assert!(matches!(limits.try_sign_in(HERE), Err(Error::Limited(_))));
        limits.try_sign_in(THERE).expect("another address");
    }

    #[test]
    fn failures_slow_down_the_account_from_that_address_alone() {
        let (limits, now) = (Limits::new(0, 0), Instant::now());
        for _ in 0..FREE_FAILURES {
            limits.may_try("ada@example.org", HERE, now).expect("free");
            limits.failed("ada@example.org", HERE, now);
        }
        assert!(limits.may_try("ada@example.org", HERE, now).is_err());
        limits.may_try("ada@example.org", THERE, now).expect("another address");
        limits.may_try("bob@example.org", HERE, now).expect("another account");
        limits.may_try("ada@example.org", HERE, now + Duration::from_secs(1)).expect("after the wait");
        limits.worked("ada@example.org", HERE);
        limits.may_try("ada@example.org", HERE, now).expect("forgotten");
    }

    #[test]
    fn the_wait_doubles_up_to_a_quarter_of_an_hour() {
        assert_eq!(wait(4), Duration::ZERO);
        assert_eq!(wait(5), Duration::from_secs(1));
        assert_eq!(wait(8), Duration::from_secs(8));
        assert_eq!(wait(u32::MAX), LONGEST_WAIT);
    }
}
