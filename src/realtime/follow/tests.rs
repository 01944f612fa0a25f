//! A follower over a log whose pages come when the test gives them.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt as _;
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

fn access() -> Access {
    let (projects, subscriptions) = (HashSet::new(), HashSet::new());
    let scope = Scope::Organization;
    let viewer = Viewer { user_id: USER, administrator: false, projects, scope, subscriptions };
    Access { viewer, valid_until: None }
}

impl Source for Log {
    fn page(&self, _: i64) -> Answer<Option<(Access, Vec<Recorded>)>> {
        let page = self.pages.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let page = page.expect("the test expects no further page");
        Box::pin(async { Ok(Some((access(), page.await.expect("the test gives the page")))) })
    }

    fn access(&self) -> Answer<Option<Access>> {
        let live = *self.live.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(async move { Ok(live.then(access)) })
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
fn listener() -> (Arc<Hub>, Arc<Log>, Pages, Follow) {
    let (hub, mut given) = (Arc::new(Hub::default()), Pages::new());
    let pages = (0..2).map(|_| {
        let (give, page) = oneshot::channel();
        given.push_back(give);
        page
    });
    let log = Arc::new(Log { pages: Mutex::new(pages.collect()), live: Mutex::new(true) });
    let start = Start { cursor: at(5), reset: false, ephemeral: false };
    let seat = hub.sit(ORG, USER, 1).expect("there is a seat");
    let follow = Follow::new(seat, Arc::clone(&log) as Arc<dyn Source>, start);
    tokio::spawn(Arc::clone(&hub).fan_out());
    (hub, log, given, follow)
}

fn at(seq: i64) -> Cursor {
    Cursor { epoch: 1, seq }
}

/// The number of the event that comes next.
async fn next_event(follow: &mut Follow) -> i64 {
    match follow.next().await {
        Some(Item::Event(event)) => event.seq,
        other => panic!("an event was to come, not {other:?}"),
    }
}

#[tokio::test]
async fn a_change_of_access_while_the_log_is_read_counts() {
    let (hub, log, mut pages, mut follow) = listener();
    assert!(matches!(follow.next().await, Some(Item::Cursor(cursor)) if cursor == at(5)));
    *log.live.lock().expect("nobody panicked") = false;
    hub.publish(vec![Publication::Signal(Signal::Access { org_id: Some(ORG), who: Who::User(USER) })]);
    // The page was read before the credential died.
    pages.pop_front().expect("given").send(vec![event(6)]).expect("is waited for");
    assert_eq!(next_event(&mut follow).await, 6);
    assert!(matches!(follow.next().await, Some(Item::Revoked)));
    assert!(follow.next().await.is_none());
}

#[tokio::test]
async fn what_is_missing_in_the_room_is_read_from_the_log() {
    let (hub, _log, mut pages, mut follow) = listener();
    pages.pop_front().expect("given").send(Vec::new()).expect("is waited for");
    hub.publish(vec![published(7)]);
    pages.pop_front().expect("given").send(vec![event(6), event(7)]).expect("is waited for");
    assert!(matches!(follow.next().await, Some(Item::Cursor(_))));
    assert_eq!((next_event(&mut follow).await, next_event(&mut follow).await), (6, 7));
    hub.publish(vec![published(8)]);
    assert_eq!(next_event(&mut follow).await, 8);
}

#[tokio::test]
async fn a_follower_that_does_not_read_holds_what_the_room_keeps_and_no_more() {
    let (hub, _log, _pages, mut follow) = listener();
    assert!(follow.next().await.is_some());
    let mut sent = Vec::new();
    for seq in 6..=3_005 {
        hub.publish(vec![published(seq)]);
        let ring = follow.seat.room.ring();
        let Ok(Some(Entry::Event(event))) = ring.get(ring.end() - 1) else {
            panic!("the room has what was published last");
        };
        sent.push(Arc::downgrade(event));
    }
    assert_eq!(sent.iter().filter(|event| event.strong_count() > 0).count(), ENTRIES);
    drop(follow);
    assert_eq!(sent.iter().filter(|event| event.strong_count() > 0).count(), 0, "the room is empty");
}
