//! Agents with their cursors, and their sessions.

use mission_control_shared::{ChannelId, Cursor, ProjectId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::record::{AgentId, Session, SessionAddress, SessionId};

const COLUMNS: &str = "id, agent_id, key, channel_id, project_id, introduced, stopped, left_out";

/// Text of a column as one of our ids.
pub(super) fn id<T: std::str::FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| rusqlite::Error::InvalidColumnType(column, text, rusqlite::types::Type::Text))
}

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    let project: Option<String> = row.get(4)?;
    Ok(Session {
        id: SessionId(row.get(0)?),
        agent: AgentId(row.get(1)?),
        key: row.get(2)?,
        channel_id: id(row, 3)?,
        project_id: project.and_then(|text| text.parse().ok()),
        introduced: row.get(5)?,
        stopped: row.get(6)?,
        left_out: row.get(7)?,
    })
}

impl AgentId {
    /// The agent of this name, made where it is new.
    pub fn of(connection: &Connection, org_slug: &str, name: &str) -> rusqlite::Result<AgentId> {
        connection.execute(
            "INSERT INTO agents (org_slug, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![org_slug, name],
        )?;
        connection.query_row(
            "SELECT id FROM agents WHERE org_slug = ?1 AND name = ?2",
            params![org_slug, name],
            |row| row.get(0).map(AgentId),
        )
    }

    /// The last event that was taken; `None` before the first.
    pub fn cursor(self, connection: &Connection) -> rusqlite::Result<Option<Cursor>> {
        let mut statement =
            connection.prepare_cached("SELECT epoch, seq FROM agents WHERE id = ?1 AND seq IS NOT NULL")?;
        statement.query_row([self.0], |row| Ok(Cursor { epoch: row.get(0)?, seq: row.get(1)? })).optional()
    }

    /// Moves it.
    pub fn set_cursor(self, connection: &Connection, cursor: Cursor) -> rusqlite::Result<()> {
        connection
            .prepare_cached("UPDATE agents SET epoch = ?2, seq = ?3 WHERE id = ?1")?
            .execute(params![self.0, cursor.epoch, cursor.seq])
            .map(drop)
    }

    /// Its sessions.
    pub fn sessions(self, connection: &Connection) -> rusqlite::Result<Vec<Session>> {
        let sql = format!("SELECT {COLUMNS} FROM sessions WHERE agent_id = ?1 ORDER BY id");
        connection.prepare_cached(&sql)?.query_map([self.0], session)?.collect()
    }

    /// Its session of a project.
    pub fn session_of(
        self,
        connection: &Connection,
        project: ProjectId,
    ) -> rusqlite::Result<Option<Session>> {
        let sql = format!("SELECT {COLUMNS} FROM sessions WHERE agent_id = ?1 AND project_id = ?2");
        connection.prepare_cached(&sql)?.query_row(params![self.0, project.to_string()], session).optional()
    }

    /// Notes a message of its own.
    pub fn note_own_message(self, connection: &Connection, message: &str, at: i64) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "INSERT INTO said (message_id, agent_id, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute(params![message, self.0, at])?;
        // A reply to what is older than 90 days wakes nobody.
        const OLD_MICROS: i64 = 90 * 24 * 3600 * 1_000_000;
        connection
            .prepare_cached("DELETE FROM said WHERE agent_id = ?1 AND at < ?2")?
            .execute(params![self.0, at - OLD_MICROS])
            .map(drop)
    }

    /// Whether a message is one of its own.
    pub fn wrote(self, connection: &Connection, message: &str) -> rusqlite::Result<bool> {
        connection
            .prepare_cached("SELECT 1 FROM said WHERE message_id = ?1 AND agent_id = ?2")?
            .exists(params![message, self.0])
    }

    /// Replaces the text of a message that waits, except that of a command, which stays as it was given.
    /// Returns whether any item was changed.
    pub fn revise(self, connection: &Connection, message: &str, text: &str) -> rusqlite::Result<bool> {
        connection
            .prepare_cached(
                "UPDATE inbox SET item = json_set(item, '$.text', ?3)
                  WHERE delivery_id IS NULL AND item ->> '$.message_id' = ?2
                    AND (why IS NULL OR why NOT IN ('command', 'stop'))
                    AND session_id IN (SELECT id FROM sessions WHERE agent_id = ?1)",
            )?
            .execute(params![self.0, message, text])
            .map(|changed| changed > 0)
    }

    /// Lets go of what waits of a message whose text is gone.
    pub fn forget(self, connection: &Connection, message: &str) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "DELETE FROM inbox
                  WHERE delivery_id IS NULL AND item ->> '$.message_id' = ?2
                    AND session_id IN (SELECT id FROM sessions WHERE agent_id = ?1)",
            )?
            .execute(params![self.0, message])
            .map(drop)
    }

    /// Keeps an event that could not be handled.
    pub fn set_aside(
        self,
        connection: &Connection,
        event: &str,
        reason: &str,
        at: i64,
    ) -> rusqlite::Result<()> {
        connection
            .prepare_cached("INSERT INTO set_aside (agent_id, event, reason, at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![self.0, event, reason, at])
            .map(drop)
    }
}

