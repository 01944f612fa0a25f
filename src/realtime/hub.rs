//! The hub: one room for each organization with its recent entries and its listeners.
//!
//! Whoever publishes only puts entries into a room and notes that the room has news. One task,
//! [`Hub::fan_out`], wakes the listeners, so that a writer's answer does not wait for 1,000 wake-ups.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures_util::task::AtomicWaker;
use mission_control_shared::{OrgId, UserId};
use tokio::sync::Notify;

use super::ring::{Entry, Moment, Ring};
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::events::{Publication, Signal};

/// Listeners that are woken under one lock of their room.
const WAKE: usize = 64;

/// Where committed events meet those who listen.
#[derive(Debug, Default)]
pub struct Hub {
    rooms: RwLock<HashMap<OrgId, Arc<Room>>>,
    /// Rooms whose listeners are still to be woken.
    news: Mutex<Vec<Arc<Room>>>,
    has_news: Notify,
    closed: AtomicBool,
    next_seat: AtomicU64,
}

/// One organization.
#[derive(Debug, Default)]
pub(super) struct Room {
    ring: RwLock<Ring>,
    /// By number, which grows with each seat.
    seats: Mutex<BTreeMap<u64, Arc<Chair>>>,
    /// Whether it is among the rooms with news.
    has_news: AtomicBool,
}

/// What a room knows of a listener.
#[derive(Debug)]
struct Chair {
    user_id: UserId,
    waker: AtomicWaker,
}

/// A listener's place in its room; leaving is dropping it.
#[derive(Debug)]
pub struct Seat {
    hub: Arc<Hub>,
    pub(super) room: Arc<Room>,
    chair: Arc<Chair>,
    number: u64,
}

impl Room {
    pub(super) fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring_mut(&self) -> RwLockWriteGuard<'_, Ring> {
        self.ring.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn seats(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Chair>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts entries into the ring, for those who sit in `seats`, which are this room's.
    fn push(&self, seats: &BTreeMap<u64, Arc<Chair>>, entries: impl IntoIterator<Item = Entry>) {
        let mut ring = self.ring_mut();
        if seats.is_empty() {
            // Nobody listens: who comes reads the log.
            ring.clear();
        } else {
            entries.into_iter().for_each(|entry| ring.push(entry));
        }
    }

    /// Wakes everybody, a few at a time: between them, others get at the seats.
    fn wake(&self) {
        let mut last = None;
        loop {
            let seats = self.seats();
            let from = last.map_or(Unbounded, Excluded);
            let mut woken = 0;
            for (number, chair) in seats.range((from, Unbounded)).take(WAKE) {
                chair.waker.wake();
                last = Some(*number);
                woken += 1;
            }
            if woken < WAKE {
                return;
            }
        }
    }
}

impl Hub {
    fn room(&self, org_id: OrgId) -> Arc<Room> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(room) = rooms.get(&org_id) {
            return Arc::clone(room);
        }
        drop(rooms);
        let mut rooms = self.rooms.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(rooms.entry(org_id).or_default())
    }

