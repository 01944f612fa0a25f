//! A transport of another format, written with nothing but what `realtime` offers.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use mission_control::auth::{Caller, Credential, Principal};
use mission_control::domain::key::owner_of;
use mission_control::events::{Recorded, Scope};
use mission_control::realtime::{Cursor, Encode, Follow, Item, Start};
use mission_control::store::key;
use mission_control_shared::{Moment, UserType};
use serde_json::{Value, json};

use crate::support::{Actor, TestHub, text};

/// Frames as a WebSocket would send them.
struct SocketFrames;

impl Encode<Recorded> for SocketFrames {
    fn encode(event: &Recorded) -> Bytes {
        json!({"type": "message", "message": event.message}).to_string().into()
    }
}

impl Encode<Moment> for SocketFrames {
    fn encode(moment: &Moment) -> Bytes {
        serde_json::to_vec(moment).unwrap().into()
    }
}

/// Follows from now on, as an upgraded connection of this agent would.
async fn follows(hub: &TestHub, agent: &Actor) -> Follow {
    let app = hub.app();
    let user_id = agent.id.parse().unwrap();
    let member = app.read_system(move |tx| {
        let key = key::by_owner(tx, &owner_of(user_id))?.remove(0);
        let credential = Credential::Key { id: key.id, org_id: key.org_id };
        Principal {
            user_id,
            kind: UserType::Agent,
            credential,
            valid_until: None,
            scope: Scope::Organization,
        }
        .member_of(tx, "acme")
    });
    let caller = Caller(Arc::new(member.await.unwrap().unwrap()));
    let seat = app.hub().sit(caller.org_id, caller.user_id, 10).unwrap();
    let head = app.read(&caller, |tx| Ok(mission_control::store::event::head(tx)?)).await.unwrap();
    let cursor = Cursor { epoch: head.epoch, seq: head.last_seq };
    let mut follow =
        Follow::new(seat, app.listener(&caller), Start { cursor, reset: false, ephemeral: true });
    // Whoever is still reading the log has its events for itself.
    app.hub().heartbeat();
    while !matches!(follow.next().await.expect("following goes on"), Item::Heartbeat(_)) {}
    follow
}

/// The next frame that the socket would send; `None` when it would be closed.
async fn frame(follow: &mut Follow) -> Option<Bytes> {
    loop {
        match follow.next().await.expect("following goes on") {
            Item::Event(event) if event.message.is_some() => return Some(event.encoded::<SocketFrames>()),
            Item::Moment(moment) if matches!(**moment, Moment::Typing { .. }) => {
                return Some(moment.encoded::<SocketFrames>());
            }
            Item::Event(_) | Item::Moment(_) | Item::Cursor(_) | Item::Heartbeat(_) | Item::Reset(_) => {}
            Item::Revoked => return None,
        }
    }
}

#[tokio::test]
async fn a_socket_follows_beside_event_streams_and_shares_its_own_frames() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (one, other) = (hub.agent(&acme, "one").await, hub.agent(&acme, "other").await);
    let mut stream = one.listens("", None).await;
    let (mut first, mut second) = (follows(&hub, &one).await, follows(&hub, &other).await);
    let channel = acme.admin.general().await;

    acme.admin.says(&channel, "Hello").await;
    let (left, right) = (frame(&mut first).await.unwrap(), frame(&mut second).await.unwrap());
    let sent: Value = serde_json::from_slice(&left).unwrap();
    assert_eq!((text(&sent, "type"), text(&sent["message"], "content")), ("message", "Hello"));
    assert_eq!(left.as_ptr(), right.as_ptr(), "the frame is made once for both");
    let heard = stream.event("message.created").await;
    assert_eq!(heard["payload"]["message"], sent["message"], "and a stream has its own form of it");

    acme.admin.post(&acme.admin.path(&format!("/channels/{channel}/typing")), json!({})).await;
    let typing: Value = serde_json::from_slice(&frame(&mut second).await.unwrap()).unwrap();
    assert_eq!(typing, json!({"type": "typing", "channel_id": channel, "user_id": acme.admin.id}));

    acme.admin.delete(&acme.admin.path(&format!("/users/{}", other.id))).await;
    assert_eq!(frame(&mut second).await, None, "who was removed is told so");
    assert!(second.next().await.is_none());
}
