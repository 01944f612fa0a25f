//! An event of the log, and its JSON.

use std::borrow::Cow;
use std::io::Write;

use mission_control_shared::{
    ActorType, ChannelId, EventId, EventKind, Message, OrgId, ProjectId, TaskId, Timestamp, UserId,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::Audience;

/// An event of the log with everything that its readers need. Readers that need bytes make them
/// with [`Recorded::write_json`].
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The organization.
    pub org_id: OrgId,
    /// The log's epoch.
    pub epoch: i64,
    /// Its sequence number.
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
    /// The stored payload: a JSON object.
    pub payload: String,
    /// The message it is about, as it is now.
    pub message: Option<Message>,
}

/// The JSON form; see `mission_control_shared::Event`.
#[derive(Serialize)]
struct Json<'a> {
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

impl Recorded {
    /// Writes the event as JSON on one line, as the API sends it.
    pub fn write_json(&self, out: impl Write) {
        let payload = self.payload_with_message();
        let json = Json {
            id: self.id,
            sequence_id: self.seq,
            org_id: self.org_id,
            kind: self.audience.kind,
            actor_id: self.actor_id,
            actor_type: self.actor_type,
            project_ids: &self.audience.projects,
            task_id: self.audience.task,
            channel_id: self.audience.channel,
            payload: serde_json::from_str(&payload).expect("a payload is a JSON object"),
            timestamp: self.at,
        };
        serde_json::to_writer(out, &json).expect("our own types always become JSON");
    }

    /// The event as JSON on one line.
    pub fn json(&self) -> String {
        let mut json = Vec::with_capacity(512 + self.payload.len());
        self.write_json(&mut json);
        String::from_utf8(json).expect("JSON is UTF-8")
    }

    /// Joins the message's text to the stored payload. The text lives with the message alone, so
    /// a text that was deleted or replaced is gone from every event too.
    fn payload_with_message(&self) -> Cow<'_, str> {
        let Some(message) = &self.message else {
            return Cow::Borrowed(&self.payload);
        };
        let mut object: serde_json::Map<_, _> = serde_json::from_str(&self.payload).unwrap_or_default();
        if self.audience.kind == EventKind::CommandInvoked {
            // An edit runs no command, and the text of the one that ran is gone.
            let content = if message.edited_at.is_some() { "" } else { message.content.as_str() };
            let (name, args) = content
                .split_once(char::is_whitespace)
                .map_or((content, ""), |(name, args)| (name, args.trim()));
            let name = name.trim_start_matches('/').to_lowercase();
            object.insert("command".to_owned(), name.into());
            object.insert("args".to_owned(), args.into());
        } else {
            let message = serde_json::to_value(message).expect("a message always becomes JSON");
            object.insert("message".to_owned(), message);
        }
        Cow::Owned(serde_json::Value::Object(object).to_string())
    }
}
