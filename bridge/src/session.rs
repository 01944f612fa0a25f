//! One task for each session with work: composes the next delivery, hands it to the Gateway, waits for
//! its end, finds it again after a lost connection, and ends it in the state.
//!
//! Woken by the agents' tasks. Invariant: one delivery at a time in a session; a delivery ends only in
//! the transaction that puts its answer into the outbox. Must not know the event stream.

mod carry;
mod compose;
mod end;
mod receipt;
mod stop;
pub mod text;
mod verdict;

use std::sync::Arc;

use mission_control_client::Backoff;

use crate::context::{Agent, Bridge};
use crate::state::{Delivery, SessionId, StateError};
use crate::workers::Worker;

pub use stop::stop;

/// One session's task.
struct Runner {
    bridge: Arc<Bridge>,
    agent: Arc<Agent>,
    id: SessionId,
    worker: Arc<Worker>,
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

/// Wakes the task of a session.
pub fn wake(bridge: &Arc<Bridge>, agent: &Arc<Agent>, id: SessionId) {
    bridge.sessions.wake(id, |worker| {
        let runner = Runner { bridge: Arc::clone(bridge), agent: Arc::clone(agent), id, worker };
        bridge.tasks.spawn(runner.run());
    });
}

impl Runner {
    async fn run(self) {
        let stopped = self.bridge.stop.clone();
        let mut backoff = Backoff::default();
        loop {
            let step = tokio::select! {
                () = stopped.cancelled() => return,
                () = self.worker.over.cancelled() => return,
                step = self.step() => step,
            };
            match step {
                Ok(Step::Done) => backoff.reset(),
                Ok(Step::Over) | Err(StateError::Closed) => return,
                Ok(Step::Idle) => tokio::select! {
                    () = stopped.cancelled() => return,
                    () = self.worker.over.cancelled() => return,
                    () = self.worker.wake.notified() => {}
                },
                Err(error) => {
                    tracing::error!(agent.name = %self.agent.config.name, %error, "a session failed; retrying");
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
