//! How long to wait before the next attempt: doubling, with jitter, up to a limit.

use std::time::Duration;

/// Waits that grow until [`Backoff::reset`].
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Default for Backoff {
    /// From one second to one minute.
    fn default() -> Backoff {
        Backoff::new(Duration::from_secs(1), Duration::from_secs(60))
    }
}

impl Backoff {
    /// Begins at `first` and doubles up to `longest`.
    pub const fn new(first: Duration, longest: Duration) -> Backoff {
        Backoff { first, longest, next: first }
    }

    /// The next wait: a random share between half and all of it, so that clients that were cut off
    /// together do not return together.
    #[expect(clippy::should_implement_trait, reason = "it never ends, and an iterator would say it may")]
    pub fn next(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(self.longest);
        let half = whole / 2;
        half + half.mul_f64(fraction())
    }

    /// An attempt succeeded: the next wait is the first again.
    pub fn reset(&mut self) {
        self.next = self.first;
    }

    /// Changes the first wait, within the limit.
    pub(crate) fn start_at(&mut self, first: Duration) {
        self.first = first.min(self.longest);
    }
}

/// A random number from 0 to 1.
fn fraction() -> f64 {
    // Without randomness the whole wait is as good.
    getrandom::u32().map_or(1.0, |number| f64::from(number) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_start_over() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        for whole in [1, 2, 4, 8, 16, 32, 60, 60] {
            let wait = backoff.next();
            assert!(wait >= Duration::from_secs(whole) / 2 && wait <= Duration::from_secs(whole), "{wait:?}");
        }
        backoff.reset();
        assert!(backoff.next() <= Duration::from_secs(1));
    }
}
