//! Background jobs and consumers of the log: once each in good times, at least once through a crash.

mod consumers;
mod crash;
mod queue;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mission_control::app::App;
use mission_control::jobs::{Kinds, work};
use mission_control::store::job::{self, Job, Listed};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::TestHub;

/// What jobs and consumers of this process have done, each under the name of its test.
static DONE: Mutex<Vec<(String, i64)>> = Mutex::new(Vec::new());

fn note(story: &str, number: i64) {
    DONE.lock().unwrap_or_else(PoisonError::into_inner).push((story.to_owned(), number));
}

/// What was done in this story, in order.
fn done(story: &str) -> Vec<i64> {
    let done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    done.iter().filter(|(other, _)| other == story).map(|(_, number)| *number).collect()
}

/// How much was done in one story before anything in the other.
fn before(one: &str, other: &str) -> usize {
    let done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    done.iter().take_while(|(story, _)| story != other).filter(|(story, _)| story == one).count()
}

/// Runners beside the one of the hub, which does not know the kinds of tests.
struct Runners {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Runners {
    /// One for each of these servers.
    fn start(apps: &[&App], kinds: impl Fn() -> Kinds) -> Runners {
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        for app in apps {
            tasks.spawn(work((*app).clone(), Arc::new(kinds()), stop.clone()));
        }
        Runners { stop, tasks }
    }

    async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }
}

async fn enqueue<J: Job>(app: &App, jobs: Vec<J>) {
    app.write_system(move |tx| {
        let now = tx.now();
        Ok(jobs.iter().try_for_each(|one| job::enqueue_for_server(tx, one, now))?)
    })
    .await
    .unwrap();
}

/// Lets the server run a job now, and waits until it is done.
pub(crate) async fn run_now<J: Job>(hub: &TestHub, job: J) {
    enqueue(hub.app(), vec![job]).await;
    until("the job is done", async || alive(hub.app(), J::KIND).await.is_empty()).await;
}

/// Jobs of this kind that wait or run.
async fn alive(app: &App, kind: &'static str) -> Vec<Listed> {
    let mut jobs = app.read_system(|tx| Ok(job::alive(tx, 10_000)?)).await.unwrap();
    jobs.retain(|job| job.kind == kind);
    jobs
}

/// Dead letters of this kind.
async fn dead(app: &App, kind: &'static str) -> Vec<Listed> {
    let mut jobs = app.read_system(|tx| Ok(job::dead(tx, 10_000)?)).await.unwrap();
    jobs.retain(|job| job.kind == kind);
    jobs
}

/// Waits until this holds; a test that waits this long has failed.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "it does not happen: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Moves the clock of the hub, and lets runners look at it.
fn travel(hub: &TestHub, seconds: i64) {
    hub.clock.travel(seconds);
    hub.app().wake().jobs_due();
}
