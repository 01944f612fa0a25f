//! Secrets that are shown once and kept as their hash: 256 random bits need no slow hash.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Characters of a token: 32 bytes in base64url.
pub const LENGTH: usize = 43;

/// A new secret. Not `Clone`, not in `Debug`: it is shown once.
pub struct Token(String);

impl Token {
    /// 256 random bits.
    pub fn random() -> Token {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).expect("the system has random numbers");
        Token(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What is kept of a secret that somebody brings.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_256_bits_and_does_not_show_them() {
        let (one, other) = (Token::random(), Token::random());
        assert_eq!(one.reveal().len(), LENGTH);
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(one.hash(), hash(one.reveal()));
        assert_eq!(format!("{one:?}"), "Token(…)");
    }
}
