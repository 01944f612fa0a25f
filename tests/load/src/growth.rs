//! What a request costs on a small database and on a large one, and the ratio of the two.
//!
//! Both servers run at the same time and are asked in turns, one request after the other on one connection.

mod fill;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::cases::Side;
use crate::client::{Connection, Lane, drive, request};
use crate::seed::{self, DESCRIPTION, ORG, World, bearer, post_message};
use crate::server::{self, Server};
use crate::{process, say};

/// A turn of one side: long enough for the clock of the processor time, which ticks every 10 ms.
const TURN: Duration = Duration::from_millis(500);
/// How long each side runs before anything counts.
const WARM_UP: Duration = Duration::from_millis(300);
/// The ratio that a request may have.
const TARGET: f64 = 1.5;

/// Measures what requests cost on a small and on a large database.
#[derive(Debug, clap::Args)]
pub(crate) struct Growth {
    /// Tasks of the large database.
    #[arg(long, default_value_t = 1_000_000)]
    tasks: usize,
    /// Messages of the large database; ten times the tasks when left out.
    #[arg(long)]
    messages: Option<usize>,
    /// How long each side of each case runs.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Only cases whose names contain one of these.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The server [target/release/mission-control]
    #[arg(long, value_name = "FILE")]
    server: Option<std::path::PathBuf>,
    /// Put the table into this document too.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<std::path::PathBuf>,
}

/// How much is stored.
#[derive(Clone, Copy, Debug)]
struct Size {
    tasks: usize,
    messages: usize,
}

/// One of the two servers, and what it is asked for.
struct Hub {
    server: Server,
    world: World,
    /// A project's id.
    project: String,
    /// An agent's id.
    agent: String,
    /// Messages of `general`, oldest first.
    messages: Vec<String>,
}

impl Hub {
    async fn start(binary: &Path, data_dir: &Path, world: &World) -> Result<Hub> {
        let server = Server::start(binary, data_dir).await?;
        let world =
            World { keys: world.keys.clone(), channel: world.channel.clone(), tasks: world.tasks.clone() };
        let mut hub =
            Hub { server, world, project: String::new(), agent: String::new(), messages: Vec::new() };
        hub.project = hub.text("/projects", "/data/0/id").await?;
        hub.agent = hub.text("/users?type=agent", "/data/1/id").await?;
        let history = format!("/channels/{}/messages?after=", hub.world.channel);
        let newest =
            hub.text(&format!("/channels/{}/messages?limit=100", hub.world.channel), "/data/99/id").await?;
        let page = hub.get(&format!("{history}{newest}&limit=100")).await?;
        let ids = page["data"].as_array().context("no messages")?.iter();
        hub.messages = ids.filter_map(|message| Some(message["id"].as_str()?.to_owned())).collect();
        ensure!(!hub.messages.is_empty(), "no messages after {newest}");
        Ok(hub)
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let bearer = bearer(&self.world.keys[0]);
        let mut connection = Connection::open(self.server.address).await?;
        let asked = request("GET", &format!("{ORG}{path}"), &[("authorization", &bearer)], None);
        let status = connection.exchange(&asked).await?;
        ensure!(status == 200, "{path} answered {status}: {}", connection.body().escape_ascii());
        Ok(serde_json::from_slice(connection.body())?)
    }

    async fn text(&self, path: &str, pointer: &str) -> Result<String> {
        let value = self.get(path).await?;
        let found = value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        found.with_context(|| format!("{path} has no {pointer}"))
    }
}

/// A request that is measured.
struct Case {
    name: &'static str,
    status: u16,
    requests: fn(&Hub) -> Vec<Vec<u8>>,
}

/// Reads of one path by the administrator.
macro_rules! reads {
    ($name:literal, $hub:ident => $path:expr) => {
        Case { name: $name, status: 200, requests: |$hub| vec![ask($hub, 0, "GET", &$path, None)] }
    };
}

