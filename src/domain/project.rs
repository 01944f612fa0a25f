//! Projects: made, changed, moved through their stages, ended.

use std::collections::{BTreeMap, BTreeSet};

use mission_control_shared::{
    ChannelId, ErrorDetail, EventKind, Project, ProjectId, ProjectPayload, ProjectStage, ProjectType, UserId,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::check::{Check, changed};
use super::policy::{Action, Authority as _, Thing};
use super::{Listed, Page, channel, user};
use crate::error::{Conflict, Error, Noun, Result};
use crate::events::Draft;
use crate::store::{TenantTx, event, project};

pub use crate::store::project::Wanted;

/// A new project.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// 1 to 200 characters.
    pub name: String,
    /// What it makes.
    #[serde(rename = "type")]
    pub kind: ProjectType,
    /// Markdown, up to 50,000 characters.
    #[serde(default)]
    pub description: String,
    /// Who answers for it; the caller when left out.
    #[serde(default)]
    pub owner_id: Option<UserId>,
    /// Name → https URL.
    #[serde(default)]
    pub links: BTreeMap<String, String>,
}

/// What changes of a project; what is left out stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectPatch {
    /// 1 to 200 characters.
    #[serde(default, deserialize_with = "super::check::patch::kept")]
    pub name: Option<String>,
    /// What it makes.
    #[serde(rename = "type", default, deserialize_with = "super::check::patch::kept")]
    pub kind: Option<ProjectType>,
    /// Markdown, up to 50,000 characters; `null` clears it.
    #[serde(default, deserialize_with = "super::check::patch::cleared")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// Who answers for it.
    #[serde(default, deserialize_with = "super::check::patch::kept")]
    pub owner_id: Option<UserId>,
    /// Replaces all links; `null` clears them.
    #[serde(default, deserialize_with = "super::check::patch::cleared")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub links: Option<Option<BTreeMap<String, String>>>,
}

fn record(tx: &mut TenantTx<'_, '_>, kind: EventKind, payload: &ProjectPayload<'_>) -> Result<()> {
    let mut draft = Draft::new(kind, payload).projects(&[payload.project.id]);
    if let Some(user_id) = payload.user_id {
        draft = draft.subject(user_id);
    }
    Ok(event::append(tx, draft)?)
}

/// One project. Errors: `PROJECT_NOT_FOUND`.
pub fn get(tx: &mut TenantTx<'_, '_>, id: ProjectId) -> Result<Project> {
    let mut projects = vec![find(tx, id)?];
    project::add_members_and_counts(tx, &mut projects)?;
    projects.pop().ok_or(Error::NotFound(Noun::Project))
}

/// One project in the form of events: without counts.
fn find(tx: &mut TenantTx<'_, '_>, id: ProjectId) -> Result<Project> {
    project::find(tx, id)?.ok_or(Error::NotFound(Noun::Project))
}

/// A project that the actor may edit. Errors: `PROJECT_NOT_FOUND`, `FORBIDDEN`, `PROJECT_ENDED`.
fn find_editable(tx: &mut TenantTx<'_, '_>, id: ProjectId) -> Result<Project> {
    let project = find(tx, id)?;
    tx.require(Action::EditProject, &project)?;
    if project.ended_at.is_some() {
        return Err(Error::conflict(
            Conflict::ProjectEnded,
            "the project has ended and cannot change any more",
        ));
    }
    Ok(project)
}

/// A page of projects.
pub fn list(tx: &mut TenantTx<'_, '_>, wanted: &Wanted, page: Page) -> Result<Listed<Project>> {
    let (items, total) = project::page(tx, wanted, page.offset(), page.per_page)?;
    Ok(Listed::numbered(items, total))
}

