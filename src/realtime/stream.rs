//! The body of one stream: a page of the log, or what the room has, until there is nothing more;
//! then it waits.
//!
//! From the log to the room: the room's end is noted before a page is read, so what is not in the
//! page comes after that place, and what is in both is known by its number. A page comes with how
//! its listener stands at the same moment.
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
use mission_control_shared::Timestamp;

use super::frame::Frame;
use super::hub::Seat;
use super::ring::{Entry, Moment};
use crate::error::Result;
use crate::events::{Recorded, Viewer};

/// Events that are read from the log at a time.
pub const PAGE: i64 = 100;
/// Entries that are taken from the room at a time.
const TAKE: usize = 64;

type Answer<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// How a listener stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What it may see and wants to hear.
    pub viewer: Viewer,
    /// When its credential dies by itself.
    pub valid_until: Option<Timestamp>,
}

/// Where a stream reads the log and looks up its listener.
pub trait Source: Send + Sync + 'static {
    /// Up to [`PAGE`] events after `seq`, oldest first, with how the listener stands at that moment;
    /// `None` = the credential is dead.
    fn page(&self, seq: i64) -> Answer<Option<(Standing, Vec<Recorded>)>>;
    /// How the listener stands now; `None` = the credential is dead.
    fn standing(&self) -> Answer<Option<Standing>>;
    /// The time.
    fn now(&self) -> Timestamp;
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
    /// Where in the room it goes on.
    place: u64,
    /// The place for which the listener was looked up.
    looked_up: Option<u64>,
    /// Comes with the first page.
    standing: Option<Standing>,
    state: State,
    out: VecDeque<Bytes>,
}

enum State {
    /// Reads a page of the log.
    Reading(Answer<Option<(Standing, Vec<Recorded>)>>),
    /// Looks up the listener.
    LookingUp(Answer<Option<Standing>>),
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

impl Stream {
    /// A stream from `start` on.
    pub fn new(seat: Seat, source: Arc<dyn Source>, start: Start) -> Stream {
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
        let out = VecDeque::from([Bytes::from(first)]);
        let (seq, place, looked_up, standing) = (start.seq, 0, None, None);
        let mut stream =
            Stream { seat, source, start, seq, place, looked_up, standing, state: State::Ended, out };
        stream.read_log();
        stream
    }

    fn read_log(&mut self) {
        self.place = self.seat.room.ring().end();
        self.state = State::Reading(self.source.page(self.seq));
    }

    fn offer(&mut self, frame: &Frame) {
        if frame.seq > self.seq {
            self.seq = frame.seq;
            if self.standing.as_ref().is_some_and(|standing| standing.viewer.hears(&frame.audience)) {
                self.out.push_back(frame.bytes.clone());
            }
        }
    }

    fn offer_moment(&mut self, moment: &Moment) {
        let there = self.standing.as_ref().is_some_and(|now| now.viewer.may_see_moment(moment.channel));
        let meant = moment.only.is_none_or(|user| user == self.seat.user_id());
        if self.start.ephemeral && there && meant {
            self.out.push_back(moment.bytes.clone());
        }
    }

    /// A frame without data that moves the listener's cursor.
    fn move_cursor(&mut self, comment: &str) {
        self.out.push_back(Bytes::from(format!("{comment}id: {}.{}\n\n", self.start.epoch, self.seq)));
    }

    fn page_read(&mut self, page: Vec<Recorded>) {
        let whole = page.len() as i64 == PAGE;
        for event in page {
            self.offer(&Frame::from(event));
        }
        if whole && self.out.is_empty() {
            // A long stretch that is not for this listener: let its cursor move all the same.
            self.move_cursor("");
        }
        if whole {
            self.read_log();
        } else {
            self.state = State::Live;
        }
    }

