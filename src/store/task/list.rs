//! Pages of tasks that cost the same whatever is stored.
//!
//! Every order is an index of live tasks and one of archived tasks, read from where the page starts.
//! Filters that no index answers are tried on the tasks in that order, so many of them at a time and
//! no more than a budget; the cursor goes on from the last one that was tried. What few rows hang on
//! (an assignee, a project, a dependency) is found from there.

use std::collections::HashMap;

use mission_control_shared::{Date, Priority, Task, TaskId, TaskStatus};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{NEXT_COLUMN, Order, Sort, Wanted, conditions, count, json, read, related};
use crate::store::filter::folded;
use crate::store::row::NO_DATE;
use crate::store::{Cell, Failure, Filter, FromCell, Result, Row, TenantTx, ToValue as _, Value};

/// Tasks that one request tries filters on at most, in an organization of more than [`SMALL`] tasks.
const BUDGET: usize = 2_000;
/// Tasks of an organization whose filters are exact.
const SMALL: i64 = 10_000;
/// Links that are few enough to find their tasks first and sort them then.
const FEW: i64 = 1_000;
/// Tasks that filters are tried on at first, and then at a time.
const CHUNKS: (usize, usize) = (100, 500);

/// Where a list goes on: right behind the task that has this key. Opaque to whoever holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// Which of the sort's groups it is in.
    group: usize,
    /// The value that its group is sorted by.
    value: Key,
    /// The task.
    id: TaskId,
}

impl After {
    /// Whether it is a place in this list.
    pub fn suits(&self, wanted: &Wanted) -> bool {
        let plan = Plan::of(wanted);
        let number = matches!(self.value, Key::Number(_));
        self.group < plan.groups.len() && number == matches!(plan.column, "created_at" | "updated_at")
    }
}

/// A value that tasks are sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
enum Key {
    Number(i64),
    Text(String),
}

impl Key {
    fn value(&self) -> Value<'_> {
        match self {
            Key::Number(number) => Value::Int(*number),
            Key::Text(text) => Value::Text(text),
        }
    }
}

impl FromCell for Key {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Int(number) => Ok(Key::Number(number)),
            Cell::Text(text) => Ok(Key::Text(text.to_owned())),
            _ => Err(Failure::Other(anyhow::anyhow!("expected a sort key in a cell, found {cell:?}"))),
        }
    }
}

/// Which part of a list is wanted.
#[derive(Clone, Debug)]
pub struct Part {
    /// How many tasks to skip.
    pub offset: i64,
    /// Behind which task.
    pub after: Option<After>,
    /// How many tasks.
    pub limit: i64,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Found {
    /// The tasks, whole.
    pub tasks: Vec<Task>,
    /// How many there are in all, or are known to be at least.
    pub total: i64,
    /// Whether that is all of them.
    pub exact: bool,
    /// Where the list goes on.
    pub next: Option<After>,
    /// Whether the part starts behind what one request can skip.
    pub too_deep: bool,
}

/// Tasks that stand together in a list.
pub(super) enum Group {
    /// Those of any of these statuses.
    Status(Vec<TaskStatus>),
    /// Those of any of these priorities.
    Priority(Vec<Priority>),
    /// All of them.
    All,
}

/// A list as statements see it.
struct Plan<'w> {
    wanted: &'w Wanted,
    /// One after the other.
    groups: Vec<Group>,
    /// The column that each group is sorted by, before the id.
    column: &'static str,
    /// Whether that falls.
    falling: bool,
    /// Whether the groups leave tasks that do not fit.
    filtered: bool,
}

