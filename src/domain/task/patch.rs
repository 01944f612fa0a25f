//! Changing a task.

use mission_control_shared::{EventKind, Task, TaskId, TaskPayload};

use super::fields::{TaskPatch, differences, patched};
use super::{find_for, record, record_each, touch};
use crate::domain::check;
use crate::domain::policy::Action;
use crate::error::Result;
use crate::store::{TenantTx, task};

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
    record(tx, EventKind::TaskUpdated, &TaskPayload { changed, ..TaskPayload::of(&task) })?;
    record_each(tx, EventKind::TaskUnassigned, &task, &unassigned)?;
    record_each(tx, EventKind::TaskAssigned, &task, &assigned)?;
    Ok(task)
}

/// What is in the first list and not in the second.
fn only_in<T: PartialEq + Copy>(one: &[T], other: &[T]) -> Vec<T> {
    one.iter().copied().filter(|item| !other.contains(item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_what_goes() {
        assert_eq!(only_in(&[1, 2, 3], &[2]), [1, 3]);
        assert!(only_in(&[2], &[1, 2, 3]).is_empty());
    }
}
