//! Archives the Gateway sessions of projects that an agent has left, and aborts what runs in them.
//!
//! Woken when a session has ended and by every new connection, until the Gateway has done it.

use std::sync::Arc;
use std::time::Duration;

use crate::context::Bridge;
use crate::gateway::{CallError, Connection};
use crate::state::{StateError, ended, endings};

/// Runs as long as the bridge.
pub async fn run(bridge: Arc<Bridge>) {
    loop {
        let connection = tokio::select! {
            () = bridge.stop.cancelled() => return,
            connection = bridge.gateway.connection() => connection,
        };
        let wait = match put_away(&bridge, &connection).await {
            Ok(true) => Duration::MAX,
            Ok(false) => Duration::from_secs(10),
            Err(StateError::Closed) => return,
            Err(error) => {
                tracing::error!(%error, "ended sessions could not be archived");
                Duration::from_secs(10)
            }
        };
        tokio::select! {
            () = bridge.stop.cancelled() => return,
            () = connection.closed() => {}
            () = bridge.endings.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Puts away what is to be put away; `false` when something is left.
async fn put_away(bridge: &Bridge, connection: &Connection) -> Result<bool, StateError> {
    for key in bridge.state.write(endings).await? {
        let aborted = connection.abort(&key, None).await.map(drop);
        let archived = match aborted {
            Err(CallError::Lost | CallError::TimedOut) => return Ok(false),
            Ok(()) | Err(CallError::Refused { .. }) => connection.archive(&key).await,
        };
        match archived {
            Ok(()) => {}
            Err(CallError::Refused { retryable: false, message, .. }) => {
                tracing::warn!(session.key = %key, error = %message, "the Gateway refused to archive a session");
            }
            Err(_) => return Ok(false),
        }
        let _ = connection.unsubscribe(&key).await;
        bridge.state.write(move |state| ended(state, &key)).await?;
    }
    Ok(true)
}
