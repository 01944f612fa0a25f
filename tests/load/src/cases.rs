//! The requests that are measured, on the server and on baseline (a) in turn.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum as _;
use serde_json::json;

use crate::baseline::{self, Baseline, Reply};
use crate::client::{Connection, Lane, Sample, drive, request};
use crate::process;
use crate::rows::{self, Bare, Written};
use crate::seed::{DESCRIPTION, ORG, World, bearer, post_message};
use crate::server::{Server, Writer};

/// How long a turn is at most: short, so that whatever else the machine does hits all sides.
const TURN: Duration = Duration::from_millis(500);
/// The same where each request waits for the disk alone, which is fast at one moment and slow at the next.
const SHORT_TURN: Duration = Duration::from_millis(100);
/// How long both run before anything counts.
const WARM_UP: Duration = Duration::from_millis(300);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Case {
    /// The first 25 of the tasks.
    List,
    /// One task.
    Get,
    /// Moving a task to its next column.
    Transition,
    /// Posting a message.
    Message,
    /// Creating a task.
    Create,
}

impl Case {
    /// As it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Case::List => "list",
            Case::Get => "get",
            Case::Create => "create",
            Case::Transition => "transition",
            Case::Message => "message",
        }
    }

    /// Whether it changes rows.
    pub(crate) fn writes(self) -> bool {
        !matches!(self, Case::List | Case::Get)
    }

    /// What it is answered with.
    pub(crate) fn status(self) -> u16 {
        match self {
            Case::List | Case::Get | Case::Transition => 200,
            Case::Create | Case::Message => 201,
        }
    }

    /// The requests of one of the lanes; those that read share theirs.
    pub(crate) fn requests(self, world: &World, lane: usize) -> Vec<Vec<u8>> {
        let bearer = bearer(&world.keys[0]);
        let headers = [("authorization", bearer.as_str())];
        let task = |id: &str| format!("{ORG}/tasks/{id}");
        match self {
            Case::List => vec![request("GET", &format!("{ORG}/tasks?per_page=25"), &headers, None)],
            Case::Get => world.tasks.iter().map(|id| request("GET", &task(id), &headers, None)).collect(),
            Case::Create => {
                let new =
                    json!({ "title": "A task of the load", "type": "feature", "description": DESCRIPTION });
                vec![request("POST", &format!("{ORG}/tasks"), &headers, Some(&new.to_string()))]
            }
            Case::Transition => {
                let path = format!("{}/transition", task(&world.tasks[lane % world.tasks.len()]));
                let move_to = |status: &&str| {
                    request("POST", &path, &headers, Some(&json!({ "to_status": status }).to_string()))
                };
                ["in-progress", "in-review", "complete", "backlog"].iter().map(move_to).collect()
            }
            Case::Message => vec![post_message(&headers, &world.channel, 0)],
        }
    }
}

/// What one side did.
#[derive(Default)]
pub(crate) struct Side {
    /// Its requests.
    pub sample: Sample,
    /// Processor time of its process.
    pub cpu_seconds: f64,
}

impl Side {
    /// Counts one more turn.
    pub(crate) fn add(&mut self, mut sample: Sample, cpu_seconds: f64) {
        self.sample.nanos.append(&mut sample.nanos);
        self.sample.seconds += sample.seconds;
        self.cpu_seconds += cpu_seconds;
    }

    /// Requests in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.sample.nanos.len() as f64 / self.sample.seconds.max(1e-9)
    }

    /// Microseconds of processor time for one request.
    pub(crate) fn cpu_micros(&self) -> f64 {
        self.cpu_seconds * 1e6 / (self.sample.nanos.len() as f64).max(1.0)
    }
}

/// One line of the table.
pub(crate) struct Row {
    /// What.
    pub case: Case,
    /// On how many connections.
    pub connections: usize,
    /// The server.
    pub server: Side,
    /// Baseline (a).
    pub baseline: Side,
    /// Bytes of an answer, its head among them.
    pub bytes: usize,
    /// Bytes of the server that were in memory at the end.
    pub resident: u64,
    /// What the writer did, of a case that writes.
    pub writer: Option<Writer>,
    /// Baseline (b), of tasks that are created.
    pub bare: Option<Written>,
    /// One fsync, of tasks that are created one by one.
    pub fsync: Option<Fsync>,
}

/// What one durable write takes.
#[derive(Default)]
pub(crate) struct Fsync {
    /// Appending 4 KiB to a file and `fdatasync`.
    pub append: Vec<u64>,
    /// One row in a transaction of its own.
    pub row: Vec<u64>,
}

/// The two servers that are compared, and where baseline (b) writes.
pub(crate) struct Bench<'a> {
    /// The server.
    pub server: &'a Server,
    /// Baseline (a).
    pub baseline: &'a Baseline,
    /// What there is to ask for.
    pub world: &'a World,
    /// Baseline (b).
    pub bare: &'a mut Bare,
    /// A directory on the same disk.
    pub directory: &'a Path,
    /// How long each side runs in all.
    pub time: Duration,
}

/// How many turns each side takes, and how long one is.
fn turns(time: Duration, turn: Duration) -> (u32, Duration) {
    let rounds = time.as_millis().div_ceil(turn.as_millis()).clamp(2, 1_000) as u32;
    (rounds, time / rounds)
}

