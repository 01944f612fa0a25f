//! One task for each agent: opens its event stream, takes its events into the state, joins and
//! leaves projects.
//!
//! Invariant: the cursor moves only in the transaction that keeps what the event is to the agent.
//! Must not know the Gateway.

mod start;
mod take;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mission_control_client::{Backoff, Error as ServerError, Item};

use crate::context::{Agent, Bridge, StreamStatus};
use crate::state::StateError;

/// The wait before a misconfigured agent or a dead key is tried again unprompted.
const WRONG: Duration = Duration::from_secs(300);

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    State(#[from] StateError),
    /// The configuration is wrong: a person has to correct it.
    #[error("{0}")]
    Wrong(String),
    /// The server closed it.
    #[error("the server closed the stream")]
    Closed,
}

/// Follows the agent's events as long as the bridge runs.
pub async fn run(bridge: Arc<Bridge>, agent: Arc<Agent>) {
    let mut backoff = Backoff::default();
    loop {
        let trouble = tokio::select! {
            () = bridge.stop.cancelled() => return,
            trouble = follow(&bridge, &agent, &mut backoff) => trouble,
        };
        let wait = match trouble {
            Trouble::State(StateError::Closed) => return,
            Trouble::Server(ServerError::Unsupported(reason)) => {
                bridge.give_up(reason);
                return;
            }
            Trouble::Server(ServerError::Unauthorized(message)) => {
                agent.key_died(&message);
                WRONG
            }
            Trouble::Wrong(reason) => {
                tracing::error!(agent.name = %agent.config.name, org.slug = %agent.config.org_slug, %reason, "the agent is misconfigured");
                agent.set_stream(StreamStatus::Misconfigured(reason));
                WRONG
            }
            trouble => {
                // A refusal is retried as well: its cause may be removed at the server.
                let asked = match &trouble {
                    Trouble::Server(error) => error.delay(&mut backoff),
                    _ => None,
                };
                let wait = asked.unwrap_or_else(|| backoff.next());
                tracing::warn!(agent.name = %agent.config.name, error = %trouble, wait = ?wait, "the event stream is down");
                agent.set_stream(StreamStatus::Reconnecting(trouble.to_string()));
                wait
            }
        };
        metrics::counter!("bridge_sse_reconnections_total").increment(1);
        tokio::select! {
            () = bridge.stop.cancelled() => return,
            () = agent.key_changed.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Opens the stream and takes what comes, until it ends.
async fn follow(bridge: &Arc<Bridge>, agent: &Arc<Agent>, backoff: &mut Backoff) -> Trouble {
    match open_and_take(bridge, agent, backoff).await {
        Ok(()) => Trouble::Closed,
        Err(trouble) => trouble,
    }
}

async fn open_and_take(
    bridge: &Arc<Bridge>,
    agent: &Arc<Agent>,
    backoff: &mut Backoff,
) -> Result<(), Trouble> {
    let mut cursor = start::start(bridge, agent).await?;
    let mut stream = agent.server.stream(Some(cursor)).await?;
    agent.set_stream(StreamStatus::Live);
    tracing::info!(agent.name = %agent.config.name, org.slug = %agent.config.org_slug, cursor = %cursor, "the event stream is open");
    metrics::gauge!("bridge_sse_connections_active").increment(1.0);
    let _open = Open;
    while let Some(item) = stream.next().await? {
        backoff.reset();
        match item {
            Item::Event(at, event) => {
                agent.last_event_at.store(event.timestamp.0, Ordering::Relaxed);
                take::event(bridge, agent, at, &event).await?;
                cursor = at;
            }
            Item::Cursor(at) => {
                take::cursor(bridge, agent, cursor, at).await?;
                cursor = at;
            }
            Item::Reset(at) => {
                take::reset(bridge, agent, at).await?;
                cursor = at;
            }
            Item::Revoked => {
                return Err(Trouble::Server(ServerError::Unauthorized("it was revoked".to_owned())));
            }
            Item::Unreadable { cursor: at, text, why } => {
                take::unreadable(bridge, agent, at, &text, &why).await?;
                cursor = at.unwrap_or(cursor);
            }
        }
    }
    Ok(())
}

/// Counts an open stream for as long as it is there.
struct Open;

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("bridge_sse_connections_active").decrement(1.0);
    }
}
