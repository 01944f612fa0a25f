//! Reactions to messages: who reacted with which emoji, and a summary of it for each emoji.

use mission_control_shared::{MessageId, Reaction, Timestamp, UserId};

use super::{Json, Result, TenantTx};
use crate::args;

/// Adds a reaction; false when the user already reacted with this emoji.
pub fn insert(
    tx: &mut TenantTx<'_, '_>,
    message: MessageId,
    emoji: &str,
    user: UserId,
    at: Timestamp,
) -> Result<bool> {
    tx.execute(
        "INSERT INTO message_reactions (org_id, message_id, emoji, user_id, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
        args![message, emoji, user, at],
    )
    .map(|inserted| inserted > 0)
}

/// Removes a reaction; false when there is none.
pub fn delete(tx: &mut TenantTx<'_, '_>, message: MessageId, emoji: &str, user: UserId) -> Result<bool> {
    tx.execute(
        "DELETE FROM message_reactions WHERE org_id = ?1 AND message_id = ?2 AND emoji = ?3 AND user_id = ?4",
        args![message, emoji, user],
    )
    .map(|deleted| deleted > 0)
}

/// Removes every reaction to a message.
pub fn delete_all(tx: &mut TenantTx<'_, '_>, message: MessageId) -> Result<()> {
    tx.execute("DELETE FROM message_reactions WHERE org_id = ?1 AND message_id = ?2", args![message])?;
    tx.execute("DELETE FROM message_reaction_counts WHERE org_id = ?1 AND message_id = ?2", args![message])?;
    Ok(())
}

/// The first `limit` users who reacted with this emoji, the earliest first.
pub fn first_users(
    tx: &mut TenantTx<'_, '_>,
    message: MessageId,
    emoji: &str,
    limit: i64,
) -> Result<Vec<UserId>> {
    tx.rows(
        "SELECT user_id FROM message_reactions
          WHERE org_id = ?1 AND message_id = ?2 AND emoji = ?3
          ORDER BY created_at, user_id LIMIT ?4 + 0",
        args![message, emoji, limit],
        |row| row.get(0),
    )
}

/// Stores the summary of one emoji; `at` is the time of a first reaction. No count removes the row.
pub fn put_summary(
    tx: &mut TenantTx<'_, '_>,
    message: MessageId,
    reaction: &Reaction,
    at: Timestamp,
) -> Result<()> {
    if reaction.count == 0 {
        tx.execute(
            "DELETE FROM message_reaction_counts WHERE org_id = ?1 AND message_id = ?2 AND emoji = ?3",
            args![message, reaction.emoji],
        )?;
        return Ok(());
    }
    tx.execute(
        "INSERT INTO message_reaction_counts (org_id, message_id, emoji, count, user_ids, first_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (org_id, message_id, emoji) DO UPDATE
            SET count = excluded.count, user_ids = excluded.user_ids",
        args![message, reaction.emoji, reaction.count, Json(&reaction.user_ids), at],
    )?;
    Ok(())
}
