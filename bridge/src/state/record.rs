//! What the state keeps, apart from how it is stored: agents and sessions, what came for them, the
//! deliveries made of it, and what is to be sent.
//!
//! Must not know SQL.

use mission_control_shared::{
    ChannelId, EventId, MessageId, MessageKind, NewMessage, NewReceipt, ProjectId, ReceiptState, TaskId,
    TaskStatus, Timestamp,
};
use serde::{Deserialize, Serialize};

/// The number of a configured agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AgentId(pub i64);

/// The number of a session: one agent in one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(pub i64);

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// Whose it is.
    pub agent: AgentId,
    /// The Gateway's session key.
    pub key: String,
    /// The channel that its answers go to.
    pub channel_id: ChannelId,
    /// The project whose channel it is.
    pub project_id: Option<ProjectId>,
    /// Whether the agent has had its introduction.
    pub introduced: bool,
    /// Whether the loop breaker has stopped it until a human writes.
    pub stopped: bool,
    /// Context items dropped because too many waited.
    pub left_out: i64,
}

impl Session {
    /// The outbox lane that its answers take.
    pub fn lane(&self) -> (AgentId, ChannelId) {
        (self.agent, self.channel_id)
    }
}

/// Why something wakes an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WakeReason {
    /// It is mentioned.
    Mention,
    /// A task is assigned to it.
    Assignment,
    /// Somebody else changed a task of its own.
    TaskChange,
    /// Somebody answers it.
    Reply,
    /// A human speaks where it is the only agent.
    HumanAlone,
    /// A command for it.
    Command,
    /// The command that goes past the queue.
    Stop,
}

impl WakeReason {
    /// Its name in the state and in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            WakeReason::Mention => "mention",
            WakeReason::Assignment => "assignment",
            WakeReason::TaskChange => "task_change",
            WakeReason::Reply => "reply",
            WakeReason::HumanAlone => "human_alone",
            WakeReason::Command => "command",
            WakeReason::Stop => "stop",
        }
    }

    pub(super) fn from_text(text: &str) -> Option<WakeReason> {
        const ALL: [WakeReason; 7] = [
            WakeReason::Mention,
            WakeReason::Assignment,
            WakeReason::TaskChange,
            WakeReason::Reply,
            WakeReason::HumanAlone,
            WakeReason::Command,
            WakeReason::Stop,
        ];
        ALL.into_iter().find(|why| why.as_str() == text)
    }
}

/// Which session something belongs to: its Gateway key and its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionAddress {
    /// The Gateway's session key.
    pub key: String,
    /// The channel.
    pub channel_id: ChannelId,
    /// The project whose channel it is.
    pub project_id: Option<ProjectId>,
}

/// Who did or said it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// What `@…` mentions.
    pub handle: String,
    /// Their name.
    pub name: String,
    /// A person, not an agent.
    pub human: bool,
}

/// What was said or done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Who; `None` = the server itself.
    pub sender: Option<Sender>,
    /// When.
    pub at: Timestamp,
    /// What was said, or a line that says what was done.
    pub text: String,
    /// The message; `None` when nothing was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// The task that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskReference>,
    /// Whether it mentions the agent.
    #[serde(default)]
    pub mentioned: bool,
    /// Agent messages in a row before it, by reply.
    #[serde(default)]
    pub hops: i64,
    /// Whether it says that an earlier message was edited: `text` is the new text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
}

/// A task that something is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReference {
    /// Its id.
    pub id: TaskId,
    /// Its title, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its column, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TaskStatus>,
}

impl Item {
    /// Whether a human is behind it.
    pub fn by_human(&self) -> bool {
        self.sender.as_ref().is_some_and(|sender| sender.human)
    }
}

/// What an event means to an agent, ready for the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The event.
    pub event_id: EventId,
    /// Where.
    pub address: SessionAddress,
    /// What.
    pub item: Item,
    /// What it wakes the agent for, if it does.
    pub why: Option<WakeReason>,
    /// It wakes the agent as a reply if this message is one of its own.
    pub answers: Option<MessageId>,
}

