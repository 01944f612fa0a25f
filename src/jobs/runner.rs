//! Runs the jobs that are due: claims them by lease, a batch in one write, and settles what came of
//! them in the next one, so that many short jobs leave room for everybody else's writes.
//!
//! Sleeps until the next due time; a commit that adds a job wakes it. It looks every now and then all
//! the same, because a clock can be set and an instance may miss a notice.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use mission_control_shared::Timestamp;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::attempt::{Ended, LONGEST_WAIT, Outcome, run, wait};
use super::{Context, Kinds, schedule};
use crate::app::App;
use crate::error::Result;
use crate::store::SystemTx;
use crate::store::job::{self, Claimed, Lease};

/// How long a claim holds without being renewed: so long a job waits when its server was killed.
const LEASE: Duration = Duration::from_secs(60);
/// Jobs that run at once.
const AT_ONCE: usize = 4;
/// Jobs that are claimed in one write.
const BATCH: i64 = 64;
/// Ended jobs that are settled in one write, and how long the first of them may wait for the others.
const SETTLED: usize = 32;
const SETTLED_AFTER: Duration = Duration::from_millis(20);
/// How often it looks without being woken.
const LOOK: Duration = Duration::from_secs(30);
/// How long it waits when the database refuses.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How long running jobs may take to end when the server stops.
const LAST_WAIT: Duration = Duration::from_secs(4);
/// A clock that went back further than this was set.
const SET_BACK: i64 = 5_000_000;

/// Runs jobs of these kinds until `stop`.
pub async fn work(app: App, kinds: Arc<Kinds>, stop: CancellationToken) {
    Runner::new(app, kinds, stop).run().await;
}

/// Lets jobs wait whose holder is gone.
fn put_back(tx: &mut SystemTx<'_, '_>, leases: &[Lease], now: Timestamp) -> Result<()> {
    for lease in leases {
        let due_at = Timestamp(now.0 + wait(lease.attempts));
        job::put_back(tx, lease, lease.attempts, due_at, Some("the server ended while it ran"))?;
    }
    Ok(())
}

struct Runner {
    app: App,
    kinds: Arc<Kinds>,
    names: Arc<[&'static str]>,
    id: Uuid,
    stop: CancellationToken,
    /// What it holds, until it is settled.
    held: HashMap<Uuid, Lease>,
    /// Claimed, not begun.
    claimed: VecDeque<Claimed>,
    running: JoinSet<Ended>,
    ended: Vec<Ended>,
    first_ended: Option<Instant>,
    /// When leases were last taken or renewed.
    renewed: Instant,
    /// When to claim again.
    next_claim: Instant,
    next_look: Instant,
    /// The clock when it was last read.
    clock: Option<(Instant, Timestamp)>,
    /// Whether due times may be wrong, because the clock was set back or may have been while no
    /// server ran.
    mend: bool,
}

/// What becomes of a run that ended.
#[derive(Clone, Debug)]
enum Settlement {
    Finish,
    /// After so many microseconds.
    Repeat(i64, String),
    Bury(String),
}

impl Runner {
    fn new(app: App, kinds: Arc<Kinds>, stop: CancellationToken) -> Runner {
        let (id, names, now) = (app.clock().id(), kinds.names().into(), Instant::now());
        Runner {
            app,
            kinds,
            names,
            id,
            stop,
            held: HashMap::new(),
            claimed: VecDeque::new(),
            running: JoinSet::new(),
            ended: Vec::new(),
            first_ended: None,
            renewed: now,
            next_claim: now,
            next_look: now,
            clock: None,
            mend: true,
        }
    }

    async fn run(mut self) {
        let mut wake = self.app.wake().jobs();
        while !self.stop.is_cancelled() {
            self.begin();
            let now = Instant::now();
            if self.must_write(now) {
                if let Err(error) = self.turn().await {
                    tracing::warn!(
                        error = super::cause(&error),
                        "jobs could not be claimed or settled, trying again"
                    );
                    tokio::select! { () = self.stop.cancelled() => {}, () = sleep(TRY_AGAIN) => {} }
                }
                continue;
            }
            if self.claimed.is_empty() && self.next_look <= now {
                if let Err(error) = self.look().await {
                    tracing::warn!(
                        error = super::cause(&error),
                        "the queue of jobs could not be read, trying again"
                    );
                    self.next_look = Instant::now() + TRY_AGAIN;
                }
                continue;
            }
            let next = self.next_event();
            tokio::select! {
                () = self.stop.cancelled() => {}
                _ = wake.changed() => self.next_look = now,
                Some(ended) = self.running.join_next(), if !self.running.is_empty() => self.note(ended.ok()),
                () = sleep_until(next) => {}
            }
        }
        self.wind_up().await;
    }

