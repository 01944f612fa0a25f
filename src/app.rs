//! The one wiring point: opens the parts, connects them, and gives handlers their two doors,
//! [`App::read`] and [`App::write`].
//!
//! Must not know: HTTP, the order of start and shutdown (`server` does), any rule of the product.

mod directory;
mod listener;
mod lock;

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::auth::{Auth, Caller};
use crate::config::Config;
use crate::error::Result;
use crate::events::{Publication, Signal, Wake, Who};
use crate::realtime::Hub;
use crate::store::blob::Blobs;
use crate::store::{Clock, Gate, Publish, Store, SystemTx, TenantTx};

pub use self::directory::{Denied, OfAnother, check_files};
pub use self::lock::{DataDirLock, InUse};

/// A running server's parts. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    config: Config,
    store: Store,
    auth: Arc<Auth>,
    hub: Arc<Hub>,
    wake: Arc<Wake>,
    blobs: Arc<Blobs>,
    /// Writes that nobody waits for but the stop of the server.
    notes: TaskTracker,
    /// Held as long as the data directory is in use.
    _lock: DataDirLock,
}

/// Hands what was committed to those who must know, in the order that makes revocation instant.
struct Wires {
    auth: Arc<Auth>,
    hub: Arc<Hub>,
    wake: Arc<Wake>,
}

impl Publish for Wires {
    fn publish(&self, publications: Vec<Publication>) {
        for publication in &publications {
            match publication {
                Publication::Signal(Signal::Access { org_id, who }) => {
                    self.auth.access_changed(*org_id, *who)
                }
                Publication::Event(event) => {
                    if let Some(user_id) = event.audience.subject {
                        self.auth.access_changed(Some(event.org_id), Who::User(user_id));
                    }
                }
                Publication::Signal(Signal::Ephemeral { .. } | Signal::JobsDue) => {}
            }
        }
        self.wake.publish(&publications);
        self.hub.publish(publications);
    }
}

impl App {
    /// Opens everything. Blocks.
    pub fn open(config: Config, clock: Arc<Clock>) -> anyhow::Result<App> {
        let lock = DataDirLock::take(&config.data.dir)?;
        check_files(&config)?;
        let auth = Arc::new(Auth::new(&config)?);
        let hub = Arc::new(Hub::default());
        let wake = Arc::new(Wake::default());
        let wires = Wires { auth: Arc::clone(&auth), hub: Arc::clone(&hub), wake: Arc::clone(&wake) };
        let blobs = Arc::new(
            Blobs::open(&config.data.dir)
                .map_err(|error| directory::refused(&config.data.dir.join("files"), error))?,
        );
        let store = Store::open(&config.place()?, clock, Arc::new(wires))?;
        let notes = TaskTracker::new();
        Ok(App(Arc::new(Parts { config, store, auth, hub, wake, blobs, notes, _lock: lock })))
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Credentials and their limits.
    pub fn auth(&self) -> &Auth {
        &self.0.auth
    }

    /// Live delivery.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    /// Wakes jobs and consumers.
    pub fn wake(&self) -> &Wake {
        &self.0.wake
    }

    /// The contents of uploaded files.
    pub fn blobs(&self) -> &Arc<Blobs> {
        &self.0.blobs
    }

    /// Time and ids.
    pub fn clock(&self) -> &Clock {
        self.0.store.clock()
    }

    /// The database, for health and metrics.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Reads in the caller's organization, on one consistent view.
    pub async fn read<T: Send + 'static>(
        &self,
        caller: &Caller,
        work: impl FnOnce(&mut TenantTx<'_, '_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (org_id, actor) = (caller.org_id, caller.actor());
        self.0.store.read(move |tx| work(&mut tx.view(org_id, &actor)?)).await
    }

    /// Writes in the caller's organization; the answer comes when it is durable. `work` may run
    /// more than once.
    ///
    /// Errors: `ORGANIZATION_READ_ONLY`, `STORAGE_FULL`, `UNAVAILABLE`, and those of `work`.
    pub async fn write<T: Send + 'static>(
        &self,
        caller: &Caller,
        mut work: impl FnMut(&mut TenantTx<'_, '_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (org_id, actor) = (caller.org_id, caller.actor());
        self.0.store.write(move |tx| work(&mut tx.tenant(org_id, &actor, Gate::Working)?)).await
    }

    /// Reads identity tables.
    pub async fn read_system<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SystemTx<'_, '_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.0.store.read(move |tx| work(&mut tx.system())).await
    }

    /// Writes identity tables. `work` may run more than once.
    pub async fn write_system<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut SystemTx<'_, '_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.0.store.write(move |tx| work(&mut tx.system())).await
    }

    /// Writes a note that no answer waits for. `work` may run more than once.
    pub fn write_later(&self, work: impl FnMut(&mut SystemTx<'_, '_>) -> Result<()> + Send + 'static) {
        let app = self.clone();
        self.0.notes.spawn(async move {
            if let Err(error) = app.write_system(work).await {
                tracing::warn!(%error, "a note about a caller could not be written");
            }
        });
    }

    /// Waits for the notes that were begun; called when no request runs any more.
    pub async fn finish_notes(&self) {
        self.0.notes.close();
        self.0.notes.wait().await;
    }
}
