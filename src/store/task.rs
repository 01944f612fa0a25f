//! Tasks, and what hangs on them.

mod count;
mod related;

use mission_control_shared::{Date, Priority, ProjectId, Task, TaskId, TaskStatus, TaskType, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::filter::folded;
use super::row::row;
use super::{Filter, Json, Result, TenantTx, ToValue as _, Value, contains_pattern};
use crate::args;

pub use self::count::Counter;
pub use self::list::{After, Found, Part, page};
pub use self::related::{
    Link, add_assignees, add_dependency, add_evidence, add_projects, dependencies_below, is_blocked, links,
    remove_assignees, remove_dependency, remove_evidence, remove_projects,
};

/// What a list of tasks may ask for; empty lists and `None` ask for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// In any of these columns.
    pub statuses: Vec<TaskStatus>,
    /// Of any of these priorities.
    pub priorities: Vec<Priority>,
    /// Of any of these types.
    pub kinds: Vec<TaskType>,
    /// In any of these projects.
    pub project_ids: Vec<ProjectId>,
    /// Assigned to any of these users.
    pub assigned_to: Vec<UserId>,
    /// Made by any of these users.
    pub created_by: Vec<UserId>,
    /// Whether a dependency is unfinished.
    pub blocked: Option<bool>,
    /// Due before this day.
    pub due_before: Option<Date>,
    /// Due after this day.
    pub due_after: Option<Date>,
    /// With this in the title.
    pub q: Option<String>,
    /// Archived ones too.
    pub include_archived: bool,
    /// What comes first.
    pub sort: Sort,
    /// Which way.
    pub order: Order,
}

impl Wanted {
    /// Whether something but statuses and priorities narrows it.
    fn is_narrowed(&self) -> bool {
        self.is_narrowed_beyond_kind() || !self.kinds.is_empty()
    }

    /// Whether something but statuses, priorities and types narrows it.
    fn is_narrowed_beyond_kind(&self) -> bool {
        let plain = Wanted {
            statuses: self.statuses.clone(),
            priorities: self.priorities.clone(),
            kinds: self.kinds.clone(),
            include_archived: self.include_archived,
            sort: self.sort,
            order: self.order,
            ..Wanted::default()
        };
        *self != plain
    }
}

/// What a list of tasks is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Place in the column.
    #[default]
    Position,
    /// When it was made.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
    /// How urgent, rising.
    Priority,
    /// By which day it should be complete; those without one come after every day.
    DueOn,
    /// By its letters, whatever their case.
    Title,
    /// Column by column, in their order.
    Status,
}

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Smallest first.
    #[default]
    Asc,
    /// Largest first.
    Desc,
}

row! {
    Task in "tasks" as "t", versioned,
    columns {
        always title "title",
        always description "description",
        always kind "type",
        always priority "priority",
        always status "status",
        always position "position",
        always due_on "due_on" as date_or_last,
        always required_evidence_types "required_evidence_types" as json,
        once created_by "created_by",
        always completed_at "completed_at",
        always archived_at "archived_at",
        always version "version",
        once created_at "created_at",
        always updated_at "updated_at",
    },
    joined {},
    beside { project_ids, assignee_ids, evidence, dependencies, dependents, blocked },
    also { "title_key" },
}

/// Whether a task waits for an unfinished one.
macro_rules! blocked {
    () => {
        "EXISTS (SELECT 1
            FROM task_dependencies AS d JOIN tasks AS b ON b.org_id = d.org_id AND b.id = d.blocked_by_id
           WHERE d.org_id = ?1 AND d.task_id = t.id AND b.status <> 'complete')"
    };
}

// (Below the columns, which it selects.)
mod list;

/// The number of the first column after those of a task.
const NEXT_COLUMN: usize = COLUMNS.len() + 1;

/// One task, whole.
pub fn find(tx: &mut TenantTx<'_, '_>, id: TaskId) -> Result<Option<Task>> {
    if !tx.scope().has_task(id) {
        return Ok(None);
    }
    let org_id = tx.org_id();
    let sql = concat!("SELECT ", columns!(), " FROM tasks AS t WHERE t.org_id = ?1 AND t.id = ?2");
    let Some(mut found) = tx.row(sql, args![id], |row| read(row, org_id))? else {
        return Ok(None);
    };
    related::add(tx, std::slice::from_mut(&mut found))?;
    Ok(Some(found))
}

/// Those of these tasks that exist, whole, in the order of their ids.
pub fn by_ids(tx: &mut TenantTx<'_, '_>, ids: &[TaskId]) -> Result<Vec<Task>> {
    let org_id = tx.org_id();
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM tasks AS t WHERE t.org_id = ?1 AND t.id IN uuids(?2) ORDER BY t.id"
    );
    let mut found = tx.rows(sql, args![Json(ids)], |row| read(row, org_id))?;
    found.retain(|task| tx.scope().has_task(task.id));
    related::add(tx, &mut found)?;
    Ok(found)
}

