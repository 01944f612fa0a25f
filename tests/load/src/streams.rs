//! Many open streams: how long an event takes to reach them, and what each of them weighs. The
//! server and baseline (c) hold the same number of streams and take turns.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::baseline::Baseline;
use crate::client::{Connection, request};
use crate::process;
use crate::seed::{ORG, World, bearer, post_message};
use crate::server::Server;

/// Stands before the eight digits that tell events apart.
pub(crate) const MARK: &str = "mark:";
const DIGITS: usize = 8;
/// Numbers of events start here, so that none is a seeded one.
pub(crate) const FIRST: u64 = 10_000_000;
/// Turns that each side takes.
const ROUNDS: usize = 4;
/// Events before anything counts.
const WARM_UP: usize = 5;
/// Streams that are opened at the same time.
const OPENING: usize = 128;
/// An event that has not reached everybody after this time is lost.
const DELIVERY: Duration = Duration::from_secs(20);

/// Who waits for the current event.
#[derive(Default)]
struct Board {
    mark: u64,
    sent: Option<Instant>,
    missing: usize,
    nanos: Vec<u64>,
}

/// The streams of one side.
pub(crate) struct Audience {
    board: Rc<RefCell<Board>>,
    all_heard: Rc<Notify>,
    listeners: JoinSet<()>,
}

/// What one side did.
#[derive(Default)]
pub(crate) struct Side {
    /// How long each event took to each stream, from just before it was sent.
    pub nanos: Vec<u64>,
    /// Processor time of its process, for all of them.
    pub cpu_seconds: f64,
    /// Bytes in memory that each stream added.
    pub bytes_per_stream: f64,
}

/// One line of the table.
pub(crate) struct Row {
    /// Open streams.
    pub streams: usize,
    /// Events that reached all of them.
    pub events: usize,
    /// How long it took to open the server's.
    pub opened: Duration,
    /// The server.
    pub server: Side,
    /// Baseline (c).
    pub baseline: Side,
    /// Bytes of an event.
    pub bytes: usize,
}

/// Opens a stream and reads until its first line; gives what came after the head.
async fn open(address: SocketAddr, request: &[u8]) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await.context("connect a stream")?;
    stream.write_all(request).await?;
    let mut start = Vec::with_capacity(1_024);
    while memmem::find(&start, b"retry: 1000").is_none() {
        ensure!(start.len() < 8_192 && stream.read_buf(&mut start).await? > 0, "the stream did not start");
        ensure!(start.starts_with(b"HTTP/1.1 200"), "no stream: {}", start.escape_ascii());
    }
    Ok(stream)
}

impl Audience {
    /// Opens so many streams.
    pub(crate) async fn gather(
        address: SocketAddr,
        requests: &[Vec<u8>],
        streams: usize,
    ) -> Result<Audience> {
        let mut audience =
            Audience { board: Rc::default(), all_heard: Rc::default(), listeners: JoinSet::new() };
        for first in (0..streams).step_by(OPENING) {
            let mut opening = JoinSet::new();
            for number in first..streams.min(first + OPENING) {
                let request = requests[number % requests.len()].clone();
                opening.spawn_local(async move { open(address, &request).await });
            }
            let opened = async {
                let mut opened = Vec::new();
                while let Some(stream) = opening.join_next().await {
                    opened.push(stream??);
                }
                anyhow::Ok(opened)
            };
            for stream in tokio::time::timeout(DELIVERY, opened).await.context("streams did not open")?? {
                let (board, all_heard) = (Rc::clone(&audience.board), Rc::clone(&audience.all_heard));
                audience.listeners.spawn_local(listen(stream, board, all_heard));
            }
        }
        Ok(audience)
    }

    /// Sends event `mark` and waits until everybody has it.
    pub(crate) async fn hear(&self, sender: &mut Connection, request: &[u8], mark: u64) -> Result<()> {
        {
            let mut board = self.board.borrow_mut();
            board.mark = mark;
            board.missing = self.listeners.len();
            board.sent = Some(Instant::now());
        }
        let both = async { tokio::join!(sender.exchange(request), self.all_heard.notified()) };
        let delivered = tokio::time::timeout(DELIVERY, both).await;
        let missing = self.board.borrow().missing;
        let (status, ()) = delivered.with_context(|| format!("{missing} streams did not get an event"))?;
        let status = status?;
        ensure!(status == 201, "an event was refused with {status}");
        Ok(())
    }

    /// How long each event took to each stream since the last time.
    pub(crate) fn take(&self) -> Vec<u64> {
        std::mem::take(&mut self.board.borrow_mut().nanos)
    }
}

