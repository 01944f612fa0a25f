//! Clears away sessions that ended a day ago.

use serde::{Deserialize, Serialize};

use super::{Context, Kind};
use crate::error::Result;
use crate::store::job::Job;
use crate::store::session;

/// Of everybody.
#[derive(Debug, Serialize, Deserialize)]
pub struct ForgetSessions {}

impl Job for ForgetSessions {
    const KIND: &'static str = "forget-sessions";
}

impl Kind for ForgetSessions {
    const SCHEDULE: Option<&'static str> = Some("42 * * * *");

    async fn run(self, context: Context) -> Result<()> {
        let forget = |tx: &mut crate::store::SystemTx<'_, '_>| {
            let now = tx.now();
            Ok(session::forget_ended(tx, now)?)
        };
        context.app.write_system(forget).await?;
        Ok(())
    }
}