    /// Starts what was claimed, a few at once.
    fn begin(&mut self) {
        while self.running.len() < AT_ONCE {
            let Some(claimed) = self.claimed.pop_front() else { break };
            let context = Context { app: self.app.clone(), org_id: claimed.org_id, stop: self.stop.clone() };
            self.running.spawn(run(claimed, Arc::clone(&self.kinds), context));
        }
        metrics::gauge!("mc_jobs_running").set(self.running.len() as f64);
    }

    fn note(&mut self, ended: Option<Ended>) {
        if let Some(ended) = ended {
            self.first_ended.get_or_insert_with(Instant::now);
            self.ended.push(ended);
        }
    }

    fn must_write(&mut self, now: Instant) -> bool {
        while let Some(ended) = self.running.try_join_next() {
            self.note(ended.ok());
        }
        let nothing_else = self.running.is_empty() && self.claimed.is_empty();
        let settle = self.ended.len() >= SETTLED
            || self.first_ended.is_some_and(|first| nothing_else || first + SETTLED_AFTER <= now);
        let renew = !self.held.is_empty() && self.renewed + LEASE / 3 <= now;
        let claim = self.claimed.is_empty() && self.running.len() < AT_ONCE && self.next_claim <= now;
        settle || renew || claim
    }

    fn next_event(&self) -> Instant {
        let mut next = Instant::now() + LOOK;
        if self.claimed.is_empty() {
            next = next.min(self.next_look);
        }
        if !self.held.is_empty() {
            next = next.min(self.renewed + LEASE / 3);
        }
        if let Some(first) = self.first_ended {
            next = next.min(first + SETTLED_AFTER);
        }
        if self.claimed.is_empty() && self.running.len() < AT_ONCE {
            next = next.min(self.next_claim);
        }
        next
    }

    /// Looks when there is something to do, without writing.
    async fn look(&mut self) -> Result<()> {
        let names = Arc::clone(&self.names);
        let (now, next, counts) = self
            .app
            .read_system(move |tx| {
                let now = tx.database_now()?;
                Ok((now, job::next_due(tx, &names)?, job::counts(tx, now)?))
            })
            .await?;
        metrics::gauge!("mc_jobs_waiting").set(counts.waiting as f64);
        metrics::gauge!("mc_jobs_dead").set(counts.dead as f64);
        self.next_look = Instant::now() + LOOK;
        self.read_clock(now);
        self.plan(now, next);
        Ok(())
    }

    fn read_clock(&mut self, now: Timestamp) {
        if let Some((at, before)) = self.clock.replace((Instant::now(), now)) {
            let passed = i64::try_from(at.elapsed().as_micros()).unwrap_or(i64::MAX);
            self.mend |= now.0 < before.0.saturating_add(passed) - SET_BACK;
        }
    }

    /// When to claim, now that `next` is known.
    fn plan(&mut self, now: Timestamp, next: Option<Timestamp>) {
        let wait = next.map(|next| u64::try_from(next.0 - now.0).unwrap_or(0));
        self.next_claim = Instant::now() + wait.map_or(LOOK, Duration::from_micros).min(LOOK);
        if self.mend {
            self.next_claim = Instant::now();
        }
        metrics::gauge!("mc_jobs_lag_seconds")
            .set(next.map_or(0.0, |next| (now.0 - next.0).max(0) as f64 / 1e6));
    }

