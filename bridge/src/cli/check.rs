//! `mc-bridge check`: tries everything that `run` needs, and says per line what is right or how to
//! mend it. May run beside a running bridge; changes nothing but the device key, which it makes.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use mission_control_client::{Error as ServerError, Org};
use serde_json::{Value, json};

use crate::config::{AgentConfig, Config, Provider, explained};
use crate::credentials::{Credentials, prefix};
use crate::gateway::{self, Connection, LinkError};
use crate::peers;
use crate::state::{State, StateError};

/// The configuration, or a secret that it names, is wrong.
const CONFIG: u8 = 78;
/// Something that is needed is not there.
const UNAVAILABLE: u8 = 69;
/// What is there is not for us.
const NO_PERMISSION: u8 = 77;

/// What to do about a certificate that nobody vouches for.
const TRUST: &str = ": add who signed it to the certificates of this system (`update-ca-certificates`)";

/// Tries everything; 0 when all is right.
pub async fn run(path: Option<&Path>, json: bool) -> u8 {
    let mut report = Report { json, lines: Vec::new(), code: None };
    if let Some(config) = configuration(&mut report, path) {
        let running = state(&mut report, &config);
        health(&mut report, config.health_listen, running);
        if let Some(credentials) = secrets(&mut report, &config) {
            server(&mut report, &config, &credentials).await;
            the_gateway(&mut report, &config, &credentials).await;
        }
    }
    report.end()
}

/// What was tried.
struct Report {
    json: bool,
    lines: Vec<Value>,
    /// Of the first thing that is wrong.
    code: Option<u8>,
}

impl Report {
    fn right(&mut self, what: &str, text: impl AsRef<str>) {
        self.line("ok", Value::Bool(true), what, text.as_ref());
    }

    fn wrong(&mut self, code: u8, what: &str, text: impl AsRef<str>) {
        self.code.get_or_insert(code);
        self.line("FAIL", Value::Bool(false), what, text.as_ref());
    }

    /// It cannot be tried before something else is mended.
    fn skipped(&mut self, what: &str, text: impl AsRef<str>) {
        self.line("skip", Value::Null, what, text.as_ref());
    }

    #[expect(clippy::print_stdout, reason = "it is what was asked for")]
    fn line(&mut self, mark: &str, ok: Value, what: &str, text: &str) {
        if self.json {
            self.lines.push(json!({"what": what, "ok": ok, "text": text}));
        } else {
            println!("{mark:<5} {what}: {text}");
        }
    }

    #[expect(clippy::print_stdout, reason = "it is what was asked for")]
    fn end(self) -> u8 {
        if self.json {
            println!("{}", json!({"ok": self.code.is_none(), "checks": self.lines}));
        }
        self.code.unwrap_or(0)
    }
}

fn configuration(report: &mut Report, path: Option<&Path>) -> Option<Config> {
    match Config::load(path) {
        Ok(config) => {
            let count = config.agents.len();
            let agents = if count == 1 { "agent" } else { "agents" };
            report.right("configuration", format!("{}, {count} {agents}", config.path.display()));
            Some(config)
        }
        Err(error) => {
            for problem in error.problems {
                report.wrong(CONFIG, "configuration", problem);
            }
            None
        }
    }
}

/// Whether a bridge runs on this state now.
fn state(report: &mut Report, config: &Config) -> bool {
    let path = &config.state;
    match path.try_exists().and_then(|exists| if exists { can_use(path) } else { can_make(path) }) {
        Ok(()) if path.exists() => {}
        // It is made by the user that the bridge runs as, not by the one who looks.
        Ok(()) => {
            report.right("state", format!("{} will be made at the first start", path.display()));
            return false;
        }
        Err(error) => {
            let mend = match error.kind() {
                ErrorKind::NotFound => ": make its folder and give it to the user that runs mc-bridge",
                ErrorKind::PermissionDenied => "",
                _ => ": give `state.path` another place",
            };
            let problem =
                format!("{} cannot be made or written: {}{mend}", path.display(), explained(&error));
            report.wrong(UNAVAILABLE, "state", problem);
            return false;
        }
    }
    match State::open(path) {
        Ok(_) => report.right("state", format!("{} can be written", path.display())),
        Err(StateError::InUse(_)) => {
            report.right("state", format!("{} is in use by the mc-bridge that runs now", path.display()));
            return true;
        }
        Err(error @ StateError::Failed(_)) => report.wrong(
            UNAVAILABLE,
            "state",
            format!(
                "{}: {error}: put a backup in its place, or remove it (then what was under way is lost)",
                path.display()
            ),
        ),
        Err(error) => report.wrong(UNAVAILABLE, "state", error.to_string()),
    }
    false
}