fn ask(hub: &Hub, who: usize, method: &str, path: &str, body: Option<Value>) -> Vec<u8> {
    let bearer = bearer(&hub.world.keys[who]);
    let body = body.map(|body| body.to_string());
    request(method, &format!("{ORG}{path}"), &[("authorization", &bearer)], body.as_deref())
}

fn cases() -> Vec<Case> {
    vec![
        reads!("list", _hub => "/tasks?per_page=25"),
        reads!("list, page 100", _hub => "/tasks?per_page=10&page=100"),
        reads!("list, archived too", _hub => "/tasks?per_page=25&include_archived=true"),
        reads!("list by priority, falling", _hub => "/tasks?per_page=25&sort=priority&order=desc"),
        reads!("list by status", _hub => "/tasks?per_page=25&sort=status"),
        reads!("list by title", _hub => "/tasks?per_page=25&sort=title"),
        reads!("list by update, newest first", _hub => "/tasks?per_page=25&sort=updated_at&order=desc"),
        reads!("list by creation", _hub => "/tasks?per_page=25&sort=created_at"),
        reads!("column", _hub => "/tasks?per_page=25&status=backlog"),
        reads!("column by priority", _hub => "/tasks?per_page=25&status=backlog&sort=priority&order=desc"),
        reads!("filter priority", _hub => "/tasks?per_page=25&priority=high"),
        reads!("filter type", _hub => "/tasks?per_page=25&type=feature"),
        reads!("filter type, none fits", _hub => "/tasks?per_page=25&type=bug"),
        reads!("filter project", hub => format!("/tasks?per_page=25&project_id={}", hub.project)),
        reads!("filter assignee", hub => format!("/tasks?per_page=25&assigned_to={}", hub.agent)),
        reads!("filter author", hub => format!("/tasks?per_page=25&created_by={}", hub.agent)),
        reads!("filter blocked, none fits", _hub => "/tasks?per_page=25&blocked=true"),
        reads!("filter text and priority", _hub => "/tasks?per_page=25&q=load&priority=medium"),
        reads!("filter text, none fits", _hub => "/tasks?per_page=25&q=nowhere"),
        Case {
            name: "get",
            status: 200,
            requests: |hub| {
                hub.world.tasks.iter().map(|id| ask(hub, 0, "GET", &format!("/tasks/{id}"), None)).collect()
            },
        },
        Case {
            name: "create",
            status: 201,
            requests: |hub| {
                let new =
                    json!({ "title": "A task of the load", "type": "feature", "description": DESCRIPTION });
                vec![ask(hub, 0, "POST", "/tasks", Some(new))]
            },
        },
        Case {
            name: "move",
            status: 200,
            requests: |hub| {
                let path = format!("/tasks/{}/transition", hub.world.tasks[0]);
                let statuses = ["in-progress", "in-review", "complete", "backlog"];
                statuses.map(|to| ask(hub, 0, "POST", &path, Some(json!({ "to_status": to })))).to_vec()
            },
        },
        reads!("history of a task", hub => format!("/events?task_id={}", hub.world.tasks[0])),
        reads!("events", _hub => "/events"),
        Case {
            name: "events of an outsider",
            status: 200,
            requests: |hub| vec![ask(hub, 1, "GET", "/events", None)],
        },
        reads!("events of a type", _hub => "/events?type=task.archived"),
        Case {
            name: "events of a channel the reader may not enter",
            status: 200,
            requests: |hub| vec![ask(hub, 1, "GET", &format!("/events?project_id={}", hub.project), None)],
        },
        reads!("channels", _hub => "/channels"),
        reads!("channel", hub => format!("/channels/{}", hub.world.channel)),
        Case {
            name: "mark a channel read",
            status: 204,
            requests: |hub| {
                let path = format!("/channels/{}/read", hub.world.channel);
                let ids = hub.messages.iter();
                ids.map(|id| ask(hub, 2, "PUT", &path, Some(json!({ "message_id": id })))).collect()
            },
        },
        reads!("messages", hub => format!("/channels/{}/messages", hub.world.channel)),
        Case {
            name: "post a message",
            status: 201,
            requests: |hub| {
                let bearer = bearer(&hub.world.keys[0]);
                vec![post_message(&[("authorization", &bearer)], &hub.world.channel, 0)]
            },
        },
        reads!("projects", _hub => "/projects"),
        reads!("project", hub => format!("/projects/{}", hub.project)),
        reads!("users", _hub => "/users"),
    ]
}

