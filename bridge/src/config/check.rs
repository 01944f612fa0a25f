//! From the tree to the configuration: every key, its default, and what may not be.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::agents::agents;
use super::file::Tree;
use super::section::{At, Problems, Section, secret_name, shown};
use super::{Config, GatewayConfig, LogFormat, LogLevel, Logging, MissionControl, Provider, Updates};

const LEVELS: [(&str, LogLevel); 5] = [
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];
/// What the tree says. Errors: every problem, by line.
pub(super) fn config(path: &Path, tree: Tree) -> Result<Config, Vec<(u64, String)>> {
    let mut problems = Problems::default();
    let config = read(path, tree, &mut problems);
    match (problems.into_sorted(), config) {
        (problems, Some(config)) if problems.is_empty() => Ok(config),
        (problems, _) => Err(problems),
    }
}

fn read(path: &Path, tree: Tree, problems: &mut Problems) -> Option<Config> {
    let keys =
        ["mission_control", "gateway", "agents", "credentials", "state", "health", "logging", "updates"];
    let mut top = Section::new("", tree, &keys, problems);
    let mission_control = mission_control(&mut top);
    let gateway = gateway(&mut top);
    let agents = agents(&mut top);
    // Relative paths count from the file, so that `run` and `status` mean the same wherever they
    // are called.
    let folder = path.parent().unwrap_or(Path::new(""));
    let credentials = credentials(&mut top, folder);
    let mut state = top.section("state", &["path"]);
    let state = folder.join(state.text("path").map_or("bridge.db".to_owned(), |path| path.value));
    let health_listen = health(&mut top);
    let mut logging = top.section("logging", &["level", "format"]);
    let level = logging.one_of("level", LogLevel::Info, &LEVELS);
    let format =
        logging.one_of("format", LogFormat::Json, &[("json", LogFormat::Json), ("text", LogFormat::Text)]);
    let updates = updates(&mut top);
    Some(Config {
        path: path.to_owned(),
        mission_control: mission_control?,
        gateway: gateway?,
        agents,
        credentials: credentials?,
        state,
        health_listen,
        logging: Logging { level, format },
        updates,
    })
}

fn mission_control(top: &mut Section<'_>) -> Option<MissionControl> {
    let keys = ["url", "verify_tls", "request_timeout_seconds", "heartbeat_timeout_seconds"];
    let mut section = top.section("mission_control", &keys);
    let url =
        section.required("url", "write the server's address, such as `url: \"https://mc.example.org\"`");
    let verify_tls = section.truth("verify_tls", true).value;
    let request_timeout = section.number("request_timeout_seconds", 30, 1..=600);
    let heartbeat_timeout = section.number("heartbeat_timeout_seconds", 90, 1..=3600);
    let At { line, value } = url?;
    let url = match address(&value, &["https", "http"]) {
        Ok(url) => url,
        Err(why) => {
            section.problem(line, format!("`mission_control.url` {why}"));
            return None;
        }
    };
    if url.scheme() == "http" && verify_tls && is_public(&url) {
        let host = url.host_str().unwrap_or_default();
        section.problem(
            line,
            format!("`mission_control.url` sends keys unprotected to `{host}`: write `https://…`, or, if you mean it, `verify_tls: false`"),
        );
    }
    Some(MissionControl {
        url: url.as_str().trim_end_matches('/').to_owned(),
        verify_tls,
        request_timeout: Duration::from_secs(request_timeout.into()),
        heartbeat_timeout: Duration::from_secs(heartbeat_timeout.into()),
    })
}

fn gateway(top: &mut Section<'_>) -> Option<GatewayConfig> {
    let mut section = top.section("gateway", &["url", "token_env"]);
    let url = section.required("url", "write the Gateway's address, such as `url: \"ws://127.0.0.1:18789\"`");
    let token_env = secret_name(&mut section, "token_env", "OPENCLAW_GATEWAY_TOKEN");
    let At { line, value } = url?;
    match address(&value, &["ws", "wss"]) {
        Ok(_) => Some(GatewayConfig { url: value, token_env: token_env? }),
        Err(why) => {
            section.problem(line, format!("`gateway.url` {why}"));
            None
        }
    }
}

