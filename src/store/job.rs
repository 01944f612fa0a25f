//! The queue of jobs: work that is done once, some time after the change that asks for it.
//!
//! A row waits, is leased by a runner, or is a dead letter. Whoever holds the lease settles the job;
//! every statement that settles names the lease, so a runner whose lease was taken changes nothing.

use mission_control_shared::{OrgId, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{Json, Result, Row, SystemTx, TenantTx, Value};
use crate::args;
use crate::events::Signal;

/// What is to be done: the arguments, which name their kind. Kept as a JSON object.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// The name of the kind, such as `forget-answers`. Never reused for something else.
    const KIND: &'static str;

    /// Of jobs with the same key at most one waits in an organization; `None` = any number.
    fn unique_key(&self) -> Option<String> {
        None
    }
}

/// A job that a runner holds until `until`.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The job.
    pub id: Uuid,
    /// The runner.
    pub by: Uuid,
    /// Runs that began, this one included.
    pub attempts: i64,
}

/// A job that was claimed.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Who holds it.
    pub lease: Lease,
    /// The organization; `None` = the whole server.
    pub org_id: Option<OrgId>,
    /// The kind.
    pub kind: String,
    /// JSON.
    pub args: String,
    /// When it was due.
    pub due_at: Timestamp,
}

/// A job as administrators see it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The job.
    pub id: Uuid,
    /// The organization's slug.
    pub org: Option<String>,
    /// The kind.
    pub kind: String,
    /// JSON.
    pub args: String,
    /// When it is or was due.
    pub due_at: Timestamp,
    /// Runs that began.
    pub attempts: i64,
    /// Until when a runner holds it.
    pub leased_until: Option<Timestamp>,
    /// What the last run failed with.
    pub last_error: Option<String>,
    /// When it was given up.
    pub dead_at: Option<Timestamp>,
}

/// How many jobs there are; counting stops at [`COUNTED`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Due, and held by nobody.
    pub waiting: i64,
    /// Given up.
    pub dead: i64,
}

/// Where counting stops.
pub const COUNTED: i64 = 10_000;

