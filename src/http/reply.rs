//! What handlers answer.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, ETAG, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use mission_control_shared::{Paged, Pagination};
use serde::Serialize;

use crate::domain::{Listed, Page};
use crate::error::Error;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A JSON answer.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    /// 200 with a body.
    pub fn ok(body: &impl Serialize) -> Reply {
        Reply::with_status(StatusCode::OK, body)
    }

    /// A body with another status.
    pub fn with_status(status: StatusCode, body: &impl Serialize) -> Reply {
        let body = serde_json::to_vec(body).expect("our own types always become JSON");
        Reply::raw(status, body)
    }

    /// JSON that is ready.
    pub fn raw(status: StatusCode, body: impl Into<Bytes>) -> Reply {
        Reply { status, headers: HeaderMap::new(), body: body.into() }
    }

    /// 204.
    pub fn nothing() -> Reply {
        Reply::raw(StatusCode::NO_CONTENT, Bytes::new())
    }

    /// With the `ETag` of this version.
    #[must_use]
    pub fn version(self, version: i64) -> Reply {
        let tag = HeaderValue::from_str(&format!("\"{version}\"")).expect("a number is a header value");
        self.header(ETAG.as_str(), tag)
    }

    /// With a header more.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: HeaderValue) -> Reply {
        self.headers.append(name, value);
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if self.status != StatusCode::NO_CONTENT {
            response.headers_mut().insert(CONTENT_TYPE, JSON);
        }
        response
    }
}

/// The answer to `page`.
pub fn paged<T>(listed: Listed<T>, page: Page) -> Paged<T> {
    let total_pages = (listed.total + page.per_page - 1) / page.per_page;
    let pagination = Pagination {
        page: page.page,
        per_page: page.per_page,
        total: listed.total,
        total_pages,
        total_exact: listed.exact,
    };
    Paged { data: listed.items, pagination, next_cursor: listed.next_cursor }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Error::Internal(cause) = &self {
            tracing::error!(error = format!("{cause:#}"), "a request failed");
        }
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut reply = Reply::with_status(status, &self.envelope());
        if let Some(seconds) = self.retry_after() {
            reply = reply.header(RETRY_AFTER.as_str(), seconds.into());
        }
        reply.into_response()
    }
}
