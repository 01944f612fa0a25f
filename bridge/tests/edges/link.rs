//! The link to a Gateway that starts, refuses, falls silent, restarts and stammers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::SinkExt as _;
use insta::{assert_debug_snapshot, assert_snapshot};
use mc_bridge::gateway::{
    CallError, ChatSend, Connection, DeviceIdentity, Gateway, GatewayOptions, LinkStatus, SessionEvent,
    connect,
};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::fake::{Fake, Peer, TOKEN, hello};
use mission_control_script::{Script, answer};

const KEY: &str = "agent:main:mc:acme:project:1";

fn start(options: GatewayOptions) -> (Gateway, CancellationToken, TaskTracker) {
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let gateway = Gateway::start(options, stop.clone(), &tasks);
    tasks.close();
    (gateway, stop, tasks)
}

/// A link that is up, and its other end.
async fn linked() -> (Fake, Peer, Connection) {
    let fake = Fake::start().await;
    let options = fake.options();
    let (peer, connection) = tokio::join!(fake.welcome(), connect(&options));
    (fake, peer, connection.expect("connects"))
}

/// What the link says when it is down the next time.
async fn down(gateway: &Gateway) -> (String, bool) {
    let mut status = gateway.status();
    let is_down =
        |status: &LinkStatus| matches!(status, LinkStatus::Down { reason, .. } if reason != "connecting");
    let found = status.wait_for(is_down).await.expect("goes on").clone();
    match found {
        LinkStatus::Down { reason, refused, .. } => (reason, refused),
        LinkStatus::Up { .. } => unreachable!("it was waited for"),
    }
}

fn message(text: &str) -> ChatSend {
    ChatSend {
        session_key: KEY.to_owned(),
        message: text.to_owned(),
        idempotency_key: "key-1".to_owned(),
        suppress_commands: true,
    }
}

#[tokio::test]
async fn the_bridge_says_who_it_is_and_what_it_needs() {
    let (_fake, peer, connection) = linked().await;
    let mut connect = peer.connect;
    connect["params"]["client"]["version"] = "*".into();
    connect["params"]["client"]["platform"] = "*".into();
    assert_snapshot!(serde_json::to_string_pretty(&connect).expect("JSON"), @r#"
    {
      "id": "connect",
      "method": "connect",
      "params": {
        "auth": {
          "token": "do-not-tell-token"
        },
        "caps": [
          "session-scoped-events"
        ],
        "client": {
          "id": "gateway-client",
          "mode": "backend",
          "platform": "*",
          "version": "*"
        },
        "maxProtocol": 4,
        "minProtocol": 4,
        "role": "operator",
        "scopes": [
          "operator.read",
          "operator.write",
          "operator.admin"
        ]
      },
      "type": "req"
    }
    "#);
    assert_eq!((connection.boot_id(), connection.hello().protocol), ("boot-1", 4));
}

#[tokio::test]
async fn a_device_signs_what_it_asks_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let identity = Arc::new(DeviceIdentity::load_or_create(&folder.path().join("key")).expect("made"));
    let fake = Fake::start().await;
    let options = GatewayOptions { identity: Some(Arc::clone(&identity)), ..fake.options() };
    let (peer, connection) = tokio::join!(fake.welcome(), connect(&options));
    connection.expect("connects");

    let device = &peer.connect["params"]["device"];
    let decode = |value: &Value| {
        data_encoding::BASE64URL_NOPAD.decode(value.as_str().expect("a text").as_bytes()).expect("base64url")
    };
    let public_key = decode(&device["publicKey"]);
    let id = ring::digest::digest(&ring::digest::SHA256, &public_key);
    assert_eq!(device["id"], data_encoding::HEXLOWER.encode(id.as_ref()));
    assert_eq!((&device["nonce"], &device["signedAt"]), (&json!("the-nonce"), &json!(1_795_343_944_575_i64)));
    let signed = format!(
        "v3|{}|gateway-client|backend|operator|operator.read,operator.write,operator.admin|1795343944575|{TOKEN}|the-nonce|{}|",
        identity.id(),
        std::env::consts::OS,
    );
    ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public_key)
        .verify(signed.as_bytes(), &decode(&device["signature"]))
        .expect("is signed by it");
}

