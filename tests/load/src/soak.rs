//! The soak: agents on the fake Gateway, messages at a steady rate, and somebody killed or cut off
//! again and again. At the end everything is counted.
//!
//! Quiet first: how long a message takes to the Gateway and an answer to whoever watches, beside the
//! fsyncs on the way. Then the storm. Everything stays on 127.0.0.1 and ends by itself.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use gateway_tests::check::{Answer, Asked, check};
use gateway_tests::fake::{FakeGateway, Options};
use gateway_tests::{Direction, Gateway, Story};

use crate::{process, say};

/// What a soak is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Soak {
    /// How long the storm lasts.
    #[arg(long, default_value_t = 600.0)]
    seconds: f64,
    /// Messages a second.
    #[arg(long, default_value_t = 20.0)]
    rate: f64,
    /// Agents, each in a project of its own.
    #[arg(long, default_value_t = 10)]
    agents: usize,
    /// Seconds between two blows, on average.
    #[arg(long, default_value_t = 10.0)]
    every: f64,
    /// The same seed, the same blows.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Messages whose way is measured before the storm.
    #[arg(long, default_value_t = 200)]
    measured: usize,
}

/// What can happen.
#[derive(Clone, Copy, Debug)]
enum Blow {
    BridgeKilled,
    ServerKilled,
    GatewayKilled,
    GatewayStopped,
    ServerCut,
    GatewayCut,
    ServerSilent,
    GatewaySilent,
}

const BLOWS: [Blow; 8] = [
    Blow::BridgeKilled,
    Blow::ServerKilled,
    Blow::GatewayKilled,
    Blow::GatewayStopped,
    Blow::ServerCut,
    Blow::GatewayCut,
    Blow::ServerSilent,
    Blow::GatewaySilent,
];

/// Numbers that look random and are the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0 and 1.
    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// An agent's channel, and what was written in it.
struct Lane {
    agent: usize,
    project: String,
    channel: String,
    asked: Vec<Asked>,
}

/// Resident memory over time.
#[derive(Default)]
struct Memory {
    bridge: Vec<u64>,
    server: Vec<u64>,
}

/// Sorted times.
struct Times(Vec<f64>);

impl Times {
    fn of(mut times: Vec<f64>) -> Times {
        times.sort_by(f64::total_cmp);
        Times(times)
    }

    /// In milliseconds.
    fn at(&self, part: f64) -> f64 {
        let place = ((self.0.len() as f64 * part) as usize).min(self.0.len().saturating_sub(1));
        self.0.get(place).copied().unwrap_or(f64::NAN) * 1e3
    }
}

/// Runs it; gives the report.
pub(crate) async fn run(soak: &Soak, directory: &Path) -> Result<String> {
    ensure!((1..=50).contains(&soak.agents), "1 to 50 agents");
    ensure!((0.1..=200.0).contains(&soak.rate), "0.1 to 200 messages a second");
    let names: Vec<String> = (0..soak.agents).map(|number| format!("agent-{number}")).collect();
    let options = Options { agents: names.clone(), keeps_requests: false, ..Options::default() };
    let fake = FakeGateway::start(options).await;
    let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    let mut story = Story::of(Gateway::Fake(fake.clone()), &pairs).await;
    story.config["logging"]["level"] = "warn".into();
    story.config["mission_control"]["request_timeout_seconds"] = 5.into();
    let mut lanes = Vec::new();
    for (agent, name) in names.iter().enumerate() {
        let (project, channel) = story.hub.project(name, &[&story.agents[agent].id]).await;
        lanes.push(Lane { agent, project, channel, asked: Vec::new() });
    }
    story.connects().await;
    let mut report = String::new();
    say("quiet");
    measure(soak, &mut story, &fake, &mut lanes, directory, &mut report).await?;
    say("storm");
    let begun = Instant::now();
    let mut memory = Memory::default();
    let blows = storm(soak, &mut story, &mut lanes, &mut memory).await?;
    let storm_took = begun.elapsed();
    say("counting");
    settle(&story, &lanes).await?;
    let settled = begun.elapsed() - storm_took;
    let count = count(&story, &lanes).await;
    writeln!(
        report,
        "Storm: {count} messages in {:.0} s to {} agents, {blows} blows (seed {}), settled {:.1} s after the last \
         message. Each message stored once, each answered once, in order in each channel; receipts all `answered`.\n",
        storm_took.as_secs_f64(),
        soak.agents,
        soak.seed,
        settled.as_secs_f64(),
    )?;
    memory.tell(&mut report)?;
    story.bridge_stops().await;
    story.hub.stop().await;
    Ok(report)
}

