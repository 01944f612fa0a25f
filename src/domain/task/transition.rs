//! Moving a task to another column, and what stands against it.

use mission_control_shared::{
    ErrorDetail, EventKind, EvidenceType, LinkedTask, Task, TaskId, TaskPayload, TaskStatus,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::evidence::{self, NewEvidence};
use super::{Place, find_for, place, record, touch, visible};
use crate::domain::check::{self, Check};
use crate::domain::policy::Action;
use crate::error::{Conflict, Error, Result};
use crate::store::TenantTx;

/// Where to move a task.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskTransition {
    /// The column: any other, or the same one with a neighbour, which only changes the order.
    pub to_status: TaskStatus,
    /// Evidence that comes along and counts for `complete`.
    #[serde(default)]
    pub evidence: Vec<NewEvidence>,
    /// Why; up to 2,000 characters.
    #[serde(default)]
    pub comment: Option<String>,
    /// Right below this task of the column; at the top without it.
    #[serde(default)]
    pub after_id: Option<TaskId>,
    /// Right above this task of the column.
    #[serde(default)]
    pub before_id: Option<TaskId>,
}

/// A task with where it may go.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TaskWithMoves {
    /// The task.
    #[serde(flatten)]
    pub task: Task,
    /// Every other column, and what stands against it now; empty while the task is archived.
    pub allowed_transitions: Vec<NextMove>,
}

/// A column where a task may go, or what stands against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NextMove {
    /// The column.
    pub to_status: TaskStatus,
    /// Whether the task can go there as it is.
    pub allowed: bool,
    /// Types of evidence that have to be given first, or along with the move.
    pub missing_evidence: Vec<EvidenceType>,
    /// Tasks that have to be complete first.
    pub blocked_by: Vec<TaskId>,
}

/// One task, whole, with where it may go. Errors: `TASK_NOT_FOUND`.
pub fn get(tx: &mut TenantTx<'_, '_>, id: TaskId) -> Result<TaskWithMoves> {
    let task = visible(tx, id)?;
    let allowed_transitions = next_moves(&task);
    Ok(TaskWithMoves { task, allowed_transitions })
}

fn next_moves(task: &Task) -> Vec<NextMove> {
    if task.archived_at.is_some() {
        return Vec::new();
    }
    let others = TaskStatus::ALL.iter().copied().filter(|to| *to != task.status);
    others
        .map(|to_status| {
            let done = to_status == TaskStatus::Complete;
            let missing_evidence = if done { missing_evidence(task) } else { Vec::new() };
            let blocked_by: Vec<TaskId> =
                open_blockers(task).filter(|_| done).map(|other| other.id).collect();
            let allowed = missing_evidence.is_empty() && blocked_by.is_empty();
            NextMove { to_status, allowed, missing_evidence, blocked_by }
        })
        .collect()
}

/// Required types of evidence of which there is no piece.
fn missing_evidence(task: &Task) -> Vec<EvidenceType> {
    let given = |kind: &EvidenceType| task.evidence.iter().any(|evidence| evidence.kind == *kind);
    task.required_evidence_types.iter().copied().filter(|kind| !given(kind)).collect()
}

/// Dependencies that are unfinished, archived or not.
fn open_blockers(task: &Task) -> impl Iterator<Item = &LinkedTask> {
    task.dependencies.iter().filter(|other| other.status != TaskStatus::Complete)
}

/// Refuses a task that cannot be complete yet. Errors: `EVIDENCE_REQUIRED`, `TASK_BLOCKED`.
fn require_complete(task: &Task) -> Result<()> {
    let missing = missing_evidence(task);
    if !missing.is_empty() {
        let detail = |kind: &EvidenceType| ErrorDetail {
            field: kind.to_string(),
            message: "is required: send a link of this type in `evidence`".to_owned(),
        };
        return Err(Error::Conflict(
            Conflict::EvidenceRequired,
            "evidence is missing: give what `details` names, then complete the task".to_owned(),
            missing.iter().map(detail).collect(),
        ));
    }
    let blockers: Vec<ErrorDetail> = open_blockers(task)
        .map(|other| ErrorDetail { field: other.id.to_string(), message: other.title.clone() })
        .collect();
    if !blockers.is_empty() {
        let message = "the task waits for others: complete those that `details` names first".to_owned();
        return Err(Error::Conflict(Conflict::TaskBlocked, message, blockers));
    }
    Ok(())
}

