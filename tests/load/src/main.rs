//! The load tool: starts the release server on a fresh directory, measures it beside its baselines
//! in the same run, and says which targets are met.
//!
//! Everything stays on 127.0.0.1 and every loop ends by itself. `README.md` tells what each number
//! is. The tool knows the server by its HTTP API, its metrics and, for the rows of baseline (b), its
//! SQLite file.

mod baseline;
mod cases;
mod client;
mod fanout;
mod growth;
mod jobs;
mod process;
mod report;
mod rows;
mod seed;
mod server;
mod soak;
mod start;
mod streams;
mod versus;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, ValueEnum as _};

use self::cases::{Bench, Case};
use self::report::Report;
use self::rows::Bare;
use self::server::Server;

/// Connections of each case.
const CONNECTIONS: [usize; 3] = [1, 32, 256];
/// Streams that are opened.
const STREAMS: [usize; 3] = [100, 1_000, 5_000];

/// Measures the server beside its baselines.
#[derive(Debug, Parser)]
struct Args {
    /// How long each side of each case runs.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// One second for each, fewer events and starts.
    #[arg(long)]
    quick: bool,
    /// Only these.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// The server [target/release/mission-control]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Where the fresh directory is made: on the disk that is to be measured [target]
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Put the tables into this document too.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Exit with 1 when a target is missed.
    #[arg(long)]
    check: bool,
    #[command(subcommand)]
    other: Option<Other>,
}

/// What else this program does; the baselines are itself, started again.
#[derive(Debug, clap::Subcommand)]
enum Other {
    /// Server, bridge and fake Gateway under load, killed and cut off; everything is counted.
    Soak(soak::Soak),
    /// Two builds of the server against each other, in turns.
    Versus(versus::Versus),
    /// What requests cost on a small and on a large database.
    Growth(growth::Growth),
    /// Baseline (a).
    #[command(hide = true)]
    BaselineHttp { answers: PathBuf },
    /// Baseline (c).
    #[command(hide = true)]
    BaselineStreams,
}

/// A part of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    List,
    Get,
    Transition,
    Message,
    Create,
    Key,
    Jobs,
    Streams,
    Start,
}

impl Args {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn cases(&self) -> Vec<Case> {
        let part = |case: Case| match case {
            Case::List => Part::List,
            Case::Get => Part::Get,
            Case::Transition => Part::Transition,
            Case::Message => Part::Message,
            Case::Create => Part::Create,
        };
        Case::value_variants().iter().copied().filter(|case| self.wants(part(*case))).collect()
    }

    fn time(&self) -> Duration {
        Duration::from_secs_f64(if self.quick { 1.0 } else { self.seconds.clamp(0.2, 600.0) })
    }
}

