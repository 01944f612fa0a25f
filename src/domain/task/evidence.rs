//! Evidence: links that show that a task was done.

use std::borrow::Cow;

use mission_control_shared::{EventKind, Evidence, EvidenceId, EvidenceType, Task, TaskId, TaskPayload};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{author, find_for, record, touch};
use crate::domain::check::Check;
use crate::domain::policy::Action;
use crate::error::{Error, Noun, Result};
use crate::store::{TenantTx, task};

/// Most pieces of evidence of one task.
const LIMIT: usize = 100;

/// A new piece of evidence.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct NewEvidence {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: EvidenceType,
    /// An https URL, up to 2,048 characters.
    pub url: String,
}

/// Gives evidence without moving the task.
///
/// Errors: `TASK_NOT_FOUND`, `TASK_ARCHIVED`, `VALIDATION_FAILED`, `FORBIDDEN`.
pub fn add_evidence(tx: &mut TenantTx<'_, '_>, id: TaskId, new: &NewEvidence) -> Result<Task> {
    let mut task = find_for(tx, Action::GiveEvidence, id)?;
    let mut check = Check::default();
    let url = check.url("url", &new.url);
    if task.evidence.len() >= LIMIT {
        check.problem("url", format!("cannot be added: a task has {LIMIT} pieces of evidence at most"));
    }
    check.finish()?;
    let evidence = made(tx, new.kind, url)?;
    task.evidence.push(evidence.clone());
    store(tx, &task, std::slice::from_ref(&evidence))?;
    touch(tx, &mut task)?;
    record_given(tx, &task, std::slice::from_ref(&evidence))?;
    Ok(task)
}

/// The evidence that comes along with a move, not stored yet. What is wrong with it goes to `check`.
pub(super) fn given(
    tx: &TenantTx<'_, '_>,
    check: &mut Check,
    task: &Task,
    new: &[NewEvidence],
) -> Result<Vec<Evidence>> {
    if task.evidence.len() + new.len() > LIMIT {
        check.problem("evidence", format!("is too much: a task has {LIMIT} pieces of evidence at most"));
        return Ok(Vec::new());
    }
    let piece = |(index, new): (usize, &NewEvidence)| {
        let url = check.url(&format!("evidence.{index}.url"), &new.url);
        made(tx, new.kind, url)
    };
    new.iter().enumerate().map(piece).collect()
}

fn made(tx: &TenantTx<'_, '_>, kind: EvidenceType, url: String) -> Result<Evidence> {
    let created_by = author(tx, "evidence")?;
    Ok(Evidence { id: EvidenceId(tx.new_id()), kind, url, created_by, created_at: tx.now() })
}

pub(super) fn store(tx: &mut TenantTx<'_, '_>, task: &Task, given: &[Evidence]) -> Result<()> {
    for evidence in given {
        task::add_evidence(tx, task.id, evidence)?;
    }
    Ok(())
}

pub(super) fn record_given(tx: &mut TenantTx<'_, '_>, task: &Task, given: &[Evidence]) -> Result<()> {
    for evidence in given {
        let payload = TaskPayload { evidence: Some(Cow::Borrowed(evidence)), ..TaskPayload::of(task) };
        record(tx, EventKind::TaskEvidenceAdded, &payload)?;
    }
    Ok(())
}

/// Takes a piece of evidence back.
///
/// Errors: `TASK_NOT_FOUND`, `TASK_ARCHIVED`, `EVIDENCE_NOT_FOUND`, `FORBIDDEN`.
pub fn remove_evidence(tx: &mut TenantTx<'_, '_>, id: TaskId, evidence_id: EvidenceId) -> Result<()> {
    let mut task = find_for(tx, Action::GiveEvidence, id)?;
    let at = task.evidence.iter().position(|evidence| evidence.id == evidence_id);
    let removed = task.evidence.remove(at.ok_or(Error::NotFound(Noun::Evidence))?);
    task::remove_evidence(tx, id, evidence_id)?;
    touch(tx, &mut task)?;
    record(
        tx,
        EventKind::TaskEvidenceRemoved,
        &TaskPayload { evidence: Some(Cow::Borrowed(&removed)), ..TaskPayload::of(&task) },
    )
}
