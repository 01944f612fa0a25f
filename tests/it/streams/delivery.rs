//! Frames, resuming, resets, heartbeats, limits, and readers that are slow or away.

use futures_util::StreamExt as _;
use mission_control::events::Draft;
use mission_control::store::{Actor as Acting, Gate, event};
use mission_control_shared::EventKind;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use super::{catches_up, number};
use crate::support::{Actor, Credentials, EventStream, TestHub, kinds, numbers, text};

/// What a stream sends, byte for byte.
struct Wire(std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>);

impl Wire {
    async fn open(request: reqwest::RequestBuilder) -> Wire {
        Wire(Box::pin(request.send().await.unwrap().bytes_stream()))
    }

    /// The bytes up to the end of the `count`th frame.
    async fn frames(&mut self, count: usize) -> String {
        let mut text = String::new();
        while text.matches("\n\n").count() < count {
            text.push_str(std::str::from_utf8(&self.0.next().await.unwrap().unwrap()).unwrap());
        }
        text
    }
}

/// The log's epoch and the number of its newest event.
async fn head(actor: &Actor) -> (String, i64) {
    let organization = actor.get(&actor.path("")).await.expect_status(200).json();
    (text(&organization, "log_epoch").to_owned(), organization["sequence_id"].as_i64().unwrap())
}

/// Changes the log of the actor's organization behind the server's back.
async fn change_log(hub: &TestHub, actor: &Actor, sql: &'static str, value: i64) {
    let organization = actor.get(&actor.path("")).await.json();
    let org_id = text(&organization, "id").parse().unwrap();
    hub.app()
        .write_system(move |tx| {
            let mut tx = tx.tenant(org_id, &Acting::SYSTEM, Gate::Working)?;
            Ok(tx.execute(sql, &[mission_control::store::Value::Int(value)])?)
        })
        .await
        .unwrap();
}

/// Appends `count` events with so much in them, as many to a transaction as go fast.
async fn append_many(hub: &TestHub, actor: &Actor, count: usize, bytes: usize, admin_only: bool) {
    let organization = actor.get(&actor.path("")).await.json();
    let org_id = text(&organization, "id").parse().unwrap();
    let payload = json!({"note": "n".repeat(bytes)});
    for _ in 0..count.div_ceil(500) {
        let payload = payload.clone();
        hub.app()
            .write_system(move |tx| {
                let mut tx = tx.tenant(org_id, &Acting::SYSTEM, Gate::Working)?;
                for _ in 0..count.min(500) {
                    let draft = Draft::new(EventKind::OrgUpdated, &payload);
                    event::append(&mut tx, if admin_only { draft.admin_only() } else { draft })?;
                }
                Ok(())
            })
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn the_frames_are_those_of_the_specification() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (epoch, seq) = head(&acme.admin).await;
    let response = acme.admin.listening("", None).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let mut wire = Wire(Box::pin(response.bytes_stream()));
    assert_eq!(wire.frames(1).await, format!("retry: 1000\nid: {epoch}.{seq}\n\n"));

    let body = json!({"title": "Ship it", "description": "one\ntwo\r\n\nthree"});
    acme.admin.creates_task_with(body).await;
    let event = acme.admin.events().await.pop().unwrap();
    let frame = wire.frames(1).await;
    let data = frame.strip_prefix(&format!("id: {epoch}.{}\ndata: ", seq + 1)).unwrap();
    let data = data.strip_suffix("\n\n").unwrap();
    assert!(!data.contains(['\n', '\r']), "the event stands on one line: {data}");
    assert_eq!(serde_json::from_str::<Value>(data).unwrap(), event);

    hub.app().hub().heartbeat();
    assert_eq!(wire.frames(1).await, format!(": heartbeat\nid: {epoch}.{}\n\n", seq + 1));
}

#[tokio::test]
async fn without_an_id_a_stream_starts_now() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    acme.admin.creates_task("Before").await;
    let mut stream = acme.admin.listens("", None).await;
    acme.admin.creates_task("After").await;
    assert_eq!(stream.next().await.unwrap()["payload"]["task"]["title"], "After");
}

