//! Pins: messages that a channel keeps at hand.

use mission_control_shared::{ChannelId, EventKind, Message, MessageId, UserId};
use serde_json::json;

use super::{draft, refuse_read_only};
use crate::domain::channel::enter;
use crate::domain::policy::{Action, Authority as _};
use crate::error::{Conflict, Error, Noun, Result};
use crate::store::{TenantTx, event, message, pin};

/// Pinned messages of one channel.
const LIMIT: i64 = 50;

/// Pins a message, for everybody in its channel. Pinning it twice is pinning it once.
///
/// Errors: `CHANNEL_NOT_FOUND`, `MESSAGE_NOT_FOUND`, `CHANNEL_READ_ONLY`, `MESSAGE_DELETED`, `PIN_LIMIT`.
pub fn add(tx: &mut TenantTx<'_, '_>, channel_id: ChannelId, id: MessageId) -> Result<()> {
    let user = tx.actor().user_id.ok_or(Error::Forbidden)?;
    change(tx, channel_id, id, Some(user))
}

/// Unpins a message.
///
/// Errors: `CHANNEL_NOT_FOUND`, `MESSAGE_NOT_FOUND`, `CHANNEL_READ_ONLY`.
pub fn remove(tx: &mut TenantTx<'_, '_>, channel_id: ChannelId, id: MessageId) -> Result<()> {
    change(tx, channel_id, id, None)
}

fn change(
    tx: &mut TenantTx<'_, '_>,
    channel_id: ChannelId,
    id: MessageId,
    pinned_by: Option<UserId>,
) -> Result<()> {
    let channel = enter(tx, channel_id)?;
    let mut message = message::find(tx, channel_id, id)?.ok_or(Error::NotFound(Noun::Message))?;
    tx.require(Action::PinMessage, &channel)?;
    refuse_read_only(&channel)?;
    if pinned_by.is_some() == message.pinned_at.is_some() {
        return Ok(());
    }
    match pinned_by {
        Some(user) => {
            if message.deleted_at.is_some() {
                let text = "this message was deleted and cannot be pinned";
                return Err(Error::conflict(Conflict::MessageDeleted, text));
            }
            if pin::count(tx, channel_id)? >= LIMIT {
                let text = format!("{LIMIT} messages are pinned in this channel: unpin one first");
                return Err(Error::conflict(Conflict::PinLimit, text));
            }
            let now = tx.now();
            pin::insert(tx, channel_id, id, user, now)?;
            message.pinned_at = Some(now);
        }
        None => {
            pin::delete(tx, id)?;
            message.pinned_at = None;
        }
    }
    message.pinned_by = pinned_by;
    let payload = json!({ "pinned": pinned_by.is_some() });
    let pinned = draft(EventKind::MessagePinned, &payload, &message, channel.project_id);
    Ok(event::append(tx, pinned.addressed([message.sender.id]))?)
}

/// The pinned messages of a channel, at most 50, the last one pinned first.
///
/// Errors: `CHANNEL_NOT_FOUND`.
pub fn list(tx: &mut TenantTx<'_, '_>, channel_id: ChannelId) -> Result<Vec<Message>> {
    enter(tx, channel_id)?;
    Ok(message::pinned(tx, channel_id, LIMIT)?)
}
