//! The first organization of a fresh server, and what stands in it before anything is measured.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use mission_control_client::{Options, Org};
use mission_control_shared::ChannelType;
use serde_json::{Value, json};

use crate::client::{request, send_each};

/// Tasks that are there before anything is measured.
pub(crate) const TASKS: usize = 1_000;
/// Messages that are there before anything is measured.
pub(crate) const MESSAGES: usize = 10_000;
const AGENTS: usize = 10;
const PROJECTS: usize = 5;
/// Connections that seed.
const CONNECTIONS: usize = 64;

/// The organization's prefix.
pub(crate) const ORG: &str = "/api/v1/orgs/load";
const SLUG: &str = "load";

/// A task's description, as long as a short one is.
pub(crate) const DESCRIPTION: &str = "The list shows the wrong count after a task was archived. Steps: open the \
    board, archive one task of the first column, look at the number above it. It should fall by one.";
/// What a message says after its number.
pub(crate) const SAYING: &str = "The build is green again; the last change only needed its snapshot updated.";

/// Who measures, and what there is to ask for.
pub(crate) struct World {
    /// Keys of the agents; the first one is an administrator.
    pub keys: Vec<String>,
    /// The channel `general`.
    pub channel: String,
    /// The tasks that were seeded.
    pub tasks: Vec<String>,
}

/// The header that names an agent.
pub(crate) fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.with_context(|| format!("the answer has no {pointer}: {value}"))
}

/// The server at an address, for what is not measured.
fn api(address: SocketAddr) -> Result<mission_control_client::Server> {
    Ok(mission_control_client::Server::new(Options::new(format!("http://{address}")))?)
}

/// Makes the first organization and its first agent, an administrator; gives the agent's key.
pub(crate) async fn set_up(address: SocketAddr, data_dir: &Path) -> Result<String> {
    let token = fs::read_to_string(data_dir.join("setup-token")).context("read the setup token")?;
    let first = json!({
        "token": token.trim(), "org_name": "Load", "org_slug": SLUG, "email": "load@example.org",
        "display_name": "Load", "password": "correct horse battery staple",
    });
    let person = api(address)?.open_session("auth/setup", &first).await?;
    let (_, key) = agent(&person.org(SLUG), 0, "administrator").await?;
    Ok(key)
}

async fn agent(org: &Org, number: usize, role: &str) -> Result<(String, String)> {
    let name = format!("load-{number}");
    let new = json!({ "type": "agent", "identifier": name, "display_name": name, "role": role });
    let made: Value = org.post("users").json(&new).send().await?;
    Ok((text(&made, "/user/id")?, text(&made, "/api_key")?))
}

/// Fills a fresh organization through its API.
pub(crate) async fn fill(address: SocketAddr, key: String) -> Result<World> {
    let bearer = bearer(&key);
    let headers = [("authorization", bearer.as_str())];
    let org = api(address)?.with_key(key.clone().into()).org(SLUG);
    let (mut agents, mut keys) = (Vec::new(), vec![key]);
    for number in 1..AGENTS {
        let (id, key) = agent(&org, number, "contributor").await?;
        agents.push(id);
        keys.push(key);
    }
    let mut projects = Vec::new();
    for number in 0..PROJECTS {
        let new = json!({ "name": format!("Project {number}"), "type": "software" });
        projects.push(text(&org.post("projects").json(&new).send().await?, "/id")?);
    }
    let tasks = (0..TASKS).map(|number| {
        let new = json!({
            "title": format!("Task {number} of the load"), "type": "feature", "description": DESCRIPTION,
            "project_ids": [projects[number % PROJECTS]],
            "assignee_ids": [agents[number % agents.len()], agents[(number + 1) % agents.len()]],
        });
        request("POST", &format!("{ORG}/tasks"), &headers, Some(&new.to_string()))
    });
    send_each(address, tasks.collect(), CONNECTIONS, 201).await.context("seed tasks")?;
    let channels = org.channels().await?;
    let general = channels.iter().find(|channel| channel.kind == ChannelType::OrgWide);
    let channel = general.context("no org-wide channel")?.id.to_string();
    let messages = (0..MESSAGES).map(|number| post_message(&headers, &channel, number as u64));
    send_each(address, messages.collect(), CONNECTIONS, 201).await.context("seed messages")?;
    let listed: Vec<Value> = org.get("tasks").pages().all().await?;
    let ids = listed.iter().map(|task| text(task, "/id")).collect::<Result<Vec<_>>>()?;
    ensure!(ids.len() == TASKS, "{} tasks instead of {TASKS} are there", ids.len());
    Ok(World { keys, channel, tasks: ids })
}

/// The request that posts message `number`; all of them have the same length.
pub(crate) fn post_message(headers: &[(&str, &str)], channel: &str, number: u64) -> Vec<u8> {
    let new = json!({ "content": format!("{}{number:08} {SAYING}", crate::streams::MARK) });
    request("POST", &format!("{ORG}/channels/{channel}/messages"), headers, Some(&new.to_string()))
}
