//! `mc-bridge status`: what waits, and what could not be carried, read from the state beside a
//! bridge that may be running, and from its `/health` if it is.

use std::path::Path;
use std::process::ExitCode;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::{in_runtime, report};
use crate::config::{Config, explained};
use crate::state::Summary;

/// Shows it; 0 when nothing is wrong, 1 when something could not be carried or nothing runs.
#[expect(clippy::print_stdout, reason = "it is what was asked for")]
pub(super) fn run(path: Option<&Path>, json: bool) -> ExitCode {
    let found = Config::load(path).map_err(anyhow::Error::from).and_then(|config| {
        let unseen = |error| anyhow::anyhow!("look at {}: {}", config.state.display(), explained(&error));
        let summary = match config.state.try_exists().map_err(unseen)? {
            true => Summary::of_file(&config.state)?,
            false => Summary::default(),
        };
        Ok((in_runtime(health(&config)), summary))
    });
    let (health, summary) = match found {
        Ok(found) => found,
        Err(error) => {
            report(&error);
            return 78.into();
        }
    };
    if json {
        println!(
            "{}",
            json!({"running": health.is_some(), "health": health, "agents": summary.agents, "kept": summary.kept})
        );
    } else {
        print!("{}", text(health.as_ref(), &summary));
    }
    ExitCode::from(u8::from(health.is_none() || !summary.kept.is_empty()))
}

/// What the running bridge says of itself.
pub(super) async fn health(config: &Config) -> Option<Value> {
    let ask = async {
        let stream = TcpStream::connect(config.health_listen).await.ok()?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        let request = hyper::Request::get("/health").header("host", "mc-bridge").body(Empty::<Bytes>::new());
        let response = sender.send_request(request.ok()?).await.ok()?;
        let body = response.into_body().collect().await.ok()?.to_bytes();
        serde_json::from_slice(&body).ok()
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), ask).await.ok()?
}

fn text(health: Option<&Value>, summary: &Summary) -> String {
    let mut text = match health {
        None => "mc-bridge is not running\n".to_owned(),
        Some(health) => {
            let yes = |name: &str| if health[name] == true { "reachable" } else { "not reachable" };
            let reason = health["gateway_reason"].as_str().map(|reason| format!(" ({reason})"));
            format!(
                "mc-bridge is running: {}\nMission Control is {}, the OpenClaw Gateway is {}{}\n",
                health["status"].as_str().unwrap_or("unknown"),
                yes("mission_control_reachable"),
                yes("gateway_reachable"),
                reason.unwrap_or_default()
            )
        }
    };
    for agent in &summary.agents {
        let live = health.and_then(|health| {
            let agents = health["agents"].as_array()?;
            agents
                .iter()
                .find(|live| live["name"] == agent.name.as_str() && live["org"] == agent.org.as_str())
        });
        let stream = live.and_then(|live| live["stream"].as_str()).unwrap_or("not running");
        let reason = live.and_then(|live| live["reason"].as_str()).map(|reason| format!(" ({reason})"));
        text.push_str(&format!(
            "{}/{}: {stream}{}; {} sessions, {} to be answered, {} to be posted, {} failed\n",
            agent.org,
            agent.name,
            reason.unwrap_or_default(),
            agent.sessions,
            agent.inbox,
            agent.outbox,
            agent.failed
        ));
    }
    if !summary.kept.is_empty() {
        text.push_str("\nCould not be carried:\n");
    }
    for kept in &summary.kept {
        text.push_str(&format!("{}/{}: {}: {}\n", kept.org, kept.name, kept.what, kept.reason));
    }
    text
}
