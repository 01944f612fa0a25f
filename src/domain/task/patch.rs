//! Changing a task.

use mission_control_shared::{EventKind, EvidenceType, Priority, ProjectId, Task, TaskId, TaskType, UserId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Payload, Place, assignees, find_for, place, projects, record, record_each, sorted, touch};
use crate::domain::check::{self, Check};
use crate::domain::policy::Action;
use crate::error::Result;
use crate::store::{TenantTx, task};

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

/// Changes a task. Nothing is recorded when nothing is different afterwards.
///
/// Errors: `TASK_NOT_FOUND`, `TASK_ARCHIVED`, `STALE_VERSION`, `VALIDATION_FAILED`, `FORBIDDEN`.
pub fn update(
    tx: &mut TenantTx<'_, '_>,
    id: TaskId,
    patch: &TaskPatch,
    expected: Option<i64>,
) -> Result<Task> {
    let before = find_for(tx, Action::EditTask, id)?;
    check::version(before.version, expected)?;
    let mut task = patched(tx, &before, patch)?;
    let changed = differences(&before, &task);
    if changed.is_empty() {
        return Ok(task);
    }
    touch(tx, &mut task)?;
    task::remove_projects(tx, id, &only_in(&before.project_ids, &task.project_ids))?;
    task::add_projects(tx, id, &only_in(&task.project_ids, &before.project_ids))?;
    let unassigned = only_in(&before.assignee_ids, &task.assignee_ids);
    let assigned = only_in(&task.assignee_ids, &before.assignee_ids);
    task::remove_assignees(tx, id, &unassigned)?;
    task::add_assignees(tx, id, &assigned)?;
    record(tx, EventKind::TaskUpdated, &Payload { changed: &changed, ..Payload::of(&task) })?;
    record_each(tx, EventKind::TaskUnassigned, &task, &unassigned)?;
    record_each(tx, EventKind::TaskAssigned, &task, &assigned)?;
    Ok(task)
}

/// The task as the patch wants it. Errors: `VALIDATION_FAILED`.
fn patched(tx: &mut TenantTx<'_, '_>, before: &Task, patch: &TaskPatch) -> Result<Task> {
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
fn differences(before: &Task, task: &Task) -> Vec<&'static str> {
    [
        ("title", task.title != before.title),
        ("type", task.kind != before.kind),
        ("priority", task.priority != before.priority),
        ("description", task.description != before.description),
        ("project_ids", task.project_ids != before.project_ids),
        ("assignee_ids", task.assignee_ids != before.assignee_ids),
        ("required_evidence_types", task.required_evidence_types != before.required_evidence_types),
        ("position", task.position != before.position),
    ]
    .into_iter()
    .filter_map(|(field, differs)| differs.then_some(field))
    .collect()
}

/// What is in the first list and not in the second.
fn only_in<T: PartialEq + Copy>(one: &[T], other: &[T]) -> Vec<T> {
    one.iter().copied().filter(|item| !other.contains(item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn what_comes_and_what_goes() {
        assert_eq!(only_in(&[1, 2, 3], &[2]), [1, 3]);
        assert!(only_in(&[2], &[1, 2, 3]).is_empty());
    }
}
