//! Clears away first answers to POSTs that nobody can ask for again.

use serde::{Deserialize, Serialize};

use super::{Context, Kind};
use crate::domain::idempotency;
use crate::error::Result;
use crate::store::job::Job;
use crate::store::{self, Actor, Gate};

/// In every organization.
#[derive(Debug, Serialize, Deserialize)]
pub struct ForgetAnswers {}

impl Job for ForgetAnswers {
    const KIND: &'static str = "forget-answers";
}

impl Kind for ForgetAnswers {
    const SCHEDULE: Option<&'static str> = Some("12 * * * *");

    async fn run(self, context: Context) -> Result<()> {
        let app = context.app;
        for org_id in app.read_system(|tx| Ok(store::organization::ids(tx)?)).await? {
            if context.stop.is_cancelled() {
                break;
            }
            app.write_system(move |tx| {
                let mut tx = tx.tenant(org_id, &Actor::SYSTEM, Gate::Lifecycle)?;
                let before = tx.now().plus_seconds(-idempotency::KEPT_SECONDS);
                Ok(store::idempotency::forget_before(&mut tx, before)?)
            })
            .await?;
        }
        Ok(())
    }
}
