//! The body of one stream: a page of the log, or what the room has, until there is nothing more;
//! then it waits.
//!
//! Lean on purpose: a stream is this struct, one seat and the connection's own buffers.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame as BodyFrame;

use super::hub::Seat;
use super::ring::{Entry, Joined, Moment};
use crate::error::Result;
use crate::events::{Frame, Viewer};

/// Events that are read from the log at a time.
pub const PAGE: i64 = 100;
/// Entries that are taken from the room at a time.
const TAKE: usize = 64;

type Answer<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// Where a stream reads the log and looks up its listener.
pub trait Source: Send + Sync + 'static {
    /// Up to [`PAGE`] events after `seq`, oldest first.
    fn page(&self, seq: i64) -> Answer<Vec<Frame>>;
    /// What the listener may see now; `None` = the credential is dead.
    fn viewer(&self) -> Answer<Option<Viewer>>;
    /// Whether the credential has reached its end by the clock.
    fn expired(&self) -> bool;
}

/// Where a stream starts.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// The log's epoch.
    pub epoch: i64,
    /// The last event that the listener has.
    pub seq: i64,
    /// Whether the listener must first hear that its cursor was of no use.
    pub reset: bool,
    /// Whether it wants to see moments too.
    pub ephemeral: bool,
}

/// A stream of Server-Sent Events.
pub struct Stream {
    seat: Seat,
    source: Arc<dyn Source>,
    start: Start,
    /// The last event that was looked at, sent or not.
    seq: i64,
    /// The last id that was sent.
    sent: i64,
    place: u64,
    /// The place for which the viewer was looked up.
    looked_up: Option<u64>,
    viewer: Viewer,
    state: State,
    out: VecDeque<Bytes>,
}

enum State {
    /// Reads a page of the log.
    Reading(Answer<Vec<Frame>>),
    /// Looks up the listener; then goes on with the log, or with the room.
    LookingUp(Answer<Option<Viewer>>, Next),
    /// Takes from the room.
    Live,
    /// Nothing more comes.
    Ended,
}

#[derive(Clone, Copy)]
enum Next {
    Log,
    Room,
}

/// What the room had for us.
enum Taken {
    Entries,
    LookUp,
    Behind,
    Expired,
}

impl Stream {
    /// A stream from `start` on.
    pub fn new(seat: Seat, source: Arc<dyn Source>, start: Start, viewer: Viewer) -> Stream {
        let mut first = String::from("retry: 1000\n");
        if start.reset {
            let Start { epoch, seq, .. } = start;
            first.push_str(&format!(
                "id: {epoch}.{seq}\ndata: {{\"type\":\"events.reset\",\"sequence_id\":{seq}}}\n"
            ));
        } else {
            first.push_str(&format!("id: {}.{}\n", start.epoch, start.seq));
        }
        first.push('\n');
        let state = State::Reading(source.page(start.seq));
        let (seq, place) = (start.seq, 0);
        let out = VecDeque::from([Bytes::from(first)]);
        Stream { seat, source, start, seq, sent: seq, place, looked_up: None, viewer, state, out }
    }

    fn offer(&mut self, frame: &Frame) {
        if frame.seq > self.seq {
            self.seq = frame.seq;
            if self.viewer.hears(&frame.audience) {
                self.sent = frame.seq;
                self.out.push_back(frame.bytes.clone());
            }
        }
    }

    fn offer_moment(&mut self, moment: &Moment) {
        let there = moment.project.is_none_or(|project| self.viewer.projects.contains(&project));
        let meant = moment.only.is_none_or(|user| user == self.seat.user_id());
        if self.start.ephemeral && there && meant {
            self.out.push_back(moment.bytes.clone());
        }
    }

    /// A frame without data that moves the listener's cursor.
    fn move_cursor(&mut self, comment: &str) {
        self.sent = self.seq;
        self.out.push_back(Bytes::from(format!("{comment}id: {}.{}\n\n", self.start.epoch, self.seq)));
    }

    fn page_read(&mut self, page: &[Frame]) {
        let whole = page.len() as i64 == PAGE;
        for frame in page {
            self.offer(frame);
        }
        if whole && self.out.is_empty() {
            // A long stretch that is not for this listener: let its cursor move all the same.
            self.move_cursor("");
        }
        let joined = if whole { Joined::Behind } else { self.seat.room.ring().join(self.seq) };
        self.state = match joined {
            Joined::At(place) => {
                self.place = place;
                State::Live
            }
            Joined::Behind => State::Reading(self.source.page(self.seq)),
        };
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
                Entry::Event(frame) => frame.audience.subject == Some(self.seat.user_id()),
                Entry::Access(user_id) => *user_id == self.seat.user_id(),
                Entry::Moment(_) | Entry::Heartbeat => false,
            };
            if concerns_me && self.looked_up != Some(self.place) {
                return Taken::LookUp;
            }
            match entry {
                Entry::Event(frame) => self.offer(frame),
                Entry::Moment(moment) => self.offer_moment(moment),
                Entry::Access(_) => {}
                Entry::Heartbeat if self.source.expired() => return Taken::Expired,
                Entry::Heartbeat => self.move_cursor(": heartbeat\n"),
            }
            self.place += 1;
        }
        Taken::Entries
    }

    fn look_up(&mut self, next: Next) {
        self.looked_up = Some(self.place);
        self.state = State::LookingUp(self.source.viewer(), next);
    }

    fn revoke(&mut self) {
        self.out.push_back(Bytes::from_static(b"data: {\"type\":\"session.revoked\"}\n\n"));
        self.state = State::Ended;
    }
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, Infallible>>> {
        let stream = &mut *self;
        loop {
            if let Some(bytes) = stream.out.pop_front() {
                return Poll::Ready(Some(Ok(BodyFrame::data(bytes))));
            }
            // Give back what a long replay took.
            stream.out.shrink_to(0);
            if stream.seat.is_closing() {
                return Poll::Ready(None);
            }
            match &mut stream.state {
                State::Ended => return Poll::Ready(None),
                State::Reading(page) => match page.as_mut().poll(context) {
                    Poll::Pending => {
                        stream.seat.register(context.waker());
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(page)) => stream.page_read(&page),
                    // The listener comes back with its cursor.
                    Poll::Ready(Err(_)) => stream.state = State::Ended,
                },
                State::LookingUp(viewer, next) => match (viewer.as_mut().poll(context), *next) {
                    (Poll::Pending, _) => {
                        stream.seat.register(context.waker());
                        return Poll::Pending;
                    }
                    (Poll::Ready(Ok(Some(viewer))), next) => {
                        stream.viewer = viewer;
                        stream.state = match next {
                            Next::Log => State::Reading(stream.source.page(stream.seq)),
                            Next::Room => State::Live,
                        };
                    }
                    (Poll::Ready(Ok(None)), _) => stream.revoke(),
                    (Poll::Ready(Err(_)), _) => stream.state = State::Ended,
                },
                State::Live => {
                    // First the waker, then a look: what comes between the two wakes us again.
                    stream.seat.register(context.waker());
                    match stream.take() {
                        Taken::LookUp => stream.look_up(Next::Room),
                        // What changed our access may have been among what we missed.
                        Taken::Behind => stream.look_up(Next::Log),
                        Taken::Expired => stream.revoke(),
                        Taken::Entries if stream.out.is_empty() && !stream.seat.is_closing() => {
                            if matches!(stream.seat.room.ring().get(stream.place), Ok(None)) {
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
