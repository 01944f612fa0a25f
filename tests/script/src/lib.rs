//! An HTTP server that answers byte by byte what a test wants: what no real one does on demand.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

/// The key that requests carry: it may be in none of what is said of them.
pub const KEY: &str = "mc_ak_live_aaaaaaaa_do-not-tell";

/// What is done on one connection, after its request has been read.
pub enum Step {
    /// Sends this.
    Say(Vec<u8>),
    /// Does nothing until it is told to.
    Until(oneshot::Receiver<()>),
    /// Does nothing for so long.
    Rest(Duration),
    /// Does nothing any more.
    Hang,
}

/// The server; each request is on a connection of its own.
pub struct Script {
    /// Where it listens.
    pub url: String,
    requests: mpsc::UnboundedReceiver<String>,
}

impl Script {
    /// Answers one request after the other by these steps; then nobody listens.
    pub async fn start(answers: Vec<Vec<Step>>) -> Script {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (seen, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for steps in answers {
                let (mut socket, _) = listener.accept().await.expect("a connection");
                let request = read_request(&mut socket).await;
                // The test may have seen enough.
                let _ = seen.send(request);
                tokio::spawn(play(socket, steps));
            }
        });
        Script { url, requests }
    }

    /// An address where nobody listens.
    pub async fn nowhere() -> Script {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        Script { url, requests: mpsc::unbounded_channel().1 }
    }

    /// The next request: its first line, the headers that matter, its body.
    pub async fn request(&mut self) -> String {
        self.requests.recv().await.expect("there is one more")
    }
}

async fn play(mut socket: TcpStream, steps: Vec<Step>) {
    for step in steps {
        match step {
            // The client may have gone: that is what some tests are about.
            Step::Say(bytes) => drop(socket.write_all(&bytes).await),
            Step::Until(told) => drop(told.await),
            Step::Rest(time) => tokio::time::sleep(time).await,
            Step::Hang => std::future::pending().await,
        }
    }
    let _ = socket.shutdown().await;
}

async fn read_request(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let head = loop {
        let at = bytes.windows(4).position(|end| end == b"\r\n\r\n");
        match at {
            Some(at) => break at,
            None => assert!(socket.read_buf(&mut bytes).await.expect("a request") > 0, "a whole request"),
        }
    };
    let lines = String::from_utf8_lossy(&bytes[..head]).into_owned();
    if lines.contains(" /api/v1/") {
        let version = format!("x-mc-api-version: {}", mission_control_shared::API_VERSION);
        assert!(lines.lines().any(|line| line == version), "it says of which API it is: {lines}");
    }
    let length =
        lines.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    while bytes.len() < head + 4 + length.unwrap_or(0) {
        assert!(socket.read_buf(&mut bytes).await.expect("a body") > 0, "a whole body");
    }
    let body = String::from_utf8_lossy(&bytes[head + 4..]).into_owned();
    let shown =
        ["authorization", "cookie", "x-csrf-token", "idempotency-key", "last-event-id", "content-type"];
    let mut told: Vec<&str> = lines.lines().take(1).collect();
    told.extend(
        lines.lines().skip(1).filter(|line| shown.iter().any(|name| line.to_lowercase().starts_with(name))),
    );
    if !body.is_empty() {
        told.push(&body);
    }
    told.join("\n")
}

/// A whole answer.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<Step> {
    let headers = headers.lines().map(|line| format!("{}\r\n", line.trim())).collect::<String>();
    let length = body.len();
    vec![Step::Say(
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
            .into(),
    )]
}

/// A good answer.
pub fn good(body: &str) -> Vec<Step> {
    answer("200 OK", "content-type: application/json\nx-mc-api-version: 2026.1", body)
}

/// The head of an event stream.
pub fn stream_head() -> Step {
    say(
        "HTTP/1.1 200 OK\r\nconnection: close\r\nx-mc-api-version: 2026.1\r\ncontent-type: text/event-stream\r\n\r\n",
    )
}

/// Sends a text.
pub fn say(text: &str) -> Step {
    Step::Say(text.as_bytes().to_vec())
}
