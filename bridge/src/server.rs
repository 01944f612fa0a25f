//! Mission Control as one agent sees it: requests and the event stream.
//!
//! A [`Server`] is one agent's view: its organization, its key, one HTTP client shared by all. It
//! makes single requests and single streams; when to try again is the caller's
//! ([`ServerError::is_retryable`], [`crate::backoff::Backoff`]).
//!
//! Invariant: no answer is taken from a server of another API; the key is in no log, error or URL.
//! Must not know: sessions, deliveries, what an event means.

mod error;
mod http;
mod request;
mod stream;

pub use error::{Result, ServerError};
pub use http::Http;
pub use request::Server;
pub use stream::{Cursor, EventStream, Item};
