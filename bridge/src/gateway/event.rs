//! What happens in a session.

use super::Row;

/// Something that happened in a session.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionEvent {
    /// The model says something.
    Delta {
        /// The run.
        run_id: String,
        /// What is new.
        text: String,
    },
    /// A run gets on.
    Status {
        /// The run.
        run_id: String,
        /// `preparing_workspace`, `preparing_context`, `starting_model`, …
        phase: String,
    },
    /// A run has ended well.
    Final {
        /// The run.
        run_id: String,
        /// The whole text; none when the input went to another run, or there was nothing to say.
        text: Option<String>,
        /// `gateway-injected` for the answer of a command.
        model: Option<String>,
    },
    /// A run has failed.
    Failed {
        /// The run.
        run_id: String,
        /// Why.
        reason: String,
        /// `timeout`, …
        kind: Option<String>,
    },
    /// A run was aborted.
    Aborted {
        /// The run.
        run_id: String,
        /// `rpc`, `stop`, `aborted`, …
        stop_reason: Option<String>,
        /// What it had said.
        partial: Option<String>,
    },
    /// A row was written; the same may come twice.
    Row(Row),
    /// The Gateway is about to end.
    Shutdown,
}
