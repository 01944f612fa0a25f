//! An event as bytes: made once, shared by every reader.

use bytes::Bytes;
use mission_control_shared::{
    ActorType, ChannelId, EventId, EventKind, Message, OrgId, ProjectId, TaskId, Timestamp, UserId,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::Audience;

/// An event of the log with everything that its bytes need.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The organization.
    pub org_id: OrgId,
    /// The log's epoch.
    pub epoch: i64,
    /// Its number.
    pub seq: i64,
    /// Its id.
    pub id: EventId,
    /// Who did it.
    pub actor_id: Option<UserId>,
    /// What kind of actor.
    pub actor_type: ActorType,
    /// When.
    pub at: Timestamp,
    /// Who hears of it, and what it is about.
    pub audience: Audience,
    /// As it is kept.
    pub payload: String,
    /// The message it is about, as it is now.
    pub message: Option<Message>,
}

/// An event as it is sent: one Server-Sent Event, of which `json` is a part.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its number.
    pub seq: i64,
    /// Who hears of it.
    pub audience: Audience,
    /// `id: …\ndata: …\n\n`
    pub bytes: Bytes,
    json: std::ops::Range<usize>,
}

/// The wire form; see `mission_control_shared::Event`.
#[derive(Serialize)]
struct Wire<'a> {
    id: EventId,
    sequence_id: i64,
    org_id: OrgId,
    #[serde(rename = "type")]
    kind: EventKind,
    actor_id: Option<UserId>,
    actor_type: ActorType,
    project_ids: &'a [ProjectId],
    task_id: Option<TaskId>,
    channel_id: Option<ChannelId>,
    payload: &'a RawValue,
    timestamp: Timestamp,
}

impl Frame {
    /// The JSON of the event, on one line.
    pub fn json(&self) -> Bytes {
        self.bytes.slice(self.json.clone())
    }
}

impl From<Recorded> for Frame {
    fn from(event: Recorded) -> Frame {
        let payload = with_message(event.audience.kind, event.payload, event.message.as_ref());
        let payload = RawValue::from_string(payload).expect("a payload is a JSON object");
        let mut bytes = format!("id: {}.{}\ndata: ", event.epoch, event.seq).into_bytes();
        let start = bytes.len();
        let wire = Wire {
            id: event.id,
            sequence_id: event.seq,
            org_id: event.org_id,
            kind: event.audience.kind,
            actor_id: event.actor_id,
            actor_type: event.actor_type,
            project_ids: &event.audience.projects,
            task_id: event.audience.task,
            channel_id: event.audience.channel,
            payload: &payload,
            timestamp: event.at,
        };
        serde_json::to_writer(&mut bytes, &wire).expect("our own types always become JSON");
        let json = start..bytes.len();
        bytes.extend_from_slice(b"\n\n");
        Frame { seq: event.seq, audience: event.audience, bytes: bytes.into(), json }
    }
}

/// Joins a message's text to what the log keeps: the text lives with the message alone, so a
/// deleted one is gone from every event too.
fn with_message(kind: EventKind, payload: String, message: Option<&Message>) -> String {
    let Some(message) = message else {
        return payload;
    };
    let mut object: serde_json::Map<_, _> = serde_json::from_str(&payload).unwrap_or_default();
    if kind == EventKind::CommandInvoked {
        let said = message.content.split_once(char::is_whitespace);
        let (name, args) = said.map_or((message.content.as_str(), ""), |(name, args)| (name, args.trim()));
        let name = name.trim_start_matches('/').to_lowercase();
        object.insert("command".to_owned(), name.into());
        object.insert("args".to_owned(), args.into());
    } else {
        let message = serde_json::to_value(message).expect("a message always becomes JSON");
        object.insert("message".to_owned(), message);
    }
    serde_json::Value::Object(object).to_string()
}
