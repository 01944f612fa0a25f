//! The configuration file: what it may say, and what is wrong with it.
//!
//! Owns `comms-bridge.yaml`. [`Config::load`] reads it once, at the start; nothing else reads it.
//! Every problem is found at once, each with its line and what to write instead.
//!
//! Invariant: a [`Config`] that exists is valid, and holds no secret, only the names of secrets.
//! Must not know: how anything that it configures works.

mod agents;
mod check;
mod file;
mod section;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything that the bridge is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that it came from.
    pub path: PathBuf,
    /// Where the server is.
    pub mission_control: MissionControl,
    /// Where the Gateway is.
    pub gateway: GatewayConfig,
    /// The agents, at least one.
    pub agents: Vec<AgentConfig>,
    /// Where secrets come from.
    pub credentials: Provider,
    /// The state database. In the file, a relative path counts from the file's folder, so that every
    /// command finds the same one.
    pub state: PathBuf,
    /// Where health and metrics are served.
    pub health_listen: SocketAddr,
    /// How logs are written.
    pub logging: Logging,
    /// Whether newer versions are looked for.
    pub updates: Updates,
}

/// `mission_control:`
#[derive(Clone, Debug)]
pub struct MissionControl {
    /// No slash at the end; may have a path.
    pub url: String,
    /// Whether the server must prove who it is.
    pub verify_tls: bool,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How long a stream may be silent.
    pub heartbeat_timeout: Duration,
}

/// `gateway:`
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// `ws://…` or `wss://…`.
    pub url: String,
    /// The name of the secret that opens it.
    pub token_env: String,
}

/// An item of `agents:`.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// Its handle in the organization.
    pub name: String,
    /// The organization.
    pub org_slug: String,
    /// The name of the secret that is its API key.
    pub api_key_env: String,
    /// The agent of the Gateway that it is, in lower case.
    pub gateway_agent: String,
    /// Whether it hears of its projects and the org-wide channels by itself.
    pub auto_subscribe: bool,
    /// How many messages a new session is told.
    pub history_fetch_count: u32,
    /// What starts a run.
    pub wake_on: Vec<WakeOn>,
    /// After how many agent messages in a row it waits for a human.
    pub max_agent_hops: u32,
    /// How many runs one session may start in an hour.
    pub max_runs_per_hour: u32,
    /// After how long a run is aborted.
    pub run_timeout: Duration,
}

/// What starts a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WakeOn {
    /// It is mentioned.
    Mention,
    /// A task is assigned to it.
    Assignment,
    /// Somebody else changes its task.
    TaskChange,
    /// A reply to its message.
    Reply,
    /// A person's message where it is the only agent.
    HumanAlone,
    /// A command for it.
    Command,
}

/// `credentials:`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Variables of the environment.
    Env,
    /// A file of `NAME=value` lines.
    File(PathBuf),
}

/// `logging:`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logging {
    /// What is left out.
    pub level: LogLevel,
    /// How a line looks.
    pub format: LogFormat,
}

/// What is left out of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Failures alone.
    Error,
    /// What may become one, too.
    Warn,
    /// What happens.
    Info,
    /// How it happens.
    Debug,
    /// Everything.
    Trace,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object.
    Json,
    /// For people.
    Text,
}

/// `updates:`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updates {
    /// Whether newer versions are looked for.
    pub check: bool,
    /// How often.
    pub interval: Duration,
    /// Who is told: `org_wide`.
    pub notify: String,
}

/// Why there is no configuration.
#[derive(Debug)]
pub struct ConfigError {
    /// One line each: `<file>:<line>: what is wrong, what to write instead`.
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads `path`, else the first that exists of `./comms-bridge.yaml` and
    /// `/etc/openclaw/comms-bridge.yaml`.
    pub fn load(path: Option<&Path>) -> Result<Config, ConfigError> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => check::first_of(&USUAL).ok_or_else(|| {
                let nowhere = "there is no configuration: write `./comms-bridge.yaml` or \
                               `/etc/openclaw/comms-bridge.yaml`, or name the file by `--config`";
                ConfigError { problems: vec![nowhere.to_owned()] }
            })?,
        };
        let shown = path.display();
        let text = read(&path)
            .map_err(|why| ConfigError { problems: vec![format!("{shown}: cannot read it: {why}")] })?;
        let tree = file::read(&text)
            .map_err(|(line, why)| ConfigError { problems: vec![format!("{shown}:{line}: {why}")] })?;
        check::config(&path, tree).map_err(|problems| ConfigError {
            problems: problems.into_iter().map(|(line, what)| format!("{shown}:{line}: {what}")).collect(),
        })
    }
}

/// Where the file is looked for when none is named.
const USUAL: [&str; 2] = ["comms-bridge.yaml", "/etc/openclaw/comms-bridge.yaml"];

/// Larger than any configuration.
const LARGEST: u64 = 1 << 20;

fn read(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| explained(&error))?.len();
    if size > LARGEST {
        return Err(format!("it is larger than {} MiB", LARGEST >> 20));
    }
    let bytes = std::fs::read(path).map_err(|error| explained(&error))?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

/// What the system says of a file, and what to do where it is not for this user.
pub(crate) fn explained(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!(
            "{error}: run this as the user of the service (`sudo -u mc-bridge mc-bridge …`), or, where this is \
             that user, give it the file and its folder (`chown`)"
        ),
        _ => error.to_string(),
    }
}
