//! The threads that read from SQLite.
//!
//! A few threads of our own instead of the runtime's blocking pool: while requests wait, a thread
//! goes from one to the next without sleeping in between, and that hand-over is most of what a
//! short read costs. No view of the rows outlives its request.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::sqlite::{self, Manager};
use super::{Clock, Failure, Result, Tx};
use crate::error::Error;

/// Requests that may wait; beyond it they are told to come back.
const QUEUE: usize = 4_096;

type Request = Box<dyn FnOnce(&r2d2::Pool<Manager>) + Send>;

/// The way to the reading threads.
pub(super) struct Readers {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Request>,
    /// Threads that sleep.
    idle: usize,
    closed: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next request; `None` when there will be none.
    fn next(&self) -> Option<Request> {
        let mut state = self.state();
        loop {
            if let Some(request) = state.waiting.pop_front() {
                return Some(request);
            }
            if state.closed {
                return None;
            }
            state.idle += 1;
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }
}

impl Readers {
    /// Starts so many threads, each with a connection when it needs one.
    pub(super) fn start(file: &std::path::Path, threads: usize) -> anyhow::Result<Readers> {
        let pool = sqlite::readers(file, threads)?;
        let queue = Arc::new(Queue::default());
        let start = |number| {
            let (queue, pool) = (Arc::clone(&queue), pool.clone());
            std::thread::Builder::new().name(format!("reader-{number}")).spawn(move || {
                while let Some(request) = queue.next() {
                    request(&pool);
                }
            })
        };
        let threads = (0..threads).map(start).collect::<std::io::Result<Vec<_>>>()?;
        Ok(Readers { queue, threads: Mutex::new(threads) })
    }

    /// Runs `work` on one consistent view of the rows.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        clock: Arc<Clock>,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.submit(Box::new(move |pool| {
            // Who has gone away needs no answer any more.
            if answer.is_closed() {
                return;
            }
            let read = || pool.get().map_err(|_| Failure::Busy)?.read(&clock, work);
            let outcome = catch_unwind(AssertUnwindSafe(read))
                .unwrap_or_else(|_| Err(Error::Internal(anyhow::anyhow!("a read panicked"))));
            let _ = answer.send(outcome);
        }))?;
        answered.await.map_err(|_| Failure::Busy)?
    }

    fn submit(&self, request: Request) -> Result<()> {
        let mut state = self.queue.state();
        if state.closed || state.waiting.len() >= QUEUE {
            return Err(Failure::Busy);
        }
        state.waiting.push_back(request);
        let somebody_sleeps = state.idle > 0;
        drop(state);
        if somebody_sleeps {
            self.queue.news.notify_one();
        }
        Ok(())
    }

    /// Takes no more, reads what waits, and ends the threads.
    pub(super) fn stop(&self) {
        self.queue.state().closed = true;
        self.queue.news.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            let _ = thread.join();
        }
    }
}
