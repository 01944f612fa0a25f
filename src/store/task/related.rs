//! What hangs on tasks: projects, assignees, evidence and dependencies.

use std::collections::HashMap;

use mission_control_shared::{
    Evidence, EvidenceId, LinkedTask, ProjectId, Task, TaskId, TaskStatus, Timestamp, UserId,
};

use super::count;
use crate::args;
use crate::store::{Cell, Failure, FromCell, Json, Result, TenantTx, ToValue as _};

/// What a row of [`related`] is.
enum Relation {
    Evidence,
    Project,
    Assignee,
    Dependency,
    Dependent,
}

impl FromCell for Relation {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Text("evidence") => Ok(Relation::Evidence),
            Cell::Text("project") => Ok(Relation::Project),
            Cell::Text("assignee") => Ok(Relation::Assignee),
            Cell::Text("dependency") => Ok(Relation::Dependency),
            Cell::Text("dependent") => Ok(Relation::Dependent),
            _ => Err(Failure::Other(anyhow::anyhow!("expected a relation in a cell, found {cell:?}"))),
        }
    }
}

/// Everything that hangs on the tasks whose ids are `$id`, of the rows of `$wanted`, in one statement.
/// Evidence is the first part because it alone has every column, which tells PostgreSQL their types.
macro_rules! related {
    ($with:literal, $wanted:literal, $id:literal) => {
        concat!(
            $with,
            "SELECT 'evidence', e.task_id, e.id, e.type, e.url, e.created_by, e.created_at
               FROM ",
            $wanted,
            "task_evidence AS e
              WHERE e.org_id = ?1 AND e.task_id = ",
            $id,
            "
             UNION ALL
             SELECT 'project', p.task_id, p.project_id, NULL, NULL, NULL, NULL
               FROM ",
            $wanted,
            "task_projects AS p
              WHERE p.org_id = ?1 AND p.task_id = ",
            $id,
            "
             UNION ALL
             SELECT 'assignee', a.task_id, a.user_id, NULL, NULL, NULL, NULL
               FROM ",
            $wanted,
            "task_assignees AS a
              WHERE a.org_id = ?1 AND a.task_id = ",
            $id,
            "
             UNION ALL
             SELECT 'dependency', d.task_id, o.id, o.status, o.title, NULL, NULL
               FROM ",
            $wanted,
            "task_dependencies AS d
               JOIN tasks AS o ON o.org_id = d.org_id AND o.id = d.blocked_by_id
              WHERE d.org_id = ?1 AND d.task_id = ",
            $id,
            "
             UNION ALL
             SELECT 'dependent', d.blocked_by_id, o.id, o.status, o.title, NULL, NULL
               FROM ",
            $wanted,
            "task_dependencies AS d
               JOIN tasks AS o ON o.org_id = d.org_id AND o.id = d.task_id
              WHERE d.org_id = ?1 AND d.blocked_by_id = ",
            $id
        )
    };
}

/// Fills in everything that hangs on these tasks, with one statement for all of them.
pub(super) fn add(tx: &mut TenantTx<'_, '_>, tasks: &mut [Task]) -> Result<()> {
    let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
    let listed = Json(&ids);
    let (sql, which) = match ids.as_slice() {
        [] => return Ok(()),
        [id] => (related!("", "", "?2"), id.value()),
        _ => (
            related!(
                // Read once for all five; CROSS JOIN keeps SQLite from turning the join around.
                "WITH wanted (id) AS MATERIALIZED uuids(?2) ",
                "wanted AS w CROSS JOIN ",
                "w.id"
            ),
            listed.value(),
        ),
    };
    let places: HashMap<TaskId, usize> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    tx.rows(sql, &[which], |row| {
        let task = &mut tasks[places[&row.get::<TaskId>(1)?]];
        let linked =
            || Ok::<_, Failure>(LinkedTask { id: row.get(2)?, status: row.get(3)?, title: row.get(4)? });
        match row.get(0)? {
            Relation::Evidence => task.evidence.push(Evidence {
                id: row.get(2)?,
                kind: row.get(3)?,
                url: row.get(4)?,
                created_by: row.get(5)?,
                created_at: row.get(6)?,
            }),
            Relation::Project => task.project_ids.push(row.get(2)?),
            Relation::Assignee => task.assignee_ids.push(row.get(2)?),
            Relation::Dependency => task.dependencies.push(linked()?),
            Relation::Dependent => task.dependents.push(linked()?),
        }
        Ok(())
    })?;
    // A few entries each: cheaper here than one sort of everything in the database.
    for task in tasks {
        task.evidence.sort_unstable_by_key(|evidence| (evidence.created_at, evidence.id));
        task.project_ids.sort_unstable();
        task.assignee_ids.sort_unstable();
        task.dependencies.sort_unstable_by_key(|other| other.id);
        task.dependents.sort_unstable_by_key(|other| other.id);
        task.blocked = is_blocked(&task.dependencies);
    }
    Ok(())
}

/// Whether one of a task's dependencies is unfinished: the same as `blocked` in SQL.
pub fn is_blocked(dependencies: &[LinkedTask]) -> bool {
    dependencies.iter().any(|other| other.status != TaskStatus::Complete)
}

