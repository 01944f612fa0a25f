//! Holds what is stored against itself: counters against counts, the log's numbers, references, pages.
//!
//! Reads beside a running server and writes nothing. Each check is one statement, so it sees one state
//! of the rows however long the whole takes.

use anyhow::Context as _;
use mission_control_shared::OrgId;

use super::sqlite::Manager;
use super::{Actor, Clock, Place, Result, TenantTx, Tx, migrate};
use crate::args;
use crate::error::Error;

/// A counter that says something else than a count.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// The organization's slug.
    pub organization: String,
    /// What was counted.
    pub check: &'static str,
    /// Which one.
    pub of: String,
    /// What the counter says.
    pub stored: i64,
    /// How many there are.
    pub counted: i64,
}

/// What was found.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Findings {
    /// Organizations that were looked at.
    pub organizations: usize,
    /// Checks of each.
    pub checks: usize,
    /// Wrong counters and gaps in logs.
    pub differences: Vec<Difference>,
    /// Damaged pages, and rows that refer to none.
    pub damage: Vec<String>,
}

impl Findings {
    /// Whether everything is as it must be.
    pub fn are_none(&self) -> bool {
        self.differences.is_empty() && self.damage.is_empty()
    }
}

/// A check gives stored and counted numbers under one name each; the sums of a name must be the same.
macro_rules! check {
    ($name:literal, $($part:expr),+) => {
        ($name, concat!(
            "SELECT k.name, CAST(sum(k.stored) AS BIGINT), CAST(sum(k.counted) AS BIGINT) FROM (",
            $($part,)+
            ") AS k GROUP BY k.name HAVING sum(k.stored) <> sum(k.counted) ORDER BY k.name LIMIT 100"
        ))
    };
}

/// Of every member's counters in a channel: a stored column beside a count.
macro_rules! channel_check {
    ($name:literal, $stored:literal, $counted:literal) => {
        check!(
            $name,
            "SELECT c.name || ' ' || u.handle AS name, k.",
            $stored,
            " AS stored, (SELECT count(*) ",
            $counted,
            ") AS counted
               FROM channel_counts AS k
               JOIN channels AS c ON c.org_id = k.org_id AND c.id = k.channel_id
               JOIN users AS u ON u.org_id = k.org_id AND u.id = k.user_id
               LEFT JOIN channel_reads AS r
                 ON r.org_id = k.org_id AND r.channel_id = k.channel_id AND r.user_id = k.user_id
              WHERE k.org_id = ?1"
        )
    };
}

