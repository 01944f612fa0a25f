//! Subscriptions of the caller.

use axum::extract::State;
use mission_control_shared::Subscriptions;

use crate::app::App;
use crate::auth::Caller;
use crate::domain::subscription;
use crate::error::Result;
use crate::http::extract::Json;
use crate::http::openapi::{OrgPath, ReadProblems, WriteProblems};
use crate::http::reply::Reply;

/// Get what the caller wants to hear of
#[utoipa::path(get, path = "/orgs/{slug}/subscriptions", tag = "subscriptions", params(OrgPath),
    responses((status = 200, body = Subscriptions), ReadProblems))]
pub async fn get_subscriptions(State(app): State<App>, caller: Caller) -> Result<Reply> {
    let subscriptions = app.read(&caller, subscription::get).await?;
    Ok(Reply::ok(&subscriptions))
}

/// Replace what the caller wants to hear of
#[utoipa::path(put, path = "/orgs/{slug}/subscriptions", tag = "subscriptions", params(OrgPath),
    request_body = Subscriptions, responses((status = 200, body = Subscriptions), WriteProblems))]
pub async fn put_subscriptions(
    State(app): State<App>,
    caller: Caller,
    Json(wanted): Json<Subscriptions>,
) -> Result<Reply> {
    let subscriptions = app.write(&caller, move |tx| subscription::replace(tx, &wanted)).await?;
    Ok(Reply::ok(&subscriptions))
}
