//! Fills the database file of a stopped server by SQL: rows that the server has written itself are
//! the patterns of all further ones, so a column that is added to a table needs nothing here.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use rusqlite::{Connection, params};

use super::Size;
use crate::say;

/// One message in so many is posted in `general`, and all of those before the rest, which is posted in one
/// project's channel: a reader who is not a member of that project may see nothing in the newest nine tenths
/// of the log.
const OPEN: usize = 10;

/// Times of the new rows rise by a microsecond from here on.
struct Start {
    micros: i64,
}

impl Start {
    /// The id of new row `number` of a kind.
    fn id(&self, kind: u8, number: &str) -> String {
        format!("unhex(printf('%012x7{kind:03x}8000%012x', ({} + {number}) / 1000, {number}))", self.micros)
    }

    fn at(&self, number: &str) -> String {
        format!("{} + {number}", self.micros)
    }
}

/// Inserts a row for each number below `count`: the row that `pattern` finds, with these columns
/// replaced. `n` is the number.
fn multiply(
    database: &Connection,
    table: &str,
    pattern: &str,
    count: usize,
    columns: &[(&str, String)],
) -> Result<()> {
    let mut names = database.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = names.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    let value = |name: &String| {
        let replaced = columns.iter().find(|(column, _)| column == name);
        replaced.map_or_else(|| format!("pattern.{name}"), |(_, value)| value.clone())
    };
    let values: Vec<String> = names.iter().map(value).collect();
    let sql = format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?1)
         INSERT INTO {table} ({}) SELECT {}
           FROM numbers CROSS JOIN (SELECT * FROM {table} WHERE {pattern} LIMIT 1) AS pattern",
        names.join(", "),
        values.join(", ")
    );
    let count = i64::try_from(count)?;
    database.execute(&sql, params![count]).with_context(|| format!("fill {table}"))?;
    Ok(())
}

/// Runs `work` without the secondary indexes and triggers of `table`; making the indexes anew afterwards
/// is ten times faster.
fn without_indexes(database: &Connection, table: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut indexes = database.prepare(
        "SELECT type, name, sql FROM sqlite_schema
          WHERE (type = 'index' OR type = 'trigger') AND tbl_name = ?1 AND sql IS NOT NULL",
    )?;
    let indexes: Vec<(String, String, String)> = indexes
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (kind, name, _) in &indexes {
        database.execute_batch(&format!("DROP {kind} {name}"))?;
    }
    work()?;
    for (.., sql) in &indexes {
        database.execute_batch(sql)?;
    }
    Ok(())
}

/// Brings the seeded database to `size`.
pub(super) fn fill(file: &Path, size: Size, seeded: Size) -> Result<()> {
    let database = Connection::open(file).with_context(|| format!("open {}", file.display()))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let start = Start { micros: i64::try_from(now.as_micros())? };
    database.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;
         PRAGMA cache_size = -400000; PRAGMA temp_store = FILE; BEGIN;
         CREATE TEMP TABLE agents AS SELECT row_number() OVER (ORDER BY handle) - 1 AS i, id FROM users WHERE type = 'agent';
         CREATE TEMP TABLE places AS SELECT row_number() OVER (ORDER BY name) - 1 AS i, id, project_id FROM channels
             WHERE project_id IS NOT NULL;
         CREATE UNIQUE INDEX temp.agents_by_number ON agents (i);
         CREATE UNIQUE INDEX temp.places_by_number ON places (i);",
    )?;
    let tasks = size.tasks.saturating_sub(seeded.tasks);
    say(&format!("filling {tasks} tasks"));
    fill_tasks(&database, &start, tasks)?;
    let messages = size.messages.saturating_sub(seeded.messages);
    say(&format!("filling {messages} messages"));
    fill_messages(&database, &start, tasks, messages)?;
    say("counting");
    count(&database)?;
    database.execute_batch("COMMIT; PRAGMA journal_mode = WAL; ANALYZE sqlite_schema;")?;
    Ok(())
}

fn agent(number: &str) -> String {
    format!("(SELECT id FROM agents WHERE i = ({number}) % 10)")
}

fn fill_tasks(database: &Connection, start: &Start, tasks: usize) -> Result<()> {
    let id = start.id(1, "n");
    let digit = |power: u32| {
        format!(
            "substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', n / {} % 62 + 1, 1)",
            62_u64.pow(power)
        )
    };
    // `e` and five digits stand below everything that the server has placed.
    let position = format!("'e' || {}", (0..5).rev().map(digit).collect::<Vec<_>>().join(" || "));
    let status = "CASE WHEN n % 10 < 4 THEN 'backlog' WHEN n % 10 < 6 THEN 'in-progress'
                       WHEN n % 10 < 7 THEN 'in-review' ELSE 'complete' END";
    let columns = [
        ("id", id.clone()),
        ("title", "'Task ' || (n * 7919 % 1000003) || ' of the load'".to_owned()),
        ("title_key", "'task ' || (n * 7919 % 1000003) || ' of the load'".to_owned()),
        ("type", "CASE WHEN n % 3 = 0 THEN 'feature' ELSE 'chore' END".to_owned()),
        ("priority", "CASE n % 8 WHEN 0 THEN 'low' WHEN 1 THEN 'high' ELSE 'medium' END".to_owned()),
        ("status", status.to_owned()),
        ("position", position),
        ("created_by", agent("n / 3")),
        ("completed_at", format!("CASE WHEN n % 10 >= 7 THEN {} END", start.at("n"))),
        ("archived_at", format!("CASE WHEN n % 10 = 9 THEN {} END", start.at("n"))),
        ("created_at", start.at("n")),
        ("updated_at", start.at("n")),
        ("number", "(SELECT max(number) FROM tasks) + 1 + n".to_owned()),
    ];
    without_indexes(database, "tasks", || multiply(database, "tasks", "true", tasks, &columns))?;
    let project = "(SELECT project_id FROM places WHERE i = n % 5)".to_owned();
    without_indexes(database, "task_projects", || {
        multiply(
            database,
            "task_projects",
            "true",
            tasks,
            &[("task_id", id.clone()), ("project_id", project)],
        )
    })?;
    without_indexes(database, "task_assignees", || {
        for further in ["n", "n + 1"] {
            let columns = [("task_id", id.clone()), ("user_id", agent(further))];
            multiply(database, "task_assignees", "true", tasks, &columns)?;
        }
        Ok(())
    })
}

