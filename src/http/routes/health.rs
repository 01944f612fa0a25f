//! Whether the server lives, is ready, and how it does.

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use subtle::ConstantTimeEq as _;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{Error, Noun, Result};
use crate::http::reply::Reply;
use crate::observe;
use crate::store::organization;

/// Alive.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Say that the server lives
#[utoipa::path(get, path = "/health", tag = "health", security(()), responses((status = 200, body = Health)))]
pub async fn health() -> Reply {
    Reply::ok(&Health { status: "ok" })
}

/// Ready, and what is not.
#[derive(Serialize, ToSchema)]
pub struct Ready {
    /// Whether requests are served in full.
    ready: bool,
    /// Whether rows can be read.
    database: bool,
    /// Whether the last commit went well.
    writable: bool,
}

/// Say whether the server serves requests in full
#[utoipa::path(get, path = "/ready", tag = "health", security(()),
    responses((status = 200, body = Ready), (status = 503, body = Ready)))]
pub async fn ready(State(app): State<App>) -> Reply {
    let database = app.read_system(|tx| Ok(organization::any_exists(tx)?)).await.is_ok();
    let writable = app.store().writable();
    let ready = database && writable;
    let body = Ready { ready, database, writable };
    if ready {
        return Reply::ok(&body);
    }
    Reply::with_status(StatusCode::SERVICE_UNAVAILABLE, &body)
        .header(RETRY_AFTER.as_str(), HeaderValue::from_static("1"))
}

/// Metrics in Prometheus' text format, for the bearer of the metrics token
#[utoipa::path(get, path = "/metrics", tag = "health", security(("api_key" = [])),
    responses((status = 200, content_type = "text/plain", body = String),
        (status = 404, body = mission_control_shared::ErrorEnvelope)))]
pub async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let open = app
        .config()
        .metrics
        .token
        .as_ref()
        .zip(given)
        .is_some_and(|(token, given)| token.expose().as_bytes().ct_eq(given.as_bytes()).into());
    if !open {
        return Err(Error::NotFound(Noun::Route));
    }
    let text = observe::metrics_text(app.config());
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
