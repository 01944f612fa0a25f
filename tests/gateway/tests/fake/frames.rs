//! The fake Gateway says what the real one was recorded to say.
//!
//! What the recordings send is sent to the fake. Each answer and each event of the streams `chat` and
//! `session.message` that comes back must have been recorded with the same fields of the same types;
//! refusals, phases, ends and texts must be the same. What the recordings have beyond that the fake
//! may leave out: readers pass over fields that they do not know.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use gateway_tests::fake::{FakeGateway, Options};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

const KEY: &str = "agent:main:mc:acme:project:74fed8cf-5f19-48c4-a31a-0fad66428e9a";

fn recorded(name: &str) -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("frames/{name}.jsonl"));
    let text = std::fs::read_to_string(&file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A client of the fake.
struct Client(tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>);

/// What comes next on a connection.
enum Next {
    Frame(Value),
    Closed(u16),
    Quiet,
}

impl Client {
    async fn open(fake: &FakeGateway) -> Client {
        let url = format!("ws://{}", fake.address());
        Client(tokio_tungstenite::connect_async(url).await.unwrap().0)
    }

    async fn greeted(fake: &FakeGateway, scopes: &[&str]) -> Client {
        let mut client = Client::open(fake).await;
        client.frame().await;
        client
            .send(&json!({ "type": "req", "id": "r1", "method": "connect", "params": {
                "minProtocol": 4, "maxProtocol": 4, "role": "operator", "scopes": scopes, "caps": [],
                "client": { "id": "gateway-client", "version": "0.1.0", "platform": "linux", "mode": "backend" },
                "auth": { "token": Options::default().token },
            } }))
            .await;
        let hello = client.frame().await;
        assert_eq!(hello["ok"], true, "{hello}");
        client
    }

    async fn send(&mut self, frame: &Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    async fn next(&mut self, patience: Duration) -> Next {
        loop {
            match tokio::time::timeout(patience, self.0.next()).await {
                Err(_) | Ok(None) => return Next::Quiet,
                Ok(Some(Ok(Message::Text(text)))) => match serde_json::from_str(&text) {
                    Ok(frame) => return Next::Frame(frame),
                    Err(_) => continue, // half a character
                },
                Ok(Some(Ok(Message::Close(close)))) => {
                    return Next::Closed(close.map_or(1005, |close| close.code.into()));
                }
                Ok(Some(Ok(_))) => continue,
                Ok(Some(Err(_))) => return Next::Closed(1006),
            }
        }
    }

    async fn frame(&mut self) -> Value {
        match self.next(Duration::from_secs(20)).await {
            Next::Frame(frame) => frame,
            Next::Closed(code) => panic!("closed {code}"),
            Next::Quiet => panic!("nothing comes"),
        }
    }

    /// Every frame until the answer to this request has come and, where it starts a run, its end.
    async fn answer(&mut self, id: &str) -> Vec<Value> {
        let (mut frames, mut run, mut over) = (Vec::new(), None, BTreeSet::new());
        loop {
            let frame = self.frame().await;
            if frame["type"] == "res" && frame["id"] == id {
                let started = frame["payload"]["status"] == "started";
                run = Some(started.then(|| frame["payload"]["runId"].clone()));
            }
            if ["final", "error", "aborted"].iter().any(|state| frame["payload"]["state"] == *state) {
                over.insert(frame["payload"]["runId"].to_string());
            }
            frames.push(frame);
            match &run {
                Some(None) => return frames,
                Some(Some(run)) if over.contains(&run.to_string()) => return frames,
                _ => {}
            }
        }
    }
}

/// Which frames are compared, and as what: the answer to a method, or an event with its state.
fn sort(frame: &Value, methods: &BTreeMap<String, String>) -> Option<String> {
    match frame["type"].as_str()? {
        "res" => {
            let method = methods.get(frame["id"].as_str()?)?;
            Some(format!("{method} {}", if frame["ok"] == true { "ok" } else { "refused" }))
        }
        _ => match frame["event"].as_str()? {
            "chat" => Some(format!("chat {}", frame["payload"]["state"].as_str()?)),
            "session.message" => {
                Some(format!("session.message {}", frame["payload"]["message"]["role"].as_str()?))
            }
            "connect.challenge" | "tick" | "shutdown" => frame["event"].as_str().map(str::to_owned),
            _ => None,
        },
    }
}

/// Paths of the fields with the types of their values; of a list all its items.
fn shape(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                shape(value, &format!("{path}.{name}"), into);
            }
        }
        Value::Array(items) => {
            for item in items {
                shape(item, &format!("{path}[]"), into);
            }
        }
        Value::String(_) => drop(into.insert(format!("{path}: text"))),
        Value::Number(_) => drop(into.insert(format!("{path}: number"))),
        Value::Bool(_) => drop(into.insert(format!("{path}: bool"))),
        Value::Null => {}
    }
}

