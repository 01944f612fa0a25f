//! The HTTP client that all agents share, and what its answers come to.

use std::error::Error as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use mission_control_shared::{
    API_VERSION, API_VERSION_HEADER, Compatibility, ErrorEnvelope, OLDEST_SERVER, UNSUPPORTED_API_VERSION,
    range,
};
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};

use super::{Result, ServerError};
use crate::config::MissionControl;
use crate::tls;

/// Larger than any answer; a page of 100 messages has 1 MB.
const LARGEST_ANSWER: usize = 16 << 20;

/// One client for one server: its connections, its trust, its version.
#[derive(Clone)]
pub struct Http {
    pub(super) client: Client,
    told_newer: Arc<AtomicBool>,
    version: Arc<OnceLock<String>>,
}

impl Http {
    /// One client for this server.
    pub fn new(config: &MissionControl) -> anyhow::Result<Http> {
        let builder = Client::builder()
            .http1_only()
            .tcp_nodelay(true)
            .tcp_keepalive(Duration::from_secs(60))
            .connect_timeout(config.request_timeout.min(Duration::from_secs(10)))
            .pool_idle_timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(4)
            // A key goes nowhere but where the configuration says.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("mc-bridge/", env!("CARGO_PKG_VERSION")))
            // The server looks whether it goes with that.
            .default_headers(HeaderMap::from_iter([(
                HeaderName::from_static(API_VERSION_HEADER),
                HeaderValue::from_static(API_VERSION),
            )]));
        let builder = if !config.url.starts_with("https:") {
            builder.tls_backend_preconfigured(tls::of_nobody()?)
        } else if config.verify_tls {
            builder.tls_backend_preconfigured(tls::of_the_system()?)
        } else {
            tls::provider();
            builder.tls_danger_accept_invalid_certs(true)
        };
        let client = builder.build().context("set up the HTTP client")?;
        Ok(Http { client, told_newer: Arc::default(), version: Arc::default() })
    }

    /// The API that the server said it speaks, once it has answered.
    pub fn server_version(&self) -> Option<&str> {
        self.version.get().map(String::as_str)
    }

    /// Sends a request; gives its answer's head when it is a good one. `limit` is how long that may
    /// take.
    pub(super) async fn send(&self, request: RequestBuilder, limit: Duration) -> Result<Response> {
        let began = Instant::now();
        let answer = tokio::time::timeout(limit, request.send()).await;
        metrics::histogram!("bridge_mc_api_latency_seconds").record(began.elapsed());
        let answer = answer.map_err(|_| late(limit))?.map_err(|error| unreachable(&error))?;
        self.check_version(&answer)?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(tokio::time::timeout(limit, refused(answer)).await.unwrap_or_else(|_| late(limit)))
    }

    fn check_version(&self, answer: &Response) -> Result<()> {
        let Some(theirs) = answer.headers().get(API_VERSION_HEADER).and_then(|value| value.to_str().ok())
        else {
            return Ok(());
        };
        self.version.get_or_init(|| theirs.to_owned());
        let unsupported = |mend: &str| {
            let range = range(OLDEST_SERVER);
            Err(ServerError::Unsupported(format!(
                "the server speaks API {theirs}, this bridge speaks {API_VERSION} and works with servers of {range}: {mend}"
            )))
        };
        match Compatibility::of_server(theirs) {
            Compatibility::Full => {}
            Compatibility::Newer => {
                if !self.told_newer.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        server.api_version = theirs,
                        bridge.api_version = API_VERSION,
                        "the server speaks a newer API than this bridge: update the bridge when you can"
                    );
                }
            }
            Compatibility::TooOld => {
                return unsupported("update the server, or take the bridge that goes with it");
            }
            Compatibility::TooNew => return unsupported("update the bridge"),
            Compatibility::Unknown => {
                return unsupported("look whether `mission_control.url` is Mission Control's");
            }
        }
        Ok(())
    }
}

fn late(limit: Duration) -> ServerError {
    let reason = format!("the server did not answer for {} s", limit.as_secs_f32());
    ServerError::Unreachable { reason, retry_after: None }
}

/// An error of the network, in one line, without the address: the caller knows that.
pub(super) fn unreachable(error: &reqwest::Error) -> ServerError {
    let mut reason = "the server cannot be reached".to_owned();
    let mut source = error.source();
    while let Some(error) = source {
        source = error.source();
        // The outer ones say only what step it was.
        if source.is_none() {
            reason = format!("{reason}: {error}");
        }
    }
    ServerError::Unreachable { reason, retry_after: None }
}

/// The whole body of an answer.
pub(super) async fn body(mut answer: Response, limit: Duration) -> Result<Bytes> {
    let read = async {
        let announced =
            answer.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let mut whole = Vec::with_capacity(announced.unwrap_or(0usize).min(LARGEST_ANSWER));
        while let Some(part) = answer.chunk().await.map_err(|error| unreachable(&error))? {
            if whole.len() + part.len() > LARGEST_ANSWER {
                return Err(ServerError::Unreadable(format!(
                    "it is larger than {} MiB",
                    LARGEST_ANSWER >> 20
                )));
            }
            whole.extend_from_slice(&part);
        }
        Ok(Bytes::from(whole))
    };
    tokio::time::timeout(limit, read).await.map_err(|_| late(limit))?
}

async fn refused(answer: Response) -> ServerError {
    let status = answer.status();
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let retry_after = header(RETRY_AFTER).and_then(|text| text.parse().ok()).map(Duration::from_secs);
    if status.is_redirection() {
        let to = header(LOCATION).unwrap_or("another address").to_owned();
        return ServerError::Refused {
            status: status.as_u16(),
            code: "REDIRECT".to_owned(),
            message: format!("it redirects to {to}: write the final address in `mission_control.url`"),
            retry_after: None,
        };
    }
    let text = body(answer, Duration::MAX).await.unwrap_or_default();
    let told = serde_json::from_slice::<ErrorEnvelope>(&text).ok().map(|envelope| envelope.error);
    let told_by_proxy =
        || format!("HTTP {status}, and not in Mission Control's words: is there a proxy between?");
    let (code, message) = match told {
        Some(error) => {
            let details = error.details.iter().map(|detail| format!("`{}` {}", detail.field, detail.message));
            let all: Vec<String> = std::iter::once(error.message).chain(details).collect();
            (error.code, all.join("; "))
        }
        None => (format!("HTTP_{}", status.as_u16()), told_by_proxy()),
    };
    match status {
        _ if code == UNSUPPORTED_API_VERSION => ServerError::Unsupported(message),
        StatusCode::UNAUTHORIZED => ServerError::Unauthorized { message },
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => later(&message, retry_after),
        _ if status.is_server_error() => later(&message, retry_after),
        _ => ServerError::Refused { status: status.as_u16(), code, message, retry_after },
    }
}

fn later(message: &str, retry_after: Option<Duration>) -> ServerError {
    ServerError::Unreachable { reason: format!("the server cannot answer now: {message}"), retry_after }
}
