//! Looks at the API that a client says it is made for.
//!
//! A client that says nothing is served. One that this server does not go with is refused before
//! any route sees it, told how to mend that, and named in the log. Which ones go with it, the shared
//! contract says.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use mission_control_shared::{API_VERSION, API_VERSION_HEADER, Compatibility, OLDEST_CLIENT, range};

use crate::error::Error;

/// A refused client comes again and again; the log has it from time to time.
const SILENCE: Duration = Duration::from_secs(60);

/// Refuses a client of another API.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Error> {
    let Some(value) = headers.get(API_VERSION_HEADER) else { return Ok(()) };
    let theirs = value.to_str().unwrap_or("something unreadable");
    let mend = match Compatibility::of_client(theirs) {
        Compatibility::Full | Compatibility::Newer => return Ok(()),
        Compatibility::TooOld => "update the client (`mc-bridge`) to a release of such an API",
        Compatibility::TooNew => "update this server, or take the client (`mc-bridge`) that goes with it",
        Compatibility::Unknown => "send such a version, or leave the header out",
    };
    let accepted = range(OLDEST_CLIENT);
    tell(headers, theirs, mend);
    // It comes back as it was sent, but not at any length.
    let theirs: String = theirs.chars().take(20).collect();
    Err(Error::UnsupportedApiVersion(format!(
        "the client speaks API {theirs}, this server speaks {API_VERSION} and works with clients of {accepted}: {mend}"
    )))
}

fn tell(headers: &HeaderMap, theirs: &str, mend: &str) {
    static TOLD: Mutex<Option<Instant>> = Mutex::new(None);
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.is_some_and(|at| at.elapsed() < SILENCE) {
        return;
    }
    *told = Some(Instant::now());
    let client = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("unknown");
    tracing::warn!(
        client,
        client.api_version = theirs,
        server.api_version = API_VERSION,
        "a client of another API was refused: {mend}"
    );
}
