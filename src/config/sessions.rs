//! `[sessions]`: how sign-ins are kept.

use super::Secret;

/// Characters that the secret must have at least: 256 bits in base64 without padding.
pub const SHORTEST_SECRET: usize = 43;

section! {
    /// How sign-ins are kept.
    "sessions" => Sessions {
        /// Signs sessions; 43 characters at least. When left out, one is made in the data directory at the
        /// first start.
        secret: Option<Secret> {
            variable: "MC_JWT_SECRET",
            former: Some("jwt_secret"),
            sample: Some(r#""/etc/mission-control/jwt-secret""#),
            check: is_long_enough,
        },
    }
}

fn is_long_enough(text: &str) -> Result<&str, String> {
    if text.len() < SHORTEST_SECRET {
        return Err(format!(
            "must have {SHORTEST_SECRET} characters at least: take `openssl rand -base64 32`"
        ));
    }
    Ok(text)
}
