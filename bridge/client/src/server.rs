//! One server: its connections, its certificates, the API that it speaks, and what its answers mean.

use std::error::Error as _;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use mission_control_shared::{
    API_VERSION, API_VERSION_HEADER, Compatibility, ErrorBody, ErrorEnvelope, OLDEST_SERVER,
    UNSUPPORTED_API_VERSION, range,
};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER,
};
use reqwest::{RequestBuilder, Response, StatusCode, Url, redirect};

use crate::error::{retry_after, with_details};
use crate::{Error, Result, SetupError};

/// Larger than any answer of the API.
const LARGEST_ANSWER: usize = 16 << 20;

/// How to reach a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its address with its base path, such as `https://mc.example.org`.
    pub url: String,
    /// Whether `https:` needs a certificate that the operating system trusts.
    pub verify_tls: bool,
    /// How long an answer may take: its head, then its body.
    pub request_timeout: Duration,
    /// How long an event stream may be silent; the server sends a heartbeat every 30 seconds.
    pub silence_timeout: Duration,
    /// The program that asks, in the `User-Agent` and in messages that name what to update.
    pub program: &'static str,
    /// Its version.
    pub program_version: &'static str,
    /// What the program's user calls the address, for messages, such as `` `mission_control.url` ``.
    pub url_name: &'static str,
    /// Called after each request with the time until its answer's head, or until it failed.
    pub on_answer: Option<fn(Duration)>,
}

impl Options {
    /// The usual limits: 30 seconds for an answer, 90 seconds of silence.
    pub fn new(url: impl Into<String>) -> Options {
        Options {
            url: url.into(),
            verify_tls: true,
            request_timeout: Duration::from_secs(30),
            silence_timeout: Duration::from_secs(90),
            program: env!("CARGO_PKG_NAME"),
            program_version: env!("CARGO_PKG_VERSION"),
            url_name: "the server's address",
            on_answer: None,
        }
    }
}

/// One server. Clones share its connections.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    api: String,
    http: reqwest::Client,
    said_newer: AtomicBool,
    version: OnceLock<String>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("url", &self.inner.options.url).finish_non_exhaustive()
    }
}

impl Server {
    /// Prepares connections; opens none.
    ///
    /// Errors: the address is none, or this system has no certificates to check `https:` with.
    pub fn new(options: Options) -> std::result::Result<Server, SetupError> {
        let url = options.url.trim_end_matches('/');
        let wrong = |why: &dyn fmt::Display| SetupError::new(format!("`{url}` is not an address: {why}"));
        let scheme = Url::parse(url).map_err(|error| wrong(&error))?.scheme().to_owned();
        if scheme != "http" && scheme != "https" {
            return Err(wrong(&"it must begin with `http://` or `https://`"));
        }
        let builder = reqwest::Client::builder()
            .http1_only()
            .tcp_nodelay(true)
            .tcp_keepalive(Duration::from_secs(60))
            .connect_timeout(options.request_timeout.min(Duration::from_secs(10)))
            .pool_idle_timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(4)
            // A key goes nowhere but to the configured address.
            .redirect(redirect::Policy::none())
            .user_agent(format!("{}/{}", options.program, options.program_version))
            .default_headers(HeaderMap::from_iter([
                // The server refuses a client of an API that it does not know.
                (HeaderName::from_static(API_VERSION_HEADER), HeaderValue::from_static(API_VERSION)),
                // Answers are small; no decoder is linked.
                (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
            ]));
        let builder = with_trust(builder, &scheme, options.verify_tls)?;
        let http = builder
            .build()
            .map_err(|error| SetupError::new(format!("set up the HTTP client: {}", innermost(&error))))?;
        let api = format!("{url}/api/v1");
        let (said_newer, version) = (AtomicBool::new(false), OnceLock::new());
        Ok(Server { inner: Arc::new(Inner { options, api, http, said_newer, version }) })
    }

    /// The API that the server speaks, once it has answered.
    pub fn api_version(&self) -> Option<&str> {
        self.inner.version.get().map(String::as_str)
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.options
    }

    /// The address of a path within the API.
    pub(crate) fn api_url(&self, path: &str) -> String {
        format!("{}/{path}", self.inner.api)
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.inner.http
    }

    /// Sends a request and gives its answer's head if it is a 2xx.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let (limit, began) = (self.inner.options.request_timeout, Instant::now());
        let answer = tokio::time::timeout(limit, request.send()).await;
        if let Some(on_answer) = self.inner.options.on_answer {
            on_answer(began.elapsed());
        }
        let answer = answer.map_err(|_| late(limit))?.map_err(|error| unreachable(&error))?;
        self.check_version(&answer)?;
        if !answer.status().is_success() {
            let refusal = tokio::time::timeout(limit, self.refusal(answer)).await;
            return Err(refusal.unwrap_or_else(|_| late(limit)));
        }
        match text(&answer, CONTENT_ENCODING) {
            None | Some("identity") => Ok(answer),
            Some(encoding) => Err(Error::Unreadable(format!(
                "it is compressed ({encoding}) though that was not asked for (a proxy in between?)"
            ))),
        }
    }

    /// The whole body of an answer.
    pub(crate) async fn body(&self, answer: Response) -> Result<Bytes> {
        let limit = self.inner.options.request_timeout;
        tokio::time::timeout(limit, read_body(answer)).await.map_err(|_| late(limit))?
    }