/// Asks the server for one answer of each case, for the baseline to send.
pub(crate) async fn replies(address: SocketAddr, world: &World) -> Result<Vec<(Case, Reply)>> {
    let mut connection = Connection::open(address).await?;
    let mut replies = Vec::new();
    for case in Case::value_variants() {
        let asked = &case.requests(world, 0)[0];
        let status = connection.exchange(asked).await?;
        let body = String::from_utf8(connection.body().to_vec())?;
        ensure!(status == case.status(), "{} answered {status}: {body}", case.name());
        let head = String::from_utf8(connection.head().to_vec())?;
        let own = |name: &str| matches!(name, "date" | "content-length" | "connection" | "transfer-encoding");
        let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let headers =
            headers.filter(|(name, _)| !own(name)).map(|(name, value)| (name.to_owned(), value.to_owned()));
        replies.push((*case, Reply { status, headers: headers.collect(), body }));
    }
    Ok(replies)
}

/// Starts baseline (a) with these answers.
pub(crate) fn start_baseline(replies: &[(Case, Reply)], directory: &Path) -> Result<Baseline> {
    let file = directory.join("answers.json");
    baseline::keep(&file, replies)?;
    Baseline::start(&["baseline-http".as_ref(), file.as_os_str()])
}

impl Bench<'_> {
    /// Measures one case on so many connections: server and baselines in turn.
    pub(crate) async fn measure(&mut self, case: Case, connections: usize) -> Result<Row> {
        let mut servers = self.lanes(self.server.address, case, connections).await?;
        let mut baselines = self.lanes(self.baseline.address, case, connections).await?;
        (baselines, _) = drive(baselines, case.status(), WARM_UP).await.context("warm up the baseline")?;
        (servers, _) = drive(servers, case.status(), WARM_UP).await.context("warm up the server")?;
        let mut row = Row {
            case,
            connections,
            server: Side::default(),
            baseline: Side::default(),
            bytes: 0,
            resident: 0,
            writer: None,
            bare: None,
            fsync: None,
        };
        let alone = case.writes() && connections == 1;
        let (rounds, slice) = turns(self.time, if alone { SHORT_TURN } else { TURN });
        for _ in 0..rounds {
            servers = self.serve(&mut row, servers, slice).await?;
            let before = process::cpu_seconds(self.baseline.pid())?;
            let (lanes, sample) =
                drive(baselines, case.status(), slice).await.context("drive the baseline")?;
            row.baseline.add(sample, process::cpu_seconds(self.baseline.pid())? - before);
            baselines = lanes;
            if case == Case::Create {
                self.write_bare(&mut row, slice)?;
            }
        }
        row.resident = self.server.resident_bytes()?;
        row.bytes = servers.first().map_or(0, Lane::answer_bytes);
        Ok(row)
    }

    async fn lanes(&self, address: SocketAddr, case: Case, connections: usize) -> Result<Vec<Lane>> {
        let shared: Arc<[Vec<u8>]> = case.requests(self.world, 0).into();
        let mut lanes = Vec::with_capacity(connections);
        for lane in 0..connections {
            let own = if case == Case::Transition {
                case.requests(self.world, lane).into()
            } else {
                Arc::clone(&shared)
            };
            // Readers start at different tasks.
            let first = if case == Case::Get { lane * own.len() / connections } else { 0 };
            lanes.push(Lane::open(address, own, first).await?);
        }
        Ok(lanes)
    }

    async fn serve(&self, row: &mut Row, lanes: Vec<Lane>, slice: Duration) -> Result<Vec<Lane>> {
        let writer = if row.case.writes() { Some(self.server.writer().await?) } else { None };
        let before = process::cpu_seconds(self.server.pid())?;
        let (lanes, sample) = drive(lanes, row.case.status(), slice).await.context("drive the server")?;
        row.server.add(sample, process::cpu_seconds(self.server.pid())? - before);
        if let Some(writer) = writer {
            let done = self.server.writer().await?.since(writer);
            row.writer = Some(row.writer.unwrap_or_default().and(done));
        }
        Ok(lanes)
    }

    /// Baseline (b) at the batch size that the server has reached, and one fsync where nothing shares it.
    fn write_bare(&mut self, row: &mut Row, slice: Duration) -> Result<()> {
        let batch = row.writer.map_or(1.0, Writer::batch).round().max(1.0);
        row.bare.get_or_insert_default().add(self.bare.write(batch as usize, slice)?);
        if row.connections == 1 {
            let fsync = row.fsync.get_or_insert_default();
            fsync.append.append(&mut rows::append(self.directory, slice / 2)?);
            fsync.row.append(&mut rows::single_row(self.directory, slice / 2)?);
        }
        Ok(())
    }
}

/// What it costs to know who calls: processor time of an answer to a caller with a key, less that of
/// the same answer to nobody. Both are refused right after, the one for its malformed id, the other
/// for its missing key.
pub(crate) async fn key_check(server: &Server, world: &World, time: Duration) -> Result<f64> {
    const CONNECTIONS: usize = 32;
    let bearer = bearer(&world.keys[0]);
    let path = format!("{ORG}/tasks/none");
    let mut sides = Vec::new();
    for (headers, status) in [(vec![("authorization", bearer.as_str())], 400), (Vec::new(), 401)] {
        let asked: Arc<[Vec<u8>]> = vec![request("GET", &path, &headers, None)].into();
        let mut lanes = Vec::new();
        for _ in 0..CONNECTIONS {
            lanes.push(Lane::open(server.address, Arc::clone(&asked), 0).await?);
        }
        let (lanes, _) = drive(lanes, status, WARM_UP).await.context("warm up the key check")?;
        sides.push((lanes, status, Side::default()));
    }
    let (rounds, slice) = turns(time, TURN);
    for _ in 0..rounds {
        for (lanes, status, side) in &mut sides {
            let before = process::cpu_seconds(server.pid())?;
            let (back, sample) = drive(std::mem::take(lanes), *status, slice).await?;
            side.add(sample, process::cpu_seconds(server.pid())? - before);
            *lanes = back;
        }
    }
    Ok(sides[0].2.cpu_micros() - sides[1].2.cpu_micros())
}
