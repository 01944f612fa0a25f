//! Signing in and out, the caller's own sessions and password.

use axum::extract::State;
use axum::http::StatusCode;
use mission_control_shared::{Me, SessionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Principal;
use crate::domain::identity::{self, First};
use crate::domain::session::{self, SessionInfo};
use crate::error::Result;
use crate::http::caller::{Client, MaybePrincipal, Signed};
use crate::http::extract::{EmptyPost, Id, Json};
use crate::http::openapi::{IdPath, ReadProblems, WriteProblems};
use crate::http::reply::Reply;
use crate::http::sign_in;

/// How people may sign in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Providers {
    /// Whether the first administrator is still to be made.
    setup_required: bool,
    /// Whether people may sign in with a password.
    password: bool,
    /// Providers that people may sign in with.
    oidc: Vec<Provider>,
    /// `single-tenant` or `multi-tenant`.
    mode: &'static str,
}

/// A provider that people may sign in with.
#[derive(Debug, Serialize, ToSchema)]
pub struct Provider {
    /// What to name it by.
    id: String,
    /// What to call it.
    name: String,
}

/// List the ways to sign in
#[utoipa::path(get, path = "/auth/providers", tag = "auth", security(()),
    responses((status = 200, body = Providers), ReadProblems))]
pub async fn providers(State(app): State<App>) -> Result<Reply> {
    let setup_required = app.read_system(identity::is_setup_required).await?;
    let mode = app.config().server.mode.as_str();
    Ok(Reply::ok(&Providers { setup_required, password: true, oidc: Vec::new(), mode }))
}

/// The first administrator and their organization.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// The one-time token from the log or the data directory.
    token: String,
    /// 1 to 100 characters.
    org_name: String,
    /// 3 to 50 characters from a-z, 0-9 and `-`.
    org_slug: String,
    /// The administrator's address.
    email: String,
    /// Their name, 1 to 100 characters.
    display_name: String,
    /// 10 to 200 characters.
    password: String,
}

/// Make the first organization and its administrator, once
#[utoipa::path(post, path = "/auth/setup", tag = "auth", security(()), request_body = Setup,
    responses((status = 201, body = Me), WriteProblems))]
pub async fn setup(State(app): State<App>, client: Client, Json(body): Json<Setup>) -> Result<Reply> {
    let Setup { token, org_name, org_slug, email, display_name, password } = body;
    let first = First { org_name, org_slug, email, display_name };
    let signed_in = sign_in::set_up(&app, &client, &token, first, password).await?;
    Ok(signed_in.reply(&app, StatusCode::CREATED))
}

/// An address and its password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The sign-in address.
    email: String,
    /// The password.
    password: String,
}

/// Sign in with a password
#[utoipa::path(post, path = "/auth/login", tag = "auth", security(()), request_body = Login,
    responses((status = 200, body = Me), WriteProblems))]
pub async fn login(State(app): State<App>, client: Client, Json(body): Json<Login>) -> Result<Reply> {
    let signed_in = sign_in::with_password(&app, &client, &body.email, body.password).await?;
    Ok(signed_in.reply(&app, StatusCode::OK))
}

/// Renew the session
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", security(("session" = [])),
    responses((status = 200, body = Me), WriteProblems))]
pub async fn refresh(State(app): State<App>, Signed(claims): Signed, _: EmptyPost) -> Result<Reply> {
    let signed_in = sign_in::renew(&app, claims).await?;
    Ok(signed_in.reply(&app, StatusCode::OK))
}

/// Sign out
#[utoipa::path(post, path = "/auth/logout", tag = "auth", security(("session" = [])),
    responses((status = 204), WriteProblems))]
pub async fn logout(
    State(app): State<App>,
    client: Client,
    Signed(claims): Signed,
    _: EmptyPost,
) -> Result<Reply> {
    let origin = client.origin();
    app.write_system(move |tx| session::leave(tx, claims.sub, claims.sid, &origin)).await?;
    Ok(sign_in::signed_out(&app))
}

