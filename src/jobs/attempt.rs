//! One run of a job: its arguments are read, it is carried out, and something came of it.

use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::{Context, Kinds};
use crate::store::job::{Claimed, Lease};

/// Before the first repetition, in seconds; it doubles each time, up to the longest.
const FIRST_WAIT: i64 = 5;
pub(super) const LONGEST_WAIT: i64 = 3_600;

/// A run that ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) lease: Lease,
    pub(super) kind: String,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Done,
    Failed(String),
    /// Not worth repeating.
    Dead(String),
}

/// Carries a job out.
pub(super) async fn run(claimed: Claimed, kinds: Arc<Kinds>, context: Context) -> Ended {
    let Claimed { lease, kind, args, .. } = claimed;
    let began = Instant::now();
    let outcome = match kinds.get(&kind) {
        None => Outcome::Failed("this version does not know this kind of job".to_owned()),
        Some(known) if lease.attempts > known.attempts => {
            Outcome::Dead(format!("the server ended in each of {} runs", known.attempts))
        }
        Some(known) => match (known.start)(context, &args) {
            Err(error) => Outcome::Dead(format!("this version cannot read its arguments: {error}")),
            // A task of its own, so that a panic ends this job alone.
            Ok(running) => match AbortOnDropHandle::new(tokio::spawn(running)).await {
                Ok(Ok(())) => Outcome::Done,
                Ok(Err(error)) => Outcome::Failed(super::cause(&error)),
                Err(stopped) => Outcome::Failed(format!("the job broke off: {stopped}")),
            },
        },
    };
    metrics::histogram!("mc_jobs_run_seconds", "kind" => kind.clone()).record(began.elapsed().as_secs_f64());
    Ended { lease, kind, outcome }
}

/// How long a job waits after so many runs, in microseconds: twice as long each time, and not as long as
/// others that failed at the same moment.
pub(super) fn wait(attempts: i64) -> i64 {
    let doublings = u32::try_from((attempts - 1).clamp(0, 20)).unwrap_or(0);
    let seconds = (FIRST_WAIT << doublings).min(LONGEST_WAIT);
    let share = i64::from(getrandom::u32().unwrap_or_default() % 500);
    seconds * 1_000 * (750 + share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_differ() {
        for (attempts, seconds) in [(1, 5), (2, 10), (5, 80), (10, 2_560), (11, 3_600), (1_000, 3_600)] {
            let waits: Vec<_> = (0..50).map(|_| wait(attempts)).collect();
            assert!(
                waits.iter().all(|wait| (seconds * 750_000..seconds * 1_250_000).contains(wait)),
                "{waits:?}"
            );
            assert!(waits.iter().any(|wait| *wait != waits[0]), "everybody comes back at the same moment");
        }
    }
}
