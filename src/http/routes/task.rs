//! Tasks: their lists, moves, evidence and dependencies.

use axum::extract::State;
use axum::http::StatusCode;
use mission_control_shared::{
    Date, EvidenceId, Paged, Priority, ProjectId, Task, TaskId, TaskStatus, TaskType, UserId,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::Caller;
use crate::domain::task::{
    self, NewEvidence, NewTask, Order, Sort, TaskPatch, TaskTransition, TaskWithMoves, Wanted,
};
use crate::error::Result;
use crate::http::extract::{EmptyPost, Id, IfMatch, Json, OtherId, Post, Query, UserRef, page};
use crate::http::openapi::{IdPath, OrgPath, OtherIdPath, ReadProblems, WriteProblems};
use crate::http::reply::{Reply, paged};

/// Which tasks; a filter that is repeated takes any of its values.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TasksQuery {
    /// In any of these columns.
    #[serde(default)]
    status: Vec<TaskStatus>,
    /// Of any of these priorities.
    #[serde(default)]
    priority: Vec<Priority>,
    /// Of any of these types.
    #[serde(default, rename = "type")]
    kind: Vec<TaskType>,
    /// In any of these projects.
    #[serde(default)]
    project_id: Vec<ProjectId>,
    /// Assigned to any of these users, or `me`.
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    assigned_to: Vec<UserRef>,
    /// Made by any of these users, or `me`.
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    created_by: Vec<UserRef>,
    /// Whether a dependency is unfinished.
    blocked: Option<bool>,
    /// Due before this day; today finds what is overdue.
    due_before: Option<Date>,
    /// Due after this day.
    due_after: Option<Date>,
    /// With this in the title.
    q: Option<String>,
    /// Archived ones too.
    #[serde(default)]
    include_archived: bool,
    /// What they are sorted by.
    #[serde(default)]
    #[param(inline, value_type = Option<Sort>)]
    sort: Sort,
    /// Which way.
    #[serde(default)]
    #[param(inline, value_type = Option<Order>)]
    order: Order,
    /// From 1.
    #[param(minimum = 1, default = 1)]
    page: Option<i64>,
    /// Items on a page.
    #[param(minimum = 1, maximum = 100, default = 25)]
    per_page: Option<i64>,
    /// The `next_cursor` of the page before, with the same filters and sort: pages by key, which
    /// misses nothing and repeats nothing while the list changes.
    cursor: Option<String>,
}

impl TasksQuery {
    fn wanted(self, caller: UserId) -> Wanted {
        let users = |users: Vec<UserRef>| users.into_iter().map(|user| user.of(caller)).collect();
        Wanted {
            statuses: self.status,
            priorities: self.priority,
            kinds: self.kind,
            project_ids: self.project_id,
            assigned_to: users(self.assigned_to),
            created_by: users(self.created_by),
            blocked: self.blocked,
            due_before: self.due_before,
            due_after: self.due_after,
            q: self.q,
            include_archived: self.include_archived,
            sort: self.sort,
            order: self.order,
        }
    }
}

/// List tasks, in the order of their columns
#[utoipa::path(get, path = "/orgs/{slug}/tasks", tag = "tasks", params(OrgPath, TasksQuery),
    responses((status = 200, body = Paged<Task>), ReadProblems))]
pub async fn list_tasks(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<TasksQuery>,
) -> Result<Reply> {
    let page = page(query.page, query.per_page)?;
    let cursor = query.cursor.clone();
    let wanted = query.wanted(caller.user_id);
    let listed = app.read(&caller, move |tx| task::list(tx, &wanted, page, cursor.as_deref())).await?;
    Ok(Reply::ok(&paged(listed, page)))
}

/// Create a task in the backlog
#[utoipa::path(post, path = "/orgs/{slug}/tasks", tag = "tasks", params(OrgPath), request_body = NewTask,
    responses((status = 201, body = Task), WriteProblems))]
pub async fn create_task(State(app): State<App>, caller: Caller, post: Post<NewTask>) -> Result<Reply> {
    let new = post.body;
    app.post(&caller, post.key, StatusCode::CREATED, move |tx| task::create(tx, &new)).await
}

/// Get a task and where it may go next
#[utoipa::path(get, path = "/orgs/{slug}/tasks/{id}", tag = "tasks", params(OrgPath, IdPath),
    responses((status = 200, body = TaskWithMoves), ReadProblems))]
