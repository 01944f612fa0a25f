//! How many tasks there are, in counters that every change of a task keeps in its own transaction.

use mission_control_shared::{Priority, ProjectId, Task, TaskId, TaskStatus, TaskType};

use super::list::Group;
use super::{Wanted, json};
use crate::args;
use crate::store::{Filter, Result, TenantTx, ToValue as _};

/// A change of a counter of tasks, made when its transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// All tasks of a kind, live or archived.
    Tasks {
        /// Their column.
        status: TaskStatus,
        /// How urgent they are.
        priority: Priority,
        /// What they are.
        kind: TaskType,
        /// Whether they are archived.
        archived: bool,
    },
    /// Live tasks of a project.
    Project(ProjectId, TaskStatus),
}

impl Counter {
    /// Adds to the stored number.
    pub fn add(self, tx: &mut TenantTx<'_, '_>, tasks: i64) -> Result<()> {
        match self {
            Counter::Tasks { status, priority, kind, archived } => tx.execute(
                "INSERT INTO task_counts (org_id, status, priority, type, archived, tasks)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (org_id, status, priority, type, archived)
                 DO UPDATE SET tasks = task_counts.tasks + excluded.tasks",
                args![status, priority, kind, archived, tasks],
            ),
            Counter::Project(project, status) => tx.execute(
                "INSERT INTO project_task_counts (org_id, project_id, status, tasks) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (org_id, project_id, status)
                 DO UPDATE SET tasks = project_task_counts.tasks + excluded.tasks",
                args![project, status, tasks],
            ),
        }
        .map(drop)
    }
}

/// What counters know of a task.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    status: TaskStatus,
    priority: Priority,
    kind: TaskType,
    archived: bool,
}

impl From<&Task> for Counted {
    fn from(task: &Task) -> Counted {
        Counted {
            status: task.status,
            priority: task.priority,
            kind: task.kind,
            archived: task.archived_at.is_some(),
        }
    }
}

impl Counted {
    fn counter(self) -> Counter {
        let Counted { status, priority, kind, archived } = self;
        Counter::Tasks { status, priority, kind, archived }
    }
}

/// The stored task as counters know it, and its folded title.
pub(super) fn stored(tx: &mut TenantTx<'_, '_>, id: TaskId) -> Result<Option<(Counted, String)>> {
    tx.row(
        "SELECT status, priority, type, archived_at IS NOT NULL, title_key FROM tasks WHERE org_id = ?1 AND id = ?2",
        args![id],
        |row| {
            let counted = Counted {
                status: row.get(0)?,
                priority: row.get(1)?,
                kind: row.get(2)?,
                archived: row.get(3)?,
            };
            Ok((counted, row.get(4)?))
        },
    )
}

/// Counts a new task, which is in no project yet.
pub(super) fn added(tx: &mut TenantTx<'_, '_>, task: &Task) {
    tx.count(Counted::from(task).counter(), 1);
}

/// Counts a task that was stored as `before` and is now as `after`.
pub(super) fn changed(tx: &mut TenantTx<'_, '_>, id: TaskId, before: Counted, after: Counted) -> Result<()> {
    if before == after {
        return Ok(());
    }
    tx.count(before.counter(), -1);
    tx.count(after.counter(), 1);
    if (before.status, before.archived) != (after.status, after.archived) {
        let projects: Vec<ProjectId> = tx.rows(
            "SELECT project_id FROM task_projects WHERE org_id = ?1 AND task_id = ?2",
            args![id],
            |row| row.get(0),
        )?;
        for project in projects {
            in_project(tx, project, before, -1);
            in_project(tx, project, after, 1);
        }
    }
    Ok(())
}

fn in_project(tx: &mut TenantTx<'_, '_>, project: ProjectId, task: Counted, tasks: i64) {
    if !task.archived {
        tx.count(Counter::Project(project, task.status), tasks);
    }
}

/// Counts that a stored task came into projects, or left them.
pub(super) fn moved(tx: &mut TenantTx<'_, '_>, id: TaskId, projects: &[ProjectId], tasks: i64) -> Result<()> {
    if projects.is_empty() {
        return Ok(());
    }
    if let Some((counted, _)) = stored(tx, id)? {
        for project in projects {
            in_project(tx, *project, counted, tasks);
        }
    }
    Ok(())
}

/// How many tasks are wanted, when counters know.
pub(super) fn total(tx: &mut TenantTx<'_, '_>, wanted: &Wanted) -> Result<Option<i64>> {
    if !wanted.is_narrowed_beyond_kind() {
        return sum(tx, &wanted.statuses, &wanted.priorities, &wanted.kinds, wanted.include_archived)
            .map(Some);
    }
    let [project] = wanted.project_ids[..] else { return Ok(None) };
    let of_project = Wanted {
        statuses: wanted.statuses.clone(),
        project_ids: wanted.project_ids.clone(),
        sort: wanted.sort,
        order: wanted.order,
        ..Wanted::default()
    };
    if *wanted != of_project {
        return Ok(None);
    }
    let mut filter = Filter::default();
    filter.and("c.project_id = ?#", project.value());
    if !wanted.statuses.is_empty() {
        filter.and("c.status IN texts(?#)", json(&wanted.statuses));
    }
    let sql = format!(
        "SELECT coalesce(sum(c.tasks), 0) FROM project_task_counts AS c WHERE c.org_id = ?1{}",
        filter.text()
    );
    tx.row(&sql, filter.args(), |row| row.get(0))
}

/// How many tasks there are, whatever filters leave of them.
pub(super) fn all(tx: &mut TenantTx<'_, '_>, wanted: &Wanted) -> Result<i64> {
    sum(tx, &[], &[], &[], wanted.include_archived)
}

/// How many of the wanted tasks are in a group; exact where the groups are all that is asked for.
pub(super) fn of_group(tx: &mut TenantTx<'_, '_>, wanted: &Wanted, group: &Group) -> Result<i64> {
    match group {
        Group::Status(statuses) => sum(tx, statuses, &[], &[], wanted.include_archived),
        Group::Priority(priorities) => sum(tx, &[], priorities, &[], wanted.include_archived),
        Group::All => all(tx, wanted),
    }
}

fn sum(
    tx: &mut TenantTx<'_, '_>,
    statuses: &[TaskStatus],
    priorities: &[Priority],
    kinds: &[TaskType],
    archived_too: bool,
) -> Result<i64> {
    tx.settle()?;
    let counts = tx.rows(
        "SELECT status, priority, type, archived, tasks FROM task_counts WHERE org_id = ?1",
        args![],
        |row| {
            let key: (TaskStatus, Priority, TaskType) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((key, row.get::<bool>(3)?, row.get::<i64>(4)?))
        },
    )?;
    let fits = |((status, priority, kind), archived, _): &&((TaskStatus, Priority, TaskType), bool, i64)| {
        (archived_too || !archived)
            && (statuses.is_empty() || statuses.contains(status))
            && (priorities.is_empty() || priorities.contains(priority))
            && (kinds.is_empty() || kinds.contains(kind))
    };
    Ok(counts.iter().filter(fits).map(|(_, _, tasks)| tasks).sum())
}
