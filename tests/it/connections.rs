//! What becomes of a connection whose request is refused before its body has arrived: the answer
//! arrives whole, and the next request works or was announced to be of no use.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Credentials, TestHub};

/// The most that is read of a body that nobody wants.
const DISCARDED: usize = 64 * 1024;
/// The largest body that a route takes.
const TAKEN: usize = 1024 * 1024;

/// A request that is refused whatever its body is.
#[derive(Clone)]
struct Refused {
    status: &'static str,
    /// Method and path.
    line: String,
    headers: String,
}

/// How a body comes.
#[derive(Clone, Copy, Debug)]
enum Sent {
    /// Of this length, together with the head.
    AtOnce(usize),
    /// Of this length, in a packet that comes later.
    Late(usize),
    /// In chunks of this length, together with the head.
    Chunked(&'static [usize]),
    /// The same, later.
    ChunkedLate(&'static [usize]),
    /// Only when the server asks for it.
    WhenAsked(usize),
}

/// What the server did with the connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum After {
    /// It took the next request.
    Usable,
    /// It said that it closes, and did.
    Announced,
}

struct Client {
    stream: TcpStream,
    /// What was read beyond the last answer.
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(hub: &TestHub) -> Client {
        let stream = TcpStream::connect(hub.config.server.listen).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, buffer: Vec::new() }
    }

    async fn more(&mut self) -> usize {
        let read = self.stream.read_buf(&mut self.buffer);
        tokio::time::timeout(Duration::from_secs(10), read).await.expect("an answer comes").unwrap_or(0)
    }

    /// The next head and the whole body that it declares; `None` when the connection has ended.
    async fn answer(&mut self) -> Option<String> {
        let head = loop {
            if let Some(at) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            if self.more().await == 0 {
                assert!(self.buffer.is_empty(), "half an answer: {}", self.buffer.escape_ascii());
                return None;
            }
        };
        let text = String::from_utf8(self.buffer[..head].to_vec()).unwrap().to_lowercase();
        let length = text
            .split("content-length: ")
            .nth(1)
            .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().expect("a length"));
        while self.buffer.len() < head + length {
            assert_ne!(self.more().await, 0, "the answer is cut: {}", self.buffer.escape_ascii());
        }
        self.buffer.drain(..head + length);
        Some(text)
    }

    /// Sends a refused request with its body, and the next one after it.
    async fn is_refused(&mut self, refused: &Refused, sent: Sent) -> After {
        let Refused { status, line, headers } = refused;
        let (declared, body) = match sent {
            Sent::AtOnce(length) | Sent::Late(length) | Sent::WhenAsked(length) => {
                (format!("content-length: {length}"), vec![b' '; length])
            }
            Sent::Chunked(chunks) | Sent::ChunkedLate(chunks) => {
                let chunk = |length: &usize| format!("{length:x}\r\n{}\r\n", " ".repeat(*length));
                let body: String = chunks.iter().map(chunk).chain(["0\r\n\r\n".to_owned()]).collect();
                ("transfer-encoding: chunked".to_owned(), body.into_bytes())
            }
        };
        let expect = if matches!(sent, Sent::WhenAsked(_)) { "expect: 100-continue\r\n" } else { "" };
        let head = format!("{line} HTTP/1.1\r\nhost: x\r\n{headers}{declared}\r\n{expect}\r\n");
        self.stream.write_all(head.as_bytes()).await.unwrap();
        if matches!(sent, Sent::Late(_) | Sent::ChunkedLate(_)) {
            // The packet that makes the difference is one that the server does not have yet.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let what = format!("{line} ({status}) with {sent:?}");
        let answer = if matches!(sent, Sent::WhenAsked(_)) {
            self.answer().await
        } else {
            // A client may send its whole body before it looks for an answer.
            let (mut reader, mut writer) = self.stream.split();
            let buffer = &mut self.buffer;
            let read = async { while reader.read_buf(buffer).await.unwrap_or(0) > 0 && !whole(buffer) {} };
            let (written, ()) = tokio::join!(writer.write_all(&body), read);
            written.unwrap_or_else(|error| panic!("{what}: the body is taken: {error}"));
            self.answer().await
        };
        let answer = answer.unwrap_or_else(|| panic!("{what}: no answer"));
        assert!(answer.starts_with(&format!("http/1.1 {status} ")), "{what}: {answer}");
        if answer.contains("\r\nconnection: close\r\n") {
            assert_eq!(self.answer().await, None, "{what}: it ends as announced");
            return After::Announced;
        }
        let next = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
        self.stream.write_all(next).await.unwrap_or_else(|error| panic!("{what}: closed: {error}"));
        let answer = self.answer().await.unwrap_or_else(|| panic!("{what}: the next request is lost"));
        assert!(answer.starts_with("http/1.1 200 "), "{what}: the next request: {answer}");
        After::Usable
    }
}