/// Creates a project with its channel; creator and owner become members.
///
/// Errors: `FORBIDDEN`, `VALIDATION_FAILED`.
pub fn create(tx: &mut TenantTx<'_, '_>, new: &NewProject) -> Result<Project> {
    tx.require(Action::CreateProject, Thing::Organization)?;
    let mut check = Check::default();
    let name = check.text("name", &new.name, 1..=200);
    let description = check.text("description", &new.description, 0..=50_000);
    let links = check.links("links", &new.links);
    let owner_id = match new.owner_id.or(tx.actor().user_id) {
        Some(owner_id) => user::check_member(tx, &mut check, "owner_id", owner_id)?,
        None => return Err(Error::field("owner_id", "is missing: name who answers for the project")),
    };
    check.finish()?;
    let project = Project {
        id: ProjectId(tx.new_id()),
        org_id: tx.org_id(),
        name,
        kind: new.kind,
        description,
        owner_id,
        links,
        stage: ProjectStage::Definition,
        member_ids: Vec::new(),
        task_counts: None,
        channel_id: ChannelId(tx.new_id()),
        ended_at: None,
        version: 1,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    project::insert(tx, &project)?;
    record(tx, EventKind::ProjectCreated, &ProjectPayload::of(&project))?;
    // Members first: the channel's event is for members of the project alone.
    let members: BTreeSet<UserId> = tx.actor().user_id.into_iter().chain([owner_id]).collect();
    let project = add_members_to(tx, project, &members)?;
    channel::create_for_project(tx, &project)?;
    get(tx, project.id)
}

/// Changes a project.
///
/// Errors: `PROJECT_NOT_FOUND`, `PROJECT_ENDED`, `STALE_VERSION`, `VALIDATION_FAILED`, `FORBIDDEN`.
pub fn update(
    tx: &mut TenantTx<'_, '_>,
    id: ProjectId,
    patch: &ProjectPatch,
    expected: Option<i64>,
) -> Result<Project> {
    let before = find_editable(tx, id)?;
    super::check::version(before.version, expected)?;
    let mut check = Check::default();
    let mut project = before.clone();
    if let Some(name) = &patch.name {
        project.name = check.text("name", name, 1..=200);
    }
    if let Some(kind) = patch.kind {
        project.kind = kind;
    }
    if let Some(description) = &patch.description {
        project.description = check.text("description", description.as_deref().unwrap_or(""), 0..=50_000);
    }
    if let Some(owner_id) = patch.owner_id {
        project.owner_id = user::check_member(tx, &mut check, "owner_id", owner_id)?;
    }
    if let Some(links) = &patch.links {
        project.links = check.links("links", links.as_ref().unwrap_or(&BTreeMap::new()));
    }
    check.finish()?;
    let changed = changed!(before, project; name, kind as "type", description, owner_id, links);
    if !changed.is_empty() {
        let project = touch(tx, project)?;
        record(tx, EventKind::ProjectUpdated, &ProjectPayload { changed, ..ProjectPayload::of(&project) })?;
        if project.name != before.name {
            channel::rename_for_project(tx, &project)?;
        }
        if project.owner_id != before.owner_id {
            let owner = BTreeSet::from([project.owner_id]);
            add_members_to(tx, project, &owner)?;
        }
    }
    get(tx, id)
}

/// Stores a changed project under its next version.
fn touch(tx: &mut TenantTx<'_, '_>, mut project: Project) -> Result<Project> {
    project.version += 1;
    project.updated_at = tx.now();
    if !project::update(tx, &project)? {
        return Err(Error::StaleVersion);
    }
    Ok(project)
}

/// The stages that may follow: one forward, any back.
fn next_stages(stage: ProjectStage) -> Vec<ProjectStage> {
    let at = stage as usize;
    let living = ProjectStage::ALL.iter().filter(|next| **next != ProjectStage::EndOfLife);
    living.copied().filter(|next| (*next as usize) < at || *next as usize == at + 1).collect()
}

/// Moves a project to another stage.
///
/// Errors: `PROJECT_NOT_FOUND`, `PROJECT_ENDED`, `INVALID_TRANSITION` (details: the allowed ones),
/// `FORBIDDEN`.
pub fn transition(
    tx: &mut TenantTx<'_, '_>,
    id: ProjectId,
    to: ProjectStage,
    comment: Option<&str>,
) -> Result<Project> {
    let mut project = find_editable(tx, id)?;
    let mut check = Check::default();
    let comment = comment.map(|comment| check.text("comment", comment, 0..=2_000));
    check.finish()?;
    let from = project.stage;
    let allowed = next_stages(from);
    if !allowed.contains(&to) {
        let names: Vec<_> = allowed.iter().map(|stage| format!("`{stage}`")).collect();
        let message = format!("a project in `{from}` can go to {}", names.join(", "));
        let detail =
            |stage: &ProjectStage| ErrorDetail { field: "to_stage".to_owned(), message: stage.to_string() };
        return Err(Error::Conflict(
            Conflict::InvalidTransition,
            message,
            allowed.iter().map(detail).collect(),
        ));
    }
    project.stage = to;
    let project = touch(tx, project)?;
    let payload = ProjectPayload { from: Some(from), to: Some(to), comment, ..ProjectPayload::of(&project) };
    record(tx, EventKind::ProjectTransitioned, &payload)?;
    get(tx, id)
}

/// Ends a project's life, for good: it leaves the default lists, its channel becomes read-only.
///
/// Errors: `PROJECT_NOT_FOUND`, `FORBIDDEN`. Ending it twice is ending it once.
pub fn end(tx: &mut TenantTx<'_, '_>, id: ProjectId) -> Result<()> {
    let mut project = find(tx, id)?;
    tx.require(Action::EndProject, &project)?;
    if project.ended_at.is_some() {
        return Ok(());
    }
    project.stage = ProjectStage::EndOfLife;
    project.ended_at = Some(tx.now());
    let project = touch(tx, project)?;
    record(tx, EventKind::ProjectDeleted, &ProjectPayload::of(&project))
}

/// The ids of a project's members. Errors: `PROJECT_NOT_FOUND`.
pub fn members(tx: &mut TenantTx<'_, '_>, id: ProjectId) -> Result<Vec<UserId>> {
    Ok(find(tx, id)?.member_ids)
}

/// Adds members; those who are one already stay.
///
/// Errors: `PROJECT_NOT_FOUND`, `PROJECT_ENDED`, `VALIDATION_FAILED` (unknown users), `FORBIDDEN`.
pub fn add_members(tx: &mut TenantTx<'_, '_>, id: ProjectId, users: &[UserId]) -> Result<Project> {
    let project = find_editable(tx, id)?;
    let mut check = Check::default();
    if users.is_empty() || users.len() > 100 {
        check.problem("user_ids", "name 1 to 100 users");
    }
    for (index, user_id) in users.iter().enumerate() {
        user::check_member(tx, &mut check, &format!("user_ids.{index}"), *user_id)?;
    }
    check.finish()?;
    let users = users.iter().copied().collect();
    add_members_to(tx, project, &users)?;
    get(tx, id)
}

fn add_members_to(
    tx: &mut TenantTx<'_, '_>,
    mut project: Project,
    users: &BTreeSet<UserId>,
) -> Result<Project> {
    for user_id in users {
        let now = tx.now();
        if project::add_member(tx, project.id, *user_id, now)? {
            project.member_ids.push(*user_id);
            record(
                tx,
                EventKind::ProjectUserAssigned,
                &ProjectPayload { user_id: Some(*user_id), ..ProjectPayload::of(&project) },
            )?;
        }
    }
    Ok(project)
}

/// Takes a member out.
///
/// Errors: `PROJECT_NOT_FOUND`, `USER_NOT_FOUND` (no member), `PROJECT_ENDED`,
/// `OWNER_MUST_BE_MEMBER`, `FORBIDDEN`.
pub fn remove_member(tx: &mut TenantTx<'_, '_>, id: ProjectId, user_id: UserId) -> Result<()> {
    let project = find_editable(tx, id)?;
    if project.owner_id == user_id {
        return Err(Error::conflict(
            Conflict::OwnerMustBeMember,
            "the owner is always a member: give the project another owner first",
        ));
    }
    if !take_out(tx, project, user_id)? {
        return Err(Error::NotFound(Noun::User));
    }
    Ok(())
}

/// Takes a user out of every project, when they leave the organization.
pub fn remove_member_everywhere(tx: &mut TenantTx<'_, '_>, user_id: UserId) -> Result<()> {
    for id in project::of_member(tx, user_id)? {
        let project = find(tx, id)?;
        take_out(tx, project, user_id)?;
    }
    Ok(())
}

fn take_out(tx: &mut TenantTx<'_, '_>, mut project: Project, user_id: UserId) -> Result<bool> {
    if !project::remove_member(tx, project.id, user_id)? {
        return Ok(false);
    }
    project.member_ids.retain(|member| *member != user_id);
    record(
        tx,
        EventKind::ProjectUserUnassigned,
        &ProjectPayload { user_id: Some(user_id), ..ProjectPayload::of(&project) },
    )?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stage_forward_and_any_back() {
        use ProjectStage::{Definition, Development, Maintenance, Poc, Testing};
        assert_eq!(next_stages(Definition), [Poc]);
        assert_eq!(next_stages(Development), [Definition, Poc, Testing]);
        assert!(!next_stages(Maintenance).contains(&ProjectStage::EndOfLife));
    }
}
