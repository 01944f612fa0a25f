//! What happens by itself: heartbeats on streams, and forgetting what is no longer of use.
//!
//! Started by the server, stopped with it. Long work is cut into small writes. Must not know HTTP.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::domain::idempotency;
use crate::error::Result;
use crate::store::{self, Actor, Gate};

/// How often a stream hears that the server is there.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How often old rows are cleared away.
const CLEARING: Duration = Duration::from_secs(3_600);

/// Runs until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    let mut heartbeat = tokio::time::interval_at(tokio::time::Instant::now() + HEARTBEAT, HEARTBEAT);
    let mut clearing = tokio::time::interval(CLEARING);
    let mut upkeep = tokio::time::interval(crate::observe::UPKEEP);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = heartbeat.tick() => app.hub().heartbeat(),
            _ = upkeep.tick() => crate::observe::recorder().run_upkeep(),
            _ = clearing.tick() => {
                if let Err(error) = clear(&app).await {
                    tracing::warn!(error = %error, "old rows could not be cleared away, trying again in an hour");
                }
            }
        }
    }
}

/// Clears away first answers that nobody can ask for again, and sessions that have ended.
pub async fn clear(app: &App) -> Result<()> {
    for org_id in app.read_system(|tx| Ok(store::organization::ids(tx)?)).await? {
        app.write_system(move |tx| {
            let mut tx = tx.tenant(org_id, &Actor::SYSTEM, Gate::Lifecycle)?;
            let before = tx.now().plus_seconds(-idempotency::KEPT_SECONDS);
            Ok(store::idempotency::forget_before(&mut tx, before)?)
        })
        .await?;
    }
    app.write_system(|tx| {
        let now = tx.now();
        Ok(store::session::forget_ended(tx, now)?)
    })
    .await?;
    Ok(())
}