/// Whether there is a whole head at least.
fn whole(buffer: &[u8]) -> bool {
    buffer.windows(4).any(|bytes| bytes == b"\r\n\r\n")
}

/// A hub and every way to be refused before the body counts. 429 and 503 come from the stream.
async fn refusals() -> (TestHub, Vec<Refused>) {
    let hub = TestHub::start_with(|config| config.limits.max_streams_per_org = 0).await;
    let acme = hub.tenant("acme").await;
    hub.tenant("umbrella").await;
    let agent = hub.agent(&acme, "agent").await;
    let Credentials::Key(key) = &agent.credentials else { panic!("an agent has a key") };
    let Credentials::Session { cookies, .. } = &acme.admin.credentials else {
        panic!("an administrator signs in")
    };
    let json = "content-type: application/json\r\n";
    let by_key = format!("authorization: Bearer {key}\r\n{json}");
    let tasks = "/api/v1/orgs/acme/tasks";
    let refused = |status, line: String, headers: &str| Refused { status, line, headers: headers.to_owned() };
    let list = vec![
        refused("401", format!("POST {tasks}"), json),
        refused("403", format!("POST {tasks}"), &format!("cookie: {cookies}\r\n{json}")),
        refused("404", "POST /api/v1/orgs/umbrella/tasks".to_owned(), &by_key),
        refused("404", "POST /api/v1/nothing".to_owned(), &by_key),
        refused("405", format!("PUT {tasks}"), &by_key),
        refused("415", format!("POST {tasks}"), &by_key.replace("application/json", "text/plain")),
        refused("429", "GET /api/v1/orgs/acme/events/stream".to_owned(), &by_key),
    ];
    (hub, list)
}

async fn is_refused_in_every_way(hub: &TestHub, refused: &Refused) {
    const SMALL: &[usize] = &[20];
    const LARGE: &[usize] = &[50_000, 50_000, 50_000];
    for (sent, after) in [
        (Sent::AtOnce(20), After::Usable),
        (Sent::Late(20), After::Usable),
        (Sent::AtOnce(DISCARDED), After::Usable),
        (Sent::Late(DISCARDED), After::Usable),
        (Sent::AtOnce(DISCARDED + 1), After::Announced),
        (Sent::AtOnce(500_000), After::Announced),
        (Sent::Late(500_000), After::Announced),
        (Sent::Chunked(SMALL), After::Usable),
        (Sent::ChunkedLate(SMALL), After::Usable),
        (Sent::Chunked(LARGE), After::Announced),
        (Sent::ChunkedLate(LARGE), After::Announced),
        (Sent::WhenAsked(20), After::Announced),
        (Sent::WhenAsked(500_000), After::Announced),
    ] {
        let got = Client::connect(hub).await.is_refused(refused, sent).await;
        assert_eq!(got, after, "{} ({}) with {sent:?}", refused.line, refused.status);
    }
}

