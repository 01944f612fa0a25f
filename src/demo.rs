//! The demo: a throw-away server with a believable organization and agents that work in it.
//!
//! Called by the command line alone. Seeds through the domain, with the clock set back, so that
//! every event has its time; its agents come through the same door as every agent: HTTP, an API key
//! and the event stream.
//!
//! Invariant: nothing outside its own temporary directory is touched, and that is gone at the end.
//! Must not know the database's tables.

mod agent;
mod seed;
mod story;
mod words;
mod work;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use mission_control_client::{Options, Org};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::{App, DataDirLock};
use crate::config::{Config, Mode};
use crate::server::Server;
use crate::store::{Clock, Durability};

/// What the names of the directories begin with.
const PREFIX: &str = "mission-control-demo-";

/// How to sign in to the demo. Not `Debug`: it holds the password.
#[derive(Clone, serde::Serialize)]
pub struct SignIn {
    /// Where the browser goes.
    pub url: String,
    /// The administrator's address.
    pub email: String,
    /// Their password, made for this run.
    pub password: String,
    /// The organization's slug.
    pub org_slug: String,
}

/// Runs a demo until `stop`; `announce` is called once when it can be used.
///
/// Errors: there is no place for its directory, or its port is taken.
pub async fn run(
    mut config: Config,
    listener: TcpListener,
    stop: CancellationToken,
    announce: impl FnOnce(&SignIn) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let temp = std::env::temp_dir();
    remove_left_over(&temp);
    let dir = Directory::new(&temp)?;
    config.data.dir.clone_from(&dir.0);
    config.server.mode = Mode::SingleTenant;
    config.database.url = None;
    // It is gone at the end anyway.
    config.database.durability = Durability::Normal;
    let (password, clock) = (random_text()?, Arc::new(Clock::default()));
    let (for_app, url) = (Arc::clone(&clock), config.server.public_url.clone());
    let app = tokio::task::spawn_blocking(move || App::open(config, for_app)).await??;
    let seeded = seed::seed(&app, &clock, &password).await.context("make the demo's organization")?;
    let server = Server::new(app.clone(), listener)?;
    let serving = tokio::spawn(server.run(stop.clone()));
    let api = mission_control_client::Server::new(Options::new(own_url(app.config())))?;
    let agents: Vec<_> = seeded
        .keys
        .into_iter()
        .map(|(role, key)| {
            let org = api.with_key(key.into()).org(seed::SLUG);
            tokio::spawn(run_agent(role, org, stop.clone()))
        })
        .collect();
    drop(app);
    let email = seed::EMAIL.to_owned();
    announce(&SignIn { url, email, password, org_slug: seed::SLUG.to_owned() })?;
    let served = serving.await.context("serve the demo")?;
    for agent in agents {
        agent.abort();
    }
    served
}

/// Where the demo's own agents find the server.
fn own_url(config: &Config) -> String {
    let mut address = config.server.listen;
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    format!("http://{address}{}", config.base_path())
}

/// Runs an agent until `stop`: it answers, and works on its tasks.
async fn run_agent(handle: &'static str, org: Org, stop: CancellationToken) {
    let live = async {
        let agent = agent::sign_in(handle, org).await;
        tokio::join!(agent::listen(&agent), work::work(&agent))
    };
    tokio::select! {
        () = stop.cancelled() => {}
        _ = live => {}
    }
}

/// The demo's data directory; gone when it is dropped.
struct Directory(PathBuf);

impl Directory {
    fn new(temp: &Path) -> anyhow::Result<Directory> {
        use std::os::unix::fs::DirBuilderExt as _;
        let dir = temp.join(format!("{PREFIX}{}", random_text()?));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&dir)
            .with_context(|| format!("make {}; set TMPDIR to a place that can be written", dir.display()))?;
        Ok(Directory(dir))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, directory = %self.0.display(), "the demo's directory could not be removed");
        }
    }
}

/// Removes directories of demos that were killed: those whose lock nobody holds any more.
fn remove_left_over(temp: &Path) {
    let Ok(entries) = fs::read_dir(temp) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        // One without a lock is just being made.
        if is_ours && entry.path().join("lock").is_file() && DataDirLock::take(&entry.path()).is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// 12 random letters and digits, `-` and `_` among them.
fn random_text() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 9];
    getrandom::fill(&mut bytes).context("ask the system for random numbers")?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
