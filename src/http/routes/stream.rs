//! The live event stream.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::domain::event::{self, Resume};
use crate::error::{Error, Result};
use crate::http::extract::Query;
use crate::http::openapi::{OrgPath, ReadProblems};
use crate::http::stream::sse::Sse;
use crate::realtime::{Cursor, Follow, Start};

/// How to listen.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// Go on after this event: `<epoch>.<sequence_id>` or `<sequence_id>`; `0` = from the
    /// beginning. The header `Last-Event-ID` says the same and counts first.
    last_event_id: Option<String>,
    /// `1`: also moments that are never stored (typing, presence, own read markers).
    #[param(minimum = 0, maximum = 1)]
    ephemeral: Option<u8>,
}

/// Stream events as they happen (Server-Sent Events)
#[utoipa::path(get, path = "/orgs/{slug}/events/stream", tag = "events", params(OrgPath, StreamQuery),
    responses((status = 200, content_type = "text/event-stream", body = String), ReadProblems))]
pub async fn stream_events(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<StreamQuery>,
) -> Result<Response> {
    // A header that is not text must be refused as an id, not taken for "from now on".
    let header = headers.get("last-event-id").map(|value| String::from_utf8_lossy(value.as_bytes()));
    let resume = resume(header.as_deref().or(query.last_event_id.as_deref()))?;
    let ephemeral = match query.ephemeral.unwrap_or(0) {
        flag @ (0 | 1) => flag == 1,
        _ => return Err(Error::field("ephemeral", "must be 0 or 1")),
    };
    // The seat first: what is committed from here on reaches the room while the log is read.
    let seat = app.hub().sit(caller.org_id, caller.user_id, app.config().limits.max_streams_per_org)?;
    let head = app.read(&caller, |tx| Ok(crate::store::event::head(tx)?)).await?;
    let (seq, reset) = event::start(head, resume);
    let start = Start { cursor: Cursor { epoch: head.epoch, seq }, reset, ephemeral };
    let follow = Follow::new(seat, app.listener(&caller), start);
    const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store"), (UNBUFFERED, "no")];
    Ok((headers, Body::new(Sse::new(follow))).into_response())
}

fn resume(text: Option<&str>) -> Result<Resume> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(Resume::Now);
    };
    let parsed = match text.split_once('.') {
        Some((epoch, seq)) => epoch.parse().ok().zip(seq.parse().ok()).map(|(epoch, seq)| (Some(epoch), seq)),
        None => text.parse().ok().map(|seq| (None, seq)),
    };
    parsed.filter(|(_, seq): &(_, i64)| *seq >= 0).map(|(epoch, seq)| Resume::After(epoch, seq)).ok_or_else(
        || Error::field("last_event_id", "must be an event's id such as `1771800000.42`, or `42`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_an_id_are_taken() {
        assert_eq!(resume(None).ok(), Some(Resume::Now));
        assert_eq!(resume(Some("7.42")).ok(), Some(Resume::After(Some(7), 42)));
        assert_eq!(resume(Some("0")).ok(), Some(Resume::After(None, 0)));
        for wrong in ["x", "-1", "1.-1", "1.2.3", "99999999999999999999"] {
            assert!(resume(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
