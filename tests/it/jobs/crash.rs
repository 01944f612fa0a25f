//! A server that is killed in the middle of a job and of a page: both come again, and nothing is lost.
//!
//! The test starts itself once more as the server that dies.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use mission_control::app::App;
use mission_control::error::Result;
use mission_control::events::{Consumer, Draft, Recorded};
use mission_control::jobs::{Context, Kind, Kinds, feed, work};
use mission_control::store::job::Job;
use mission_control::store::{Actor as Acting, Clock, Gate, SystemTx, event, organization};
use mission_control_shared::{EventKind, OrgId};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{alive, done, enqueue, note, until};
use crate::support::start_options;

const CHILD: &str = "MC_TEST_DIES_IN";

/// Notes itself in this process; in the one that dies, says that it began and never ends.
async fn begun(what: &str) {
    match std::env::var_os(CHILD) {
        Some(dir) => {
            std::fs::write(Path::new(&dir).join(what), "").unwrap();
            std::future::pending::<()>().await;
        }
        None => note(what, 1),
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Endless {}

impl Job for Endless {
    const KIND: &'static str = "test-endless";
}

impl Kind for Endless {
    async fn run(self, _: Context) -> Result<()> {
        begun("endless-job").await;
        Ok(())
    }
}

struct EndlessPage;

impl Consumer for EndlessPage {
    const NAME: &'static str = "test-endless-page";

    fn take(&mut self, _: OrgId, page: &[Recorded]) -> Result<()> {
        for event in page {
            if event.seq > 150 && std::env::var_os(CHILD).is_some() {
                tokio::runtime::Handle::current().block_on(begun("endless-page"));
            }
        }
        note("taken", page.len() as i64);
        Ok(())
    }
}

async fn open(dir: PathBuf) -> App {
    let opening = move || App::open(start_options(dir), Arc::new(Clock::default()));
    tokio::task::spawn_blocking(opening).await.unwrap().unwrap()
}

/// What the server does, in both processes.
fn serve(app: &App, stop: &CancellationToken) -> Vec<tokio::task::JoinHandle<()>> {
    let kinds = Arc::new(Kinds::default().with::<Endless>());
    vec![
        tokio::spawn(work(app.clone(), kinds, stop.clone())),
        tokio::spawn(feed(app.clone(), EndlessPage, stop.clone())),
    ]
}

async fn dies(dir: PathBuf) {
    let app = open(dir).await;
    let log = |tx: &mut SystemTx<'_, '_>| {
        mission_control::domain::organization::create(tx, "Acme", "acme")?;
        let org_id = organization::ids(tx)?[0];
        let mut tx = tx.tenant(org_id, &Acting::SYSTEM, Gate::Working)?;
        while event::head(&mut tx)?.last_seq < 250 {
            event::append(&mut tx, Draft::new(EventKind::OrgUpdated, &serde_json::json!({})))?;
        }
        Ok(())
    };
    app.write_system(log).await.unwrap();
    enqueue(&app, vec![Endless {}]).await;
    for task in serve(&app, &CancellationToken::new()) {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_and_a_page_that_a_kill_cut_off_come_again() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return dies(dir.into()).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let name = "jobs::crash::a_job_and_a_page_that_a_kill_cut_off_come_again";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env(CHILD, dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let both = async || ["endless-job", "endless-page"].iter().all(|what| dir.path().join(what).exists());
    until("both began", both).await;
    child.kill().unwrap();
    child.wait().unwrap();

    let app = open(dir.path().to_owned()).await;
    let cut_off = alive(&app, Endless::KIND).await.remove(0);
    assert!(cut_off.leased_until.is_some() && cut_off.attempts == 1, "it was running: {cut_off:?}");
    let stop = CancellationToken::new();
    let tasks = serve(&app, &stop);
    let put_back = async || alive(&app, Endless::KIND).await.iter().all(|job| job.leased_until.is_none());
    until("the job waits again", put_back).await;
    app.clock().travel(60);
    app.wake().jobs_due();
    until("the job is done", async || alive(&app, Endless::KIND).await.is_empty()).await;
    until("the page is taken", async || done("taken").iter().sum::<i64>() >= 150).await;
    assert_eq!(done("endless-job"), [1]);
    assert_eq!(done("taken"), [100, 50], "the first page was taken before the kill, the second one was not");
    stop.cancel();
    for task in tasks {
        task.await.unwrap();
    }
}
