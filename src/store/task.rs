//! Tasks, and what hangs on them.

mod related;

use mission_control_shared::{
    EvidenceType, OrgId, Priority, ProjectId, Task, TaskId, TaskStatus, TaskType, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Filter, Json, Result, Row, TenantTx, ToValue as _, Value, contains_pattern};
use crate::args;

pub use self::related::{
    Link, add_assignees, add_dependency, add_evidence, add_projects, dependencies_below, is_blocked, links,
    remove_assignees, remove_dependency, remove_evidence, remove_projects,
};

/// What a list of tasks may ask for; empty lists and `None` ask for everything.
#[derive(Clone, Debug, Default)]
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
    /// With this in the title.
    pub q: Option<String>,
    /// Archived ones too.
    pub include_archived: bool,
    /// What comes first.
    pub sort: Sort,
    /// Which way.
    pub order: Order,
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

/// Columns of every statement that gives tasks, in the order that [`task`] reads.
/// (A macro, because SQL text is static.)
macro_rules! columns {
    () => {
        "t.id, t.title, t.description, t.type, t.priority, t.status, t.position, t.required_evidence_types,
         t.created_by, t.completed_at, t.archived_at, t.version, t.created_at, t.updated_at"
    };
}

/// The tasks that wait for an unfinished one. Looked up once for a list, so that it costs what there
/// is of dependencies and not of tasks.
macro_rules! blocked {
    () => {
        "(SELECT d.task_id
            FROM task_dependencies AS d JOIN tasks AS b ON b.org_id = d.org_id AND b.id = d.blocked_by_id
           WHERE d.org_id = ?1 AND b.status <> 'complete')"
    };
}

/// The number of the first column after [`columns`].
const NEXT_COLUMN: usize = 14;

fn task(row: &Row<'_>, org_id: OrgId) -> Result<Task> {
    Ok(Task {
        id: row.get(0)?,
        org_id,
        title: row.get(1)?,
        description: row.get(2)?,
        kind: row.get(3)?,
        priority: row.get(4)?,
        status: row.get(5)?,
        position: row.get(6)?,
        project_ids: Vec::new(),
        assignee_ids: Vec::new(),
        required_evidence_types: row.get::<Json<Vec<EvidenceType>>>(7)?.0,
        evidence: Vec::new(),
        dependencies: Vec::new(),
        dependents: Vec::new(),
        blocked: false,
        created_by: row.get(8)?,
        completed_at: row.get(9)?,
        archived_at: row.get(10)?,
        version: row.get(11)?,
        created_at: row.get(12)?,
        updated_at: row.get(13)?,
    })
}

/// One task, whole.
pub fn find(tx: &mut TenantTx<'_, '_>, id: TaskId) -> Result<Option<Task>> {
    let org_id = tx.org_id();
    let sql = concat!("SELECT ", columns!(), " FROM tasks AS t WHERE t.org_id = ?1 AND t.id = ?2");
    let Some(mut found) = tx.row(sql, args![id], |row| task(row, org_id))? else {
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
    let mut found = tx.rows(sql, args![Json(ids)], |row| task(row, org_id))?;
    related::add(tx, &mut found)?;
    Ok(found)
}

/// One page of tasks, whole, and how many there are in all. Two statements: the total comes along
/// with the rows, and is asked for by itself only on a page behind the last one.
pub fn page(tx: &mut TenantTx<'_, '_>, wanted: &Wanted, offset: i64, limit: i64) -> Result<(Vec<Task>, i64)> {
    let mut filter = conditions(wanted);
    let total = format!("SELECT count(*) FROM tasks AS t WHERE t.org_id = ?1{}", filter.text());
    let (conditions, counted) = (filter.text().to_owned(), filter.args().len());
    let (limit, first) = (filter.push(Value::Int(limit)), filter.push(Value::Int(offset)));
    let sql = format!(
        "SELECT {}, ({total})
           FROM tasks AS t
          WHERE t.org_id = ?1{conditions}
          ORDER BY {}
          LIMIT ?{limit} + 0 OFFSET ?{first}",
        columns!(),
        order_by(wanted.sort, wanted.order)
    );
    let (org_id, mut in_all) = (tx.org_id(), 0);
    let mut tasks = tx.rows(&sql, filter.args(), |row| {
        in_all = row.get(NEXT_COLUMN)?;
        task(row, org_id)
    })?;
    if tasks.is_empty() && offset > 0 {
        in_all = tx.row(&total, &filter.args()[..counted], |row| row.get(0))?.unwrap_or(0);
    }
    related::add(tx, &mut tasks)?;
    Ok((tasks, in_all))
}

fn conditions(wanted: &Wanted) -> Filter<'_> {
    let mut filter = Filter::default();
    if !wanted.include_archived {
        filter.and_fixed("t.archived_at IS NULL");
    }
    match wanted.statuses.as_slice() {
        // A single column is read in its own order, by its own index.
        [status] => filter.and("t.status = ?#", status.value()),
        statuses => any_of(&mut filter, "t.status IN texts(?#)", statuses),
    }
    any_of(&mut filter, "t.priority IN texts(?#)", &wanted.priorities);
    any_of(&mut filter, "t.type IN texts(?#)", &wanted.kinds);
    any_of(
        &mut filter,
        "t.id IN (SELECT p.task_id FROM task_projects AS p WHERE p.org_id = ?1 AND p.project_id IN uuids(?#))",
        &wanted.project_ids,
    );
    any_of(
        &mut filter,
        "t.id IN (SELECT a.task_id FROM task_assignees AS a WHERE a.org_id = ?1 AND a.user_id IN uuids(?#))",
        &wanted.assigned_to,
    );
    any_of(&mut filter, "t.created_by IN uuids(?#)", &wanted.created_by);
    match wanted.blocked {
        Some(true) => filter.and_fixed(concat!("t.id IN ", blocked!())),
        Some(false) => filter.and_fixed(concat!("t.id NOT IN ", blocked!())),
        None => {}
    }
    if let Some(q) = &wanted.q {
        filter.and("lower(t.title) LIKE ?# ESCAPE '\\'", Value::Owned(contains_pattern(q)));
    }
    filter
}

