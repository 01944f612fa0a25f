//! A follower's view of the server: the log of its organization and what its listener may see.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use mission_control_shared::Timestamp;

use super::App;
use crate::auth::{Caller, caller};
use crate::domain;
use crate::error::Result;
use crate::events::Recorded;
use crate::realtime::{Access, PAGE, Source};
use crate::store::TenantTx;
use crate::store::event::{self, Direction};

/// Somebody who listens.
pub(super) struct Listener {
    app: App,
    caller: Caller,
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

impl Listener {
    /// What the caller may see, and what `work` finds at the same moment.
    async fn look<T: Send + 'static>(
        app: App,
        caller: Caller,
        work: impl FnOnce(&mut TenantTx<'_, '_>) -> Result<T> + Send + 'static,
    ) -> Result<Option<(Access, T)>> {
        app.read_system(move |tx| {
            let Some(member) = caller::still_live(tx, &caller)? else {
                return Ok(None);
            };
            let actor = member.actor();
            let mut tx = tx.view(member.org_id, &actor)?;
            let viewer = domain::event::viewer(&mut tx)?;
            Ok(Some((Access { viewer, valid_until: member.valid_until }, work(&mut tx)?)))
        })
        .await
    }
}

impl Source for Listener {
    fn page(&self, seq: i64) -> Answer<Option<(Access, Vec<Recorded>)>> {
        let page = move |tx: &mut TenantTx<'_, '_>| Ok(event::page(tx, Direction::After(seq), PAGE)?);
        Box::pin(Listener::look(self.app.clone(), self.caller.clone(), page))
    }

    fn access(&self) -> Answer<Option<Access>> {
        let found = Listener::look(self.app.clone(), self.caller.clone(), |_| Ok(()));
        Box::pin(async { Ok(found.await?.map(|(access, ())| access)) })
    }

    fn now(&self) -> Timestamp {
        self.app.clock().now()
    }
}

impl App {
    /// What a follower for this caller reads from.
    pub fn listener(&self, caller: &Caller) -> Arc<dyn Source> {
        Arc::new(Listener { app: self.clone(), caller: caller.clone() })
    }
}