/// Moves a task to a column, with evidence where it comes along. The same column without a neighbour
/// leaves it where it is. What is refused leaves nothing behind.
///
/// Errors: `TASK_NOT_FOUND`, `TASK_ARCHIVED`, `STALE_VERSION`, `VALIDATION_FAILED`,
/// `EVIDENCE_REQUIRED` (details: the missing types), `TASK_BLOCKED` (details: the open blockers),
/// `FORBIDDEN`.
pub fn transition(
    tx: &mut TenantTx<'_, '_>,
    id: TaskId,
    wanted: &TaskTransition,
    expected: Option<i64>,
) -> Result<Task> {
    let before = find_for(tx, Action::MoveTask, id)?;
    check::version(before.version, expected)?;
    let mut check = Check::default();
    let comment = wanted.comment.as_deref().map(|comment| check.text("comment", comment, 0..=2_000));
    let given = evidence::given(tx, &mut check, &before, &wanted.evidence)?;
    let spot = Place { after_id: wanted.after_id, before_id: wanted.before_id };
    let (from, to) = (before.status, wanted.to_status);
    let mut task = before.clone();
    if from != to || !spot.is_top() {
        task.position = place(tx, &mut check, spot, to, Some(&before))?;
    }
    check.finish()?;
    task.evidence.extend(given.iter().cloned());
    if from != to {
        if to == TaskStatus::Complete {
            require_complete(&task)?;
        }
        task.status = to;
        task.completed_at = (to == TaskStatus::Complete).then_some(tx.now());
    }
    if task == before {
        return Ok(task);
    }
    evidence::store(tx, &task, &given)?;
    touch(tx, &mut task)?;
    evidence::record_given(tx, &task, &given)?;
    let comment = comment.filter(|comment| !comment.is_empty());
    if from != to {
        let payload = TaskPayload { from: Some(from), to: Some(to), comment, ..TaskPayload::of(&task) };
        record(tx, EventKind::TaskTransitioned, &payload)?;
    } else if task.position != before.position {
        let payload = TaskPayload { changed: vec!["position".into()], comment, ..TaskPayload::of(&task) };
        record(tx, EventKind::TaskUpdated, &payload)?;
    }
    Ok(task)
}

#[cfg(test)]
mod tests {
    use mission_control_shared::{Evidence, EvidenceId, OrgId, Timestamp, UserId};
    use uuid::Uuid;

    use super::*;

    fn task() -> Task {
        let ada = UserId(Uuid::from_u128(4));
        let (id, org_id) = (TaskId(Uuid::from_u128(1)), OrgId(Uuid::from_u128(2)));
        Task {
            status: TaskStatus::InReview,
            required_evidence_types: vec![EvidenceType::PrLink, EvidenceType::TestResults],
            evidence: vec![Evidence {
                id: EvidenceId(Uuid::from_u128(3)),
                kind: EvidenceType::PrLink,
                url: "https://example.org/pull/1".to_owned(),
                created_by: ada,
                created_at: Timestamp(0),
            }],
            dependencies: vec![linked(5, TaskStatus::Complete), linked(6, TaskStatus::InReview)],
            blocked: true,
            ..Task::new(id, org_id, "Ship it".to_owned(), ada, Timestamp(0))
        }
    }

    fn linked(id: u128, status: TaskStatus) -> LinkedTask {
        LinkedTask { id: TaskId(Uuid::from_u128(id)), title: format!("Task {id}"), status }
    }

    fn refusal(task: &Task) -> (&'static str, Vec<String>) {
        let error = require_complete(task).expect_err("is refused");
        let details = error.envelope().error.details;
        (error.code(), details.into_iter().map(|detail| detail.message).collect())
    }

    #[test]
    fn complete_needs_every_required_type_and_every_dependency() {
        let mut task = task();
        let error = require_complete(&task).expect_err("is refused").envelope().error;
        assert_eq!(error.code, "EVIDENCE_REQUIRED");
        assert_eq!(error.details[0].field, "test_results");
        task.required_evidence_types.pop();
        assert_eq!(refusal(&task), ("TASK_BLOCKED", vec!["Task 6".to_owned()]));
        task.dependencies.pop();
        assert!(require_complete(&task).is_ok());
    }

    #[test]
    fn the_next_moves_say_what_a_transition_would_say() {
        let mut task = task();
        let moves = next_moves(&task);
        let open: Vec<_> = moves.iter().filter(|next| next.allowed).map(|next| next.to_status).collect();
        assert_eq!(open, [TaskStatus::Backlog, TaskStatus::InProgress]);
        let complete = moves.last().expect("complete is the last column");
        assert_eq!(complete.missing_evidence, [EvidenceType::TestResults]);
        assert_eq!(complete.blocked_by, [TaskId(Uuid::from_u128(6))]);
        task.archived_at = Some(Timestamp(0));
        assert!(next_moves(&task).is_empty());
    }
}
