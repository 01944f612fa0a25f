//! The measuring client: HTTP/1.1 with one request in flight on each connection.
//!
//! It shares the machine with what it measures, so it costs as little as possible: requests are ready
//! bytes, an answer is found by its length, nothing is parsed that nobody asks for. The same client
//! drives the server and its baselines. `mission-control-client`, which does everything else here,
//! builds, checks and parses each request: that would take more processor time than the server does
//! for it, and distort every figure.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Bytes that a connection's buffer starts with.
const BUFFER: usize = 32 * 1024;
/// A load that has not ended this long after its time is given up.
const GRACE: Duration = Duration::from_secs(30);

/// A request as bytes.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(body) = body {
        text.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body.unwrap_or(""));
    text.into_bytes()
}

/// A connection that is kept alive.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    head: usize,
    end: usize,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: vec![0; BUFFER], head: 0, end: 0 })
    }

    /// Sends a request and reads its answer; gives the status.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request).await.context("send a request")?;
        let mut filled = 0;
        self.head = loop {
            let searched = filled;
            filled += self.fill(filled).await?;
            let from = searched.saturating_sub(3);
            if let Some(at) = memmem::find(&self.buffer[from..filled], b"\r\n\r\n") {
                break from + at + 4;
            }
        };
        self.end = self.head + content_length(&self.buffer[..self.head])?;
        while filled < self.end {
            filled += self.fill(filled).await?;
        }
        ensure!(filled == self.end, "more came than was asked for");
        status(&self.buffer[..self.head])
    }

    async fn fill(&mut self, filled: usize) -> Result<usize> {
        if filled == self.buffer.len() {
            self.buffer.resize(filled * 2, 0);
        }
        let read = self.stream.read(&mut self.buffer[filled..]).await.context("read an answer")?;
        ensure!(read > 0, "the connection was closed before the answer was whole");
        Ok(read)
    }

    /// The head of the last answer.
    pub(crate) fn head(&self) -> &[u8] {
        &self.buffer[..self.head]
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        &self.buffer[self.head..self.end]
    }
}

fn status(head: &[u8]) -> Result<u16> {
    let digits = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| digits.parse().ok()).context("the answer has no status")
}

fn content_length(head: &[u8]) -> Result<usize> {
    // Both sides are hyper, which writes names in lower case.
    let Some(at) = memmem::find(head, b"\r\ncontent-length: ") else {
        ensure!(memmem::find(head, b"\r\ntransfer-encoding: ").is_none(), "the answer has no length");
        return Ok(0);
    };
    let digits = head[at + 18..].iter().take_while(|byte| byte.is_ascii_digit());
    Ok(digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}

/// A connection with the requests that it sends in turn.
pub(crate) struct Lane {
    connection: Connection,
    requests: Arc<[Vec<u8>]>,
    next: usize,
}

impl Lane {
    /// Connects; the first request sent is number `first`.
    pub(crate) async fn open(address: SocketAddr, requests: Arc<[Vec<u8>]>, first: usize) -> Result<Lane> {
        Ok(Lane { connection: Connection::open(address).await?, requests, next: first })
    }

    /// Bytes of the last answer.
    pub(crate) fn answer_bytes(&self) -> usize {
        self.connection.end
    }

    async fn run(mut self, wanted: u16, until: Instant) -> Result<(Lane, Vec<u64>)> {
        let mut nanos = Vec::with_capacity(4_096);
        let mut before = Instant::now();
        while before < until {
            let request = &self.requests[self.next % self.requests.len()];
            self.next += 1;
            let status = self.connection.exchange(request).await?;
            let after = Instant::now();
            if status != wanted {
                bail!("answered {status} instead of {wanted}: {}", self.connection.body().escape_ascii());
            }
            nanos.push(u64::try_from((after - before).as_nanos())?);
            before = after;
        }
        Ok((self, nanos))
    }
}

/// What a load did.
#[derive(Default)]
pub(crate) struct Sample {
    /// How long each request took.
    pub nanos: Vec<u64>,
    /// How long all of it took.
    pub seconds: f64,
}

/// Lets every lane send for `time`, one request after the other; any other status than `wanted` is
/// an error.
pub(crate) async fn drive(lanes: Vec<Lane>, wanted: u16, time: Duration) -> Result<(Vec<Lane>, Sample)> {
    let started = Instant::now();
    let mut running = JoinSet::new();
    for lane in lanes {
        running.spawn(lane.run(wanted, started + time));
    }
    let (mut lanes, mut sample) = (Vec::with_capacity(running.len()), Sample::default());
    tokio::time::timeout(time + GRACE, async {
        while let Some(ended) = running.join_next().await {
            let (lane, mut nanos) = ended??;
            lanes.push(lane);
            sample.nanos.append(&mut nanos);
        }
        anyhow::Ok(())
    })
    .await
    .context("the load did not end")??;
    sample.seconds = started.elapsed().as_secs_f64();
    Ok((lanes, sample))
}

/// Sends each request once, over so many connections.
pub(crate) async fn send_each(
    address: SocketAddr,
    requests: Vec<Vec<u8>>,
    connections: usize,
    wanted: u16,
) -> Result<()> {
    let requests: Arc<[Vec<u8>]> = requests.into();
    let mut running = JoinSet::new();
    for first in 0..connections {
        let requests = Arc::clone(&requests);
        running.spawn(async move {
            let mut connection = Connection::open(address).await?;
            for request in requests.iter().skip(first).step_by(connections) {
                let status = connection.exchange(request).await?;
                ensure!(status == wanted, "answered {status}: {}", connection.body().escape_ascii());
            }
            anyhow::Ok(())
        });
    }
    let all = async {
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(120), all).await.context("the requests did not end")?
}
