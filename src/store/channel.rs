//! Channels, and how far each member has read them.

use std::collections::HashMap;

use mission_control_shared::{
    Channel, ChannelId, ChannelPreferences, MessageId, NotifyLevel, ProjectId, Timestamp, UserId,
};

use super::row::row;
use super::{Json, Result, TenantTx};
use crate::args;
use crate::events::Scope;

/// The condition that the user of this parameter may enter channel `c`: it is org-wide, or they are
/// a member of its project. (A macro, because SQL text is static.)
macro_rules! may_enter {
    ($user:literal) => {
        concat!(
            "(c.project_id IS NULL OR EXISTS (
                SELECT 1 FROM project_members AS a
                 WHERE a.org_id = c.org_id AND a.project_id = c.project_id AND a.user_id = ",
            $user,
            "))"
        )
    };
}
pub(super) use may_enter;

row! {
    Channel in "channels" as "c", versioned,
    columns {
        always name "name",
        always topic "topic",
        once kind "type",
        once project_id "project_id",
        elsewhere last_message_at "last_message_at",
        always version "version",
        once created_at "created_at",
        always updated_at "updated_at",
    },
    joined { read_only "p.ended_at" as is_set },
    beside { unread_count, mention_count, muted, notify },
    also {},
}

/// The start of every statement that gives channels.
macro_rules! select {
    ($($rest:expr),+) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM channels AS c LEFT JOIN projects AS p ON p.org_id = c.org_id AND p.id = c.project_id ",
            $($rest),+
        )
    };
}

/// One channel, when the actor may enter it.
pub fn find(tx: &mut TenantTx<'_, '_>, id: ChannelId) -> Result<Option<Channel>> {
    let (org_id, user) = (tx.org_id(), tx.actor().user_id);
    match tx.scope() {
        Scope::Organization => tx.row(
            select!("WHERE c.org_id = ?1 AND c.id = ?2 AND ", may_enter!("?3")),
            args![id, user],
            |row| read(row, org_id),
        ),
        scope if scope.has_channel(id) => {
            tx.row(select!("WHERE c.org_id = ?1 AND c.id = ?2"), args![id], |row| read(row, org_id))
        }
        Scope::Task { .. } => Ok(None),
    }
}

/// The channel of a project.
pub fn of_project(tx: &mut TenantTx<'_, '_>, id: ProjectId) -> Result<Option<Channel>> {
    let org_id = tx.org_id();
    tx.row(select!("WHERE c.org_id = ?1 AND c.project_id = ?2"), args![id], |row| read(row, org_id))
}

/// One page of the channels that the actor may enter, by name, and how many there are in all.
pub fn page(tx: &mut TenantTx<'_, '_>, offset: i64, limit: i64) -> Result<(Vec<Channel>, i64)> {
    let user = tx.actor().user_id;
    if let Some(within) = tx.scope().channels() {
        return page_of(tx, within, offset, limit);
    }
    let total = tx.row(
        concat!("SELECT count(*) FROM channels AS c WHERE c.org_id = ?1 AND ", may_enter!("?2")),
        args![user],
        |row| row.get(0),
    )?;
    let org_id = tx.org_id();
    let channels = tx.rows(
        select!(
            "WHERE c.org_id = ?1 AND ",
            may_enter!("?2"),
            " ORDER BY c.name, c.id LIMIT ?3 + 0 OFFSET ?4"
        ),
        args![user, limit, offset],
        |row| read(row, org_id),
    )?;
    Ok((channels, total.unwrap_or(0)))
}

/// The same for an actor who is confined to these channels, all of which exist.
fn page_of(
    tx: &mut TenantTx<'_, '_>,
    within: &[ChannelId],
    offset: i64,
    limit: i64,
) -> Result<(Vec<Channel>, i64)> {
    let org_id = tx.org_id();
    let channels = tx.rows(
        select!("WHERE c.org_id = ?1 AND c.id IN uuids(?2) ORDER BY c.name, c.id LIMIT ?3 + 0 OFFSET ?4"),
        args![Json(within), limit, offset],
        |row| read(row, org_id),
    )?;
    Ok((channels, within.len() as i64))
}

