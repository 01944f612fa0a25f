//! What is asked of the Gateway, and what it answers.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::connection::{Answer, refused_here};
use super::error::CallError;
use super::history::{self, WireMessage};
use super::{Connection, History};

/// A message for a session.
#[derive(Clone, Debug)]
pub struct ChatSend {
    /// The session; made by the first message.
    pub session_key: String,
    /// The text.
    pub message: String,
    /// Becomes the run's id.
    pub idempotency_key: String,
    /// Whether "/words" and stop words in it are text; for everything that somebody wrote.
    pub suppress_commands: bool,
}

/// What `chat.send` said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatAck {
    /// The run; none for a stop word.
    pub run_id: Option<String>,
    /// What becomes of it.
    pub status: AckStatus,
    /// For a stop word: whether something was running.
    pub aborted: Option<bool>,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AckStatus {
    /// It is being worked on; no promise before its user row is written.
    Started,
    /// It was before.
    InFlight,
    /// It has ended well before; the answer is in the history.
    Ok,
    /// It was aborted, or took too long, before.
    Timeout {
        /// Why.
        summary: String,
    },
    /// It has failed before; to try again takes a new key.
    Error {
        /// Why.
        summary: String,
    },
    /// It was a stop word.
    Stopped,
    /// Something that this build does not know.
    Other(String),
}

/// What `chat.abort` did.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Aborted {
    /// Whether something was running.
    #[serde(default)]
    pub aborted: bool,
    /// What.
    #[serde(default)]
    pub run_ids: Vec<String>,
}

/// More than any answer has.
const WHOLE: u32 = 2_000_000;
/// How many rows are read of a history.
const ROWS: u32 = 200;

impl Connection {
    /// Sends a message. `written` is called when the frame has been handed to the socket.
    pub async fn send_chat(
        &self,
        send: &ChatSend,
        written: impl FnOnce() + Send,
    ) -> Result<ChatAck, CallError> {
        let mut params = json!({
            "sessionKey": send.session_key, "message": send.message, "idempotencyKey": send.idempotency_key,
        });
        if send.suppress_commands {
            params["suppressCommandInterpretation"] = Value::Bool(true);
        }
        acknowledged(self.call("chat.send", &params, written).await)
    }

    /// The newest 200 rows of a session; empty when there is no such session.
    pub async fn history(&self, key: &str) -> Result<History, CallError> {
        self.newest(key, ROWS).await
    }

    /// The newest rows of a session, up to 1,000.
    pub async fn newest(&self, key: &str, limit: u32) -> Result<History, CallError> {
        let payload = self.call("chat.history", &json!({"sessionKey": key, "limit": limit}), || ()).await?;
        history::read(&payload).map_err(|error| unreadable(&error))
    }

    /// The whole text of one row; `None` when it is not there any more.
    pub async fn message(&self, key: &str, message_id: &str) -> Result<Option<String>, CallError> {
        let params = json!({"sessionKey": key, "messageId": message_id, "maxChars": WHOLE});
        whole_text(&self.call("chat.message.get", &params, || ()).await?)
    }

    /// Aborts a run, or whatever runs in the session.
    pub async fn abort(&self, key: &str, run_id: Option<&str>) -> Result<Aborted, CallError> {
        let mut params = json!({"sessionKey": key});
        if let Some(run_id) = run_id {
            params["runId"] = Value::from(run_id);
        }
        read(&self.call("chat.abort", &params, || ()).await?)
    }

    /// Asks for the events of a session; works before it exists.
    pub async fn subscribe(&self, key: &str) -> Result<(), CallError> {
        self.call("sessions.messages.subscribe", &json!({"key": key}), || ()).await.map(drop)
    }

    /// No more of them; its channel closes.
    pub async fn unsubscribe(&self, key: &str) -> Result<(), CallError> {
        self.forget_session(key);
        self.call("sessions.messages.unsubscribe", &json!({"key": key}), || ()).await.map(drop)
    }

    /// Archives a session; one that is not there is as good as archived. A run in it is aborted.
    pub async fn archive(&self, key: &str) -> Result<(), CallError> {
        self.set_archived(key, true).await
    }

    /// Brings an archived session back; one that is not there needs nothing.
    pub async fn restore(&self, key: &str) -> Result<(), CallError> {
        self.set_archived(key, false).await
    }

    async fn set_archived(&self, key: &str, archived: bool) -> Result<(), CallError> {
        loop {
            let described: Described =
                read(&self.call("sessions.describe", &json!({"key": key}), || ()).await?)?;
            let Some(session) = described.session.filter(|session| session.archived != archived) else {
                return Ok(());
            };
            // The Gateway wants to know that it is still the session that was looked at.
            let params = json!({"key": key, "archived": archived, "expectedSessionId": session.session_id});
            match self.call("sessions.patch", &params, || ()).await {
                Err(error) if error.is_session_changed() => {}
                done => return done.map(drop),
            }
        }
    }

    /// The ids of the Gateway's agents.
    pub async fn agents(&self) -> Result<Vec<String>, CallError> {
        let listed: AgentList = read(&self.call("agents.list", &json!({}), || ()).await?)?;
        Ok(listed.agents.into_iter().map(|agent| agent.id).collect())
    }
}

pub(super) fn read<T: DeserializeOwned>(payload: &RawValue) -> Result<T, CallError> {
    serde_json::from_str(payload.get()).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> CallError {
    refused_here("UNREADABLE", format!("its answer cannot be read: {error}"))
}

/// Reads the answer of `chat.message.get`.
pub(super) fn whole_text(payload: &RawValue) -> Result<Option<String>, CallError> {
    let found: FoundMessage<'_> = serde_json::from_str(payload.get()).map_err(|error| unreadable(&error))?;
    Ok(found.message.filter(|_| found.ok).map(|message| message.text().unwrap_or_default()))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireAck {
    run_id: Option<String>,
    status: Option<String>,
    summary: Option<String>,
    aborted: Option<bool>,
}

/// Reads the answer of `chat.send`: of a message that has failed before, it is a refusal.
pub(super) fn acknowledged(answer: Answer) -> Result<ChatAck, CallError> {
    match answer {
        Ok(payload) => read(&payload).map(ack),
        Err(CallError::Refused { payload: Some(payload), .. }) if payload["status"] == "error" => {
            Ok(ack(serde_json::from_value(*payload).unwrap_or_default()))
        }
        Err(error) => Err(error),
    }
}

fn ack(wire: WireAck) -> ChatAck {
    let summary = wire.summary.unwrap_or_default();
    let status = match wire.status.as_deref() {
        Some("started") => AckStatus::Started,
        Some("in_flight") => AckStatus::InFlight,
        Some("ok") => AckStatus::Ok,
        Some("timeout") => AckStatus::Timeout { summary },
        Some("error") => AckStatus::Error { summary },
        None if wire.aborted.is_some() => AckStatus::Stopped,
        other => AckStatus::Other(other.unwrap_or_default().to_owned()),
    };
    ChatAck { run_id: wire.run_id, status, aborted: wire.aborted }
}

#[derive(Deserialize)]
struct FoundMessage<'a> {
    #[serde(default)]
    ok: bool,
    #[serde(borrow)]
    message: Option<WireMessage<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Described {
    session: Option<DescribedSession>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribedSession {
    session_id: Option<String>,
    #[serde(default)]
    archived: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct AgentList {
    #[serde(default)]
    agents: Vec<ListedAgent>,
}

#[derive(Debug, Deserialize)]
struct ListedAgent {
    id: String,
}
