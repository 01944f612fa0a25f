//! One event stream, through everything that a network and a server may do to it.

use std::time::Duration;

use insta::{assert_debug_snapshot, assert_snapshot};
use mission_control_client::{Cursor, EventKind, EventStream, Item};
use mission_control_script::{Script, Step, answer, say, stream_head};
use uuid::Uuid;

use crate::{acme, acme_with};

/// A frame as the server writes it.
pub(crate) fn frame(seq: i64, kind: &str, text: &str) -> String {
    let event = serde_json::json!({
        "id": Uuid::from_u128(9), "sequence_id": seq, "org_id": Uuid::nil(), "type": kind, "actor_id": null,
        "actor_type": "system", "project_ids": [], "task_id": null, "channel_id": null,
        "payload": {"text": text}, "timestamp": "2026-11-24T09:00:00.000Z", "of_a_newer_server": 1,
    });
    format!("id: 3.{seq}\ndata: {event}\n\n")
}

fn at(seq: i64) -> Cursor {
    Cursor { epoch: 3, seq }
}

/// A stream of these steps.
async fn stream(steps: Vec<Step>) -> EventStream {
    stream_with(steps, Duration::from_secs(60)).await
}

async fn stream_with(steps: Vec<Step>, silence: Duration) -> EventStream {
    let steps = [stream_head()].into_iter().chain(steps).collect();
    let script = Script::start(vec![steps]).await;
    acme_with(&script, Duration::from_secs(30), silence).stream(None).await.expect("opens")
}

/// Everything until it ends: `event 3.7 task.created`, …
async fn retell(mut stream: EventStream) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        told.push(match stream.next().await {
            Ok(Some(Item::Event(cursor, event))) => format!("event {cursor} {}", event.kind),
            Ok(Some(other)) => format!("{other:?}"),
            Ok(None) => "the end".to_owned(),
            Err(error) => format!("error: {error}"),
        });
        if told.last().is_some_and(|last| last == "the end" || last.starts_with("error")) {
            return told;
        }
    }
}