impl SessionId {
    /// The session of an agent in a channel.
    pub fn find(
        connection: &Connection,
        agent: AgentId,
        channel: ChannelId,
    ) -> rusqlite::Result<Option<Session>> {
        let sql = format!("SELECT {COLUMNS} FROM sessions WHERE agent_id = ?1 AND channel_id = ?2");
        connection.prepare_cached(&sql)?.query_row(params![agent.0, channel.to_string()], session).optional()
    }

    /// The same, made where it is new. One that was being put away is not any more.
    pub fn open(
        connection: &Connection,
        agent: AgentId,
        address: &SessionAddress,
    ) -> rusqlite::Result<Session> {
        if let Some(session) = Self::find(connection, agent, address.channel_id)? {
            return Ok(session);
        }
        let project = address.project_id.map(|id| id.to_string());
        connection.execute(
            "INSERT INTO sessions (agent_id, key, channel_id, project_id) VALUES (?1, ?2, ?3, ?4)",
            params![agent.0, address.key, address.channel_id.to_string(), project],
        )?;
        connection.execute("DELETE FROM endings WHERE key = ?1", [&address.key])?;
        Self::find(connection, agent, address.channel_id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    /// As it is now; `None` once it has ended.
    pub fn read(self, connection: &Connection) -> rusqlite::Result<Option<Session>> {
        let sql = format!("SELECT {COLUMNS} FROM sessions WHERE id = ?1");
        connection.prepare_cached(&sql)?.query_row([self.0], session).optional()
    }

    /// Runs since this time.
    pub fn runs_since(self, connection: &Connection, micros: i64) -> rusqlite::Result<i64> {
        connection
            .execute("DELETE FROM runs WHERE session_id = ?1 AND started_at < ?2", params![self.0, micros])?;
        connection
            .prepare_cached("SELECT count(*) FROM runs WHERE session_id = ?1")?
            .query_row([self.0], |row| row.get(0))
    }

    /// The loop breaker waits for a human from here on.
    pub fn stop(self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute("UPDATE sessions SET stopped = 1 WHERE id = ?1", [self.0]).map(drop)
    }

    /// A human has spoken: runs count from here.
    pub fn go_on(self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached("UPDATE sessions SET stopped = 0 WHERE id = ?1 AND stopped = 1")?
            .execute([self.0])?;
        connection.prepare_cached("DELETE FROM runs WHERE session_id = ?1")?.execute([self.0]).map(drop)
    }

    /// Ends it with all that waits in it, and notes that the Gateway has to put it away.
    pub fn end(self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute(
            "INSERT INTO endings (key) SELECT key FROM sessions WHERE id = ?1 ON CONFLICT DO NOTHING",
            [self.0],
        )?;
        connection.execute("DELETE FROM sessions WHERE id = ?1", [self.0]).map(drop)
    }
}

/// Keys of the sessions that the Gateway has to put away.
pub fn endings(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached("SELECT key FROM endings ORDER BY key")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// One is put away.
pub fn ended(connection: &Connection, key: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM endings WHERE key = ?1", [key]).map(drop)
}
