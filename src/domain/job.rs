//! The queue of background jobs as administrators of the server see it.

use mission_control_shared::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Noun, Result};
use crate::store::SystemTx;
use crate::store::job::{self, Listed};

/// Jobs in a list at most.
const MOST: i64 = 1_000;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Not due yet, or soon to be run.
    Waiting,
    /// A server runs it.
    Running,
    /// Given up: it failed too often.
    Dead,
}

/// A job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobSummary {
    /// Its id.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// The organization's slug; `None` = the whole server.
    pub org: Option<String>,
    /// Where it stands.
    pub state: JobState,
    /// When it is, or was, due.
    pub due_at: Timestamp,
    /// How often it was begun.
    pub attempts: i64,
    /// When it was given up.
    pub dead_at: Option<Timestamp>,
    /// What it failed with the last time.
    pub last_error: Option<String>,
    /// Its arguments.
    pub args: serde_json::Value,
}

impl From<Listed> for JobSummary {
    fn from(job: Listed) -> JobSummary {
        let state = match (job.dead_at, job.leased_until) {
            (Some(_), _) => JobState::Dead,
            (None, Some(_)) => JobState::Running,
            (None, None) => JobState::Waiting,
        };
        JobSummary {
            id: job.id,
            kind: job.kind,
            org: job.org,
            state,
            due_at: job.due_at,
            attempts: job.attempts,
            dead_at: job.dead_at,
            last_error: job.last_error,
            args: serde_json::from_str(&job.args).unwrap_or_default(),
        }
    }
}

/// The newest dead letters; with `all`, also jobs that wait or run.
pub fn list(tx: &mut SystemTx<'_, '_>, all: bool) -> Result<Vec<JobSummary>> {
    let mut jobs = job::dead(tx, MOST)?;
    if all {
        jobs.extend(job::alive(tx, MOST)?);
    }
    Ok(jobs.into_iter().map(JobSummary::from).collect())
}

/// Lets a dead letter, or every one, wait again, due now. Gives how many; one that does the same as a
/// job that waits already stays.
///
/// Errors: `JOB_NOT_FOUND` when there is no such dead letter.
pub fn retry(tx: &mut SystemTx<'_, '_>, id: Option<Uuid>) -> Result<u64> {
    let now = tx.database_now()?;
    let ids = match id {
        Some(id) => vec![id],
        None => job::dead(tx, MOST)?.into_iter().map(|job| job.id).collect(),
    };
    let mut count = 0;
    for id in ids {
        count += u64::from(job::revive(tx, id, now)?);
    }
    if id.is_some() && count == 0 {
        return Err(Error::NotFound(Noun::Job));
    }
    Ok(count)
}

/// Removes a job that no server runs.
///
/// Errors: `JOB_NOT_FOUND`.
pub fn remove(tx: &mut SystemTx<'_, '_>, id: Uuid) -> Result<()> {
    if job::remove(tx, id)? { Ok(()) } else { Err(Error::NotFound(Noun::Job)) }
}
