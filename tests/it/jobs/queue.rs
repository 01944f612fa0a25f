//! The queue: claims, repetitions, dead letters, keys, schedules, and clocks that jump.

use mission_control::app::App;
use mission_control::error::{Error, Result};
use mission_control::jobs::{Context, Kind, Kinds};
use mission_control::store::job::{self, Job};
use mission_control::store::{Actor as Acting, Clock, Gate};
use mission_control_shared::OrgId;
use serde::{Deserialize, Serialize};

use super::{Runners, alive, dead, done, enqueue, note, travel, until};
use crate::support::{TestHub, text};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// A first day of a month lies in it in any case.
const MONTH: i64 = 31 * DAY;

/// Notes its number.
#[derive(Clone, Serialize, Deserialize)]
struct Note {
    story: String,
    number: i64,
}

impl Job for Note {
    const KIND: &'static str = "test-note";
}

impl Kind for Note {
    async fn run(self, _: Context) -> Result<()> {
        tokio::task::yield_now().await;
        note(&self.story, self.number);
        Ok(())
    }
}

/// Fails until its story was noted often enough.
#[derive(Clone, Serialize, Deserialize)]
struct Fail {
    story: String,
    until: usize,
    panics: bool,
}

impl Job for Fail {
    const KIND: &'static str = "test-fail";
}

impl Kind for Fail {
    const ATTEMPTS: i64 = 3;

    async fn run(self, _: Context) -> Result<()> {
        note(&self.story, 1);
        if done(&self.story).len() > self.until {
            return Ok(());
        }
        assert!(!self.panics, "as the test wants it");
        Err(Error::Internal(anyhow::anyhow!("the printer is on fire")))
    }
}

fn kinds() -> Kinds {
    Kinds::default().with::<Note>().with::<Fail>()
}

fn notes(story: &str, count: i64) -> Vec<Note> {
    (0..count).map(|number| Note { story: story.to_owned(), number }).collect()
}

