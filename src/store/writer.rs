//! Group commit: the one thread that writes to SQLite.
//!
//! Whatever waits when a commit starts shares its fsync. Each request runs in a savepoint of its
//! own, so a failing or panicking one takes nothing of its neighbours with it. SQLite may end the
//! whole transaction by itself (a full disk, an I/O error), released savepoints included; then
//! everybody in the batch is told that nothing was stored, and nothing is published.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::sqlite::Connection;
use super::tx::Connection as Engine;
use super::{Clock, Failure, Publish, Result, Tx};
use crate::error::Error;
use crate::events::Publication;

/// Requests that may wait; beyond it they are told to come back.
const QUEUE: usize = 4_096;
/// Requests that share one commit at most, which bounds how long the first of them waits.
const BATCH: usize = 512;
/// How often a disk that took no write is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// The way to the writer thread.
pub(super) struct Writer {
    queue: Mutex<Option<SyncSender<Box<dyn Request>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    writable: Arc<AtomicBool>,
}

/// One waiting write.
trait Request: Send {
    /// Runs it; `Err` when it must leave nothing behind.
    fn run(&mut self, tx: &mut Tx<'_>) -> std::result::Result<(), ()>;
    /// Answers it, with its own answer, or with what became of the whole batch.
    fn answer(self: Box<Self>, batch: Result<()>);
}

struct Work<F, T> {
    work: F,
    outcome: Option<Result<T, Error>>,
    answer: oneshot::Sender<Result<T, Error>>,
}

impl<T: Send, F: FnMut(&mut Tx<'_>) -> Result<T, Error> + Send> Request for Work<F, T> {
    fn run(&mut self, tx: &mut Tx<'_>) -> std::result::Result<(), ()> {
        let work = || {
            let value = (self.work)(tx)?;
            tx.settle()?;
            Ok(value)
        };
        let outcome = catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|_| Err(Error::Internal(anyhow::anyhow!("a write panicked"))));
        let kept = outcome.is_ok();
        self.outcome = Some(outcome);
        if kept { Ok(()) } else { Err(()) }
    }

    fn answer(self: Box<Self>, batch: Result<()>) {
        // A caller that has gone away misses its answer; the write stands all the same.
        let _ = self.answer.send(match (batch, self.outcome) {
            // Its own refusal is true whatever became of the others.
            (_, Some(Err(refused))) => Err(refused),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Err(failure), _) => Err(failure.into()),
            (Ok(()), None) => Err(Failure::Busy.into()),
        });
    }
}

impl Writer {
    /// Starts the thread; it owns the connection until [`Writer::stop`].
    pub(super) fn start(
        connection: Connection,
        clock: Arc<Clock>,
        publish: Arc<dyn Publish>,
    ) -> anyhow::Result<Writer> {
        let (sender, receiver) = sync_channel(QUEUE);
        let writable = Arc::new(AtomicBool::new(true));
        let state = Arc::clone(&writable);
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || run(&connection, &receiver, &clock, &*publish, &state))?;
        Ok(Writer { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)), writable })
    }

    /// Queues one write.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
        answer: oneshot::Sender<Result<T, Error>>,
    ) -> Result<()> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = queue.as_ref().ok_or(Failure::Busy)?;
        sender.try_send(Box::new(Work { work, outcome: None, answer })).map_err(|error| match error {
            TrySendError::Full(_) => {
                metrics::counter!("mc_write_refused_total").increment(1);
                Failure::Busy
            }
            TrySendError::Disconnected(_) => Failure::Busy,
        })?;
        metrics::gauge!("mc_write_queue_requests").increment(1.0);
        Ok(())
    }

    /// Takes no more, writes what waits, and ends the thread.
    pub(super) fn stop(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    /// Whether the disk took the last write.
    pub(super) fn writable(&self) -> bool {
        self.writable.load(Ordering::Relaxed)
    }
}

