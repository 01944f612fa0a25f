//! Pinned messages of channels; `store::message` reads them.

use mission_control_shared::{ChannelId, MessageId, Timestamp, UserId};

use super::{Result, TenantTx};
use crate::args;

/// How many messages of a channel are pinned.
pub fn count(tx: &mut TenantTx<'_, '_>, channel: ChannelId) -> Result<i64> {
    let count = tx.row(
        "SELECT count(*) FROM message_pins WHERE org_id = ?1 AND channel_id = ?2",
        args![channel],
        |row| row.get(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// Pins a message that is not pinned.
pub fn insert(
    tx: &mut TenantTx<'_, '_>,
    channel: ChannelId,
    message: MessageId,
    user: UserId,
    at: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO message_pins (org_id, message_id, channel_id, pinned_by, pinned_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        args![message, channel, user, at],
    )?;
    Ok(())
}

/// Unpins a message.
pub fn delete(tx: &mut TenantTx<'_, '_>, message: MessageId) -> Result<()> {
    tx.execute("DELETE FROM message_pins WHERE org_id = ?1 AND message_id = ?2", args![message])?;
    Ok(())
}
