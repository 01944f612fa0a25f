//! A database of an earlier release comes through every migration with all of its rows.
//!
//! `fixtures/v0.1.0.sql` is a database that release 0.1.0 filled through its routes and its command
//! line, as SQLite dumps it: it has rows in every table.

use std::collections::BTreeMap;

use mission_control::store::newest_migration;
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::support::{Install, PASSWORD};

const FIRST_RELEASE: &str = include_str!("fixtures/v0.1.0.sql");
const REBUILD: &str = include_str!("../../migrations/sqlite/V0002__jobs.sql");

/// The rows of each table: the column names, then what they hold.
type Rows = BTreeMap<String, (Vec<String>, Vec<Vec<Value>>)>;

/// A data directory with the database of the first release.
fn first_release() -> (Install, Connection) {
    let install = Install::new();
    std::fs::create_dir(install.dir()).unwrap();
    let database = Connection::open(install.database()).unwrap();
    database.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA journal_mode = WAL;").unwrap();
    database.execute_batch(FIRST_RELEASE).unwrap();
    (install, database)
}

fn tables(database: &Connection) -> Vec<String> {
    let sql =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    database.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// The rows of `table`, in the order of all these columns.
fn rows(database: &Connection, table: &str, columns: &[String]) -> Vec<Vec<Value>> {
    let list = columns.join(", ");
    let sql = format!("SELECT {list} FROM {table} ORDER BY {list}");
    let mut statement = database.prepare(&sql).unwrap();
    let found = statement.query_map([], |row| (0..columns.len()).map(|column| row.get(column)).collect());
    found.unwrap().collect::<Result<_, _>>().unwrap()
}

fn every_row(database: &Connection) -> Rows {
    let with_columns = |table: String| {
        let columns: Vec<String> = database
            .prepare(&format!("SELECT * FROM {table}"))
            .unwrap()
            .column_names()
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        let rows = rows(database, &table, &columns);
        (table, (columns, rows))
    };
    tables(database).into_iter().filter(|table| table != "schema_history").map(with_columns).collect()
}

fn says(database: &Connection, sql: &str) -> String {
    database
        .query_row(sql, [], |row| row.get::<_, Value>(0))
        .map_or_else(|error| error.to_string(), |value| format!("{value:?}"))
}

#[tokio::test]
async fn every_row_of_the_first_release_is_there_after_the_upgrade() {
    let (install, database) = first_release();
    let before = every_row(&database);
    for (table, (_, rows)) in &before {
        assert!(!rows.is_empty(), "`{table}` has no row that could be lost");
    }
    drop(database);

    let done = install.run(&["migrate"]).succeeds().out;
    // Counters are filled with what was there.
    install.run(&["verify"]).succeeds();
    assert_eq!(done, format!("brought from version 1 to version {}\n", newest_migration()));

    let database = Connection::open(install.database()).unwrap();
    for (table, (columns, rows_before)) in &before {
        assert_eq!(&rows(&database, table, columns), rows_before, "{table}");
    }
    assert_eq!(says(&database, "PRAGMA integrity_check"), "Text(\"ok\")");
    assert_eq!(says(&database, "PRAGMA foreign_key_check"), "Query returned no rows");

    // The tables are those of a new database, to the letter.
    let fresh = Install::new();
    fresh.run(&["migrate"]).succeeds();
    let schema = |database: &Connection| {
        let columns = ["type", "name", "tbl_name", "sql"].map(str::to_owned);
        rows(database, "sqlite_schema", &columns)
    };
    assert_eq!(schema(&database), schema(&Connection::open(fresh.database()).unwrap()));
    drop(database);

    // The server works with it.
    let server = install.serve();
    let login = serde_json::json!({"email": "ada@acme.example", "password": PASSWORD});
    server.anonymous().post("/api/v1/auth/login", login).await.expect_status(200);
    server.stop().await;
}

#[test]
fn closed_sets_can_grow_and_every_other_check_stands() {
    let (install, database) = first_release();
    drop(database);
    install.run(&["migrate"]).succeeds();
    let database = Connection::open(install.database()).unwrap();
    let try_out = |sql: &str| {
        database.execute_batch("SAVEPOINT try").unwrap();
        let outcome = database.execute(sql, []).map(|rows| rows > 0).map_err(|error| error.to_string());
        database.execute_batch("ROLLBACK TO try; RELEASE try").unwrap();
        outcome
    };
    for sql in [
        "UPDATE organizations SET status = 'new'",
        "UPDATE users SET type = 'new' WHERE type = 'agent'",
        "UPDATE users SET role = 'new', status = 'new'",
        "UPDATE projects SET type = 'new'",
        "UPDATE projects SET stage = 'new' WHERE ended_at IS NULL",
        "UPDATE tasks SET type = 'new', priority = 'new'",
        "UPDATE tasks SET status = 'new' WHERE id = (SELECT max(id) FROM tasks WHERE completed_at IS NULL)",
        "UPDATE task_evidence SET type = 'new'",
        "UPDATE channels SET type = 'new' WHERE project_id IS NULL",
        "UPDATE messages SET kind = 'new'",
        "UPDATE message_receipts SET state = 'new'",
        "UPDATE subscriptions SET topic_type = 'new'",
        "INSERT INTO events SELECT org_id, seq + 1000, id, type, actor_id, 'new', project_ids, task_id, channel_id,
                message_id, subject_id, addressed, restricted_project_id, admin_only, payload, at
           FROM events",
    ] {
        assert_eq!(try_out(sql), Ok(true), "{sql}");
    }
    for (sql, why) in [
        ("UPDATE organizations SET slug = 'a'", "CHECK constraint failed: length(slug)"),
        ("UPDATE organizations SET settings = '{'", "CHECK constraint failed: json_valid(settings)"),
        ("UPDATE users SET id = x'01'", "CHECK constraint failed"),
        ("UPDATE users SET identity_id = NULL WHERE type = 'human'", "CHECK constraint failed"),
        ("UPDATE tasks SET title = ''", "CHECK constraint failed: length(title)"),
        ("UPDATE tasks SET status = 'complete', completed_at = NULL", "CHECK constraint failed"),
        (
            "UPDATE tasks SET status = 'backlog', position = 'a', completed_at = NULL",
            "UNIQUE constraint failed",
        ),
        ("UPDATE tasks SET created_by = x'00'", "FOREIGN KEY constraint failed"),
        ("UPDATE task_evidence SET url = 'http://acme.example'", "CHECK constraint failed"),
        ("UPDATE messages SET content = 'back' WHERE deleted_at IS NOT NULL", "CHECK constraint failed"),
        ("UPDATE messages SET seq = 1", "UNIQUE constraint failed"),
        ("UPDATE events SET payload = '{}'", "events are immutable"),
        ("REPLACE INTO events SELECT * FROM events", "events are immutable"),
        ("DELETE FROM events", "events are immutable"),
    ] {
        let refused = try_out(sql).unwrap_err();
        assert!(refused.contains(why), "{sql}: {refused}");
    }
}

/// What a statement by statement copy of the recipe does when nobody switches foreign keys off.
#[test]
fn the_same_rebuild_with_foreign_keys_on_would_lose_rows() {
    let start = REBUILD.find("CREATE TABLE new_channels").unwrap();
    let end = REBUILD.find("RENAME TO channels;").unwrap() + "RENAME TO channels;".len();
    let lost = |foreign_keys: &str| {
        let (_install, database) = first_release();
        let before = every_row(&database);
        database.execute_batch(&format!("PRAGMA foreign_keys = {foreign_keys}; BEGIN;")).unwrap();
        database.execute_batch(&REBUILD[start..end]).unwrap();
        database.execute_batch("COMMIT").unwrap();
        let after = every_row(&database);
        before
            .into_iter()
            .filter(|(table, rows)| after[table] != *rows)
            .map(|(table, _)| table)
            .collect::<Vec<_>>()
    };
    assert_eq!(lost("OFF"), [""; 0]);
    assert_eq!(lost("ON"), ["channel_reads", "message_mentions", "message_receipts", "messages"]);
}

#[test]
fn a_reference_that_leads_nowhere_stops_the_upgrade_and_nothing_is_changed() {
    let (install, database) = first_release();
    database.execute("UPDATE messages SET channel_id = zeroblob(16) WHERE kind = 'notice'", []).unwrap();
    let (before, version) =
        (every_row(&database), says(&database, "SELECT max(version) FROM schema_history"));
    drop(database);

    let why = "of its references lead nowhere, the first from `messages` to `channels`";
    install.run(&["migrate"]).fails(65, why);

    let database = Connection::open(install.database()).unwrap();
    assert_eq!(every_row(&database), before);
    assert_eq!(says(&database, "SELECT max(version) FROM schema_history"), version);
}