#[tokio::test]
async fn events_cursors_and_notices_are_told_apart() {
    let text = [
        "retry: 1000\nid: 3.4\n\n",
        &frame(5, "message.created", "a"),
        ": heartbeat\n\n",
        ": heartbeat\nid: 3.9\n\n",
        "event: ephemeral\ndata: {\"type\":\"typing\"}\n\n",
        &frame(10, "task.teleported", "b"),
        "id: 3.20\ndata: {\"type\":\"events.reset\",\"sequence_id\":20}\n\n",
        "data: {\"type\":\"session.revoked\"}\n\n",
    ]
    .concat();
    assert_debug_snapshot!(retell(stream(vec![say(&text)]).await).await, @r#"
    [
        "Cursor(Cursor { epoch: 3, seq: 4 })",
        "event 3.5 message.created",
        "Cursor(Cursor { epoch: 3, seq: 9 })",
        "event 3.10 unknown",
        "Reset(Cursor { epoch: 3, seq: 20 })",
        "Revoked",
        "the end",
    ]
    "#);
}

#[tokio::test]
async fn what_is_no_event_is_set_aside_and_the_rest_goes_on() {
    let text = [
        "id: 3.1\ndata: {\"type\":\"message.created\"}\n\n",
        "id: 3.2\ndata: nonsense\n\n",
        "id: x\ndata: {}\n\n",
        &frame(3, "message.created", "no cursor").replace("id: 3.3\n", ""),
        "id: 9223372036854775808.1\ndata: []\n\n",
        &frame(4, "message.created", "good"),
    ]
    .concat();
    assert_debug_snapshot!(retell(stream(vec![say(&text)]).await).await, @r#"
    [
        "Unreadable { cursor: Some(Cursor { epoch: 3, seq: 1 }), text: \"{\\\"type\\\":\\\"message.created\\\"}\", why: \"missing field `id` at line 1 column 26\" }",
        "Unreadable { cursor: Some(Cursor { epoch: 3, seq: 2 }), text: \"nonsense\", why: \"expected ident at line 1 column 2\" }",
        "Unreadable { cursor: None, text: \"{}\", why: \"missing field `id` at line 1 column 2\" }",
        "Unreadable { cursor: None, text: \"{\\\"actor_id\\\":null,\\\"actor_type\\\":\\\"system\\\",\\\"channel_id\\\":null,\\\"id\\\":\\\"00000000-0000-0000-0000-000000000009\\\",\\\"of_a_newer_server\\\":1,\\\"org_id\\\":\\\"00000000-0000-0000-0000-000000000000\\\",\\\"payload\\\":{\\\"text\\\":\\\"no cursor\\\"},\\\"project_ids\\\":[],\\\"sequence_id\\\":3,\\\"task_id\\\":null,\\\"timestamp\\\":\\\"2026-11-24T09:00:00.000Z\\\",\\\"type\\\":\\\"message.created\\\"}\", why: \"it has no cursor\" }",
        "Unreadable { cursor: None, text: \"[]\", why: \"invalid length 0, expected struct Event with 11 elements at line 1 column 2\" }",
        "event 3.4 message.created",
        "the end",
    ]
    "#);
}

#[tokio::test]
async fn an_event_in_pieces_is_one_event() {
    let text = frame(5, "message.created", "Grüße 🦀");
    let pieces =
        text.bytes().flat_map(|byte| [Step::Say(vec![byte]), Step::Rest(Duration::from_micros(100))]);
    let mut stream = stream(pieces.collect()).await;
    let Ok(Some(Item::Event(cursor, event))) = stream.next().await else { panic!("it is an event") };
    assert_eq!((cursor, event.kind), (at(5), EventKind::MessageCreated));
    assert_eq!(event.payload["text"], "Grüße 🦀");
}

#[tokio::test]
async fn half_an_event_is_none() {
    let text = frame(5, "message.created", "a") + &frame(6, "message.created", "b");
    let told = retell(stream(vec![say(&text[..text.len() - 1])]).await).await;
    assert_eq!(told, ["event 3.5 message.created", "the end"]);
}

#[tokio::test]
async fn a_stream_that_is_cut_says_so() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n\r\n";
    let text = frame(5, "message.created", "a");
    let chunk = format!("{head}{:x}\r\n{text}\r\nff\r\nid: 3.6\n", text.len());
    let script = Script::start(vec![vec![say(&chunk)]]).await;
    let told = retell(acme(&script).stream(None).await.expect("opens")).await;
    assert_eq!(told[0], "event 3.5 message.created");
    assert!(told[1].starts_with("error: the server cannot be reached: "), "{told:?}");
}

#[tokio::test]
async fn a_large_event_passes_and_an_endless_one_does_not() {
    let large = frame(5, "message.created", &"x".repeat(200_000));
    let endless = format!("id: 3.6\ndata: {}", "x".repeat(5 << 20));
    let told = retell(stream(vec![say(&large), say(&endless), Step::Hang]).await).await;
    assert_eq!(
        told,
        ["event 3.5 message.created", "error: the event stream broke: an event is larger than 4 MiB"]
    );
    // As a whole, not line by line.
    let lines = format!("data: {}\n", "x".repeat(1000)).repeat(5000);
    let told = retell(stream(vec![say(&lines), Step::Hang]).await).await;
    assert_eq!(told, ["error: the event stream broke: an event is larger than 4 MiB"]);
    // Many small ones are not a large one.
    let many: String = (1..=30_000).map(|seq| frame(seq, "message.created", "small")).collect();
    assert!(many.len() > 5 << 20);
    let told = retell(stream(vec![say(&many)]).await).await;
    assert_eq!((told.len(), &*told[29_999]), (30_001, "event 3.30000 message.created"));
}

#[tokio::test]
async fn a_silent_stream_is_given_up() {
    let text = frame(5, "message.created", "a");
    let told = retell(stream_with(vec![say(&text), Step::Hang], Duration::from_secs(2)).await).await;
    assert_eq!(told, ["event 3.5 message.created", "error: the event stream was silent for 2 s"]);
}

#[tokio::test]
async fn a_heartbeat_is_a_sign_of_life() {
    let beats = (0..8).flat_map(|_| [say(": heartbeat\n\n"), Step::Rest(Duration::from_secs(1))]);
    let told = retell(stream_with(beats.collect(), Duration::from_secs(6)).await).await;
    assert_eq!(told, ["the end"]);
}

#[tokio::test]
async fn waiting_may_be_given_up_at_any_time() {
    let (go, told) = tokio::sync::oneshot::channel();
    let text = frame(5, "message.created", "a");
    let (front, back) = text.split_at(20);
    let mut stream = stream(vec![say(front), Step::Until(told), say(back)]).await;
    for _ in 0..3 {
        let waited = tokio::time::timeout(Duration::from_millis(50), stream.next()).await;
        assert!(waited.is_err(), "there is no whole event yet");
    }
    go.send(()).expect("the server waits");
    assert!(matches!(stream.next().await, Ok(Some(Item::Event(..)))));
}

#[tokio::test]
async fn a_stream_goes_on_after_the_cursor() {
    let mut script = Script::start(vec![vec![stream_head()]]).await;
    acme(&script).stream(Some(at(41))).await.expect("opens");
    assert_snapshot!(script.request().await, @r#"
    GET /api/v1/orgs/acme/events/stream HTTP/1.1
    authorization: Bearer mc_ak_live_aaaaaaaa_do-not-tell
    last-event-id: 3.41
    "#);
}

#[tokio::test]
async fn what_is_no_stream_is_not_read_as_one() {
    let page = answer("200 OK", "content-type: text/html", "<html>");
    let busy = answer("503 Service Unavailable", "retry-after: 3", "");
    let script = Script::start(vec![page, busy, vec![Step::Hang]]).await;
    let server = acme_with(&script, Duration::from_secs(1), Duration::from_secs(60));
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(server.stream(None).await.expect_err("is none").to_string());
    }
    assert_debug_snapshot!(told, @r#"
    [
        "the server's answer cannot be read: its event stream is `text/html` (a proxy in between?)",
        "the server cannot answer now: HTTP 503 Service Unavailable without Mission Control's error body (a proxy in between?)",
        "the server did not answer within 1 s",
    ]
    "#);
}
