//! What a request may come to.

use std::time::Duration;

/// A request's answer.
pub type Result<T> = std::result::Result<T, ServerError>;

/// Why a request has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ServerError {
    /// The server said no: the same again is of no use.
    #[error("the server refused: {message} ({code}, {status})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// A name that programs can rely on, such as `TASK_NOT_FOUND`.
        code: String,
        /// In its words.
        message: String,
        /// When to try again after all.
        retry_after: Option<Duration>,
    },
    /// The key is no good.
    #[error("the server does not accept the key: {message}")]
    Unauthorized {
        /// In its words.
        message: String,
    },
    /// It cannot be reached, or cannot answer now: later.
    #[error("{reason}")]
    Unreachable {
        /// Why.
        reason: String,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// It speaks another API: which, and how to mend that.
    #[error("{0}")]
    Unsupported(String),
    /// Its answer is not what it should be.
    #[error("the server's answer cannot be read: {0}")]
    Unreadable(String),
}

impl ServerError {
    /// Whether the same may work later. An answer that cannot be read says nothing of the request: a
    /// proxy may have given it.
    pub fn is_retryable(&self) -> bool {
        matches!(self, ServerError::Unreachable { .. } | ServerError::Unreadable(_))
    }

    /// When the server wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            ServerError::Refused { retry_after, .. } | ServerError::Unreachable { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }
}
