//! Messages, receipts, typing, and read markers.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use mission_control_shared::{ChannelId, Cursored, Message, MessageId, NewMessage, NewReceipt, TaskId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::Caller;
use crate::domain::channel;
use crate::domain::message::edit::{self, MessagePatch};
use crate::domain::message::{self, Part, Posted, pin, reaction, receipt};
use crate::error::Result;
use crate::http::extract::{Emoji, EmptyPost, Id, IfMatch, Json, OtherId, Post, Query, limit};
use crate::http::openapi::{EmojiPath, IdPath, OrgPath, OtherIdPath, ReadProblems, WriteProblems};
use crate::http::reply::Reply;

/// Which part of the messages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// Newest first, before this message (the default, from the newest on).
    before: Option<MessageId>,
    /// Oldest first, after this message.
    after: Option<MessageId>,
    /// Messages on a page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
}

impl MessagesQuery {
    fn part(&self) -> Result<Part> {
        Ok(Part { before: self.before, after: self.after, limit: limit(self.limit)? })
    }
}

/// List a channel's messages, newest first
#[utoipa::path(get, path = "/orgs/{slug}/channels/{id}/messages", tag = "messages",
    params(OrgPath, IdPath, MessagesQuery),
    responses((status = 200, body = Cursored<Message, Option<MessageId>>), ReadProblems))]
pub async fn list_messages(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ChannelId>,
    Query(query): Query<MessagesQuery>,
) -> Result<Reply> {
    let part = query.part()?;
    let (data, next_cursor) = app.read(&caller, move |tx| message::list(tx, id, part)).await?;
    Ok(Reply::ok(&Cursored { data, next_cursor }))
}

/// List the messages about a task, newest first
#[utoipa::path(get, path = "/orgs/{slug}/tasks/{id}/messages", tag = "messages",
    params(OrgPath, IdPath, MessagesQuery),
    responses((status = 200, body = Cursored<Message, Option<MessageId>>), ReadProblems))]
pub async fn list_task_messages(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TaskId>,
    Query(query): Query<MessagesQuery>,
) -> Result<Reply> {
    let part = query.part()?;
    let (data, next_cursor) = app.read(&caller, move |tx| message::list_about_task(tx, id, part)).await?;
    Ok(Reply::ok(&Cursored { data, next_cursor }))
}

/// Post a message
#[utoipa::path(post, path = "/orgs/{slug}/channels/{id}/messages", tag = "messages", params(OrgPath, IdPath),
    request_body = NewMessage, responses((status = 201, body = Message), WriteProblems))]
pub async fn post_message(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ChannelId>,
    Post { body, key }: Post<NewMessage>,
) -> Result<Reply> {
    let Posted { message, replayed } =
        app.write(&caller, move |tx| message::post(tx, id, &body, key.as_ref())).await?;
    let reply = Reply::with_status(StatusCode::CREATED, &message);
    let again = HeaderValue::from_static("true");
    Ok(if replayed { reply.header("idempotent-replayed", again) } else { reply })
}

/// Edit the caller's own message
///
/// Only the author can edit a message. The replaced text is not kept anywhere. An edit runs no command
/// and wakes no agent: it can mention further people, but no further agents. A message has no version,
/// so `If-Match` with a version is refused with 412.
#[utoipa::path(patch, path = "/orgs/{slug}/channels/{id}/messages/{other_id}", tag = "messages",
    params(OrgPath, IdPath, OtherIdPath), request_body = MessagePatch,
    responses((status = 200, body = Message), WriteProblems))]
pub async fn edit_message(
    State(app): State<App>,
    caller: Caller,
    Id(channel_id): Id<ChannelId>,
    OtherId(id): OtherId<MessageId>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<MessagePatch>,
) -> Result<Reply> {
    let message = app.write(&caller, move |tx| edit::edit(tx, channel_id, id, &patch, expected)).await?;
    Ok(Reply::ok(&message))
}

/// Delete a message's text; a tombstone stays
#[utoipa::path(delete, path = "/orgs/{slug}/channels/{id}/messages/{other_id}", tag = "messages",
    params(OrgPath, IdPath, OtherIdPath), responses((status = 204), WriteProblems))]
pub async fn delete_message(
    State(app): State<App>,
    caller: Caller,
    Id(channel_id): Id<ChannelId>,
    OtherId(id): OtherId<MessageId>,
) -> Result<Reply> {
    app.write(&caller, move |tx| message::delete(tx, channel_id, id)).await?;
    Ok(Reply::nothing())
}

/// React to a message
///
/// Each user can react once with each emoji; a message takes 20 different emoji.
#[utoipa::path(put, path = "/orgs/{slug}/channels/{id}/messages/{other_id}/reactions/{emoji}", tag = "messages",
    params(OrgPath, IdPath, OtherIdPath, EmojiPath), responses((status = 204), WriteProblems))]
