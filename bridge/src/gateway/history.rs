//! What stands in a session's transcript, and how the Gateway writes it down.

use serde::Deserialize;
use serde_json::value::RawValue;

/// A transcript, oldest first, and what is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingInput {
    /// Its run: the idempotency key.
    pub run_id: Option<String>,
    /// `queued`, `interrupted`, …
    #[serde(default)]
    pub state: String,
}

/// A row of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A message of the Gateway, in a row or in an event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireMessage<'a> {
    #[serde(default)]
    role: String,
    /// Of a row of tools it may be large and is of no use: read only when wanted.
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    id: Option<String>,
    idempotency_key: Option<String>,
    stop_reason: Option<String>,
    error_message: Option<String>,
    pub(super) model: Option<String>,
    provenance: Option<Provenance>,
    openclaw_abort: Option<AbortMark>,
    #[serde(rename = "__openclaw")]
    mark: Option<Mark>,
}

#[derive(Deserialize)]
struct Provenance {
    kind: Option<String>,
}

#[derive(Deserialize)]
struct AbortMark {
    #[serde(default)]
    aborted: bool,
    origin: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mark {
    id: Option<String>,
    run_id: Option<String>,
    idempotency_key: Option<String>,
    #[serde(default)]
    truncated: bool,
    provenance: Option<Provenance>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Blocks(Vec<Block>),
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type", default)]
    kind: String,
    text: Option<String>,
}

impl WireMessage<'_> {
    /// Its text; `None` when it has none.
    pub(super) fn text(&self) -> Option<String> {
        let content = self.content.and_then(|content| serde_json::from_str(content.get()).ok())?;
        let text = match content {
            Content::Text(text) => text,
            Content::Blocks(blocks) => {
                let texts = blocks.into_iter().filter(|block| block.kind == "text");
                texts.filter_map(|block| block.text).collect::<Vec<_>>().join("\n\n")
            }
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// It as a row; `id` when the event around it says so.
    pub(super) fn into_row(self, id: Option<String>) -> Row {
        let role = match &*self.role {
            "user" => RowRole::User,
            "assistant" => RowRole::Assistant,
            _ => RowRole::Other,
        };
        let text = if role == RowRole::Other { None } else { self.text() }.unwrap_or_default();
        let failed = if role == RowRole::Assistant { self.failure(&text) } else { None };
        let mark = self.mark.unwrap_or_default();
        let internal = |provenance: &Option<Provenance>| {
            provenance.as_ref().and_then(|it| it.kind.as_deref()) == Some("internal_system")
        };
        Row {
            id: mark.id.or(id).or(self.id).unwrap_or_default(),
            role,
            text,
            truncated: mark.truncated,
            internal: internal(&self.provenance) || internal(&mark.provenance),
            idempotency_key: self.idempotency_key.or(mark.idempotency_key),
            run_id: mark.run_id,
            stop_reason: self.stop_reason,
            failed,
            model: self.model,
        }
    }

    /// The marks that a failed run leaves on its row.
    fn failure(&self, text: &str) -> Option<RowFailure> {
        if let Some(mark) = self.openclaw_abort.as_ref().filter(|mark| mark.aborted) {
            return Some(RowFailure::Aborted { origin: mark.origin.clone().unwrap_or_default() });
        }
        let reason = || self.error_message.clone().unwrap_or_else(|| text.to_owned());
        let key = self.idempotency_key.as_deref().unwrap_or_default();
        match self.stop_reason.as_deref() {
            Some("aborted") => Some(RowFailure::Timeout(reason())),
            Some("error") => Some(RowFailure::Error(reason())),
            _ if key.ends_with(":terminal-error") => Some(RowFailure::Error(reason())),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireHistory<'a> {
    #[serde(borrow, default)]
    messages: Vec<WireMessage<'a>>,
    pending_inputs: Option<WirePending>,
    in_flight_run: Option<WireRun>,
    session_id: Option<String>,
    session_info: Option<WireSession>,
    #[serde(default)]
    has_more: bool,
}

#[derive(Deserialize)]
struct WirePending {
    #[serde(default)]
    items: Vec<PendingInput>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRun {
    run_id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSession {
    status: Option<String>,
    #[serde(default)]
    has_active_run: bool,
}

/// Reads the answer of `chat.history`.
pub(super) fn read(payload: &RawValue) -> Result<History, serde_json::Error> {
    let wire: WireHistory<'_> = serde_json::from_str(payload.get())?;
    let session = wire.session_info.unwrap_or_default();
    Ok(History {
        rows: wire.messages.into_iter().map(|message| message.into_row(None)).collect(),
        pending: wire.pending_inputs.map(|pending| pending.items).unwrap_or_default(),
        has_active_run: session.has_active_run,
        in_flight_run: wire.in_flight_run.and_then(|run| run.run_id),
        status: session.status,
        session_id: wire.session_id,
        has_more: wire.has_more,
    })
}
