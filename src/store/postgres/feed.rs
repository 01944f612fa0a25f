//! Brings what any instance commits to this one: NOTIFY wakes us, the log says what happened.
//!
//! Notifications come in commit order, which the log row makes the number order; what a lost
//! connection let pass is read from the log.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use mission_control_shared::OrgId;
use postgres::fallible_iterator::FallibleIterator as _;
use postgres::{Client, NoTls};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::event::{self, Direction};
use super::super::tx::Actor;
use super::super::{Clock, Publish, Result, Value, organization};
use super::{Manager, Session, read};
use crate::error::Error;
use crate::events::{Publication, Signal};

const CHANNEL: &str = "mission_control";
/// Events that are read at a time.
const PAGE: i64 = 500;
/// How often we look whether to stop.
const PATIENCE: Duration = Duration::from_millis(500);

/// What one commit tells the other instances.
#[derive(Serialize, Deserialize)]
struct Notice {
    instance: Uuid,
    /// Organizations whose logs grew.
    logs: Vec<OrgId>,
    signals: Vec<Signal>,
}

/// The running feed.
pub(super) struct Feed {
    stopping: Arc<AtomicBool>,
}

/// Tells every instance about a commit, when it is one.
pub(super) fn notify(session: &mut Session, instance: Uuid, publications: &[Publication]) -> Result<()> {
    if publications.is_empty() {
        return Ok(());
    }
    let mut notice = Notice { instance, logs: Vec::new(), signals: Vec::new() };
    for publication in publications {
        match publication {
            Publication::Event(event) if notice.logs.contains(&event.org_id) => {}
            Publication::Event(event) => notice.logs.push(event.org_id),
            Publication::Signal(signal) => notice.signals.push(signal.clone()),
        }
    }
    let text = serde_json::to_string(&notice).map_err(|error| super::Failure::Other(error.into()))?;
    session.execute(None, "SELECT pg_notify(?1, ?2)", &[Value::Text(CHANNEL), Value::Text(&text)])?;
    Ok(())
}

impl Feed {
    /// Listens from now on.
    pub(super) fn start(
        config: postgres::Config,
        pool: r2d2::Pool<Manager>,
        instance: Uuid,
        clock: Arc<Clock>,
        publish: Arc<dyn Publish>,
    ) -> anyhow::Result<Feed> {
        let stopping = Arc::new(AtomicBool::new(false));
        let mut reader = Reader { pool, instance, clock, publish, seen: HashMap::new() };
        let client = listen(&config)?;
        reader.find_heads()?;
        let stop = Arc::clone(&stopping);
        std::thread::Builder::new()
            .name("feed".to_owned())
            .spawn(move || run(&config, client, &mut reader, &stop))
            .context("start the feed")?;
        Ok(Feed { stopping })
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

fn listen(config: &postgres::Config) -> anyhow::Result<Client> {
    let mut client = config.connect(NoTls).context("connect to PostgreSQL")?;
    client.batch_execute(&format!("LISTEN {CHANNEL}"))?;
    Ok(client)
}

fn run(config: &postgres::Config, mut client: Client, reader: &mut Reader, stopping: &AtomicBool) {
    while !stopping.load(Ordering::Relaxed) {
        let lost = {
            let mut notifications = client.notifications();
            let mut waiting = notifications.timeout_iter(PATIENCE);
            loop {
                match waiting.next() {
                    Ok(Some(notification)) => reader.take(notification.payload()),
                    Ok(None) => break false,
                    Err(_) => break true,
                }
            }
        };
        if lost || client.is_closed() {
            tracing::warn!("the connection that hears of commits was lost, connecting again");
            std::thread::sleep(PATIENCE);
            if let Ok(again) = listen(config) {
                client = again;
                reader.catch_up();
            }
        }
    }
}

/// Reads logs and publishes what is new.
struct Reader {
    pool: r2d2::Pool<Manager>,
    instance: Uuid,
    clock: Arc<Clock>,
    publish: Arc<dyn Publish>,
    /// The newest number of each log that was published.
    seen: HashMap<OrgId, i64>,
}

impl Reader {
    fn read<T>(&self, work: impl FnOnce(&mut super::Tx<'_>) -> Result<T, Error>) -> anyhow::Result<T> {
        let mut session = self.pool.get().context("connect to PostgreSQL")?;
        read(&mut session, &self.clock, work).map_err(anyhow::Error::from)
    }

    fn find_heads(&mut self) -> anyhow::Result<()> {
        self.seen = self.read(|tx| {
            let mut heads = HashMap::new();
            for org_id in organization::ids(&mut tx.system())? {
                heads.insert(org_id, event::head(&mut tx.view(org_id, &Actor::SYSTEM)?)?.last_seq);
            }
            Ok(heads)
        })?;
        Ok(())
    }

    fn take(&mut self, payload: &str) {
        let Ok(notice) = serde_json::from_str::<Notice>(payload) else {
            return;
        };
        if notice.instance != self.instance && !notice.signals.is_empty() {
            self.publish.publish(notice.signals.into_iter().map(Publication::Signal).collect());
        }
        for org_id in notice.logs {
            self.publish_new(org_id);
        }
    }

    fn catch_up(&mut self) {
        match self.read(|tx| Ok(organization::ids(&mut tx.system())?)) {
            Ok(ids) => ids.into_iter().for_each(|org_id| self.publish_new(org_id)),
            Err(error) => tracing::warn!(error = format!("{error:#}"), "the logs could not be read"),
        }
    }

    /// Publishes what a log has beyond what was published.
    fn publish_new(&mut self, org_id: OrgId) {
        loop {
            let after = self.seen.get(&org_id).copied().unwrap_or(0);
            let page = self.read(|tx| {
                let mut tx = tx.view(org_id, &Actor::SYSTEM)?;
                Ok(event::page(&mut tx, Direction::After(after), PAGE)?)
            });
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "a log could not be read");
                    return;
                }
            };
            let Some(newest) = page.last().map(|event| event.seq) else {
                return;
            };
            self.seen.insert(org_id, newest);
            let whole = page.len() as i64 == PAGE;
            self.publish.publish(page.into_iter().map(Box::new).map(Publication::Event).collect());
            if !whole {
                return;
            }
        }
    }
}