    /// Settles what ended, adds what schedules ask for, takes over what was left, and claims.
    async fn turn(&mut self) -> Result<()> {
        let settlements: Arc<[(Lease, Settlement)]> =
            self.ended.iter().map(|ended| (ended.lease.clone(), self.settlement(ended))).collect();
        let settled = Arc::clone(&settlements);
        let limit = if self.claimed.is_empty() { BATCH } else { 0 };
        let (id, kinds, names, mend) = (self.id, Arc::clone(&self.kinds), Arc::clone(&self.names), self.mend);
        let began = Instant::now();
        let turn = move |tx: &mut SystemTx<'_, '_>| {
            let now = tx.database_now()?;
            let mut lost = Vec::new();
            for (lease, settlement) in &*settled {
                if !settle(tx, lease, settlement, now)? {
                    lost.push(lease.id);
                }
            }
            let until = Timestamp(now.0 + micros(LEASE));
            job::renew(tx, id, until)?;
            if mend {
                schedule::keep(tx, &kinds, now)?;
                job::mend_repetitions(tx, now, now.plus_seconds(2 * LONGEST_WAIT))?;
            }
            schedule::fire(tx, &kinds, now)?;
            let mut leases = job::ended_leases(tx, now, Timestamp(until.0 + micros(LEASE)))?;
            leases.retain(|lease| lease.by != id);
            put_back(tx, &leases, now)?;
            let claimed = match limit {
                0 => Vec::new(),
                _ => job::claim(tx, &names, id, now, until, limit)?,
            };
            Ok((now, claimed, job::next_due(tx, &names)?, lost))
        };
        let (now, claimed, next, lost) = self.app.write_system(turn).await?;
        self.mend = false;
        self.renewed = began;
        self.first_ended = None;
        for (ended, (_, settlement)) in std::mem::take(&mut self.ended).iter().zip(&*settlements) {
            self.held.remove(&ended.lease.id);
            tell(ended, settlement, lost.contains(&ended.lease.id));
        }
        self.held.extend(claimed.iter().map(|job| (job.lease.id, job.lease.clone())));
        self.claimed.extend(claimed);
        self.read_clock(now);
        self.plan(now, next);
        Ok(())
    }

    fn settlement(&self, ended: &Ended) -> Settlement {
        let most = self.kinds.get(&ended.kind).map_or(0, |known| known.attempts);
        match &ended.outcome {
            Outcome::Done => Settlement::Finish,
            Outcome::Failed(error) if ended.lease.attempts < most => {
                Settlement::Repeat(wait(ended.lease.attempts), error.clone())
            }
            Outcome::Failed(error) | Outcome::Dead(error) => Settlement::Bury(error.clone()),
        }
    }

    /// Lets running jobs end, cuts off those that do not, and gives back what is left.
    async fn wind_up(mut self) {
        let end = async {
            while let Some(ended) = self.running.join_next().await {
                if let Ok(ended) = ended {
                    self.ended.push(ended);
                }
            }
        };
        let _ = timeout(LAST_WAIT, end).await;
        self.running.shutdown().await;
        let settlements: Vec<_> =
            self.ended.iter().map(|ended| (ended.lease.clone(), self.settlement(ended))).collect();
        for (lease, _) in &settlements {
            self.held.remove(&lease.id);
        }
        let given_back: Vec<Lease> = self.held.drain().map(|(_, lease)| lease).collect();
        if settlements.is_empty() && given_back.is_empty() {
            return;
        }
        let last = move |tx: &mut SystemTx<'_, '_>| {
            let now = tx.database_now()?;
            for (lease, settlement) in &settlements {
                settle(tx, lease, settlement, now)?;
            }
            for lease in &given_back {
                // A run that was cut off does not count.
                job::put_back(tx, lease, lease.attempts - 1, now, None)?;
            }
            Ok(())
        };
        if let Err(error) = self.app.write_system(last).await {
            tracing::warn!(
                error = super::cause(&error),
                "what came of the last jobs was not written: they run again"
            );
        }
    }
}

fn settle(tx: &mut SystemTx<'_, '_>, lease: &Lease, settlement: &Settlement, now: Timestamp) -> Result<bool> {
    Ok(match settlement {
        Settlement::Finish => job::finish(tx, lease)?,
        Settlement::Repeat(wait, error) => {
            job::put_back(tx, lease, lease.attempts, Timestamp(now.0 + wait), Some(error))?
        }
        Settlement::Bury(error) => job::bury(tx, lease, now, error)?,
    })
}

/// Says what became of a run, in the log and in the metrics.
fn tell(ended: &Ended, settlement: &Settlement, lost: bool) {
    let (job, kind) = (ended.lease.id, ended.kind.as_str());
    if lost {
        tracing::warn!(job.id = %job, job.kind = kind, "a job took longer than its lease, and another instance has it");
        return;
    }
    let name = match settlement {
        Settlement::Finish => "mc_jobs_done_total",
        Settlement::Repeat(wait, error) => {
            let seconds = wait / 1_000_000;
            tracing::warn!(job.id = %job, job.kind = kind, error, "a job failed, running it again in {seconds} s");
            "mc_jobs_failed_total"
        }
        Settlement::Bury(error) => {
            tracing::error!(job.id = %job, job.kind = kind, error, "a job was given up: see `mission-control jobs list`");
            "mc_jobs_given_up_total"
        }
    };
    metrics::counter!(name, "kind" => ended.kind.clone()).increment(1);
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
