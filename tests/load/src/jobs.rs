//! What draining a full queue of jobs costs everybody else who writes.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use rusqlite::Connection;

use crate::cases::Case;
use crate::client::{Lane, Sample, drive};
use crate::seed::World;
use crate::server::Server;

/// Jobs that are due at once.
pub(crate) const JOBS: i64 = 10_000;
/// A kind of the product that writes: once for each job.
const KIND: &str = "forget-sessions";
/// Between two looks whether jobs are left.
const TURN: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(120);

/// A task created after another on one connection, with and without jobs.
pub(crate) struct Drain {
    /// Nanoseconds of each request while jobs were run.
    pub with: Vec<u64>,
    /// The same afterwards, for as long.
    pub without: Vec<u64>,
    /// How long the jobs took.
    pub drained: Duration,
}

/// Fills the queue of a stopped server, starts it, and writes while it drains the queue.
pub(crate) async fn measure(binary: &Path, data_dir: &Path, world: &World) -> Result<Drain> {
    let database = Connection::open(data_dir.join("mission-control.db"))?;
    let start = Duration::from_secs(3);
    let due = i64::try_from((SystemTime::now() + start).duration_since(UNIX_EPOCH)?.as_micros())?;
    database.execute(
        "INSERT INTO jobs (id, kind, due_at, created_at)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?3)
         SELECT randomblob(16), ?1, ?2, ?2 FROM n",
        (KIND, due, JOBS),
    )?;
    let left = || -> Result<i64> {
        Ok(database.query_row("SELECT count(*) FROM jobs WHERE kind = ?1", [KIND], |row| row.get(0))?)
    };

    let filled = Instant::now();
    let server = Server::start(binary, data_dir).await?;
    let requests: Arc<[Vec<u8>]> = Case::Create.requests(world, 0).into();
    let mut lanes = vec![Lane::open(server.address, requests, 0).await?];
    ensure!(filled.elapsed() < start, "the server took too long to start");
    (lanes, _) = drive(lanes, Case::Create.status(), start - filled.elapsed()).await?;

    let began = Instant::now();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    while left()? > 0 {
        ensure!(began.elapsed() < PATIENCE, "the queue is not empty after {PATIENCE:?}");
        let sample: Sample;
        (lanes, sample) = drive(lanes, Case::Create.status(), TURN).await?;
        with.extend(sample.nanos);
    }
    let drained = began.elapsed();
    while began.elapsed() < drained * 2 {
        let sample: Sample;
        (lanes, sample) = drive(lanes, Case::Create.status(), TURN).await?;
        without.extend(sample.nanos);
    }
    drop(lanes);
    server.stop().await?;
    Ok(Drain { with, without, drained })
}
