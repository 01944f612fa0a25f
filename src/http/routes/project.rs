//! Projects, their stages and members.

use axum::extract::State;
use axum::http::StatusCode;
use mission_control_shared::{Paged, Project, ProjectId, ProjectStage, ProjectType, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::Caller;
use crate::domain::project::{self, NewProject, ProjectPatch, Wanted};
use crate::error::Result;
use crate::http::extract::{Id, IfMatch, Json, OtherId, Post, Query, UserRef, page};
use crate::http::openapi::{IdPath, OrgPath, OtherUserPath, ReadProblems, WriteProblems};
use crate::http::reply::{Reply, paged};

/// Which projects.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProjectsQuery {
    /// In any of these stages.
    #[serde(default)]
    stage: Vec<ProjectStage>,
    /// Of any of these types.
    #[serde(default, rename = "type")]
    kind: Vec<ProjectType>,
    /// Owned by this user, or `me`.
    #[param(value_type = Option<String>)]
    owner_id: Option<UserRef>,
    /// With this user, or `me`, as a member.
    #[param(value_type = Option<String>)]
    assigned_to: Option<UserRef>,
    /// With this in the name.
    q: Option<String>,
    /// Ended ones too.
    #[serde(default)]
    include_ended: bool,
    /// From 1.
    #[param(minimum = 1, default = 1)]
    page: Option<i64>,
    /// Items on a page.
    #[param(minimum = 1, maximum = 100, default = 25)]
    per_page: Option<i64>,
}

/// List projects, oldest first
#[utoipa::path(get, path = "/orgs/{slug}/projects", tag = "projects", params(OrgPath, ProjectsQuery),
    responses((status = 200, body = Paged<Project>), ReadProblems))]
pub async fn list_projects(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ProjectsQuery>,
) -> Result<Reply> {
    let page = page(query.page, query.per_page)?;
    let wanted = Wanted {
        stages: query.stage,
        kinds: query.kind,
        owner_id: query.owner_id.map(|user| user.of(caller.user_id)),
        assigned_to: query.assigned_to.map(|user| user.of(caller.user_id)),
        q: query.q,
        include_ended: query.include_ended,
    };
    let listed = app.read(&caller, move |tx| project::list(tx, &wanted, page)).await?;
    Ok(Reply::ok(&paged(listed, page)))
}

/// Create a project with its channel
#[utoipa::path(post, path = "/orgs/{slug}/projects", tag = "projects", params(OrgPath), request_body = NewProject,
    responses((status = 201, body = Project), WriteProblems))]
pub async fn create_project(State(app): State<App>, caller: Caller, post: Post<NewProject>) -> Result<Reply> {
    let new = post.body;
    app.post(&caller, post.key, StatusCode::CREATED, move |tx| project::create(tx, &new)).await
}

/// Get a project
#[utoipa::path(get, path = "/orgs/{slug}/projects/{id}", tag = "projects", params(OrgPath, IdPath),
    responses((status = 200, body = Project), ReadProblems))]
pub async fn get_project(State(app): State<App>, caller: Caller, Id(id): Id<ProjectId>) -> Result<Reply> {
    let project = app.read(&caller, move |tx| project::get(tx, id)).await?;
    Ok(Reply::ok(&project).version(project.version))
}

/// Change a project
#[utoipa::path(patch, path = "/orgs/{slug}/projects/{id}", tag = "projects", params(OrgPath, IdPath),
    request_body = ProjectPatch, responses((status = 200, body = Project), WriteProblems))]
pub async fn update_project(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ProjectId>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<ProjectPatch>,
) -> Result<Reply> {
    let project = app.write(&caller, move |tx| project::update(tx, id, &patch, expected)).await?;
    Ok(Reply::ok(&project).version(project.version))
}

/// End a project's life, for good
#[utoipa::path(delete, path = "/orgs/{slug}/projects/{id}", tag = "projects", params(OrgPath, IdPath),
    responses((status = 204), WriteProblems))]
pub async fn end_project(State(app): State<App>, caller: Caller, Id(id): Id<ProjectId>) -> Result<Reply> {
    app.write(&caller, move |tx| project::end(tx, id)).await?;
    Ok(Reply::nothing())
}

/// Where to move a project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectTransition {
    /// One stage forward, or any stage back.
    to_stage: ProjectStage,
    /// Why; up to 2,000 characters.
    comment: Option<String>,
}

/// Move a project to another stage
#[utoipa::path(post, path = "/orgs/{slug}/projects/{id}/transition", tag = "projects", params(OrgPath, IdPath),
    request_body = ProjectTransition, responses((status = 200, body = Project), WriteProblems))]
pub async fn transition_project(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ProjectId>,
    post: Post<ProjectTransition>,
) -> Result<Reply> {
    let ProjectTransition { to_stage, comment } = post.body;
    app.post(&caller, post.key, StatusCode::OK, move |tx| {
        project::transition(tx, id, to_stage, comment.as_deref())
    })
    .await
}

/// The members of a project.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Members {
    /// Their ids.
    user_ids: Vec<UserId>,
}

/// List a project's members
#[utoipa::path(get, path = "/orgs/{slug}/projects/{id}/members", tag = "projects", params(OrgPath, IdPath),
    responses((status = 200, body = Members), ReadProblems))]
pub async fn list_members(State(app): State<App>, caller: Caller, Id(id): Id<ProjectId>) -> Result<Reply> {
    let user_ids = app.read(&caller, move |tx| project::members(tx, id)).await?;
    Ok(Reply::ok(&Members { user_ids }))
}

/// Add members to a project
#[utoipa::path(post, path = "/orgs/{slug}/projects/{id}/members", tag = "projects", params(OrgPath, IdPath),
    request_body = Members, responses((status = 200, body = Project), WriteProblems))]
pub async fn add_members(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ProjectId>,
    post: Post<Members>,
) -> Result<Reply> {
    let users = post.body.user_ids;
    app.post(&caller, post.key, StatusCode::OK, move |tx| project::add_members(tx, id, &users)).await
}

/// Take a member out of a project
#[utoipa::path(delete, path = "/orgs/{slug}/projects/{id}/members/{other_id}", tag = "projects",
    params(OrgPath, IdPath, OtherUserPath), responses((status = 204), WriteProblems))]
pub async fn remove_member(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ProjectId>,
    OtherId(user): OtherId<UserRef>,
) -> Result<Reply> {
    let user_id = user.of(caller.user_id);
    app.write(&caller, move |tx| project::remove_member(tx, id, user_id)).await?;
    Ok(Reply::nothing())
}