/// Puts a task into projects that it is not in.
pub fn add_projects(tx: &mut TenantTx<'_, '_>, id: TaskId, projects: &[ProjectId]) -> Result<()> {
    if !projects.is_empty() {
        tx.execute(
            "INSERT INTO task_projects (org_id, task_id, project_id)
             SELECT t.org_id, t.id, p.id FROM tasks AS t JOIN projects AS p ON p.org_id = t.org_id
              WHERE t.org_id = ?1 AND t.id = ?2 AND p.id IN uuids(?3)",
            args![id, Json(projects)],
        )?;
    }
    count::moved(tx, id, projects, 1)
}

/// Takes a task out of projects.
pub fn remove_projects(tx: &mut TenantTx<'_, '_>, id: TaskId, projects: &[ProjectId]) -> Result<()> {
    if !projects.is_empty() {
        tx.execute(
            "DELETE FROM task_projects WHERE org_id = ?1 AND task_id = ?2 AND project_id IN uuids(?3)",
            args![id, Json(projects)],
        )?;
    }
    count::moved(tx, id, projects, -1)
}

/// Assigns a task to users whom it is not assigned to.
pub fn add_assignees(tx: &mut TenantTx<'_, '_>, id: TaskId, users: &[UserId]) -> Result<()> {
    if !users.is_empty() {
        tx.execute(
            "INSERT INTO task_assignees (org_id, task_id, user_id)
             SELECT t.org_id, t.id, u.id FROM tasks AS t JOIN users AS u ON u.org_id = t.org_id
              WHERE t.org_id = ?1 AND t.id = ?2 AND u.id IN uuids(?3)",
            args![id, Json(users)],
        )?;
    }
    Ok(())
}

/// Takes a task from users.
pub fn remove_assignees(tx: &mut TenantTx<'_, '_>, id: TaskId, users: &[UserId]) -> Result<()> {
    if !users.is_empty() {
        tx.execute(
            "DELETE FROM task_assignees WHERE org_id = ?1 AND task_id = ?2 AND user_id IN uuids(?3)",
            args![id, Json(users)],
        )?;
    }
    Ok(())
}

/// Stores a piece of evidence of a task.
pub fn add_evidence(tx: &mut TenantTx<'_, '_>, id: TaskId, evidence: &Evidence) -> Result<()> {
    tx.execute(
        "INSERT INTO task_evidence (org_id, id, task_id, type, url, created_by, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        args![evidence.id, id, evidence.kind, evidence.url, evidence.created_by, evidence.created_at],
    )?;
    Ok(())
}

/// Removes a piece of evidence from a task.
pub fn remove_evidence(tx: &mut TenantTx<'_, '_>, id: TaskId, evidence_id: EvidenceId) -> Result<()> {
    tx.execute(
        "DELETE FROM task_evidence WHERE org_id = ?1 AND id = ?2 AND task_id = ?3",
        args![evidence_id, id],
    )?;
    Ok(())
}

/// Lets a task wait for another.
pub fn add_dependency(tx: &mut TenantTx<'_, '_>, id: TaskId, blocked_by_id: TaskId) -> Result<()> {
    tx.execute(
        "INSERT INTO task_dependencies (org_id, task_id, blocked_by_id) VALUES (?1, ?2, ?3)",
        args![id, blocked_by_id],
    )?;
    Ok(())
}

/// Lets a task wait for another no longer.
pub fn remove_dependency(tx: &mut TenantTx<'_, '_>, id: TaskId, blocked_by_id: TaskId) -> Result<()> {
    tx.execute(
        "DELETE FROM task_dependencies WHERE org_id = ?1 AND task_id = ?2 AND blocked_by_id = ?3",
        args![id, blocked_by_id],
    )?;
    Ok(())
}

/// Every dependency on the way down from a task: (who waits, for whom). CROSS JOIN keeps SQLite from
/// turning the join around and reading every dependency of the organization at each step.
pub fn dependencies_below(tx: &mut TenantTx<'_, '_>, id: TaskId) -> Result<Vec<(TaskId, TaskId)>> {
    tx.rows(
        "WITH RECURSIVE below (id) AS (
             SELECT t.id FROM tasks AS t WHERE t.org_id = ?1 AND t.id = ?2
             UNION
             SELECT d.blocked_by_id FROM below AS w CROSS JOIN task_dependencies AS d
              WHERE d.org_id = ?1 AND d.task_id = w.id
         )
         SELECT d.task_id, d.blocked_by_id FROM below AS w CROSS JOIN task_dependencies AS d
          WHERE d.org_id = ?1 AND d.task_id = w.id",
        args![id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// A task by what others show of it.
#[derive(Clone, Debug)]
pub struct Link {
    /// What is shown.
    pub task: LinkedTask,
    /// When it was archived.
    pub archived_at: Option<Timestamp>,
}

/// Those of these tasks that exist, by what others show of them.
pub fn links(tx: &mut TenantTx<'_, '_>, ids: &[TaskId]) -> Result<Vec<Link>> {
    tx.rows(
        "SELECT id, title, status, archived_at FROM tasks WHERE org_id = ?1 AND id IN uuids(?2)",
        args![Json(ids)],
        |row| {
            let task = LinkedTask { id: row.get(0)?, title: row.get(1)?, status: row.get(2)? };
            Ok(Link { task, archived_at: row.get(3)? })
        },
    )
}