/// The root of the workspace.
fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// Says what is going on.
fn say(text: &str) {
    // Who reads it may have gone away.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    match &args.other {
        Some(Other::BaselineHttp { answers }) => {
            baseline::serve(answers)?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Other::BaselineStreams) => {
            rlimit::increase_nofile_limit(u64::MAX)?;
            fanout::serve()?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Other::Soak(soak)) => return soaks(soak, &args),
        Some(Other::Versus(_) | Other::Growth(_)) | None => {}
    }
    rlimit::increase_nofile_limit(u64::MAX)?;
    // One thread: the client leaves as much of the machine as it can to what it measures.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Some(Other::Versus(versus)) = &args.other {
        let place = args.directory.clone().unwrap_or_else(|| root().join("target"));
        let directory = tempfile::Builder::new().prefix("versus-").tempdir_in(&place)?;
        let table = tokio::task::LocalSet::new().block_on(&runtime, versus::run(versus, directory.path()))?;
        writeln!(std::io::stdout(), "{table}")?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(Other::Growth(growth)) = &args.other {
        let place = args.directory.clone().unwrap_or_else(|| root().join("target"));
        let directory = tempfile::Builder::new().prefix("growth-").tempdir_in(&place)?;
        let table = tokio::task::LocalSet::new().block_on(&runtime, growth::run(growth, directory.path()))?;
        writeln!(std::io::stdout(), "{table}")?;
        return match &growth.markdown {
            Some(file) => report::keep_growth(file, &table).map(|()| ExitCode::SUCCESS),
            None => Ok(ExitCode::SUCCESS),
        };
    }
    let report = tokio::task::LocalSet::new().block_on(&runtime, measure(&args))?;
    let markdown = report.markdown()?;
    writeln!(std::io::stdout(), "{markdown}")?;
    if let Some(file) = &args.markdown {
        report::keep(file, &markdown)?;
    }
    let missed = report.verdicts().iter().any(|verdict| !verdict.met);
    Ok(if missed && args.check { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn soaks(soak: &soak::Soak, args: &Args) -> Result<ExitCode> {
    let place = args.directory.clone().unwrap_or_else(|| root().join("target"));
    let directory = tempfile::Builder::new().prefix("soak-").tempdir_in(&place)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let report = runtime.block_on(soak::run(soak, directory.path()))?;
    writeln!(std::io::stdout(), "{report}")?;
    Ok(ExitCode::SUCCESS)
}

async fn measure(args: &Args) -> Result<Report> {
    let binary = server::binary(args.server.as_deref())?;
    let place = args.directory.clone().unwrap_or_else(|| root().join("target"));
    std::fs::create_dir_all(&place).with_context(|| format!("make {}", place.display()))?;
    let directory = tempfile::Builder::new().prefix("load-").tempdir_in(&place)?;
    let (directory, data_dir) = (directory.path(), directory.path().join("data"));
    let mut report = Report { load: process::load_average(), time: args.time(), ..Report::default() };

    say("seeding");
    let server = Server::start(&binary, &data_dir).await?;
    let key = seed::set_up(server.address, &data_dir).await?;
    let world = seed::fill(server.address, key).await?;
    let replies = cases::replies(server.address, &world).await?;
    let created = replies.iter().find(|(case, _)| *case == Case::Create).context("no task was created")?;
    let task = created.1.body.clone();

    let baseline = cases::start_baseline(&replies, directory)?;
    let file = start::prepare(&binary, &directory.join("bare")).await?;
    let mut bare = Bare::open(&file, &task)?;
    bare.fill(seed::TASKS)?;
    let mut bench = Bench {
        server: &server,
        baseline: &baseline,
        world: &world,
        bare: &mut bare,
        directory,
        time: args.time(),
    };
    for case in args.cases() {
        for connections in CONNECTIONS {
            say(&format!("{}, {connections} connections", case.name()));
            report.rows.push(bench.measure(case, connections).await.with_context(|| case.name())?);
        }
    }
    if args.wants(Part::Key) {
        say("key check");
        report.key_check = Some(cases::key_check(&server, &world, args.time()).await?);
    }
    server.stop().await?;
    drop(baseline);

    if args.wants(Part::Jobs) {
        say("jobs");
        report.jobs = Some(jobs::measure(&binary, &data_dir, &world).await?);
    }
    if args.wants(Part::Streams) {
        streams_fit()?;
        let events = if args.quick { 20 } else { 100 };
        for streams in STREAMS {
            say(&format!("{streams} streams"));
            report.streams.push(streams::measure(&binary, &data_dir, &world, streams, events).await?);
        }
    }
    if args.wants(Part::Start) {
        say("start");
        let starts = if args.quick { 3 } else { 10 };
        report.start = Some(start::measure(&binary, directory, &data_dir, &task, starts).await?);
    }
    Ok(report)
}

/// Each stream is a file descriptor here, on the server's side and on the baseline's.
fn streams_fit() -> Result<()> {
    let needed = 2 * STREAMS[2] as u64 + 200;
    let (_, most) = rlimit::Resource::NOFILE.get()?;
    ensure!(most >= needed, "{needed} open files are needed, {most} are allowed: raise `ulimit -Hn`");
    Ok(())
}
