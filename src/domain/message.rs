//! Messages: posted, answered, mentioned in, read in pages, edited, reacted to, pinned, deleted.

pub mod command;
pub mod edit;
mod emoji;
pub mod mention;
pub mod pin;
pub mod reaction;
pub mod receipt;

use std::collections::BTreeSet;

use mission_control_shared::{
    Channel, ChannelId, EventKind, File, FileId, Message, MessageId, MessageKind, NewMessage, ProjectId,
    TaskId, UserId, UserType,
};
use serde::Serialize;
use serde_json::json;

use self::mention::Mentions;
use super::channel::enter;
use super::check::Check;
use super::file;
use super::idempotency::{self, Key};
use super::policy::{Action, Authority as _, Thing};
use crate::error::{Conflict, Error, Noun, Result};
use crate::events::Draft;
use crate::store::event::{self, Direction, Place};
use crate::store::message::{self, Of, Setting};
use crate::store::{Failure, TenantTx, channel, task};

/// Longest message, in characters.
const LENGTH: usize = 10_000;
/// Most files of one message.
const FILES: usize = 10;

/// A posted message.
#[derive(Clone, Debug)]
pub struct Posted {
    /// As it is now.
    pub message: Message,
    /// Whether it had been posted before under the same key.
    pub replayed: bool,
}

/// What `command.invoked` keeps; the command and its arguments are joined from the message's text.
#[derive(Serialize)]
struct Invoked<'a> {
    channel_id: ChannelId,
    message_id: MessageId,
    target_user_ids: &'a [UserId],
}

/// Posts a message. It may mention, answer, and be a command. Under a key it is posted once,
/// however late it is sent again.
///
/// Errors: `CHANNEL_NOT_FOUND`, `CHANNEL_READ_ONLY`, `VALIDATION_FAILED`, `IDEMPOTENCY_MISMATCH`.
pub fn post(
    tx: &mut TenantTx<'_, '_>,
    channel_id: ChannelId,
    new: &NewMessage,
    key: Option<&Key>,
) -> Result<Posted> {
    let author = tx.actor().user_id.ok_or(Error::Forbidden)?;
    if let Some(key) = key
        && let Some(message) = posted_before(tx, author, key)?
    {
        return Ok(Posted { message, replayed: true });
    }
    let setting = message::setting(tx, channel_id, author, new.task_id, new.reply_to_id)?
        .ok_or(Error::NotFound(Noun::Channel))?;
    tx.require(Action::PostMessage, Thing::Channel(channel_id))?;
    if setting.ended {
        return Err(read_only());
    }
    let said = checked(tx, new, &setting)?;
    let mentions = Mentions::find(tx, channel_id, author, &said, &new.mentions)?;
    let mut message = Message {
        id: MessageId(tx.new_id()),
        org_id: tx.org_id(),
        channel_id,
        kind: new.kind.unwrap_or(MessageKind::Text),
        content: command::unescaped(setting.sender.kind, &said).to_owned(),
        mentions: mentions.users(),
        task_id: new.task_id,
        reply_to_id: new.reply_to_id,
        hops: hops(setting.sender.kind, setting.answered.map(|(_, hops)| hops)),
        receipts: Vec::new(),
        reactions: Vec::new(),
        files: Vec::new(),
        created_at: tx.now(),
        edited_at: None,
        pinned_at: None,
        pinned_by: None,
        deleted_at: None,
        sender: setting.sender,
    };
    // The number of the event comes first: it is the message's place in its channel too.
    let place = event::reserve(tx)?;
    store(tx, &message, place, key)?;
    message.files = attach(tx, message.id, &new.file_ids)?;
    let answered = setting.answered.map(|(answered, _)| answered).filter(|answered| *answered != author);
    let is_command = command::named(message.sender.kind, &said).is_some();
    record_post(tx, &message, place, setting.project_id, answered, is_command)?;
    if is_command {
        invoke(tx, &message, setting.project_id, mentions.agents())?;
    }
    Ok(Posted { message, replayed: false })
}

fn read_only() -> Error {
    Error::conflict(
        Conflict::ChannelReadOnly,
        "the project of this channel has ended: nothing more can be posted in it",
    )
}

/// Errors: `CHANNEL_READ_ONLY` when the project of the channel has ended.
fn refuse_read_only(channel: &Channel) -> Result<()> {
    if channel.read_only { Err(read_only()) } else { Ok(()) }
}

