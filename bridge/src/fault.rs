//! Steps of a delivery at which a test may kill the bridge.
//!
//! The shipped program runs with [`Fault::none`]; the example `mc-bridge-faulty` reads
//! `MC_BRIDGE_FAULT`. Must not know what happens at a step.

use std::sync::atomic::{AtomicU32, Ordering};

/// A step of a delivery, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An event has come; nothing is stored.
    EventReceived,
    /// It is in the inbox and the cursor has moved.
    EventStored,
    /// The delivery is durable; the Gateway knows nothing of it.
    DeliveryComposed,
    /// `chat.send` is written, not acknowledged.
    Sent,
    /// The Gateway has acknowledged it.
    Acked,
    /// The run has ended; its answer is only in memory.
    RunEnded,
    /// The answer is in the outbox.
    AnswerStored,
    /// The server has the answer; the outbox still has it too.
    Posted,
    /// The outbox has let go of it.
    AnswerDone,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Step; 9] = [
        Step::EventReceived,
        Step::EventStored,
        Step::DeliveryComposed,
        Step::Sent,
        Step::Acked,
        Step::RunEnded,
        Step::AnswerStored,
        Step::Posted,
        Step::AnswerDone,
    ];

    /// Its name in `MC_BRIDGE_FAULT`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Step::EventReceived => "event_received",
            Step::EventStored => "event_stored",
            Step::DeliveryComposed => "delivery_composed",
            Step::Sent => "sent",
            Step::Acked => "acked",
            Step::RunEnded => "run_ended",
            Step::AnswerStored => "answer_stored",
            Step::Posted => "posted",
            Step::AnswerDone => "answer_done",
        }
    }
}

/// What is done when a step is reached.
#[derive(Debug, Default)]
pub struct Fault {
    at: Option<(Step, AtomicU32)>,
}

impl Fault {
    /// Nothing, ever.
    pub const fn none() -> Fault {
        Fault { at: None }
    }

    /// Kills the process the `n`-th time that a step is reached, from `<step>` or `<step>:<n>`.
    pub fn parse(text: &str) -> Result<Fault, String> {
        let (name, n) = text.split_once(':').unwrap_or((text, "1"));
        let step = Step::ALL.into_iter().find(|step| step.as_str() == name);
        let n = n.parse().ok().filter(|n| *n > 0);
        match (step, n) {
            (Some(step), Some(n)) => Ok(Fault { at: Some((step, AtomicU32::new(n))) }),
            _ => Err(format!("`{text}` is no fault: give `<step>` or `<step>:<n>`")),
        }
    }

    /// To be called when a step is reached.
    pub fn reach(&self, step: Step) {
        if let Some((at, left)) = &self.at
            && *at == step
            && left.fetch_sub(1, Ordering::Relaxed) == 1
        {
            // As the kernel would: nothing is flushed, no destructor runs.
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_named_by_step_and_count() {
        let fault = Fault::parse("acked:3").expect("it is one");
        assert_eq!(fault.at.expect("there is one").0, Step::Acked);
        for wrong in ["", "ack", "acked:0", "acked:x"] {
            assert!(Fault::parse(wrong).is_err(), "{wrong}");
        }
    }
}
