//! Messages, whom they mention, and how far the agents are with them.

use std::collections::HashMap;

use mission_control_shared::{
    ChannelId, Message, MessageId, ProjectId, Reaction, Receipt, ReceiptState, Sender, TaskId, Timestamp,
    UserId, UserType,
};

use super::channel::may_enter;
use super::event::Direction;
use super::row::row;
use super::{Actor, Filter, Json, Result, Row, TenantTx, ToValue as _, Value};
use crate::args;
use crate::events::Scope;

row! {
    Message in "messages" as "m",
    columns {
        once channel_id "channel_id",
        once kind "kind",
        once content "content",
        once task_id "task_id",
        once reply_to_id "reply_to_id",
        once hops "hops",
        once created_at "created_at",
        elsewhere edited_at "edited_at",
        elsewhere deleted_at "deleted_at",
    },
    joined {
        sender "u.id, u.handle, u.display_name, u.type" as sender,
        pinned_at "n.pinned_at",
        pinned_by "n.pinned_by",
    },
    beside { mentions, receipts, reactions, files },
}

/// The start of every statement that gives messages.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM messages AS m
               JOIN users AS u ON u.org_id = m.org_id AND u.id = m.sender_id
               LEFT JOIN message_pins AS n ON n.org_id = m.org_id AND n.message_id = m.id ",
            $rest
        )
    };
}

/// What belongs to a message beside its own row.
enum Related {
    Mention(UserId),
    Receipt(Receipt),
    Reaction(Reaction),
}

/// Fills in mentions, receipts, reactions and files of all messages.
fn add_related(tx: &mut TenantTx<'_, '_>, messages: &mut [Message]) -> Result<()> {
    if messages.is_empty() {
        return Ok(());
    }
    let places: HashMap<MessageId, usize> =
        messages.iter().enumerate().map(|(place, message)| (message.id, place)).collect();
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let related = tx.rows(
        "SELECT message_id, user_id, NULL AS state, NULL AS detail, 0 AS at, NULL AS emoji, 0 AS count
           FROM message_mentions
          WHERE org_id = ?1 AND message_id IN uuids(?2)
         UNION ALL
         SELECT message_id, user_id, state, detail, at, NULL, 0 FROM message_receipts
          WHERE org_id = ?1 AND message_id IN uuids(?2)
         UNION ALL
         SELECT message_id, NULL, NULL, CAST(user_ids AS TEXT), first_at, emoji, count
           FROM message_reaction_counts
          WHERE org_id = ?1 AND message_id IN uuids(?2)
         ORDER BY 1, 5, 2, 6",
        args![Json(&ids)],
        |row| Ok((row.get::<MessageId>(0)?, related(row)?)),
    )?;
    for (id, file) in super::file::of_messages(tx, &ids)? {
        messages[places[&id]].files.push(file);
    }
    for (id, related) in related {
        let Some(message) = places.get(&id).and_then(|place| messages.get_mut(*place)) else {
            continue;
        };
        match related {
            Related::Mention(user) => message.mentions.push(user),
            Related::Receipt(receipt) => message.receipts.push(receipt),
            Related::Reaction(reaction) => message.reactions.push(reaction),
        }
    }
    Ok(())
}

fn related(row: &Row<'_>) -> Result<Related> {
    if let Some(emoji) = row.get(5)? {
        let (Json(user_ids), count) = (row.get(3)?, row.get(6)?);
        return Ok(Related::Reaction(Reaction { emoji, count, user_ids }));
    }
    let user_id = row.get(1)?;
    Ok(match row.get(2)? {
        Some(state) => Related::Receipt(Receipt { user_id, state, detail: row.get(3)?, at: row.get(4)? }),
        None => Related::Mention(user_id),
    })
}

/// These messages with everything that belongs to them, in no order.
pub fn by_ids(tx: &mut TenantTx<'_, '_>, ids: &[MessageId]) -> Result<Vec<Message>> {
    let org_id = tx.org_id();
    let mut messages =
        tx.rows(select!("WHERE m.org_id = ?1 AND m.id IN uuids(?2)"), args![Json(ids)], |row| {
            read(row, org_id)
        })?;
    add_related(tx, &mut messages)?;
    Ok(messages)
}

