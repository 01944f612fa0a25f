//! How fast the server starts on a large database, and what it weighs when nobody asks anything.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::rows::Bare;
use crate::seed;
use crate::server::Server;

/// Tasks of the large database.
pub(crate) const TASKS: usize = 100_000;
/// How long a server is left alone before it is weighed.
const IDLE: Duration = Duration::from_secs(2);

/// What was measured.
pub(crate) struct Start {
    /// From the start of the process to the first answer that it is ready, of each start.
    pub ready: Vec<Duration>,
    /// Bytes in memory of the idle server on the large database.
    pub idle: u64,
    /// The same on the seeded database that everything else is measured on.
    pub idle_seeded: u64,
    /// Bytes of the large database.
    pub database: u64,
}

/// A stopped server's database with an organization and an agent in it; gives the file.
pub(crate) async fn prepare(binary: &Path, data_dir: &Path) -> Result<PathBuf> {
    let server = Server::start(binary, data_dir).await?;
    seed::set_up(server.address, data_dir).await?;
    server.stop().await?;
    Ok(data_dir.join("mission-control.db"))
}

/// Measures `starts` starts. `seeded` is the data directory of a stopped server; `task` a task as it
/// is answered.
pub(crate) async fn measure(
    binary: &Path,
    directory: &Path,
    seeded: &Path,
    task: &str,
    starts: usize,
) -> Result<Start> {
    let large = directory.join("large");
    let file = prepare(binary, &large).await?;
    Bare::open(&file, task)?.fill(TASKS)?;
    let mut ready = Vec::new();
    for _ in 0..starts {
        let server = Server::start(binary, &large).await?;
        ready.push(server.start_time);
        server.stop().await?;
    }
    let database = std::fs::metadata(&file)?.len();
    let (idle, idle_seeded) = (idle(binary, &large).await?, idle(binary, seeded).await?);
    Ok(Start { ready, idle, idle_seeded, database })
}

async fn idle(binary: &Path, data_dir: &Path) -> Result<u64> {
    let server = Server::start(binary, data_dir).await?;
    tokio::time::sleep(IDLE).await;
    let bytes = server.resident_bytes()?;
    server.stop().await?;
    Ok(bytes)
}