/// Fills in how many live messages of others, and how many that mention the user, lie after their
/// read marker: differences of counters, whatever the channels hold.
pub fn add_counts(tx: &mut TenantTx<'_, '_>, channels: &mut [Channel], user: UserId) -> Result<()> {
    let ids: Vec<ChannelId> = channels.iter().map(|channel| channel.id).collect();
    let counts = tx.rows(
        "SELECT c.id, c.live - coalesce(k.own + k.others_read, 0), coalesce(k.mentions - k.mentions_read, 0)
           FROM channels AS c
           LEFT JOIN channel_counts AS k ON k.org_id = c.org_id AND k.channel_id = c.id AND k.user_id = ?2
          WHERE c.org_id = ?1 AND c.id IN uuids(?3)",
        args![user, Json(&ids)],
        |row| Ok((row.get::<ChannelId>(0)?, row.get::<i64>(1)?, row.get::<i64>(2)?)),
    )?;
    for channel in channels {
        let counted = counts.iter().find(|(id, ..)| *id == channel.id);
        channel.unread_count = Some(counted.map_or(0, |(_, unread, _)| *unread));
        channel.mention_count = Some(counted.map_or(0, |(.., mentions)| *mentions));
    }
    Ok(())
}

/// The channels that a user may enter, in no order.
pub fn entered_by(tx: &mut TenantTx<'_, '_>, user: UserId) -> Result<Vec<ChannelId>> {
    tx.rows(
        "SELECT c.id FROM channels AS c WHERE c.org_id = ?1 AND c.project_id IS NULL
         UNION ALL
         SELECT c.id FROM project_members AS a
           JOIN channels AS c ON c.org_id = a.org_id AND c.project_id = a.project_id
          WHERE a.org_id = ?1 AND a.user_id = ?2",
        args![user],
        |row| row.get(0),
    )
}

/// Stores a new channel.
pub fn insert(tx: &mut TenantTx<'_, '_>, channel: &Channel) -> Result<()> {
    insert_row(tx, channel, [])
}

/// Stores what changed of a channel under its next version; false when that is not the next one any
/// more, because somebody else was faster.
pub fn update(tx: &mut TenantTx<'_, '_>, channel: &Channel) -> Result<bool> {
    update_row(tx, channel)
}

/// Counts one more live message, posted by `author` and mentioning `mentioned`, and keeps its time;
/// none of this is a new version. Comes before the message is stored, which takes its number from here.
pub fn count_post(
    tx: &mut TenantTx<'_, '_>,
    id: ChannelId,
    author: UserId,
    mentioned: &[UserId],
    at: Timestamp,
) -> Result<()> {
    tx.execute(
        "UPDATE channels SET last_message_at = ?3, posted = posted + 1, live = live + 1
          WHERE org_id = ?1 AND id = ?2",
        args![id, at],
    )?;
    tx.execute(
        "INSERT INTO channel_counts (org_id, channel_id, user_id, posted, own) VALUES (?1, ?2, ?3, 1, 1)
         ON CONFLICT (org_id, channel_id, user_id) DO UPDATE
            SET posted = channel_counts.posted + 1, own = channel_counts.own + 1",
        args![id, author],
    )?;
    if !mentioned.is_empty() {
        tx.execute(
            "INSERT INTO channel_counts (org_id, channel_id, user_id, mentions)
             SELECT u.org_id, ?2, u.id, 1 FROM users AS u WHERE u.org_id = ?1 AND u.id IN uuids(?3)
             ON CONFLICT (org_id, channel_id, user_id) DO UPDATE SET mentions = channel_counts.mentions + 1",
            args![id, Json(mentioned)],
        )?;
    }
    Ok(())
}