/// The pinned messages of a channel, the last one pinned first.
pub fn pinned(tx: &mut TenantTx<'_, '_>, channel: ChannelId, limit: i64) -> Result<Vec<Message>> {
    let org_id = tx.org_id();
    let mut messages = tx.rows(
        select!(
            "WHERE m.org_id = ?1 AND n.org_id = ?1 AND n.channel_id = ?2
             ORDER BY n.pinned_at DESC, n.message_id DESC LIMIT ?3 + 0"
        ),
        args![channel, limit],
        |row| read(row, org_id),
    )?;
    add_related(tx, &mut messages)?;
    Ok(messages)
}

/// One message of a channel.
pub fn find(tx: &mut TenantTx<'_, '_>, channel: ChannelId, id: MessageId) -> Result<Option<Message>> {
    Ok(by_ids(tx, &[id])?.pop().filter(|message| message.channel_id == channel))
}

/// Which messages a list is made of.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    /// Those of a channel.
    Channel(ChannelId),
    /// Those about a task, in the channels that the actor may enter.
    Task(TaskId),
}

impl Of {
    fn narrow<'a>(&'a self, filter: &mut Filter<'a>, actor: &'a Actor) {
        match self {
            Of::Channel(id) => filter.and("m.channel_id = ?#", id.value()),
            Of::Task(id) => filter.and("m.task_id = ?#", id.value()),
        }
        match (self, actor.scope.channels()) {
            // Whoever lists a channel has entered it.
            (Of::Channel(_), None) => {}
            (Of::Task(_), None) => filter.and(
                concat!(
                    "m.channel_id IN (SELECT c.id FROM channels AS c WHERE c.org_id = ?1 AND ",
                    may_enter!("?#"),
                    ")"
                ),
                actor.user_id.value(),
            ),
            (_, Some(within)) => {
                let within = serde_json::to_string(within).expect("ids always become JSON");
                filter.and("m.channel_id IN uuids(?#)", Value::Owned(within));
            }
        }
    }
}

/// The number of a message, when it is one of those.
pub fn seq(tx: &mut TenantTx<'_, '_>, of: &Of, id: MessageId) -> Result<Option<i64>> {
    let mut filter = Filter::default();
    filter.and("m.id = ?#", id.value());
    of.narrow(&mut filter, tx.actor());
    let sql = format!("SELECT m.seq FROM messages AS m WHERE m.org_id = ?1{}", filter.text());
    tx.row(&sql, filter.args(), |row| row.get(0))
}

/// Up to `limit` of those messages in the direction's order.
pub fn page(tx: &mut TenantTx<'_, '_>, of: &Of, direction: Direction, limit: i64) -> Result<Vec<Message>> {
    let mut filter = Filter::default();
    of.narrow(&mut filter, tx.actor());
    let order = match &direction {
        Direction::Before(seq) => {
            filter.and("m.seq < ?#", seq.value());
            "DESC"
        }
        Direction::After(seq) => {
            filter.and("m.seq > ?#", seq.value());
            "ASC"
        }
    };
    let limit = filter.push(Value::Int(limit));
    let sql = format!(
        "{}{} ORDER BY m.seq {order} LIMIT ?{limit} + 0",
        select!("WHERE m.org_id = ?1"),
        filter.text()
    );
    let org_id = tx.org_id();
    let mut messages = tx.rows(&sql, filter.args(), |row| read(row, org_id))?;
    add_related(tx, &mut messages)?;
    Ok(messages)
}

