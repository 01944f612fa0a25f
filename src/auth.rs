//! Who calls: from a cookie or a key to a member of an organization.
//!
//! Owns credentials (keys, passwords, sessions, CSRF), the cache of callers, and limits on guessing.
//! Called by `http`'s extractors. What a caller may do is looked up from membership, never read
//! from a token.
//!
//! Invariants: a revoked credential is dead before its revocation is answered; no secret is stored
//! or logged. Must not know: routes, tasks, messages.

pub mod address;
pub mod api_key;
pub mod cache;
pub mod caller;
pub mod limits;
pub mod password;
pub mod secret;
pub mod session;
pub mod sign_in;

pub use self::caller::{Caller, Credential, Principal};
