//! Feeds consumers from the event log: a page of one organization at a time, round and round, so that
//! a long log of one does not keep the others waiting.
//!
//! One instance feeds a consumer in an organization, by a lease on its cursor. The lease is kept after a
//! page, so steady work costs one write for each page and a silent log costs nothing.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use mission_control_shared::{OrgId, Timestamp};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};
use crate::events::{Consumer, Follower, Recorded};
use crate::store::event::{self, Direction};
use crate::store::{Actor, Gate, TenantTx, cursor, organization};

/// Events in a page.
const PAGE: i64 = 100;
/// How long a cursor is held without being moved.
const LEASE: Duration = Duration::from_secs(30);
/// How long a consumer waits after an error; it doubles each time, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Feeds `consumer` until `stop`.
pub async fn feed<C: Consumer>(app: App, consumer: C, stop: CancellationToken) {
    let follower = app.wake().follow();
    let mut feed = Feed {
        id: app.clock().id(),
        app: app.clone(),
        consumer: Some(consumer),
        queue: VecDeque::new(),
        queued: HashSet::new(),
        later: BTreeSet::new(),
        failures: HashMap::new(),
        leased: HashMap::new(),
    };
    feed.run(&follower, &stop).await;
    app.wake().unfollow(&follower);
    feed.release().await;
}

struct Feed<C> {
    app: App,
    /// Away while it takes a page.
    consumer: Option<C>,
    id: Uuid,
    /// Organizations whose logs may have something, each once.
    queue: VecDeque<OrgId>,
    queued: HashSet<OrgId>,
    /// Organizations to look at again at that moment.
    later: BTreeSet<(Instant, OrgId)>,
    /// Errors in a row.
    failures: HashMap<OrgId, u32>,
    /// Until when cursors are held here.
    leased: HashMap<OrgId, Timestamp>,
}

/// What came of a look at one log.
enum Fed {
    /// There is more.
    More,
    /// Nothing more now.
    All,
    /// Another instance feeds it, at least for this long.
    Elsewhere(Duration),
}