#[tokio::test]
async fn a_refusal_leaves_the_connection_usable_or_announces_its_end() {
    let (hub, list) = refusals().await;
    join_all(list.iter().map(|refused| is_refused_in_every_way(&hub, refused))).await;
    hub.app().hub().close();
    let stopping = Refused { status: "503", ..list.last().unwrap().clone() };
    is_refused_in_every_way(&hub, &stopping).await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_with_an_announcement() {
    let (hub, list) = refusals().await;
    let by_key = Refused { status: "413", line: list[0].line.clone(), headers: list[2].headers.clone() };
    const CHUNKS: &[usize] = &[600_000, 600_000];
    for sent in [
        Sent::AtOnce(TAKEN + 1),
        Sent::Late(TAKEN + 1),
        Sent::AtOnce(3 * TAKEN),
        Sent::WhenAsked(TAKEN + 1),
        Sent::Chunked(CHUNKS),
        Sent::ChunkedLate(CHUNKS),
    ] {
        let got = Client::connect(&hub).await.is_refused(&by_key, sent).await;
        assert_eq!(got, After::Announced, "{sent:?}");
    }
    // What is only a little too large is read to its end.
    const LITTLE: &[usize] = &[1_000_000, 60_000];
    assert_eq!(Client::connect(&hub).await.is_refused(&by_key, Sent::Chunked(LITTLE)).await, After::Usable);
}

/// Python's `http.client` and many proxies send head and body in two packets.
#[tokio::test]
async fn two_hundred_refused_requests_in_two_packets_lose_no_other() {
    let (hub, list) = refusals().await;
    for refused in &list[..2] {
        let mut client = Client::connect(&hub).await;
        for _ in 0..200 {
            let head = format!(
                "{} HTTP/1.1\r\nhost: x\r\n{}content-length: 2\r\n\r\n",
                refused.line, refused.headers
            );
            client.stream.write_all(head.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
            client.stream.write_all(b"{}").await.unwrap();
            let answer = client.answer().await.expect("the connection goes on");
            assert!(answer.starts_with(&format!("http/1.1 {}", refused.status)), "{answer}");
            client.stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            let answer = client.answer().await.expect("the next request is not lost");
            assert!(answer.starts_with("http/1.1 200"), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_never_sent_is_answered_at_once_and_ends_the_connection() {
    let (hub, list) = refusals().await;
    let mut clients = Vec::new();
    for refused in &list {
        for declared in ["content-length: 20", "content-length: 500000", "transfer-encoding: chunked"] {
            let mut client = Client::connect(&hub).await;
            let head =
                format!("{} HTTP/1.1\r\nhost: x\r\n{}{declared}\r\n\r\n", refused.line, refused.headers);
            client.stream.write_all(head.as_bytes()).await.unwrap();
            let answer = client.answer().await.expect("an answer");
            assert!(answer.starts_with(&format!("http/1.1 {}", refused.status)), "{answer}");
            let announced = answer.contains("\r\nconnection: close\r\n");
            assert_eq!(announced, declared != "content-length: 20", "{declared}: {answer}");
            clients.push(client);
        }
    }
    // The server lives in this runtime: from here on its time runs as fast as nothing happens.
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    for client in &mut clients {
        let _ = client.stream.read_to_end(&mut client.buffer).await;
        assert!(client.buffer.is_empty());
    }
    assert!(started.elapsed() <= Duration::from_secs(25), "held for {:?}", started.elapsed());
}

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_a_body_that_nobody_reads() {
    let (mut hub, list) = refusals().await;
    let mut client = Client::connect(&hub).await;
    let head = format!("{} HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n", list[0].line);
    client.stream.write_all(head.as_bytes()).await.unwrap();
    client.answer().await.expect("an answer");
    tokio::time::timeout(Duration::from_secs(5), hub.stop()).await.expect("it stops");
    assert_eq!(client.answer().await, None);
}
