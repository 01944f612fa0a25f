//! What runs beside the requests: jobs from a durable queue, consumers of the event log, and timers.
//!
//! Started by the server, stopped with it. Several instances may run on one database: a job and the
//! cursor of a consumer are held by lease. Learns of changes from the log and the queue alone.
//!
//! **A new kind of job.** Its arguments are a struct that says its name:
//!
//! ```
//! # use serde::{Deserialize, Serialize};
//! #[derive(Serialize, Deserialize)]
//! struct RemoveOrphans {}
//!
//! impl mission_control::store::job::Job for RemoveOrphans {
//!     const KIND: &'static str = "remove-orphans";
//! }
//!
//! impl mission_control::jobs::Kind for RemoveOrphans {
//!     const SCHEDULE: Option<&'static str> = Some("30 * * * *"); // left out: only when it is enqueued
//!
//!     async fn run(self, context: mission_control::jobs::Context) -> mission_control::error::Result<()> {
//!         // Small writes, one after the other: context.app.write_system(…).await?;
//! #       let _ = context;
//!         Ok(())
//!     }
//! }
//! ```
//!
//! Put it into a file here and add a line to [`kinds`]. A struct that `domain` enqueues stands, with its
//! `Job`, where it is enqueued: `store::job::enqueue(tx, &RemoveOrphans {}, due_at)` in the transaction
//! of the change; only `Kind` is implemented here, so `domain` needs nothing of this module. What a
//! released version has enqueued must stay readable: new fields get a default.
//!
//! **A new consumer** is a type with [`Consumer`](crate::events::Consumer) and a line in [`run`].
//!
//! Must not know: HTTP.

mod attempt;
mod consumers;
mod forget_answers;
mod forget_sessions;
mod kind;
mod remove_unattached_files;
mod runner;
mod schedule;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::error::Error;

pub use self::consumers::feed;
pub use self::forget_answers::ForgetAnswers;
pub use self::forget_sessions::ForgetSessions;
pub use self::kind::{Context, Kind, Kinds};
pub use self::remove_unattached_files::RemoveUnattachedFiles;
pub use self::runner::work;

/// How often a stream hears that the server is there.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Characters of an error that are kept and logged.
const ERROR_LENGTH: usize = 2_000;

/// Every kind of job of this build.
pub fn kinds() -> Kinds {
    Kinds::default().with::<ForgetAnswers>().with::<ForgetSessions>().with::<RemoveUnattachedFiles>()
}

/// Runs everything until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    let mut tasks = JoinSet::new();
    tasks.spawn(timers(app.clone(), stop.clone()));
    tasks.spawn(work(app.clone(), Arc::new(kinds()), stop.clone()));
    // Consumers: tasks.spawn(feed(app.clone(), Consumer, stop.clone()));
    while tasks.join_next().await.is_some() {}
}

async fn timers(app: App, stop: CancellationToken) {
    let mut heartbeat = tokio::time::interval_at(tokio::time::Instant::now() + HEARTBEAT, HEARTBEAT);
    let mut upkeep = tokio::time::interval(crate::observe::UPKEEP);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = heartbeat.tick() => app.hub().heartbeat(),
            _ = upkeep.tick() => crate::observe::recorder().run_upkeep(),
        }
    }
}

/// What an error says to administrators: of an internal one the causes, which its text hides from users.
fn cause(error: &Error) -> String {
    let text = match error {
        Error::Internal(cause) => format!("{cause:#}"),
        other => other.to_string(),
    };
    text.chars().take(ERROR_LENGTH).collect()
}