/// What the author posted under this key.
fn posted_before(tx: &mut TenantTx<'_, '_>, author: UserId, key: &Key) -> Result<Option<Message>> {
    match message::by_key(tx, author, &key.key)? {
        Some((_, hash)) if hash != key.request_hash => Err(idempotency::mismatch()),
        Some((id, _)) => Ok(message::by_ids(tx, &[id])?.pop()),
        None => Ok(None),
    }
}

/// The text of a new message, trimmed; refuses what cannot be posted.
fn checked(tx: &mut TenantTx<'_, '_>, new: &NewMessage, setting: &Setting) -> Result<String> {
    let mut check = Check::default();
    let least = usize::from(new.file_ids.is_empty());
    let said = check.text("content", &new.content, least..=LENGTH);
    file::check_attached(tx, &mut check, &new.file_ids, &[], FILES)?;
    if setting.sender.kind == UserType::Human && new.kind.is_some_and(|kind| kind != MessageKind::Text) {
        check.problem("kind", "is for agents only: leave it out");
    }
    if new.mentions.len() > mention::LIMIT {
        check.problem("mentions", format!("names more than {} users", mention::LIMIT));
    }
    if new.task_id.is_some() && !setting.has_task {
        check.problem("task_id", "names no task of this organization");
    }
    if new.reply_to_id.is_some() && setting.answered.is_none() {
        check.problem("reply_to_id", "names no message of this channel");
    }
    check.finish()?;
    Ok(said)
}

/// Attaches files to a message that was stored now.
fn attach(tx: &mut TenantTx<'_, '_>, id: MessageId, wanted: &[FileId]) -> Result<Vec<File>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    crate::store::file::add_to_message(tx, id, wanted)?;
    let files = crate::store::file::of_messages(tx, &[id])?;
    Ok(files.into_iter().map(|(_, file)| file).collect())
}

/// How many agent messages in a row, by reply, since a human's: what lets agents stop talking to
/// each other for ever.
fn hops(sender: UserType, answered: Option<i64>) -> i64 {
    match sender {
        UserType::Human => 0,
        UserType::Agent => answered.unwrap_or(0) + 1,
    }
}

fn store(tx: &mut TenantTx<'_, '_>, message: &Message, place: Place, key: Option<&Key>) -> Result<()> {
    channel::count_post(tx, message.channel_id, message.sender.id, &message.mentions, message.created_at)?;
    let sent = key.map(|key| (key.key.as_str(), &key.request_hash));
    message::insert(tx, message, place.seq, sent).map_err(|failure| match failure {
        // Id and number are new, so it is the key: the same post has just been committed by
        // somebody else. Run again, this one finds it.
        Failure::Duplicate if key.is_some() => Failure::Again,
        other => other,
    })?;
    if !message.mentions.is_empty() {
        message::insert_mentions(tx, message.id, &message.mentions)?;
    }
    Ok(())
}

fn draft(kind: EventKind, payload: &impl Serialize, message: &Message, project: Option<ProjectId>) -> Draft {
    Draft::new(kind, payload).channel(message.channel_id, project).message(message.clone())
}

fn record_post(
    tx: &mut TenantTx<'_, '_>,
    message: &Message,
    place: Place,
    project: Option<ProjectId>,
    answered: Option<UserId>,
    is_command: bool,
) -> Result<()> {
    let concerned: BTreeSet<UserId> = message.mentions.iter().copied().chain(answered).collect();
    // Whoever takes commands must not take the same words for conversation too.
    let payload = if is_command { json!({ "command": true }) } else { json!({}) };
    let created = draft(EventKind::MessageCreated, &payload, message, project);
    event::append_at(tx, place, created.addressed(concerned))?;
    for user_id in &message.mentions {
        let mentioned = draft(EventKind::MentionCreated, &json!({ "user_id": user_id }), message, project);
        event::append(tx, mentioned.addressed([*user_id]))?;
    }
    Ok(())
}

/// Brings a command to the agents that it mentions, else to every agent of the channel.
fn invoke(
    tx: &mut TenantTx<'_, '_>,
    message: &Message,
    project: Option<ProjectId>,
    mentioned: Vec<UserId>,
) -> Result<()> {
    let targets = if mentioned.is_empty() { channel::agents(tx, message.channel_id)? } else { mentioned };
    let (channel_id, message_id) = (message.channel_id, message.id);
    let payload = Invoked { channel_id, message_id, target_user_ids: &targets };
    let invoked = draft(EventKind::CommandInvoked, &payload, message, project);
    Ok(event::append(tx, invoked.addressed(targets))?)
}