fn conditions(wanted: &Wanted) -> Filter<'_> {
    let mut filter = Filter::default();
    if !wanted.include_archived {
        filter.and_fixed("t.archived_at IS NULL");
    }
    any_of(&mut filter, "t.status IN texts(?#)", &wanted.statuses);
    any_of(&mut filter, "t.priority IN texts(?#)", &wanted.priorities);
    any_of(&mut filter, "t.type IN texts(?#)", &wanted.kinds);
    any_of(
        &mut filter,
        "EXISTS (SELECT 1 FROM task_projects AS p
                  WHERE p.org_id = ?1 AND p.task_id = t.id AND p.project_id IN uuids(?#))",
        &wanted.project_ids,
    );
    any_of(
        &mut filter,
        "EXISTS (SELECT 1 FROM task_assignees AS a
                  WHERE a.org_id = ?1 AND a.task_id = t.id AND a.user_id IN uuids(?#))",
        &wanted.assigned_to,
    );
    any_of(&mut filter, "t.created_by IN uuids(?#)", &wanted.created_by);
    match wanted.blocked {
        Some(true) => filter.and_fixed(blocked!()),
        Some(false) => filter.and_fixed(concat!("NOT ", blocked!())),
        None => {}
    }
    if let Some(day) = &wanted.due_before {
        filter.and("t.due_on < ?#", day.value());
    }
    if let Some(day) = &wanted.due_after {
        filter.and("t.due_on > ?#", day.value());
        filter.and_fixed("t.due_on < '9999-99-99'");
    }
    if let Some(q) = &wanted.q {
        filter.and("t.title_key LIKE ?# ESCAPE '\\'", Value::Owned(contains_pattern(q)));
    }
    filter
}

/// Adds a condition with a list, unless the list asks for everything.
fn any_of<'a, T: Serialize>(filter: &mut Filter<'a>, fragment: &'static str, items: &[T]) {
    if !items.is_empty() {
        filter.and(fragment, json(items));
    }
}

/// A list as one value.
fn json<T: Serialize>(items: &[T]) -> Value<'static> {
    Value::Owned(serde_json::to_string(items).expect("ids and names always become JSON"))
}

/// The tasks that are assigned to a user.
pub fn of_assignee(tx: &mut TenantTx<'_, '_>, user_id: UserId) -> Result<Vec<TaskId>> {
    tx.rows("SELECT task_id FROM task_assignees WHERE org_id = ?1 AND user_id = ?2", args![user_id], |row| {
        row.get(0)
    })
}

/// The first position of a column, archived tasks counted: they keep theirs.
pub fn top(tx: &mut TenantTx<'_, '_>, status: TaskStatus) -> Result<Option<String>> {
    tx.row(
        "SELECT position FROM tasks WHERE org_id = ?1 AND status = ?2 ORDER BY position LIMIT 1",
        args![status],
        |row| row.get(0),
    )
}

/// The position of a task of a column and the one below it; `None` when it is not in that column.
pub fn and_below(
    tx: &mut TenantTx<'_, '_>,
    id: TaskId,
    status: TaskStatus,
) -> Result<Option<(String, Option<String>)>> {
    if !tx.scope().has_task(id) {
        return Ok(None);
    }
    tx.row(
        "SELECT t.position, (SELECT min(n.position) FROM tasks AS n
                              WHERE n.org_id = ?1 AND n.status = ?3 AND n.position > t.position)
           FROM tasks AS t
          WHERE t.org_id = ?1 AND t.id = ?2 AND t.status = ?3",
        args![id, status],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// The position of a task of a column and the one above it; `None` when it is not in that column.
pub fn and_above(
    tx: &mut TenantTx<'_, '_>,
    id: TaskId,
    status: TaskStatus,
) -> Result<Option<(String, Option<String>)>> {
    if !tx.scope().has_task(id) {
        return Ok(None);
    }
    tx.row(
        "SELECT t.position, (SELECT max(n.position) FROM tasks AS n
                              WHERE n.org_id = ?1 AND n.status = ?3 AND n.position < t.position)
           FROM tasks AS t
          WHERE t.org_id = ?1 AND t.id = ?2 AND t.status = ?3",
        args![id, status],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Stores a new task. Its projects and assignees come after it.
pub fn insert(tx: &mut TenantTx<'_, '_>, task: &Task) -> Result<()> {
    insert_row(tx, task, [Value::Owned(folded(&task.title))])?;
    count::added(tx, task);
    Ok(())
}

/// Stores what changed of a task under its next version; false when that is not the next one any
/// more, because somebody else was faster.
pub fn update(tx: &mut TenantTx<'_, '_>, task: &Task) -> Result<bool> {
    let Some((before, title_key)) = count::stored(tx, task.id)? else {
        return Ok(false);
    };
    if !update_row(tx, task)? {
        return Ok(false);
    }
    let folded = folded(&task.title);
    if folded != title_key {
        tx.execute("UPDATE tasks SET title_key = ?3 WHERE org_id = ?1 AND id = ?2", args![task.id, folded])?;
    }
    count::changed(tx, task.id, before, task.into())?;
    Ok(true)
}
