//! What happens in a session, and how the Gateway says it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Row;
use super::history::WireMessage;

/// Something that happened in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// The model says something.
    Delta {
        /// The run.
        run_id: String,
        /// What is new.
        text: String,
    },
    /// A run gets on.
    Status {
        /// The run.
        run_id: String,
        /// `preparing_workspace`, `preparing_context`, `starting_model`, …
        phase: String,
    },
    /// A run has ended well.
    Final {
        /// The run.
        run_id: String,
        /// The whole text; none when the input went to another run, or there was nothing to say.
        text: Option<String>,
        /// `gateway-injected` for the answer of a command.
        model: Option<String>,
    },
    /// A run has failed.
    Failed {
        /// The run.
        run_id: String,
        /// Why.
        reason: String,
        /// `timeout`, …
        kind: Option<String>,
    },
    /// A run was aborted.
    Aborted {
        /// The run.
        run_id: String,
        /// `rpc`, `stop`, `aborted`, …
        stop_reason: Option<String>,
        /// What it had said.
        partial: Option<String>,
    },
    /// A row was written; the same may come twice.
    Row(Row),
    /// The Gateway is about to end.
    Shutdown,
}

impl SessionEvent {
    /// The run that has ended with this.
    pub fn ended_run(&self) -> Option<&str> {
        match self {
            SessionEvent::Final { run_id, .. }
            | SessionEvent::Failed { run_id, .. }
            | SessionEvent::Aborted { run_id, .. } => Some(run_id),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chat<'a> {
    session_key: String,
    #[serde(default)]
    run_id: String,
    #[serde(default)]
    state: String,
    phase: Option<String>,
    delta_text: Option<String>,
    /// In a delta it is all the text so far: not read.
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    stop_reason: Option<String>,
    error_message: Option<String>,
    error_kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    session_key: String,
    message_id: Option<String>,
    #[serde(borrow)]
    message: WireMessage<'a>,
}

/// Reads an event: for which session, and what. `None` = nothing that concerns a session here.
pub(super) fn read(
    name: &str,
    payload: &RawValue,
) -> Result<Option<(String, SessionEvent)>, serde_json::Error> {
    match name {
        "chat" => chat(serde_json::from_str(payload.get())?),
        "session.message" => {
            let written: Written<'_> = serde_json::from_str(payload.get())?;
            Ok(Some((written.session_key, SessionEvent::Row(written.message.into_row(written.message_id)))))
        }
        _ => Ok(None),
    }
}

fn chat(chat: Chat<'_>) -> Result<Option<(String, SessionEvent)>, serde_json::Error> {
    let Chat { session_key, run_id, .. } = chat;
    // A remark of somebody at the Gateway, not of a run.
    if run_id.is_empty() || run_id.starts_with("inject-") {
        return Ok(None);
    }
    let message = || -> Result<Option<WireMessage<'_>>, serde_json::Error> {
        chat.message.map(|message| serde_json::from_str(message.get())).transpose()
    };
    let event = match &*chat.state {
        "delta" => SessionEvent::Delta { run_id, text: chat.delta_text.unwrap_or_default() },
        "status" => SessionEvent::Status { run_id, phase: chat.phase.unwrap_or_default() },
        "final" => {
            let message = message()?;
            let text = message.as_ref().and_then(WireMessage::text);
            SessionEvent::Final { run_id, text, model: message.and_then(|message| message.model) }
        }
        "error" => SessionEvent::Failed {
            run_id,
            reason: chat.error_message.unwrap_or_else(|| "no reason given".to_owned()),
            kind: chat.error_kind,
        },
        "aborted" => SessionEvent::Aborted {
            run_id,
            stop_reason: chat.stop_reason,
            partial: message()?.and_then(|message| message.text()),
        },
        _ => return Ok(None),
    };
    Ok(Some((session_key, event)))
}
