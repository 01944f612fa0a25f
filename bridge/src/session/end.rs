//! Writes down how a delivery ended.

use mission_control_shared::{MessageKind, ReceiptState};

use super::Runner;
use super::text::parts;
use crate::fault::Step;
use crate::outbox;
use crate::state::{Delivery, End, Entry, Part, Session, StateError};

/// Longest reason that is posted, in characters.
const REASON: usize = 500;

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// With this answer, which may be empty.
    Answered(String),
    /// With the output of a command.
    Command(String),
    /// Without an answer, for this reason.
    Failed(String),
    /// Somebody stopped it.
    Stopped,
}

impl Runner {
    /// Ends a delivery: its answer goes into the outbox and it is gone.
    pub(super) async fn finish(
        &self,
        session: &Session,
        delivery: &Delivery,
        outcome: Outcome,
    ) -> Result<(), StateError> {
        let end = end(&outcome, &delivery.text, delivery.is_command);
        if let Outcome::Failed(reason) = &outcome {
            tracing::warn!(agent.name = %self.agent.config.name, delivery.id = %delivery.id, %reason, "a run failed");
            metrics::counter!("bridge_runs_failed_total").increment(1);
        }
        let (ending, delivery) = (session.clone(), delivery.clone());
        self.bridge.state.write(move |state| delivery.end(state, &ending, &end)).await?;
        self.bridge.fault.reach(Step::AnswerStored);
        outbox::wake(&self.bridge, &self.agent, session.channel_id);
        Ok(())
    }

    /// Tells a human who waits that the Gateway is away; once for a delivery, however often it is
    /// found again.
    pub(super) async fn tell_away(&self, session: &Session, delivery: &Delivery) -> Result<(), StateError> {
        let text = "I cannot be reached at the moment: my OpenClaw Gateway does not answer. \
                    Your message waits and will be answered when it is back.";
        let key = format!("{}:away", delivery.id);
        let entry = Entry::notice(session.lane(), key, text.to_owned(), delivery.item.message_id);
        self.bridge.state.write(move |state| entry.queue(state)).await?;
        outbox::wake(&self.bridge, &self.agent, session.channel_id);
        Ok(())
    }
}

fn end(outcome: &Outcome, text: &str, is_command: bool) -> End {
    let notice = |content: String| vec![Part { content, kind: MessageKind::Notice }];
    match outcome {
        Outcome::Answered(answer) => End {
            parts: parts(answer, MessageKind::Text),
            receipt: ReceiptState::Answered,
            detail: None,
            forgets: false,
        },
        Outcome::Command(output) => End {
            parts: parts(output, MessageKind::CommandOutput),
            receipt: ReceiptState::Answered,
            detail: None,
            // In a new session the agent knows nothing of where it is.
            forgets: is_command && text.starts_with("/new"),
        },
        Outcome::Failed(reason) => {
            let reason: String = reason.chars().take(REASON).collect();
            End {
                parts: notice(format!("I could not answer: {reason}")),
                receipt: ReceiptState::Failed,
                detail: Some(reason),
                forgets: false,
            }
        }
        Outcome::Stopped => End {
            parts: notice("I was stopped before I had answered.".to_owned()),
            receipt: ReceiptState::Failed,
            detail: Some("stopped".to_owned()),
            forgets: false,
        },
    }
}