/// The shapes of every sort of frame in all recordings together.
fn recorded_shapes() -> BTreeMap<String, BTreeSet<String>> {
    let mut shapes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("frames");
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
        let mut methods = BTreeMap::from([("r1".to_owned(), "connect".to_owned())]);
        for line in recorded(&name) {
            let frame = &line["frame"];
            if line["dir"] == "out" {
                methods
                    .insert(frame["id"].as_str().unwrap().into(), frame["method"].as_str().unwrap().into());
            } else if let Some(sort) = sort(frame, &methods) {
                shape(frame, "", shapes.entry(sort).or_default());
            }
        }
    }
    shapes
}

/// What must be the same word for word: refusals, and of the events phases, ends and whole texts.
/// Deltas come in other pieces each time, and a second `error` of a run follows when it likes.
fn essence(frames: &[Value], methods: &BTreeMap<String, String>) -> Vec<String> {
    let mut told = Vec::new();
    let mut failed = BTreeSet::new();
    for frame in frames {
        let payload = &frame["payload"];
        let line = match sort(frame, methods).as_deref() {
            Some("chat status") => format!("status {}", payload["phase"]),
            Some("chat error") if !failed.insert(payload["runId"].to_string()) => continue,
            Some("chat error") => format!("error {} {}", payload["errorMessage"], payload["errorDetail"]),
            // Lists of commands and versions are the real one's own.
            Some("chat final") if payload["message"]["model"] == "gateway-injected" => {
                "final of a command".to_owned()
            }
            Some("chat final") => {
                format!("final {} {}", payload["stopReason"], payload["message"]["content"])
            }
            Some("chat aborted") => format!("aborted {}", payload["stopReason"]),
            Some(sort) if sort.ends_with(" refused") => format!("refused {}", frame["error"]),
            Some(sort) if sort.starts_with("chat.send") => format!("{sort} {}", payload["status"]),
            Some(sort) if sort.starts_with("chat.abort") => format!("{sort} {}", payload["aborted"]),
            Some(sort) if sort.ends_with(" ok") => sort.to_owned(),
            _ => continue,
        };
        told.push(line);
    }
    // An answer may overtake an event.
    told.sort();
    told
}

/// What the fake says that was never recorded: fields of its own are lies.
fn never_recorded(frames: &[Value], methods: &BTreeMap<String, String>) -> Vec<String> {
    let known = recorded_shapes();
    let mut unknown = Vec::new();
    for frame in frames {
        let Some(sort) = sort(frame, methods) else { continue };
        let mut said = BTreeSet::new();
        shape(frame, "", &mut said);
        let recorded = known.get(&sort).cloned().unwrap_or_default();
        unknown.extend(said.difference(&recorded).map(|path| format!("{sort}{path}")));
    }
    unknown.sort();
    unknown.dedup();
    unknown
}

/// Sends what a recording sent, and compares.
async fn replays(name: &str, scopes: &[&str]) {
    let fake = FakeGateway::start(Options { starting: Duration::ZERO, ..Options::default() }).await;
    let mut client = Client::greeted(&fake, scopes).await;
    let lines = recorded(name);
    let (mut methods, mut said, mut heard) = (BTreeMap::new(), Vec::new(), Vec::new());
    let outgoing: Vec<&Value> = lines.iter().filter(|line| line["dir"] == "out").collect();
    for (at, line) in outgoing.iter().enumerate() {
        let frame = &line["frame"];
        let (id, method) = (frame["id"].as_str().unwrap(), frame["method"].as_str().unwrap());
        methods.insert(id.to_owned(), method.to_owned());
        client.send(frame).await;
        // An abort is sent while the run goes on.
        let aborts = |line: &&&Value| line["frame"]["method"].as_str().is_some_and(|m| m.ends_with(".abort"));
        if outgoing.get(at + 1).filter(aborts).is_some() && method == "chat.send" {
            loop {
                let frame = client.frame().await;
                let started = frame["payload"]["state"] == "delta";
                said.push(frame);
                if started {
                    break;
                }
            }
        } else {
            said.extend(client.answer(id).await);
        }
    }
    while let Next::Frame(frame) = client.next(Duration::from_millis(100)).await {
        said.push(frame);
    }
    for line in &lines {
        if line["dir"] == "in" {
            heard.push(line["frame"].clone());
        }
    }
    assert_eq!(essence(&said, &methods), essence(&heard, &methods), "{name}");
    assert_eq!(never_recorded(&said, &methods), Vec::<String>::new(), "{name}");
}

const ADMIN: [&str; 3] = ["operator.read", "operator.write", "operator.admin"];

#[tokio::test]
async fn a_message_and_its_answer_are_told_as_recorded() {
    replays("chat-send", &ADMIN).await;
}

#[tokio::test]
async fn a_streamed_answer_is_told_as_recorded() {
    replays("chat-send-streamed", &ADMIN).await;
}

#[tokio::test]
async fn an_abort_is_told_as_recorded() {
    replays("abort", &ADMIN).await;
}

