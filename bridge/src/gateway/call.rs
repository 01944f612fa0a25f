//! What is asked of the Gateway, and what it answers.

use std::time::Duration;

use serde_json::Value;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aborted {
    /// Whether something was running.
    pub aborted: bool,
    /// What.
    pub run_ids: Vec<String>,
}

/// Why a call has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// The Gateway said no.
    #[error("the Gateway refused: {message} ({code})")]
    Refused {
        /// Its code; many things share `INVALID_REQUEST`.
        code: String,
        /// In its words.
        message: String,
        /// More of it; `null` when there is none.
        details: Value,
        /// Whether the same may work later.
        retryable: bool,
        /// When.
        retry_after: Option<Duration>,
        /// The answer that came with the refusal.
        payload: Option<Value>,
    },
    /// The connection ended first. It may have been done.
    #[error("the connection to the Gateway ended")]
    Lost,
    /// No answer came in time. It may have been done.
    #[error("the Gateway did not answer in time")]
    TimedOut,
}