fn run(
    connection: &Connection,
    queue: &Receiver<Box<dyn Request>>,
    clock: &Clock,
    publish: &dyn Publish,
    writable: &AtomicBool,
) {
    let batch_size = metrics::histogram!("mc_write_batch_requests");
    let commit_time = metrics::histogram!("mc_write_commit_seconds");
    let waiting = metrics::gauge!("mc_write_queue_requests");
    while let Some(first) = next(connection, queue, writable) {
        let mut batch = Vec::new();
        let outcome = write(connection, queue, clock, first, &mut batch, &commit_time);
        waiting.decrement(batch.len() as f64);
        batch_size.record(batch.len() as f64);
        let outcome = match outcome {
            Ok(publications) => {
                // A batch that was refused as a whole has written nothing.
                if !writable.load(Ordering::Relaxed) {
                    try_disk(connection, writable);
                }
                if !publications.is_empty() {
                    publish.publish(publications);
                }
                Ok(())
            }
            Err(failure) => {
                if matches!(failure, Failure::StorageFull) {
                    writable.store(false, Ordering::Relaxed);
                }
                roll_back(connection);
                Err(failure)
            }
        };
        for request in batch {
            request.answer(match &outcome {
                Ok(()) => Ok(()),
                Err(Failure::StorageFull) => Err(Failure::StorageFull),
                Err(Failure::Damaged) => Err(Failure::Damaged),
                Err(_) => Err(Failure::Busy),
            });
        }
    }
    finish(connection);
}

/// Brings everything into the one file, so that what was acknowledged is on the disk whatever the
/// durability; a reader may close too late to leave that to SQLite.
fn finish(connection: &Connection) {
    if let Err(error) = connection.checkpoint() {
        tracing::warn!(%error, "the write-ahead log stays for the next start");
    }
}

/// Waits for the next request; `None` when there will be none. Whoever sees that nothing can be
/// written may send nothing more to write, so meanwhile the disk is tried.
fn next(
    connection: &Connection,
    queue: &Receiver<Box<dyn Request>>,
    writable: &AtomicBool,
) -> Option<Box<dyn Request>> {
    while !writable.load(Ordering::Relaxed) {
        match queue.recv_timeout(TRY_AGAIN) {
            Ok(request) => return Some(request),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => try_disk(connection, writable),
        }
    }
    queue.recv().ok()
}

fn try_disk(connection: &Connection, writable: &AtomicBool) {
    if connection.try_disk().is_ok() {
        tracing::info!("the disk takes writes again");
        writable.store(true, Ordering::Relaxed);
    } else {
        roll_back(connection);
    }
}

fn roll_back(connection: &Connection) {
    if !connection.raw.is_autocommit() && connection.batch("ROLLBACK").is_err() {
        tracing::error!("a failed transaction could not be rolled back");
    }
}

/// Runs what waits in one transaction and commits it. What ran is in `batch` in any case.
fn write(
    connection: &Connection,
    queue: &Receiver<Box<dyn Request>>,
    clock: &Clock,
    first: Box<dyn Request>,
    batch: &mut Vec<Box<dyn Request>>,
    commit_time: &metrics::Histogram,
) -> Result<Vec<Publication>> {
    let mut publications = Vec::new();
    let mut next = Some(first);
    if let Err(failure) = connection.batch("BEGIN IMMEDIATE") {
        batch.extend(next);
        return Err(failure);
    }
    while let Some(mut request) = next {
        let kept = run_one(connection, clock, &mut *request);
        batch.push(request);
        publications.append(&mut kept?);
        next = if batch.len() < BATCH { queue.try_recv().ok() } else { None };
    }
    let started = Instant::now();
    connection.batch("COMMIT")?;
    commit_time.record(started.elapsed().as_secs_f64());
    Ok(publications)
}

/// Runs one request in its savepoint; `Err` when the whole transaction is lost.
fn run_one(connection: &Connection, clock: &Clock, request: &mut dyn Request) -> Result<Vec<Publication>> {
    connection.batch("SAVEPOINT request")?;
    let mut tx = Tx::new(Engine::Sqlite(connection), clock);
    let outcome = request.run(&mut tx);
    let publications = tx.publications;
    if connection.raw.is_autocommit() {
        return Err(Failure::StorageFull);
    }
    match outcome {
        Ok(()) => {
            connection.batch("RELEASE request")?;
            Ok(publications)
        }
        Err(()) => {
            connection.batch("ROLLBACK TO request")?;
            connection.batch("RELEASE request")?;
            Ok(Vec::new())
        }
    }
}
