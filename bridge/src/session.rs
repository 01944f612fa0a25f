//! One task for each session that has something to do: composes the next delivery, hands it to the
//! Gateway, waits for its end, finds it again after any loss, and ends it in the state.
//!
//! Woken by the agents' tasks when something has come. Invariant: one delivery at a time in a
//! session, and none is ended but in the transaction that puts its answer into the outbox. Must not
//! know the server's stream.

mod carry;
mod compose;
mod end;
mod receipt;
mod stop;
pub mod text;
mod verdict;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mission_control_client::Backoff;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::bridge::{Agent, Bridge};
use crate::state::{Delivery, SessionId, StateError};

/// The tasks of the sessions.
#[derive(Default)]
pub struct Sessions {
    running: Mutex<HashMap<SessionId, Arc<Handle>>>,
}

/// One session's task, from outside.
#[derive(Default)]
struct Handle {
    /// Something has come.
    came: Notify,
    /// The session has ended.
    over: CancellationToken,
}

/// One session's task, from inside.
struct Runner {
    bridge: Arc<Bridge>,
    agent: Arc<Agent>,
    id: SessionId,
    handle: Arc<Handle>,
}

/// How a try to get on went.
enum Step {
    /// There was something to do.
    Done,
    /// There is nothing to do.
    Idle,
    /// The session has ended.
    Over,
}

impl Sessions {
    /// Makes a session look for what it has to do.
    pub fn wake(&self, bridge: &Arc<Bridge>, agent: &Arc<Agent>, id: SessionId) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = running.entry(id).or_insert_with(|| {
            let handle = Arc::new(Handle::default());
            let (bridge, agent) = (Arc::clone(bridge), Arc::clone(agent));
            let runner = Runner { bridge, agent, id, handle: Arc::clone(&handle) };
            let tasks = runner.bridge.tasks.clone();
            tasks.spawn(runner.run());
            handle
        });
        handle.came.notify_one();
    }

    /// Ends a session's task: what it had to do is gone from the state.
    pub fn end(&self, id: SessionId) {
        let handle = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(handle) = handle {
            handle.over.cancel();
        }
    }
}

impl Runner {
    async fn run(self) {
        let stopped = self.bridge.stop.clone();
        let mut backoff = Backoff::default();
        loop {
            let step = tokio::select! {
                () = stopped.cancelled() => return,
                () = self.handle.over.cancelled() => return,
                step = self.step() => step,
            };
            match step {
                Ok(Step::Done) => backoff.reset(),
                Ok(Step::Over) | Err(StateError::Closed) => return,
                Ok(Step::Idle) => tokio::select! {
                    () = stopped.cancelled() => return,
                    () = self.handle.over.cancelled() => return,
                    () = self.handle.came.notified() => {}
                },
                Err(error) => {
                    tracing::error!(agent.name = %self.agent.config.name, %error, "a session cannot go on");
                    tokio::time::sleep(backoff.next()).await;
                }
            }
        }
    }

    /// Carries the delivery that has not ended, else begins the next.
    async fn step(&self) -> Result<Step, StateError> {
        let id = self.id;
        let now = self.bridge.state.write(move |state| {
            let Some(session) = id.read(state)? else { return Ok(None) };
            Ok(Some((Delivery::of(state, id)?, session)))
        });
        match now.await? {
            None => Ok(Step::Over),
            Some((Some(delivery), session)) => {
                self.deliver(&session, delivery, true).await?;
                Ok(Step::Done)
            }
            Some((None, session)) => match self.compose(&session).await? {
                Some(delivery) => {
                    self.bridge.fault.reach(crate::fault::Step::DeliveryComposed);
                    self.deliver(&session, delivery, false).await?;
                    Ok(Step::Done)
                }
                None => Ok(Step::Idle),
            },
        }
    }

    /// Carries a delivery to its end and writes that down.
    async fn deliver(
        &self,
        session: &crate::state::Session,
        delivery: Delivery,
        known: bool,
    ) -> Result<(), StateError> {
        metrics::gauge!("bridge_runs_active").increment(1.0);
        let guard = scopeguard(|| metrics::gauge!("bridge_runs_active").decrement(1.0));
        let outcome = self.carry(session, &delivery, known).await?;
        drop(guard);
        self.bridge.fault.reach(crate::fault::Step::RunEnded);
        self.finish(session, &delivery, outcome).await
    }
}

/// Runs a closure when it is dropped, so that a cancelled task counts too.
fn scopeguard(end: impl FnOnce()) -> impl Drop {
    struct Guard<F: FnOnce()>(Option<F>);
    impl<F: FnOnce()> Drop for Guard<F> {
        fn drop(&mut self) {
            if let Some(end) = self.0.take() {
                end();
            }
        }
    }
    Guard(Some(end))
}
