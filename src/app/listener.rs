//! A stream's view of the server: the log of its organization and its listener's standing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use mission_control_shared::Timestamp;

use super::App;
use crate::auth::{Caller, caller};
use crate::domain;
use crate::error::Result;
use crate::events::Recorded;
use crate::realtime::{PAGE, Source, Standing};
use crate::store::TenantTx;
use crate::store::event::{self, Direction};

/// Somebody who listens.
pub(super) struct Listener {
    app: App,
    caller: Caller,
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

impl Listener {
    /// How the caller stands, and what `work` finds at the same moment.
    async fn look<T: Send + 'static>(
        app: App,
        caller: Caller,
        work: impl FnOnce(&mut TenantTx<'_, '_>) -> Result<T> + Send + 'static,
    ) -> Result<Option<(Standing, T)>> {
        app.read_system(move |tx| {
            let Some(member) = caller::still_live(tx, &caller)? else {
                return Ok(None);
            };
            let actor = member.actor();
            let mut tx = tx.view(member.org_id, &actor)?;
            let viewer = domain::event::viewer(&mut tx)?;
            Ok(Some((Standing { viewer, valid_until: member.valid_until }, work(&mut tx)?)))
        })
        .await
    }
}

impl Source for Listener {
    fn page(&self, seq: i64) -> Answer<Option<(Standing, Vec<Recorded>)>> {
        let page = move |tx: &mut TenantTx<'_, '_>| Ok(event::page(tx, Direction::After(seq), PAGE)?);
        Box::pin(Listener::look(self.app.clone(), self.caller.clone(), page))
    }

    fn standing(&self) -> Answer<Option<Standing>> {
        let found = Listener::look(self.app.clone(), self.caller.clone(), |_| Ok(()));
        Box::pin(async { Ok(found.await?.map(|(standing, ())| standing)) })
    }

    fn now(&self) -> Timestamp {
        self.app.clock().now()
    }
}

impl App {
    /// What a stream of this caller reads from.
    pub fn listener(&self, caller: &Caller) -> Arc<dyn Source> {
        Arc::new(Listener { app: self.clone(), caller: caller.clone() })
    }
}
