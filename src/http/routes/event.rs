//! The event log.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use mission_control_shared::{ChannelId, Cursored, Event, EventKind, ProjectId, TaskId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::Caller;
use crate::domain::event::{self, Wanted};
use crate::error::{Error, Result};
use crate::events::Recorded;
use crate::http::csv;
use crate::http::extract::{Query, UserRef, limit};
use crate::http::openapi::{OrgPath, ReadProblems};
use crate::http::reply::Reply;
use crate::store::event::Direction;

/// How the list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// A page.
    Json,
    /// Everything that the filters leave, oldest first (administrators).
    Csv,
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// Of any of these types.
    #[serde(default, rename = "type")]
    kind: Vec<String>,
    /// By this actor, or `me`.
    #[param(value_type = Option<String>)]
    actor_id: Option<UserRef>,
    /// About this project.
    project_id: Option<ProjectId>,
    /// About this task.
    task_id: Option<TaskId>,
    /// About this channel.
    channel_id: Option<ChannelId>,
    /// At this time or later.
    from: Option<Timestamp>,
    /// Before this time.
    to: Option<Timestamp>,
    /// Newest first, before this number (the default, from the newest on).
    before: Option<i64>,
    /// Oldest first, after this number.
    after: Option<i64>,
    /// Events on a page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// `csv` exports everything that the filters leave (administrators).
    #[param(inline)]
    format: Option<Format>,
}

impl EventsQuery {
    fn wanted(&self, caller: &Caller) -> Result<Wanted> {
        let kind = |text: &String| text.parse().map_err(|problem: String| Error::field("type", problem));
        Ok(Wanted {
            kinds: self.kind.iter().map(kind).collect::<Result<Vec<EventKind>>>()?,
            actor_id: self.actor_id.map(|user| user.of(caller.user_id)),
            project_id: self.project_id,
            task_id: self.task_id,
            channel_id: self.channel_id,
            from: self.from,
            to: self.to,
        })
    }

    fn direction(&self) -> Result<Direction> {
        match (self.before, self.after) {
            (Some(_), Some(_)) => Err(Error::field("after", "give either `before` or `after`")),
            (_, Some(after)) => Ok(Direction::After(after)),
            (before, None) => Ok(Direction::Before(before.unwrap_or(i64::MAX))),
        }
    }
}

/// An event that is JSON already.
#[derive(Serialize)]
#[serde(transparent)]
struct Ready(Box<RawValue>);

impl From<&Recorded> for Ready {
    fn from(event: &Recorded) -> Ready {
        Ready(RawValue::from_string(event.json()).expect("an event becomes JSON"))
    }
}

/// List events, newest first
#[utoipa::path(get, path = "/orgs/{slug}/events", tag = "events", params(OrgPath, EventsQuery),
    responses(
        (status = 200, content((Cursored<Event, Option<i64>> = "application/json"), (String = "text/csv"))),
        ReadProblems
    ))]
pub async fn list_events(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<EventsQuery>,
) -> Result<Response> {
    let (wanted, direction, limit) = (query.wanted(&caller)?, query.direction()?, limit(query.limit)?);
    if query.format == Some(Format::Csv) {
        if query.before.is_some() || query.after.is_some() || query.limit.is_some() {
            return Err(Error::field(
                "format",
                "`csv` exports everything that the filters leave: leave `before`, `after` and `limit` out",
            ));
        }
        return export(app, caller, wanted).await;
    }
    let (events, next_cursor) =
        app.read(&caller, move |tx| event::list(tx, &wanted, direction, limit)).await?;
    let data: Vec<Ready> = events.iter().map(Ready::from).collect();
    Ok(Reply::ok(&Cursored { data, next_cursor }).into_response())
}

/// Sends the export page by page, so that it takes no memory and holds no view of the rows.
async fn export(app: App, caller: Caller, wanted: Wanted) -> Result<Response> {
    let page = |app: App, caller: Caller, wanted: Wanted, after: i64| async move {
        app.read(&caller, move |tx| event::export(tx, &wanted, after)).await
    };
    // The first page here, so that a refusal is an answer and no broken download.
    let first = page(app.clone(), caller.clone(), wanted.clone(), 0).await?;
    let pages = futures_util::stream::unfold((Some(first), true), move |(current, heading)| {
        let (app, caller, wanted) = (app.clone(), caller.clone(), wanted.clone());
        async move {
            let (events, next) = current?;
            let mut text = if heading { csv::HEADING.to_owned() } else { String::new() };
            events.iter().for_each(|event| csv::event(&mut text, event.json().as_bytes()));
            let following = match next {
                Some(after) => match page(app, caller, wanted, after).await {
                    Ok(following) => Some(following),
                    Err(error) => return Some((Err(error), (None, false))),
                },
                None => None,
            };
            Some((Ok(Bytes::from(text)), (following, false)))
        }
    });
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"events.csv\""),
    ];
    Ok((headers, Body::from_stream(pages)).into_response())
}
