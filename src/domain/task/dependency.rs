//! Dependencies: which task waits for which. They never close a circle.

use std::collections::{HashMap, VecDeque};

use mission_control_shared::{ErrorDetail, EventKind, Task, TaskId, TaskPayload};

use super::{archived, find_for, record, touch};
use crate::domain::check::Check;
use crate::domain::policy::Action;
use crate::error::{Conflict, Error, Noun, Result};
use crate::store::{TenantTx, task};

/// Most dependencies of one task.
const LIMIT: usize = 100;

/// Lets a task wait for another. Adding it twice is adding it once.
///
/// Errors: `TASK_NOT_FOUND`, `TASK_ARCHIVED` (either of them), `VALIDATION_FAILED`,
/// `DEPENDENCY_CYCLE` (details: the circle in order), `FORBIDDEN`.
pub fn add_dependency(tx: &mut TenantTx<'_, '_>, id: TaskId, blocked_by_id: TaskId) -> Result<Task> {
    let mut task = find_for(tx, Action::EditTask, id)?;
    if task.dependencies.iter().any(|other| other.id == blocked_by_id) {
        return Ok(task);
    }
    if blocked_by_id == id {
        return Err(circle(vec![ErrorDetail { field: id.to_string(), message: task.title }]));
    }
    let Some(blocker) = task::links(tx, &[blocked_by_id])?.pop() else {
        return Err(Error::field("blocked_by_id", "is no task here"));
    };
    if blocker.archived_at.is_some() {
        return Err(archived("the task to wait for is archived: restore it first"));
    }
    let mut check = Check::default();
    if task.dependencies.len() >= LIMIT {
        check.problem("blocked_by_id", format!("cannot be added: a task has {LIMIT} dependencies at most"));
    }
    check.finish()?;
    refuse_circle(tx, &task, blocked_by_id)?;
    task.dependencies.push(blocker.task);
    task.dependencies.sort_unstable_by_key(|other| other.id);
    store_change(tx, &mut task)?;
    task::add_dependency(tx, id, blocked_by_id)?;
    let payload = TaskPayload { blocked_by_id: Some(blocked_by_id), ..TaskPayload::of(&task) };
    record(tx, EventKind::TaskDependencyAdded, &payload)?;
    Ok(task)
}

/// Lets a task wait for another no longer.
///
/// Errors: `TASK_NOT_FOUND`, `TASK_ARCHIVED`, `DEPENDENCY_NOT_FOUND`, `FORBIDDEN`.
pub fn remove_dependency(tx: &mut TenantTx<'_, '_>, id: TaskId, blocked_by_id: TaskId) -> Result<()> {
    let mut task = find_for(tx, Action::EditTask, id)?;
    let at = task.dependencies.iter().position(|other| other.id == blocked_by_id);
    task.dependencies.remove(at.ok_or(Error::NotFound(Noun::Dependency))?);
    store_change(tx, &mut task)?;
    task::remove_dependency(tx, id, blocked_by_id)?;
    let payload = TaskPayload { blocked_by_id: Some(blocked_by_id), ..TaskPayload::of(&task) };
    record(tx, EventKind::TaskDependencyRemoved, &payload)
}

fn store_change(tx: &mut TenantTx<'_, '_>, task: &mut Task) -> Result<()> {
    task.blocked = task::is_blocked(&task.dependencies);
    touch(tx, task)
}

/// Errors: `DEPENDENCY_CYCLE` when `blocked_by_id` waits for `task`, over however many others.
fn refuse_circle(tx: &mut TenantTx<'_, '_>, task: &Task, blocked_by_id: TaskId) -> Result<()> {
    // Nothing waits for it, so nothing can lead back to it.
    if task.dependents.is_empty() {
        return Ok(());
    }
    let mut waits_for: HashMap<TaskId, Vec<TaskId>> = HashMap::new();
    for (waiting, other) in task::dependencies_below(tx, blocked_by_id)? {
        waits_for.entry(waiting).or_default().push(other);
    }
    let lookup = |id: TaskId| waits_for.get(&id).map_or(&[][..], Vec::as_slice);
    let Some(way) = shortest_way(blocked_by_id, task.id, lookup) else {
        return Ok(());
    };
    let links = task::links(tx, &way)?;
    let title =
        |id: &TaskId| links.iter().find(|link| link.task.id == *id).map(|link| link.task.title.clone());
    // It starts with the task itself, where the way ends.
    let (end, others) = way.split_last().expect("a way has at least its end");
    let detail = |id: &TaskId| ErrorDetail { field: id.to_string(), message: title(id).unwrap_or_default() };
    Err(circle([end].into_iter().chain(others).map(detail).collect()))
}

