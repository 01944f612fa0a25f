//! The fields of a task that a caller sets: read from a body, checked, compared. A plain field is
//! added here, in the contract's `Task`, and in the store's list of columns.

use std::borrow::Cow;
use std::collections::BTreeSet;

use mission_control_shared::{
    Date, EvidenceType, Priority, ProjectId, Task, TaskId, TaskStatus, TaskType, UserId,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::place::{Place, place};
use crate::domain::check::{Check, changed};
use crate::domain::{settings, user};
use crate::error::Result;
use crate::store::{TenantTx, project};

/// Most projects, and most assignees, of one task.
const LISTED_LIMIT: usize = 50;

/// A new task. It starts in `backlog`.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
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
    /// The day by which it should be complete, such as `2026-01-31`.
    #[serde(default)]
    pub due_on: Option<Date>,
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

/// What changes of a task; what is left out stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskPatch {
    /// 1 to 500 characters.
    #[serde(default, deserialize_with = "crate::domain::check::patch::kept")]
    pub title: Option<String>,
    /// What it is.
    #[serde(rename = "type", default, deserialize_with = "crate::domain::check::patch::kept")]
    pub kind: Option<TaskType>,
    /// How urgent.
    #[serde(default, deserialize_with = "crate::domain::check::patch::kept")]
    pub priority: Option<Priority>,
    /// Markdown, up to 50,000 characters; `null` clears it.
    #[serde(default, deserialize_with = "crate::domain::check::patch::cleared")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// Replaces all projects; `null` clears them.
    #[serde(default, deserialize_with = "crate::domain::check::patch::cleared")]
    #[schema(value_type = Option<Vec<ProjectId>>)]
    pub project_ids: Option<Option<Vec<ProjectId>>>,
    /// Replaces all assignees; `null` clears them.
    #[serde(default, deserialize_with = "crate::domain::check::patch::cleared")]
    #[schema(value_type = Option<Vec<UserId>>)]
    pub assignee_ids: Option<Option<Vec<UserId>>>,
    /// The day by which it should be complete; `null` clears it.
    #[serde(default, deserialize_with = "crate::domain::check::patch::cleared")]
    #[schema(value_type = Option<Date>)]
    pub due_on: Option<Option<Date>>,
    /// Replaces all required types of evidence; `null` clears them.
    #[serde(default, deserialize_with = "crate::domain::check::patch::cleared")]
    #[schema(value_type = Option<Vec<EvidenceType>>)]
    pub required_evidence_types: Option<Option<Vec<EvidenceType>>>,
    /// Right below this task of the same column.
    #[serde(default, deserialize_with = "crate::domain::check::patch::kept")]
    pub after_id: Option<TaskId>,
    /// Right above this task of the same column.
    #[serde(default, deserialize_with = "crate::domain::check::patch::kept")]
    pub before_id: Option<TaskId>,
}

/// The new task as its author wants it. Errors: `VALIDATION_FAILED`.
pub(super) fn new_task(tx: &mut TenantTx<'_, '_>, new: &NewTask, created_by: UserId) -> Result<Task> {
    let mut check = Check::default();
    let title = check.text("title", &new.title, 1..=500);
    let mut task = Task::new(TaskId(tx.new_id()), tx.org_id(), title, created_by, tx.now());
    task.description = check.text("description", &new.description, 0..=50_000);
    task.kind = new.kind.unwrap_or(task.kind);
    task.project_ids = projects(tx, &mut check, &new.project_ids, &[])?;
    task.assignee_ids = assignees(tx, &mut check, &new.assignee_ids, &[])?;
    task.due_on = new.due_on;
    (task.priority, task.required_evidence_types) = with_defaults(tx, new)?;
    let spot = Place { after_id: new.after_id, before_id: new.before_id };
    task.position = place(tx, &mut check, spot, TaskStatus::Backlog, None)?;
    check.finish()?;
    Ok(task)
}

/// The task as the patch wants it. Errors: `VALIDATION_FAILED`.
pub(super) fn patched(tx: &mut TenantTx<'_, '_>, before: &Task, patch: &TaskPatch) -> Result<Task> {
    let mut check = Check::default();
    let mut task = before.clone();
    if let Some(title) = &patch.title {
        task.title = check.text("title", title, 1..=500);
    }
    if let Some(kind) = patch.kind {
        task.kind = kind;
    }
    if let Some(priority) = patch.priority {
        task.priority = priority;
    }
    if let Some(description) = &patch.description {
        task.description = check.text("description", description.as_deref().unwrap_or(""), 0..=50_000);
    }
    if let Some(wanted) = &patch.project_ids {
        let wanted = wanted.as_deref().unwrap_or_default();
        task.project_ids = projects(tx, &mut check, wanted, &before.project_ids)?;
    }
    if let Some(wanted) = &patch.assignee_ids {
        let wanted = wanted.as_deref().unwrap_or_default();
        task.assignee_ids = assignees(tx, &mut check, wanted, &before.assignee_ids)?;
    }
    if let Some(due_on) = patch.due_on {
        task.due_on = due_on;
    }
    if let Some(required) = &patch.required_evidence_types {
        task.required_evidence_types = sorted(required.as_deref().unwrap_or_default());
    }
    let spot = Place { after_id: patch.after_id, before_id: patch.before_id };
    if !spot.is_top() {
        task.position = place(tx, &mut check, spot, before.status, Some(before))?;
    }
    check.finish()?;
    Ok(task)
}

/// The fields that a patch has made different.
pub(super) fn differences(before: &Task, task: &Task) -> Vec<Cow<'static, str>> {
    changed!(
        before, task;
        title, kind as "type", priority, description, project_ids, assignee_ids, due_on,
        required_evidence_types, position,
    )
}

/// Priority and required evidence; the settings are read only when something was left out.
fn with_defaults(tx: &mut TenantTx<'_, '_>, new: &NewTask) -> Result<(Priority, Vec<EvidenceType>)> {
    if let (Some(priority), Some(required)) = (new.priority, &new.required_evidence_types) {
        return Ok((priority, sorted(required)));
    }
    let defaults = settings::of(tx)?.task_defaults;
    let required = new.required_evidence_types.clone();
    let required = required.unwrap_or(defaults.default_required_evidence_types);
    Ok((new.priority.unwrap_or(defaults.default_priority), sorted(&required)))
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

    #[test]
    fn null_clears_what_can_be_cleared_and_is_refused_elsewhere() {
        let patch: TaskPatch =
            serde_json::from_str(r#"{"description":null,"assignee_ids":null}"#).expect("reads");
        assert_eq!(
            (patch.description, patch.assignee_ids, patch.project_ids),
            (Some(None), Some(None), None)
        );
        assert!(serde_json::from_str::<TaskPatch>(r#"{"title":null}"#).is_err());
        assert!(serde_json::from_str::<TaskPatch>(r#"{"status":"complete"}"#).is_err());
    }
}
