//! What a kind of job is, and the list of those that this build knows.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use mission_control_shared::OrgId;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::error::Result;
use crate::store::job::Job;

/// A kind of job: how its arguments are carried out.
pub trait Kind: Job {
    /// Runs that may begin before the job is given up.
    const ATTEMPTS: i64 = 12;
    /// When it happens by itself: a cron expression in UTC. The arguments are then read from `{}`.
    const SCHEDULE: Option<&'static str> = None;

    /// Does it. Runs again after an error and after a crash, so doing it twice must be the same as doing
    /// it once. Long work is cut into small writes and ends early when `context.stop` is cancelled.
    ///
    /// Errors: any; the job is repeated later.
    fn run(self, context: Context) -> impl Future<Output = Result<()>> + Send;
}

/// What a run is given.
#[derive(Clone)]
pub struct Context {
    /// The server.
    pub app: App,
    /// The organization that the job belongs to; `None` = the whole server.
    pub org_id: Option<OrgId>,
    /// Cancelled when the server stops: a job that has not ended a few seconds later is cut off and
    /// repeated after the next start.
    pub stop: CancellationToken,
}

/// A run that was made from a row.
pub(super) type Running = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// What is known of a kind.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) attempts: i64,
    pub(super) schedule: Option<&'static str>,
    /// Reads the arguments and makes the run.
    pub(super) start: fn(Context, &str) -> serde_json::Result<Running>,
}

/// The kinds of jobs that a runner runs. Jobs of other kinds are left alone.
#[derive(Default)]
pub struct Kinds(BTreeMap<&'static str, Known>);

impl Kinds {
    /// These and `K`.
    #[must_use]
    pub fn with<K: Kind>(mut self) -> Kinds {
        let known = Known { attempts: K::ATTEMPTS, schedule: K::SCHEDULE, start: start::<K> };
        let before = self.0.insert(K::KIND, known);
        assert!(before.is_none(), "two kinds of jobs are named `{}`", K::KIND);
        self
    }

    pub(super) fn get(&self, kind: &str) -> Option<Known> {
        self.0.get(kind).copied()
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    pub(super) fn schedules(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0.iter().filter_map(|(kind, known)| Some((*kind, known.schedule?)))
    }
}

fn start<K: Kind>(context: Context, args: &str) -> serde_json::Result<Running> {
    let job: K = serde_json::from_str(args)?;
    Ok(Box::pin(job.run(context)))
}
