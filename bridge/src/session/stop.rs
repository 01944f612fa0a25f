//! `/stop`: goes past the queue and aborts the run of the session. The Gateway gives no answer to
//! it, so the bridge words one.

use std::sync::Arc;
use std::time::Duration;

use mission_control_shared::{MessageKind, ReceiptState};
use tokio::time::timeout;

use crate::context::{Agent, Bridge};
use crate::outbox;
use crate::state::{Delivery, Entry, Part, Queued, SessionId, StateError};

/// How long a stop waits for the Gateway.
const PATIENCE: Duration = Duration::from_secs(10);

/// Carries out the stops that wait in a session.
pub fn stop(bridge: &Arc<Bridge>, agent: &Arc<Agent>, id: SessionId) {
    let bridge = Arc::clone(bridge);
    let agent = Arc::clone(agent);
    bridge.tasks.clone().spawn(async move {
        if let Err(error) = stop_all(&bridge, &agent, id).await {
            tracing::error!(agent.name = %agent.config.name, %error, "a stop command failed");
        }
    });
}

async fn stop_all(bridge: &Arc<Bridge>, agent: &Arc<Agent>, id: SessionId) -> Result<(), StateError> {
    loop {
        let found = bridge.state.write(move |state| {
            Ok((id.read(state)?, Queued::next_stop(state, id)?, Delivery::of(state, id)?))
        });
        let (Some(session), Some(stop), running) = found.await? else { return Ok(()) };
        // One that began after the stop was meant for something else.
        let running = running.filter(|delivery| delivery.inbox_id < stop.id);
        let said = match running {
            None => "Nothing was running.",
            Some(_) => match timeout(PATIENCE, bridge.gateway.connection()).await {
                Err(_) => "The OpenClaw Gateway cannot be reached at the moment.",
                Ok(connection) => match connection.abort(&session.key, None).await {
                    Ok(aborted) if aborted.aborted => "Stopped.",
                    Ok(_) => "Nothing was running.",
                    Err(_) => "The OpenClaw Gateway did not take the stop.",
                },
            },
        };
        let channel = session.channel_id;
        let part = Part { content: said.to_owned(), kind: MessageKind::CommandOutput };
        bridge
            .state
            .write(move |state| {
                stop.done(state)?;
                Entry::answer(&session, format!("{}:1", stop.event_id), &part, &stop.item).queue(state)?;
                if let Some(message) = stop.item.message_id {
                    Entry::receipt(&session, &stop.event_id, message, ReceiptState::Answered, None)
                        .queue(state)?;
                }
                Ok(())
            })
            .await?;
        outbox::wake(bridge, agent, channel);
    }
}
