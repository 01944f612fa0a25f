//! Baseline (b): rusqlite alone writes the rows of created tasks; and what one fsync takes.
//!
//! The same file format, settings and statements as the server's writer, one prepared statement for
//! each row, transactions of a given size; no queue, no savepoints, no checks, no answers.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::process;
use crate::seed::DESCRIPTION;
use crate::server::Writer;

/// One fsync is measured so often at most.
const PROBES: usize = 2_000;
/// Tasks in one transaction when a database is filled.
const FILL: usize = 1_000;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// As the server opens its writing connection.
const SETTINGS: &str = "PRAGMA temp_store = MEMORY;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA foreign_keys = ON;
    PRAGMA cache_size = -8192;";

const TASK: &str = "INSERT INTO tasks (org_id, id, title, description, type, priority, status, position,
        required_evidence_types, created_by, completed_at, created_at, updated_at)
 VALUES (?1, ?2, ?3, ?4, 'feature', 'medium', 'backlog', ?5, '[]', ?6, NULL, ?7, ?7)";
const NUMBER: &str = "SELECT last_seq + 1 FROM event_logs WHERE org_id = ?1";
const NUMBERED: &str = "UPDATE event_logs SET last_seq = ?2 WHERE org_id = ?1";
const EVENT: &str =
    "INSERT INTO events (org_id, seq, id, type, actor_id, actor_type, project_ids, task_id, channel_id,
        message_id, subject_id, addressed, restricted_project_id, admin_only, payload, at)
 VALUES (?1, ?2, ?3, 'task.created', ?4, 'agent', '[]', ?5, NULL, NULL, NULL, '[]', NULL, 0, ?6, ?7)";

/// A database with an organization, written to without a server.
pub(crate) struct Bare {
    database: Connection,
    org: Vec<u8>,
    author: Vec<u8>,
    payload: String,
    written: u64,
    random: u64,
}

/// What baseline (b) wrote.
#[derive(Default)]
pub(crate) struct Written {
    /// What it did.
    pub done: Writer,
    /// How long all of it took.
    pub seconds: f64,
    /// How long each transaction took.
    pub nanos: Vec<u64>,
}

impl Written {
    /// With what it wrote later.
    pub(crate) fn add(&mut self, mut later: Written) {
        self.done = self.done.and(later.done);
        self.seconds += later.seconds;
        self.nanos.append(&mut later.nanos);
    }
}