/// Writes message `number` and remembers it.
async fn writes(story: &Story, lane: &mut Lane, number: usize, random_answer: bool) {
    let text = format!("SAY:{number}");
    let id = story.hub.says(&lane.channel, &text).await;
    // A run that a kill interrupts is answered in the Gateway's words.
    let answer = if random_answer { Answer::Text } else { Answer::Exactly(number.to_string()) };
    let name = story.agents[lane.agent].name.clone();
    lane.asked.push(Asked { id, text, answers: vec![(name, answer)] });
}

/// One message at a time, each with its way and an fsync beside it.
async fn measure(
    soak: &Soak,
    story: &mut Story,
    fake: &FakeGateway,
    lanes: &mut [Lane],
    directory: &Path,
    report: &mut String,
) -> Result<()> {
    let mut watch = story.hub.watches().await;
    let (mut to_gateway, mut to_browser, mut fsyncs) = (Vec::new(), Vec::new(), Vec::new());
    let mut file = std::fs::File::create(directory.join("fsync"))?;
    for number in 0..soak.measured {
        let lane = &mut lanes[number % soak.agents];
        let key = format!("agent:{0}:mc:acme:project:{1}", story.agents[lane.agent].name, lane.project);
        let before = fake.runs().len();
        let begun = Instant::now();
        writes(story, lane, number, false).await;
        let stored = Instant::now();
        let asked = lane.asked.last().context("it was just written")?.id.clone();
        let seen = watch.sees_answer(&asked).await;
        let runs = fake.runs();
        ensure!(runs.len() == before + 1, "one run for one message");
        let run = runs.values().filter(|run| run.session_key == key).max_by_key(|run| run.received);
        let run = run.context("the run is remembered")?;
        ensure!(run.received > begun, "it is this message's run");
        to_gateway.push(run.received.saturating_duration_since(stored).as_secs_f64());
        let ended = run.ended.context("it has ended")?;
        to_browser.push(seen.saturating_duration_since(ended).as_secs_f64());
        // What follows the answer is not to be measured with the next one.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let begun = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        fsyncs.push(begun.elapsed().as_secs_f64());
    }
    let (to_gateway, to_browser, fsync) = (Times::of(to_gateway), Times::of(to_browser), Times::of(fsyncs));
    let rss = process::resident_bytes(story.bridge.as_ref().context("the bridge runs")?.pid())?;
    writeln!(report, "| way | fsyncs on it | p50 | p99 | wanted p50 |")?;
    writeln!(report, "| --- | --- | --- | --- | --- |")?;
    for (way, which, times) in [
        ("message stored → `chat.send` read by the Gateway", "inbox, delivery", &to_gateway),
        ("run ended → answer in a watcher's stream", "outbox, server's commit", &to_browser),
    ] {
        writeln!(
            report,
            "| {way} | 2 ({which}) | {:.1} ms | {:.1} ms | ≤ {:.1} ms: {} |",
            times.at(0.5),
            times.at(0.99),
            2.0 * fsync.at(0.5) + 5.0,
            if times.at(0.5) <= 2.0 * fsync.at(0.5) + 5.0 { "met" } else { "**missed**" },
        )?;
    }
    writeln!(
        report,
        "\nOne fsync (4 KiB appended, `fdatasync`), between the messages: p50 {:.2} ms, p99 {:.2} ms. \
         Bridge with {} agents after {} messages: {:.1} MB resident.\n",
        fsync.at(0.5),
        fsync.at(0.99),
        soak.agents,
        soak.measured,
        rss as f64 / 1e6,
    )?;
    Ok(())
}