/// Adds a condition with a list, unless the list asks for everything.
fn any_of<'a, T: Serialize>(filter: &mut Filter<'a>, fragment: &'static str, items: &[T]) {
    if !items.is_empty() {
        let list = serde_json::to_string(items).expect("ids and names always become JSON");
        filter.and(fragment, Value::Owned(list));
    }
}

/// Every order is a total one, so that pages neither repeat nor skip a task.
fn order_by(sort: Sort, order: Order) -> &'static str {
    macro_rules! rank {
        (priority) => {
            "CASE t.priority WHEN 'low' THEN 0 WHEN 'medium' THEN 1 WHEN 'high' THEN 2 ELSE 3 END"
        };
        (status) => {
            "CASE t.status WHEN 'backlog' THEN 0 WHEN 'in-progress' THEN 1 WHEN 'in-review' THEN 2 ELSE 3 END"
        };
    }
    match (sort, order) {
        (Sort::Position, Order::Asc) => "t.position, t.id",
        (Sort::Position, Order::Desc) => "t.position DESC, t.id DESC",
        (Sort::CreatedAt, Order::Asc) => "t.created_at, t.id",
        (Sort::CreatedAt, Order::Desc) => "t.created_at DESC, t.id DESC",
        (Sort::UpdatedAt, Order::Asc) => "t.updated_at, t.id",
        (Sort::UpdatedAt, Order::Desc) => "t.updated_at DESC, t.id DESC",
        (Sort::Priority, Order::Asc) => concat!(rank!(priority), ", t.position, t.id"),
        (Sort::Priority, Order::Desc) => concat!(rank!(priority), " DESC, t.position, t.id"),
        (Sort::Title, Order::Asc) => "lower(t.title), t.id",
        (Sort::Title, Order::Desc) => "lower(t.title) DESC, t.id DESC",
        (Sort::Status, Order::Asc) => concat!(rank!(status), ", t.position, t.id"),
        (Sort::Status, Order::Desc) => concat!(rank!(status), " DESC, t.position, t.id"),
    }
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
    tx.execute(
        "INSERT INTO tasks (org_id, id, title, description, type, priority, status, position,
                required_evidence_types, created_by, completed_at, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)",
        args![
            task.id,
            task.title,
            task.description,
            task.kind,
            task.priority,
            task.status,
            task.position,
            Json(&task.required_evidence_types),
            task.created_by,
            task.completed_at,
            task.created_at
        ],
    )?;
    Ok(())
}

/// Stores what changed of a task under its next version; false when that is not the next one any
/// more, because somebody else was faster.
pub fn update(tx: &mut TenantTx<'_, '_>, task: &Task) -> Result<bool> {
    tx.execute(
        "UPDATE tasks SET title = ?3, description = ?4, type = ?5, priority = ?6, status = ?7, position = ?8,
                required_evidence_types = ?9, completed_at = ?10, archived_at = ?11, version = ?12,
                updated_at = ?13
          WHERE org_id = ?1 AND id = ?2 AND version + 1 = ?12",
        args![
            task.id,
            task.title,
            task.description,
            task.kind,
            task.priority,
            task.status,
            task.position,
            Json(&task.required_evidence_types),
            task.completed_at,
            task.archived_at,
            task.version,
            task.updated_at
        ],
    )
    .map(|changed| changed > 0)
}
