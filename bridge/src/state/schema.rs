//! The tables, and how the file is opened.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{StateError, open_private};

/// The version of the tables that this build knows.
pub(super) const VERSION: i64 = 1;

const TABLES: &str = "
CREATE TABLE agents (
    id        INTEGER PRIMARY KEY,
    org_slug  TEXT NOT NULL,
    name      TEXT NOT NULL,
    epoch     INTEGER,                 -- the cursor: the last event that was taken
    seq       INTEGER,
    UNIQUE (org_slug, name)
) STRICT;

-- One for each channel that an agent had something to do in.
CREATE TABLE sessions (
    id          INTEGER PRIMARY KEY,
    agent_id    INTEGER NOT NULL REFERENCES agents (id),
    key         TEXT NOT NULL UNIQUE,  -- the Gateway's session key
    channel_id  TEXT NOT NULL,
    project_id  TEXT,
    introduced  INTEGER NOT NULL DEFAULT 0,   -- the agent has been told where it is
    stopped     INTEGER NOT NULL DEFAULT 0,   -- the loop breaker waits for a human
    left_out    INTEGER NOT NULL DEFAULT 0,   -- things to know that were too many to keep
    UNIQUE (agent_id, channel_id)
) STRICT;

-- Starts of runs since a human last spoke, for `max_runs_per_hour`.
CREATE TABLE runs (
    session_id  INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    started_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX runs_session ON runs (session_id, started_at);

CREATE TABLE inbox (
    id           INTEGER PRIMARY KEY,  -- the order of arrival
    session_id   INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    event_id     TEXT NOT NULL,
    why          TEXT,                 -- what it wakes the agent for; NULL = something to know
    item         TEXT NOT NULL,        -- JSON
    delivery_id  TEXT,                 -- what carries it
    UNIQUE (session_id, event_id)
) STRICT;

-- What the Gateway has, or is about to get: one at a time in a session.
CREATE TABLE deliveries (
    id           TEXT PRIMARY KEY,     -- of the waking event and the session
    session_id   INTEGER NOT NULL UNIQUE REFERENCES sessions (id) ON DELETE CASCADE,
    inbox_id     INTEGER NOT NULL,
    text         TEXT NOT NULL,
    item         TEXT NOT NULL,        -- JSON: what woke it
    keys         TEXT NOT NULL,        -- JSON: idempotency keys, the newest last
    is_command   INTEGER NOT NULL
) STRICT;

CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY,   -- the order of sending
    agent_id    INTEGER NOT NULL REFERENCES agents (id),
    channel_id  TEXT NOT NULL,
    key         TEXT NOT NULL,         -- the server's Idempotency-Key; each author has their own
    body        TEXT NOT NULL,         -- JSON
    created_at  INTEGER NOT NULL,
    failed      TEXT,                  -- why it finally cannot be sent
    UNIQUE (agent_id, key)
) STRICT;
CREATE INDEX outbox_lane ON outbox (agent_id, channel_id, id) WHERE failed IS NULL;

-- Messages of our agents, to know a reply to one of them.
CREATE TABLE said (
    message_id  TEXT PRIMARY KEY,
    agent_id    INTEGER NOT NULL REFERENCES agents (id),
    at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX said_old ON said (agent_id, at);

-- Sessions to be put away at the Gateway.
CREATE TABLE endings (
    key  TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Events that could not be handled.
CREATE TABLE set_aside (
    id        INTEGER PRIMARY KEY,
    agent_id  INTEGER NOT NULL REFERENCES agents (id),
    event     TEXT NOT NULL,
    reason    TEXT NOT NULL,
    at        INTEGER NOT NULL
) STRICT;
";

/// Opens the file for writing, and makes what is missing.
pub(super) fn open(path: &Path) -> Result<Connection, StateError> {
    // SQLite would make it as open to others as the umask is; to the files beside it, it gives its mode.
    open_private(path).map_err(|error| StateError::NotWritable(path.to_owned(), error.to_string()))?;
    let connection = Connection::open(path).map_err(|error| not_writable(path, &error))?;
    prepare(&connection).map_err(|error| match error.sqlite_error_code() {
        Some(
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::DiskFull,
        ) => not_writable(path, &error),
        _ => StateError::Failed(error),
    })?;
    match version(&connection)? {
        0 => connection
            .execute_batch(&format!("BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT"))
            .map_err(|error| not_writable(path, &error))?,
        VERSION => {
            // Says now what would otherwise be said at the first event.
            connection
                .execute_batch("BEGIN IMMEDIATE; PRAGMA user_version = 1; COMMIT")
                .map_err(|error| not_writable(path, &error))?;
        }
        newer => return Err(StateError::Newer(path.to_owned(), newer)),
    }
    Ok(connection)
}

/// Opens the file for reading beside a running bridge.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, StateError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| not_writable(path, &error))?;
    connection.execute_batch("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON")?;
    match version(&connection)? {
        VERSION => Ok(connection),
        newer => Err(StateError::Newer(path.to_owned(), newer)),
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    // Text that has been handed over does not stay in free pages.
    connection.execute_batch(
        "PRAGMA busy_timeout = 5000;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA cache_size = -512;
         PRAGMA journal_size_limit = 1048576;",
    )
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn not_writable(path: &Path, error: &rusqlite::Error) -> StateError {
    StateError::NotWritable(path.to_owned(), error.to_string())
}
