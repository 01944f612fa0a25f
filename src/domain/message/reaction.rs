//! Reactions: each member can react once to a message with each emoji.

use mission_control_shared::{
    ChannelId, EventKind, MessageId, MessageReference, Reaction, ReactionChange, ReactionPayload,
};

use super::{emoji, refuse_read_only};
use crate::domain::channel::enter;
use crate::domain::policy::{Action, Authority as _};
use crate::error::{Conflict, Error, Noun, Result};
use crate::events::Draft;
use crate::store::{TenantTx, event, message, reaction};

/// Different emoji on one message.
const EMOJI: usize = 20;
/// Users whom a message names for each emoji.
const USERS: i64 = 50;

/// Adds the actor's reaction. Adding it twice is adding it once.
///
/// Errors: `CHANNEL_NOT_FOUND`, `MESSAGE_NOT_FOUND`, `VALIDATION_FAILED` (not a single emoji),
/// `CHANNEL_READ_ONLY`, `MESSAGE_DELETED`, `REACTION_LIMIT`.
pub fn add(tx: &mut TenantTx<'_, '_>, channel_id: ChannelId, id: MessageId, emoji: &str) -> Result<()> {
    change(tx, channel_id, id, emoji, true)
}

/// Removes the actor's reaction, if there is one.
///
/// Errors: `CHANNEL_NOT_FOUND`, `MESSAGE_NOT_FOUND`, `VALIDATION_FAILED` (not a single emoji),
/// `CHANNEL_READ_ONLY`.
pub fn remove(tx: &mut TenantTx<'_, '_>, channel_id: ChannelId, id: MessageId, emoji: &str) -> Result<()> {
    change(tx, channel_id, id, emoji, false)
}

fn change(
    tx: &mut TenantTx<'_, '_>,
    channel_id: ChannelId,
    id: MessageId,
    emoji: &str,
    added: bool,
) -> Result<()> {
    let channel = enter(tx, channel_id)?;
    let message = message::find(tx, channel_id, id)?.ok_or(Error::NotFound(Noun::Message))?;
    tx.require(Action::PostMessage, &channel)?;
    let user_id = tx.actor().user_id.ok_or(Error::Forbidden)?;
    let emoji = emoji::canonical(emoji)
        .ok_or_else(|| Error::field("emoji", "must be a single emoji, percent-encoded"))?;
    refuse_read_only(&channel)?;
    if added && message.deleted_at.is_some() {
        let text = "this message was deleted and takes no reactions";
        return Err(Error::conflict(Conflict::MessageDeleted, text));
    }
    let before = message.reactions.iter().find(|reaction| reaction.emoji == emoji);
    if added && before.is_none() && message.reactions.len() >= EMOJI {
        let text = format!("this message already has {EMOJI} different emoji: use one of them");
        return Err(Error::conflict(Conflict::ReactionLimit, text));
    }
    let now = tx.now();
    let changed = if added {
        reaction::insert(tx, id, &emoji, user_id, now)?
    } else {
        reaction::delete(tx, id, &emoji, user_id)?
    };
    if !changed {
        return Ok(());
    }
    let count = before.map_or(0, |before| before.count) + if added { 1 } else { -1 };
    let user_ids = reaction::first_users(tx, id, &emoji, USERS)?;
    let reaction = Reaction { emoji, count, user_ids };
    reaction::put_summary(tx, id, &reaction, now)?;
    let payload = ReactionPayload {
        reaction: ReactionChange { emoji: reaction.emoji, user_id, added, count },
        message: MessageReference { id, channel_id },
    };
    let mut draft = Draft::new(EventKind::MessageReacted, &payload).channel(channel_id, channel.project_id);
    if let Some(task) = message.task_id {
        draft = draft.task(task);
    }
    Ok(event::append(tx, draft.addressed([message.sender.id]))?)
}