/// Another server on the same database, where the engine allows one; on SQLite the same one again.
async fn second(hub: &TestHub) -> (App, Option<tempfile::TempDir>) {
    if hub.config.database.url.is_none() {
        return (hub.app().clone(), None);
    }
    let dir = tempfile::tempdir().unwrap();
    let mut config = hub.config.clone();
    config.data.dir = dir.path().to_owned();
    let opening =
        tokio::task::spawn_blocking(move || App::open(config, std::sync::Arc::new(Clock::default())));
    (opening.await.unwrap().unwrap(), Some(dir))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runners_do_each_job_once() {
    let hub = TestHub::start().await;
    let (other, _dir) = second(&hub).await;
    let runners = Runners::start(&[hub.app(), &other], kinds);
    for _ in 0..4 {
        enqueue(hub.app(), notes("two runners", 100)).await;
    }
    until("every job is done", async || alive(hub.app(), Note::KIND).await.is_empty()).await;
    runners.stop().await;
    let mut numbers = done("two runners");
    numbers.sort_unstable();
    let expected: Vec<i64> = (0..100).flat_map(|number| [number; 4]).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test]
async fn a_job_that_fails_waits_longer_each_time_and_then_succeeds() {
    let hub = TestHub::start().await;
    let runners = Runners::start(&[hub.app()], kinds);
    enqueue(hub.app(), vec![Fail { story: "succeeds".to_owned(), until: 2, panics: false }]).await;
    let mut waits = Vec::new();
    for attempt in 1..3 {
        let failed = async || {
            alive(hub.app(), Fail::KIND)
                .await
                .iter()
                .any(|job| job.attempts == attempt && job.leased_until.is_none())
        };
        until("it fails", failed).await;
        let job = alive(hub.app(), Fail::KIND).await.remove(0);
        assert_eq!(job.last_error.as_deref(), Some("the printer is on fire"));
        waits.push(job.due_at.0 - hub.clock.now().0);
        assert_eq!(done("succeeds").len() as i64, attempt, "it waits");
        travel(&hub, 20);
    }
    assert!(waits[0] < 6_250_000 && waits[1] > 6_250_000, "{waits:?}");
    until("it succeeds", async || alive(hub.app(), Fail::KIND).await.is_empty()).await;
    assert_eq!(done("succeeds").len(), 3);
    runners.stop().await;
}

#[tokio::test]
async fn a_job_that_fails_too_often_becomes_a_dead_letter_until_somebody_retries_it() {
    let hub = TestHub::start().await;
    let runners = Runners::start(&[hub.app()], kinds);
    enqueue(hub.app(), vec![Fail { story: "dead letter".to_owned(), until: 3, panics: true }]).await;
    let gives_up = async || {
        // Not while it runs: its lease would end, and the server's own runner would take it over.
        let now = hub.clock.now();
        if alive(hub.app(), Fail::KIND).await.iter().any(|job| job.leased_until.is_none() && job.due_at > now)
        {
            travel(&hub, HOUR);
        }
        !dead(hub.app(), Fail::KIND).await.is_empty()
    };
    until("it is given up", gives_up).await;
    let letter = dead(hub.app(), Fail::KIND).await.remove(0);
    assert_eq!((letter.attempts, done("dead letter").len()), (3, 3));
    assert!(letter.last_error.unwrap().starts_with("the job broke off"), "a panic is a failure");

    let id = letter.id;
    let retry = hub.app().write_system(move |tx| mission_control::domain::job::retry(tx, Some(id)));
    assert_eq!(retry.await.unwrap(), 1);
    let gone = async || {
        alive(hub.app(), Fail::KIND).await.is_empty() && dead(hub.app(), Fail::KIND).await.is_empty()
    };
    until("it succeeds", gone).await;
    assert_eq!(done("dead letter").len(), 4);
    let again = hub.app().write_system(move |tx| mission_control::domain::job::retry(tx, Some(id))).await;
    assert_eq!(again.unwrap_err().to_string(), "job not found");
    runners.stop().await;
}

/// Not known to the runners.
#[derive(Clone, Serialize, Deserialize)]
struct FromTheFuture {
    number: i64,
}

impl Job for FromTheFuture {
    const KIND: &'static str = "test-from-the-future";
}

/// What an earlier version enqueued as `test-note`.
#[derive(Clone, Serialize, Deserialize)]
struct OldNote {
    number: i64,
}

impl Job for OldNote {
    const KIND: &'static str = Note::KIND;
}

#[tokio::test]
async fn what_this_version_does_not_know_is_kept_and_what_it_cannot_read_is_a_dead_letter() {
    let hub = TestHub::start().await;
    enqueue(hub.app(), vec![FromTheFuture { number: 7 }; 3]).await;
    enqueue(hub.app(), vec![OldNote { number: 1 }]).await;
    enqueue(hub.app(), notes("after the unknown", 1)).await;
    let runners = Runners::start(&[hub.app()], kinds);
    until("the known one is done", async || done("after the unknown") == [0]).await;
    until("the unreadable one is given up", async || !dead(hub.app(), Note::KIND).await.is_empty()).await;
    let letter = dead(hub.app(), Note::KIND).await.remove(0);
    let why = letter.last_error.unwrap();
    assert!(why.starts_with("this version cannot read its arguments: missing field `story`"), "{why}");
    let kept = alive(hub.app(), FromTheFuture::KIND).await;
    assert!(
        kept.len() == 3 && kept.iter().all(|job| job.attempts == 0 && job.args.contains('7')),
        "{kept:?}"
    );
    runners.stop().await;
}

/// At most one waits for each name.
#[derive(Clone, Serialize, Deserialize)]
struct Tidy {
    name: String,
}

impl Job for Tidy {
    const KIND: &'static str = "test-tidy";

    fn unique_key(&self) -> Option<String> {
        Some(self.name.clone())
    }
}

#[tokio::test]
async fn of_jobs_with_one_key_one_waits_in_each_organization_at_the_earliest_time() {
    let hub = TestHub::start().await;
    let mut ids = Vec::new();
    for slug in ["acme", "umbrella"] {
        let tenant = hub.tenant(slug).await;
        let organization = tenant.admin.get(&tenant.path("")).await.json();
        ids.push(text(&organization, "id").parse::<OrgId>().unwrap());
    }
    let now = hub.clock.now();
    for (seconds, name) in [(60, "desk"), (30, "desk"), (90, "desk"), (10, "floor")] {
        for org_id in ids.clone() {
            let tidy = Tidy { name: name.to_owned() };
            hub.app()
                .write_system(move |tx| {
                    let mut tx = tx.tenant(org_id, &Acting::SYSTEM, Gate::Working)?;
                    Ok(job::enqueue(&mut tx, &tidy, now.plus_seconds(seconds))?)
                })
                .await
                .unwrap();
        }
    }
    let due: Vec<_> =
        alive(hub.app(), Tidy::KIND).await.iter().map(|job| (job.due_at.0 - now.0) / 1_000_000).collect();
    assert_eq!(due, [10, 10, 30, 30]);
}

/// Happens every month.
#[derive(Serialize, Deserialize)]
struct Monthly {}

impl Job for Monthly {
    const KIND: &'static str = "test-monthly";
}

impl Kind for Monthly {
    const SCHEDULE: Option<&'static str> = Some("0 0 1 * *");

    async fn run(self, _: Context) -> Result<()> {
        note("monthly", 1);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_makes_one_job_for_each_due_time_and_survives_restarts_and_clocks() {
    let hub = TestHub::start().await;
    let (other, _dir) = second(&hub).await;
    if hub.config.database.url.is_some() {
        // Each server has a clock of its own there, and only one of them travels.
        return;
    }
    let scheduled = || Kinds::default().with::<Monthly>();
    let due = async || {
        let due = |tx: &mut mission_control::store::SystemTx<'_, '_>| Ok(job::schedules(tx)?);
        let found = hub.app().read_system(due).await.unwrap();
        found.into_iter().find(|(kind, _)| kind == Monthly::KIND).map(|(_, due)| due)
    };
    for round in 1..=4 {
        let runners = Runners::start(&[hub.app(), &other], scheduled);
        until("the schedule is kept", async || due().await.is_some()).await;
        travel(&hub, MONTH);
        until("it happens", async || done("monthly").len() >= round).await;
        runners.stop().await;
    }
    assert_eq!(done("monthly").len(), 4);

    // Five due times that nobody was there for make one job.
    travel(&hub, 5 * MONTH);
    let runners = Runners::start(&[hub.app(), &other], scheduled);
    until("the missed ones happen", async || done("monthly").len() >= 5).await;
    let next = due().await.unwrap();
    assert!(next > hub.clock.now() && next <= hub.clock.now().plus_seconds(MONTH), "{next}");

    // A clock that was far ahead is set right: the schedule comes back with it.
    travel(&hub, 3_650 * DAY);
    until("it happens in the future", async || done("monthly").len() >= 6).await;
    travel(&hub, -3_650 * DAY);
    until("it is due soon again", async || due().await.unwrap() <= hub.clock.now().plus_seconds(MONTH)).await;
    runners.stop().await;
    assert_eq!(done("monthly").len(), 6);
}

#[tokio::test]
async fn a_repetition_does_not_wait_for_a_clock_that_was_ahead() {
    let hub = TestHub::start().await;
    let runners = Runners::start(&[hub.app()], kinds);
    travel(&hub, 10 * DAY);
    enqueue(hub.app(), vec![Fail { story: "ahead".to_owned(), until: 1, panics: false }]).await;
    until("it fails", async || alive(hub.app(), Fail::KIND).await.iter().any(|job| job.last_error.is_some()))
        .await;
    travel(&hub, -10 * DAY);
    until("it is repeated", async || alive(hub.app(), Fail::KIND).await.is_empty()).await;
    assert_eq!(done("ahead").len(), 2);
    runners.stop().await;
}
