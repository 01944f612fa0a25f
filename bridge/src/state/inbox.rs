//! What has come for the agents and is not handed over yet.

use mission_control_shared::Cursor;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::record::{AgentId, Entry, Inbound, Item, Queued, Session, SessionId, Taken, WakeReason};

/// Things to know that a session keeps; what is older is counted, and can be read in the channel.
const KEPT: i64 = 200;

/// Takes an event: the cursor moves and what concerns the agent is kept, in one.
pub fn take(
    connection: &Connection,
    agent: AgentId,
    cursor: Cursor,
    inbound: Option<&Inbound>,
    max_hops: i64,
) -> rusqlite::Result<Taken> {
    agent.set_cursor(connection, cursor)?;
    let Some(inbound) = inbound else { return Ok(Taken::default()) };
    let mut why = inbound.why;
    if let (None, Some(answered)) = (why, inbound.answers)
        && agent.wrote(connection, &answered.to_string())?
    {
        why = Some(WakeReason::Reply);
    }
    let mut taken = Taken::default();
    let known = SessionId::find(connection, agent, inbound.address.channel_id)?;
    if why.is_some() && inbound.item.by_human() {
        if let Some(session) = &known {
            session.id.go_on(connection)?;
        }
    } else if why.is_some() && is_loop(known.as_ref(), &inbound.item, max_hops) {
        why = None;
        taken.skipped = true;
    }
    let session = match (known, why, taken.skipped) {
        (Some(session), ..) => session,
        // Not introduced yet: the introduction will tell.
        (None, None, false) => return Ok(taken),
        (None, ..) => SessionId::open(connection, agent, &inbound.address)?,
    };
    if taken.skipped && !session.stopped {
        session.id.stop(connection)?;
        taken.broke = true;
        let text = format!(
            "I stop here: agents have answered each other {} times without a human in between (the limit is {max_hops}). \
             I go on when a human writes to me.",
            inbound.item.hops
        );
        Entry::notice(session.lane(), format!("{}:stopped", inbound.event_id), text, None)
            .queue(connection)?;
    }
    insert(connection, session.id, &inbound.event_id.to_string(), why, &inbound.item)?;
    match why {
        Some(WakeReason::Stop) => taken.stops = Some(session.id),
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
    why: Option<WakeReason>,
    item: &Item,
) -> rusqlite::Result<()> {
    let item = serde_json::to_string(item).expect("our own types always become JSON");
    connection
        .prepare_cached(
            "INSERT INTO inbox (session_id, event_id, why, item) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![session.0, event_id, why.map(WakeReason::as_str), item])
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
                    why: WakeReason::from_text(&why).unwrap_or(WakeReason::Mention),
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
