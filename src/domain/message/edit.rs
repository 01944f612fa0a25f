//! Editing: the author replaces the text of a message.
//!
//! The text is taken literally: an edit runs no command, so `//` at the start stays as it is. An edit
//! can add and remove mentions of people and remove mentions of agents. It never adds a mention of an
//! agent, and it wakes none.

use std::collections::BTreeSet;

use mission_control_shared::{ChannelId, EventKind, Message, MessageId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::mention::Mentions;
use super::{LENGTH, draft, mention, refuse_read_only};
use crate::domain::channel::enter;
use crate::domain::check::{Check, patch};
use crate::domain::policy::{Action, Authority as _};
use crate::error::{Conflict, Error, Noun, Result};
use crate::store::{self, TenantTx, event, message};

/// The fields of a message that its author can change; absent fields stay as they are.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MessagePatch {
    /// Plain text, 1 to 10,000 characters. `//` at the start is not shortened.
    #[serde(default, deserialize_with = "patch::kept")]
    pub content: Option<String>,
}

/// What the log keeps of an edit. Neither text is part of it.
#[derive(Serialize)]
struct Payload<'a> {
    changed: &'a [&'static str],
}

/// Replaces the text of the actor's own message. The same text again changes nothing.
///
/// A message has no version, so a request that expects one is refused.
///
/// Errors: `CHANNEL_NOT_FOUND`, `MESSAGE_NOT_FOUND`, `FORBIDDEN` (not the author), `STALE_VERSION`,
/// `MESSAGE_DELETED`, `CHANNEL_READ_ONLY`, `VALIDATION_FAILED`.
pub fn edit(
    tx: &mut TenantTx<'_, '_>,
    channel_id: ChannelId,
    id: MessageId,
    patch: &MessagePatch,
    expected: Option<i64>,
) -> Result<Message> {
    let channel = enter(tx, channel_id)?;
    let mut message = message::find(tx, channel_id, id)?.ok_or(Error::NotFound(Noun::Message))?;
    tx.require(Action::EditMessage, &message)?;
    if expected.is_some() {
        return Err(Error::StaleVersion);
    }
    if message.deleted_at.is_some() {
        return Err(Error::conflict(
            Conflict::MessageDeleted,
            "this message was deleted and cannot be edited",
        ));
    }
    refuse_read_only(&channel)?;
    let Some(content) = &patch.content else { return Ok(message) };
    let mut check = Check::default();
    let content = check.text("content", content, 1..=LENGTH);
    check.finish()?;
    if content == message.content {
        return Ok(message);
    }
    let Revision { mentions, added, removed } = revise(tx, &message, &content)?;
    let now = tx.now();
    // The number first, as when posting: on PostgreSQL its row is locked before any counter.
    let place = event::reserve(tx)?;
    message::set_content(tx, id, &content, now)?;
    if !removed.is_empty() {
        store::channel::uncount_mentions(tx, channel_id, id, &removed)?;
        message::delete_mentions(tx, id, &removed)?;
    }
    if !added.is_empty() {
        store::channel::count_mentions(tx, channel_id, id, &added)?;
        message::insert_mentions(tx, id, &added)?;
    }
    // Those who heard of the message itself hear of its new text too, whatever they subscribed to.
    let mut concerned: BTreeSet<UserId> = message.mentions.iter().chain(&mentions).copied().collect();
    if let Some(answered) = message.reply_to_id {
        concerned.extend(message::find(tx, channel_id, answered)?.map(|answered| answered.sender.id));
    }
    concerned.remove(&message.sender.id);
    message.content = content;
    message.mentions = mentions;
    message.edited_at = Some(now);
    let changed: &[&str] =
        if added.is_empty() && removed.is_empty() { &["content"] } else { &["content", "mentions"] };
    let updated = draft(EventKind::MessageUpdated, &Payload { changed }, &message, channel.project_id);
    event::append_at(tx, place, updated.addressed(concerned))?;
    for user_id in added {
        let payload = json!({ "user_id": user_id });
        let mentioned = draft(EventKind::MentionCreated, &payload, &message, channel.project_id);
        event::append(tx, mentioned.addressed([user_id]))?;
    }
    Ok(message)
}

/// How an edit changes whom a message mentions.
struct Revision {
    /// Everybody whom it mentions afterwards, in the order of their ids.
    mentions: Vec<UserId>,
    added: Vec<UserId>,
    removed: Vec<UserId>,
}

/// Compares the handles of both texts. Users whom the request named beside the text stay mentioned.
fn revise(tx: &mut TenantTx<'_, '_>, message: &Message, content: &str) -> Result<Revision> {
    let (channel, author) = (message.channel_id, message.sender.id);
    let before = Mentions::in_text(tx, channel, author, &message.content)?.users();
    let after = Mentions::in_text(tx, channel, author, content)?;
    let named = after.users();
    let (removed, kept): (Vec<UserId>, Vec<UserId>) =
        message.mentions.iter().partition(|user| before.contains(user) && !named.contains(user));
    let room = mention::LIMIT.saturating_sub(kept.len());
    let added: Vec<UserId> = after.people().filter(|user| !kept.contains(user)).take(room).collect();
    let mentions: BTreeSet<UserId> = kept.iter().chain(&added).copied().collect();
    Ok(Revision { mentions: mentions.into_iter().collect(), added, removed })
}
