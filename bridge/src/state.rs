//! The state: one SQLite file that holds cursors, sessions, inbox, deliveries and outbox.
//!
//! Owns the file, its one connection and the writing thread. A write returns when it is on the disk;
//! writes that wait at the same time share one commit. While the disk refuses writes, callers wait and
//! an error is logged: nothing proceeds without its record, so no delivery is lost.
//!
//! Invariant: what one closure does is one transaction. Must not know the network.

mod delivery;
mod inbox;
mod outbox;
mod record;
mod refusal;
mod schema;
mod session;
mod summary;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

pub use self::inbox::{take, to_know};
pub use self::record::{
    AgentId, Body, Delivery, DeliveryId, End, Entry, Inbound, Item, NewDelivery, Part, Queued,
    Sender as ItemSender, Session, SessionAddress, SessionId, Taken, TaskReference, WakeReason,
};
pub use self::session::{ended, endings};
pub use self::summary::{AgentSummary, Kept, Summary};

/// Transactions that share one commit at most.
const BATCH: usize = 64;
/// The wait before a write is retried while the disk refuses writes.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why the state cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another bridge has it.
    #[error("{} is in use by another mc-bridge: stop that one, or give this one another `state.path`", .0.display())]
    InUse(PathBuf),
    /// The path does not exist or is not writable.
    #[error("{path} cannot be written: {1}: make its folder, and give it with all that is in it to the user that runs mc-bridge (`chown -R`)", path = .0.display())]
    NotWritable(PathBuf, String),
    /// It was written by a newer version.
    #[error("{path} was written by a newer mc-bridge (state version {1}, this one knows {known}): run that version, or give this one another `state.path`", path = .0.display(), known = schema::VERSION)]
    Newer(PathBuf, i64),
    /// It is damaged, or a statement of ours is wrong.
    #[error("the state database failed: {0}")]
    Failed(#[from] rusqlite::Error),
    /// The bridge is stopping.
    #[error("the state is closed")]
    Closed,
}

/// One unit of work within a commit.
type Job = Box<dyn FnOnce(&mut Batch<'_>) + Send>;

/// Tells a caller how the commit went.
type Answer = Box<dyn FnOnce(Result<(), rusqlite::Error>) + Send>;

/// Handle on the state; clones share the file.
#[derive(Clone)]
pub struct State {
    jobs: Sender<Job>,
    writable: Arc<AtomicBool>,
}

/// Keeps other bridges from the state's file until it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl State {
    /// Opens the file, or makes it.
    ///
    /// Errors: [`StateError::InUse`], [`StateError::NotWritable`], [`StateError::Newer`].
    pub fn open(path: &Path) -> Result<(State, Lock), StateError> {
        let lock = lock(path)?;
        let connection = schema::open(path)?;
        let (jobs, waiting) = channel();
        let writable = Arc::new(AtomicBool::new(true));
        std::thread::Builder::new()
            .name("state".to_owned())
            .stack_size(512 * 1024)
            .spawn(move || work(connection, &waiting))
            .map_err(|error| StateError::NotWritable(path.to_owned(), error.to_string()))?;
        Ok((State { jobs, writable }, lock))
    }

    /// Whether the last write was taken by the disk.
    pub fn is_writable(&self) -> bool {
        self.writable.load(Ordering::Relaxed)
    }

    /// Waits until the writing thread answers, even if only with an error of the disk; `false` when
    /// the thread has ended.
    pub async fn answers(&self) -> bool {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |batch| batch.run(&|_| Ok(()), answer));
        let asked = self.jobs.send(job).is_ok();
        // A transaction that could not begin drops the question.
        let _ = answered.await;
        asked
    }

    /// Runs `work` in one transaction and returns when it is on the disk. It may run more than once.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StateError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> rusqlite::Result<T> + Send + Sync + 'static,
    {
        let work = Arc::new(work);
        loop {
            let (answer, answered) = oneshot::channel();
            let job = Arc::clone(&work);
            let job: Job = Box::new(move |batch| batch.run(&*job, answer));
            self.jobs.send(job).map_err(|_| StateError::Closed)?;
            match answered.await.map_err(|_| StateError::Closed)? {
                Ok(done) => {
                    if !self.writable.swap(true, Ordering::Relaxed) {
                        tracing::info!("the state database is writable again");
                    }
                    return Ok(done);
                }
                Err(error) if is_of_the_disk(&error) => {
                    if self.writable.swap(false, Ordering::Relaxed) {
                        tracing::error!(%error, "the state database is not writable: deliveries wait until it is; free disk space or correct its permissions");
                    }
                    tokio::time::sleep(PATIENCE).await;
                }
                Err(error) => return Err(StateError::Failed(error)),
            }
        }
    }
}

/// Takes the lock beside the file.
fn lock(path: &Path) -> Result<Lock, StateError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let not_writable = |error: std::io::Error| StateError::NotWritable(path.to_owned(), error.to_string());
    let file = open_private(Path::new(&name)).map_err(not_writable)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(StateError::InUse(path.to_owned())),
        Err(std::fs::TryLockError::Error(error)) => Err(not_writable(error)),
    }
}

/// Opens a file for writing; where there is none it is made for us alone.
fn open_private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

fn is_of_the_disk(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
        )
    )
}

/// What runs within one commit.
struct Batch<'c> {
    connection: &'c Connection,
    answers: Vec<Answer>,
}

impl Batch<'_> {
    fn run<T: Send + 'static>(
        &mut self,
        work: &(dyn Fn(&Connection) -> rusqlite::Result<T> + Send + Sync),
        answer: oneshot::Sender<rusqlite::Result<T>>,
    ) {
        match self.in_savepoint(work) {
            Ok(done) => self.answers.push(Box::new(move |committed| {
                let _ = answer.send(committed.map(|()| done));
            })),
            Err(error) => {
                let _ = answer.send(Err(error));
            }
        }
    }

    fn in_savepoint<T>(
        &self,
        work: &(dyn Fn(&Connection) -> rusqlite::Result<T> + Send + Sync),
    ) -> rusqlite::Result<T> {
        self.connection.execute_batch("SAVEPOINT one")?;
        match work(self.connection) {
            Ok(done) => self.connection.execute_batch("RELEASE one").map(|()| done),
            Err(error) => {
                // On some errors SQLite has ended the whole transaction by itself.
                let _ = self.connection.execute_batch("ROLLBACK TO one; RELEASE one");
                Err(error)
            }
        }
    }
}

/// The writing thread: ends when the last handle is gone.
fn work(connection: Connection, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let mut batch = Batch { connection: &connection, answers: Vec::new() };
        let committed = connection.execute_batch("BEGIN IMMEDIATE").and_then(|()| {
            first(&mut batch);
            for _ in 1..BATCH {
                match waiting.try_recv() {
                    Ok(job) => job(&mut batch),
                    Err(_) => break,
                }
            }
            if connection.is_autocommit() {
                // SQLite gave the transaction up: nothing of it is kept.
                return Err(broken());
            }
            connection.execute_batch("COMMIT")
        });
        let answers = std::mem::take(&mut batch.answers);
        if committed.is_err() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        for answer in answers {
            answer(committed.as_ref().map(|_| ()).map_err(again));
        }
    }
}

fn broken() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR),
        Some("the transaction was given up".to_owned()),
    )
}

/// The same failure for one more caller.
fn again(error: &rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::SqliteFailure(error, text) => rusqlite::Error::SqliteFailure(*error, text.clone()),
        _ => broken(),
    }
}