impl<'w> Plan<'w> {
    fn of(wanted: &'w Wanted) -> Plan<'w> {
        let any = |statuses: &[TaskStatus]| match statuses {
            [] => TaskStatus::ALL.to_vec(),
            some => unique(some),
        };
        let ranked = |priorities: &[Priority]| match priorities {
            [] => Priority::ALL.to_vec(),
            some => unique(some),
        };
        let falling = wanted.order == Order::Desc;
        let by_priority = wanted.statuses.is_empty() && !wanted.priorities.is_empty();
        let (groups, column, falling) = match wanted.sort {
            Sort::Position if by_priority => {
                (vec![Group::Priority(ranked(&wanted.priorities))], "position", falling)
            }
            Sort::Position => (vec![Group::Status(any(&wanted.statuses))], "position", falling),
            Sort::Status => {
                let groups = in_order(any(&wanted.statuses), falling);
                (groups.into_iter().map(|status| Group::Status(vec![status])).collect(), "position", false)
            }
            Sort::Priority => {
                let groups = in_order(ranked(&wanted.priorities), falling);
                (groups.into_iter().map(|one| Group::Priority(vec![one])).collect(), "position", false)
            }
            Sort::CreatedAt => (vec![Group::All], "created_at", falling),
            Sort::UpdatedAt => (vec![Group::All], "updated_at", falling),
            Sort::Title => (vec![Group::All], "title_key", falling),
            Sort::DueOn => (vec![Group::All], "due_on", falling),
        };
        let statuses_left = !wanted.statuses.is_empty() && !matches!(groups.first(), Some(Group::Status(_)));
        let priorities_left =
            !wanted.priorities.is_empty() && !matches!(groups.first(), Some(Group::Priority(_)));
        let filtered = statuses_left || priorities_left || wanted.is_narrowed();
        Plan { wanted, groups, column, falling, filtered }
    }

    /// The key of a task in this list.
    fn key(&self, task: &Task) -> After {
        let group = |group: &Group| match group {
            Group::Status(statuses) => statuses.contains(&task.status),
            Group::Priority(priorities) => priorities.contains(&task.priority),
            Group::All => true,
        };
        let value = match self.column {
            "created_at" => Key::Number(task.created_at.0),
            "updated_at" => Key::Number(task.updated_at.0),
            "title_key" => Key::Text(folded(&task.title)),
            "due_on" => Key::Text(task.due_on.as_ref().map_or(NO_DATE, Date::as_str).to_owned()),
            _ => Key::Text(task.position.clone()),
        };
        After { group: self.groups.iter().position(group).unwrap_or(0), value, id: task.id }
    }

    /// A key before every task of a group.
    fn start(&self) -> After {
        let number = matches!(self.column, "created_at" | "updated_at");
        let (value, id) = match (self.falling, number) {
            (false, true) => (Key::Number(i64::MIN), Uuid::nil()),
            (false, false) => (Key::Text(String::new()), Uuid::nil()),
            (true, true) => (Key::Number(i64::MAX), Uuid::max()),
            (true, false) => (Key::Text("\u{10FFFF}".repeat(2)), Uuid::max()),
        };
        After { group: 0, value, id: TaskId(id) }
    }

    /// Which of two keys comes first.
    fn compare(&self, one: &After, other: &After) -> std::cmp::Ordering {
        let order = (&one.value, one.id).cmp(&(&other.value, other.id));
        one.group.cmp(&other.group).then(if self.falling { order.reverse() } else { order })
    }

    /// The first `limit` rows of a group behind `after`, in its order: one branch for each index that
    /// has a part of it, merged as they are read. The value that they are sorted by is in the column
    /// after the `columns`, of which the first is the id.
    fn rows<T>(
        &self,
        tx: &mut TenantTx<'_, '_>,
        group: &Group,
        (columns, number): (&str, usize),
        (after, offset, limit): (Option<&After>, i64, usize),
        map: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut filter = Filter::default();
        // From the start too: with a key SQLite chooses the index that is live or archived by itself.
        let start = self.start();
        let after = after.unwrap_or(&start);
        let sign = if self.falling { '<' } else { '>' };
        let (value, id) = (filter.push(after.value.value()), filter.push(after.id.value()));
        let behind = format!(" AND (t.{}, t.id) {sign} (?{value}, ?{id})", self.column);
        let classes: Vec<String> = match group {
            Group::Status(statuses) => {
                statuses.iter().map(|status| format!(" AND t.status = '{}'", status.as_str())).collect()
            }
            Group::Priority(priorities) => {
                priorities.iter().map(|one| format!(" AND t.priority = '{}'", one.as_str())).collect()
            }
            Group::All => vec![String::new()],
        };
        let shelves: &[&str] =
            if self.wanted.include_archived { &["IS NULL", "IS NOT NULL"] } else { &["IS NULL"] };
        let branches: Vec<String> = shelves
            .iter()
            .flat_map(|shelf| classes.iter().map(move |class| (shelf, class)))
            .map(|(shelf, class)| {
                format!(
                    "SELECT {columns}, t.{} FROM tasks AS t
                      WHERE t.org_id = ?1 AND t.archived_at {shelf}{class}{behind}",
                    self.column
                )
            })
            .collect();
        let order = if self.falling { " DESC" } else { "" };
        let limit = filter.push(Value::Int(i64::try_from(limit).unwrap_or(i64::MAX)));
        let offset = filter.push(Value::Int(offset));
        let sql = format!(
            "{} ORDER BY {}{order}, 1{order} LIMIT ?{limit} + 0 OFFSET ?{offset} + 0",
            branches.join(" UNION ALL "),
            number + 1
        );
        tx.rows(&sql, filter.args(), map)
    }
}

/// Each once, smallest first.
fn unique<T: Ord + Copy>(items: &[T]) -> Vec<T> {
    items.iter().copied().collect::<std::collections::BTreeSet<T>>().into_iter().collect()
}

fn in_order<T>(mut items: Vec<T>, falling: bool) -> Vec<T> {
    if falling {
        items.reverse();
    }
    items
}

/// A part of the tasks that are wanted.
pub fn page(tx: &mut TenantTx<'_, '_>, wanted: &Wanted, part: &Part) -> Result<Found> {
    let plan = Plan::of(wanted);
    let mut found = if let Some(task) = tx.scope().task() {
        // Whoever is confined to one task finds that one, when it fits.
        sorted(tx, &plan, part, &[task])?
    } else if plan.filtered {
        match few(tx, wanted)? {
            Some(ids) => sorted(tx, &plan, part, &ids)?,
            None => tried(tx, &plan, part)?,
        }
    } else {
        straight(tx, &plan, part)?
    };
    related::add(tx, &mut found.tasks)?;
    Ok(found)
}

/// Reads a part right from the indexes.
fn straight(tx: &mut TenantTx<'_, '_>, plan: &Plan<'_>, part: &Part) -> Result<Found> {
    let org_id = tx.org_id();
    let limit = usize::try_from(part.limit).unwrap_or(0);
    let mut skip = part.offset;
    let mut tasks: Vec<Task> = Vec::with_capacity(limit + 1);
    let first = part.after.as_ref().map_or(0, |after| after.group);
    for (number, group) in plan.groups.iter().enumerate().skip(first) {
        // One more than asked for tells whether the list goes on.
        let wanted = limit + 1 - tasks.len();
        let after = part.after.as_ref().filter(|after| after.group == number);
        let offset = if skip > 0 && plan.groups.len() > 1 {
            let here = count::of_group(tx, plan.wanted, group)?;
            let skipped = skip.min(here);
            skip -= skipped;
            if skipped == here {
                continue;
            }
            skipped
        } else {
            std::mem::take(&mut skip)
        };
        let columns = (columns!(), NEXT_COLUMN);
        tasks.extend(plan.rows(tx, group, columns, (after, offset, wanted), |row| read(row, org_id))?);
        if tasks.len() > limit {
            break;
        }
    }
    let more = tasks.len() > limit;
    tasks.truncate(limit);
    let total = count::total(tx, plan.wanted)?.unwrap_or(0);
    let next = tasks.last().filter(|_| more).map(|last| plan.key(last));
    Ok(Found { tasks, total, exact: true, next, too_deep: false })
}

/// The tasks that an assignee, a project or a dependency leads to, when there are but a few.
fn few(tx: &mut TenantTx<'_, '_>, wanted: &Wanted) -> Result<Option<Vec<TaskId>>> {
    let statements = [
        (
            "SELECT DISTINCT a.task_id FROM task_assignees AS a WHERE a.org_id = ?1 AND a.user_id IN uuids(?2)
              LIMIT ?3 + 0",
            (!wanted.assigned_to.is_empty()).then(|| json(&wanted.assigned_to)),
        ),
        (
            "SELECT DISTINCT p.task_id FROM task_projects AS p WHERE p.org_id = ?1 AND p.project_id IN uuids(?2)
              LIMIT ?3 + 0",
            (!wanted.project_ids.is_empty()).then(|| json(&wanted.project_ids)),
        ),
        (
            "SELECT DISTINCT d.task_id FROM task_dependencies AS d WHERE d.org_id = ?1 AND ?2 = 1 LIMIT ?3 + 0",
            (wanted.blocked == Some(true)).then_some(Value::Int(1)),
        ),
    ];
    for (sql, value) in statements {
        let Some(value) = value else { continue };
        let ids = tx.rows(sql, &[value, Value::Int(FEW + 1)], |row| row.get(0))?;
        if ids.len() as i64 <= FEW {
            return Ok(Some(ids));
        }
    }
    Ok(None)
}

/// Those of these tasks that fit.
fn fitting(tx: &mut TenantTx<'_, '_>, wanted: &Wanted, ids: &[TaskId]) -> Result<Vec<Task>> {
    let mut filter = conditions(wanted);
    let ids = filter.push(json(ids));
    let sql = format!(
        "SELECT {} FROM tasks AS t WHERE t.org_id = ?1 AND t.id IN uuids(?{ids}){}",
        columns!(),
        filter.text()
    );
    let org_id = tx.org_id();
    tx.rows(&sql, filter.args(), |row| read(row, org_id))
}

/// Reads all of a few tasks, then sorts them.
fn sorted(tx: &mut TenantTx<'_, '_>, plan: &Plan<'_>, part: &Part, ids: &[TaskId]) -> Result<Found> {
    let fitting = fitting(tx, plan.wanted, ids)?;
    let total = fitting.len() as i64;
    let mut keyed: Vec<(After, Task)> = fitting.into_iter().map(|task| (plan.key(&task), task)).collect();
    keyed.sort_unstable_by(|(one, _), (other, _)| plan.compare(one, other));
    if let Some(after) = &part.after {
        keyed.retain(|(key, _)| plan.compare(key, after).is_gt());
    }
    let limit = usize::try_from(part.limit).unwrap_or(0);
    let mut rest = keyed.into_iter().skip(usize::try_from(part.offset).unwrap_or(usize::MAX));
    let page: Vec<(After, Task)> = rest.by_ref().take(limit).collect();
    let next = page.last().filter(|_| rest.next().is_some()).map(|(key, _)| key.clone());
    let tasks = page.into_iter().map(|(_, task)| task).collect();
    Ok(Found { tasks, total, exact: true, next, too_deep: false })
}

/// Tries the filters on the tasks in their order, until the part is full.
fn tried(tx: &mut TenantTx<'_, '_>, plan: &Plan<'_>, part: &Part) -> Result<Found> {
    let known = match count::total(tx, plan.wanted)? {
        None if count::all(tx, plan.wanted)? <= SMALL => Some(counted(tx, plan.wanted)?),
        known => known,
    };
    let mut search = Search {
        left: if known.is_some() { usize::MAX } else { BUDGET },
        skip: part.offset,
        limit: usize::try_from(part.limit).unwrap_or(0),
        tasks: Vec::new(),
        next: None,
    };
    let first = part.after.as_ref().map_or(0, |after| after.group);
    let mut after = part.after.clone();
    for (number, group) in plan.groups.iter().enumerate().skip(first) {
        search.group(tx, plan, (number, group), after.take())?;
        if search.next.is_some() {
            break;
        }
    }
    let seen = part.offset - search.skip + search.tasks.len() as i64 + i64::from(search.next.is_some());
    let exact = known.is_some() || (search.next.is_none() && part.after.is_none());
    let too_deep = search.skip > 0 && search.next.is_some();
    Ok(Found { total: known.unwrap_or(seen), exact, too_deep, tasks: search.tasks, next: search.next })
}

fn counted(tx: &mut TenantTx<'_, '_>, wanted: &Wanted) -> Result<i64> {
    let filter = conditions(wanted);
    let sql = format!("SELECT count(*) FROM tasks AS t WHERE t.org_id = ?1{}", filter.text());
    tx.row(&sql, filter.args(), |row| row.get(0)).map(|total| total.unwrap_or(0))
}

/// A search that goes through groups.
struct Search {
    /// How many tasks it may still try.
    left: usize,
    /// How many that fit are still to be skipped.
    skip: i64,
    /// How many that fit are wanted.
    limit: usize,
    tasks: Vec<Task>,
    /// Where it goes on; set when it stopped before the end.
    next: Option<After>,
}

impl Search {
    fn group(
        &mut self,
        tx: &mut TenantTx<'_, '_>,
        plan: &Plan<'_>,
        (number, group): (usize, &Group),
        mut after: Option<After>,
    ) -> Result<()> {
        let mut chunk = CHUNKS.0.max(self.limit + 1);
        loop {
            let keys = plan.rows(tx, group, ("t.id", 1), (after.as_ref(), 0, chunk), |row| {
                Ok(After { group: number, id: row.get(0)?, value: row.get(1)? })
            })?;
            let ids: Vec<TaskId> = keys.iter().map(|key| key.id).collect();
            let fitting = fitting(tx, plan.wanted, &ids)?;
            let mut fitting: HashMap<TaskId, Task> =
                fitting.into_iter().map(|task| (task.id, task)).collect();
            for task in ids.iter().filter_map(|id| fitting.remove(id)) {
                if self.skip > 0 {
                    self.skip -= 1;
                } else if self.tasks.len() < self.limit {
                    self.tasks.push(task);
                } else {
                    self.next = self.tasks.last().map(|last| plan.key(last));
                    return Ok(());
                }
            }
            self.left = self.left.saturating_sub(keys.len());
            match keys.into_iter().nth(chunk - 1) {
                None => return Ok(()),
                Some(last) if self.left == 0 => {
                    self.next = Some(last);
                    return Ok(());
                }
                last => after = last,
            }
            chunk = CHUNKS.1;
        }
    }
}