fn circle(details: Vec<ErrorDetail>) -> Error {
    let message =
        "the task would wait for itself, by the way that `details` names: remove a dependency on it";
    Error::Conflict(Conflict::DependencyCycle, message.to_owned(), details)
}

/// The shortest way from one task to another along `waits_for`, both ends included.
fn shortest_way<'a>(
    from: TaskId,
    to: TaskId,
    waits_for: impl Fn(TaskId) -> &'a [TaskId],
) -> Option<Vec<TaskId>> {
    let mut reached_from: HashMap<TaskId, TaskId> = HashMap::from([(from, from)]);
    let mut queue = VecDeque::from([from]);
    while let Some(id) = queue.pop_front() {
        if id == to {
            let mut way = vec![id];
            while let Some(before) = way.last().filter(|id| **id != from).map(|id| reached_from[id]) {
                way.push(before);
            }
            way.reverse();
            return Some(way);
        }
        for next in waits_for(id) {
            reached_from.entry(*next).or_insert_with(|| {
                queue.push_back(*next);
                id
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const TASKS: u8 = 12;

    fn id(number: u8) -> TaskId {
        TaskId(Uuid::from_u128(u128::from(number)))
    }

    fn graph(edges: &[(u8, u8)]) -> HashMap<TaskId, Vec<TaskId>> {
        let mut graph: HashMap<TaskId, Vec<TaskId>> = HashMap::new();
        for (waiting, other) in edges {
            graph.entry(id(*waiting)).or_default().push(id(*other));
        }
        graph
    }

    fn way(edges: &[(u8, u8)], from: u8, to: u8) -> Option<Vec<TaskId>> {
        let graph = graph(edges);
        shortest_way(id(from), id(to), |id| graph.get(&id).map_or(&[][..], Vec::as_slice))
    }

    /// Everything that `from` waits for, found by repeating one step until nothing is new.
    fn below(edges: &[(u8, u8)], from: u8) -> BTreeSet<u8> {
        let mut below = BTreeSet::from([from]);
        loop {
            let next: BTreeSet<u8> = edges
                .iter()
                .filter(|(waiting, _)| below.contains(waiting))
                .map(|(_, other)| *other)
                .collect();
            if next.is_subset(&below) {
                return below;
            }
            below.extend(next);
        }
    }

    #[test]
    fn the_way_is_told_in_order() {
        let edges = [(1, 2), (2, 3), (3, 4), (1, 5), (5, 4)];
        assert_eq!(way(&edges, 1, 4), Some(vec![id(1), id(5), id(4)]));
        assert_eq!(way(&edges, 4, 1), None);
        assert_eq!(way(&[], 1, 1), Some(vec![id(1)]));
    }

    proptest! {
        #[test]
        fn a_way_is_found_exactly_when_there_is_one(
            edges in prop::collection::vec((0..TASKS, 0..TASKS), 0..40), from in 0..TASKS, to in 0..TASKS
        ) {
            let found = way(&edges, from, to);
            prop_assert_eq!(found.is_some(), below(&edges, from).contains(&to));
            if let Some(found) = found {
                prop_assert_eq!((found.first(), found.last()), (Some(&id(from)), Some(&id(to))));
                let graph = graph(&edges);
                prop_assert!(found.windows(2).all(|step| graph[&step[0]].contains(&step[1])));
            }
        }

        #[test]
        fn edges_that_are_refused_when_they_close_a_circle_never_make_one(
            edges in prop::collection::vec((0..TASKS, 0..TASKS), 0..60)
        ) {
            let mut kept: Vec<(u8, u8)> = Vec::new();
            for (waiting, other) in edges {
                if way(&kept, other, waiting).is_none() {
                    kept.push((waiting, other));
                }
            }
            for task in 0..TASKS {
                let others = kept.iter().filter(|(waiting, _)| *waiting == task);
                prop_assert!(others.into_iter().all(|(_, other)| !below(&kept, *other).contains(&task)));
            }
        }
    }
}