/// The message that this author posted under this key, with the hash of what was sent.
pub fn by_key(tx: &mut TenantTx<'_, '_>, author: UserId, key: &str) -> Result<Option<(MessageId, [u8; 32])>> {
    tx.row(
        "SELECT id, request_hash FROM messages
          WHERE org_id = ?1 AND sender_id = ?2 AND idempotency_key = ?3",
        args![author, key],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// What has to be known before a message can be posted.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The project whose channel it is.
    pub project_id: Option<ProjectId>,
    /// Whether that project has ended.
    pub ended: bool,
    /// Who posts.
    pub sender: Sender,
    /// Whether the task is there.
    pub has_task: bool,
    /// Author and hops of the message that is answered, when it is there.
    pub answered: Option<(UserId, i64)>,
}

/// The statement of [`setting`], with a further condition.
macro_rules! select_setting {
    ($($condition:expr),*) => {
        concat!(
            "SELECT c.project_id, p.ended_at, u.id, u.handle, u.display_name, u.type, t.id, r.sender_id, r.hops
               FROM channels AS c
               JOIN users AS u ON u.org_id = c.org_id AND u.id = ?3
               LEFT JOIN projects AS p ON p.org_id = c.org_id AND p.id = c.project_id
               LEFT JOIN tasks AS t ON t.org_id = c.org_id AND t.id = ?4
               LEFT JOIN messages AS r ON r.org_id = c.org_id AND r.channel_id = c.id AND r.id = ?5
              WHERE c.org_id = ?1 AND c.id = ?2"
            $(, $condition)*
        )
    };
}

/// Looks at channel, author, task and answered message at once; `None` when the author may not
/// enter the channel. A post is the hot path: one statement instead of four.
pub fn setting(
    tx: &mut TenantTx<'_, '_>,
    channel: ChannelId,
    author: UserId,
    task: Option<TaskId>,
    reply_to: Option<MessageId>,
) -> Result<Option<Setting>> {
    let scope = tx.scope();
    if !scope.has_channel(channel) {
        return Ok(None);
    }
    let sql = match scope {
        Scope::Organization => select_setting!(" AND ", may_enter!("?3")),
        Scope::Task { .. } => select_setting!(),
    };
    tx.row(sql, args![channel, author, task, reply_to], |row| {
        Ok(Setting {
            project_id: row.get(0)?,
            ended: row.get::<Option<Timestamp>>(1)?.is_some(),
            sender: Sender {
                id: row.get(2)?,
                handle: row.get(3)?,
                display_name: row.get(4)?,
                kind: row.get(5)?,
            },
            has_task: row.get::<Option<TaskId>>(6)?.is_some_and(|task| scope.has_task(task)),
            answered: row.get::<Option<UserId>>(7)?.zip(row.get(8)?),
        })
    })
}

/// Stores a new message under its number, with the key and hash that it was sent with. Its channel
/// has counted it already: see [`super::channel::count_post`].
pub fn insert(
    tx: &mut TenantTx<'_, '_>,
    message: &Message,
    seq: i64,
    key: Option<(&str, &[u8; 32])>,
) -> Result<()> {
    let (key, hash) = key.unzip();
    tx.execute(
        "INSERT INTO messages (org_id, id, seq, channel_id, sender_id, kind, content, task_id, reply_to_id, hops,
                idempotency_key, request_hash, created_at, nth, sender_nth)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
                (SELECT c.posted FROM channels AS c WHERE c.org_id = ?1 AND c.id = ?4),
                (SELECT k.posted FROM channel_counts AS k
                  WHERE k.org_id = ?1 AND k.channel_id = ?4 AND k.user_id = ?5))",
        args![
            message.id,
            seq,
            message.channel_id,
            message.sender.id,
            message.kind,
            message.content,
            message.task_id,
            message.reply_to_id,
            message.hops,
            key,
            hash,
            message.created_at
        ],
    )?;
    Ok(())
}

/// Somebody who is mentioned.
#[derive(Clone, Debug)]
pub struct Mentioned {
    /// Who.
    pub id: UserId,
    /// What `@…` mentions.
    pub handle: String,
    /// A person or an agent.
    pub kind: UserType,
    /// Whether they may enter the channel.
    pub enters: bool,
}

/// Columns and tables of the statements that look for those who are mentioned.
macro_rules! select_mentioned {
    ($condition:literal) => {
        concat!(
            "SELECT u.id, u.handle, u.type, ",
            may_enter!("u.id"),
            " FROM channels AS c JOIN users AS u ON u.org_id = c.org_id
              WHERE c.org_id = ?1 AND c.id = ?2 AND u.status = 'active' AND ",
            $condition
        )
    };
}

