//! Why a request has no answer, and whether to send it again.

use std::time::{Duration, SystemTime};

use mission_control_shared::ErrorBody;

use crate::Backoff;

/// The answer to a request.
pub type Result<T> = std::result::Result<T, Error>;

/// The longest wait that is taken from a server; a proxy may name any.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(600);

/// Why a request has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The server refused the request and would refuse it again.
    #[error("the server refused: {}", explained(.0))]
    Refused(ErrorBody),
    /// The server does not accept the key or session.
    #[error("the server does not accept the key: {0}")]
    Unauthorized(String),
    /// The server cannot be reached, or cannot answer now.
    #[error("{reason}")]
    Unavailable {
        /// Why, in one line, without the address.
        reason: String,
        /// The wait that the server asked for.
        retry_after: Option<Duration>,
    },
    /// The server speaks an incompatible API; says which side to update.
    #[error("{0}")]
    Unsupported(String),
    /// The answer is not what the API promises.
    #[error("the server's answer cannot be read: {0}")]
    Unreadable(String),
    /// The request cannot be sent as it is; it never left this process.
    #[error("the request is not valid: {0}")]
    Invalid(String),
}

/// The options cannot work: a wrong address, or no certificates on this system.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct SetupError(String);

impl SetupError {
    pub(crate) fn new(reason: String) -> SetupError {
        SetupError(reason)
    }
}

/// When to send a failed request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same request fails again.
    Never,
    /// After a wait of the caller's choice.
    Later,
    /// After the wait that the server asked for, at most [`LONGEST_RETRY_AFTER`].
    After(Duration),
}

impl Error {
    pub(crate) fn unavailable(reason: impl Into<String>) -> Error {
        Error::Unavailable { reason: reason.into(), retry_after: None }
    }

    /// Whether and when the same request may succeed. An unreadable answer says nothing about the
    /// request, for a proxy may have given it: try again.
    pub fn retry(&self) -> Retry {
        match self {
            Error::Unavailable { retry_after: Some(after), .. } => Retry::After(*after),
            Error::Unavailable { .. } | Error::Unreadable(_) => Retry::Later,
            Error::Refused(_) | Error::Unauthorized(_) | Error::Unsupported(_) | Error::Invalid(_) => {
                Retry::Never
            }
        }
    }

    /// How long to wait before the next attempt; `None` when there should be none.
    pub fn delay(&self, backoff: &mut Backoff) -> Option<Duration> {
        match self.retry() {
            Retry::Never => None,
            Retry::Later => Some(backoff.next()),
            Retry::After(after) => Some(after),
        }
    }

    /// The code of the error body, such as `TASK_NOT_FOUND`, where the server refused.
    pub fn code(&self) -> Option<&str> {
        match self {
            Error::Refused(body) => Some(&body.code),
            _ => None,
        }
    }
}

/// The wait that `Retry-After` asks for: seconds or a date. One that has passed asks for nothing.
pub(crate) fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let wait = match header.trim().parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(header.trim()).ok()?.duration_since(now).ok()?,
    };
    (!wait.is_zero()).then_some(wait.min(LONGEST_RETRY_AFTER))
}

/// An error body in one line.
fn explained(body: &ErrorBody) -> String {
    format!("{} ({}, {})", with_details(body), body.code, body.status)
}

/// The message with what it says of each field.
pub(crate) fn with_details(body: &ErrorBody) -> String {
    let details = body.details.iter().map(|detail| format!("; `{}` {}", detail.field, detail.message));
    format!("{}{}", body.message, details.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_date_and_never_exceeds_ten_minutes() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").expect("is a date");
        for (header, wait) in [
            ("7", Some(7)),
            (" 120 ", Some(120)),
            ("0", None),
            ("86400", Some(600)),
            ("18446744073709551615", Some(600)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", Some(600)),
            ("Sun, 06 Nov 1994 08:49:36 GMT", None),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(header, now), wait.map(Duration::from_secs), "{header:?}");
        }
    }
}