struct Row {
    name: &'static str,
    small: Side,
    large: Side,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.large.cpu_micros() / self.small.cpu_micros()
    }
}

/// Fills, measures, gives the tables.
pub(crate) async fn run(growth: &Growth, directory: &Path) -> Result<String> {
    let binary = server::binary(growth.server.as_deref())?;
    let (small, large) = (directory.join("small"), directory.join("large"));
    say("seeding");
    let server = Server::start(&binary, &small).await?;
    let key = seed::set_up(server.address, &small).await?;
    let world = seed::fill(server.address, key).await?;
    server.stop().await?;
    std::fs::create_dir(&large)?;
    let file = large.join("mission-control.db");
    for entry in std::fs::read_dir(&small)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), large.join(entry.file_name()))?;
        }
    }
    let seeded = Size { tasks: seed::TASKS, messages: seed::MESSAGES };
    let size = Size { tasks: growth.tasks, messages: growth.messages.unwrap_or(growth.tasks * 10) };
    let began = std::time::Instant::now();
    fill::fill(&file, size, seeded)?;
    let took = began.elapsed().as_secs_f64();
    let bytes = std::fs::metadata(&file)?.len();
    let hubs = [Hub::start(&binary, &small, &world).await?, Hub::start(&binary, &large, &world).await?];
    let wanted =
        |case: &Case| growth.only.is_empty() || growth.only.iter().any(|word| case.name.contains(word));
    let mut rows = Vec::new();
    for case in cases().into_iter().filter(wanted) {
        say(case.name);
        rows.push(measure(&hubs, &case, Duration::from_secs_f64(growth.seconds)).await.context(case.name)?);
    }
    for hub in hubs {
        hub.server.stop().await?;
    }
    table(&rows, size, bytes, took)
}

async fn measure(hubs: &[Hub; 2], case: &Case, time: Duration) -> Result<Row> {
    let mut lanes = Vec::new();
    for hub in hubs {
        let requests: Arc<[Vec<u8>]> = (case.requests)(hub).into();
        let lane = vec![Lane::open(hub.server.address, requests, 0).await?];
        let (lane, _) = drive(lane, case.status, WARM_UP).await.context("warm up")?;
        lanes.push(lane);
    }
    let mut row = Row { name: case.name, small: Side::default(), large: Side::default() };
    for _ in 0..time.as_millis().div_ceil(TURN.as_millis()) {
        for ((hub, lane), side) in hubs.iter().zip(&mut lanes).zip([&mut row.small, &mut row.large]) {
            let before = process::cpu_seconds(hub.server.pid())?;
            let (back, sample) = drive(std::mem::take(lane), case.status, TURN).await?;
            side.add(sample, process::cpu_seconds(hub.server.pid())? - before);
            *lane = back;
        }
    }
    Ok(row)
}

fn table(rows: &[Row], size: Size, bytes: u64, took: f64) -> Result<String> {
    let mut text = format!(
        "{} tasks and {} messages beside {} and {}; the large file has {:.1} GiB and was filled in {took:.0} s.\n\n\
         | request | small | large | ratio (≤ {TARGET} wanted) |\n|---|--:|--:|--:|\n",
        size.tasks,
        size.messages,
        seed::TASKS,
        seed::MESSAGES,
        bytes as f64 / (1 << 30) as f64,
    );
    for row in rows {
        let missed = if row.ratio() > TARGET { " **missed**" } else { "" };
        writeln!(
            text,
            "| {} | {:.0} µs | {:.0} µs | {:.2}{missed} |",
            row.name,
            row.small.cpu_micros(),
            row.large.cpu_micros(),
            row.ratio()
        )?;
    }
    Ok(text)
}
