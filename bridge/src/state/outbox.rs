//! What is to be posted: in order within a channel, each under a key that the server keeps for ever.

use mission_control_shared::{
    ChannelId, MessageId, MessageKind, NewMessage, NewReceipt, ReceiptState, Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use super::delivery::Part;
use super::inbox::Item;
use super::session::{AgentId, Session, id};

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

    /// Puts it behind what waits; the same key twice is once.
    pub fn queue(&self, connection: &Connection) -> rusqlite::Result<()> {
        let body = serde_json::to_string(&self.body).expect("our own types always become JSON");
        connection
            .prepare_cached(
                "INSERT INTO outbox (agent_id, channel_id, key, body, created_at)
                 VALUES (?1, ?2, ?3, ?4, unixepoch() * 1000000) ON CONFLICT DO NOTHING",
            )?
            .execute(params![self.agent.0, self.channel_id.to_string(), self.key, body])
            .map(drop)
    }

    /// The oldest that waits for a channel.
    pub fn next(
        connection: &Connection,
        agent: AgentId,
        channel: ChannelId,
    ) -> rusqlite::Result<Option<Entry>> {
        let mut statement = connection.prepare_cached(
            "SELECT id, agent_id, channel_id, key, body FROM outbox
              WHERE agent_id = ?1 AND channel_id = ?2 AND failed IS NULL ORDER BY id LIMIT 1",
        )?;
        statement.query_row(params![agent.0, channel.to_string()], entry).optional()
    }

    /// Channels for which something waits.
    pub fn lanes(connection: &Connection) -> rusqlite::Result<Vec<(AgentId, ChannelId)>> {
        let mut statement = connection
            .prepare_cached("SELECT DISTINCT agent_id, channel_id FROM outbox WHERE failed IS NULL")?;
        statement.query_map([], |row| Ok((AgentId(row.get(0)?), id(row, 1)?)))?.collect()
    }

    /// The server has it.
    pub fn done(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([self.id]).map(drop)
    }

    /// It finally cannot be sent: kept with the reason. A receipt is worth no keeping.
    pub fn fail(&self, connection: &Connection, reason: &str, now: Timestamp) -> rusqlite::Result<()> {
        if matches!(self.body, Body::Receipt(..)) {
            return self.done(connection);
        }
        connection.execute("UPDATE outbox SET failed = ?2 WHERE id = ?1", params![self.id, reason])?;
        if let Some(session) = super::SessionId::find(connection, self.agent, self.channel_id)? {
            super::inbox::tell_refused(connection, &session, self, reason, now)?;
        }
        Ok(())
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let body: String = row.get(4)?;
    let body = serde_json::from_str(&body).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(Entry {
        id: row.get(0)?,
        agent: AgentId(row.get(1)?),
        channel_id: id(row, 2)?,
        key: row.get(3)?,
        body,
    })
}