fn fill_messages(database: &Connection, start: &Start, tasks: usize, messages: usize) -> Result<()> {
    let id = start.id(2, "n");
    let last: i64 = database.query_row("SELECT last_seq FROM event_logs", [], |row| row.get(0))?;
    let open = messages / OPEN;
    let channel = format!(
        "CASE WHEN n < {open} THEN (SELECT id FROM channels WHERE project_id IS NULL LIMIT 1)
              ELSE (SELECT id FROM places WHERE i = 0) END"
    );
    let first = i64::try_from(tasks)? + last + 1;
    let general = "channel_id = (SELECT id FROM channels WHERE project_id IS NULL LIMIT 1)";
    without_indexes(database, "messages", || {
        let columns = [
            ("id", id.clone()),
            ("seq", format!("{first} + n")),
            ("channel_id", channel.clone()),
            ("sender_id", agent("n")),
            ("content", "'message ' || n || ' of the load: the build is green again'".to_owned()),
            ("idempotency_key", "NULL".to_owned()),
            ("request_hash", "NULL".to_owned()),
            ("created_at", start.at("n")),
            (
                "nth",
                format!(
                    "CASE WHEN n < {open} THEN (SELECT posted FROM channels WHERE project_id IS NULL LIMIT 1) + n + 1
                          ELSE n - {open} + 1 END"
                ),
            ),
            // The first agent has written everything that was seeded.
            (
                "sender_nth",
                format!(
                    "CASE WHEN n >= {open} THEN (n - {open}) / 10 + 1
                          WHEN n % 10 = 0 THEN (SELECT max(posted) FROM channel_counts) + n / 10 + 1
                          ELSE n / 10 + 1 END"
                ),
            ),
        ];
        multiply(database, "messages", general, messages, &columns)
    })?;
    let project = "(SELECT project_id FROM places WHERE i = 0)";
    let task = start.id(1, "n");
    without_indexes(database, "events", || {
        // A task's event, with the payload of another task: it is read as it is.
        let columns = [
            ("id", start.id(3, "n")),
            ("seq", format!("{} + n", last + 1)),
            ("task_id", task),
            ("actor_id", agent("n")),
            ("at", start.at("n")),
        ];
        multiply(database, "events", "type = 'task.created'", tasks, &columns)?;
        let columns = [
            ("id", start.id(4, "n")),
            ("seq", format!("{first} + n")),
            ("actor_id", agent("n")),
            ("channel_id", channel),
            ("message_id", id),
            (
                "project_ids",
                format!("CASE WHEN n < {open} THEN '[]' ELSE (SELECT json_array(lower(printf('%s-%s-%s-%s-%s',
                    substr(hex(project_id), 1, 8), substr(hex(project_id), 9, 4), substr(hex(project_id), 13, 4),
                    substr(hex(project_id), 17, 4), substr(hex(project_id), 21)))) FROM places WHERE i = 0) END"),
            ),
            ("restricted_project_id", format!("CASE WHEN n >= {open} THEN {project} END")),
            ("at", start.at("n")),
        ];
        let pattern = "type = 'message.created' AND restricted_project_id IS NULL";
        multiply(database, "events", pattern, messages, &columns)
    })?;
    database.execute(
        "INSERT OR IGNORE INTO event_projects (org_id, project_id, seq)
         SELECT org_id, restricted_project_id, seq FROM events WHERE restricted_project_id IS NOT NULL",
        [],
    )?;
    database.execute("UPDATE event_logs SET last_seq = (SELECT max(seq) FROM events)", [])?;
    Ok(())
}

/// Brings the server's counters to what is there now.
fn count(database: &Connection) -> Result<()> {
    database.execute_batch(
        "UPDATE channels SET posted = (SELECT count(*) FROM messages AS m
              WHERE m.org_id = channels.org_id AND m.channel_id = channels.id);
         UPDATE channels SET live = posted;
         INSERT OR REPLACE INTO channel_counts (org_id, channel_id, user_id, posted, own)
         SELECT org_id, channel_id, sender_id, count(*), count(*) FROM messages GROUP BY 1, 2, 3;
         INSERT OR REPLACE INTO task_counts (org_id, status, priority, type, archived, tasks)
         SELECT org_id, status, priority, type, archived_at IS NOT NULL, count(*) FROM tasks GROUP BY 1, 2, 3, 4, 5;
         INSERT OR REPLACE INTO project_task_counts (org_id, project_id, status, tasks)
         SELECT l.org_id, l.project_id, t.status, count(*)
           FROM task_projects AS l JOIN tasks AS t ON t.org_id = l.org_id AND t.id = l.task_id
          WHERE t.archived_at IS NULL GROUP BY 1, 2, 3;",
    )?;
    Ok(())
}
