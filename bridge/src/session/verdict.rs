//! What has become of a delivery, read from the Gateway's transcript. Pure.
//!
//! Asked whenever the end of a run was not seen: after a lost connection, after a start, after an
//! answer that came under another run. Each line was tried with a real Gateway.

use crate::gateway::{History, Row, RowFailure, RowRole};

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
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
pub(super) fn verdict(history: &History, keys: &[String]) -> Verdict {
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

/// Whether these rows are enough to decide. Messages are handed over one after the other, so the row
/// of the last one comes after those of the ones before: where one of them is, it is, if it is at all.
pub(super) fn reaches_back(history: &History) -> bool {
    let is_asked = |row: &Row| {
        row.role == RowRole::User && row.idempotency_key.as_deref().is_some_and(|key| key.ends_with(":user"))
    };
    !history.has_more || history.rows.iter().any(is_asked)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::PendingInput;

    fn row(role: RowRole, text: &str) -> Row {
        Row {
            id: text.to_owned(),
            role,
            text: text.to_owned(),
            truncated: false,
            idempotency_key: None,
            run_id: None,
            stop_reason: None,
            failed: None,
            internal: false,
            model: None,
        }
    }

    fn user(key: &str) -> Row {
        Row { idempotency_key: Some(format!("{key}:user")), ..row(RowRole::User, "question") }
    }

    fn history(rows: Vec<Row>) -> History {
        History { rows, ..History::default() }
    }

    fn of(history: &History) -> Verdict {
        verdict(history, &["k".to_owned()])
    }

    #[test]
    fn what_the_gateway_never_wrote_is_sent_with_the_same_key() {
        assert_eq!(of(&history(vec![])), Verdict::Send);
        assert_eq!(of(&history(vec![user("other"), row(RowRole::Assistant, "answer")])), Verdict::Send);
    }

    #[test]
    fn an_interrupted_input_needs_a_new_key() {
        let pending = |state: &str| PendingInput { run_id: Some("k".to_owned()), state: state.to_owned() };
        let with = |state| History { pending: vec![pending(state)], ..history(vec![]) };
        assert_eq!(of(&with("interrupted")), Verdict::SendAnew);
        assert_eq!(of(&with("queued")), Verdict::Wait);
        // The new key was not sent yet.
        let keys = ["k".to_owned(), "k:2".to_owned()];
        assert_eq!(verdict(&with("interrupted"), &keys), Verdict::Send);
    }

    #[test]
    fn a_row_whose_run_never_started_is_sent_with_the_same_key() {
        assert_eq!(of(&history(vec![user("k")])), Verdict::Send);
    }

    #[test]
    fn an_active_run_is_waited_for_whatever_its_id() {
        let active = History { has_active_run: true, ..history(vec![user("k")]) };
        assert_eq!(of(&active), Verdict::Wait);
        let system =
            Row { internal: true, ..row(RowRole::User, "[System] Your previous turn was interrupted") };
        let resumed = vec![user("k"), system, row(RowRole::Assistant, "so far")];
        assert_eq!(of(&History { has_active_run: true, ..history(resumed.clone()) }), Verdict::Wait);
        let Verdict::Answered(answer) = of(&history(resumed)) else { panic!("it is the answer") };
        assert_eq!(answer.text, "so far");
    }

    #[test]
    fn the_last_text_of_the_run_is_the_answer() {
        let rows = vec![
            user("earlier"),
            row(RowRole::Assistant, "earlier answer"),
            user("k"),
            row(RowRole::Assistant, "let me look"),
            row(RowRole::Other, "tool"),
            row(RowRole::Assistant, "found it"),
            user("later"),
            row(RowRole::Assistant, "later answer"),
        ];
        let Verdict::Answered(answer) = of(&history(rows)) else { panic!("it is the answer") };
        assert_eq!(answer.text, "found it");
    }

    #[test]
    fn a_window_without_anything_that_was_asked_is_too_small() {
        let window = |rows, has_more| History { has_more, ..history(rows) };
        let tools = || vec![row(RowRole::Other, "tool"), row(RowRole::Assistant, "so far")];
        assert!(!reaches_back(&window(tools(), true)));
        assert!(reaches_back(&window(tools(), false)), "there is nothing more");
        let asked = vec![user("earlier"), row(RowRole::Assistant, "answer")];
        assert!(reaches_back(&window(asked, true)));
    }

    #[test]
    fn rows_of_failed_runs_are_no_answers() {
        let failed = |failure| Row { failed: Some(failure), ..row(RowRole::Assistant, "part of it") };
        let error = failed(RowFailure::Error("no model".to_owned()));
        assert_eq!(of(&history(vec![user("k"), error])), Verdict::Failed("no model".to_owned()));
        let aborted = failed(RowFailure::Aborted { origin: "rpc".to_owned() });
        assert_eq!(of(&history(vec![user("k"), aborted])), Verdict::Aborted);
    }
}
