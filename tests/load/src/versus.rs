//! Two builds of the server against each other, in one run and in turns: what a static build costs
//! beside one for the system's C library. Each has its own directory and the same content.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::cases::{self, Case, Side};
use crate::client::{Connection, Lane, drive};
use crate::seed::{World, bearer, post_message};
use crate::server::Server;
use crate::streams::{Audience, FIRST, stream_requests};
use crate::{process, say, seed};

const MEBIBYTE: f64 = 1_048_576.0;
/// Short turns: whatever else the machine does hits both.
const TURN: Duration = Duration::from_millis(250);
/// What is asked for, and on how many connections.
const CASES: [(Case, usize); 3] = [(Case::Get, 32), (Case::List, 32), (Case::Create, 256)];
const STREAMS: usize = 1_000;
/// Events that each side sends to all streams in one turn.
const EVENTS: u64 = 5;

/// What to compare.
#[derive(Debug, clap::Args)]
pub(crate) struct Versus {
    /// The build that is judged.
    judged: PathBuf,
    /// The build that it is measured against.
    against: PathBuf,
    /// How long each side of each case runs, in seconds.
    #[arg(long, default_value_t = 10.0)]
    each: f64,
}

/// A server with its content, and what it weighed before anything was asked of it.
struct Contender {
    server: Server,
    world: World,
    idle: u64,
}

impl Contender {
    async fn start(binary: &Path, data_dir: &Path) -> Result<Contender> {
        let server = Server::start(binary, data_dir).await?;
        let key = seed::set_up(server.address, data_dir).await?;
        let world = seed::fill(server.address, key).await?;
        server.stop().await?;
        // Idle is what a restarted server weighs that has answered somebody.
        let server = Server::start(binary, data_dir).await?;
        cases::replies(server.address, &world).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let idle = server.resident_bytes()?;
        Ok(Contender { server, world, idle })
    }

    async fn lanes(&self, case: Case, connections: usize) -> Result<Vec<Lane>> {
        let requests: std::sync::Arc<[Vec<u8>]> = case.requests(&self.world, 0).into();
        let mut lanes = Vec::with_capacity(connections);
        for lane in 0..connections {
            let first = lane * requests.len() / connections;
            lanes.push(Lane::open(self.server.address, requests.clone(), first).await?);
        }
        Ok(lanes)
    }
}

/// Measures both; gives the tables as Markdown.
pub(crate) async fn run(versus: &Versus, directory: &Path) -> Result<String> {
    let time = Duration::from_secs_f64(versus.each.clamp(0.5, 600.0));
    say("seeding both");
    let both = [
        Contender::start(&versus.judged, &directory.join("judged")).await?,
        Contender::start(&versus.against, &directory.join("against")).await?,
    ];
    let mut text = format!(
        "On {} (load average at the start {}), {:.0} s for each side of each case, in turns.\n\n\
         | what | judged, per s | CPU | against, per s | CPU | of it | of its CPU |\n|---|--:|--:|--:|--:|--:|--:|\n",
        process::machine(),
        process::load_average(),
        time.as_secs_f64()
    );
    for (case, connections) in CASES {
        say(case.name());
        let sides = requests(&both, case, connections, time).await.with_context(|| case.name())?;
        line(&mut text, &format!("{}, {connections} connections", case.name()), &sides)?;
    }
    say("streams");
    let sides = streams(&both, time).await.context("streams")?;
    line(&mut text, &format!("an event to each of {STREAMS} streams"), &sides)?;
    let resident = |bytes: u64| format!("{:.1} MiB", bytes as f64 / MEBIBYTE);
    for (what, contender) in [("judged", &both[0]), ("against", &both[1])] {
        let after = contender.server.resident_bytes()?;
        write!(
            text,
            "\nIn memory, {what}: {} idle, {} after all of this.",
            resident(contender.idle),
            resident(after)
        )?;
    }
    for contender in both {
        contender.server.stop().await?;
    }
    Ok(text)
}

fn line(text: &mut String, what: &str, [judged, against]: &[Side; 2]) -> Result<()> {
    writeln!(
        text,
        "| {what} | {:.0} | {:.1} µs | {:.0} | {:.1} µs | {:.3} | {:.3} |",
        judged.rate(),
        judged.cpu_micros(),
        against.rate(),
        against.cpu_micros(),
        judged.rate() / against.rate(),
        against.cpu_micros() / judged.cpu_micros()
    )?;
    Ok(())
}

async fn requests(
    both: &[Contender; 2],
    case: Case,
    connections: usize,
    time: Duration,
) -> Result<[Side; 2]> {
    let mut sides = [Side::default(), Side::default()];
    let mut lanes = [both[0].lanes(case, connections).await?, both[1].lanes(case, connections).await?];
    for turn in 0..=turns(time) {
        for at in order(turn) {
            let pid = both[at].server.pid();
            let before = process::cpu_seconds(pid)?;
            let (back, sample) = drive(std::mem::take(&mut lanes[at]), case.status(), TURN).await?;
            lanes[at] = back;
            // The first turn warms both up.
            if turn > 0 {
                sides[at].add(sample, process::cpu_seconds(pid)? - before);
            }
        }
    }
    Ok(sides)
}

/// The rate is deliveries: an event counts once for each stream that has it.
async fn streams(both: &[Contender; 2], time: Duration) -> Result<[Side; 2]> {
    let mut sides = [Side::default(), Side::default()];
    let (mut audiences, mut senders) = (Vec::new(), Vec::new());
    for contender in both {
        let address = contender.server.address;
        audiences.push(Audience::gather(address, &stream_requests(&contender.world), STREAMS).await?);
        senders.push(Connection::open(address).await?);
    }
    let (mut number, mut turn, began) = (FIRST, 0, Instant::now());
    while began.elapsed() < time * 2 {
        for at in order(turn) {
            let (contender, audience) = (&both[at], &audiences[at]);
            let key = bearer(&contender.world.keys[0]);
            let headers = [("authorization", key.as_str())];
            let (started, before) = (Instant::now(), process::cpu_seconds(contender.server.pid())?);
            for _ in 0..EVENTS {
                number += 1;
                let message = post_message(&headers, &contender.world.channel, number);
                audience.hear(&mut senders[at], &message, number).await?;
            }
            let seconds = started.elapsed().as_secs_f64();
            let (nanos, cpu) = (audience.take(), process::cpu_seconds(contender.server.pid())? - before);
            if turn > 0 {
                sides[at].add(crate::client::Sample { nanos, seconds }, cpu);
            }
        }
        turn += 1;
    }
    Ok(sides)
}

fn turns(time: Duration) -> u32 {
    time.as_millis().div_ceil(TURN.as_millis()).clamp(2, 10_000) as u32
}

/// Who goes first takes turns too.
fn order(turn: u32) -> [usize; 2] {
    if turn.is_multiple_of(2) { [0, 1] } else { [1, 0] }
}