    fn check_version(&self, answer: &Response) -> Result<()> {
        let header = answer.headers().get(API_VERSION_HEADER).and_then(|value| value.to_str().ok());
        // A proxy may have removed it.
        let Some(theirs) = header else { return Ok(()) };
        self.inner.version.get_or_init(|| theirs.to_owned());
        let Options { program, url_name, .. } = self.inner.options;
        let what_to_do = match Compatibility::of_server(theirs) {
            Compatibility::Full => return Ok(()),
            Compatibility::Newer => {
                if !self.inner.said_newer.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        server.api_version = theirs,
                        client.api_version = API_VERSION,
                        "the server speaks a newer API than {program}: update {program} when you can"
                    );
                }
                return Ok(());
            }
            Compatibility::TooOld => {
                format!("update the server, or install the {program} that belongs to it")
            }
            Compatibility::TooNew => format!("update {program}"),
            Compatibility::Unknown => format!("check that {url_name} is Mission Control's"),
        };
        Err(Error::Unsupported(format!(
            "the server speaks API {theirs}, {program} speaks {API_VERSION} and works with servers of {}: {what_to_do}",
            range(OLDEST_SERVER)
        )))
    }

    /// What an answer other than 2xx means.
    async fn refusal(&self, answer: Response) -> Error {
        let status = answer.status();
        let after = text(&answer, RETRY_AFTER).and_then(|text| retry_after(text, SystemTime::now()));
        if status.is_redirection() {
            let to = text(&answer, LOCATION).unwrap_or("another address");
            let name = self.inner.options.url_name;
            let message = format!("it redirects to {to}; {name} must be the final address");
            let code = "REDIRECT".to_owned();
            return Error::Refused(ErrorBody { code, message, status: status.as_u16(), details: Vec::new() });
        }
        let bytes = read_body(answer).await.unwrap_or_default();
        let body = match serde_json::from_slice::<ErrorEnvelope>(&bytes) {
            Ok(envelope) => ErrorBody { status: status.as_u16(), ..envelope.error },
            Err(_) => ErrorBody {
                code: format!("HTTP_{}", status.as_u16()),
                message: format!("HTTP {status} without Mission Control's error body (a proxy in between?)"),
                status: status.as_u16(),
                details: Vec::new(),
            },
        };
        let is_temporary = status.is_server_error()
            || status == StatusCode::REQUEST_TIMEOUT
            || status == StatusCode::TOO_MANY_REQUESTS;
        match status {
            _ if body.code == UNSUPPORTED_API_VERSION => Error::Unsupported(with_details(&body)),
            StatusCode::UNAUTHORIZED => Error::Unauthorized(with_details(&body)),
            _ if is_temporary => Error::Unavailable {
                reason: format!("the server cannot answer now: {}", with_details(&body)),
                retry_after: after,
            },
            _ => Error::Refused(body),
        }
    }
}

#[cfg(feature = "tls")]
fn with_trust(
    builder: reqwest::ClientBuilder,
    scheme: &str,
    verify: bool,
) -> std::result::Result<reqwest::ClientBuilder, SetupError> {
    use crate::tls;
    Ok(match (scheme, verify) {
        ("https", true) => builder.tls_backend_preconfigured(tls::trust_system()?),
        ("https", false) => {
            tls::provider();
            builder.tls_danger_accept_invalid_certs(true)
        }
        _ => builder.tls_backend_preconfigured(tls::trust_nobody()?),
    })
}

#[cfg(not(feature = "tls"))]
fn with_trust(
    builder: reqwest::ClientBuilder,
    scheme: &str,
    _verify: bool,
) -> std::result::Result<reqwest::ClientBuilder, SetupError> {
    match scheme {
        "https" => Err(SetupError::new("this program is built without TLS: use `http:`".to_owned())),
        _ => Ok(builder),
    }
}

/// A header's value, if it is text.
pub(crate) fn text(answer: &Response, name: HeaderName) -> Option<&str> {
    answer.headers().get(name).and_then(|value| value.to_str().ok())
}

fn late(limit: Duration) -> Error {
    Error::unavailable(format!("the server did not answer within {} s", limit.as_secs_f32()))
}

/// An error of the network, without the address: the caller knows that.
pub(crate) fn unreachable(error: &reqwest::Error) -> Error {
    Error::unavailable(match error.source() {
        Some(_) => format!("the server cannot be reached: {}", innermost(error)),
        None => "the server cannot be reached".to_owned(),
    })
}

/// The cause at the bottom; those above it only say which step failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

async fn read_body(mut answer: Response) -> Result<Bytes> {
    let announced = text(&answer, CONTENT_LENGTH).and_then(|text| text.parse().ok()).unwrap_or(0usize);
    let mut whole = Vec::with_capacity(announced.min(LARGEST_ANSWER));
    while let Some(part) = answer.chunk().await.map_err(|error| unreachable(&error))? {
        if whole.len() + part.len() > LARGEST_ANSWER {
            return Err(Error::Unreadable(format!("it is larger than {} MiB", LARGEST_ANSWER >> 20)));
        }
        whole.extend_from_slice(&part);
    }
    Ok(Bytes::from(whole))
}
