//! Tasks: made, found, put in order, archived and restored. Changing, moving, evidence and
//! dependencies have files of their own below.
//!
//! Every member sees every task. An archived task keeps everything it has, its position included,
//! and changes only by being restored.

mod dependency;
mod evidence;
mod fields;
mod patch;
mod place;
mod transition;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mission_control_shared::{EventKind, Task, TaskId, TaskPayload, UserId};

use self::place::{Place, place};
use super::policy::{Action, Authority as _, Thing};
use super::{Listed, Page};
use crate::error::{Conflict, Error, Noun, Result};
use crate::events::Draft;
use crate::store::{TenantTx, event, task};

pub use self::dependency::{add_dependency, remove_dependency};
pub use self::evidence::{NewEvidence, add_evidence, remove_evidence};
pub use self::fields::{NewTask, TaskPatch};
pub use self::patch::update;
pub use self::transition::{NextMove, TaskTransition, TaskWithMoves, get, transition};
use crate::store::task::{After, Part};
pub use crate::store::task::{Order, Sort, Wanted};

/// Tasks that are changed from one read, where many are.
const CHUNK: usize = 100;

/// Appends an event about a task: everybody whom it is assigned to hears of it, and the one whom it
/// was taken from.
fn record(tx: &mut TenantTx<'_, '_>, kind: EventKind, payload: &TaskPayload<'_>) -> Result<()> {
    let task = &payload.task;
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
    let task = fields::new_task(tx, new, created_by)?;
    task::insert(tx, &task)?;
    task::add_projects(tx, task.id, &task.project_ids)?;
    task::add_assignees(tx, task.id, &task.assignee_ids)?;
    record(tx, EventKind::TaskCreated, &TaskPayload::of(&task))?;
    record_each(tx, EventKind::TaskAssigned, &task, &task.assignee_ids)?;
    Ok(task)
}

/// Who makes a task or gives evidence: the server itself does neither.
fn author(tx: &TenantTx<'_, '_>, field: &str) -> Result<UserId> {
    let nobody =
        || Error::field(field, "would be nobody: only people and agents make tasks and give evidence");
    tx.actor().user_id.ok_or_else(nobody)
}

/// One event for each user.
fn record_each(tx: &mut TenantTx<'_, '_>, kind: EventKind, task: &Task, users: &[UserId]) -> Result<()> {
    for user_id in users {
        record(tx, kind, &TaskPayload { user_id: Some(*user_id), ..TaskPayload::of(task) })?;
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
    record(tx, EventKind::TaskArchived, &TaskPayload::of(&task))
}

/// Brings an archived task back to where it was; one that is not archived stays as it is.
///
/// Errors: `TASK_NOT_FOUND`, `FORBIDDEN`.
pub fn restore(tx: &mut TenantTx<'_, '_>, id: TaskId) -> Result<Task> {
    let mut task = visible(tx, id)?;
    tx.require(Action::EditTask, &task)?;
    if task.archived_at.take().is_some() {
        touch(tx, &mut task)?;
        record(tx, EventKind::TaskRestored, &TaskPayload::of(&task))?;
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
