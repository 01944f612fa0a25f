//! What a Gateway has: sessions on its disk, connections and runs in its memory.
//!
//! A crash keeps of a message with key K what the real one keeps: nothing when it was the first of a
//! new session; a pending input that is `interrupted` for good when it had no row; its row when the
//! model had not started; and when it had, an interrupted run that the next start goes on with.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Point, RunRecord};
use crate::ModelRequest;

/// Rows are shown up to this many characters.
const DISPLAY_CAP: usize = 8_000;

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

#[derive(Default)]
pub(super) struct State {
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) requests: Vec<ModelRequest>,
    pub(super) records: HashMap<String, RunRecord>,
    pub(super) holds: Vec<(Point, oneshot::Sender<String>, oneshot::Receiver<()>)>,
    pub(super) process: Option<Process>,
    /// Counts starts: a task of an earlier process changes nothing.
    pub(super) generation: u64,
}

/// What a start makes and a kill forgets.
pub(super) struct Process {
    pub(super) address: SocketAddr,
    pub(super) boot_id: String,
    pub(super) started: std::time::Instant,
    pub(super) draining: bool,
    pub(super) connections: HashMap<u64, Connection>,
    /// By idempotency key.
    pub(super) runs: HashMap<String, Run>,
    /// How messages ended, by idempotency key.
    pub(super) answers: HashMap<String, Answer>,
    pub(super) stop: CancellationToken,
}

impl Process {
    pub(super) fn new(address: SocketAddr, stop: CancellationToken) -> Process {
        Process {
            address,
            boot_id: Uuid::new_v4().to_string(),
            started: std::time::Instant::now(),
            draining: false,
            connections: HashMap::new(),
            runs: HashMap::new(),
            answers: HashMap::new(),
            stop,
        }
    }
}

pub(super) struct Connection {
    pub(super) out: mpsc::UnboundedSender<Message>,
    pub(super) scopes: HashSet<String>,
    /// Only events of sessions that it has subscribed.
    pub(super) scoped: bool,
    pub(super) subscribed: HashSet<String>,
    pub(super) seq: u64,
}

impl Connection {
    pub(super) fn send(&self, frame: &Value) {
        let _ = self.out.send(Message::text(frame.to_string()));
    }

    pub(super) fn close(&self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        let _ = self.out.send(Message::Close(Some(frame)));
    }

    pub(super) fn event(&mut self, event: &str, payload: &Value) {
        self.seq += 1;
        self.send(&json!({ "type": "event", "event": event, "payload": payload, "seq": self.seq }));
    }
}

pub(super) struct Run {
    pub(super) session: String,
    pub(super) text: String,
    pub(super) owner: u64,
    /// Its place in the session when it was taken: whether the session was there before.
    pub(super) session_existed: bool,
    pub(super) row: bool,
    pub(super) model_started: bool,
    /// Its answer is in the transcript.
    pub(super) answered: bool,
    pub(super) seq: u64,
    pub(super) said: String,
    pub(super) abort: CancellationToken,
    pub(super) stop_reason: Option<&'static str>,
    /// Messages that came meanwhile: their keys and texts.
    pub(super) steered: Vec<(String, String)>,
    /// It goes on with what a kill interrupted; it has no row of its own.
    pub(super) resumed: bool,
}

#[derive(Clone)]
pub(super) struct Answer {
    pub(super) session: String,
    pub(super) text: String,
    pub(super) end: End,
}

#[derive(Clone)]
pub(super) enum End {
    Ok,
    Aborted(&'static str),
    Error(String),
}

pub(super) struct Session {
    pub(super) id: String,
    pub(super) agent: String,
    pub(super) rows: Vec<Row>,
    pub(super) model: Option<String>,
    pub(super) label: Option<String>,
    pub(super) archived: bool,
    /// Keys that will never run again.
    pub(super) interrupted: Vec<String>,
    /// The key whose run a kill interrupted after the model had started.
    pub(super) unfinished: Option<String>,
}

#[derive(Clone)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) role: &'static str,
    pub(super) text: String,
    pub(super) key: Option<String>,
    pub(super) run_id: Option<String>,
    pub(super) at: u64,
    /// Fields that only some rows have.
    pub(super) extra: Value,
}

impl Row {
    pub(super) fn new(role: &'static str, text: &str) -> Row {
        let id = Uuid::new_v4().to_string();
        Row { id, role, text: text.to_owned(), key: None, run_id: None, at: now(), extra: json!({}) }
    }