fn can_use(path: &Path) -> std::io::Result<()> {
    std::fs::File::options().read(true).write(true).open(path).map(drop)
}

fn can_make(path: &Path) -> std::io::Result<()> {
    let mut probe = path.as_os_str().to_owned();
    probe.push(".check");
    std::fs::File::create_new(&probe)?;
    std::fs::remove_file(&probe)
}

fn health(report: &mut Report, address: SocketAddr, running: bool) {
    match TcpListener::bind(address) {
        Ok(_) => report.right("health", format!("{address} can be listened on")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && running => {
            report.right("health", format!("{address} is in use by the mc-bridge that runs now"));
        }
        Err(error) => report.wrong(
            UNAVAILABLE,
            "health",
            format!("{address} cannot be listened on: {error}: give `health.listen` another address"),
        ),
    }
}

fn secrets(report: &mut Report, config: &Config) -> Option<Credentials> {
    let credentials = match Credentials::read(config) {
        Ok(credentials) => credentials,
        Err(error) => {
            report.wrong(CONFIG, "secrets", error.to_string());
            return None;
        }
    };
    let source = match &config.credentials {
        Provider::Env => "in the environment".to_owned(),
        Provider::File(path) => format!("in {}", path.display()),
    };
    let keys = config.agents.iter().map(|agent| &agent.api_key_env);
    for name in keys.chain([&config.gateway.token_env]) {
        match credentials.get(name) {
            Ok(_) => report.right("secrets", format!("`{name}` is {source}")),
            Err(missing) => report.wrong(CONFIG, "secrets", missing.to_string()),
        }
    }
    Some(credentials)
}

async fn server(report: &mut Report, config: &Config, credentials: &Credentials) {
    let server = match peers::server(&config.mission_control) {
        Ok(server) => server,
        Err(error) => {
            report.wrong(UNAVAILABLE, "server", error.to_string());
            return;
        }
    };
    let url = &config.mission_control.url;
    let mut told = false;
    for agent in &config.agents {
        let what = format!("agent {}/{}", agent.org_slug, agent.name);
        let Ok(key) = credentials.get(&agent.api_key_env) else {
            report.skipped(&what, format!("`{}` is not set", agent.api_key_env));
            continue;
        };
        let found = is_who(&server.with_key(key.clone()).org(&agent.org_slug), agent).await;
        if let Err(error) = &found
            && let Some(problem) = of_the_server(error)
        {
            // Every agent would say the same.
            report.wrong(UNAVAILABLE, "server", format!("{url}: {problem}"));
            return;
        }
        if !told {
            let version = server.api_version().unwrap_or("unknown");
            report.right("server", format!("{url} answers, API {version}"));
            told = true;
        }
        match found {
            Ok(Ok(who)) => report.right(&what, format!("{who} (key {})", prefix(key))),
            Ok(Err(problem)) => report.wrong(CONFIG, &what, format!("{problem} (key {})", prefix(key))),
            Err(error) => report.wrong(
                NO_PERMISSION,
                &what,
                format!(
                    "{error} (key {}): make a new one on the agents page of Mission Control, and put it into `{}`",
                    prefix(key),
                    agent.api_key_env
                ),
            ),
        }
    }
}

/// What is wrong with the server rather than with a key.
fn of_the_server(error: &ServerError) -> Option<String> {
    match error {
        ServerError::Unauthorized(_) => None,
        ServerError::Unavailable { reason, .. } if reason.contains("certificate") => {
            Some(format!("{reason}{TRUST}, or, if you mean it, write `verify_tls: false`"))
        }
        ServerError::Unavailable { reason, .. } => {
            Some(format!("{reason}: start it, or mend `mission_control.url`"))
        }
        ServerError::Unreadable(_) => Some(format!("{error}: is `mission_control.url` Mission Control's?")),
        ServerError::Unsupported(_) | ServerError::Refused(_) | ServerError::Invalid(_) => {
            Some(error.to_string())
        }
    }
}

/// Who the agent's key is; else why that is not the one that is configured.
async fn is_who(server: &Org, agent: &AgentConfig) -> Result<Result<String, String>, ServerError> {
    let me = server.client().me().await?;
    let (slug, name) = (&agent.org_slug, &agent.name);
    let Some(membership) = me.memberships.iter().find(|membership| membership.org_slug == *slug) else {
        let others: Vec<String> =
            me.memberships.iter().map(|membership| format!("`{}`", membership.org_slug)).collect();
        let others = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
        return Ok(Err(format!(
            "the key is of an agent in {others}, not in `{slug}`: mend `org_slug`, or take the key of an agent there"
        )));
    };
    if membership.handle != *name {
        return Ok(Err(format!(
            "the key is of `{}`, not of `{name}`: mend `name`, or take that agent's key",
            membership.handle
        )));
    }
    // Reads what only a member may, and what `run` needs first.
    let organization = server.organization().await?;
    Ok(Ok(format!("{} in {}", me.display_name, organization.name)))
}

async fn the_gateway(report: &mut Report, config: &Config, credentials: &Credentials) {
    let url = &config.gateway.url;
    let connected = match credentials
        .get(&config.gateway.token_env)
        .map(|_| peers::gateway(config, credentials))
    {
        Err(_) => {
            report.skipped("gateway", format!("`{}` is not set", config.gateway.token_env));
            None
        }
        Ok(Err(error)) => {
            report.wrong(UNAVAILABLE, "gateway", format!("{error:#}"));
            None
        }
        Ok(Ok(options)) => match gateway::connect(&options).await {
            Ok(connection) => Some(connection),
            Err(error) => {
                let (code, mend) = match &error {
                    LinkError::Refused(_) => (NO_PERMISSION, ""),
                    LinkError::Starting { .. } => (UNAVAILABLE, ": try again in some seconds"),
                    LinkError::Unreachable(reason) if reason.contains("gateway.url") => (UNAVAILABLE, ""),
                    LinkError::Unreachable(reason) if reason.contains("certificate") => (UNAVAILABLE, TRUST),
                    LinkError::Unreachable(_) => (UNAVAILABLE, ": start it, or mend `gateway.url`"),
                };
                report.wrong(code, "gateway", format!("{url}: {error}{mend}"));
                None
            }
        },
    };
    let Some(connection) = connected else {
        report.skipped("gateway agents", "without the Gateway they cannot be looked up");
        return;
    };
    let hello = connection.hello();
    report.right(
        "gateway",
        format!(
            "{url} is OpenClaw {}, protocol {}, {}",
            hello.version,
            hello.protocol,
            hello.scopes.join(" ")
        ),
    );
    gateway_agents(report, config, &connection).await;
}

async fn gateway_agents(report: &mut Report, config: &Config, connection: &Connection) {
    let known = match connection.agents().await {
        Ok(known) => known,
        Err(error) => {
            report.wrong(UNAVAILABLE, "gateway agents", error.to_string());
            return;
        }
    };
    for agent in &config.agents {
        let what = format!("gateway agent {}", agent.gateway_agent);
        if known.iter().any(|id| id.eq_ignore_ascii_case(&agent.gateway_agent)) {
            report.right(&what, format!("is there, for {}/{}", agent.org_slug, agent.name));
        } else {
            let known: Vec<String> = known.iter().map(|id| format!("`{id}`")).collect();
            report.wrong(
                CONFIG,
                &what,
                format!(
                    "the Gateway has no such agent, only {}: mend `gateway_agent` of {}/{}, or add it (`openclaw agents add`)",
                    known.join(", "), agent.org_slug, agent.name
                ),
            );
        }
    }
}