#[tokio::test]
async fn errors_are_told_as_recorded() {
    replays("errors", &ADMIN).await;
}

#[tokio::test]
async fn slash_commands_are_answered_as_recorded() {
    replays("slash-commands", &ADMIN).await;
    replays("slash-commands-write-scope-only", &ADMIN[..2]).await;
}

/// Sends a recorded first frame, and compares what comes back and how the connection ends.
async fn shakes_hands(name: &str) {
    let fake = FakeGateway::start(Options { starting: Duration::ZERO, ..Options::default() }).await;
    let mut client = Client::open(&fake).await;
    let lines = recorded(name);
    let first = lines.iter().find(|line| line["dir"] == "out").unwrap();
    let answer = lines.iter().find(|line| line["frame"]["type"] == "res").unwrap();
    let methods = BTreeMap::from([("r1".to_owned(), first["frame"]["method"].as_str().unwrap().to_owned())]);
    let challenge = client.frame().await;
    client.send(&first["frame"]).await;
    let said = client.frame().await;
    if answer["frame"]["ok"] == true {
        assert_eq!(said["payload"]["auth"]["scopes"], answer["frame"]["payload"]["auth"]["scopes"]);
        assert_eq!(said["payload"]["protocol"], answer["frame"]["payload"]["protocol"]);
    } else {
        assert_eq!(said, answer["frame"], "{name}");
        let close = lines.iter().find(|line| line["dir"] == "close").unwrap();
        let Next::Closed(code) = client.next(Duration::from_secs(5)).await else { panic!("it stays open") };
        assert_eq!(u64::from(code), close["code"].as_u64().unwrap(), "{name}");
    }
    assert_eq!(never_recorded(&[challenge, said], &methods), Vec::<String>::new(), "{name}");
}

#[tokio::test]
async fn handshakes_end_as_recorded() {
    for name in [
        "handshake-ok",
        "handshake-bad-token",
        "handshake-protocol-3",
        "handshake-unknown-client-id",
        "handshake-first-frame-not-connect",
    ] {
        shakes_hands(name).await;
    }
}

#[tokio::test]
async fn only_the_owner_of_a_run_or_an_administrator_aborts_it() {
    let fake = FakeGateway::start(Options { starting: Duration::ZERO, ..Options::default() }).await;
    let mut owner = Client::greeted(&fake, &ADMIN).await;
    let send = json!({ "sessionKey": KEY, "message": "HANG", "idempotencyKey": "k" });
    owner.send(&json!({ "type": "req", "id": "r2", "method": "chat.send", "params": send })).await;
    while owner.frame().await["payload"]["state"] != "delta" {}

    let lines = recorded("abort-other-connection");
    for (conn, scopes) in [("W-write-scope", &ADMIN[..2]), ("X-admin-scope", &ADMIN[..])] {
        let of = |dir: &str| {
            let found = lines.iter().find(|line| line["conn"] == conn && line["dir"] == dir);
            found.unwrap()["frame"].clone()
        };
        let mut other = Client::greeted(&fake, scopes).await;
        other.send(&of("out")).await;
        let mut said = other.answer("r2").await.pop().unwrap();
        let mut heard = of("in");
        for frame in [&mut said, &mut heard] {
            if frame["ok"] == true {
                frame["payload"]["runIds"] = json!([]);
            }
        }
        assert_eq!(said, heard, "{conn}");
    }
}

#[tokio::test]
async fn with_the_capability_only_subscribed_sessions_are_heard() {
    let fake = FakeGateway::start(Options { starting: Duration::ZERO, ..Options::default() }).await;
    let mut client = Client::open(&fake).await;
    client.frame().await;
    let connect = json!({
        "minProtocol": 4, "maxProtocol": 4, "role": "operator", "scopes": ADMIN,
        "caps": ["session-scoped-events"], "auth": { "token": Options::default().token },
        "client": { "id": "gateway-client", "version": "0.1.0", "platform": "linux", "mode": "backend" },
    });
    client.send(&json!({ "type": "req", "id": "r1", "method": "connect", "params": connect })).await;
    client.frame().await;
    let send = |id: &str| {
        let params = json!({ "sessionKey": KEY, "message": "SAY:hi", "idempotencyKey": id });
        json!({ "type": "req", "id": id, "method": "chat.send", "params": params })
    };
    client.send(&send("unheard")).await;
    assert_eq!(client.frame().await["payload"]["status"], "started");
    assert!(matches!(client.next(Duration::from_millis(300)).await, Next::Quiet), "not even `final`");

    let subscribe = json!({ "key": KEY });
    let subscribe =
        json!({ "type": "req", "id": "s", "method": "sessions.messages.subscribe", "params": subscribe });
    client.send(&subscribe).await;
    assert_eq!(client.frame().await["payload"], json!({ "subscribed": true, "key": KEY }));
    client.send(&send("heard")).await;
    let frames = client.answer("heard").await;
    assert_eq!(frames.last().unwrap()["payload"]["message"]["content"][0]["text"], "hi");
}