/// What has become of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The session that has something to do.
    pub wakes: Option<SessionId>,
    /// The session that is to stop what it does.
    pub stops: Option<SessionId>,
    /// The loop breaker has just stopped the session.
    pub broke: bool,
    /// It would have woken the agent, but the loop breaker waits for a human.
    pub skipped: bool,
}

/// Something that waits to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Its place in the order of arrival.
    pub id: i64,
    /// The event.
    pub event_id: String,
    /// What it wakes the agent for.
    pub why: WakeReason,
    /// What was said or done.
    pub item: Item,
}

/// The id of a delivery: that of the event that woke the agent, and of the session, for one event
/// may wake several agents, and the Gateway's idempotency keys are of all sessions together.
pub type DeliveryId = String;

/// A delivery that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Its session.
    pub session_id: SessionId,
    /// Where it stood in the order of arrival.
    pub inbox_id: i64,
    /// What the Gateway gets.
    pub text: String,
    /// What woke the agent.
    pub item: Item,
    /// Idempotency keys, the newest last; the first is the delivery's id.
    pub keys: Vec<String>,
    /// Whether the text is a command of the Gateway's.
    pub is_command: bool,
}

/// A delivery to begin.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// What woke the agent.
    pub queued: Queued,
    /// What the Gateway gets.
    pub text: String,
    /// Whether the text is a command of the Gateway's.
    pub is_command: bool,
    /// Whether the text tells the agent where it is.
    pub introduces: bool,
    /// When it begins, in microseconds.
    pub now: i64,
}

/// One message of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it says.
    pub content: String,
    /// What it is.
    pub kind: MessageKind,
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// What is posted, in order.
    pub parts: Vec<Part>,
    /// How the message that it answers stands now.
    pub receipt: ReceiptState,
    /// Why it failed.
    pub detail: Option<String>,
    /// Whether the agent has to be told again where it is.
    pub forgets: bool,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// A message to be posted.
    Message(NewMessage),
    /// How far the agent is with a message.
    Receipt(MessageId, NewReceipt),
}

/// Something to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its place in the order; 0 before it is queued.
    pub id: i64,
    /// Whose it is.
    pub agent: AgentId,
    /// Where it goes.
    pub channel_id: ChannelId,
    /// The server's `Idempotency-Key`.
    pub key: String,
    /// What it is.
    pub body: Body,
}

impl Entry {
    /// A part of an answer.
    pub fn answer(session: &Session, key: String, part: &Part, to: &Item) -> Entry {
        let body = Body::Message(NewMessage {
            content: part.content.clone(),
            kind: (part.kind != MessageKind::Text).then_some(part.kind),
            mentions: Vec::new(),
            task_id: to.task.as_ref().map(|task| task.id),
            reply_to_id: to.message_id,
            ..NewMessage::default()
        });
        Entry { id: 0, agent: session.agent, channel_id: session.channel_id, key, body }
    }

    /// A remark about the work itself.
    pub fn notice(
        (agent, channel_id): (AgentId, ChannelId),
        key: String,
        content: String,
        to: Option<MessageId>,
    ) -> Entry {
        let body = Body::Message(NewMessage {
            content,
            kind: Some(MessageKind::Notice),
            mentions: Vec::new(),
            task_id: None,
            reply_to_id: to,
            ..NewMessage::default()
        });
        Entry { id: 0, agent, channel_id, key, body }
    }

    /// How far the agent is with a message.
    pub fn receipt(
        session: &Session,
        delivery: &str,
        message: MessageId,
        state: ReceiptState,
        detail: Option<String>,
    ) -> Entry {
        let key = format!("{delivery}:receipt");
        let body = Body::Receipt(message, NewReceipt { state, detail });
        Entry { id: 0, agent: session.agent, channel_id: session.channel_id, key, body }
    }
}
