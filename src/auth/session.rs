//! The tokens of sessions: JWTs that we sign and nobody else reads, and what proves that a request
//! comes from our own pages.
//!
//! Only HS256 exists here: the provider that `jsonwebtoken` works with knows nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result as JwtResult};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use mission_control_shared::{SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use signature::{Signer, Verifier};
use uuid::Uuid;

use super::secret;
use crate::domain::session::Session;

/// How long a token works.
const TOKEN_SECONDS: i64 = 3_600;

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
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    csrf: HmacSha256,
}

impl Tokens {
    /// With the server's secret.
    pub fn new(secret: &[u8; 32]) -> Tokens {
        // Fails when another instance in this process came first, with the same provider.
        let _ = PROVIDER.install_default();
        let mut validation = Validation::new(Algorithm::HS256);
        // Time is asked of the server's own clock, in `is_fresh`.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        Tokens {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
            csrf: mac(secret),
        }
    }

    /// The text of a token.
    pub fn sign(&self, claims: &Claims) -> String {
        encode(&Header::new(Algorithm::HS256), claims, &self.encoding)
            .expect("claims always become JSON and the key fits the algorithm")
    }

    /// What a token says, when we signed it.
    pub fn read(&self, token: &str) -> Option<Claims> {
        decode(token, &self.decoding, &self.validation).ok().map(|token| token.claims)
    }

    /// What pages of this session send along to prove that they are ours.
    pub fn csrf(&self, session: SessionId) -> String {
        let mut mac = self.csrf.clone();
        mac.update(session.0.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// Whether `brought` is what pages of this session send along.
    pub fn is_csrf(&self, session: SessionId, brought: &str) -> bool {
        secret::is_same(self.csrf(session).as_bytes(), brought.as_bytes())
    }
}

fn mac(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes a key of any length")
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| Ok(Box::new(Hs256::new(*algorithm, key.as_bytes())?)),
    verifier_factory: |algorithm, key| Ok(Box::new(Hs256::new(*algorithm, key.try_get_as_bytes()?)?)),
    key_utils: KeyUtils::new_unimplemented(),
};

/// HMAC with SHA-256, both ways.
struct Hs256(HmacSha256);

impl Hs256 {
    fn new(algorithm: Algorithm, key: &[u8]) -> JwtResult<Hs256> {
        match algorithm {
            Algorithm::HS256 => Ok(Hs256(mac(key))),
            _ => Err(ErrorKind::InvalidAlgorithm.into()),
        }
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let mut mac = self.0.clone();
        mac.update(message);
        Ok(mac.finalize().into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.verify_slice(signature).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
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
