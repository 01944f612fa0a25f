//! Channels.

use axum::extract::State;
use axum::http::StatusCode;
use mission_control_shared::{Channel, ChannelId, ChannelPreferences, Paged};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::domain::channel::{self, ChannelPatch, NewChannel};
use crate::error::Result;
use crate::http::extract::{Id, IfMatch, Json, Post, Query, page};
use crate::http::openapi::{IdPath, OrgPath, ReadProblems, WriteProblems};
use crate::http::reply::{Reply, paged};

/// Which channels.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChannelsQuery {
    /// From 1.
    #[param(minimum = 1, default = 1)]
    page: Option<i64>,
    /// Items on a page.
    #[param(minimum = 1, maximum = 100, default = 25)]
    per_page: Option<i64>,
}

/// List the channels that the caller may enter, by name
#[utoipa::path(get, path = "/orgs/{slug}/channels", tag = "channels", params(OrgPath, ChannelsQuery),
    responses((status = 200, body = Paged<Channel>), ReadProblems))]
pub async fn list_channels(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ChannelsQuery>,
) -> Result<Reply> {
    let page = page(query.page, query.per_page)?;
    let listed = app.read(&caller, move |tx| channel::list(tx, page)).await?;
    Ok(Reply::ok(&paged(listed, page)))
}

/// Create an org-wide channel
#[utoipa::path(post, path = "/orgs/{slug}/channels", tag = "channels", params(OrgPath), request_body = NewChannel,
    responses((status = 201, body = Channel), WriteProblems))]
pub async fn create_channel(State(app): State<App>, caller: Caller, post: Post<NewChannel>) -> Result<Reply> {
    let new = post.body;
    app.post(&caller, post.key, StatusCode::CREATED, move |tx| channel::create(tx, &new)).await
}

/// Get a channel
#[utoipa::path(get, path = "/orgs/{slug}/channels/{id}", tag = "channels", params(OrgPath, IdPath),
    responses((status = 200, body = Channel), ReadProblems))]
pub async fn get_channel(State(app): State<App>, caller: Caller, Id(id): Id<ChannelId>) -> Result<Reply> {
    let channel = app.read(&caller, move |tx| channel::get(tx, id)).await?;
    Ok(Reply::ok(&channel).version(channel.version))
}

/// Change a channel's name or topic
///
/// An org-wide channel: administrators. A project's channel has the name of its project, and its members
/// set its topic.
#[utoipa::path(patch, path = "/orgs/{slug}/channels/{id}", tag = "channels", params(OrgPath, IdPath),
    request_body = ChannelPatch, responses((status = 200, body = Channel), WriteProblems))]
pub async fn update_channel(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ChannelId>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<ChannelPatch>,
) -> Result<Reply> {
    let channel = app.write(&caller, move |tx| channel::update(tx, id, &patch, expected)).await?;
    Ok(Reply::ok(&channel).version(channel.version))
}

/// Set how the caller wants to hear of a channel
///
/// A muted channel counts as unread only for mentions. The caller's other open streams hear of it as an
/// ephemeral `preferences` frame; nobody else does.
#[utoipa::path(put, path = "/orgs/{slug}/channels/{id}/preferences", tag = "channels", params(OrgPath, IdPath),
    request_body = ChannelPreferences, responses((status = 200, body = ChannelPreferences), WriteProblems))]
pub async fn put_preferences(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ChannelId>,
    Json(preferences): Json<ChannelPreferences>,
) -> Result<Reply> {
    let stored = app.write(&caller, move |tx| channel::set_preferences(tx, id, preferences.clone())).await?;
    Ok(Reply::ok(&stored))
}
