//! Logs an error when the Gateway is unreachable for long, and when it lacks a configured agent.
//!
//! Changes nothing: deliveries wait for the Gateway anyway.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::context::Bridge;
use crate::gateway::LinkStatus;

/// How long the Gateway may be away before that is an alert.
const AWAY: Duration = Duration::from_secs(120);

/// Runs as long as the bridge.
pub async fn run(bridge: Arc<Bridge>) {
    loop {
        let connection = tokio::select! {
            () = bridge.stop.cancelled() => return,
            connection = bridge.gateway.connection() => connection,
            () = tokio::time::sleep(AWAY) => {
                if let LinkStatus::Down { since, reason, .. } = &*bridge.gateway.status().borrow() {
                    tracing::error!(away = ?since.elapsed(), %reason, "the OpenClaw Gateway is unreachable: deliveries wait");
                }
                continue;
            }
        };
        if let Ok(known) = connection.agents().await {
            for agent in &bridge.agents {
                let is_missing = !known.iter().any(|id| id.eq_ignore_ascii_case(&agent.config.gateway_agent));
                agent.gateway_agent_missing.store(is_missing, Ordering::Relaxed);
                if is_missing {
                    tracing::error!(agent.name = %agent.config.name, reason = %agent.missing_at_gateway(), "the Gateway lacks an agent");
                }
            }
        }
        tokio::select! {
            () = bridge.stop.cancelled() => return,
            () = connection.closed() => {}
        }
    }
}
