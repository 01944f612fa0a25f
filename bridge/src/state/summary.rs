//! What waits, for whoever looks from outside.

use std::path::Path;

use rusqlite::Connection;
use serde::Serialize;

use super::{StateError, schema};

/// What waits for one agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AgentSummary {
    /// Its organization.
    pub org: String,
    /// Its handle.
    pub name: String,
    /// Channels in which it has a session.
    pub sessions: i64,
    /// Things that wait to be handed over, with those that are being answered.
    pub inbox: i64,
    /// Messages that wait to be posted.
    pub outbox: i64,
    /// Messages that finally could not be posted, and events that could not be handled.
    pub failed: i64,
}

/// Something that could not be carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The agent's organization.
    pub org: String,
    /// The agent's handle.
    pub name: String,
    /// The key of the message, or the number of the event.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// All that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// By agent, in the order in which they were first configured.
    pub agents: Vec<AgentSummary>,
    /// What could not be carried.
    pub kept: Vec<Kept>,
}

impl Summary {
    /// Reads it from an open state.
    pub fn read(connection: &Connection) -> rusqlite::Result<Summary> {
        let mut statement = connection.prepare_cached(
            "SELECT org_slug, name,
                    (SELECT count(*) FROM sessions WHERE agent_id = agents.id),
                    (SELECT count(*) FROM inbox JOIN sessions ON sessions.id = session_id
                      WHERE agent_id = agents.id AND why IS NOT NULL),
                    (SELECT count(*) FROM outbox WHERE agent_id = agents.id AND failed IS NULL),
                    (SELECT count(*) FROM outbox WHERE agent_id = agents.id AND failed IS NOT NULL)
                      + (SELECT count(*) FROM set_aside WHERE agent_id = agents.id)
               FROM agents ORDER BY id",
        )?;
        let agents = statement.query_map([], |row| {
            Ok(AgentSummary {
                org: row.get(0)?,
                name: row.get(1)?,
                sessions: row.get(2)?,
                inbox: row.get(3)?,
                outbox: row.get(4)?,
                failed: row.get(5)?,
            })
        })?;
        let agents = agents.collect::<rusqlite::Result<_>>()?;
        let mut statement = connection.prepare_cached(
            "SELECT org_slug, name, 'message ' || key, failed
               FROM outbox JOIN agents ON agents.id = agent_id WHERE failed IS NOT NULL
             UNION ALL
             SELECT org_slug, name, 'event ' || event, reason FROM set_aside JOIN agents ON agents.id = agent_id",
        )?;
        let kept = statement.query_map([], |row| {
            Ok(Kept { org: row.get(0)?, name: row.get(1)?, what: row.get(2)?, reason: row.get(3)? })
        })?;
        Ok(Summary { agents, kept: kept.collect::<rusqlite::Result<_>>()? })
    }

    /// Reads it from the file beside a bridge that may be running.
    pub fn of_file(path: &Path) -> Result<Summary, StateError> {
        Ok(Summary::read(&schema::open_to_read(path)?)?)
    }
}
