//! What has become of a delivery, read from the Gateway's transcript. Pure.
//!
//! Asked whenever the end of a run was not seen: after a lost connection, after a start, after an
//! answer that came under another run. Each line was tried with a real Gateway.

use crate::gateway::{History, Row, RowFailure, RowRole};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This row is the answer.
    Answered(Row),
    /// The run has failed, for this reason.
    Failed(String),
    /// Somebody has stopped the run.
    Aborted,
    /// The Gateway works on it.
    Wait,
    /// The Gateway knows nothing that would come to an end by itself: send it, with the same key.
    Send,
    /// The same, but the key is used up.
    SendAnew,
}

/// Decides for a delivery that was, or may have been, sent under these keys.
pub fn verdict(history: &History, keys: &[String]) -> Verdict {
    let is_ours = |row: &Row| {
        let key = row.idempotency_key.as_deref().and_then(|key| key.strip_suffix(":user"));
        key.is_some_and(|key| keys.iter().any(|ours| ours == key))
    };
    let Some(asked) = history.rows.iter().rposition(|row| row.role == RowRole::User && is_ours(row)) else {
        return without_row(history, keys);
    };
    if history.has_active_run || history.in_flight_run.is_some() {
        return Verdict::Wait;
    }
    // Up to what somebody asked next.
    let after = history.rows[asked + 1..].iter().take_while(|row| row.role != RowRole::User || row.internal);
    let mut last = None;
    for row in after.filter(|row| row.role == RowRole::Assistant) {
        match &row.failed {
            None if !row.text.trim().is_empty() => last = Some(Verdict::Answered(row.clone())),
            None => {}
            Some(RowFailure::Aborted { .. }) => last = Some(Verdict::Aborted),
            Some(RowFailure::Error(reason) | RowFailure::Timeout(reason)) => {
                last = Some(Verdict::Failed(reason.clone()));
            }
        }
    }
    last.unwrap_or(Verdict::Send)
}

/// The transcript has no row of it.
fn without_row(history: &History, keys: &[String]) -> Verdict {
    let newest = keys.last();
    let pending = history.pending.iter().find(|pending| pending.run_id.as_ref() == newest);
    match pending {
        Some(pending) if pending.state == "interrupted" => Verdict::SendAnew,
        Some(_) => Verdict::Wait,
        None if history.in_flight_run.as_ref() == newest && newest.is_some() => Verdict::Wait,
        None => Verdict::Send,
    }
}
