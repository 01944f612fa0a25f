//! Passwords: argon2id, off the async threads, two at a time.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::domain::check::Check;
use crate::error::{Error, Result};

const SHORTEST: usize = 10;
const LONGEST: usize = 200;
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// A flood of sign-ins must not starve the server.
const AT_A_TIME: usize = 2;
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A hash that no password has, at our cost: an unknown address takes as long as a wrong password.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The commonest passwords that are long enough to be taken otherwise, in lower case.
const COMMONEST: [&str; 40] = [
    "0123456789",
    "0987654321",
    "1111111111",
    "1122334455",
    "1234567890",
    "12345678910",
    "123456789a",
    "1234567891",
    "123123123123",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "9876543210",
    "abc1234567",
    "abcd123456",
    "abcdefghij",
    "administrator",
    "adminadmin",
    "admin12345",
    "changeme123",
    "correcthorsebatterystaple",
    "football123",
    "iloveyou12",
    "iloveyou123",
    "letmein123",
    "letmein1234",
    "missioncontrol",
    "monkey1234",
    "password01",
    "password12",
    "password123",
    "password1234",
    "passw0rd123",
    "q1w2e3r4t5",
    "qwerty1234",
    "qwerty12345",
    "qwertyuiop",
    "qwertyuiop123",
    "superman123",
    "welcome123",
];

/// What became of a password that somebody brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not theirs.
    Wrong,
    /// It is.
    Right,
    /// It is, and its hash is weaker than what we make today.
    RightButWeak,
}

/// Hashes and compares passwords.
pub struct Passwords {
    permits: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Passwords { permits: Arc::new(Semaphore::new(AT_A_TIME)) }
    }
}

impl Passwords {
    /// The hash of a new password. Errors: `UNAVAILABLE` when too many wait.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.run(move || hash(&password)).await?
    }

    /// Compares a password with the hash of who it may be; `None` is nobody, who takes as long.
    ///
    /// Errors: `UNAVAILABLE` when too many wait.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<Verdict> {
        self.run(move || verify(&password, hash.as_deref())).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let permit = tokio::time::timeout(LONGEST_WAIT, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| Error::Unavailable)?.map_err(|_| Error::Unavailable)?;
        // The permit goes along: a caller who hangs up does not make room while we still work.
        let work = move || {
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|stopped| Error::Internal(stopped.into()))
    }
}

/// Notes what is wrong with a new password.
pub fn check(check: &mut Check, field: &str, password: &str) {
    let length = password.chars().count();
    if length < SHORTEST {
        check.problem(field, format!("has {length} characters, at least {SHORTEST} are needed"));
    } else if length > LONGEST {
        check.problem(field, format!("has {length} characters, {LONGEST} are allowed"));
    } else if is_common(password) {
        check.problem(field, "is one of the commonest passwords: choose another");
    }
}

fn is_common(password: &str) -> bool {
    let folded = password.to_lowercase();
    let first = folded.chars().next();
    COMMONEST.contains(&folded.as_str()) || folded.chars().all(|character| Some(character) == first)
}

fn argon2() -> Argon2<'static> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the constants are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &str) -> Result<String> {
    let hash = argon2().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|fault| Error::Internal(anyhow::anyhow!("hash a password: {fault}")))
}

fn verify(password: &str, hash: Option<&str>) -> Verdict {
    let Ok(kept) = PasswordHash::new(hash.unwrap_or(NOBODYS)) else {
        tracing::error!("a stored password hash cannot be read");
        return Verdict::Wrong;
    };
    let right = argon2().verify_password(password.as_bytes(), &kept).is_ok();
    match (right && hash.is_some(), is_weak(&kept)) {
        (false, _) => Verdict::Wrong,
        (true, false) => Verdict::Right,
        (true, true) => Verdict::RightButWeak,
    }
}

/// Whether a hash costs less than what we make today.
fn is_weak(hash: &PasswordHash) -> bool {
    match Params::try_from(hash) {
        Ok(params) => {
            hash.algorithm.as_str() != "argon2id" || params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES
        }
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_opens_its_own_hash_alone() {
        let kept = hash("correct horse").unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(verify("correct horse", Some(&kept)), Verdict::Right);
        assert_eq!(verify("correct mouse", Some(&kept)), Verdict::Wrong);
    }

    #[test]
    fn nobodys_hash_can_be_read_and_opens_to_nothing() {
        assert!(PasswordHash::new(NOBODYS).is_ok_and(|hash| !is_weak(&hash)));
        assert_eq!(verify("", None), Verdict::Wrong);
    }

    #[test]
    fn a_cheaper_hash_is_made_anew() {
        let params = Params::new(8 * 1024, 1, 1, None).unwrap();
        let cheap = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let kept = cheap.hash_password(b"correct horse").unwrap().to_string();
        assert_eq!(verify("correct horse", Some(&kept)), Verdict::RightButWeak);
    }

    #[test]
    fn short_long_and_common_passwords_are_refused() {
        for password in ["short", "Password123", "aaaaaaaaaaaa", &"long".repeat(60)] {
            let mut problems = Check::default();
            check(&mut problems, "password", password);
            assert!(problems.finish().is_err(), "{password}");
        }
        let mut problems = Check::default();
        check(&mut problems, "password", "zwölf Zeichen");
        assert!(problems.finish().is_ok());
    }
}
