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
pub mod cookie;
pub mod limits;
pub mod password;
pub mod seen;
pub mod session;
pub mod sign_in;

mod secret;

use mission_control_shared::OrgId;

use self::cache::Cache;
pub use self::caller::{Caller, Credential, Principal};
use self::cookie::Cookies;
use self::limits::Limits;
use self::password::Passwords;
pub use self::secret::SIGNING_FILE;
use self::seen::OncePerMinute;
use self::session::Tokens;
use crate::config::{Config, Secret};
use crate::events::Who;

/// Everything that is kept in memory to tell who calls.
pub struct Auth {
    cache: Cache,
    cookies: Cookies,
    limits: Limits,
    passwords: Passwords,
    tokens: Tokens,
    seen: OncePerMinute,
    failures: OncePerMinute,
}

impl Auth {
    /// Reads or makes the secret that signs sessions.
    pub fn new(config: &Config) -> anyhow::Result<Auth> {
        let secret = secret::signing(config.sessions.secret.as_ref().map(Secret::expose), &config.data.dir)?;
        Ok(Auth {
            cache: Cache::default(),
            cookies: Cookies::new(config.secure(), &config.base_path()),
            limits: Limits::new(config.limits.signin_limit, config.limits.request_budget),
            passwords: Passwords::default(),
            tokens: Tokens::new(&secret),
            seen: OncePerMinute::default(),
            failures: OncePerMinute::default(),
        })
    }

    /// What was looked up of callers.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// How sessions travel.
    pub fn cookies(&self) -> &Cookies {
        &self.cookies
    }

    /// What callers can run into.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Hashes and compares passwords.
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// Signs and reads sessions.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// When members were last seen.
    pub fn seen(&self) -> &OncePerMinute {
        &self.seen
    }

    /// When a dead key of an agent was last recorded: a forgotten script must not fill the log.
    pub fn failures(&self) -> &OncePerMinute {
        &self.failures
    }

    /// What these users may do has changed, in one organization or in all: look it up again. Called
    /// once the change is committed and before it is answered.
    pub fn access_changed(&self, org_id: Option<OrgId>, who: Who) {
        self.cache.forget(org_id, who);
    }

    /// Anybody's access may have changed.
    pub fn forget_all(&self) {
        self.cache.forget_all();
    }
}
