//! What stands in a session's transcript.

/// A transcript, oldest first, and what is under way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Its newest rows.
    pub rows: Vec<Row>,
    /// What waits to become a row.
    pub pending: Vec<PendingInput>,
    /// Whether a run is active.
    pub has_active_run: bool,
    /// The run that is active.
    pub in_flight_run: Option<String>,
    /// `running`, `done`, …
    pub status: Option<String>,
    /// The transcript; none when there is no such session.
    pub session_id: Option<String>,
    /// Whether there are older rows than these.
    pub has_more: bool,
}

/// A message that has not become a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingInput {
    /// Its run: the idempotency key.
    pub run_id: Option<String>,
    /// `queued`, `interrupted`, …
    pub state: String,
}

/// A row of a transcript.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub role: RowRole,
    /// Its text; empty for rows of [`RowRole::Other`].
    pub text: String,
    /// Whether the text is cut: the whole is in [`super::Connection::message`].
    pub truncated: bool,
    /// `<key>:user` for the row of a message that was sent with this key.
    pub idempotency_key: Option<String>,
    /// The run that wrote it (assistant rows).
    pub run_id: Option<String>,
    /// Why it ended: `stop`, `toolUse`, `error`, …
    pub stop_reason: Option<String>,
    /// Why it is no answer, for the row that a failed run leaves.
    pub failed: Option<RowFailure>,
    /// Whether the Gateway itself wrote it.
    pub internal: bool,
    /// `gateway-injected` for the answer of a command.
    pub model: Option<String>,
}

/// Whose row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowRole {
    /// What was sent to the agent.
    User,
    /// What the agent said.
    Assistant,
    /// Tools, marks and the like.
    Other,
}

/// Why a row is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowFailure {
    /// The run failed.
    Error(String),
    /// The run was aborted.
    Aborted {
        /// By what: `rpc`, `stop`, …
        origin: String,
    },
    /// The run took too long.
    Timeout(String),
}