/// Counts a live message of the channel as one that mentions these users, who were not mentioned in it.
pub fn count_mentions(
    tx: &mut TenantTx<'_, '_>,
    id: ChannelId,
    message: MessageId,
    users: &[UserId],
) -> Result<()> {
    tx.execute(
        "INSERT INTO channel_counts (org_id, channel_id, user_id, mentions, mentions_read)
         SELECT u.org_id, ?2, u.id, 1, (
                SELECT count(*) FROM messages AS m
                  JOIN channel_reads AS r ON r.org_id = m.org_id AND r.channel_id = m.channel_id
                 WHERE m.org_id = ?1 AND m.id = ?3 AND r.user_id = u.id AND r.seq >= m.seq)
           FROM users AS u WHERE u.org_id = ?1 AND u.id IN uuids(?4)
         ON CONFLICT (org_id, channel_id, user_id) DO UPDATE
            SET mentions = channel_counts.mentions + 1,
                mentions_read = channel_counts.mentions_read + excluded.mentions_read",
        args![id, message, Json(users)],
    )?;
    Ok(())
}

/// Takes a live message out of the counts of these users, who are mentioned in it.
pub fn uncount_mentions(
    tx: &mut TenantTx<'_, '_>,
    id: ChannelId,
    message: MessageId,
    users: &[UserId],
) -> Result<()> {
    tx.execute(
        "UPDATE channel_counts SET mentions = mentions - 1, mentions_read = mentions_read - (
                SELECT count(*) FROM messages AS m
                  JOIN channel_reads AS r ON r.org_id = m.org_id AND r.channel_id = m.channel_id
                 WHERE m.org_id = ?1 AND m.id = ?3 AND r.user_id = channel_counts.user_id AND r.seq >= m.seq)
          WHERE org_id = ?1 AND channel_id = ?2 AND user_id IN uuids(?4)",
        args![id, message, Json(users)],
    )?;
    Ok(())
}

/// Takes a message that is about to be erased out of every count: the channel's, its author's, and
/// those of whoever is mentioned in it or has read past it. Costs what there are readers.
pub fn uncount_post(tx: &mut TenantTx<'_, '_>, id: ChannelId, message: MessageId) -> Result<()> {
    tx.execute("UPDATE channels SET live = live - 1 WHERE org_id = ?1 AND id = ?2", args![id])?;
    tx.execute(
        "UPDATE channel_counts SET own = own - 1
          WHERE org_id = ?1 AND channel_id = ?2
            AND user_id = (SELECT m.sender_id FROM messages AS m WHERE m.org_id = ?1 AND m.id = ?3)",
        args![id, message],
    )?;
    tx.execute(
        "UPDATE channel_counts SET others_read = others_read - 1
          WHERE org_id = ?1 AND channel_id = ?2
            AND user_id IN (SELECT r.user_id FROM messages AS m
                              JOIN channel_reads AS r ON r.org_id = m.org_id AND r.channel_id = m.channel_id
                             WHERE m.org_id = ?1 AND m.id = ?3 AND r.seq >= m.seq AND r.user_id <> m.sender_id)",
        args![id, message],
    )?;
    tx.execute(
        "UPDATE channel_counts SET mentions = mentions - 1, mentions_read = mentions_read - (
                SELECT count(*) FROM messages AS m
                  JOIN channel_reads AS r ON r.org_id = m.org_id AND r.channel_id = m.channel_id
                 WHERE m.org_id = ?1 AND m.id = ?3 AND r.user_id = channel_counts.user_id AND r.seq >= m.seq)
          WHERE org_id = ?1 AND channel_id = ?2
            AND user_id IN (SELECT x.user_id FROM message_mentions AS x WHERE x.org_id = ?1 AND x.message_id = ?3)",
        args![id, message],
    )?;
    Ok(())
}

/// The agents that may enter a channel.
pub fn agents(tx: &mut TenantTx<'_, '_>, id: ChannelId) -> Result<Vec<UserId>> {
    tx.rows(
        concat!(
            "SELECT u.id FROM channels AS c JOIN users AS u ON u.org_id = c.org_id
              WHERE c.org_id = ?1 AND c.id = ?2 AND u.type = 'agent' AND u.status = 'active' AND ",
            may_enter!("u.id"),
            " ORDER BY u.id"
        ),
        args![id],
        |row| row.get(0),
    )
}