pub async fn get_task(State(app): State<App>, caller: Caller, Id(id): Id<TaskId>) -> Result<Reply> {
    let found = app.read(&caller, move |tx| task::get(tx, id)).await?;
    Ok(Reply::ok(&found).version(found.task.version))
}

/// Change a task
#[utoipa::path(patch, path = "/orgs/{slug}/tasks/{id}", tag = "tasks", params(OrgPath, IdPath),
    request_body = TaskPatch, responses((status = 200, body = Task), WriteProblems))]
pub async fn update_task(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TaskId>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<TaskPatch>,
) -> Result<Reply> {
    let task = app.write(&caller, move |tx| task::update(tx, id, &patch, expected)).await?;
    Ok(Reply::ok(&task).version(task.version))
}

/// Archive a task; nothing of it is lost
#[utoipa::path(delete, path = "/orgs/{slug}/tasks/{id}", tag = "tasks", params(OrgPath, IdPath),
    responses((status = 204), WriteProblems))]
pub async fn archive_task(State(app): State<App>, caller: Caller, Id(id): Id<TaskId>) -> Result<Reply> {
    app.write(&caller, move |tx| task::archive(tx, id)).await?;
    Ok(Reply::nothing())
}

/// Restore an archived task
#[utoipa::path(post, path = "/orgs/{slug}/tasks/{id}/restore", tag = "tasks", params(OrgPath, IdPath),
    responses((status = 200, body = Task), WriteProblems))]
pub async fn restore_task(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TaskId>,
    post: EmptyPost,
) -> Result<Reply> {
    app.post(&caller, post.key, StatusCode::OK, move |tx| task::restore(tx, id)).await
}

/// Move a task to another column, or to another place in its own
#[utoipa::path(post, path = "/orgs/{slug}/tasks/{id}/transition", tag = "tasks", params(OrgPath, IdPath),
    request_body = TaskTransition, responses((status = 200, body = Task), WriteProblems))]
pub async fn transition_task(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TaskId>,
    IfMatch(expected): IfMatch,
    post: Post<TaskTransition>,
) -> Result<Reply> {
    let wanted = post.body;
    app.post(&caller, post.key, StatusCode::OK, move |tx| task::transition(tx, id, &wanted, expected)).await
}

/// Give evidence without moving the task
#[utoipa::path(post, path = "/orgs/{slug}/tasks/{id}/evidence", tag = "tasks", params(OrgPath, IdPath),
    request_body = NewEvidence, responses((status = 201, body = Task), WriteProblems))]
pub async fn add_evidence(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TaskId>,
    post: Post<NewEvidence>,
) -> Result<Reply> {
    let new = post.body;
    app.post(&caller, post.key, StatusCode::CREATED, move |tx| task::add_evidence(tx, id, &new)).await
}

/// Take a piece of evidence back
#[utoipa::path(delete, path = "/orgs/{slug}/tasks/{id}/evidence/{other_id}", tag = "tasks",
    params(OrgPath, IdPath, OtherIdPath), responses((status = 204), WriteProblems))]
pub async fn remove_evidence(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TaskId>,
    OtherId(evidence_id): OtherId<EvidenceId>,
) -> Result<Reply> {
    app.write(&caller, move |tx| task::remove_evidence(tx, id, evidence_id)).await?;
    Ok(Reply::nothing())
}

/// What a task has to wait for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDependency {
    /// The task that must be complete first.
    blocked_by_id: TaskId,
}

/// Let a task wait for another
#[utoipa::path(post, path = "/orgs/{slug}/tasks/{id}/dependencies", tag = "tasks", params(OrgPath, IdPath),
    request_body = NewDependency, responses((status = 201, body = Task), WriteProblems))]
pub async fn add_dependency(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TaskId>,
    post: Post<NewDependency>,
) -> Result<Reply> {
    let blocked_by_id = post.body.blocked_by_id;
    app.post(&caller, post.key, StatusCode::CREATED, move |tx| task::add_dependency(tx, id, blocked_by_id))
        .await
}

/// Let a task wait for another no longer
#[utoipa::path(delete, path = "/orgs/{slug}/tasks/{id}/dependencies/{other_id}", tag = "tasks",
    params(OrgPath, IdPath, OtherIdPath), responses((status = 204), WriteProblems))]
pub async fn remove_dependency(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TaskId>,
    OtherId(blocked_by_id): OtherId<TaskId>,
) -> Result<Reply> {
    app.write(&caller, move |tx| task::remove_dependency(tx, id, blocked_by_id)).await?;
    Ok(Reply::nothing())
}
