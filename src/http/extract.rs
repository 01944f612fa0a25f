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
use serde_json::Value;
use serde_path_to_error::Segment;
use sha2::{Digest as _, Sha256};

use crate::domain::Page;
use crate::domain::idempotency::Key;
use crate::error::{Error, Noun, Result};

/// Largest body.
pub const BODY_LIMIT: usize = 1024 * 1024;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(20);
/// Longest idempotency key.
const KEY_LENGTH: usize = 128;
/// Characters of a wrong field's name, and of what is wrong with it, that come back to the caller.
const FIELD_SHOWN: usize = 100;
const MESSAGE_SHOWN: usize = 500;

/// A path parameter by its name.
async fn path_value<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Result<String> {
    let values = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| Error::InvalidId(parts.uri.path().to_owned()))?;
    values
        .iter()
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned())
        .ok_or_else(|| Error::Internal(anyhow::anyhow!("the route has no parameter `{name}`")))
}

/// The slug in `/orgs/{slug}/…`.
pub async fn slug<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<String> {
    let slug = path_value(parts, state, "slug").await?;
    // PostgreSQL takes no U+0000, and no organization has one.
    if slug.contains('\0') { Err(Error::NotFound(Noun::Organization)) } else { Ok(slug) }
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

/// The text in `…/{emoji}`, percent-decoded.
#[derive(Debug)]
pub struct Emoji(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Emoji {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let text = path_value(parts, state, "emoji").await;
        text.map(Emoji).map_err(|_| Error::field("emoji", "must be a single emoji, percent-encoded UTF-8"))
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
        if let Some(pair) = query.split('&').find(|pair| pair.contains("%00")) {
            return Err(zero(pair.split('=').next().unwrap_or(pair)));
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
    let page = Page { page, per_page };
    if page.offset() >= DEEPEST { Err(Error::PageTooDeep) } else { Ok(page) }
}

/// Rows that pages can skip, so that no page costs more than that.
const DEEPEST: i64 = 10_000;

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

/// Reads an object: serde would take a list for one, its values in the order of the fields.
fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Error::field("body", "must be a JSON object"));
    }
    refuse_zero(bytes)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| invalid(&error))?;
    json.end().map_err(|error| Error::field("body", error.to_string()))?;
    Ok(value)
}

/// PostgreSQL keeps no U+0000 in texts, so it is refused in all of them, wherever they would go.
fn refuse_zero(body: &[u8]) -> Result<()> {
    // In JSON it can only be written like this; what is no JSON is refused by whoever reads it.
    if !body.windows(6).any(|six| six == br"\u0000") {
        return Ok(());
    }
    let found = serde_json::from_slice(body).ok().and_then(|value| path_to_zero(&value));
    found.map_or(Ok(()), |path| Err(zero(&path)))
}

fn zero(field: &str) -> Error {
    Error::field(short(field.to_owned(), FIELD_SHOWN), "must not hold the character U+0000")
}

/// Where in a value there is a text with U+0000, its fields and indices with dots between them.
fn path_to_zero(value: &Value) -> Option<String> {
    let below = |name: String, value| {
        let rest = path_to_zero(value)?;
        Some(if rest.is_empty() { name } else { format!("{name}.{rest}") })
    };
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| below(index.to_string(), item))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            if name.contains('\0') {
                Some(name.replace('\0', "\u{fffd}"))
            } else {
                below(name.clone(), value)
            }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Names the field: serde's path as the rest of the API writes it, with dots, and of a field that
/// is unknown, missing or there twice its own name.
fn invalid<E: std::error::Error>(error: &serde_path_to_error::Error<E>) -> Error {
    let message = error.inner().to_string();
    let parts = error.path().iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    let path = parts.collect::<Vec<_>>().join(".");
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

/// The idempotency key of a request with this body.
pub fn idempotency_key(parts: &Parts, body: &[u8]) -> Result<Option<Key>> {
    let mut values = parts.headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Error::field("Idempotency-Key", "came more than once: send one"));
    }
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
