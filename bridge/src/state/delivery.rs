//! What the Gateway has, or is about to get: one delivery at a time in a session.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::inbox::item;
use super::record::{Delivery, End, Entry, NewDelivery, Session, SessionId};

impl Delivery {
    /// The one of a session.
    pub fn of(connection: &Connection, session: SessionId) -> rusqlite::Result<Option<Delivery>> {
        let mut statement = connection.prepare_cached(
            "SELECT id, inbox_id, text, item, keys, is_command FROM deliveries WHERE session_id = ?1",
        )?;
        statement
            .query_row([session.0], |row| {
                let keys: String = row.get(4)?;
                Ok(Delivery {
                    id: row.get(0)?,
                    session_id: session,
                    inbox_id: row.get(1)?,
                    text: row.get(2)?,
                    item: item(&row.get::<_, String>(3)?)?,
                    keys: serde_json::from_str(&keys).unwrap_or_default(),
                    is_command: row.get(5)?,
                })
            })
            .optional()
    }

    /// Begins one: what woke the agent and what it is told beside are carried by it from here on.
    pub fn begin(
        connection: &Connection,
        session: SessionId,
        new: &NewDelivery,
    ) -> rusqlite::Result<Delivery> {
        let NewDelivery { queued, text, is_command, introduces, now } = new;
        let id = format!("{}.{}", queued.event_id, session.0);
        let delivery = Delivery {
            id: id.clone(),
            session_id: session,
            inbox_id: queued.id,
            text: text.clone(),
            item: queued.item.clone(),
            keys: vec![id],
            is_command: *is_command,
        };
        connection
            .prepare_cached(
                "INSERT INTO deliveries (id, session_id, inbox_id, text, item, keys, is_command)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                delivery.id,
                session.0,
                queued.id,
                text,
                serde_json::to_string(&queued.item).expect("our own types always become JSON"),
                serde_json::to_string(&delivery.keys).expect("texts always become JSON"),
                is_command,
            ])?;
        connection
            .prepare_cached(
                "UPDATE inbox SET delivery_id = ?3
                  WHERE session_id = ?1 AND id <= ?2 AND delivery_id IS NULL
                    AND (id = ?2 OR (why IS NULL AND NOT ?4))",
            )?
            .execute(params![session.0, queued.id, delivery.id, is_command])?;
        if !is_command {
            connection
                .prepare_cached("INSERT INTO runs (session_id, started_at) VALUES (?1, ?2)")?
                .execute(params![session.0, now])?;
            connection
                .prepare_cached(
                    "UPDATE sessions SET introduced = max(introduced, ?2), left_out = 0 WHERE id = ?1",
                )?
                .execute(params![session.0, introduces])?;
        }
        Ok(delivery)
    }

    /// Gives it another idempotency key, which the Gateway has never seen.
    pub fn add_key(&self, connection: &Connection, key: &str) -> rusqlite::Result<()> {
        let mut keys = self.keys.clone();
        keys.push(key.to_owned());
        let keys = serde_json::to_string(&keys).expect("texts always become JSON");
        connection.execute("UPDATE deliveries SET keys = ?2 WHERE id = ?1", params![self.id, keys]).map(drop)
    }

    /// Ends it: its answer is in the outbox and it is gone, in one. Ending it twice, or after its
    /// session has ended, is nothing.
    pub fn end(&self, connection: &Connection, session: &Session, end: &End) -> rusqlite::Result<bool> {
        let gone = connection
            .prepare_cached("DELETE FROM deliveries WHERE id = ?1 AND session_id = ?2")?
            .execute(params![self.id, self.session_id.0])?;
        if gone == 0 {
            return Ok(false);
        }
        connection
            .prepare_cached("DELETE FROM inbox WHERE session_id = ?1 AND delivery_id = ?2")?
            .execute(params![self.session_id.0, self.id])?;
        for (number, part) in (1..).zip(&end.parts) {
            Entry::answer(session, format!("{}:{number}", self.id), part, &self.item).queue(connection)?;
        }
        if let Some(message) = self.item.message_id {
            let detail = end.detail.clone();
            Entry::receipt(session, &self.id, message, end.receipt, detail).queue(connection)?;
        }
        if end.forgets {
            connection.execute("UPDATE sessions SET introduced = 0 WHERE id = ?1", [session.id.0])?;
        }
        Ok(true)
    }
}