#[tokio::test]
async fn a_stream_goes_on_after_any_form_of_an_id() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    for title in ["One", "Two", "Three"] {
        acme.admin.creates_task(title).await;
    }
    let log = acme.admin.events().await;
    let (epoch, seq) = head(&acme.admin).await;
    let (bare, whole) = ((seq - 2).to_string(), format!("{epoch}.{}", seq - 2));
    let zero = format!("{epoch}.0");
    for (query, header, from) in [
        (String::new(), Some(bare.as_str()), seq - 2),
        (String::new(), Some(whole.as_str()), seq - 2),
        (format!("?last_event_id={bare}"), None, seq - 2),
        (format!("?last_event_id={whole}"), None, seq - 2),
        (String::new(), Some("0"), 0),
        (String::new(), Some(zero.as_str()), 0),
        ("?last_event_id=0".to_owned(), None, 0),
        // A browser repeats its first URL and says in the header how far it has come since.
        ("?last_event_id=0".to_owned(), Some(whole.as_str()), seq - 2),
    ] {
        let mut stream = acme.admin.listens(&query, header).await;
        let heard = catches_up(&hub, &acme.admin, &mut stream).await;
        assert_eq!(heard, log[usize::try_from(from).unwrap()..], "{query} {header:?}");
    }
}

#[tokio::test]
async fn an_id_from_the_future_or_another_epoch_resets() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (epoch, seq) = head(&acme.admin).await;
    let foreign = format!("{}.1", epoch.parse::<i64>().unwrap() - 1);
    let future = seq + 10;
    for id in [future.to_string(), format!("{epoch}.{future}"), i64::MAX.to_string(), foreign] {
        let mut wire = Wire::open(acme.admin.listening("", Some(&id))).await;
        let (_, now) = head(&acme.admin).await;
        let reset = format!(
            "retry: 1000\nid: {epoch}.{now}\ndata: {{\"type\":\"events.reset\",\"sequence_id\":{now}}}\n\n"
        );
        assert_eq!(wire.frames(1).await, reset, "{id}");
        acme.admin.creates_task("Live").await;
        assert!(wire.frames(1).await.starts_with(&format!("id: {epoch}.{}\n", now + 1)), "{id}");
    }
}

#[tokio::test]
async fn an_id_that_retention_has_removed_resets() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    for number in 0..5 {
        acme.admin.creates_task(&format!("Task {number}")).await;
    }
    let log = acme.admin.events().await;
    let (_, seq) = head(&acme.admin).await;
    let kept = seq - 2;
    change_log(&hub, &acme.admin, "UPDATE event_logs SET first_seq = ?2 WHERE org_id = ?1", kept).await;

    let mut stream = acme.admin.listens("", Some(&(kept - 2).to_string())).await;
    assert_eq!(stream.next().await.unwrap(), json!({"type": "events.reset", "sequence_id": seq}));
    assert_eq!(number(&stream.last_id), seq, "who comes back with the reset's id misses nothing more");
    assert_eq!(catches_up(&hub, &acme.admin, &mut stream).await, [Value::Null; 0]);

    let mut stream = acme.admin.listens("", Some(&(kept - 1).to_string())).await;
    let heard = catches_up(&hub, &acme.admin, &mut stream).await;
    assert_eq!(heard, log[usize::try_from(kept - 1).unwrap()..], "everything after it is kept");
}

#[tokio::test]
async fn what_is_no_id_is_refused() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    for id in ["x", "-1", "1.", ".1", "1.-1", "1.2.3", "1e3", "99999999999999999999", "1,2"] {
        let by_header = acme.admin.send(acme.admin.listening("", Some(id))).await;
        assert_eq!(by_header.refusal(), "400 VALIDATION_FAILED", "{id}");
        assert_eq!(by_header.fields(), ["last_event_id"], "{id}");
        let by_query = acme.admin.send(acme.admin.listening(&format!("?last_event_id={id}"), None)).await;
        assert_eq!(by_query.refusal(), "400 VALIDATION_FAILED", "{id}");
    }
    let bytes = reqwest::header::HeaderValue::from_bytes(b"\xff\xfe").unwrap();
    let no_text = acme.admin.listening("", None).header("last-event-id", bytes);
    assert_eq!(acme.admin.send(no_text).await.refusal(), "400 VALIDATION_FAILED");
    for query in ["?ephemeral=2", "?ephemeral=yes", "?since=1"] {
        let reply = acme.admin.send(acme.admin.listening(query, None)).await;
        assert_eq!(reply.refusal(), "400 VALIDATION_FAILED", "{query}");
    }
}

#[tokio::test]
async fn a_heartbeat_moves_the_cursor_past_what_was_for_others() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let outsider = hub.agent(&acme, "outsider").await;
    let project = acme.admin.creates_project("Secret").await;
    let mut stream = outsider.listens("", None).await;
    let before = number(&stream.last_id);
    for number in 0..3 {
        acme.admin.says(text(&project, "channel_id"), &format!("message {number}")).await;
    }
    let (_, seq) = head(&acme.admin).await;
    assert_eq!(seq, before + 3);
    assert_eq!(catches_up(&hub, &outsider, &mut stream).await, [Value::Null; 0]);
    assert_eq!(number(&stream.last_id), seq);
}

