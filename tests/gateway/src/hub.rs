//! The real server in a process of its own, and the people and agents who call it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Program, Running, binary};
use crate::{until, within};

/// The organization's prefix.
const ORG: &str = "/api/v1/orgs/acme";

/// A server and its data directory.
pub struct Hub {
    dir: TempDir,
    settings: Vec<(&'static str, String)>,
    process: Option<Running>,
    address: Option<SocketAddr>,
    client: reqwest::Client,
    /// The administrator's cookies and CSRF token.
    session: (String, String),
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
        // Built with the bridge, the client has TLS and wants to be told whose; twice is as good as once.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut hub = Hub {
            dir: tempfile::tempdir().unwrap(),
            settings: settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            process: None,
            address: None,
            client: reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap(),
            session: (String::new(), String::new()),
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
        self.process = Some(server);
    }

    async fn set_up(&mut self) {
        let token = std::fs::read_to_string(self.data().join("setup-token")).unwrap();
        let body = json!({
            "token": token.trim(), "org_name": "Acme", "org_slug": "acme", "email": "ada@acme.example",
            "display_name": "Ada", "password": "correct horse battery",
        });
        let url = format!("{}/api/v1/auth/setup", self.url());
        let reply = self.client.post(url).json(&body).send().await.unwrap();
        assert_eq!(reply.status(), 201);
        let cookies: Vec<String> = reply
            .headers()
            .get_all("set-cookie")
            .iter()
            .map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned())
            .collect();
        let csrf = cookies.iter().find_map(|cookie| cookie.split_once("mc_csrf=")).unwrap().1.to_owned();
        self.session = (cookies.join("; "), csrf);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address.expect("the server has started")
    }

    fn url(&self) -> String {
        format!("http://{}", self.address())
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

    /// A request of the administrator's; `None` when there is no answer.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Option<(u16, Value)> {
        let mut request = self.client.request(method, format!("{}{path}", self.url()));
        request = request.header("cookie", &self.session.0).header("x-csrf-token", &self.session.1);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let reply = request.send().await.ok()?;
        let status = reply.status().as_u16();
        let text = reply.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// A request that must be carried out.
    pub async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        let body = (!body.is_null()).then_some(body);
        let answered = self.ask(method.clone(), &format!("{ORG}{path}"), None, body.as_ref()).await;
        let (status, answer) = answered.expect("the server answers");
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
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
        let path = format!("{ORG}/channels/{channel}/messages");
        until("the server to take a message", || async {
            match self.ask(Method::POST, &path, Some(&key), Some(&body)).await {
                Some((201, made)) => Some(text(&made["id"])),
                Some((status, answer)) if status < 500 => panic!("{status} {answer}"),
                _ => None,
            }
        })
        .await
    }

    /// Opens Ada's stream of events.
    pub async fn watches(&self) -> Watch {
        let url = format!("{}{ORG}/events/stream", self.url());
        // Without a limit on the whole answer: a stream has no end.
        let client = reqwest::Client::new();
        let stream = client.get(url).header("cookie", &self.session.0).send().await.unwrap();
        assert_eq!(stream.status(), 200);
        Watch { stream, unread: Vec::new() }
    }

    /// Every message of a channel, oldest first.
    pub async fn messages(&self, channel: &str) -> Vec<Message> {
        let mut messages = Vec::new();
        let mut before = String::new();
        loop {
            let path = format!("{ORG}/channels/{channel}/messages?limit=100{before}");
            let (status, page) = within(crate::PATIENCE, "the server to list messages", || {
                self.ask(Method::GET, &path, None, None)
            })
            .await;
            assert_eq!(status, 200, "{page}");
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

/// A stream of events.
pub struct Watch {
    stream: reqwest::Response,
    unread: Vec<u8>,
}

impl Watch {
    /// Waits for an answer to this message; gives when it came.
    pub async fn sees_answer(&mut self, id: &str) -> std::time::Instant {
        let seen = async {
            loop {
                let chunk = self.stream.chunk().await.unwrap().expect("a stream does not end");
                let at = std::time::Instant::now();
                self.unread.extend_from_slice(&chunk);
                while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = self.unread.drain(..=end).collect();
                    let data = line.strip_prefix(b"data:").unwrap_or_default();
                    let Ok(event) = serde_json::from_slice::<Value>(data) else { continue };
                    if event["type"] == "message.created" && event["payload"]["message"]["reply_to_id"] == id
                    {
                        return at;
                    }
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
