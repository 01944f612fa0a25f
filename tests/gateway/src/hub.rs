//! The real server in a process of its own, and the people and agents who call it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use mission_control_client::{Change, Client, EventKind, Follow, Method, Options, Org, Retry, Server};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Program, Running, binary};
use crate::{until, within};

/// How long the server may take to answer while it is restarted and cut off.
const ANSWER: Duration = Duration::from_secs(20);

/// A server and its data directory.
pub struct Hub {
    dir: TempDir,
    settings: Vec<(&'static str, String)>,
    process: Option<Running>,
    address: Option<SocketAddr>,
    server: Option<Server>,
    /// Ada, the administrator, as the server knows her session.
    ada: Option<Client>,
}

/// A message of a channel.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Who wrote it.
    pub sender: String,
    /// `text`, `command_output` or `notice`.
    pub kind: String,
    /// What it says.
    pub content: String,
    /// What it answers.
    pub reply_to: Option<String>,
    /// User id → state of its receipt.
    pub receipts: Vec<(String, String)>,
}

impl Hub {
    /// A server with the organization `acme` and its administrator.
    pub async fn start() -> Hub {
        Hub::start_with(&[]).await
    }

    /// The same with other settings.
    pub async fn start_with(settings: &[(&'static str, &str)]) -> Hub {
        let mut hub = Hub {
            dir: tempfile::tempdir().unwrap(),
            settings: settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            process: None,
            address: None,
            server: None,
            ada: None,
        };
        hub.run().await;
        hub.set_up().await;
        hub
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Starts the server on what the directory holds; it takes requests when this returns.
    pub async fn run(&mut self) {
        let mut program = Program::new("the server", &binary("mission-control"))
            .args(["serve"])
            .inside(self.dir.path())
            .env("MC_DATA_DIR", self.data())
            .env("MC_LISTEN", "127.0.0.1:0")
            .env("MC_REQUEST_BUDGET", "0")
            .env("MC_SIGNIN_LIMIT", "0");
        for (name, value) in &self.settings {
            program = program.env(name, value);
        }
        let server = program.start();
        server.says(" ready address=").await;
        let log = server.log();
        let (_, rest) = log.split_once(" ready address=").unwrap();
        self.address = Some(rest.split_whitespace().next().unwrap().parse().unwrap());
        let options = Options::new(format!("http://{}", self.address()));
        self.server = Some(Server::new(Options { request_timeout: ANSWER, ..options }).unwrap());
        self.process = Some(server);
    }

    async fn set_up(&mut self) {
        let token = std::fs::read_to_string(self.data().join("setup-token")).unwrap();
        let body = json!({
            "token": token.trim(), "org_name": "Acme", "org_slug": "acme", "email": "ada@acme.example",
            "display_name": "Ada", "password": "correct horse battery",
        });
        self.ada = Some(self.server().open_session("auth/setup", &body).await.unwrap());
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address.expect("the server has started")
    }

    /// The server at its present address.
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("the server has started")
    }

    /// The organization as Ada sees it.
    pub fn acme(&self) -> Org {
        let ada = self.ada.as_ref().expect("the organization is set up");
        ada.at(self.server()).org("acme")
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the server runs").pid()
    }

    /// As the kernel does: at once.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Stops it as an operator does.
    pub async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.stop().await;
        }
    }

    /// A request of Ada's that must be carried out. `path` is within the organization.
    pub async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.acme().request(method.clone(), path.trim_start_matches('/'));
        let request = if body.is_null() { request } else { request.json(&body) };
        request.send().await.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Makes an agent; gives its user id and key.
    pub async fn agent(&self, name: &str) -> (String, String) {
        let body =
            json!({ "type": "agent", "identifier": name, "display_name": name, "role": "contributor" });
        let made = self.call(Method::POST, "/users", body).await;
        (text(&made["user"]["id"]), text(&made["api_key"]))
    }

    /// Makes a project with these members; gives its id and its channel's.
    pub async fn project(&self, name: &str, members: &[&str]) -> (String, String) {
        let body = json!({ "name": name, "type": "software", "description": "What we make." });
        let made = self.call(Method::POST, "/projects", body).await;
        let id = text(&made["id"]);
        let members = json!({ "user_ids": members });
        self.call(Method::POST, &format!("/projects/{id}/members"), members).await;
        (id, text(&made["channel_id"]))
    }

    /// The channel `general`.
    pub async fn general(&self) -> String {
        let listed = self.call(Method::GET, "/channels", Value::Null).await;
        let found = listed["data"].as_array().unwrap().iter().find(|channel| channel["type"] == "org_wide");
        text(&found.unwrap()["id"])
    }

    /// Ada writes in a channel, and again until the server has it; gives the message's id.
    pub async fn says(&self, channel: &str, content: &str) -> String {
        let body = json!({ "content": content });
        let key = uuid::Uuid::new_v4().to_string();
        let post =
            self.acme().post(&format!("channels/{channel}/messages")).json(&body).idempotency_key(&key);
        until("the server to take a message", || async {
            match post.clone().send::<Value>().await {
                Ok(made) => Some(text(&made["id"])),
                Err(error) if error.retry() == Retry::Never => panic!("{error}"),
                Err(_) => None,
            }
        })
        .await
    }

    /// Follows what Ada sees.
    pub async fn watches(&self) -> Watch {
        let mut events = self.acme().follow(None);
        while !matches!(events.next().await.unwrap(), Change::Connected) {}
        Watch { events }
    }

    /// Every message of a channel, oldest first.
    pub async fn messages(&self, channel: &str) -> Vec<Message> {
        let mut messages = Vec::new();
        let mut before = String::new();
        loop {
            let page = within(crate::PATIENCE, "the server to list messages", || async {
                let path = format!("channels/{channel}/messages?limit=100{before}");
                match self.acme().get(&path).send::<Value>().await {
                    Ok(page) => Some(page),
                    Err(error) if error.retry() == Retry::Never => panic!("{error}"),
                    Err(_) => None,
                }
            })
            .await;
            messages.extend(page["data"].as_array().unwrap().iter().map(Message::read));
            match page["next_cursor"].as_str() {
                Some(next) => before = format!("&before={next}"),
                None => {
                    messages.reverse();
                    return messages;
                }
            }
        }
    }
}

/// What Ada sees.
pub struct Watch {
    events: Follow,
}

impl Watch {
    /// Waits for an answer to this message; gives when it came.
    pub async fn sees_answer(&mut self, id: &str) -> std::time::Instant {
        let seen = async {
            loop {
                let Change::Event(_, event) = self.events.next().await.unwrap() else { continue };
                let at = std::time::Instant::now();
                if event.kind == EventKind::MessageCreated && event.payload["message"]["reply_to_id"] == id {
                    return at;
                }
            }
        };
        tokio::time::timeout(crate::PATIENCE, seen).await.expect("the answer comes in the stream")
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

impl Message {
    fn read(value: &Value) -> Message {
        let receipts = value["receipts"].as_array().cloned().unwrap_or_default();
        Message {
            id: text(&value["id"]),
            sender: text(&value["sender"]["handle"]),
            kind: text(&value["kind"]),
            content: text(&value["content"]),
            reply_to: value["reply_to_id"].as_str().map(str::to_owned),
            receipts: receipts
                .iter()
                .map(|receipt| (text(&receipt["user_id"]), text(&receipt["state"])))
                .collect(),
        }
    }
}