#[tokio::test]
async fn a_long_stretch_that_is_for_others_moves_the_cursor_too() {
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let agent = hub.agent(&acme, "agent").await;
    let (_, before) = head(&acme.admin).await;
    append_many(&hub, &acme.admin, 500, 1, true).await;
    let mut stream = agent.listens("", Some(&before.to_string())).await;
    // Without a heartbeat, and before the stretch has been read to its end.
    let frame = stream.raw().await.unwrap();
    assert_eq!((frame.data, frame.event), (None, None));
    let moved = number(&frame.id.unwrap());
    assert!(moved > before && moved < before + 500, "{moved}");
}

#[tokio::test]
async fn an_organization_has_so_many_streams_and_no_more() {
    let hub = TestHub::start_with(|config| config.limits.max_streams_per_org = 2).await;
    let (acme, umbrella) = (hub.tenant("acme").await, hub.tenant("umbrella").await);
    let agent = hub.agent(&acme, "agent").await;
    let (first, _second) = (acme.admin.listens("", None).await, agent.listens("", None).await);

    let refused = acme.admin.send(acme.admin.listening("", None)).await;
    assert_eq!(refused.refusal(), "429 RATE_LIMITED");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    umbrella.admin.listens("", None).await;

    drop(first);
    // The server notices that the reader has left as soon as the socket says so.
    let freed = async {
        while acme.admin.listening("", None).send().await.unwrap().status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), freed).await.expect("the place is free again");
}

#[tokio::test]
async fn a_reader_that_does_not_read_slows_nobody_and_misses_nothing() {
    const COUNT: usize = 3_000;
    let hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let (quick, slow) = (hub.agent(&acme, "quick").await, hub.agent(&acme, "slow").await);
    let (_, before) = head(&acme.admin).await;
    let mut lazy = listens_through_a_narrow_pipe(&slow).await;
    let mut eager = quick.listens("", None).await;
    append_many(&hub, &acme.admin, COUNT, 1_000, false).await;

    let expected: Vec<i64> = (before + 1..).take(COUNT).collect();
    assert_eq!(read(&mut eager, COUNT).await, expected);
    acme.admin.creates_task("Meanwhile").await;
    assert_eq!(eager.event("task.created").await["payload"]["task"]["title"], "Meanwhile");

    assert_eq!(read(&mut lazy, COUNT).await, expected);
    assert_eq!(kinds(&[lazy.next().await.unwrap()]), ["task.created"], "and it is live again");
}

/// A stream on a socket that takes next to nothing until it is read.
async fn listens_through_a_narrow_pipe(actor: &Actor) -> EventStream {
    let Credentials::Key(key) = &actor.credentials else { panic!("an agent has a key") };
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let address = actor.base.strip_prefix("http://").unwrap().parse().unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    // What is sent to HTTP/1.0 is not cut into chunks.
    let path = actor.path("/events/stream");
    let request = format!("GET {path} HTTP/1.0\r\nAuthorization: Bearer {key}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reader = BufReader::with_capacity(1_024, stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).await.unwrap();
    }
    let body = futures_util::stream::unfold(reader, |mut reader| async {
        let bytes = bytes::Bytes::copy_from_slice(reader.fill_buf().await.ok()?);
        reader.consume(bytes.len());
        (!bytes.is_empty()).then_some((bytes, reader))
    });
    EventStream::read(Box::pin(body)).await.unwrap()
}

/// The numbers of the next `count` events.
async fn read(stream: &mut EventStream, count: usize) -> Vec<i64> {
    let mut heard = Vec::new();
    while heard.len() < count {
        let frame = stream.raw().await.expect("the stream goes on");
        if frame.data.is_some() {
            heard.push(number(&frame.id.unwrap()));
        }
    }
    heard
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams_and_they_go_on_after_it() {
    let mut hub = TestHub::start().await;
    let acme = hub.tenant("acme").await;
    let agent = hub.agent(&acme, "agent").await;
    let mut stream = agent.listens("", None).await;
    acme.admin.creates_task("One").await;
    assert_eq!(kinds(&[stream.next().await.unwrap()]), ["task.created"]);

    hub.stop().await;
    assert_eq!(stream.next().await, None, "the stream ends by itself");
    hub.start_again().await;
    acme.admin.creates_task("Two").await;
    acme.admin.creates_task("Three").await;

    let mut stream = agent.listens("", Some(&stream.last_id)).await;
    let heard = catches_up(&hub, &agent, &mut stream).await;
    let titles: Vec<_> = heard.iter().map(|event| event["payload"]["task"]["title"].clone()).collect();
    assert_eq!(titles, ["Two", "Three"]);
    let log = numbers(&agent.events().await);
    assert_eq!(numbers(&heard), log[log.len() - 2..]);
}