impl Bare {
    /// Opens the database of a stopped server, in which an agent is. `task` is a task as it is
    /// answered: it becomes the payload of events.
    pub(crate) fn open(file: &Path, task: &str) -> Result<Bare> {
        let database = Connection::open(file).with_context(|| format!("open {}", file.display()))?;
        database.execute_batch(SETTINGS)?;
        let agent = "SELECT org_id, id FROM users WHERE type = 'agent' LIMIT 1";
        let (org, author) = database.query_row(agent, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let payload = format!(r#"{{"task":{task}}}"#);
        Ok(Bare { database, org, author, payload, written: 0, random: 0x9E37_79B9_7F4A_7C15 })
    }

    /// Writes so many tasks without waiting for the disk until all are there.
    pub(crate) fn fill(&mut self, tasks: usize) -> Result<()> {
        self.database.execute_batch("PRAGMA synchronous = OFF")?;
        for _ in 0..tasks.div_ceil(FILL) {
            self.transaction(FILL)?;
        }
        self.database.execute_batch("PRAGMA synchronous = FULL")?;
        Ok(())
    }

    /// Writes tasks for `time`, `batch` in one transaction.
    pub(crate) fn write(&mut self, batch: usize, time: Duration) -> Result<Written> {
        let (mut done, mut nanos) = (Writer::default(), Vec::new());
        let cpu = process::thread_seconds(process::THIS_THREAD)?;
        let started = Instant::now();
        while started.elapsed() < time {
            let began = Instant::now();
            done.commit_seconds += self.transaction(batch)?;
            nanos.push(u64::try_from(began.elapsed().as_nanos())?);
            done.commits += 1.0;
            done.requests += batch as f64;
        }
        done.cpu_seconds = process::thread_seconds(process::THIS_THREAD)? - cpu;
        Ok(Written { done, seconds: started.elapsed().as_secs_f64(), nanos })
    }

    /// Gives the seconds that the commit took.
    fn transaction(&mut self, batch: usize) -> Result<f64> {
        self.database.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for _ in 0..batch {
            self.task()?;
        }
        let started = Instant::now();
        self.database.prepare_cached("COMMIT")?.execute([])?;
        Ok(started.elapsed().as_secs_f64())
    }

    fn task(&mut self) -> Result<()> {
        let (id, event) = (self.id(), self.id());
        let now = i64::try_from(since_1970().as_micros())?;
        let position = position(self.written);
        self.written += 1;
        self.database.prepare_cached(TASK)?.execute(params![
            self.org,
            id.as_slice(),
            "A task of the load",
            DESCRIPTION,
            position,
            self.author,
            now
        ])?;
        let sequence: i64 = self.database.prepare_cached(NUMBER)?.query_row([&self.org], |row| row.get(0))?;
        self.database.prepare_cached(NUMBERED)?.execute(params![self.org, sequence])?;
        self.database.prepare_cached(EVENT)?.execute(params![
            self.org,
            sequence,
            event.as_slice(),
            self.author,
            id.as_slice(),
            self.payload,
            now
        ])?;
        Ok(())
    }

    /// A UUID of version 7, as the server's are, from cheap random numbers.
    fn id(&mut self) -> [u8; 16] {
        let mut random = [0; 10];
        for bytes in random.chunks_mut(8) {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            bytes.copy_from_slice(&self.random.to_le_bytes()[..bytes.len()]);
        }
        let millis = u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().into_bytes()
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The place of a task above all before it: `W` and four digits, counted down, as the server counts.
fn position(number: u64) -> String {
    let mut left = 62_u64.pow(4) - 1 - number % 62_u64.pow(4);
    let mut digits = [b'W'; 5];
    for digit in digits[1..].iter_mut().rev() {
        *digit = DIGITS[(left % 62) as usize];
        left /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// Nanoseconds of appending 4 KiB to a file and `fdatasync`, again and again.
pub(crate) fn append(directory: &Path, time: Duration) -> Result<Vec<u64>> {
    let mut file = File::create(directory.join("append"))?;
    let block = [0x5A; 4_096];
    repeat(time, || {
        file.write_all(&block)?;
        Ok(file.sync_data()?)
    })
}

/// Nanoseconds of one row in a transaction of its own, under the server's settings, again and again.
pub(crate) fn single_row(directory: &Path, time: Duration) -> Result<Vec<u64>> {
    let database = Connection::open(directory.join("row.db"))?;
    database.execute_batch(SETTINGS)?;
    database.execute_batch(
        "CREATE TABLE IF NOT EXISTS rows (id BLOB NOT NULL PRIMARY KEY, text TEXT NOT NULL)",
    )?;
    let mut insert = database.prepare("INSERT INTO rows (id, text) VALUES (?1, ?2)")?;
    repeat(time, || {
        insert.execute(params![Uuid::from_u128(since_1970().as_nanos()).as_bytes(), DESCRIPTION])?;
        Ok(())
    })
}

fn repeat(time: Duration, mut work: impl FnMut() -> Result<()>) -> Result<Vec<u64>> {
    let mut nanos = Vec::new();
    let started = Instant::now();
    while started.elapsed() < time && nanos.len() < PROBES {
        let before = Instant::now();
        work()?;
        nanos.push(u64::try_from(before.elapsed().as_nanos())?);
    }
    Ok(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_stands_above_the_one_before_it() {
        assert_eq!(position(0), "Wzzzz");
        assert!((1..10_000).all(|number| position(number) < position(number - 1)));
    }
}
