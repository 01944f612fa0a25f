//! What handlers take: paths, queries, bodies, versions. Each turns what is wrong with it into the
//! answer of the API's conventions.

use std::str::FromStr;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::header::{CONTENT_TYPE, IF_MATCH};
use axum::http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use mission_control_shared::{ErrorDetail, UserId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::domain::Page;
use crate::domain::idempotency::Key;
use crate::error::{Error, Result};

/// Largest body.
pub const BODY_LIMIT: usize = 1024 * 1024;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(20);
/// Longest idempotency key.
const KEY_LENGTH: usize = 128;
/// Characters of a wrong field's name, and of what is wrong with it, that come back to the caller.
const FIELD_SHOWN: usize = 100;
const MESSAGE_SHOWN: usize = 500;
/// The character U+0000 as JSON writes it.
const NUL: &[u8] = b"\\u0000";
const NO_NUL: &str = "must not hold the character U+0000";

/// A path parameter by its name.
async fn path_value<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Result<String> {
    let values = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| Error::NotFound(crate::error::Noun::Route))?;
    let value = values
        .iter()
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned())
        .ok_or_else(|| Error::Internal(anyhow::anyhow!("the route has no parameter `{name}`")))?;
    // Nothing has such a name, and PostgreSQL could not be asked for it.
    if value.contains('\0') { Err(Error::NotFound(crate::error::Noun::Route)) } else { Ok(value) }
}

/// The slug in `/orgs/{slug}/…`.
pub async fn slug<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<String> {
    path_value(parts, state, "slug").await
}

/// The id in `…/{id}`.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let text = path_value(parts, state, "id").await?;
        text.parse().map(Id).map_err(|_| Error::InvalidId(text))
    }
}

/// The second id in `…/{id}/…/{other_id}`.
#[derive(Debug)]
pub struct OtherId<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for OtherId<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let text = path_value(parts, state, "other_id").await?;
        text.parse().map(OtherId).map_err(|_| Error::InvalidId(text))
    }
}

/// A user id, or `me`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserRef {
    /// The caller.
    Me,
    /// This user.
    User(UserId),
}

impl UserRef {
    /// The id that is meant when `caller` says it.
    pub fn of(self, caller: UserId) -> UserId {
        match self {
            UserRef::Me => caller,
            UserRef::User(id) => id,
        }
    }
}

impl FromStr for UserRef {
    type Err = <UserId as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "me" { Ok(UserRef::Me) } else { text.parse().map(UserRef::User) }
    }
}

impl<'de> Deserialize<'de> for UserRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom(format!("`{text}` is neither a user id nor `me`")))
    }
}

/// The query string; a parameter that is a list may be repeated. Unknown ones are refused.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let query = parts.uri.query().unwrap_or("");
        // A literal `%` is written `%25`, so this is U+0000 and nothing else.
        if let Some(pair) = query.split('&').find(|pair| pair.contains("%00")) {
            return Err(Error::field(pair.split('=').next().unwrap_or(""), NO_NUL));
        }
        let pairs = serde_html_form::Deserializer::from_bytes(query.as_bytes());
        serde_path_to_error::deserialize(pairs).map(Query).map_err(|error| invalid(&error))
    }
}

/// `?page=…&per_page=…` of a list.
pub fn page(page: Option<i64>, per_page: Option<i64>) -> Result<Page> {
    let (page, per_page) = (page.unwrap_or(1), per_page.unwrap_or(25));
    if page < 1 {
        return Err(Error::field("page", "starts at 1"));
    }
    if !(1..=100).contains(&per_page) {
        return Err(Error::field("per_page", "must be between 1 and 100"));
    }
    Ok(Page { page, per_page })
}

/// `?limit=…` of a list with cursors.
pub fn limit(limit: Option<i64>) -> Result<i64> {
    match limit.unwrap_or(50) {
        limit @ 1..=100 => Ok(limit),
        _ => Err(Error::field("limit", "must be between 1 and 100")),
    }
}

/// A JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        require_json(&parts)?;
        read_json(&bytes(body).await?).map(Json)
    }
}

/// The JSON body of a POST that makes something, with its idempotency key where it has one.
#[derive(Debug)]
pub struct Post<T> {
    /// The body.
    pub body: T,
    /// The key.
    pub key: Option<Key>,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Post<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        require_json(&parts)?;
        let bytes = bytes(body).await?;
        let key = idempotency_key(&parts, &bytes)?;
        Ok(Post { body: read_json(&bytes)?, key })
    }
}

/// A POST whose body says nothing.
#[derive(Debug)]
pub struct EmptyPost {
    /// The idempotency key.
    pub key: Option<Key>,
}

