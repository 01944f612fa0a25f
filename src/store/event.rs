//! The event log of each organization: append, read after a cursor.

mod run;

use std::collections::HashMap;

use mission_control_shared::{EventId, MessageId, OrgId, ProjectId, UserId};

use super::filter::Filter;
use super::{Json, Result, TenantTx, ToValue as _, Value, message, tx::Row};
use crate::args;
use crate::events::{Audience, Draft, Publication, Recorded};

pub use self::run::{Run, Span, merged, number_at};

/// A number in the log that this transaction holds, with the log's epoch.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The number.
    pub seq: i64,
    epoch: i64,
}

/// Takes the next number. It stays free of gaps because the row is held until the commit.
pub fn reserve(tx: &mut TenantTx<'_, '_>) -> Result<Place> {
    // (Not RETURNING: SQLite makes a temporary table for it.)
    let head = head(tx)?;
    let place = Place { seq: head.last_seq + 1, epoch: head.epoch };
    tx.execute("UPDATE event_logs SET last_seq = ?2 WHERE org_id = ?1", args![place.seq])?;
    Ok(place)
}

/// Appends an event to the log, in the transaction of the change that it records.
pub fn append(tx: &mut TenantTx<'_, '_>, draft: Draft) -> Result<()> {
    let place = reserve(tx)?;
    append_at(tx, place, draft)
}

/// The same under a number that was taken before.
pub fn append_at(tx: &mut TenantTx<'_, '_>, place: Place, draft: Draft) -> Result<()> {
    let event = Recorded {
        org_id: tx.org_id(),
        epoch: place.epoch,
        seq: place.seq,
        id: EventId(tx.new_id()),
        actor_id: tx.actor().user_id,
        actor_type: tx.actor().kind,
        at: tx.now(),
        audience: draft.audience,
        payload: draft.payload,
        message: draft.message,
    };
    let audience = &event.audience;
    tx.execute(
        "INSERT INTO events (org_id, seq, id, type, actor_id, actor_type, project_ids, task_id, channel_id,
                message_id, subject_id, addressed, restricted_project_id, admin_only, payload, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        args![
            event.seq,
            event.id,
            audience.kind,
            event.actor_id,
            event.actor_type,
            Json(&audience.projects),
            audience.task,
            audience.channel,
            event.message.as_ref().map(|message| message.id),
            audience.subject,
            Json(&audience.addressed),
            audience.restricted,
            audience.admin_only,
            event.payload,
            event.at
        ],
    )?;
    for project in &audience.projects {
        tx.execute(
            "INSERT INTO event_projects (org_id, project_id, seq) VALUES (?1, ?2, ?3)",
            args![project, event.seq],
        )?;
    }
    tx.publish(Publication::Event(Box::new(event)));
    Ok(())
}

/// Where a log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Changes when a backup is restored.
    pub epoch: i64,
    /// The oldest number that is kept.
    pub first_seq: i64,
    /// The newest number; 0 = nothing yet.
    pub last_seq: i64,
}

/// Where the log stands.
pub fn head(tx: &mut TenantTx<'_, '_>) -> Result<Head> {
    tx.row("SELECT epoch, first_seq, last_seq FROM event_logs WHERE org_id = ?1", args![], |row| {
        Ok(Head { epoch: row.get(0)?, first_seq: row.get(1)?, last_seq: row.get(2)? })
    })?
    .ok_or_else(|| super::Failure::Other(anyhow::anyhow!("the organization has no event log")))
}

/// Starts the log of a new organization.
pub fn start_log(tx: &mut TenantTx<'_, '_>) -> Result<()> {
    let epoch = tx.now().seconds();
    tx.execute("INSERT INTO event_logs (org_id, epoch) VALUES (?1, ?2)", args![epoch])?;
    Ok(())
}

/// Which way to page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Newest first, numbers below this one.
    Before(i64),
    /// Oldest first, numbers above this one.
    After(i64),
}

/// Columns of every statement that gives events, in the order that [`recorded`] reads.
const COLUMNS: &str = "e.seq, e.id, e.type, e.actor_id, e.actor_type, e.project_ids, e.task_id, e.channel_id,
    e.message_id, e.subject_id, e.addressed, e.restricted_project_id, e.admin_only, e.payload, e.at";

/// Up to `limit` events in the direction's order.
pub fn page(tx: &mut TenantTx<'_, '_>, direction: Direction, limit: i64) -> Result<Vec<Recorded>> {
    let mut filter = Filter::default();
    let order = match &direction {
        Direction::Before(seq) => {
            filter.and("e.seq < ?#", seq.value());
            "DESC"
        }
        Direction::After(seq) => {
            filter.and("e.seq > ?#", seq.value());
            "ASC"
        }
    };
    let limit = filter.push(Value::Int(limit));
    let conditions = format!("{} ORDER BY e.seq {order} LIMIT ?{limit} + 0", filter.text());
    select(tx, &conditions, filter.args(), |_| true)
}

/// The events that have these numbers and that `keep` lets through, in the order of the numbers.
pub fn by_numbers(
    tx: &mut TenantTx<'_, '_>,
    seqs: &[i64],
    keep: impl Fn(&Recorded) -> bool,
) -> Result<Vec<Recorded>> {
    let mut events = select(tx, " AND e.seq IN numbers(?2)", args![Json(seqs)], keep)?;
    events.sort_unstable_by_key(|event| event.seq);
    if seqs.first() > seqs.last() {
        events.reverse();
    }
    Ok(events)
}

fn select(
    tx: &mut TenantTx<'_, '_>,
    conditions: &str,
    args: &[Value<'_>],
    keep: impl Fn(&Recorded) -> bool,
) -> Result<Vec<Recorded>> {
    let epoch = head(tx)?.epoch;
    let sql = format!("SELECT {COLUMNS} FROM events AS e WHERE e.org_id = ?1{conditions}");
    let org_id = tx.org_id();
    let mut rows =
        tx.rows(&sql, args, |row| Ok((recorded(row, org_id, epoch)?, row.get::<Option<MessageId>>(8)?)))?;
    rows.retain(|(event, _)| keep(event));
    let ids: Vec<MessageId> = rows.iter().filter_map(|(_, message)| *message).collect();
    let mut messages = HashMap::new();
    if !ids.is_empty() {
        messages.extend(message::by_ids(tx, &ids)?.into_iter().map(|message| (message.id, message)));
    }
    let with_message = |(event, id): (Recorded, Option<MessageId>)| {
        let message = id.and_then(|id| messages.get(&id).cloned());
        Recorded { message, ..event }
    };
    Ok(rows.into_iter().map(with_message).collect())
}

fn recorded(row: &Row<'_>, org_id: OrgId, epoch: i64) -> Result<Recorded> {
    Ok(Recorded {
        org_id,
        epoch,
        seq: row.get(0)?,
        id: row.get(1)?,
        actor_id: row.get(3)?,
        actor_type: row.get(4)?,
        at: row.get(14)?,
        audience: Audience {
            kind: row.get(2)?,
            projects: row.get::<Json<Vec<ProjectId>>>(5)?.0,
            task: row.get(6)?,
            channel: row.get(7)?,
            restricted: row.get(11)?,
            admin_only: row.get(12)?,
            addressed: row.get::<Json<Vec<UserId>>>(10)?.0,
            subject: row.get(9)?,
        },
        payload: row.get(13)?,
        message: None,
    })
}