const CHECKS: &[(&str, &str)] = &[
    check!(
        "event numbers",
        "SELECT 'log' AS name, l.last_seq - l.first_seq + 1 AS stored,
                (SELECT count(*) FROM events AS e
                  WHERE e.org_id = ?1 AND e.seq BETWEEN l.first_seq AND l.last_seq) AS counted
           FROM event_logs AS l WHERE l.org_id = ?1"
    ),
    check!(
        "tasks",
        "SELECT status || ' ' || priority || ' ' || type || CASE archived WHEN 0 THEN '' ELSE ' archived' END AS name,
                tasks AS stored, 0 AS counted
           FROM task_counts WHERE org_id = ?1
         UNION ALL
         SELECT status || ' ' || priority || ' ' || type || CASE WHEN archived_at IS NULL THEN '' ELSE ' archived' END,
                0, count(*)
           FROM tasks WHERE org_id = ?1 GROUP BY 1"
    ),
    check!(
        "tasks of projects",
        "SELECT p.name || ' ' || c.status AS name, c.tasks AS stored, 0 AS counted
           FROM project_task_counts AS c JOIN projects AS p ON p.org_id = c.org_id AND p.id = c.project_id
          WHERE c.org_id = ?1
         UNION ALL
         SELECT p.name || ' ' || t.status, 0, count(*)
           FROM task_projects AS l
           JOIN projects AS p ON p.org_id = l.org_id AND p.id = l.project_id
           JOIN tasks AS t ON t.org_id = l.org_id AND t.id = l.task_id
          WHERE l.org_id = ?1 AND t.archived_at IS NULL GROUP BY 1"
    ),
    check!(
        "messages of channels",
        "SELECT c.name AS name, c.posted AS stored,
                (SELECT count(*) FROM messages AS m WHERE m.org_id = ?1 AND m.channel_id = c.id) AS counted
           FROM channels AS c WHERE c.org_id = ?1"
    ),
    check!(
        "live messages of channels",
        "SELECT c.name AS name, c.live AS stored,
                (SELECT count(*) FROM messages AS m
                  WHERE m.org_id = ?1 AND m.channel_id = c.id AND m.deleted_at IS NULL) AS counted
           FROM channels AS c WHERE c.org_id = ?1"
    ),
    check!(
        "numbers of messages",
        "SELECT c.name AS name, c.posted AS stored,
                (SELECT coalesce(max(m.nth), 0) FROM messages AS m
                  WHERE m.org_id = ?1 AND m.channel_id = c.id) AS counted
           FROM channels AS c WHERE c.org_id = ?1"
    ),
    channel_check!(
        "messages of senders",
        "posted",
        "FROM messages AS m WHERE m.org_id = ?1 AND m.channel_id = k.channel_id AND m.sender_id = k.user_id"
    ),
    channel_check!(
        "live messages of senders",
        "own",
        "FROM messages AS m WHERE m.org_id = ?1 AND m.channel_id = k.channel_id AND m.sender_id = k.user_id
            AND m.deleted_at IS NULL"
    ),
    channel_check!(
        "read messages",
        "others_read",
        "FROM messages AS m WHERE m.org_id = ?1 AND m.channel_id = k.channel_id AND m.sender_id <> k.user_id
            AND m.deleted_at IS NULL AND m.seq <= coalesce(r.seq, 0)"
    ),
    channel_check!(
        "mentions",
        "mentions",
        "FROM message_mentions AS x JOIN messages AS m ON m.org_id = x.org_id AND m.id = x.message_id
          WHERE x.org_id = ?1 AND m.channel_id = k.channel_id AND x.user_id = k.user_id AND m.deleted_at IS NULL"
    ),
    channel_check!(
        "read mentions",
        "mentions_read",
        "FROM message_mentions AS x JOIN messages AS m ON m.org_id = x.org_id AND m.id = x.message_id
          WHERE x.org_id = ?1 AND m.channel_id = k.channel_id AND x.user_id = k.user_id AND m.deleted_at IS NULL
            AND m.seq <= coalesce(r.seq, 0)"
    ),
];

/// Looks at everything in a database that is up to date.
pub fn verify(place: &Place) -> anyhow::Result<Findings> {
    let clock = Clock::default();
    match place {
        Place::Sqlite { file, .. } => {
            let (version, newest) = migrate::status(file)?;
            anyhow::ensure!(
                version == Some(newest),
                "the database is not up to date: run `mission-control migrate` first"
            );
            let connection = r2d2::ManageConnection::connect(&Manager::of(file))?;
            let mut findings = Findings { damage: connection.damage()?, ..Findings::default() };
            look(&mut findings, &mut |work| connection.read(&clock, work))?;
            Ok(findings)
        }
        #[cfg(feature = "postgres")]
        Place::Postgres { url } => {
            let mut session = super::postgres::session(url)?;
            let mut findings = Findings::default();
            look(&mut findings, &mut |work| super::postgres::read(&mut session, &clock, work))?;
            Ok(findings)
        }
    }
}

type Work<'w> = &'w mut dyn FnMut(&mut Tx<'_>) -> Result<(), Error>;

/// Runs every check for every organization, each in a view of the rows of its own.
fn look(findings: &mut Findings, read: &mut dyn FnMut(Work<'_>) -> Result<(), Error>) -> anyhow::Result<()> {
    let mut organizations: Vec<(OrgId, String)> = Vec::new();
    read(&mut |tx| {
        organizations =
            tx.system().rows("SELECT id, slug FROM organizations ORDER BY slug", args![], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        Ok(())
    })?;
    findings.organizations = organizations.len();
    findings.checks = CHECKS.len();
    for (org_id, slug) in organizations {
        for (name, sql) in CHECKS {
            let mut found = Vec::new();
            read(&mut |tx| {
                found = differences(&mut tx.view(org_id, &Actor::SYSTEM)?, sql)?;
                Ok(())
            })
            .with_context(|| format!("count the {name} of {slug}"))?;
            findings.differences.extend(found.into_iter().map(|(of, stored, counted)| Difference {
                organization: slug.clone(),
                check: name,
                of,
                stored,
                counted,
            }));
        }
    }
    Ok(())
}

fn differences(tx: &mut TenantTx<'_, '_>, sql: &str) -> Result<Vec<(String, i64, i64)>> {
    tx.rows(sql, args![], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}