    fn is_expired(&self) -> bool {
        let end = self.standing.as_ref().and_then(|standing| standing.valid_until);
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
                Entry::Event(frame) => {
                    frame.seq > self.seq && frame.audience.subject == Some(self.seat.user_id())
                }
                Entry::Access(who) => who.includes(self.seat.user_id()),
                Entry::Moment(_) | Entry::Heartbeat => false,
            };
            if concerns_me && self.looked_up != Some(self.place) {
                return Taken::LookUp;
            }
            match entry {
                // Something in between is still on its way here: the log has it.
                Entry::Event(frame) if frame.seq > self.seq + 1 => return Taken::Behind,
                Entry::Event(frame) => self.offer(frame),
                Entry::Moment(moment) => self.offer_moment(moment),
                Entry::Access(_) => {}
                Entry::Heartbeat if self.is_expired() => return Taken::Expired,
                Entry::Heartbeat => self.move_cursor(": heartbeat\n"),
            }
            self.place += 1;
        }
        Taken::Entries
    }

    fn look_up(&mut self) {
        self.looked_up = Some(self.place);
        self.state = State::LookingUp(self.source.standing());
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
                    Poll::Ready(Ok(Some((standing, page)))) => {
                        stream.standing = Some(standing);
                        stream.page_read(page);
                    }
                    Poll::Ready(Ok(None)) => stream.revoke(),
                    // The listener comes back with its cursor.
                    Poll::Ready(Err(_)) => stream.state = State::Ended,
                },
                State::LookingUp(standing) => match standing.as_mut().poll(context) {
                    Poll::Pending => {
                        stream.seat.register(context.waker());
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(Some(standing))) => {
                        stream.standing = Some(standing);
                        stream.state = State::Live;
                    }
                    Poll::Ready(Ok(None)) => stream.revoke(),
                    Poll::Ready(Err(_)) => stream.state = State::Ended,
                },
                State::Live => {
                    // First the waker, then a look: what comes between the two wakes us again.
                    stream.seat.register(context.waker());
                    match stream.take() {
                        Taken::LookUp => stream.look_up(),
                        Taken::Behind => stream.read_log(),
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::{Mutex, PoisonError};

    use http_body_util::BodyExt as _;
    use mission_control_shared::{ActorType, EventId, EventKind, OrgId, UserId};
    use tokio::sync::oneshot;
    use uuid::Uuid;

    use super::*;
    use crate::events::{Draft, Publication, Scope, Signal, Who};
    use crate::realtime::Hub;
    use crate::realtime::ring::ENTRIES;

    const ORG: OrgId = OrgId(Uuid::nil());
    const USER: UserId = UserId(Uuid::max());

    /// A log whose pages come when the test gives them.
    struct Log {
        pages: Mutex<VecDeque<oneshot::Receiver<Vec<Recorded>>>>,
        live: Mutex<bool>,
    }

    fn standing() -> Standing {
        let (projects, subscriptions) = (HashSet::new(), HashSet::new());
        let scope = Scope::Organization;
        let viewer = Viewer { user_id: USER, administrator: false, projects, scope, subscriptions };
        Standing { viewer, valid_until: None }
    }

    impl Source for Log {
        fn page(&self, _: i64) -> Answer<Option<(Standing, Vec<Recorded>)>> {
            let page = self.pages.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let page = page.expect("the test expects no further page");
            Box::pin(async { Ok(Some((standing(), page.await.expect("the test gives the page")))) })
        }

        fn standing(&self) -> Answer<Option<Standing>> {
            let live = *self.live.lock().unwrap_or_else(PoisonError::into_inner);
            Box::pin(async move { Ok(live.then(standing)) })
        }

        fn now(&self) -> Timestamp {
            Timestamp(0)
        }
    }

    fn event(seq: i64) -> Recorded {
        let draft = Draft::new(EventKind::OrgUpdated, &serde_json::json!({}));
        Recorded {
            org_id: ORG,
            epoch: 1,
            seq,
            id: EventId(Uuid::nil()),
            actor_id: None,
            actor_type: ActorType::System,
            at: Timestamp(0),
            audience: draft.audience,
            payload: draft.payload,
            message: None,
        }
    }

    fn published(seq: i64) -> Publication {
        Publication::Event(Box::new(event(seq)))
    }

    type Pages = VecDeque<oneshot::Sender<Vec<Recorded>>>;

    /// A listener who has everything up to event 5, and the next two pages of the log.
    fn listener() -> (Arc<Hub>, Arc<Log>, Pages, Stream) {
        let (hub, mut given) = (Arc::new(Hub::default()), Pages::new());
        let pages = (0..2).map(|_| {
            let (give, page) = oneshot::channel();
            given.push_back(give);
            page
        });
        let log = Arc::new(Log { pages: Mutex::new(pages.collect()), live: Mutex::new(true) });
        let start = Start { epoch: 1, seq: 5, reset: false, ephemeral: false };
        let seat = hub.sit(ORG, USER, 1).expect("there is a seat");
        let stream = Stream::new(seat, Arc::clone(&log) as Arc<dyn Source>, start);
        (hub, log, given, stream)
    }

    async fn next(stream: &mut Stream) -> Option<String> {
        let frame = stream.frame().await?.expect("a stream never fails");
        let bytes = frame.into_data().expect("there are no trailers");
        Some(String::from_utf8(bytes.to_vec()).expect("frames are text"))
    }

    #[tokio::test]
    async fn what_changes_while_the_log_is_read_counts() {
        let (hub, log, mut pages, mut stream) = listener();
        assert_eq!(next(&mut stream).await.as_deref(), Some("retry: 1000\nid: 1.5\n\n"));
        *log.live.lock().expect("nobody panicked") = false;
        hub.publish(vec![Publication::Signal(Signal::Access { org_id: Some(ORG), who: Who::User(USER) })]);
        // The page was read before the credential died.
        pages.pop_front().expect("given").send(vec![event(6)]).expect("is waited for");
        assert!(next(&mut stream).await.is_some_and(|text| text.starts_with("id: 1.6\n")));
        assert_eq!(next(&mut stream).await.as_deref(), Some("data: {\"type\":\"session.revoked\"}\n\n"));
        assert_eq!(next(&mut stream).await, None);
    }

    #[tokio::test]
    async fn what_is_missing_in_the_room_is_read_from_the_log() {
        let (hub, _log, mut pages, mut stream) = listener();
        pages.pop_front().expect("given").send(Vec::new()).expect("is waited for");
        hub.publish(vec![published(7)]);
        pages.pop_front().expect("given").send(vec![event(6), event(7)]).expect("is waited for");
        for id in ["id: 1.5\n", "id: 1.6\n", "id: 1.7\n"] {
            assert!(next(&mut stream).await.is_some_and(|text| text.contains(id)), "{id}");
        }
        hub.publish(vec![published(8)]);
        assert!(next(&mut stream).await.is_some_and(|text| text.starts_with("id: 1.8\n")));
    }

    #[tokio::test]
    async fn who_does_not_read_holds_what_the_room_keeps_and_no_more() {
        let (hub, _log, _pages, mut stream) = listener();
        assert!(next(&mut stream).await.is_some());
        let mut sent = Vec::new();
        for seq in 6..=3_005 {
            hub.publish(vec![published(seq)]);
            let ring = stream.seat.room.ring();
            let Ok(Some(Entry::Event(frame))) = ring.get(ring.end() - 1) else {
                panic!("the room has what was published last");
            };
            sent.push(Arc::downgrade(frame));
        }
        assert_eq!(sent.iter().filter(|frame| frame.strong_count() > 0).count(), ENTRIES);
        drop(stream);
        assert_eq!(sent.iter().filter(|frame| frame.strong_count() > 0).count(), 0, "the room is empty");
    }
}