    fn all_rooms(&self) -> Vec<Arc<Room>> {
        self.rooms.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Wakes those who sit in rooms that have news, until [`Hub::close`].
    pub async fn fan_out(self: Arc<Self>) {
        while !self.is_closed() {
            let rooms = std::mem::take(&mut *self.news());
            if rooms.is_empty() {
                self.has_news.notified().await;
                continue;
            }
            for room in rooms {
                // What is pushed from here on is news again.
                room.has_news.swap(false, Ordering::AcqRel);
                room.wake();
            }
            // Those who were woken run first; what comes meanwhile is one wake-up for them.
            tokio::task::yield_now().await;
        }
    }

    fn news(&self) -> MutexGuard<'_, Vec<Arc<Room>>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the room's listeners woken.
    fn announce(&self, room: &Arc<Room>) {
        if !room.has_news.swap(true, Ordering::AcqRel) {
            self.news().push(Arc::clone(room));
            self.has_news.notify_one();
        }
    }

    fn push(&self, room: &Arc<Room>, entries: impl IntoIterator<Item = Entry>) {
        room.push(&room.seats(), entries);
        self.announce(room);
    }

    /// Takes what a commit brought. Called in commit order.
    pub fn publish(&self, publications: Vec<Publication>) {
        let mut publications = publications.into_iter().peekable();
        while let Some(first) = publications.next() {
            match first {
                Publication::Event(event) => {
                    // A batch of commits is mostly of one organization: one lock for the run.
                    let org_id = event.org_id;
                    let mut run = vec![Entry::Event(Arc::new(Shared::new(*event)))];
                    while let Some(Publication::Event(event)) = publications
                        .next_if(|next| matches!(next, Publication::Event(next) if next.org_id == org_id))
                    {
                        run.push(Entry::Event(Arc::new(Shared::new(*event))));
                    }
                    self.push(&self.room(org_id), run);
                }
                Publication::Signal(signal) => self.signal(signal),
            }
        }
    }

    fn signal(&self, signal: Signal) {
        match signal {
            Signal::Access { org_id: Some(org_id), who } => {
                self.push(&self.room(org_id), [Entry::Access(who)])
            }
            Signal::Access { org_id: None, who } => {
                for room in self.all_rooms() {
                    self.push(&room, [Entry::Access(who)]);
                }
            }
            Signal::Ephemeral { org_id, channel, only, moment } => {
                let moment = Moment { channel, only, moment: Arc::new(Shared::new(moment)) };
                self.push(&self.room(org_id), [Entry::Moment(Box::new(moment))]);
            }
            Signal::JobsDue => {}
        }
    }

    /// Takes a place in the organization's room. Errors: `RATE_LIMITED` when `limit` are taken,
    /// `UNAVAILABLE` when the server is stopping.
    pub fn sit(self: &Arc<Self>, org_id: OrgId, user_id: UserId, limit: usize) -> Result<Seat> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Unavailable);
        }
        let room = self.room(org_id);
        let chair = Arc::new(Chair { user_id, waker: AtomicWaker::new() });
        let number = self.next_seat.fetch_add(1, Ordering::Relaxed);
        let mut seats = room.seats();
        if seats.len() >= limit {
            return Err(Error::Limited(std::time::Duration::from_secs(30)));
        }
        let first = !seats.values().any(|other| other.user_id == user_id);
        seats.insert(number, Arc::clone(&chair));
        metrics::gauge!("mc_stream_connections").increment(1.0);
        if first {
            // Before anybody else sits down or leaves: who comes and who goes is told in that order.
            room.push(&seats, [presence(user_id, true)]);
        }
        drop(seats);
        if first {
            self.announce(&room);
        }
        Ok(Seat { hub: Arc::clone(self), room, chair, number })
    }

    /// Who listens now.
    pub fn online(&self, org_id: OrgId) -> HashSet<UserId> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        rooms
            .get(&org_id)
            .map(|room| room.seats().values().map(|chair| chair.user_id).collect())
            .unwrap_or_default()
    }

    /// Tells every listener that the server is there and that its credential should be looked at.
    pub fn heartbeat(&self) {
        for room in self.all_rooms() {
            self.push(&room, [Entry::Heartbeat]);
        }
    }

    /// Ends every stream; nobody can sit down any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.has_news.notify_one();
        for room in self.all_rooms() {
            room.wake();
        }
    }

    /// Whether [`Hub::close`] was called.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

fn presence(user_id: UserId, online: bool) -> Entry {
    let moment = Shared::new(mission_control_shared::Moment::Presence { user_id, online });
    Entry::Moment(Box::new(Moment { channel: None, only: None, moment: Arc::new(moment) }))
}

impl Seat {
    /// Wakes this task when something comes.
    pub(super) fn register(&self, waker: &std::task::Waker) {
        self.chair.waker.register(waker);
    }

    /// Whose seat it is.
    pub(super) fn user_id(&self) -> UserId {
        self.chair.user_id
    }

    /// Whether the server is stopping.
    pub(super) fn is_closing(&self) -> bool {
        self.hub.is_closed()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.room.seats();
        seats.remove(&self.number);
        let last = !seats.values().any(|other| other.user_id == self.chair.user_id);
        metrics::gauge!("mc_stream_connections").decrement(1.0);
        if last {
            self.room.push(&seats, [presence(self.chair.user_id, false)]);
            drop(seats);
            self.hub.announce(&self.room);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::task::{ArcWake, waker};
    use uuid::Uuid;

    use super::*;

    const ORG: OrgId = OrgId(Uuid::nil());

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Count(AtomicU64);

    impl ArcWake for Count {
        fn wake_by_ref(count: &Arc<Self>) {
            count.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn woken(counts: &[Arc<Count>]) -> u64 {
        counts.iter().map(|count| count.0.load(Ordering::Relaxed)).sum()
    }

    #[tokio::test]
    async fn publishing_wakes_nobody_and_the_fan_out_everybody_once() {
        let hub = Arc::new(Hub::default());
        let seats = 2 * WAKE + 1;
        let seats: Vec<Seat> = (0..seats)
            .map(|number| hub.sit(ORG, UserId(Uuid::from_u128(number as u128)), seats).expect("is free"))
            .collect();
        let counts: Vec<Arc<Count>> = seats.iter().map(|_| Arc::default()).collect();
        for (seat, count) in seats.iter().zip(&counts) {
            seat.register(&waker(Arc::clone(count)));
        }
        hub.heartbeat();
        hub.heartbeat();
        assert_eq!(woken(&counts), 0);
        let fan_out = tokio::spawn(Arc::clone(&hub).fan_out());
        while woken(&counts) < seats.len() as u64 {
            tokio::task::yield_now().await;
        }
        assert!(counts.iter().all(|count| count.0.load(Ordering::Relaxed) == 1));
        hub.close();
        fan_out.await.expect("ends with the hub");
    }
}
