//! The OpenAPI document's shared parts: path parameters and the errors that routes may answer.

use mission_control_shared::ErrorEnvelope;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoParams, IntoResponses, Modify, OpenApi};
use uuid::Uuid;

/// The organization in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the document's generator alone")]
pub struct OrgPath {
    /// The organization's slug.
    slug: String,
}

/// The id in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the document's generator alone")]
pub struct IdPath {
    /// Its id.
    id: Uuid,
}

/// The user in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the document's generator alone")]
pub struct UserPath {
    /// A user's id, or `me` for the caller.
    id: String,
}

/// The second id in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the document's generator alone")]
pub struct OtherIdPath {
    /// Its id.
    other_id: Uuid,
}

/// The emoji in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the document's generator alone")]
pub struct EmojiPath {
    /// A single emoji, percent-encoded UTF-8, such as `%F0%9F%91%8D`.
    emoji: String,
}

/// The second id in the path, of a user.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the document's generator alone")]
pub struct OtherUserPath {
    /// A user's id, or `me` for the caller.
    other_id: String,
}

/// What a reading route may answer beside its body.
#[derive(IntoResponses)]
pub enum ReadProblems {
    /// A parameter is wrong.
    #[response(status = 400)]
    Invalid(ErrorEnvelope),
    /// No credentials, or dead ones.
    #[response(status = 401)]
    Unauthenticated(ErrorEnvelope),
    /// The role does not allow it.
    #[response(status = 403)]
    Forbidden(ErrorEnvelope),
    /// Not there, or not for the caller to know of.
    #[response(status = 404)]
    NotFound(ErrorEnvelope),
    /// Too many requests; see `Retry-After`.
    #[response(status = 429)]
    Limited(ErrorEnvelope),
    /// Starting, stopping or busy; see `Retry-After`.
    #[response(status = 503)]
    Unavailable(ErrorEnvelope),
}

/// What a writing route may answer beside its body.
#[derive(IntoResponses)]
pub enum WriteProblems {
    /// The body or a parameter is wrong; see `details`.
    #[response(status = 400)]
    Invalid(ErrorEnvelope),
    /// No credentials, or dead ones.
    #[response(status = 401)]
    Unauthenticated(ErrorEnvelope),
    /// The role does not allow it, or the CSRF token is missing.
    #[response(status = 403)]
    Forbidden(ErrorEnvelope),
    /// Not there, or not for the caller to know of.
    #[response(status = 404)]
    NotFound(ErrorEnvelope),
    /// A state stands against it; see `code` and `details`.
    #[response(status = 409)]
    Conflict(ErrorEnvelope),
    /// `If-Match` names an older version.
    #[response(status = 412)]
    StaleVersion(ErrorEnvelope),
    /// The body is larger than 1 MiB.
    #[response(status = 413)]
    BodyTooLarge(ErrorEnvelope),
    /// The body is not JSON.
    #[response(status = 415)]
    UnsupportedMediaType(ErrorEnvelope),
    /// Too many requests; see `Retry-After`.
    #[response(status = 429)]
    Limited(ErrorEnvelope),
    /// Starting, stopping, busy or out of disk; nothing was stored; see `Retry-After`.
    #[response(status = 503)]
    Unavailable(ErrorEnvelope),
}

/// The document without its paths, which the router adds.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Mission Control",
        description = "A self-hosted hub where people and OpenClaw agents run projects together.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
    ),
    modifiers(&Security),
    security(("api_key" = []), ("session" = []))
)]
pub struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("mc_ak_…").build();
        let cookie = ApiKey::Cookie(ApiKeyValue::new("mc_session"));
        components.add_security_scheme("api_key", SecurityScheme::Http(bearer));
        components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    }
}

/// Adds the closed list of error codes and has `ErrorBody` name it. Called once the document has its
/// schemas: the list is the server's, the body that carries a code the contract's, which also reads
/// codes of newer servers.
pub fn add_error_codes(document: &mut utoipa::openapi::OpenApi) {
    let codes = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("What went wrong, as a name that programs can rely on."))
        .enum_values(Some(crate::error::codes()));
    let schemas = &mut document.components.get_or_insert_default().schemas;
    schemas.insert("ErrorCode".to_owned(), codes.into());
    if let Some(RefOr::T(Schema::Object(body))) = schemas.get_mut("ErrorBody") {
        body.properties.insert("code".to_owned(), Ref::from_schema_name("ErrorCode").into());
    }
}
