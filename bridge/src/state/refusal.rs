//! What becomes of a message that the server refuses for good.

use mission_control_shared::Timestamp;
use rusqlite::{Connection, params};

use super::inbox::insert;
use super::record::{Body, Entry, Item, Session, SessionId};

impl Entry {
    /// It finally cannot be sent: kept with the reason. A receipt is worth no keeping.
    pub fn fail(&self, connection: &Connection, reason: &str, now: Timestamp) -> rusqlite::Result<()> {
        if matches!(self.body, Body::Receipt(..)) {
            return self.done(connection);
        }
        connection.execute("UPDATE outbox SET failed = ?2 WHERE id = ?1", params![self.id, reason])?;
        if let Some(session) = SessionId::find(connection, self.agent, self.channel_id)? {
            tell_refused(connection, &session, self, reason, now)?;
        }
        Ok(())
    }
}

/// Tells a session that one of its messages could not be posted.
fn tell_refused(
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
