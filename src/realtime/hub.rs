//! The hub: one room for each organization with its recent entries and its listeners.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use mission_control_shared::{OrgId, UserId};

use super::frame::Frame;
use super::ring::{Entry, Moment, Ring};
use crate::error::{Error, Result};
use crate::events::{Publication, Signal};

/// Where committed events meet those who listen.
#[derive(Debug, Default)]
pub struct Hub {
    rooms: RwLock<HashMap<OrgId, Arc<Room>>>,
    closed: AtomicBool,
    next_seat: AtomicU64,
}

/// One organization.
#[derive(Debug, Default)]
pub(super) struct Room {
    ring: RwLock<Ring>,
    seats: Mutex<HashMap<u64, Arc<Chair>>>,
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

    fn seats(&self) -> MutexGuard<'_, HashMap<u64, Arc<Chair>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, entries: impl IntoIterator<Item = Entry>) {
        self.push_to(&self.seats(), entries);
    }

    fn push_to(&self, seats: &HashMap<u64, Arc<Chair>>, entries: impl IntoIterator<Item = Entry>) {
        let mut ring = self.ring_mut();
        for entry in entries {
            ring.push(entry);
        }
        if seats.is_empty() {
            // Nobody listens: who comes reads the log.
            ring.clear();
        }
        drop(ring);
        for chair in seats.values() {
            chair.waker.wake();
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

    /// Takes what a commit brought. Called in commit order.
    pub fn publish(&self, publications: Vec<Publication>) {
        let mut publications = publications.into_iter().peekable();
        while let Some(first) = publications.next() {
            match first {
                Publication::Event(event) => {
                    // A batch of commits is mostly of one organization: one lock, one wake for the run.
                    let org_id = event.org_id;
                    let mut run = vec![Entry::Event(Arc::new(Frame::from(*event)))];
                    while let Some(Publication::Event(event)) = publications
                        .next_if(|next| matches!(next, Publication::Event(next) if next.org_id == org_id))
                    {
                        run.push(Entry::Event(Arc::new(Frame::from(*event))));
                    }
                    self.room(org_id).push(run);
                }
                Publication::Signal(signal) => self.signal(signal),
            }
        }
    }

    fn signal(&self, signal: Signal) {
        match signal {
            Signal::Access { org_id: Some(org_id), who } => self.room(org_id).push([Entry::Access(who)]),
            Signal::Access { org_id: None, who } => {
                for room in self.all_rooms() {
                    room.push([Entry::Access(who)]);
                }
            }
            Signal::Ephemeral { org_id, channel, only, json } => {
                let bytes = Bytes::from(format!("event: ephemeral\ndata: {json}\n\n"));
                let moment = Arc::new(Moment { channel, only, bytes });
                self.room(org_id).push([Entry::Moment(moment)]);
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
            room.push_to(&seats, [presence(user_id, true)]);
        }
        drop(seats);
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
            room.push([Entry::Heartbeat]);
        }
    }

    /// Ends every stream; nobody can sit down any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        for room in self.all_rooms() {
            for chair in room.seats().values() {
                chair.waker.wake();
            }
        }
    }

    /// Whether [`Hub::close`] was called.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

fn presence(user_id: UserId, online: bool) -> Entry {
    let moment = mission_control_shared::Moment::Presence { user_id, online };
    let json = serde_json::to_string(&moment).expect("our own types always become JSON");
    let bytes = Bytes::from(format!("event: ephemeral\ndata: {json}\n\n"));
    Entry::Moment(Arc::new(Moment { channel: None, only: None, bytes }))
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
            self.room.push_to(&seats, [presence(self.chair.user_id, false)]);
        }
    }
}
