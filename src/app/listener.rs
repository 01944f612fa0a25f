//! A stream's view of the server: the log of its organization and its listener's standing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::App;
use crate::auth::{Caller, caller};
use crate::domain;
use crate::error::Result;
use crate::events::{Frame, Viewer};
use crate::realtime::{PAGE, Source};
use crate::store::event::{self, Direction, Wanted};

/// Somebody who listens.
pub(super) struct Listener {
    app: App,
    caller: Caller,
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

impl Source for Listener {
    fn page(&self, seq: i64) -> Answer<Vec<Frame>> {
        let (app, caller) = (self.app.clone(), self.caller.clone());
        Box::pin(async move {
            app.read(&caller, move |tx| Ok(event::page(tx, &Wanted::default(), Direction::After(seq), PAGE)?))
                .await
        })
    }

    fn viewer(&self) -> Answer<Option<Viewer>> {
        let (app, caller) = (self.app.clone(), self.caller.clone());
        Box::pin(async move {
            app.read_system(move |tx| {
                let Some(member) = caller::still_live(tx, &caller)? else {
                    return Ok(None);
                };
                let actor = member.actor();
                domain::event::viewer(&mut tx.tenant(member.org_id, &actor)?).map(Some)
            })
            .await
        })
    }

    fn expired(&self) -> bool {
        self.caller.valid_until.is_some_and(|end| end <= self.app.clock().now())
    }
}

impl App {
    /// What a stream of this caller reads from.
    pub fn listener(&self, caller: &Caller) -> Arc<dyn Source> {
        Arc::new(Listener { app: self.clone(), caller: caller.clone() })
    }
}
