//! Parts of the log that an index holds in order: what is asked for is found there, whatever else
//! the log holds.

use mission_control_shared::{ChannelId, EventKind, ProjectId, TaskId, Timestamp, UserId};

use super::Direction;
use crate::args;
use crate::store::{Filter, Result, TenantTx, ToValue as _, Value};

/// A part of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// All of it.
    All,
    /// What happened outside every channel.
    OutsideChannels,
    /// What happened in a channel.
    Channel(ChannelId),
    /// What is about a project.
    Project(ProjectId),
    /// What is about a task.
    Task(TaskId),
    /// What somebody did.
    Actor(UserId),
    /// What is of a kind.
    Kind(EventKind),
}

/// Numbers between two others, and which way they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Numbers above this one.
    pub after: i64,
    /// Numbers below this one.
    pub before: i64,
    newest_first: bool,
}

impl From<Direction> for Span {
    fn from(direction: Direction) -> Span {
        match direction {
            Direction::Before(before) => Span { after: 0, before, newest_first: true },
            Direction::After(after) => Span { after, before: i64::MAX, newest_first: false },
        }
    }
}

impl Span {
    /// What is left of it when everything up to `seq` has been read.
    #[must_use]
    pub fn beyond(self, seq: i64) -> Span {
        if self.newest_first { Span { before: seq, ..self } } else { Span { after: seq, ..self } }
    }

    /// What is left of it when nothing behind `seq` is wanted.
    fn up_to(self, seq: i64) -> Span {
        if self.newest_first { Span { after: seq - 1, ..self } } else { Span { before: seq + 1, ..self } }
    }
}

/// The first `limit` numbers of these parts together, in the span's order.
pub fn merged(tx: &mut TenantTx<'_, '_>, runs: &[Run], span: Span, limit: usize) -> Result<Vec<i64>> {
    let (mut seqs, mut left) = (Vec::new(), span);
    for run in runs {
        seqs.extend(numbers(tx, run, left, limit)?);
        seqs.sort_unstable();
        if span.newest_first {
            seqs.reverse();
        }
        seqs.dedup();
        seqs.truncate(limit);
        if let Some(last) = seqs.get(limit.saturating_sub(1)) {
            left = span.up_to(*last);
        }
    }
    Ok(seqs)
}

fn numbers(tx: &mut TenantTx<'_, '_>, run: &Run, span: Span, limit: usize) -> Result<Vec<i64>> {
    let mut filter = Filter::default();
    filter.and("e.seq > ?#", span.after.value());
    filter.and("e.seq < ?#", span.before.value());
    match run {
        Run::All => {}
        Run::OutsideChannels => filter.and_fixed("e.channel_id IS NULL"),
        Run::Channel(id) => filter.and("e.channel_id = ?#", id.value()),
        Run::Project(id) => filter.and("e.project_id = ?#", id.value()),
        Run::Task(id) => filter.and("e.task_id = ?#", id.value()),
        Run::Actor(id) => filter.and("e.actor_id = ?#", id.value()),
        Run::Kind(kind) => filter.and("e.type = ?#", kind.value()),
    }
    let table = if matches!(run, Run::Project(_)) { "event_projects" } else { "events" };
    let order = if span.newest_first { "DESC" } else { "ASC" };
    let limit = filter.push(Value::Int(i64::try_from(limit).unwrap_or(i64::MAX)));
    let sql = format!(
        "SELECT e.seq FROM {table} AS e WHERE e.org_id = ?1{} ORDER BY e.seq {order} LIMIT ?{limit} + 0",
        filter.text()
    );
    tx.rows(&sql, filter.args(), |row| row.get(0))
}

/// The first number whose event happened at `time` or later, as if times rose with numbers; the one
/// after the newest when there is none. Looks at a handful of events, however many there are.
pub fn number_at(tx: &mut TenantTx<'_, '_>, time: Timestamp) -> Result<i64> {
    let head = super::head(tx)?;
    let (mut low, mut high) = (head.first_seq, head.last_seq + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let at = tx.row(
            "SELECT at FROM events WHERE org_id = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1",
            args![middle],
            |row| row.get::<Timestamp>(0),
        )?;
        if at.is_some_and(|at| at < time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