#[tokio::test]
async fn every_refusal_says_how_to_mend_it() {
    let invalid =
        |details: Value| json!({"code": "INVALID_REQUEST", "message": "in its words", "details": details});
    let refusals = [
        invalid(json!({"code": "AUTH_TOKEN_MISMATCH"})),
        invalid(json!({"code": "PROTOCOL_MISMATCH", "expectedProtocol": 5})),
        invalid(json!({"code": "PROTOCOL_MISMATCH", "expectedProtocol": 3})),
        json!({"code": "NOT_PAIRED", "message": "x", "details": {"code": "DEVICE_IDENTITY_REQUIRED"}}),
        json!({"code": "NOT_PAIRED", "message": "x", "details": {"code": "PAIRING_REQUIRED", "requestId": "req-7"}}),
        invalid(json!({"code": "DEVICE_AUTH_SIGNATURE_EXPIRED"})),
        invalid(json!({"code": "AUTH_RATE_LIMITED"})),
        invalid(Value::Null),
    ];
    let mut told = Vec::new();
    for refusal in refusals {
        let fake = Fake::start().await;
        let options = fake.options();
        let gateway = async { fake.accept().await.refuse("connect", refusal).await };
        let ((), connection) = tokio::join!(gateway, connect(&options));
        told.push(connection.err().expect("is refused").to_string());
    }
    let fake = Fake::start().await;
    let options = fake.options();
    let mut poor = hello();
    poor["auth"]["scopes"] = json!(["operator.read"]);
    let gateway = async { fake.accept().await.answer("connect", poor).await };
    let ((), connection) = tokio::join!(gateway, connect(&options));
    told.push(connection.err().expect("is of no use").to_string());
    let told = told.join("\n");
    assert!(!told.contains(TOKEN));
    assert_snapshot!(told, @r#"
    the Gateway does not accept this token: put the value of its `gateway.auth.token` into the secret that `gateway.token_env` names
    the Gateway speaks protocol 5, this bridge speaks 4: update the bridge
    the Gateway speaks protocol 3, this bridge speaks 4: update the Gateway
    the Gateway asks for a device identity: connect to it directly, not through a proxy on loopback
    the Gateway does not know this bridge yet: run `openclaw devices approve req-7` on the Gateway's host
    the Gateway does not accept this bridge's device signature (DEVICE_AUTH_SIGNATURE_EXPIRED): set the clocks of both machines right; if they are, delete the bridge's device file and approve the bridge anew
    the Gateway refused the connection: in its words (INVALID_REQUEST)
    the Gateway refused the connection: in its words (INVALID_REQUEST)
    the Gateway does not grant operator.write, operator.admin: approve this bridge's device again on the Gateway's host (`openclaw devices list`, `openclaw devices approve <requestId>`), or use the Gateway's shared token
    "#);
}

#[tokio::test]
async fn what_is_no_gateway_is_told() {
    let page = Script::start(vec![answer("200 OK", "", "<html>")]).await;
    let options =
        |url: &str| GatewayOptions { url: url.to_owned(), token: TOKEN.to_owned().into(), identity: None };
    let mut told =
        vec![connect(&options(&page.url.replace("http", "ws"))).await.err().expect("is none").to_string()];
    let nowhere = Script::nowhere().await.url.replace("http", "ws");
    told.push(connect(&options(&nowhere)).await.err().expect("is none").to_string());
    let fake = Fake::start().await;
    let gateway = async { fake.accept().await.answer("connect", json!({"welcome": true})).await };
    let here = fake.options();
    told.push(tokio::join!(gateway, connect(&here)).1.err().expect("is none").to_string());
    let gateway = async { fake.accept().await.close(1008, "not you").await };
    told.push(tokio::join!(gateway, connect(&here)).1.err().expect("is none").to_string());
    assert_debug_snapshot!(told, @r#"
    [
        "what answers at the Gateway's address is no Gateway (HTTP 200 OK): check `gateway.url`",
        "the Gateway cannot be reached: Connection refused (os error 111)",
        "what answers at the Gateway's address does not speak as one: check `gateway.url`",
        "the Gateway closed the connection at once: 1008 not you",
    ]
    "#);
}

#[tokio::test]
async fn a_gateway_that_starts_is_tried_again_shortly() {
    let fake = Fake::start().await;
    let (gateway, stop, tasks) = start(fake.options());
    let began = Instant::now();
    let starting = json!({"code": "UNAVAILABLE", "message": "gateway starting; retry shortly", "retryable": true,
        "retryAfterMs": 100, "details": {"reason": "startup-sidecars"}});
    for _ in 0..5 {
        fake.accept().await.refuse("connect", starting.clone()).await;
    }
    assert_eq!(down(&gateway).await, ("the Gateway is starting".to_owned(), false));
    let _peer = fake.welcome().await;
    gateway.connection().await;
    // Five waits of 100 ms; doubling from one second would be 15 at least.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(matches!(*gateway.status().borrow(), LinkStatus::Up { .. }));
    stop.cancel();
    tasks.wait().await;
}

#[tokio::test]
async fn a_new_token_is_tried_at_once() {
    let fake = Fake::start().await;
    let (gateway, _stop, _tasks) =
        start(GatewayOptions { token: "wrong".to_owned().into(), ..fake.options() });
    let mismatch =
        json!({"code": "INVALID_REQUEST", "message": "x", "details": {"code": "AUTH_TOKEN_MISMATCH"}});
    for _ in 0..3 {
        fake.accept().await.refuse("connect", mismatch.clone()).await;
    }
    let (reason, refused) = down(&gateway).await;
    assert!(refused && reason.contains("does not accept this token"), "{reason}");
    gateway.set_token("right".to_owned().into());
    let peer = fake.welcome().await;
    assert_eq!(peer.connect["params"]["auth"]["token"], "right");
    gateway.connection().await;
}

#[tokio::test]
async fn a_lost_connection_is_followed_by_another() {
    let fake = Fake::start().await;
    let (gateway, _stop, _tasks) = start(fake.options());
    let mut peer = fake.welcome().await;
    let first = gateway.connection().await;
    let mut events = first.session_events(KEY);
    peer.event("shutdown", json!({"reason": "gateway stopping"})).await;
    let unanswered = first.history(KEY);
    let gone = async {
        peer.expect("chat.history").await;
        peer.close(1012, "service restart").await;
    };
    let (unanswered, ()) = tokio::join!(unanswered, gone);
    assert!(matches!(unanswered, Err(CallError::Lost)), "{unanswered:?}");
    assert_eq!(events.recv().await, Some(SessionEvent::Shutdown));
    assert_eq!(events.recv().await, None, "the channel ends with its connection");
    first.closed().await;
    assert!(matches!(first.agents().await, Err(CallError::Lost)));
    assert_eq!(first.session_events(KEY).recv().await, None, "nobody waits for what cannot come");
    assert_eq!(down(&gateway).await, ("the Gateway restarts".to_owned(), false));

    let _peer = fake.welcome().await;
    let second = gateway.connection().await;
    assert!(second.id() > first.id());
}

#[tokio::test]
async fn a_silent_gateway_is_as_good_as_dead() {
    let fake = Fake::start().await;
    let (gateway, _stop, _tasks) = start(fake.options());
    let mut peer = fake.accept().await;
    let mut hasty = hello();
    hasty["policy"]["tickIntervalMs"] = 1000.into();
    peer.answer("connect", hasty).await;
    let connection = gateway.connection().await;
    connection.closed().await;
    assert_eq!(down(&gateway).await, ("the Gateway was silent for 2 s".to_owned(), false));
}

#[tokio::test]
async fn pings_are_answered() {
    let (_fake, mut peer, _connection) = linked().await;
    peer.socket.send(Message::Ping("are you there".into())).await.expect("is taken");
    assert_eq!(peer.request().await, json!({"pong": "are you there"}));
}

#[tokio::test]
async fn a_stopped_link_ends() {
    let fake = Fake::start().await;
    let (gateway, stop, tasks) = start(fake.options());
    let _peer = fake.welcome().await;
    let connection = gateway.connection().await;
    stop.cancel();
    tasks.wait().await;
    connection.closed().await;
    assert!(gateway.current().is_none());
}

#[tokio::test]
async fn answers_find_who_asked_in_any_order_and_once() {
    let (_fake, mut peer, connection) = linked().await;
    let other = connection.clone();
    let gateway = async {
        let (first, _) = peer.expect("agents.list").await;
        let (second, _) = peer.expect("chat.abort").await;
        peer.answer(&second, json!({"aborted": true, "runIds": ["r"]})).await;
        peer.answer("of nobody", json!({})).await;
        peer.answer(&second, json!({"aborted": false})).await;
        peer.answer(&first, json!({"agents": [{"id": "main"}, {"id": "second"}]})).await;
    };
    let (agents, aborted, ()) = tokio::join!(connection.agents(), other.abort(KEY, None), gateway);
    assert_eq!(agents.expect("answers"), ["main", "second"]);
    assert!(aborted.expect("answers").aborted);
}

#[tokio::test]
async fn a_message_is_written_before_it_is_acknowledged() {
    let (_fake, mut peer, connection) = linked().await;
    let (told, written) = tokio::sync::oneshot::channel();
    let send = message("please /stop");
    let sent = connection.send_chat(&send, || told.send(()).expect("is waited for"));
    let gateway = async {
        let (id, params) = peer.expect("chat.send").await;
        written.await.expect("it is written");
        peer.answer(&id, json!({"runId": "key-1", "status": "started"})).await;
        params
    };
    let (ack, params) = tokio::join!(sent, gateway);
    assert_eq!(ack.expect("answers").run_id.as_deref(), Some("key-1"));
    assert_snapshot!(params, @r#"
    {"idempotencyKey":"key-1","message":"please /stop","sessionKey":"agent:main:mc:acme:project:1","suppressCommandInterpretation":true}
    "#);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_here() {
    let (_fake, _peer, connection) = linked().await;
    let refused = connection.send_chat(&message(&"x".repeat(1000)), || panic!("it is not written")).await;
    assert_snapshot!(refused.expect_err("is refused"), @r#"
    the Gateway refused: a frame of 1174 bytes is over the Gateway's limit of 1000 (TOO_LARGE)
    "#);
}

#[tokio::test]
async fn events_go_to_their_session_alone_and_oddities_are_skipped() {
    let (_fake, mut peer, connection) = linked().await;
    let mut events = connection.session_events(" Agent:Main:mc:acme:project:1 ");
    let mut other = connection.session_events("agent:main:mc:acme:project:2");
    let chat = |rest: &str| {
        format!(r#"{{"type":"event","event":"chat","payload":{{"sessionKey":"{KEY}","runId":"r",{rest}}}}}"#)
    };
    for odd in ["nonsense", "{}", "[]", r#"{"type":"event","event":"chat","payload":{"sessionKey":7}}"#] {
        peer.say(odd).await;
    }
    peer.say(r#"{"type":"event","event":"new.thing","payload":{"x":"\ud83e"}}"#).await;
    peer.say(r#"{"type":"event","event":"tick"}"#).await;
    peer.say(&chat(r#""state":"delta","deltaText":"half \ud83e""#)).await;
    peer.say(&chat(r#""state":"thinking""#)).await;
    peer.say(&chat(r#""state":"final","message":{"role":"assistant","content":[{"type":"text","text":"whole 🤖"},{"type":"toolCall","x":1}]}"#)).await;
    peer.say(&chat(r#""state":"final""#).replace("\"r\"", "\"inject-7\"")).await;
    peer.say(&chat(r#""state":"error","errorMessage":"said again""#)).await;
    peer.say(&chat(r#""state":"error","errorMessage":"no luck""#).replace("\"r\"", "\"r2\"")).await;
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(events.recv().await.expect("comes"));
    }
    assert_debug_snapshot!(told, @r#"
    [
        Delta {
            run_id: "r",
            text: "half �",
        },
        Final {
            run_id: "r",
            text: Some(
                "whole 🤖",
            ),
            model: None,
        },
        Failed {
            run_id: "r2",
            reason: "no luck",
            kind: None,
        },
    ]
    "#);
    assert!(other.try_recv().is_err() && events.try_recv().is_err());

    let again = connection.session_events(KEY);
    assert_eq!(events.recv().await, None, "a session has one channel");
    drop(again);
    peer.say(&chat(r#""state":"final""#)).await;
    peer.expect_and_answer_while(connection.agents(), "agents.list", json!({"agents": []}))
        .await
        .expect("goes on");
}

#[tokio::test]
async fn a_session_is_archived_as_the_one_that_was_looked_at() {
    let (_fake, mut peer, connection) = linked().await;
    let session = |archived: bool| json!({"session": {"sessionId": "s-1", "archived": archived, "key": KEY}});
    let gateway = async {
        let mut told = Vec::new();
        told.push(peer.expect_and_answer("sessions.describe", session(false)).await);
        let (id, params) = peer.expect("sessions.patch").await;
        told.push(params);
        let changed =
            json!({"code": "INVALID_REQUEST", "message": "x", "details": {"reason": "session-changed"}});
        peer.refuse(&id, changed).await;
        told.push(peer.expect_and_answer("sessions.describe", session(false)).await);
        told.push(peer.expect_and_answer("sessions.patch", json!({"ok": true})).await);
        peer.expect_and_answer("sessions.describe", session(true)).await;
        told.push(peer.expect_and_answer("sessions.patch", json!({"ok": true})).await);
        peer.expect_and_answer("sessions.describe", session(true)).await;
        peer.expect_and_answer("sessions.describe", json!({"session": null})).await;
        told
    };
    let calls = async {
        connection.archive(KEY).await.expect("archived");
        connection.restore(KEY).await.expect("restored");
        connection.archive(KEY).await.expect("is archived");
        connection.archive(KEY).await.expect("is not there");
    };
    let (told, ()) = tokio::join!(gateway, calls);
    assert_snapshot!(told.iter().map(Value::to_string).collect::<Vec<_>>().join("\n"), @r#"
    {"key":"agent:main:mc:acme:project:1"}
    {"archived":true,"expectedSessionId":"s-1","key":"agent:main:mc:acme:project:1"}
    {"key":"agent:main:mc:acme:project:1"}
    {"archived":true,"expectedSessionId":"s-1","key":"agent:main:mc:acme:project:1"}
    {"archived":false,"expectedSessionId":"s-1","key":"agent:main:mc:acme:project:1"}
    "#);
}
