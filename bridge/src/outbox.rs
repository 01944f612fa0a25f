//! Posts the entries of the outbox: one task for each channel of each agent, in order.
//!
//! Woken when an entry was added. Invariant: an entry leaves the state only after the server's answer;
//! sent twice, it is posted once, by its idempotency key. Must not know the Gateway.

use std::sync::Arc;
use std::time::Duration;

use mission_control_client::{Backoff, Error as ServerError};
use mission_control_shared::ChannelId;

use crate::clock::now;
use crate::context::{Agent, Bridge};
use crate::fault::Step;
use crate::state::{Body, Entry, StateError};
use crate::workers::Worker;

/// Wakes the task of a channel.
pub fn wake(bridge: &Arc<Bridge>, agent: &Arc<Agent>, channel: ChannelId) {
    bridge.outbox.wake((agent.id, channel), |worker| {
        let lane = Lane { bridge: Arc::clone(bridge), agent: Arc::clone(agent), channel, worker };
        bridge.tasks.spawn(lane.run());
    });
}

/// One channel of one agent.
struct Lane {
    bridge: Arc<Bridge>,
    agent: Arc<Agent>,
    channel: ChannelId,
    worker: Arc<Worker>,
}

impl Lane {
    async fn run(self) {
        // On shutdown, waiting entries are still sent while there is time.
        let closed = self.bridge.closed.clone();
        loop {
            let sent = tokio::select! {
                () = closed.cancelled() => return,
                sent = self.send_next() => sent,
            };
            match sent {
                Ok(true) => {}
                Ok(false) if self.bridge.stop.is_cancelled() => return,
                Ok(false) => tokio::select! {
                    () = self.bridge.stop.cancelled() => {}
                    () = self.worker.wake.notified() => {}
                },
                Err(StateError::Closed) => return,
                Err(error) => {
                    tracing::error!(agent.name = %self.agent.config.name, %error, "an outbox entry could not be processed");
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
            }
        }
    }

    /// Sends the oldest entry; `false` where there is none.
    async fn send_next(&self) -> Result<bool, StateError> {
        let (agent, channel) = (self.agent.id, self.channel);
        let next = self.bridge.state.write(move |state| Entry::next(state, agent, channel)).await?;
        let Some(entry) = next else { return Ok(false) };
        let refusal = self.send(&entry).await;
        let is_message = matches!(entry.body, Body::Message(_));
        match &refusal {
            None if is_message => {
                self.bridge.fault.reach(Step::Posted);
                metrics::counter!("bridge_messages_outbound_total").increment(1);
            }
            None => {}
            Some(reason) => {
                metrics::counter!("bridge_messages_outbound_errors_total").increment(1);
                tracing::warn!(agent.name = %self.agent.config.name, entry.key = %entry.key, %reason, "the server refused a message; it is kept, see `mc-bridge status`");
            }
        }
        self.bridge
            .state
            .write(move |state| match &refusal {
                None => entry.done(state),
                Some(reason) => entry.fail(state, reason, now()),
            })
            .await?;
        if is_message {
            self.bridge.fault.reach(Step::AnswerDone);
        }
        Ok(true)
    }

    /// Sends until the server has answered. The reason when it refuses for good.
    async fn send(&self, entry: &Entry) -> Option<String> {
        let mut backoff = Backoff::default();
        loop {
            let server = &self.agent.server;
            let sent = match &entry.body {
                Body::Message(new) => server.post_message(entry.channel_id, new, &entry.key).await.map(drop),
                Body::Receipt(message, new) => server.put_receipt(entry.channel_id, *message, new).await,
            };
            let error = match sent {
                Ok(()) => return None,
                Err(ServerError::Unauthorized(message)) => {
                    self.agent.key_died(&message);
                    self.agent.key_works().await;
                    continue;
                }
                Err(error) => error,
            };
            let Some(wait) = error.delay(&mut backoff) else { return Some(error.to_string()) };
            tracing::debug!(agent.name = %self.agent.config.name, %error, wait = ?wait, "the server is unavailable; a message waits");
            tokio::time::sleep(wait).await;
        }
    }
}
