//! Following an organization: a page of the log, or what the room has, until there is nothing more;
//! then it waits.
//!
//! From the log to the room: the room's end is noted before a page is read, so what is not in the
//! page comes after that place, and what is in both is known by its number. A page comes with what
//! its listener may see at the same moment.
//!
//! Lean on purpose: a follower is this struct and one seat.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use mission_control_shared::{Moment, Timestamp};

use super::hub::Seat;
use super::ring::{self, Entry};
use super::shared::Shared;
use crate::error::Result;
use crate::events::{Recorded, Viewer};

/// Events that are read from the log at a time.
pub const PAGE: i64 = 100;
/// Entries that are taken from the room at a time.
const TAKE: usize = 64;

type Answer<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// What a listener has access to.
#[derive(Clone, Debug)]
pub struct Access {
    /// What it may see and wants to hear.
    pub viewer: Viewer,
    /// When its credential dies by itself.
    pub valid_until: Option<Timestamp>,
}

/// Where a follower reads the log and looks up its listener.
pub trait Source: Send + Sync + 'static {
    /// Up to [`PAGE`] events after `seq`, oldest first, with the listener's access at that moment;
    /// `None` = the credential is dead.
    fn page(&self, seq: i64) -> Answer<Option<(Access, Vec<Recorded>)>>;
    /// The listener's access now; `None` = the credential is dead.
    fn access(&self) -> Answer<Option<Access>>;
    /// The time.
    fn now(&self) -> Timestamp;
}

/// A position in an organization's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The log's epoch.
    pub epoch: i64,
    /// The last event before the position.
    pub seq: i64,
}

/// Where a follower starts.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// The last event that the listener has.
    pub cursor: Cursor,
    /// Whether the listener must first hear that its cursor was of no use.
    pub reset: bool,
    /// Whether it wants to see moments too.
    pub ephemeral: bool,
}

/// What a follower yields, in order. `Cursor` or `Reset` comes first.
#[derive(Clone, Debug)]
pub enum Item {
    /// An event of the log that the listener hears.
    Event(Arc<Shared<Recorded>>),
    /// A moment, which is never stored.
    Moment(Arc<Shared<Moment>>),
    /// The listener has everything up to here.
    Cursor(Cursor),
    /// The same, because nothing else was said for a while.
    Heartbeat(Cursor),
    /// The listener's cursor is of no use: it must reload, and follows from here.
    Reset(Cursor),
    /// The credential is dead. Nothing comes after it.
    Revoked,
}

/// Follows one organization for one listener. Ends after [`Item::Revoked`], when the server stops, and
/// when the log cannot be read; the listener may come back with its last cursor.
pub struct Follow {
    seat: Seat,
    source: Arc<dyn Source>,
    ephemeral: bool,
    /// The last event that was looked at, yielded or not.
    cursor: Cursor,
    /// Where in the room it goes on.
    place: u64,
    /// The place for which the listener was looked up.
    looked_up: Option<u64>,
    /// Comes with the first page.
    access: Option<Access>,
    state: State,
    out: VecDeque<Item>,
}

enum State {
    /// Reads a page of the log.
    Reading(Answer<Option<(Access, Vec<Recorded>)>>),
    /// Looks up the listener.
    LookingUp(Answer<Option<Access>>),
    /// Takes from the room.
    Live,
    /// Nothing more comes.
    Ended,
}

/// What the room had for us.
enum Taken {
    Entries,
    LookUp,
    Behind,
    Expired,
}

impl Follow {
    /// Follows from `start` on.
    pub fn new(seat: Seat, source: Arc<dyn Source>, start: Start) -> Follow {
        let Start { cursor, reset, ephemeral } = start;
        let first = if reset { Item::Reset(cursor) } else { Item::Cursor(cursor) };
        let (place, looked_up, access, state, out) = (0, None, None, State::Ended, VecDeque::from([first]));
        let mut follow = Follow { seat, source, ephemeral, cursor, place, looked_up, access, state, out };
        follow.read_log();
        follow
    }

    fn read_log(&mut self) {
        self.place = self.seat.room.ring().end();
        self.state = State::Reading(self.source.page(self.cursor.seq));
    }

    /// Moves past an event; yields it where it is new and for this listener.
    fn pass(&mut self, event: &Arc<Shared<Recorded>>) {
        if event.seq > self.cursor.seq {
            self.cursor.seq = event.seq;
            if self.access.as_ref().is_some_and(|access| access.viewer.hears(&event.audience)) {
                self.out.push_back(Item::Event(Arc::clone(event)));
            }
        }
    }