async fn storm(soak: &Soak, story: &mut Story, lanes: &mut [Lane], memory: &mut Memory) -> Result<usize> {
    let mut dice = Dice(soak.seed);
    let mut blows = 0;
    let begun = Instant::now();
    let end = Duration::from_secs_f64(soak.seconds);
    let wait = |dice: &mut Dice| Duration::from_secs_f64(soak.every * (0.5 + dice.part()));
    let mut next_blow = wait(&mut dice);
    let mut next_look = Duration::ZERO;
    let mut heals: Option<Duration> = None;
    for number in soak.measured.. {
        let due = Duration::from_secs_f64((number - soak.measured) as f64 / soak.rate);
        if due >= end {
            break;
        }
        tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
        if heals.is_some_and(|at| begun.elapsed() >= at) {
            story.to_server.heal();
            story.to_gateway.heal();
            heals = None;
        }
        if begun.elapsed() >= next_blow {
            let blow = BLOWS[dice.next() as usize % BLOWS.len()];
            blows += 1;
            if strikes(story, blow).await {
                heals = Some(begun.elapsed() + Duration::from_secs_f64(3.0 * dice.part()));
            }
            next_blow = begun.elapsed() + wait(&mut dice);
        }
        if begun.elapsed() >= next_look {
            memory.look(story)?;
            next_look = begun.elapsed() + Duration::from_secs(2);
        }
        let lane = dice.next() as usize % lanes.len();
        writes(story, &mut lanes[lane], number, true).await;
    }
    story.to_server.heal();
    story.to_gateway.heal();
    memory.look(story)?;
    Ok(blows)
}

/// Whether the wires have to heal later.
async fn strikes(story: &mut Story, blow: Blow) -> bool {
    match blow {
        Blow::BridgeKilled => {
            story.bridge_is_killed();
            story.starts();
        }
        Blow::ServerKilled => story.server_is_killed_and_starts().await,
        Blow::GatewayKilled => {
            story.gateway.kill().await;
            story.gateway_starts().await;
        }
        Blow::GatewayStopped => {
            story.gateway.stop().await;
            story.gateway_starts().await;
        }
        Blow::ServerCut => story.to_server.cut(),
        Blow::GatewayCut => story.to_gateway.cut(),
        Blow::ServerSilent => story.to_server.lose(Direction::In),
        Blow::GatewaySilent => story.to_gateway.lose(Direction::In),
    }
    matches!(blow, Blow::ServerCut | Blow::GatewayCut | Blow::ServerSilent | Blow::GatewaySilent)
}

/// Waits until the bridge has nothing left and every message has its last receipt.
async fn settle(story: &Story, lanes: &[Lane]) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(300);
    loop {
        let mut open = 0;
        for lane in lanes {
            let messages = story.hub.messages(&lane.channel).await;
            let answered =
                messages.iter().filter(|message| message.receipts.iter().any(|(_, s)| s == "answered"));
            open += lane.asked.len().saturating_sub(answered.count());
        }
        let health = story.health().await.unwrap_or_default();
        let idle = health["agents"]
            .as_array()
            .is_some_and(|agents| agents.iter().all(|agent| agent["inbox"] == 0 && agent["outbox"] == 0));
        if open == 0 && idle {
            return Ok(());
        }
        if Instant::now() > deadline {
            say(&format!("{open} messages have no answer; the bridge says {health}"));
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Checks every channel; gives how many messages there were.
async fn count(story: &Story, lanes: &[Lane]) -> usize {
    let mut all = 0;
    for lane in lanes {
        let agent = &story.agents[lane.agent];
        let agents = HashMap::from([(agent.name.clone(), agent.id.clone())]);
        check(&story.hub.messages(&lane.channel).await, &lane.asked, &agents);
        all += lane.asked.len();
    }
    all
}

impl Memory {
    fn look(&mut self, story: &Story) -> Result<()> {
        if let Some(bridge) = &story.bridge {
            self.bridge.push(process::resident_bytes(bridge.pid())?);
        }
        self.server.push(process::resident_bytes(story.hub.pid())?);
        Ok(())
    }

    fn tell(&self, report: &mut String) -> Result<()> {
        for (name, samples) in [("bridge", &self.bridge), ("server", &self.server)] {
            let quarter = samples.len().div_ceil(4);
            let most = |samples: &[u64]| samples.iter().max().copied().unwrap_or(0) as f64 / 1e6;
            writeln!(
                report,
                "Memory of the {name} ({} samples): {:.1} MB at most in the first quarter, {:.1} MB in the last, {:.1} MB \
                 ever.",
                samples.len(),
                most(&samples[..quarter]),
                most(&samples[samples.len() - quarter..]),
                most(samples),
            )?;
        }
        Ok(())
    }
}
