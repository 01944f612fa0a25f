//! What is to be posted: in order within a channel, each under a key that the server keeps for ever.

use mission_control_shared::ChannelId;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::record::{AgentId, Entry};
use super::session::id;

impl Entry {
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
