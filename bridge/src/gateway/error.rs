//! Why a connection cannot be made, and why a call has no answer.

use std::time::Duration;

use serde_json::Value;

/// The protocol that is spoken here.
pub const PROTOCOL: u32 = 4;
/// Why a connection could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The Gateway said no.
    #[error(transparent)]
    Refused(LinkRefusal),
    /// It is starting; soon.
    #[error("the Gateway is starting")]
    Starting {
        /// When to try again.
        retry_after: Duration,
    },
    /// It cannot be reached, or does not speak as one.
    #[error("{0}")]
    Unreachable(String),
}

/// Why the Gateway does not let us in. Each says how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefusal {
    /// The token is not the Gateway's.
    #[error(
        "the Gateway does not accept this token: put the value of its `gateway.auth.token` into the secret that `gateway.token_env` names"
    )]
    WrongToken,
    /// It speaks another protocol.
    #[error("the Gateway speaks protocol {gateway}, this bridge speaks {PROTOCOL}: update {}", older(*.gateway))]
    Protocol {
        /// Its protocol; 0 when it did not say.
        gateway: u32,
    },
    /// It lets us in, but not do all that is needed.
    #[error(
        "the Gateway does not grant {}: approve this bridge's device again on the Gateway's host (`openclaw devices list`, `openclaw devices approve <requestId>`), or use the Gateway's shared token", scopes.join(", ")
    )]
    MissingScopes {
        /// What is missing.
        scopes: Vec<String>,
    },
    /// It does not know this bridge's device yet.
    #[error(
        "the Gateway does not know this bridge yet: run `openclaw devices approve {}` on the Gateway's host", request_id.as_deref().unwrap_or("<requestId>")
    )]
    PairingRequired {
        /// What is to be approved.
        request_id: Option<String>,
    },
    /// It asks for a device identity where none was shown.
    #[error(
        "the Gateway asks for a device identity: connect to it directly, not through a proxy on loopback"
    )]
    DeviceRequired,
    /// It does not believe the device's signature.
    #[error(
        "the Gateway does not accept this bridge's device signature ({code}): set the clocks of both machines right; if they are, delete the bridge's device file and approve the bridge anew"
    )]
    DeviceRefused {
        /// Its code.
        code: String,
    },
    /// Something else.
    #[error("the Gateway refused the connection: {message} ({code})")]
    Other {
        /// Its code.
        code: String,
        /// In its words.
        message: String,
    },
}

fn older(gateway: u32) -> &'static str {
    if gateway > PROTOCOL { "the bridge" } else { "the Gateway" }
}

/// Why a call has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// The Gateway said no.
    #[error("the Gateway refused: {message} ({code})")]
    Refused {
        /// Its code; many things share `INVALID_REQUEST`.
        code: String,
        /// In its words.
        message: String,
        /// More of it; `null` when there is none.
        details: Value,
        /// Whether the same may work later.
        retryable: bool,
        /// When.
        retry_after: Option<Duration>,
        /// The answer that came with the refusal.
        payload: Option<Box<Value>>,
    },
    /// The connection ended first. It may have been done.
    #[error("the connection to the Gateway ended")]
    Lost,
    /// No answer came in time. It may have been done.
    #[error("the Gateway did not answer in time")]
    TimedOut,
}

impl CallError {
    /// Whether it is about a session that has become another since.
    pub(super) fn is_session_changed(&self) -> bool {
        matches!(self, CallError::Refused { details, .. } if details["reason"] == "session-changed")
    }
}