/// Get the caller and what they belong to
#[utoipa::path(get, path = "/auth/me", tag = "auth", responses((status = 200, body = Me), ReadProblems))]
pub async fn me(State(app): State<App>, principal: Principal) -> Result<Reply> {
    let me = sign_in::me(&app, &principal).await?;
    Ok(Reply::ok(&me))
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The password until now.
    current: String,
    /// The password from now on: 10 to 200 characters.
    new: String,
}

/// Change the caller's password; their other sessions end
#[utoipa::path(post, path = "/auth/password", tag = "auth", security(("session" = [])),
    request_body = NewPassword, responses((status = 204), WriteProblems))]
pub async fn change_password(
    State(app): State<App>,
    client: Client,
    principal: Principal,
    Json(body): Json<NewPassword>,
) -> Result<Reply> {
    sign_in::change_password(&app, &client, &principal, body.current, body.new).await?;
    Ok(Reply::nothing())
}

/// The caller's sessions.
#[derive(Serialize, ToSchema)]
pub struct Sessions {
    /// Newest first.
    data: Vec<SessionInfo>,
}

/// List the caller's sessions, newest first
#[utoipa::path(get, path = "/auth/sessions", tag = "auth", security(("session" = [])),
    responses((status = 200, body = Sessions), ReadProblems))]
pub async fn list_sessions(State(app): State<App>, principal: Principal) -> Result<Reply> {
    let (user_id, current) = (principal.user_id, sign_in::session_of(&principal).ok());
    let data = app.read_system(move |tx| session::list(tx, user_id, current)).await?;
    Ok(Reply::ok(&Sessions { data }))
}

/// End one of the caller's sessions
#[utoipa::path(delete, path = "/auth/sessions/{id}", tag = "auth", security(("session" = [])), params(IdPath),
    responses((status = 204), WriteProblems))]
pub async fn end_session(
    State(app): State<App>,
    client: Client,
    principal: Principal,
    Id(id): Id<SessionId>,
) -> Result<Reply> {
    sign_in::session_of(&principal)?;
    let (user_id, origin) = (principal.user_id, client.origin());
    app.write_system(move |tx| session::end(tx, user_id, id, &origin)).await?;
    Ok(Reply::nothing())
}

/// Whose password is forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgottenPassword {
    /// The sign-in address.
    email: String,
}

/// Ask for a new password; the answer does not tell whether the address is known
#[utoipa::path(post, path = "/auth/password-reset", tag = "auth", security(()), request_body = ForgottenPassword,
    responses((status = 202), WriteProblems))]
pub async fn request_password_reset(
    State(app): State<App>,
    client: Client,
    Json(body): Json<ForgottenPassword>,
) -> Result<Reply> {
    sign_in::forgot_password(&app, &client, body.email).await?;
    Ok(Reply::with_status(StatusCode::ACCEPTED, &serde_json::json!({})))
}

/// A new password, by a link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// What follows `#` in the link.
    token: String,
    /// 10 to 200 characters.
    password: String,
}

/// Set a new password by a link; every session ends
#[utoipa::path(post, path = "/auth/password-reset/confirm", tag = "auth", security(()),
    request_body = ResetPassword, responses((status = 204), WriteProblems))]
pub async fn confirm_password_reset(
    State(app): State<App>,
    client: Client,
    Json(body): Json<ResetPassword>,
) -> Result<Reply> {
    sign_in::reset_password(&app, &client, body.token, body.password).await?;
    Ok(Reply::nothing())
}

/// An invitation that is accepted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    /// What follows `#` in the link.
    token: String,
    /// 1 to 100 characters; needed unless the invited person is signed in.
    #[serde(default)]
    display_name: String,
    /// 10 to 200 characters; needed unless the invited person is signed in.
    #[serde(default)]
    password: String,
}

/// Accept an invitation
#[utoipa::path(post, path = "/auth/invite/accept", tag = "auth", security((), ("session" = [])),
    request_body = AcceptInvitation, responses((status = 201, body = Me), WriteProblems))]
pub async fn accept_invitation(
    State(app): State<App>,
    client: Client,
    MaybePrincipal(principal): MaybePrincipal,
    Json(body): Json<AcceptInvitation>,
) -> Result<Reply> {
    let AcceptInvitation { token, display_name, password } = body;
    sign_in::accept_invitation(&app, &client, principal.as_ref(), token, &display_name, password).await
}
