//! What has come for the agents and is not handed over yet.

use mission_control_shared::{
    ChannelId, Cursor, EventId, MessageId, ProjectId, TaskId, TaskStatus, Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::outbox::{Body, Entry};
use super::session::{AgentId, Session, SessionId};

/// Things to know that a session keeps; what is older is counted, and can be read in the channel.
const KEPT: i64 = 200;

/// Why something wakes an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
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

impl Why {
    /// Its name in the state and in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Why::Mention => "mention",
            Why::Assignment => "assignment",
            Why::TaskChange => "task_change",
            Why::Reply => "reply",
            Why::HumanAlone => "human_alone",
            Why::Command => "command",
            Why::Stop => "stop",
        }
    }

    fn from_text(text: &str) -> Option<Why> {
        const ALL: [Why; 7] = [
            Why::Mention,
            Why::Assignment,
            Why::TaskChange,
            Why::Reply,
            Why::HumanAlone,
            Why::Command,
            Why::Stop,
        ];
        ALL.into_iter().find(|why| why.as_str() == text)
    }
}

/// Where something happens, to an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
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
    pub task: Option<About>,
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
pub struct About {
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

/// What an event is to an agent, ready to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The event.
    pub event_id: EventId,
    /// Where.
    pub place: Place,
    /// What.
    pub item: Item,
    /// What it wakes the agent for, if it does.
    pub why: Option<Why>,
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

/// Takes an event: the cursor moves and what concerns the agent is kept, in one.
pub fn take(
    connection: &Connection,
    agent: AgentId,
    cursor: Cursor,
    said: Option<&Said>,
    max_hops: i64,
) -> rusqlite::Result<Taken> {
    agent.set_cursor(connection, cursor)?;
    let Some(said) = said else { return Ok(Taken::default()) };
    let mut why = said.why;
    if let (None, Some(answered)) = (why, said.answers)
        && agent.said(connection, &answered.to_string())?
    {
        why = Some(Why::Reply);
    }
    let mut taken = Taken::default();
    let known = SessionId::find(connection, agent, said.place.channel_id)?;
    if why.is_some() && said.item.by_human() {
        if let Some(session) = &known {
            session.id.go_on(connection)?;
        }
    } else if why.is_some() && is_loop(known.as_ref(), &said.item, max_hops) {
        why = None;
        taken.skipped = true;
    }
    let session = match (known, why, taken.skipped) {
        (Some(session), ..) => session,
        // Not introduced yet: the introduction will tell.
        (None, None, false) => return Ok(taken),
        (None, ..) => SessionId::open(connection, agent, &said.place)?,
    };
    if taken.skipped && !session.stopped {
        session.id.stop(connection)?;
        taken.broke = true;
        let text = format!(
            "I stop here: agents have answered each other {} times without a human in between (the limit is {max_hops}). \
             I go on when a human writes to me.",
            said.item.hops
        );
        Entry::notice(session.lane(), format!("{}:stopped", said.event_id), text, None).queue(connection)?;
    }
    insert(connection, session.id, &said.event_id.to_string(), why, &said.item)?;
    match why {
        Some(Why::Stop) => taken.stops = Some(session.id),
        Some(_) => taken.wakes = Some(session.id),
        None => forget_old(connection, session.id)?,
    }
    Ok(taken)
}

fn is_loop(session: Option<&Session>, item: &Item, max_hops: i64) -> bool {
    session.is_some_and(|session| session.stopped) || item.hops >= max_hops
}

/// Puts something behind what waits in a session.
pub(super) fn insert(
    connection: &Connection,
    session: SessionId,
    event_id: &str,
    why: Option<Why>,
    item: &Item,
) -> rusqlite::Result<()> {
    let item = serde_json::to_string(item).expect("our own types always become JSON");
    connection
        .prepare_cached(
            "INSERT INTO inbox (session_id, event_id, why, item) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![session.0, event_id, why.map(Why::as_str), item])
        .map(drop)
}

/// Of the things to know only the newest are kept.
fn forget_old(connection: &Connection, session: SessionId) -> rusqlite::Result<()> {
    let gone = connection
        .prepare_cached(
            "DELETE FROM inbox WHERE session_id = ?1 AND why IS NULL AND delivery_id IS NULL AND id <=
                (SELECT id FROM inbox WHERE session_id = ?1 AND why IS NULL AND delivery_id IS NULL
                  ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![session.0, KEPT])?;
    if gone > 0 {
        connection.execute(
            "UPDATE sessions SET left_out = left_out + ?2 WHERE id = ?1",
            params![session.0, gone as i64],
        )?;
    }
    Ok(())
}

/// Something that waits to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Its place in the order of arrival.
    pub id: i64,
    /// The event.
    pub event_id: String,
    /// What it wakes the agent for.
    pub why: Why,
    /// What was said or done.
    pub item: Item,
}

impl Queued {
    /// The oldest that waits in a session.
    pub fn next(connection: &Connection, session: SessionId) -> rusqlite::Result<Option<Queued>> {
        Self::one(connection, session, "why IS NOT NULL AND why <> 'stop' AND delivery_id IS NULL")
    }

    /// The oldest that goes past the queue.
    pub fn next_stop(connection: &Connection, session: SessionId) -> rusqlite::Result<Option<Queued>> {
        Self::one(connection, session, "why = 'stop'")
    }

    fn one(connection: &Connection, session: SessionId, filter: &str) -> rusqlite::Result<Option<Queued>> {
        let sql = format!(
            "SELECT id, event_id, why, item FROM inbox WHERE session_id = ?1 AND {filter} ORDER BY id LIMIT 1"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        statement
            .query_row([session.0], |row| {
                let why: String = row.get(2)?;
                Ok(Queued {
                    id: row.get(0)?,
                    event_id: row.get(1)?,
                    why: Why::from_text(&why).unwrap_or(Why::Mention),
                    item: item(&row.get::<_, String>(3)?)?,
                })
            })
            .optional()
    }

    /// Lets go of it; what it has led to is written in the same transaction.
    pub fn done(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute("DELETE FROM inbox WHERE id = ?1", [self.id]).map(drop)
    }
}

/// What is to be known before something is handed over, oldest first.
pub fn to_know(connection: &Connection, session: SessionId, before: i64) -> rusqlite::Result<Vec<Item>> {
    let mut statement = connection.prepare_cached(
        "SELECT item FROM inbox
          WHERE session_id = ?1 AND id < ?2 AND why IS NULL AND delivery_id IS NULL ORDER BY id",
    )?;
    let items = statement.query_map(params![session.0, before], |row| item(&row.get::<_, String>(0)?))?;
    items.collect()
}

pub(super) fn item(json: &str) -> rusqlite::Result<Item> {
    serde_json::from_str(json).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// Tells a session that one of its messages could not be posted.
pub(super) fn tell_refused(
    connection: &Connection,
    session: &Session,
    entry: &Entry,
    reason: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let Body::Message(message) = &entry.body else { return Ok(()) };
    let begin: String = message.content.chars().take(200).collect();
    let text = format!("Your message could not be posted ({reason}). It began: {begin}");
    let item = Item {
        sender: None,
        at: now,
        text,
        message_id: None,
        task: None,
        mentioned: false,
        hops: 0,
        edited: false,
    };
    insert(connection, session.id, &format!("refused:{}", entry.key), None, &item)
}