    fn pass_moment(&mut self, at: &ring::Moment) {
        let there = self.access.as_ref().is_some_and(|access| access.viewer.may_see_moment(at.channel));
        let meant = at.only.is_none_or(|user| user == self.seat.user_id());
        if self.ephemeral && there && meant {
            self.out.push_back(Item::Moment(Arc::clone(&at.moment)));
        }
    }

    fn page_read(&mut self, page: Vec<Recorded>) {
        let whole = page.len() as i64 == PAGE;
        for event in page {
            let event = Arc::new(Shared::new(event));
            self.pass(&event);
        }
        if whole && self.out.is_empty() {
            // A long stretch that is not for this listener: let its cursor move all the same.
            self.out.push_back(Item::Cursor(self.cursor));
        }
        if whole {
            self.read_log();
        } else {
            self.state = State::Live;
        }
    }

    fn is_expired(&self) -> bool {
        let end = self.access.as_ref().and_then(|access| access.valid_until);
        end.is_some_and(|end| end <= self.source.now())
    }

    /// Takes what the room has, up to a bound.
    fn take(&mut self) -> Taken {
        let room = Arc::clone(&self.seat.room);
        let ring = room.ring();
        for _ in 0..TAKE {
            let entry = match ring.get(self.place) {
                Err(()) => return Taken::Behind,
                Ok(None) => return Taken::Entries,
                Ok(Some(entry)) => entry,
            };
            let concerns_me = match entry {
                // One that was in a page is part of what came with that page.
                Entry::Event(event) => {
                    event.seq > self.cursor.seq && event.audience.subject == Some(self.seat.user_id())
                }
                Entry::Access(who) => who.includes(self.seat.user_id()),
                Entry::Moment(_) | Entry::Heartbeat => false,
            };
            if concerns_me && self.looked_up != Some(self.place) {
                return Taken::LookUp;
            }
            match entry {
                // Something in between is still on its way here: the log has it.
                Entry::Event(event) if event.seq > self.cursor.seq + 1 => return Taken::Behind,
                Entry::Event(event) => self.pass(event),
                Entry::Moment(moment) => self.pass_moment(moment),
                Entry::Access(_) => {}
                Entry::Heartbeat if self.is_expired() => return Taken::Expired,
                Entry::Heartbeat => self.out.push_back(Item::Heartbeat(self.cursor)),
            }
            self.place += 1;
        }
        Taken::Entries
    }

    fn look_up(&mut self) {
        self.looked_up = Some(self.place);
        self.state = State::LookingUp(self.source.access());
    }

    fn revoke(&mut self) {
        self.out.push_back(Item::Revoked);
        self.state = State::Ended;
    }
}

impl Stream for Follow {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        let follow = &mut *self;
        loop {
            if let Some(item) = follow.out.pop_front() {
                return Poll::Ready(Some(item));
            }
            // Give back what a long replay took.
            follow.out.shrink_to(0);
            if follow.seat.is_closing() {
                return Poll::Ready(None);
            }
            match &mut follow.state {
                State::Ended => return Poll::Ready(None),
                State::Reading(page) => match page.as_mut().poll(context) {
                    Poll::Pending => {
                        follow.seat.register(context.waker());
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(Some((access, page)))) => {
                        follow.access = Some(access);
                        follow.page_read(page);
                    }
                    Poll::Ready(Ok(None)) => follow.revoke(),
                    // The listener comes back with its cursor.
                    Poll::Ready(Err(_)) => follow.state = State::Ended,
                },
                State::LookingUp(access) => match access.as_mut().poll(context) {
                    Poll::Pending => {
                        follow.seat.register(context.waker());
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(Some(access))) => {
                        follow.access = Some(access);
                        follow.state = State::Live;
                    }
                    Poll::Ready(Ok(None)) => follow.revoke(),
                    Poll::Ready(Err(_)) => follow.state = State::Ended,
                },
                State::Live => {
                    // First the waker, then a look: what comes between the two wakes us again.
                    follow.seat.register(context.waker());
                    match follow.take() {
                        Taken::LookUp => follow.look_up(),
                        Taken::Behind => follow.read_log(),
                        Taken::Expired => follow.revoke(),
                        Taken::Entries if follow.out.is_empty() && !follow.seat.is_closing() => {
                            if matches!(follow.seat.room.ring().get(follow.place), Ok(None)) {
                                return Poll::Pending;
                            }
                        }
                        Taken::Entries => {}
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
