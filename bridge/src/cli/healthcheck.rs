//! `mc-bridge healthcheck`: asks the running bridge whether all is well, for containers and scripts.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::Value;

use super::{in_runtime, report, status};
use crate::config::Config;

/// Something that is needed is not there.
const UNAVAILABLE: u8 = 69;

/// 0 when the bridge runs, and reaches the server, the Gateway and its state.
#[expect(clippy::print_stdout, reason = "it is what was asked for")]
pub(super) fn run(path: Option<&Path>) -> ExitCode {
    let (code, error) = match Config::load(path) {
        Err(error) => (78, error.into()),
        Ok(config) => match ask(&config) {
            Ok(()) => {
                println!("ok");
                return ExitCode::SUCCESS;
            }
            Err(error) => (UNAVAILABLE, error),
        },
    };
    report(&error);
    code.into()
}

fn ask(config: &Config) -> anyhow::Result<()> {
    let health = in_runtime(status::health(config))
        .with_context(|| format!("no bridge answers on {}", config.health_listen))?;
    let problems = problems(&health);
    anyhow::ensure!(health["status"] == "ok", "the bridge is not well: {}", problems.join(", "));
    Ok(())
}

fn problems(health: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    if health["gateway_reachable"] != true {
        let reason = health["gateway_reason"].as_str().unwrap_or("not connected");
        problems.push(format!("the Gateway cannot be reached: {reason}"));
    }
    if health["state_writable"] != true {
        problems.push("its state cannot be written".to_owned());
    }
    for agent in health["agents"].as_array().into_iter().flatten() {
        let (stream, reason) = (agent["stream"].as_str().unwrap_or("unknown"), agent["reason"].as_str());
        if stream != "live" || reason.is_some() {
            let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
            let (org, name) = (agent["org"].as_str().unwrap_or(""), agent["name"].as_str().unwrap_or(""));
            problems.push(format!("{org}/{name} is {stream}{reason}"));
        }
    }
    problems
}