    /// The row as it is shown, cut; or whole.
    pub(super) fn shown(&self, seq: usize, whole: bool) -> Value {
        let cut = !whole && self.text.chars().count() > DISPLAY_CAP;
        let text = if cut {
            format!("{}\n...(truncated)...", self.text.chars().take(DISPLAY_CAP).collect::<String>())
        } else {
            self.text.clone()
        };
        let mut inner = json!({ "id": self.id, "recordTimestampMs": self.at, "seq": seq });
        if cut {
            inner["truncated"] = json!(true);
            inner["reason"] = json!("display-cap");
        }
        if let Some(run_id) = &self.run_id {
            inner["runId"] = json!(run_id);
        }
        let mut row = json!({ "role": self.role, "timestamp": self.at });
        if self.role == "user" {
            row["content"] = json!(text);
        } else {
            row["content"] = json!([{ "type": "text", "text": text }]);
        }
        if let Some(key) = &self.key {
            row["idempotencyKey"] = json!(key);
            if self.role == "user" {
                inner["idempotencyKey"] = json!(key);
            }
        }
        for (name, value) in self.extra.as_object().unwrap() {
            row[name] = value.clone();
        }
        row["__openclaw"] = inner;
        row
    }
}

impl Session {
    pub(super) fn new(agent: &str) -> Session {
        Session {
            id: Uuid::new_v4().to_string(),
            agent: agent.to_owned(),
            rows: Vec::new(),
            model: None,
            label: None,
            archived: false,
            interrupted: Vec::new(),
            unfinished: None,
        }
    }

    pub(super) fn texts(&self) -> Vec<(String, String)> {
        self.rows.iter().map(|row| (row.role.to_owned(), row.text.clone())).collect()
    }

    /// Whether the message with this key is in the transcript, and the last thing said by a user.
    pub(super) fn row_of(&self, key: &str) -> Option<bool> {
        let key = format!("{key}:user");
        let is_its = |row: &&Row| row.key.as_deref() == Some(&key);
        self.rows.iter().find(is_its)?;
        Some(self.rows.iter().rfind(|row| row.role == "user").as_ref().is_some_and(is_its))
    }
}

impl State {
    /// The process; there is one wherever this is called.
    pub(super) fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("it runs")
    }

    /// The process that this task belongs to.
    pub(super) fn alive(&mut self, generation: u64) -> Option<&mut Process> {
        if self.generation == generation { self.process.as_mut() } else { None }
    }

    /// To everybody who may read and wants to hear of this session.
    pub(super) fn tell(&mut self, key: &str, event: &str, payload: &Value) {
        for connection in self.process().connections.values_mut() {
            let subscribed = connection.subscribed.contains(key);
            let wanted = subscribed || (event != "session.message" && !connection.scoped);
            if wanted && connection.scopes.contains("operator.read") {
                connection.event(event, payload);
            }
        }
    }

    /// To everybody.
    pub(super) fn announce(&mut self, event: &str, payload: &Value) {
        for connection in self.process().connections.values_mut() {
            connection.event(event, payload);
        }
    }

    /// Adds a row to the transcript and tells who subscribed.
    pub(super) fn add_row(&mut self, key: &str, row: Row) {
        let session = self.sessions.get_mut(key).expect("a run has a session");
        let seq = session.rows.len() + 1;
        let payload = json!({
            "sessionKey": key, "agentId": session.agent, "messageId": row.id, "messageSeq": seq,
            "message": row.shown(seq, false), "session": { "key": key, "sessionId": session.id },
        });
        session.rows.push(row);
        self.tell(key, "session.message", &payload);
    }

    /// What describes a session; `status` is left out where nothing has run.
    pub(super) fn describe(&self, key: &str) -> Value {
        let Some(session) = self.sessions.get(key) else { return Value::Null };
        let active = self.active_runs(key);
        let running = !active.is_empty() || session.unfinished.is_some();
        let mut described = json!({
            "key": key, "sessionId": session.id, "agentId": session.agent, "kind": "direct",
            "archived": session.archived, "modelProvider": "mock",
            "model": session.model.as_deref().unwrap_or("mock-a"),
            "hasActiveRun": running, "activeRunIds": active,
        });
        if let Some(label) = &session.label {
            described["label"] = json!(label);
        }
        if running {
            described["status"] = json!("running");
        } else if session.rows.iter().any(|row| row.role == "assistant") {
            described["status"] = json!("done");
        }
        described
    }

    pub(super) fn active_runs(&self, key: &str) -> Vec<String> {
        let runs = self.process.iter().flat_map(|process| process.runs.iter());
        runs.filter(|(_, run)| run.session == key).map(|(id, _)| id.clone()).collect()
    }

    /// Forgets the process as SIGKILL does.
    pub(super) fn crash(&mut self) -> Process {
        let mut process = self.process.take().expect("it runs");
        self.holds.clear();
        for (id, run) in process.runs.drain() {
            let Some(session) = self.sessions.get_mut(&run.session) else { continue };
            if run.answered {
                // Nothing is left to be done; its key would run again.
            } else if run.model_started {
                session.unfinished = Some(id);
            } else if !run.row && !run.session_existed {
                self.sessions.remove(&run.session);
            } else if !run.row && !run.resumed {
                session.interrupted.push(id);
            }
        }
        process
    }
}
