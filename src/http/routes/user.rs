//! Members, people and agents, and the agents' keys.

use axum::extract::State;
use axum::http::StatusCode;
use mission_control_shared::{Paged, Role, User, UserType};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::domain::join::{self, CreatedUser, NewUser};
use crate::domain::key::{self, RotateKey, RotatedKey};
use crate::domain::leave;
use crate::domain::user::{self, UserPatch, Wanted};
use crate::error::Result;
use crate::http::extract::{Id, IfMatch, Json, Post, Query, UserRef, page};
use crate::http::openapi::{OrgPath, ReadProblems, UserPath, WriteProblems};
use crate::http::reply::{Reply, paged};

/// Which members.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
    /// Of any of these types.
    #[serde(default, rename = "type")]
    kind: Vec<UserType>,
    /// With any of these roles.
    #[serde(default)]
    role: Vec<Role>,
    /// With this in the name or the handle.
    q: Option<String>,
    /// From 1.
    #[param(minimum = 1, default = 1)]
    page: Option<i64>,
    /// Items on a page.
    #[param(minimum = 1, maximum = 100, default = 25)]
    per_page: Option<i64>,
}

/// List members, by name
#[utoipa::path(get, path = "/orgs/{slug}/users", tag = "users", params(OrgPath, UsersQuery),
    responses((status = 200, body = Paged<User>), ReadProblems))]
pub async fn list_users(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<UsersQuery>,
) -> Result<Reply> {
    let page = page(query.page, query.per_page)?;
    let wanted = Wanted { kinds: query.kind, roles: query.role, q: query.q };
    let mut listed = app.read(&caller, move |tx| user::list(tx, &wanted, page)).await?;
    let online = app.hub().online(caller.org_id);
    listed.items.iter_mut().for_each(|user| user.online = Some(online.contains(&user.id)));
    Ok(Reply::ok(&paged(listed, page)))
}

/// Invite a person or make an agent; the invitation or the key is shown this once
#[utoipa::path(post, path = "/orgs/{slug}/users", tag = "users", params(OrgPath), request_body = NewUser,
    responses((status = 201, body = CreatedUser), WriteProblems))]
pub async fn create_user(State(app): State<App>, caller: Caller, post: Post<NewUser>) -> Result<Reply> {
    let (new, public_url) = (post.body, app.config().server.public_url.clone());
    app.post(&caller, post.key, StatusCode::CREATED, move |tx| join::create(tx, &new, &public_url)).await
}

/// Get a member, also one who is no longer
#[utoipa::path(get, path = "/orgs/{slug}/users/{id}", tag = "users", params(OrgPath, UserPath),
    responses((status = 200, body = User), ReadProblems))]
pub async fn get_user(State(app): State<App>, caller: Caller, Id(user): Id<UserRef>) -> Result<Reply> {
    let id = user.of(caller.user_id);
    let user = app.read(&caller, move |tx| user::get(tx, id)).await?;
    Ok(reply(&app, user))
}

/// Change a member
#[utoipa::path(patch, path = "/orgs/{slug}/users/{id}", tag = "users", params(OrgPath, UserPath),
    request_body = UserPatch, responses((status = 200, body = User), WriteProblems))]
pub async fn update_user(
    State(app): State<App>,
    caller: Caller,
    Id(user): Id<UserRef>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<UserPatch>,
) -> Result<Reply> {
    let id = user.of(caller.user_id);
    let user = app.write(&caller, move |tx| user::update(tx, id, &patch, expected)).await?;
    Ok(reply(&app, user))
}

fn reply(app: &App, mut user: User) -> Reply {
    user.online = Some(app.hub().online(user.org_id).contains(&user.id));
    Reply::ok(&user).version(user.version)
}

/// Remove a member
#[utoipa::path(delete, path = "/orgs/{slug}/users/{id}", tag = "users", params(OrgPath, UserPath),
    responses((status = 204), WriteProblems))]
pub async fn remove_user(State(app): State<App>, caller: Caller, Id(user): Id<UserRef>) -> Result<Reply> {
    let id = user.of(caller.user_id);
    app.write(&caller, move |tx| leave::remove(tx, id)).await?;
    Ok(Reply::nothing())
}

/// Give an agent a new key; older ones die after the grace time
#[utoipa::path(post, path = "/orgs/{slug}/users/{id}/api-keys/rotate", tag = "users", params(OrgPath, UserPath),
    request_body = RotateKey, responses((status = 200, body = RotatedKey), WriteProblems))]
pub async fn rotate_key(
    State(app): State<App>,
    caller: Caller,
    Id(user): Id<UserRef>,
    post: Post<RotateKey>,
) -> Result<Reply> {
    let (id, how) = (user.of(caller.user_id), post.body);
    app.post(&caller, post.key, StatusCode::OK, move |tx| key::rotate(tx, id, how)).await
}

/// Kill every key of an agent at once
#[utoipa::path(delete, path = "/orgs/{slug}/users/{id}/api-keys", tag = "users", params(OrgPath, UserPath),
    responses((status = 204), WriteProblems))]
pub async fn revoke_keys(State(app): State<App>, caller: Caller, Id(user): Id<UserRef>) -> Result<Reply> {
    let id = user.of(caller.user_id);
    app.write(&caller, move |tx| key::revoke(tx, id)).await?;
    Ok(Reply::nothing())
}
