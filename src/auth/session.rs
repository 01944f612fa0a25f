//! The tokens of sessions, and what proves that a request comes from our own pages.
//!
//! A token is a JWT that this server signs and nobody else reads: HS256 with one fixed header. A token with
//! any other header is refused before its signature is looked at, so there is no algorithm to choose.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use mission_control_shared::{SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use super::secret;
use crate::domain::session::Session;

/// How long a token works.
const TOKEN_SECONDS: i64 = 3_600;

/// `{"typ":"JWT","alg":"HS256"}`, the header of every token.
const HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9";

type HmacSha256 = Hmac<Sha256>;

/// What a token says. What its bearer may do is looked up, never read from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who.
    pub sub: UserId,
    /// The family.
    pub sid: SessionId,
    /// The token in the family.
    pub jti: Uuid,
    /// When it was made, in seconds.
    pub iat: i64,
    /// When it stops working, in seconds.
    pub exp: i64,
}

impl Claims {
    /// The claims of a session's newest token.
    pub fn of(session: &Session, now: Timestamp) -> Claims {
        let iat = now.seconds();
        let exp = (iat + TOKEN_SECONDS).min(session.expires_at.seconds());
        Claims { sub: session.user_id, sid: session.id, jti: session.token_id, iat, exp }
    }

    /// Whether the token works still; a session can be renewed with one that does not.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.seconds() < self.exp
    }
}

/// Signs and reads tokens.
pub struct Tokens {
    /// Keyed with the server's secret. A token's text and a session's id never look alike, so one key
    /// serves both.
    mac: HmacSha256,
}

impl Tokens {
    /// With the server's secret.
    pub fn new(secret: &[u8; 32]) -> Tokens {
        Tokens { mac: mac(secret) }
    }

    /// The text of a token.
    pub fn sign(&self, claims: &Claims) -> String {
        let claims = serde_json::to_vec(claims).expect("claims always become JSON");
        let mut token = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = self.mac.clone().chain_update(token.as_bytes()).finalize().into_bytes();
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        token
    }

    /// What a token says, when this server signed it. Time is not looked at: see [`Claims::is_fresh`].
    pub fn read(&self, token: &str) -> Option<Claims> {
        let (message, signature) = token.rsplit_once('.')?;
        let claims = message.strip_prefix(HEADER)?.strip_prefix('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.mac.clone().chain_update(message.as_bytes()).verify_slice(&signature).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }

    /// What pages of this session send along to prove that they are ours.
    pub fn csrf(&self, session: SessionId) -> String {
        URL_SAFE_NO_PAD.encode(self.mac.clone().chain_update(session.0.as_bytes()).finalize().into_bytes())
    }

    /// Whether `brought` is what pages of this session send along.
    pub fn is_csrf(&self, session: SessionId, brought: &str) -> bool {
        secret::is_same(self.csrf(session).as_bytes(), brought.as_bytes())
    }
}

fn mac(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes a key of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        let id = Uuid::from_u128;
        Claims { sub: UserId(id(1)), sid: SessionId(id(2)), jti: id(3), iat: 1_000, exp: 4_600 }
    }

    #[test]
    fn we_read_what_we_signed_and_nothing_else() {
        let (ours, theirs) = (Tokens::new(&[1; 32]), Tokens::new(&[2; 32]));
        let token = ours.sign(&claims());
        assert_eq!(ours.read(&token), Some(claims()));
        assert_eq!(theirs.read(&token), None);
        assert_eq!(ours.read(&token[..token.len() - 1]), None);
        assert_eq!(ours.read(""), None);
    }

    #[test]
    fn a_token_is_a_jwt_as_other_libraries_write_it() {
        let token = concat!(
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9",
            ".eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDEiLCJzaWQiOiIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDIiLCJqdGkiOiIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDMiLCJpYXQiOjEwMDAsImV4cCI6NDYwMH0",
            ".5OiKQC2quknmJ6nruSl9BDa5hMf5DXXMc_eu4m1VDfQ"
        );
        assert_eq!(Tokens::new(&[1; 32]).read(token), Some(claims()));
        assert_eq!(Tokens::new(&[1; 32]).sign(&claims()), token);
    }

    #[test]
    fn another_algorithm_is_refused_whatever_it_is_signed_with() {
        let tokens = Tokens::new(&[1; 32]);
        let payload = tokens.sign(&claims()).split('.').nth(1).unwrap().to_owned();
        for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS512"}"#, r#"{"alg":"RS256"}"#] {
            let message = format!("{}.{payload}", URL_SAFE_NO_PAD.encode(header));
            let signed = mac(&[1; 32]).chain_update(message.as_bytes()).finalize().into_bytes();
            assert_eq!(tokens.read(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(signed))), None);
            assert_eq!(tokens.read(&format!("{message}.")), None);
        }
    }

    #[test]
    fn a_token_works_for_an_hour() {
        assert!(claims().is_fresh(Timestamp(4_599_999_999)));
        assert!(!claims().is_fresh(Timestamp(4_600_000_000)));
    }

    #[test]
    fn a_csrf_token_belongs_to_its_session() {
        let tokens = Tokens::new(&[1; 32]);
        let (mine, other) = (SessionId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)));
        assert!(tokens.is_csrf(mine, &tokens.csrf(mine)));
        assert!(!tokens.is_csrf(mine, &tokens.csrf(other)));
        assert!(!tokens.is_csrf(mine, ""));
    }
}
