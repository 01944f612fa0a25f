//! The server as a child process: started on a directory, asked until it is ready, stopped.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::client::{Connection, request};
use crate::process;

/// Opens `/metrics` of the servers that are measured.
const METRICS_TOKEN: &str = "the-load-tool-reads-the-metrics-of-its-server";
const START_TIME: Duration = Duration::from_secs(30);
const STOP_TIME: Duration = Duration::from_secs(20);

/// A process that ends with us.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Result<Process> {
        let program = command.get_program().to_owned();
        Ok(Process(command.spawn().with_context(|| format!("start {}", program.display()))?))
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// What it writes, where that is piped.
    pub(crate) fn output(&mut self) -> Option<std::process::ChildStdout> {
        self.0.stdout.take()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running server.
pub(crate) struct Server {
    process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// From the start of the process to its first answer that it is ready.
    pub start_time: Duration,
}

impl Server {
    /// Starts `binary` on `data_dir` and waits until it is ready. Durable, without limits on what
    /// one caller may ask.
    pub(crate) async fn start(binary: &Path, data_dir: &Path) -> Result<Server> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = data_dir.with_extension("log");
        let mut command = Command::new(binary);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MC_")) {
            command.env_remove(name);
        }
        command
            .env("MC_DATA_DIR", data_dir)
            .env("MC_LISTEN", address.to_string())
            .env("MC_REQUEST_BUDGET", "0")
            .env("MC_SIGNIN_LIMIT", "0")
            .env("MC_MAX_STREAMS_PER_ORG", "6000")
            .env("MC_METRICS_TOKEN", METRICS_TOKEN)
            .env("MC_DURABILITY", "full")
            .env("MC_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log)?);
        let started = Instant::now();
        let mut process = Process::start(&mut command)?;
        let asking = request("GET", "/ready", &[], None);
        loop {
            if let Ok(mut connection) = Connection::open(address).await
                && connection.exchange(&asking).await.is_ok_and(|status| status == 200)
            {
                return Ok(Server { process, address, start_time: started.elapsed() });
            }
            if let Some(status) = process.0.try_wait()? {
                bail!("the server ended ({status}): {}", fs::read_to_string(&log).unwrap_or_default());
            }
            ensure!(started.elapsed() < START_TIME, "the server is not ready after {START_TIME:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Bytes of it that are in memory.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        process::resident_bytes(self.pid())
    }

    /// Asks it to end and waits until it has written everything.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).context("the server's number")?;
        kill_process(pid, Signal::TERM)?;
        let asked = Instant::now();
        while self.process.0.try_wait()?.is_none() {
            ensure!(
                asked.elapsed() < STOP_TIME,
                "the server did not end {STOP_TIME:?} after it was asked to"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// What its writer has done since the start.
    pub(crate) async fn writer(&self) -> Result<Writer> {
        let mut connection = Connection::open(self.address).await?;
        let bearer = format!("Bearer {METRICS_TOKEN}");
        let status =
            connection.exchange(&request("GET", "/metrics", &[("authorization", &bearer)], None)).await?;
        ensure!(status == 200, "/metrics answered {status}");
        let text = String::from_utf8_lossy(connection.body()).into_owned();
        let metric = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.trim().parse().ok()).unwrap_or(0.0)
        };
        Ok(Writer {
            requests: metric("mc_write_batch_requests_sum"),
            commits: metric("mc_write_batch_requests_count"),
            commit_seconds: metric("mc_write_commit_seconds_sum"),
            cpu_seconds: process::thread_seconds(&process::thread(self.pid(), "writer")?)?,
        })
    }
}

/// What a thread that writes has done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Writer {
    /// Requests.
    pub requests: f64,
    /// Transactions.
    pub commits: f64,
    /// Seconds between asking for a commit and having it.
    pub commit_seconds: f64,
    /// Seconds on a processor.
    pub cpu_seconds: f64,
}

impl Writer {
    /// What was done between `before` and this.
    pub(crate) fn since(self, before: Writer) -> Writer {
        Writer {
            requests: self.requests - before.requests,
            commits: self.commits - before.commits,
            commit_seconds: self.commit_seconds - before.commit_seconds,
            cpu_seconds: self.cpu_seconds - before.cpu_seconds,
        }
    }

    /// With what `other` did.
    pub(crate) fn and(self, other: Writer) -> Writer {
        Writer {
            requests: self.requests + other.requests,
            commits: self.commits + other.commits,
            commit_seconds: self.commit_seconds + other.commit_seconds,
            cpu_seconds: self.cpu_seconds + other.cpu_seconds,
        }
    }

    /// Requests in one transaction.
    pub(crate) fn batch(self) -> f64 {
        self.requests / self.commits.max(1.0)
    }

    /// Requests in a second of work: time on a processor and time in commits. What a commit itself
    /// computes counts twice, on both sides alike.
    pub(crate) fn rate(self) -> f64 {
        self.requests / (self.cpu_seconds + self.commit_seconds).max(1e-9)
    }
}

/// The server's binary: what was given, or the release build, made when it is not there.
pub(crate) fn binary(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(given) = given {
        ensure!(given.is_file(), "{} is not there", given.display());
        return Ok(given.to_owned());
    }
    let built = crate::root().join("target/release/mission-control");
    if !built.is_file() {
        let arguments = ["build", "--release", "--package", "mission-control"];
        let made = Command::new("cargo").args(arguments).current_dir(crate::root()).status()?;
        ensure!(made.success() && built.is_file(), "`cargo build --release` made no server");
    }
    Ok(built)
}