/// `{}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl<S: Send + Sync> FromRequest<S> for EmptyPost {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let bytes = bytes(body).await?;
        if !bytes.is_empty() {
            require_json(&parts)?;
            read_json::<Nothing>(&bytes)?;
        }
        let key = idempotency_key(&parts, &bytes)?;
        Ok(EmptyPost { key })
    }
}

/// `If-Match: "3"`: the version that the caller has read.
#[derive(Clone, Copy, Debug)]
pub struct IfMatch(pub Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let Some(value) = parts.headers.get(IF_MATCH) else {
            return Ok(IfMatch(None));
        };
        if value == "*" {
            return Ok(IfMatch(None));
        }
        let text = value.to_str().unwrap_or("").trim_start_matches("W/").trim_matches('"');
        // What is no version of ours matches no version of ours.
        Ok(IfMatch(Some(text.parse().unwrap_or(-1))))
    }
}

fn require_json(parts: &Parts) -> Result<()> {
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    let json = kind.eq_ignore_ascii_case("application/json")
        || kind.eq_ignore_ascii_case("application/merge-patch+json");
    if json { Ok(()) } else { Err(Error::UnsupportedMediaType) }
}

async fn bytes(body: Body) -> Result<Bytes> {
    // Who says beforehand that it is too large need not send it.
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(Error::BodyTooLarge);
    }
    match tokio::time::timeout(BODY_TIME, Limited::new(body, BODY_LIMIT).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Error::BodyTooLarge),
        Ok(Err(_)) => Err(Error::field("body", "ended before it was whole")),
        Err(_) => Err(Error::field("body", format!("did not arrive within {} s", BODY_TIME.as_secs()))),
    }
}

fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    // serde would take the fields of an object from an array as well, in their order.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Error::field("body", "must be a JSON object"));
    }
    refuse_nul(bytes)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| invalid(&error))?;
    json.end().map_err(|error| Error::field("body", error.to_string()))?;
    Ok(value)
}

/// U+0000 is no part of any text here: PostgreSQL cannot keep it, nor be asked for it.
fn refuse_nul(json: &[u8]) -> Result<()> {
    // Raw it is no JSON at all, so it comes escaped or not.
    if !json.windows(NUL.len()).any(|part| part == NUL) {
        return Ok(());
    }
    match serde_json::from_slice(json).ok().and_then(|value| path_of_nul(&value, "")) {
        Some(path) if path.is_empty() => Err(Error::field("body", NO_NUL)),
        Some(path) => Err(Error::field(path, NO_NUL)),
        // A backslash of its own before `u0000`, or what the reader refuses anyway.
        None => Ok(()),
    }
}

/// Where in the value at `path` the character U+0000 stands.
fn path_of_nul(value: &serde_json::Value, path: &str) -> Option<String> {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains('\0').then(|| path.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, item)| path_of_nul(item, &format!("{path}[{at}]")))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let dot = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{}", name.replace('\0', "\u{fffd}"));
            if name.contains('\0') { Some(path) } else { path_of_nul(value, &path) }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Names the field: serde's path, and of an unknown field its own name.
fn invalid<E: std::error::Error>(error: &serde_path_to_error::Error<E>) -> Error {
    let message = error.inner().to_string();
    let path = match error.path().to_string() {
        path if path == "." => String::new(),
        path => path,
    };
    let named = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start))
        .and_then(|rest| rest.split_once('`'))
        .map(|(name, _)| name.to_owned());
    let field = match (path.is_empty(), named) {
        (true, Some(name)) => name,
        (true, None) => "body".to_owned(),
        (false, Some(name)) if path != name && !path.ends_with(&format!(".{name}")) => {
            format!("{path}.{name}")
        }
        (false, _) => path,
    };
    let (field, message) = (short(field, FIELD_SHOWN), short(message, MESSAGE_SHOWN));
    Error::Invalid(vec![ErrorDetail { field, message }])
}

/// So much of what the caller sent that they know it again; the rest does not come back to them.
fn short(mut text: String, shown: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(shown) {
        text.truncate(end);
        text.push('…');
    }
    text
}

fn idempotency_key(parts: &Parts, body: &[u8]) -> Result<Option<Key>> {
    let Some(value) = parts.headers.get("idempotency-key") else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or("");
    if text.is_empty() || text.len() > KEY_LENGTH || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::field(
            "Idempotency-Key",
            format!("must be 1 to {KEY_LENGTH} visible ASCII characters"),
        ));
    }
    let path = parts.uri.path().to_owned();
    let mut hash = Sha256::new();
    hash.update(path.as_bytes());
    hash.update([0]);
    hash.update(body);
    Ok(Some(Key { key: text.to_owned(), path, request_hash: hash.finalize().into() }))
}
