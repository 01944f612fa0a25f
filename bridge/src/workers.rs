//! Tasks by what they work on: at most one for each key, woken when there is something to do.
//!
//! Must not know what a task does.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The running tasks.
pub struct Workers<K> {
    running: Mutex<HashMap<K, Arc<Worker>>>,
}

/// One task, as seen from outside.
#[derive(Default)]
pub struct Worker {
    /// There is something to do.
    pub wake: Notify,
    /// There is nothing to do any more: the task ends.
    pub over: CancellationToken,
}

impl<K> Default for Workers<K> {
    fn default() -> Workers<K> {
        Workers { running: Mutex::default() }
    }
}

impl<K: Eq + Hash> Workers<K> {
    /// Wakes the task of this key; `start` starts one where there is none.
    pub fn wake(&self, key: K, start: impl FnOnce(Arc<Worker>)) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = running.entry(key).or_insert_with(|| {
            let worker = Arc::new(Worker::default());
            start(Arc::clone(&worker));
            worker
        });
        worker.wake.notify_one();
    }

    /// Ends the task of this key; a later wake starts another.
    pub fn end(&self, key: &K) {
        if let Some(worker) = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(key) {
            worker.over.cancel();
        }
    }
}
