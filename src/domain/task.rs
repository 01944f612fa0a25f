//! Tasks: made, found, put in order, archived and restored. Changing, moving, evidence and
//! dependencies have files of their own below.
//!
//! Every member sees every task. An archived task keeps everything it has, its position included,
//! and changes only by being restored.

mod dependency;
mod evidence;
mod patch;
mod place;
mod transition;

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mission_control_shared::{
    EventKind, Evidence, EvidenceType, Priority, ProjectId, Task, TaskId, TaskStatus, TaskType, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::place::{Place, place};
use super::check::Check;
use super::policy::{Action, Authority as _, Thing};
use super::{Listed, Page, settings, user};
use crate::error::{Conflict, Error, Noun, Result};
use crate::events::Draft;
use crate::store::{TenantTx, event, project, task};

pub use self::dependency::{add_dependency, remove_dependency};
pub use self::evidence::{NewEvidence, add_evidence, remove_evidence};
pub use self::patch::{TaskPatch, update};
pub use self::transition::{NextMove, TaskTransition, TaskWithMoves, get, transition};
use crate::store::task::{After, Part};
pub use crate::store::task::{Order, Sort, Wanted};

/// Most projects, and most assignees, of one task.
const LISTED_LIMIT: usize = 50;
/// Tasks that are changed from one read, where many are.
const CHUNK: usize = 100;

/// A new task. It starts in `backlog`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTask {
    /// 1 to 500 characters.
    pub title: String,
    /// What it is; `chore` when left out.
    #[serde(rename = "type", default)]
    pub kind: Option<TaskType>,
    /// How urgent; the organization's default when left out.
    #[serde(default)]
    pub priority: Option<Priority>,
    /// Markdown, up to 50,000 characters.
    #[serde(default)]
    pub description: String,
    /// The projects it belongs to, up to 50.
    #[serde(default)]
    pub project_ids: Vec<ProjectId>,
    /// Who works on it, up to 50 members.
    #[serde(default)]
    pub assignee_ids: Vec<UserId>,
    /// Evidence that must be there before it can be complete; the organization's default when left out.
    #[serde(default)]
    pub required_evidence_types: Option<Vec<EvidenceType>>,
    /// Right below this task of the backlog; at the top without it.
    #[serde(default)]
    pub after_id: Option<TaskId>,
    /// Right above this task of the backlog.
    #[serde(default)]
    pub before_id: Option<TaskId>,
}

/// What an event says of a task.
#[derive(Serialize)]
struct Payload<'a> {
    task: &'a Task,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'a Evidence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_by_id: Option<TaskId>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    changed: &'a [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<TaskStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<TaskStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
}

impl<'a> Payload<'a> {
    fn of(task: &'a Task) -> Self {
        Payload {
            task,
            user_id: None,
            evidence: None,
            blocked_by_id: None,
            changed: &[],
            from: None,
            to: None,
            comment: None,
        }
    }
}

/// Appends an event about a task: everybody whom it is assigned to hears of it, and the one whom it
/// was taken from.
fn record(tx: &mut TenantTx<'_, '_>, kind: EventKind, payload: &Payload<'_>) -> Result<()> {
    let task = payload.task;
    let mut draft = Draft::new(kind, payload)
        .projects(&task.project_ids)
        .task(task.id)
        .addressed(task.assignee_ids.iter().copied());
    if let Some(user_id) = payload.user_id.filter(|user_id| !task.assignee_ids.contains(user_id)) {
        draft = draft.addressed([user_id]);
    }
    Ok(event::append(tx, draft)?)
}

/// One task, for whoever only wants to know what it is. Errors: `TASK_NOT_FOUND`.
pub fn visible(tx: &mut TenantTx<'_, '_>, id: TaskId) -> Result<Task> {
    task::find(tx, id)?.ok_or(Error::NotFound(Noun::Task))
}

/// One task to which the actor may do this, and which is not archived.
///
/// Errors: `TASK_NOT_FOUND`, `FORBIDDEN`, `TASK_ARCHIVED`.
fn find_for(tx: &mut TenantTx<'_, '_>, action: Action, id: TaskId) -> Result<Task> {
    let task = visible(tx, id)?;
    tx.require(action, &task)?;
    if task.archived_at.is_some() {
        return Err(archived("the task is archived: restore it first"));
    }
    Ok(task)
}

fn archived(message: &str) -> Error {
    Error::conflict(Conflict::TaskArchived, message)
}