fn credentials(top: &mut Section<'_>, folder: &Path) -> Option<Provider> {
    let keys = ["provider", "path", "secret_name", "region", "address", "token_env"];
    let mut section = top.section("credentials", &keys);
    let here = section.line;
    let provider = section.text("provider").unwrap_or(At { line: here, value: "env".to_owned() });
    let path = section.text("path");
    match &*provider.value {
        "env" => {
            if let Some(path) = path {
                section.problem(
                    path.line,
                    "`credentials.path` belongs to `provider: file`: write that, or remove it",
                );
            }
            Some(Provider::Env)
        }
        "file" => match path {
            Some(path) => Some(Provider::File(folder.join(path.value))),
            None => {
                section.problem(provider.line, "`credentials.path` is missing: name the secrets file, such as `path: \"/etc/openclaw/comms-bridge.secrets\"`");
                None
            }
        },
        "aws_secrets_manager" | "vault" => {
            section.problem(
                provider.line,
                format!(
                    "`credentials.provider`: `{}` is not in this version: write `env` or `file`",
                    provider.value
                ),
            );
            None
        }
        other => {
            section.problem(
                provider.line,
                format!("`credentials.provider` must be `env` or `file`, not `{}`", shown(other)),
            );
            None
        }
    }
}

fn health(top: &mut Section<'_>) -> SocketAddr {
    let default = SocketAddr::from(([127, 0, 0, 1], 9090));
    let mut section = top.section("health", &["listen"]);
    let Some(At { line, value }) = section.text("listen") else {
        return default;
    };
    value.replace("localhost:", "127.0.0.1:").parse().unwrap_or_else(|_| {
        section.problem(
            line,
            format!(
                "`health.listen` must be an address with a port, such as `{default}`, not `{}`",
                shown(&value)
            ),
        );
        default
    })
}

fn updates(top: &mut Section<'_>) -> Updates {
    let mut section = top.section("updates", &["check", "interval_hours", "notify"]);
    let check = section.truth("check", false);
    if check.value {
        section.problem(check.line, "`updates.check` is not in this version: write `false`");
    }
    let hours = section.number("interval_hours", 24, 1..=720);
    let notify = section.one_of("notify", "org_wide", &[("org_wide", "org_wide")]).to_owned();
    Updates { check: check.value, interval: Duration::from_secs(u64::from(hours) * 3600), notify }
}

/// An address with one of these schemes. Errors: what is wrong with it.
fn address(text: &str, schemes: &[&str]) -> Result<Url, String> {
    let example = format!("{}://…", schemes[0]);
    let Ok(url) = Url::parse(text) else {
        let given = if text.contains('@') { "…".to_owned() } else { shown(text) };
        return Err(format!("must be an address, such as `{example}`, not `{given}`"));
    };
    if !schemes.contains(&url.scheme()) {
        return Err(format!(
            "must begin with `{}://`, not `{}:`",
            schemes.join("://` or `"),
            shown(url.scheme())
        ));
    }
    if url.password().is_some() || !url.username().is_empty() {
        return Err(format!("must hold no name and no password: write `{example}`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must end with the path: remove `?…` and `#…`".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(format!("names no host: write `{example}`"));
    }
    Ok(url)
}

/// Whether the host is one that the whole world may stand between.
fn is_public(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => {
            let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xC0 == 64;
            !(ip.is_loopback() || ip.is_private() || ip.is_link_local() || shared)
        }
        Ok(IpAddr::V6(ip)) => !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()),
        Err(_) => {
            let inner = [".localhost", ".local", ".lan", ".internal", ".home.arpa", ".test"];
            host.contains('.') && !inner.iter().any(|end| host.ends_with(end))
        }
    }
}

/// The file that is meant when none is named: the first that is there. Else one of the system's that
/// may be there and is not for this user to see, so that they are told; a working directory that is
/// closed to them holds nothing of theirs.
pub(super) fn first_of(paths: &[&str]) -> Option<PathBuf> {
    let mut paths = paths.iter().map(PathBuf::from);
    let closed = |path: &PathBuf| path.is_absolute() && path.try_exists().is_err();
    paths.clone().find(|path| path.exists()).or_else(|| paths.find(closed))
}