pub async fn add_reaction(
    State(app): State<App>,
    caller: Caller,
    Id(channel_id): Id<ChannelId>,
    OtherId(id): OtherId<MessageId>,
    Emoji(emoji): Emoji,
    _: EmptyPost,
) -> Result<Reply> {
    app.write(&caller, move |tx| reaction::add(tx, channel_id, id, &emoji)).await?;
    Ok(Reply::nothing())
}

/// Remove the caller's reaction from a message
#[utoipa::path(delete, path = "/orgs/{slug}/channels/{id}/messages/{other_id}/reactions/{emoji}", tag = "messages",
    params(OrgPath, IdPath, OtherIdPath, EmojiPath), responses((status = 204), WriteProblems))]
pub async fn remove_reaction(
    State(app): State<App>,
    caller: Caller,
    Id(channel_id): Id<ChannelId>,
    OtherId(id): OtherId<MessageId>,
    Emoji(emoji): Emoji,
) -> Result<Reply> {
    app.write(&caller, move |tx| reaction::remove(tx, channel_id, id, &emoji)).await?;
    Ok(Reply::nothing())
}

/// List a channel's pinned messages
///
/// At most 50, the last one pinned first. There is no further page.
#[utoipa::path(get, path = "/orgs/{slug}/channels/{id}/pins", tag = "messages", params(OrgPath, IdPath),
    responses((status = 200, body = Cursored<Message, Option<MessageId>>), ReadProblems))]
pub async fn list_pins(State(app): State<App>, caller: Caller, Id(id): Id<ChannelId>) -> Result<Reply> {
    let data = app.read(&caller, move |tx| pin::list(tx, id)).await?;
    Ok(Reply::ok(&Cursored { data, next_cursor: None::<MessageId> }))
}

/// Pin a message
///
/// For everybody in the channel. A channel takes 50 pinned messages.
#[utoipa::path(put, path = "/orgs/{slug}/channels/{id}/messages/{other_id}/pin", tag = "messages",
    params(OrgPath, IdPath, OtherIdPath), responses((status = 204), WriteProblems))]
pub async fn pin_message(
    State(app): State<App>,
    caller: Caller,
    Id(channel_id): Id<ChannelId>,
    OtherId(id): OtherId<MessageId>,
    _: EmptyPost,
) -> Result<Reply> {
    app.write(&caller, move |tx| pin::add(tx, channel_id, id)).await?;
    Ok(Reply::nothing())
}

/// Unpin a message
#[utoipa::path(delete, path = "/orgs/{slug}/channels/{id}/messages/{other_id}/pin", tag = "messages",
    params(OrgPath, IdPath, OtherIdPath), responses((status = 204), WriteProblems))]
pub async fn unpin_message(
    State(app): State<App>,
    caller: Caller,
    Id(channel_id): Id<ChannelId>,
    OtherId(id): OtherId<MessageId>,
) -> Result<Reply> {
    app.write(&caller, move |tx| pin::remove(tx, channel_id, id)).await?;
    Ok(Reply::nothing())
}

/// Say how far the caller is with a message
#[utoipa::path(put, path = "/orgs/{slug}/channels/{id}/messages/{other_id}/receipt", tag = "messages",
    params(OrgPath, IdPath, OtherIdPath), request_body = NewReceipt, responses((status = 204), WriteProblems))]
pub async fn put_receipt(
    State(app): State<App>,
    caller: Caller,
    Id(channel_id): Id<ChannelId>,
    OtherId(id): OtherId<MessageId>,
    Json(new): Json<NewReceipt>,
) -> Result<Reply> {
    app.write(&caller, move |tx| receipt::put(tx, channel_id, id, &new)).await?;
    Ok(Reply::nothing())
}

/// Show that the caller is typing
#[utoipa::path(post, path = "/orgs/{slug}/channels/{id}/typing", tag = "messages", params(OrgPath, IdPath),
    responses((status = 204), WriteProblems))]
pub async fn typing(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ChannelId>,
    _: EmptyPost,
) -> Result<Reply> {
    // Nothing is stored, but only what goes the way of a write is published.
    app.write(&caller, move |tx| channel::typing(tx, id)).await?;
    Ok(Reply::nothing())
}

/// How far a channel has been read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadMarker {
    /// The last message that was read.
    message_id: MessageId,
}

/// Move the caller's read marker forward
#[utoipa::path(put, path = "/orgs/{slug}/channels/{id}/read", tag = "messages", params(OrgPath, IdPath),
    request_body = ReadMarker, responses((status = 204), WriteProblems))]
pub async fn mark_read(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ChannelId>,
    Json(marker): Json<ReadMarker>,
) -> Result<Reply> {
    app.write(&caller, move |tx| channel::mark_read(tx, id, marker.message_id)).await?;
    Ok(Reply::nothing())
}