/// Reads until the stream ends, and notes when each event comes.
async fn listen(mut stream: TcpStream, board: Rc<RefCell<Board>>, all_heard: Rc<Notify>) {
    let mut buffer = vec![0; 4_096];
    // What may be the start of a mark whose rest is still to come.
    let mut kept = 0;
    while let Ok(read) = stream.read(&mut buffer[kept..]).await
        && read > 0
    {
        let now = Instant::now();
        let filled = kept + read;
        let mut from = 0;
        while let Some(at) = memmem::find(&buffer[from..filled], MARK.as_bytes()) {
            let digits = from + at + MARK.len();
            let Some(number) = buffer[..filled].get(digits..digits + DIGITS) else {
                break;
            };
            let number = number.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit.wrapping_sub(b'0')));
            let board = &mut *board.borrow_mut();
            if let Some(sent) = board.sent.filter(|_| number == board.mark) {
                board.nanos.push(u64::try_from((now - sent).as_nanos()).unwrap_or(u64::MAX));
                board.missing -= 1;
                if board.missing == 0 {
                    all_heard.notify_one();
                }
            }
            from = digits + DIGITS;
        }
        let start = from.max(filled.saturating_sub(MARK.len() + DIGITS - 1));
        buffer.copy_within(start..filled, 0);
        kept = filled - start;
    }
}

/// The bytes of one event as the server sends it, without the chunk around them.
async fn frame(server: &Server, world: &World) -> Result<String> {
    let key = bearer(&world.keys[0]);
    let headers = [("authorization", key.as_str())];
    let mut stream = open(server.address, &stream_requests(world)[0]).await?;
    let mut sender = Connection::open(server.address).await?;
    sender.exchange(&post_message(&headers, &world.channel, FIRST)).await?;
    let mut bytes = Vec::new();
    let reading = async {
        while memmem::find(&bytes, b"}\n\n").is_none() {
            ensure!(stream.read_buf(&mut bytes).await? > 0, "the stream ended");
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(DELIVERY, reading).await.context("no event came")??;
    let text = String::from_utf8(bytes)?;
    let start = text.rfind("id: ").context("the event has no id")?;
    let end = text.rfind("}\n\n").context("the event has no end")?;
    Ok(text[start..end + 3].to_owned())
}

/// The requests that open a stream, one of each caller.
pub(crate) fn stream_requests(world: &World) -> Vec<Vec<u8>> {
    let one = |key: &String| {
        request("GET", &format!("{ORG}/events/stream"), &[("authorization", &bearer(key))], None)
    };
    world.keys.iter().map(one).collect()
}

/// Measures so many streams on a fresh server process; `events` of them count.
pub(crate) async fn measure(
    binary: &Path,
    data_dir: &Path,
    world: &World,
    streams: usize,
    events: usize,
) -> Result<Row> {
    let server = Server::start(binary, data_dir).await?;
    let baseline = Baseline::start(&["baseline-streams".as_ref()])?;
    // Wakes what every server has once, so that it does not count as a stream's.
    let frame = frame(&server, world).await?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = (server.resident_bytes()?, process::resident_bytes(baseline.pid())?);
    let opening = Instant::now();
    let served = Audience::gather(server.address, &stream_requests(world), streams).await?;
    let opened = opening.elapsed();
    let fanned = Audience::gather(baseline.address, &[request("GET", "/", &[], None)], streams).await?;
    let mut to_server = Connection::open(server.address).await?;
    let mut to_baseline = Connection::open(baseline.address).await?;
    let key = bearer(&world.keys[0]);
    let headers = [("authorization", key.as_str())];
    let mark = |number: u64| format!("{MARK}{number:08}");
    let mut row = Row {
        streams,
        events,
        opened,
        server: Side::default(),
        baseline: Side::default(),
        bytes: frame.len(),
    };
    let mut number = FIRST;
    for round in 0..=ROUNDS {
        let many = if round == 0 { WARM_UP } else { events.div_ceil(ROUNDS) };
        let cpu = process::cpu_seconds(server.pid())?;
        for _ in 0..many {
            number += 1;
            served.hear(&mut to_server, &post_message(&headers, &world.channel, number), number).await?;
        }
        let (cpu, mut nanos) = (process::cpu_seconds(server.pid())? - cpu, served.take());
        let bare = process::cpu_seconds(baseline.pid())?;
        for _ in 0..many {
            number += 1;
            let bytes = frame.replace(&mark(FIRST), &mark(number));
            fanned.hear(&mut to_baseline, &request("POST", "/", &[], Some(&bytes)), number).await?;
        }
        let (bare, mut bare_nanos) = (process::cpu_seconds(baseline.pid())? - bare, fanned.take());
        if round > 0 {
            row.server.nanos.append(&mut nanos);
            row.server.cpu_seconds += cpu;
            row.baseline.nanos.append(&mut bare_nanos);
            row.baseline.cpu_seconds += bare;
        }
    }
    let each = |after: u64, before: u64| (after as f64 - before as f64) / streams as f64;
    row.events = events.div_ceil(ROUNDS) * ROUNDS;
    row.server.bytes_per_stream = each(server.resident_bytes()?, before.0);
    row.baseline.bytes_per_stream = each(process::resident_bytes(baseline.pid())?, before.1);
    drop((served, fanned));
    server.stop().await?;
    Ok(row)
}
