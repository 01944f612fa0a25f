//! Where in a column a task goes.

use mission_control_shared::{Task, TaskId, TaskStatus};

use crate::domain::check::Check;
use crate::domain::position;
use crate::error::Result;
use crate::store::{TenantTx, task};

/// The neighbour that the caller names; none is the top of the column.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// Right below this task.
    pub(super) after_id: Option<TaskId>,
    /// Right above this task.
    pub(super) before_id: Option<TaskId>,
}

impl Place {
    /// Whether no neighbour is named.
    pub(super) fn is_top(self) -> bool {
        self.after_id.is_none() && self.before_id.is_none()
    }
}

/// The position at `place` in the column of `status`, for `moving` or for a new task. A task that
/// stands there already keeps its position. What is wrong with the place goes to `check`.
pub(super) fn place(
    tx: &mut TenantTx<'_, '_>,
    check: &mut Check,
    place: Place,
    status: TaskStatus,
    moving: Option<&Task>,
) -> Result<String> {
    let (field, id, neighbours) = match (place.after_id, place.before_id) {
        (None, None) => {
            let top = task::top(tx, status)?;
            return Ok(kept_or_between(moving, status, None, top.as_deref()));
        }
        (Some(_), Some(_)) => {
            check.problem("before_id", "cannot come with `after_id`: name one neighbour");
            return Ok(String::new());
        }
        (Some(id), None) => {
            let found = task::and_below(tx, id, status)?;
            ("after_id", id, found.map(|(position, below)| (Some(position), below)))
        }
        (None, Some(id)) => {
            let found = task::and_above(tx, id, status)?;
            ("before_id", id, found.map(|(position, above)| (above, Some(position))))
        }
    };
    if moving.is_some_and(|moving| moving.id == id) {
        check.problem(field, "is the task itself: name another task of the column");
        return Ok(String::new());
    }
    match neighbours {
        Some((above, below)) => Ok(kept_or_between(moving, status, above.as_deref(), below.as_deref())),
        None => {
            check.problem(field, format!("is no task in `{status}`: name one that is, or leave it out"));
            Ok(String::new())
        }
    }
}

/// A position between two of the column's, unless one of them is that of the moving task itself:
/// then it stands there already.
fn kept_or_between(
    moving: Option<&Task>,
    status: TaskStatus,
    above: Option<&str>,
    below: Option<&str>,
) -> String {
    let own = moving.filter(|moving| moving.status == status).map(|moving| moving.position.as_str());
    match own {
        Some(own) if [above, below].contains(&Some(own)) => own.to_owned(),
        _ => position::between(above, below),
    }
}
