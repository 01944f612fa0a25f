//! What stands before every route: request id, the client's API, time limit, caught panics, headers,
//! metrics.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::version;
use crate::app::App;
use crate::error::Error;

/// A request that takes longer is given up; its writes stand or fall as a whole.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// The same for an upload, whose sender is held to a pace of its own.
const UPLOAD_TIME_LIMIT: Duration = Duration::from_secs(3_600);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const API_VERSION: HeaderName = HeaderName::from_static(mission_control_shared::API_VERSION_HEADER);
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
);

/// Runs a request with everything around it.
pub(super) async fn front(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = app.clock().id();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = tracing::info_span!("request", request.id = %id, http.method = %method);
    let known = span.in_scope(|| version::check(request.headers()));
    let run = async {
        match known {
            Ok(()) => next.run(request).await,
            Err(refused) => refused.into_response(),
        }
    };
    let running = AssertUnwindSafe(run.instrument(span.clone())).catch_unwind();
    let is_upload =
        method == Method::POST && route.as_ref().is_some_and(|route| route.as_str().ends_with("/files"));
    let time_limit = if is_upload { UPLOAD_TIME_LIMIT } else { TIME_LIMIT };
    let answer = match tokio::time::timeout(time_limit, running).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            span.in_scope(|| Error::Internal(anyhow::anyhow!("a handler panicked")).into_response())
        }
        Err(_) => span.in_scope(|| {
            tracing::warn!("a request took too long");
            Error::TookTooLong.into_response()
        }),
    };
    let response = dress(answer, &app, id);
    observe(&method, route.as_ref(), &response, started.elapsed());
    span.in_scope(|| tracing::debug!(http.status = response.status().as_u16(), "answered"));
    response
}

fn dress(mut response: Response, app: &App, id: uuid::Uuid) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    headers.reserve(10);
    let mut id_text = [0; uuid::fmt::Hyphenated::LENGTH];
    let id_text = id.as_hyphenated().encode_lower(&mut id_text);
    if let Ok(id) = HeaderValue::from_str(id_text) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(API_VERSION, HeaderValue::from_static(mission_control_shared::API_VERSION));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin"));
    headers.insert(PERMISSIONS_POLICY, HeaderValue::from_static("camera=(), microphone=(), geolocation=()"));
    if app.config().secure() {
        // For this name alone: what else lives below it is not ours to decide.
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000"));
    }
    // What belongs to a caller stays with them, unless a route says otherwise.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn observe(method: &Method, route: Option<&MatchedPath>, response: &Response, elapsed: Duration) {
    let labels = [
        ("method", method.as_str().to_owned()),
        ("route", route.map_or("other", MatchedPath::as_str).to_owned()),
        ("status", response.status().as_str().to_owned()),
    ];
    metrics::histogram!("mc_request_seconds", &labels).record(elapsed.as_secs_f64());
}
