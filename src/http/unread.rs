//! What a handler leaves unread of a request's body.
//!
//! A request is often refused before its body has arrived: no credentials, no such route, another media
//! type. hyper would then close the connection without saying so, and a client that sends head and
//! body in two packets would lose its next request. So a small rest is read and thrown away, and for
//! anything else the response says `Connection: close`.
//!
//! Invariant: after a response without `Connection: close`, the connection takes the next request as
//! soon as the client has sent the body that it declared. Used by `serve` alone; must not know routes.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{CONNECTION, EXPECT};
use axum::http::{HeaderValue, Request};
use axum::response::Response;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::extract::BODY_TIME;

/// Bytes that are read and thrown away at most.
const DISCARD: usize = 64 * 1024;
/// How long a client may take to send what is thrown away.
const DISCARD_TIME: Duration = Duration::from_secs(10);
/// How long a response waits for the end of a body that does not declare its length: whether the
/// connection goes on must be known before the response is sent.
const CHUNKED_TIME: Duration = Duration::from_millis(250);

/// Answers one request, and sees to what is left of its body.
pub(super) async fn answer(
    router: Router,
    request: Request<Incoming>,
    stop: CancellationToken,
) -> Result<Response, Infallible> {
    if request.body().is_end_stream() {
        return router.oneshot(request.map(Body::new)).await;
    }
    let started = Instant::now();
    let waits_to_send = request.headers().contains_key(EXPECT);
    let (leave, mut left) = oneshot::channel();
    let request =
        request.map(|body| Body::new(Watched { body: Some(body), asked: false, leave: Some(leave) }));
    let mut response = router.oneshot(request).await?;
    if let Ok(rest) = left.try_recv() {
        // Whoever waits for `100 Continue` may now send the body or not: nobody can tell.
        let unclear = waits_to_send && !rest.asked;
        // A body that took its whole time already gets no more.
        let late = started.elapsed() >= BODY_TIME;
        if unclear || late || !discard(rest.body, stop).await {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
    Ok(response)
}

/// Throws the rest of a body away. `false` when that would take too long: then the connection must
/// be closed.
async fn discard(body: Incoming, stop: CancellationToken) -> bool {
    match body.size_hint().upper() {
        Some(length) if length <= DISCARD as u64 => {
            // The response need not wait for it. If the client does not send it, the connection ends.
            tokio::spawn(async move {
                tokio::select! {
                    _ = tokio::time::timeout(DISCARD_TIME, read(body)) => {}
                    () = stop.cancelled() => {}
                }
            });
            true
        }
        Some(_) => false,
        None => {
            let read = tokio::time::timeout(CHUNKED_TIME, read(Limited::new(body, DISCARD))).await;
            read.is_ok_and(|ended| ended)
        }
    }
}

/// Reads into nothing; `true` at the end of the body.
async fn read(body: impl http_body::Body<Data = Bytes>) -> bool {
    let mut body = std::pin::pin!(body);
    loop {
        match body.frame().await {
            None => return true,
            Some(Ok(_)) => {}
            Some(Err(_)) => return false,
        }
    }
}

/// What a handler left.
struct Rest {
    body: Incoming,
    /// Whether any of it was asked for.
    asked: bool,
}

/// A body that, dropped before its end, leaves the rest.
struct Watched {
    /// `None` after its end.
    body: Option<Incoming>,
    asked: bool,
    leave: Option<oneshot::Sender<Rest>>,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.asked = true;
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| !body.is_end_stream());
        if let (Some(body), Some(leave)) = (rest, self.leave.take()) {
            let _ = leave.send(Rest { body, asked: self.asked });
        }
    }
}