impl<C: Consumer> Feed<C> {
    async fn run(&mut self, follower: &Arc<Follower>, stop: &CancellationToken) {
        while let Err(error) = self.find_organizations().await {
            tracing::warn!(
                consumer = C::NAME,
                error = super::cause(&error),
                "the organizations could not be read, trying again"
            );
            tokio::select! { () = stop.cancelled() => return, () = tokio::time::sleep(FIRST_WAIT) => {} }
        }
        while !stop.is_cancelled() {
            follower.grown().into_iter().for_each(|org_id| self.enqueue(org_id));
            let now = Instant::now();
            while let Some((_, org_id)) = self.later.first().copied().filter(|(at, _)| *at <= now) {
                self.later.pop_first();
                self.enqueue(org_id);
            }
            let Some(org_id) = self.queue.pop_front() else {
                let next = self.later.first().map(|(at, _)| *at);
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = follower.news() => {}
                    () = sleep_until(next.unwrap_or(now)), if next.is_some() => {}
                }
                continue;
            };
            self.queued.remove(&org_id);
            let fed = self.page(org_id).await;
            self.note(org_id, fed);
        }
    }

    fn enqueue(&mut self, org_id: OrgId) {
        if self.queued.insert(org_id) {
            self.queue.push_back(org_id);
        }
    }

    fn note(&mut self, org_id: OrgId, fed: Result<Fed>) {
        let failures = match &fed {
            Err(_) => self.failures.get(&org_id).copied().unwrap_or(0) + 1,
            Ok(_) => 0,
        };
        self.failures.remove(&org_id);
        match fed {
            Ok(Fed::More) => self.enqueue(org_id),
            Ok(Fed::All) => {}
            Ok(Fed::Elsewhere(wait)) => {
                self.later.insert((Instant::now() + wait, org_id));
            }
            Err(error) => {
                self.failures.insert(org_id, failures);
                let wait = (FIRST_WAIT * 2_u32.pow(failures.min(16) - 1)).min(LONGEST_WAIT);
                metrics::counter!("mc_consumer_failed_total", "consumer" => C::NAME).increment(1);
                tracing::warn!(consumer = C::NAME, org.id = %org_id, error = super::cause(&error), "events could not be taken, trying again in {wait:?}");
                self.later.insert((Instant::now() + wait, org_id));
            }
        }
    }

    /// Logs may have grown while nobody was here.
    async fn find_organizations(&mut self) -> Result<()> {
        for org_id in self.app.read_system(|tx| Ok(organization::ids(tx)?)).await? {
            self.enqueue(org_id);
        }
        Ok(())
    }

    /// Gives the consumer the next page of one log and moves its cursor.
    async fn page(&mut self, org_id: OrgId) -> Result<Fed> {
        let Some((now, seq, page)) = self.read(org_id).await? else { return Ok(Fed::All) };
        let Some(last) = page.last().map(|event| event.seq) else { return Ok(Fed::All) };
        let lease = i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX);
        if self.leased.get(&org_id).is_none_or(|until| until.0 - now.0 < lease / 2) {
            let id = self.id;
            let cursor = self
                .write(org_id, move |tx, now| {
                    let (until, latest) = (Timestamp(now.0 + lease), Timestamp(now.0 + 2 * lease));
                    Ok(cursor::lease(tx, C::NAME, id, now, until, latest)?)
                })
                .await?;
            match cursor.lease {
                Some((by, until)) if by == id => self.leased.insert(org_id, until),
                Some((_, until)) => {
                    let wait = u64::try_from(until.0 - now.0).unwrap_or(0).max(1_000);
                    return Ok(Fed::Elsewhere(Duration::from_micros(wait)));
                }
                None => return Ok(Fed::More),
            };
            if cursor.seq != seq {
                // Another instance was here in between.
                return Ok(Fed::More);
            }
        }
        let more = page.len() as i64 == PAGE;
        metrics::counter!("mc_consumer_events_total", "consumer" => C::NAME).increment(page.len() as u64);
        self.take(org_id, page).await?;
        let id = self.id;
        let moved = self
            .write(org_id, move |tx, now| {
                let until = Timestamp(now.0 + lease);
                Ok(cursor::advance(tx, C::NAME, id, seq, last, until)?.then_some(until))
            })
            .await?;
        match moved {
            Some(until) => self.leased.insert(org_id, until),
            None => self.leased.remove(&org_id),
        };
        Ok(if more || moved.is_none() { Fed::More } else { Fed::All })
    }

    /// The time, the cursor, and what comes after it; `None`: there is no such organization any more.
    async fn read(&self, org_id: OrgId) -> Result<Option<(Timestamp, i64, Vec<Recorded>)>> {
        self.app
            .read_system(move |tx| {
                let now = tx.database_now()?;
                let mut tx = tx.view(org_id, &Actor::SYSTEM)?;
                if organization::find(&mut tx)?.is_none() {
                    return Ok(None);
                }
                let seq = cursor::find(&mut tx, C::NAME)?.seq;
                let page = event::page(&mut tx, Direction::After(seq), PAGE)?;
                Ok(Some((now, seq, page)))
            })
            .await
    }

    async fn write<T: Send + 'static>(
        &self,
        org_id: OrgId,
        mut work: impl FnMut(&mut TenantTx<'_, '_>, Timestamp) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.app
            .write_system(move |tx| {
                let now = tx.database_now()?;
                work(&mut tx.tenant(org_id, &Actor::SYSTEM, Gate::Lifecycle)?, now)
            })
            .await
    }

    /// Lets the consumer take a page, on a thread that may block.
    async fn take(&mut self, org_id: OrgId, page: Vec<Recorded>) -> Result<()> {
        let mut consumer = self.consumer.take().ok_or_else(|| broken("it broke off before"))?;
        let taking = tokio::task::spawn_blocking(move || {
            let taken =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| consumer.take(org_id, &page)));
            (consumer, taken)
        });
        let (consumer, taken) = taking.await.map_err(|stopped| Error::Internal(stopped.into()))?;
        self.consumer = Some(consumer);
        taken.unwrap_or_else(|_| Err(broken("it panicked")))
    }

    /// Lets other instances go on at once.
    async fn release(&mut self) {
        let id = self.id;
        for org_id in std::mem::take(&mut self.leased).into_keys() {
            let release = move |tx: &mut TenantTx<'_, '_>, _| Ok(cursor::release(tx, C::NAME, id)?);
            if let Err(error) = self.write(org_id, release).await {
                tracing::debug!(
                    consumer = C::NAME,
                    error = super::cause(&error),
                    "a cursor stays held until its lease ends"
                );
                return;
            }
        }
    }
}

fn broken(how: &'static str) -> Error {
    Error::Internal(anyhow::anyhow!("the consumer did not take a page: {how}"))
}
