//! A followed log over connections that break.

use std::time::Duration;

use insta::assert_debug_snapshot;
use mission_control_client::{Change, Cursor, Error, Follow};
use mission_control_script::{KEY, Script, Step, answer, say, stream_head};
use tokio::time::timeout;

use crate::acme;
use crate::stream::frame;

/// A connection that brings this and ends.
fn stream(text: &str) -> Vec<Step> {
    vec![stream_head(), say(text)]
}

fn event(seq: i64) -> String {
    frame(seq, "message.created", "a")
}

/// The next change, in one line, without how long it waits.
async fn next(follow: &mut Follow) -> String {
    let change = timeout(Duration::from_secs(20), follow.next()).await.expect("something happens");
    match change {
        Ok(Change::Connected) => "connected".to_owned(),
        Ok(Change::Event(cursor, event)) => format!("{cursor} {}", event.kind),
        Ok(Change::Reset(cursor)) => format!("reset to {cursor}"),
        Ok(Change::Unreadable { why, .. }) => format!("unreadable: {why}"),
        Ok(Change::Disconnected { error, .. }) => format!("disconnected: {error}"),
        Err(error) => format!("error: {error}"),
    }
}

/// The `Last-Event-ID` of a request.
fn resumes(request: &str) -> Option<&str> {
    request.lines().find_map(|line| line.strip_prefix("last-event-id: "))
}

#[tokio::test]
async fn a_lost_stream_goes_on_after_the_last_event() {
    let mut script = Script::start(vec![
        stream(&format!("retry: 100\nid: 3.4\n\n{}{}", event(5), &event(6)[..20])),
        answer("503 Service Unavailable", "", ""),
        // A server that repeats itself.
        stream(&format!("{}{}: heartbeat\nid: 3.9\n\n", event(5), event(6))),
        stream("data: nonsense\n\nid: 4.2\ndata: {\"type\":\"events.reset\",\"sequence_id\":2}\n\n"),
        stream("data: {\"type\":\"session.revoked\"}\n\n"),
    ])
    .await;
    let mut follow = acme(&script).follow(None);
    let mut told = Vec::new();
    loop {
        told.push(next(&mut follow).await);
        if told.last().is_some_and(|last| last.starts_with("error")) {
            break;
        }
    }
    assert_debug_snapshot!(told, @r#"
    [
        "connected",
        "3.5 message.created",
        "disconnected: the server closed the event stream",
        "disconnected: the server cannot answer now: HTTP 503 Service Unavailable without Mission Control's error body (a proxy in between?)",
        "connected",
        "3.6 message.created",
        "disconnected: the server closed the event stream",
        "connected",
        "unreadable: expected ident at line 1 column 2",
        "reset to 4.2",
        "disconnected: the server closed the event stream",
        "connected",
        "error: the server does not accept the key: it was revoked",
    ]
    "#);
    let mut cursors = Vec::new();
    for _ in 0..5 {
        cursors.push(resumes(&script.request().await).unwrap_or("none").to_owned());
    }
    assert_eq!(cursors, ["none", "3.5", "3.5", "3.9", "4.2"]);
    assert_eq!(follow.cursor(), Some(Cursor { epoch: 4, seq: 2 }));
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_is_kept_up_to_ten_minutes() {
    for (header, seconds) in [("7", 7), ("86400", 600)] {
        let busy = answer("429 Too Many Requests", &format!("retry-after: {header}"), "");
        let script = Script::start(vec![busy]).await;
        let Ok(Change::Disconnected { wait, .. }) = acme(&script).follow(None).next().await else {
            panic!("it is not open")
        };
        assert_eq!(wait, Duration::from_secs(seconds));
    }
}

#[tokio::test]
async fn waits_grow_while_nothing_comes() {
    let script = Script::start(vec![stream("retry: 100\nid: 3.1\n\n")]).await;
    let mut follow = acme(&script).follow(None);
    let mut waits = Vec::new();
    while waits.len() < 4 {
        if let Change::Disconnected { wait, .. } = follow.next().await.expect("goes on") {
            waits.push(wait);
        }
    }
    for (wait, whole) in waits.iter().zip([100, 200, 400, 800]) {
        let whole = Duration::from_millis(whole);
        assert!(*wait >= whole / 2 && *wait <= whole, "{waits:?}");
    }
}

#[tokio::test]
async fn waiting_for_a_reconnect_may_be_given_up_and_taken_up() {
    let script = Script::start(vec![stream("retry: 800\nid: 3.1\n\n"), stream(&event(2))]).await;
    let mut follow = acme(&script).follow(None);
    assert_eq!(next(&mut follow).await, "connected");
    assert!(next(&mut follow).await.starts_with("disconnected"));
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_millis(300) {
        assert!(timeout(Duration::from_millis(20), follow.next()).await.is_err(), "it still waits");
    }
    assert_eq!(next(&mut follow).await, "connected");
    assert!(began.elapsed() >= Duration::from_millis(350), "it came back after {:?}", began.elapsed());
    assert_eq!(next(&mut follow).await, "3.2 message.created");
}

#[tokio::test]
async fn a_dead_key_ends_it_until_it_is_replaced() {
    let mut script = Script::start(vec![answer("401 Unauthorized", "", ""), stream(&event(1))]).await;
    let acme = acme(&script);
    let mut follow = acme.follow(None);
    assert!(matches!(follow.next().await, Err(Error::Unauthorized(_))));
    acme.client().set_key("another".to_owned().into());
    assert_eq!(next(&mut follow).await, "connected");
    assert!(script.request().await.contains(KEY));
    assert!(script.request().await.contains("Bearer another"));
}