/// Adds a job of this organization, due at `due_at`, in the transaction of the change that asks for it.
/// Where one with its unique key waits already, that one becomes due no later than this.
pub fn enqueue<J: Job>(tx: &mut TenantTx<'_, '_>, job: &J, due_at: Timestamp) -> Result<()> {
    let (id, now) = (tx.new_id(), tx.now());
    let key = job.unique_key().map(|key| format!("{}/{key}", tx.org_id()));
    let added = tx.execute(
        "INSERT INTO jobs (id, org_id, kind, args, unique_key, due_at, created_at)
         VALUES (?2, ?1, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        args![id, J::KIND, Json(job), key, due_at, now],
    )?;
    if added == 0 {
        tx.execute(
            "UPDATE jobs SET due_at = ?4
              WHERE org_id = ?1 AND kind = ?2 AND unique_key = ?3 AND leased_by IS NULL AND dead_at IS NULL
                AND due_at > ?4",
            args![J::KIND, key, due_at],
        )?;
    }
    tx.signal(Signal::JobsDue);
    Ok(())
}

/// The same for a job of the whole server.
pub fn enqueue_for_server<J: Job>(tx: &mut SystemTx<'_, '_>, job: &J, due_at: Timestamp) -> Result<()> {
    insert(tx, J::KIND, job, job.unique_key().as_deref(), due_at)
}

/// Adds a job that a schedule asks for. Where the last one still waits, that is enough.
pub fn enqueue_scheduled(tx: &mut SystemTx<'_, '_>, kind: &str, due_at: Timestamp) -> Result<()> {
    insert(tx, kind, &serde_json::json!({}), Some("scheduled"), due_at)
}

fn insert(
    tx: &mut SystemTx<'_, '_>,
    kind: &str,
    job: &impl Serialize,
    key: Option<&str>,
    due_at: Timestamp,
) -> Result<()> {
    let (id, now) = (tx.new_id(), tx.now());
    let added = tx.execute(
        "INSERT INTO jobs (id, kind, args, unique_key, due_at, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        args![id, kind, Json(job), key, due_at, now],
    )?;
    if added == 0 {
        tx.execute(
            "UPDATE jobs SET due_at = ?3
              WHERE kind = ?1 AND unique_key = ?2 AND leased_by IS NULL AND dead_at IS NULL AND due_at > ?3",
            args![kind, key, due_at],
        )?;
    }
    tx.signal(Signal::JobsDue);
    Ok(())
}

/// Up to `limit` jobs of these kinds that are due, oldest first, now held by `by` until `until`.
pub fn claim(
    tx: &mut SystemTx<'_, '_>,
    kinds: &[&str],
    by: Uuid,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<Claimed>> {
    let due = tx.rows(
        "SELECT id, org_id, kind, args, attempts, due_at FROM jobs
          WHERE leased_by IS NULL AND dead_at IS NULL AND due_at <= ?1 AND kind IN texts(?2)
          ORDER BY due_at, id LIMIT ?3 + 0",
        args![now, Json(kinds), limit],
        |row| {
            let lease = Lease { id: row.get(0)?, by, attempts: row.get::<i64>(4)? + 1 };
            let (org_id, kind, args, due_at) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(5)?);
            Ok(Claimed { lease, org_id, kind, args, due_at })
        },
    )?;
    let mut claimed = Vec::with_capacity(due.len());
    for job in due {
        // Another instance may have been faster: then the row is not as it was read.
        let mine = tx.execute(
            "UPDATE jobs SET leased_by = ?2, leased_until = ?3, attempts = ?4
              WHERE id = ?1 AND leased_by IS NULL AND dead_at IS NULL AND attempts = ?4 - 1",
            args![job.lease.id, by, until, job.lease.attempts],
        )?;
        if mine == 1 {
            claimed.push(job);
        }
    }
    Ok(claimed)
}

/// Removes a job that is done. `false`: the lease was lost.
pub fn finish(tx: &mut SystemTx<'_, '_>, lease: &Lease) -> Result<bool> {
    let done = tx.execute(
        "DELETE FROM jobs WHERE id = ?1 AND leased_by = ?2 AND attempts = ?3",
        args![lease.id, lease.by, lease.attempts],
    )?;
    Ok(done == 1)
}

/// Lets a job wait again until `due_at`, counted as run `attempts` times. Where another one with its
/// unique key waits by now, that one is enough. `false`: the lease was lost.
pub fn put_back(
    tx: &mut SystemTx<'_, '_>,
    lease: &Lease,
    attempts: i64,
    due_at: Timestamp,
    error: Option<&str>,
) -> Result<bool> {
    let back = tx.execute(
        "UPDATE jobs SET leased_by = NULL, leased_until = NULL, attempts = ?4, due_at = ?5,
                last_error = coalesce(?6, last_error)
          WHERE id = ?1 AND leased_by = ?2 AND attempts = ?3
            AND NOT EXISTS (SELECT 1 FROM jobs AS w
                             WHERE w.kind = jobs.kind AND w.unique_key = jobs.unique_key
                               AND w.leased_by IS NULL AND w.dead_at IS NULL)",
        args![lease.id, lease.by, lease.attempts, attempts, due_at, error],
    )?;
    if back == 1 {
        return Ok(true);
    }
    finish(tx, lease)
}

/// Gives a job up: it stays as a dead letter. `false`: the lease was lost.
pub fn bury(tx: &mut SystemTx<'_, '_>, lease: &Lease, now: Timestamp, error: &str) -> Result<bool> {
    let buried = tx.execute(
        "UPDATE jobs SET leased_by = NULL, leased_until = NULL, dead_at = ?4, last_error = ?5
          WHERE id = ?1 AND leased_by = ?2 AND attempts = ?3",
        args![lease.id, lease.by, lease.attempts, now, error],
    )?;
    Ok(buried == 1)
}

/// Holds what a runner holds until `until`.
pub fn renew(tx: &mut SystemTx<'_, '_>, by: Uuid, until: Timestamp) -> Result<()> {
    tx.execute("UPDATE jobs SET leased_until = ?2 WHERE leased_by = ?1", args![by, until])?;
    Ok(())
}

fn lease(row: &Row<'_>) -> Result<Lease> {
    Ok(Lease { id: row.get(0)?, by: row.get(1)?, attempts: row.get(2)? })
}

/// Leases that ended without an answer, and those that end after `latest`: a clock was ahead when they
/// were made.
pub fn ended_leases(tx: &mut SystemTx<'_, '_>, now: Timestamp, latest: Timestamp) -> Result<Vec<Lease>> {
    tx.rows(
        "SELECT id, leased_by, attempts FROM jobs
          WHERE leased_by IS NOT NULL AND (leased_until <= ?1 OR leased_until > ?2)
          ORDER BY leased_until LIMIT 100",
        args![now, latest],
        lease,
    )
}

/// Makes repetitions that are due after `latest` due now: no repetition waits that long, so a clock was
/// ahead when they were put back.
pub fn mend_repetitions(tx: &mut SystemTx<'_, '_>, now: Timestamp, latest: Timestamp) -> Result<u64> {
    tx.execute(
        "UPDATE jobs SET due_at = ?1
          WHERE leased_by IS NULL AND dead_at IS NULL AND due_at > ?2 AND attempts > 0",
        args![now, latest],
    )
}

/// When the next thing of these kinds happens: a job or a schedule is due, or a lease ends.
pub fn next_due(tx: &mut SystemTx<'_, '_>, kinds: &[&str]) -> Result<Option<Timestamp>> {
    let kinds = Json(kinds);
    let job = tx.row(
        "SELECT due_at FROM jobs WHERE leased_by IS NULL AND dead_at IS NULL AND kind IN texts(?1)
          ORDER BY due_at, id LIMIT 1",
        args![kinds],
        |row| row.get(0),
    )?;
    let lease = tx.row(
        "SELECT leased_until FROM jobs WHERE leased_by IS NOT NULL ORDER BY leased_until LIMIT 1",
        args![],
        |row| row.get(0),
    )?;
    let schedule = tx.row(
        "SELECT due_at FROM job_schedules WHERE kind IN texts(?1) ORDER BY due_at LIMIT 1",
        args![kinds],
        |row| row.get(0),
    )?;
    Ok([job, lease, schedule].into_iter().flatten().min())
}

/// When each scheduled kind is due next.
pub fn schedules(tx: &mut SystemTx<'_, '_>) -> Result<Vec<(String, Timestamp)>> {
    let sql = "SELECT kind, due_at FROM job_schedules ORDER BY due_at";
    tx.rows(sql, args![], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Keeps a schedule. One that is kept with the same expression stays due when it was.
pub fn put_schedule(
    tx: &mut SystemTx<'_, '_>,
    kind: &str,
    expression: &str,
    due_at: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO job_schedules (kind, expression, due_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (kind) DO UPDATE SET expression = excluded.expression, due_at = excluded.due_at
          WHERE job_schedules.expression <> excluded.expression",
        args![kind, expression, due_at],
    )?;
    Ok(())
}

/// Forgets the schedule of a kind that has none any more.
pub fn drop_schedule(tx: &mut SystemTx<'_, '_>, kind: &str) -> Result<()> {
    tx.execute("DELETE FROM job_schedules WHERE kind = ?1", args![kind])?;
    Ok(())
}

/// Moves a schedule from one due time to another. `false`: another instance has done it.
pub fn advance_schedule(
    tx: &mut SystemTx<'_, '_>,
    kind: &str,
    from: Timestamp,
    to: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE job_schedules SET due_at = ?3 WHERE kind = ?1 AND due_at = ?2";
    Ok(tx.execute(sql, args![kind, from, to])? == 1)
}

/// How many jobs wait and how many were given up.
pub fn counts(tx: &mut SystemTx<'_, '_>, now: Timestamp) -> Result<Counts> {
    let mut count = |sql: &str, args: &[Value<'_>]| {
        Ok::<_, super::Failure>(tx.row(sql, args, |row| row.get(0))?.unwrap_or(0))
    };
    let waiting = count(
        "SELECT count(*) FROM (SELECT 1 AS one FROM jobs
          WHERE leased_by IS NULL AND dead_at IS NULL AND due_at <= ?1 LIMIT ?2 + 0) AS counted",
        args![now, COUNTED],
    )?;
    let dead = count(
        "SELECT count(*) FROM (SELECT 1 AS one FROM jobs WHERE dead_at IS NOT NULL LIMIT ?1 + 0) AS counted",
        args![COUNTED],
    )?;
    Ok(Counts { waiting, dead })
}

const LISTED: &str =
    "SELECT j.id, o.slug, j.kind, j.args, j.due_at, j.attempts, j.leased_until, j.last_error, j.dead_at
           FROM jobs AS j LEFT JOIN organizations AS o ON o.id = j.org_id";

fn listed(row: &Row<'_>) -> Result<Listed> {
    Ok(Listed {
        id: row.get(0)?,
        org: row.get(1)?,
        kind: row.get(2)?,
        args: row.get(3)?,
        due_at: row.get(4)?,
        attempts: row.get(5)?,
        leased_until: row.get(6)?,
        last_error: row.get(7)?,
        dead_at: row.get(8)?,
    })
}

/// Up to `limit` dead letters, newest first.
pub fn dead(tx: &mut SystemTx<'_, '_>, limit: i64) -> Result<Vec<Listed>> {
    let sql = format!("{LISTED} WHERE j.dead_at IS NOT NULL ORDER BY j.dead_at DESC, j.id DESC LIMIT ?1 + 0");
    tx.rows(&sql, args![limit], listed)
}

/// Up to `limit` jobs that wait or run, the one that is due first at the top.
pub fn alive(tx: &mut SystemTx<'_, '_>, limit: i64) -> Result<Vec<Listed>> {
    let sql = format!("{LISTED} WHERE j.dead_at IS NULL ORDER BY j.due_at, j.id LIMIT ?1 + 0");
    tx.rows(&sql, args![limit], listed)
}

/// Lets a dead letter wait again, due now. `false`: it is none, or another job with its unique key waits.
pub fn revive(tx: &mut SystemTx<'_, '_>, id: Uuid, now: Timestamp) -> Result<bool> {
    let revived = tx.execute(
        "UPDATE jobs SET dead_at = NULL, attempts = 0, due_at = ?2
          WHERE id = ?1 AND dead_at IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM jobs AS w
                             WHERE w.kind = jobs.kind AND w.unique_key = jobs.unique_key
                               AND w.leased_by IS NULL AND w.dead_at IS NULL)",
        args![id, now],
    )?;
    tx.signal(Signal::JobsDue);
    Ok(revived == 1)
}

/// Removes a job that nobody runs. `false`: there is none.
pub fn remove(tx: &mut SystemTx<'_, '_>, id: Uuid) -> Result<bool> {
    Ok(tx.execute("DELETE FROM jobs WHERE id = ?1 AND leased_by IS NULL", args![id])? == 1)
}