/// Which part of a list: backwards from the newest when nothing is named.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Newest first, before this message.
    pub before: Option<MessageId>,
    /// Oldest first, after this message.
    pub after: Option<MessageId>,
    /// 1 to 100.
    pub limit: i64,
}

/// Messages of a channel, and the cursor of the next part.
///
/// Errors: `CHANNEL_NOT_FOUND`, `VALIDATION_FAILED` (an unknown cursor, or two).
pub fn list(
    tx: &mut TenantTx<'_, '_>,
    channel_id: ChannelId,
    part: Part,
) -> Result<(Vec<Message>, Option<MessageId>)> {
    enter(tx, channel_id)?;
    page(tx, &Of::Channel(channel_id), part)
}

/// Messages about a task in the channels that the actor may enter, and the cursor of the next part.
///
/// Errors: `TASK_NOT_FOUND`, `VALIDATION_FAILED` (an unknown cursor, or two).
pub fn list_about_task(
    tx: &mut TenantTx<'_, '_>,
    task_id: TaskId,
    part: Part,
) -> Result<(Vec<Message>, Option<MessageId>)> {
    task::find(tx, task_id)?.ok_or(Error::NotFound(Noun::Task))?;
    page(tx, &Of::Task(task_id), part)
}

fn page(tx: &mut TenantTx<'_, '_>, of: &Of, part: Part) -> Result<(Vec<Message>, Option<MessageId>)> {
    let direction = match (part.before, part.after) {
        (None, None) => Direction::Before(i64::MAX),
        (Some(id), None) => Direction::Before(cursor(tx, of, "before", id)?),
        (None, Some(id)) => Direction::After(cursor(tx, of, "after", id)?),
        (Some(_), Some(_)) => return Err(Error::field("after", "goes without `before`: give one of them")),
    };
    let mut messages = message::page(tx, of, direction, part.limit + 1)?;
    // The one too many says that there is more.
    let more = messages.len() as i64 > part.limit;
    if more {
        messages.pop();
    }
    let next = messages.last().filter(|_| more).map(|last| last.id);
    Ok((messages, next))
}

fn cursor(tx: &mut TenantTx<'_, '_>, of: &Of, field: &str, id: MessageId) -> Result<i64> {
    message::seq(tx, of, id)?.ok_or_else(|| Error::field(field, "names no message of this list"))
}

/// Takes the text of a message away, for its author or an administrator; a tombstone stays.
///
/// Errors: `CHANNEL_NOT_FOUND`, `MESSAGE_NOT_FOUND`, `FORBIDDEN`. Deleting it twice is deleting it once.
pub fn delete(tx: &mut TenantTx<'_, '_>, channel_id: ChannelId, id: MessageId) -> Result<()> {
    let channel = enter(tx, channel_id)?;
    let mut message = message::find(tx, channel_id, id)?.ok_or(Error::NotFound(Noun::Message))?;
    tx.require(Action::DeleteMessage, &message)?;
    if message.deleted_at.is_some() {
        return Ok(());
    }
    let now = tx.now();
    // The number first, as when posting: on PostgreSQL its row is locked before the channel's.
    let place = event::reserve(tx)?;
    channel::uncount_post(tx, channel_id, id)?;
    message::erase(tx, id, now)?;
    crate::store::reaction::delete_all(tx, id)?;
    crate::store::pin::delete(tx, id)?;
    crate::store::file::remove_from_message(tx, id)?;
    message.content.clear();
    message.reactions.clear();
    message.files.clear();
    (message.pinned_at, message.pinned_by) = (None, None);
    message.deleted_at = Some(now);
    let deleted = draft(EventKind::MessageDeleted, &json!({}), &message, channel.project_id);
    Ok(event::append_at(tx, place, deleted)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_count_agent_messages_since_a_humans() {
        assert_eq!(hops(UserType::Human, None), 0);
        assert_eq!(hops(UserType::Human, Some(7)), 0, "a person ends the row");
        assert_eq!(hops(UserType::Agent, None), 1);
        assert_eq!(hops(UserType::Agent, Some(0)), 1, "in answer to a person");
        assert_eq!(hops(UserType::Agent, Some(1)), 2, "in answer to an agent");
    }
}