/// A page of tasks, or those behind a cursor.
///
/// Errors: `VALIDATION_FAILED` (a cursor of another list), `PAGE_TOO_DEEP`.
pub fn list(
    tx: &mut TenantTx<'_, '_>,
    wanted: &Wanted,
    page: Page,
    cursor: Option<&str>,
) -> Result<Listed<Task>> {
    let after = cursor.map(|cursor| read_cursor(cursor, wanted)).transpose()?;
    let offset = if after.is_some() { 0 } else { page.offset() };
    let found = task::page(tx, wanted, &Part { offset, after, limit: page.per_page })?;
    if found.too_deep {
        return Err(Error::PageTooDeep);
    }
    let next_cursor = found.next.map(|next| {
        let json = serde_json::to_vec(&next).expect("our own types always become JSON");
        URL_SAFE_NO_PAD.encode(json)
    });
    Ok(Listed { items: found.tasks, total: found.total, exact: found.exact, next_cursor })
}

fn read_cursor(cursor: &str, wanted: &Wanted) -> Result<After> {
    let json = URL_SAFE_NO_PAD.decode(cursor).ok();
    let after: Option<After> = json.and_then(|json| serde_json::from_slice(&json).ok());
    after.filter(|after| after.suits(wanted)).ok_or_else(|| {
        Error::field(
            "cursor",
            "is no cursor of this list: give the `next_cursor` of a page with the same sort",
        )
    })
}

