//! The first organization of a fresh server, and what stands in it before anything is measured.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::client::{Connection, request, send_each};

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

/// One call of the API, answered in the 200s.
async fn call(
    address: SocketAddr,
    headers: &[(&str, &str)],
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Result<(Value, Vec<String>)> {
    let body = body.map(|body| body.to_string());
    let mut connection = Connection::open(address).await?;
    let status = connection.exchange(&request(method, path, headers, body.as_deref())).await?;
    ensure!(status / 100 == 2, "{method} {path} answered {status}: {}", connection.body().escape_ascii());
    let head = String::from_utf8_lossy(connection.head()).into_owned();
    let cookies =
        head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).map(str::to_owned).collect();
    let answer =
        if connection.body().is_empty() { Value::Null } else { serde_json::from_slice(connection.body())? };
    Ok((answer, cookies))
}

fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.with_context(|| format!("the answer has no {pointer}: {value}"))
}

/// Makes the first organization and its first agent, an administrator; gives the agent's key.
pub(crate) async fn set_up(address: SocketAddr, data_dir: &Path) -> Result<String> {
    let token = fs::read_to_string(data_dir.join("setup-token")).context("read the setup token")?;
    let first = json!({
        "token": token.trim(), "org_name": "Load", "org_slug": "load", "email": "load@example.org",
        "display_name": "Load", "password": "correct horse battery staple",
    });
    let (_, cookies) = call(address, &[], "POST", "/api/v1/auth/setup", Some(first)).await?;
    let pairs: Vec<&str> = cookies.iter().filter_map(|cookie| cookie.split(';').next()).collect();
    let csrf =
        pairs.iter().find_map(|pair| pair.split_once('=').filter(|(name, _)| name.ends_with("mc_csrf")));
    let (_, csrf) = csrf.context("setup gave no CSRF cookie")?;
    let cookie = pairs.join("; ");
    let origin = format!("http://{address}");
    let signed_in = [("cookie", cookie.as_str()), ("x-csrf-token", csrf), ("origin", origin.as_str())];
    let (_, key) = agent(address, &signed_in, 0, "administrator").await?;
    Ok(key)
}

async fn agent(
    address: SocketAddr,
    headers: &[(&str, &str)],
    number: usize,
    role: &str,
) -> Result<(String, String)> {
    let name = format!("load-{number}");
    let new = json!({ "type": "agent", "identifier": name, "display_name": name, "role": role });
    let (made, _) = call(address, headers, "POST", &format!("{ORG}/users"), Some(new)).await?;
    Ok((text(&made, "/user/id")?, text(&made, "/api_key")?))
}

/// Fills a fresh organization through its API.
pub(crate) async fn fill(address: SocketAddr, key: String) -> Result<World> {
    let bearer = bearer(&key);
    let headers = [("authorization", bearer.as_str())];
    let (mut agents, mut keys) = (Vec::new(), vec![key]);
    for number in 1..AGENTS {
        let (id, key) = agent(address, &headers, number, "contributor").await?;
        agents.push(id);
        keys.push(key);
    }
    let mut projects = Vec::new();
    for number in 0..PROJECTS {
        let new = json!({ "name": format!("Project {number}"), "type": "software" });
        let (made, _) = call(address, &headers, "POST", &format!("{ORG}/projects"), Some(new)).await?;
        projects.push(text(&made, "/id")?);
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
    let (channels, _) = call(address, &headers, "GET", &format!("{ORG}/channels"), None).await?;
    let listed = channels["data"].as_array().context("no channels")?;
    let general =
        listed.iter().find(|channel| channel["type"] == "org_wide").context("no org-wide channel")?;
    let channel = text(general, "/id")?;
    let messages = (0..MESSAGES).map(|number| post_message(&headers, &channel, number as u64));
    send_each(address, messages.collect(), CONNECTIONS, 201).await.context("seed messages")?;
    let mut ids = Vec::new();
    for page in 1..=TASKS.div_ceil(100) {
        let path = format!("{ORG}/tasks?per_page=100&page={page}");
        let (listed, _) = call(address, &headers, "GET", &path, None).await?;
        for task in listed["data"].as_array().context("no tasks")? {
            ids.push(text(task, "/id")?);
        }
    }
    ensure!(ids.len() == TASKS, "{} tasks instead of {TASKS} are there", ids.len());
    Ok(World { keys, channel, tasks: ids })
}

/// The request that posts message `number`; all of them have the same length.
pub(crate) fn post_message(headers: &[(&str, &str)], channel: &str, number: u64) -> Vec<u8> {
    let new = json!({ "content": format!("{}{number:08} {SAYING}", crate::streams::MARK) });
    request("POST", &format!("{ORG}/channels/{channel}/messages"), headers, Some(&new.to_string()))
}