/// Fills in how `user` wants to hear of these channels, with one statement for all of them.
pub fn add_preferences(tx: &mut TenantTx<'_, '_>, channels: &mut [Channel], user: UserId) -> Result<()> {
    let ids: Vec<ChannelId> = channels.iter().map(|channel| channel.id).collect();
    let stored = tx.rows(
        "SELECT channel_id, muted, notify FROM channel_preferences
          WHERE org_id = ?1 AND user_id = ?2 AND channel_id IN uuids(?3)",
        args![user, Json(&ids)],
        |row| {
            let preferences = ChannelPreferences { muted: row.get(1)?, notify: row.get(2)? };
            Ok((row.get::<ChannelId>(0)?, preferences))
        },
    )?;
    let stored: HashMap<ChannelId, ChannelPreferences> = stored.into_iter().collect();
    for channel in channels {
        let preferences = stored.get(&channel.id);
        channel.muted = Some(preferences.is_some_and(|preferences| preferences.muted));
        channel.notify = Some(preferences.map_or(NotifyLevel::All, |preferences| preferences.notify));
    }
    Ok(())
}

/// Stores how a user wants to hear of a channel.
pub fn put_preferences(
    tx: &mut TenantTx<'_, '_>,
    id: ChannelId,
    user: UserId,
    preferences: &ChannelPreferences,
) -> Result<()> {
    tx.execute(
        "INSERT INTO channel_preferences (org_id, user_id, channel_id, muted, notify) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (org_id, user_id, channel_id) DO UPDATE
            SET muted = excluded.muted, notify = excluded.notify",
        args![user, id, preferences.muted, preferences.notify],
    )?;
    Ok(())
}

/// Moves a read marker forward to the message that has this number, and counts what lies before it
/// as read; false when it stood there already, or further on.
pub fn mark_read(
    tx: &mut TenantTx<'_, '_>,
    id: ChannelId,
    user: UserId,
    message: MessageId,
    seq: i64,
) -> Result<bool> {
    let moved = tx.execute(
        "INSERT INTO channel_reads (org_id, channel_id, user_id, message_id, seq) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (org_id, channel_id, user_id) DO UPDATE
            SET message_id = excluded.message_id, seq = excluded.seq
          WHERE channel_reads.seq < excluded.seq",
        args![id, user, message, seq],
    )?;
    if moved == 0 {
        return Ok(false);
    }
    // Nobody posts or deletes here meanwhile: on PostgreSQL both wait for this row.
    tx.execute("UPDATE channels SET live = live WHERE org_id = ?1 AND id = ?2", args![id])?;
    // What is unread then: the messages after the marker, less the reader's own and the deleted ones
    // of others. Only the last, which are few, are counted one by one.
    tx.execute(
        "INSERT INTO channel_counts (org_id, channel_id, user_id, others_read, mentions_read)
         SELECT c.org_id, c.id, ?3,
                c.live - coalesce(k.own, 0) - (
                    c.posted - m.nth
                    - coalesce(k.posted, 0)
                    + coalesce((SELECT o.sender_nth FROM messages AS o
                                 WHERE o.org_id = ?1 AND o.channel_id = ?2 AND o.sender_id = ?3 AND o.seq <= ?4
                                 ORDER BY o.seq DESC LIMIT 1), 0)
                    - (SELECT count(*) FROM messages AS d
                        WHERE d.org_id = ?1 AND d.channel_id = ?2 AND d.seq > ?4 AND d.sender_id <> ?3
                          AND d.deleted_at IS NOT NULL)),
                coalesce(k.mentions, 0) - (
                    SELECT count(*) FROM message_mentions AS x
                     WHERE x.org_id = ?1 AND x.user_id = ?3 AND x.channel_id = ?2 AND x.seq > ?4)
           FROM channels AS c
           JOIN messages AS m ON m.org_id = c.org_id AND m.channel_id = c.id AND m.seq = ?4
           LEFT JOIN channel_counts AS k ON k.org_id = c.org_id AND k.channel_id = c.id AND k.user_id = ?3
          WHERE c.org_id = ?1 AND c.id = ?2
         ON CONFLICT (org_id, channel_id, user_id) DO UPDATE
            SET others_read = excluded.others_read, mentions_read = excluded.mentions_read",
        args![id, user, seq],
    )?;
    Ok(true)
}