/// Creates a task in the backlog.
///
/// Errors: `FORBIDDEN`, `VALIDATION_FAILED`.
pub fn create(tx: &mut TenantTx<'_, '_>, new: &NewTask) -> Result<Task> {
    tx.require(Action::CreateTask, Thing::Organization)?;
    let created_by = author(tx, "created_by")?;
    let mut check = Check::default();
    let title = check.text("title", &new.title, 1..=500);
    let description = check.text("description", &new.description, 0..=50_000);
    let project_ids = projects(tx, &mut check, &new.project_ids, &[])?;
    let assignee_ids = assignees(tx, &mut check, &new.assignee_ids, &[])?;
    let (priority, required) = with_defaults(tx, new)?;
    let required_evidence_types = sorted(&required);
    let spot = Place { after_id: new.after_id, before_id: new.before_id };
    let position = place(tx, &mut check, spot, TaskStatus::Backlog, None)?;
    check.finish()?;
    let task = Task {
        id: TaskId(tx.new_id()),
        org_id: tx.org_id(),
        title,
        description,
        kind: new.kind.unwrap_or(TaskType::Chore),
        priority,
        status: TaskStatus::Backlog,
        position,
        project_ids,
        assignee_ids,
        required_evidence_types,
        evidence: Vec::new(),
        dependencies: Vec::new(),
        dependents: Vec::new(),
        blocked: false,
        created_by,
        completed_at: None,
        archived_at: None,
        version: 1,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    task::insert(tx, &task)?;
    task::add_projects(tx, task.id, &task.project_ids)?;
    task::add_assignees(tx, task.id, &task.assignee_ids)?;
    record(tx, EventKind::TaskCreated, &Payload::of(&task))?;
    record_each(tx, EventKind::TaskAssigned, &task, &task.assignee_ids)?;
    Ok(task)
}

/// Who makes a task or gives evidence: the server itself does neither.
fn author(tx: &TenantTx<'_, '_>, field: &str) -> Result<UserId> {
    let nobody =
        || Error::field(field, "would be nobody: only people and agents make tasks and give evidence");
    tx.actor().user_id.ok_or_else(nobody)
}

/// Priority and required evidence; the settings are read only when something was left out.
fn with_defaults(tx: &mut TenantTx<'_, '_>, new: &NewTask) -> Result<(Priority, Vec<EvidenceType>)> {
    if let (Some(priority), Some(required)) = (new.priority, &new.required_evidence_types) {
        return Ok((priority, required.clone()));
    }
    let defaults = settings::of(tx)?.task_defaults;
    let required = new.required_evidence_types.clone();
    Ok((
        new.priority.unwrap_or(defaults.default_priority),
        required.unwrap_or(defaults.default_required_evidence_types),
    ))
}

/// In order, each once: lists of a task are sets.
fn sorted<T: Ord + Copy>(items: &[T]) -> Vec<T> {
    items.iter().copied().collect::<BTreeSet<T>>().into_iter().collect()
}

/// Checks the projects of a task: those that it is not in yet must exist and be alive.
fn projects(
    tx: &mut TenantTx<'_, '_>,
    check: &mut Check,
    wanted: &[ProjectId],
    before: &[ProjectId],
) -> Result<Vec<ProjectId>> {
    if wanted.len() > LISTED_LIMIT {
        check.problem("project_ids", format!("has more than {LISTED_LIMIT} projects"));
        return Ok(Vec::new());
    }
    if wanted.iter().any(|id| !before.contains(id)) {
        let existing = project::existing(tx, wanted)?;
        for (index, id) in wanted.iter().enumerate().filter(|(_, id)| !before.contains(id)) {
            match existing.iter().find(|(found, ..)| found == id) {
                Some((_, None, _)) => {}
                Some((_, Some(_), _)) => {
                    check
                        .problem(format!("project_ids.{index}"), "has ended: choose a project that is alive");
                }
                None => check.problem(format!("project_ids.{index}"), "is no project here"),
            }
        }
    }
    Ok(sorted(wanted))
}

/// Checks the assignees of a task: those whom it is not assigned to yet must be members.
fn assignees(
    tx: &mut TenantTx<'_, '_>,
    check: &mut Check,
    wanted: &[UserId],
    before: &[UserId],
) -> Result<Vec<UserId>> {
    if wanted.len() > LISTED_LIMIT {
        check.problem("assignee_ids", format!("has more than {LISTED_LIMIT} users"));
        return Ok(Vec::new());
    }
    for (index, id) in wanted.iter().enumerate().filter(|(_, id)| !before.contains(id)) {
        user::check_member(tx, check, &format!("assignee_ids.{index}"), *id)?;
    }
    Ok(sorted(wanted))
}

/// One event for each user.
fn record_each(tx: &mut TenantTx<'_, '_>, kind: EventKind, task: &Task, users: &[UserId]) -> Result<()> {
    for user_id in users {
        record(tx, kind, &Payload { user_id: Some(*user_id), ..Payload::of(task) })?;
    }
    Ok(())
}

/// Stores a changed task under its next version.
///
/// Errors: `STALE_VERSION` when another transaction was faster, which the single writer of SQLite
/// never lets happen.
fn touch(tx: &mut TenantTx<'_, '_>, task: &mut Task) -> Result<()> {
    task.version += 1;
    task.updated_at = tx.now();
    if task::update(tx, task)? { Ok(()) } else { Err(Error::StaleVersion) }
}

/// Archives a task: it leaves the default lists, and nothing of it is lost. Archiving it twice is
/// archiving it once.
///
/// Errors: `TASK_NOT_FOUND`, `FORBIDDEN`.
pub fn archive(tx: &mut TenantTx<'_, '_>, id: TaskId) -> Result<()> {
    let mut task = visible(tx, id)?;
    tx.require(Action::EditTask, &task)?;
    if task.archived_at.is_some() {
        return Ok(());
    }
    task.archived_at = Some(tx.now());
    touch(tx, &mut task)?;
    record(tx, EventKind::TaskArchived, &Payload::of(&task))
}

/// Brings an archived task back to where it was; one that is not archived stays as it is.
///
/// Errors: `TASK_NOT_FOUND`, `FORBIDDEN`.
pub fn restore(tx: &mut TenantTx<'_, '_>, id: TaskId) -> Result<Task> {
    let mut task = visible(tx, id)?;
    tx.require(Action::EditTask, &task)?;
    if task.archived_at.take().is_some() {
        touch(tx, &mut task)?;
        record(tx, EventKind::TaskRestored, &Payload::of(&task))?;
    }
    Ok(task)
}

/// Takes every task from a user who leaves the organization, archived ones too.
pub fn unassign_everywhere(tx: &mut TenantTx<'_, '_>, user_id: UserId) -> Result<()> {
    let ids = task::of_assignee(tx, user_id)?;
    for chunk in ids.chunks(CHUNK) {
        for mut task in task::by_ids(tx, chunk)? {
            task.assignee_ids.retain(|assignee| *assignee != user_id);
            task::remove_assignees(tx, task.id, &[user_id])?;
            touch(tx, &mut task)?;
            record_each(tx, EventKind::TaskUnassigned, &task, &[user_id])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sets() {
        use EvidenceType::{DocUrl, PrLink};
        assert_eq!(sorted(&[DocUrl, PrLink, DocUrl]), [PrLink, DocUrl]);
    }

    #[test]
    fn a_new_task_needs_a_title_alone_and_takes_no_unknown_field() {
        assert!(serde_json::from_str::<NewTask>(r#"{"title":"Ship it","priority":null}"#).is_ok());
        assert!(serde_json::from_str::<NewTask>(r#"{"title":"Ship it","status":"complete"}"#).is_err());
        assert!(serde_json::from_str::<NewTask>("{}").is_err());
    }
}