fn mentioned(row: &Row<'_>) -> Result<Mentioned> {
    Ok(Mentioned { id: row.get(0)?, handle: row.get(1)?, kind: row.get(2)?, enters: row.get(3)? })
}

/// Those whom the actor may know of: a confined one knows nobody outside its channels.
fn visible(tx: &TenantTx<'_, '_>, mut found: Vec<Mentioned>) -> Vec<Mentioned> {
    found.retain(|user| user.enters || !tx.scope().is_confined());
    found
}

/// The members that have one of these handles.
pub fn mentioned_by_handle(
    tx: &mut TenantTx<'_, '_>,
    channel: ChannelId,
    handles: &[&str],
) -> Result<Vec<Mentioned>> {
    // The index of handles leaves out removed members; it is used when the statement says so too.
    let found = tx.rows(
        select_mentioned!("u.status <> 'removed' AND u.handle IN texts(?3)"),
        args![channel, Json(handles)],
        mentioned,
    )?;
    Ok(visible(tx, found))
}

/// The members that have one of these ids.
pub fn mentioned_by_id(
    tx: &mut TenantTx<'_, '_>,
    channel: ChannelId,
    ids: &[UserId],
) -> Result<Vec<Mentioned>> {
    let found = tx.rows(select_mentioned!("u.id IN uuids(?3)"), args![channel, Json(ids)], mentioned)?;
    Ok(visible(tx, found))
}

/// Stores whom a message mentions.
pub fn insert_mentions(tx: &mut TenantTx<'_, '_>, id: MessageId, users: &[UserId]) -> Result<()> {
    tx.execute(
        "INSERT INTO message_mentions (org_id, message_id, user_id, channel_id, seq)
         SELECT m.org_id, m.id, u.id, m.channel_id, m.seq
           FROM messages AS m JOIN users AS u ON u.org_id = m.org_id
          WHERE m.org_id = ?1 AND m.id = ?2 AND u.id IN uuids(?3)",
        args![id, Json(users)],
    )?;
    Ok(())
}

/// Removes users from those whom a message mentions.
pub fn delete_mentions(tx: &mut TenantTx<'_, '_>, id: MessageId, users: &[UserId]) -> Result<()> {
    tx.execute(
        "DELETE FROM message_mentions WHERE org_id = ?1 AND message_id = ?2 AND user_id IN uuids(?3)",
        args![id, Json(users)],
    )?;
    Ok(())
}

/// Replaces the text of a message.
pub fn set_content(tx: &mut TenantTx<'_, '_>, id: MessageId, content: &str, at: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE messages SET content = ?3, edited_at = ?4 WHERE org_id = ?1 AND id = ?2",
        args![id, content, at],
    )?;
    Ok(())
}

/// Takes the text of a message away; a tombstone stays.
pub fn erase(tx: &mut TenantTx<'_, '_>, id: MessageId, at: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE messages SET content = '', deleted_at = ?3 WHERE org_id = ?1 AND id = ?2",
        args![id, at],
    )?;
    tx.execute("UPDATE message_mentions SET seq = NULL WHERE org_id = ?1 AND message_id = ?2", args![id])?;
    Ok(())
}

/// Stores a receipt where there is none, or in place of one in a state of `replaces`; false when
/// another one stands there.
pub fn put_receipt(
    tx: &mut TenantTx<'_, '_>,
    id: MessageId,
    receipt: &Receipt,
    replaces: &[ReceiptState],
) -> Result<bool> {
    tx.execute(
        "INSERT INTO message_receipts (org_id, message_id, user_id, state, detail, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (org_id, message_id, user_id) DO UPDATE
            SET state = excluded.state, detail = excluded.detail, at = excluded.at
          WHERE message_receipts.state IN texts(?7)",
        args![id, receipt.user_id, receipt.state, receipt.detail, receipt.at, Json(replaces)],
    )
    .map(|stored| stored > 0)
}
