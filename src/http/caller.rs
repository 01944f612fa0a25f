//! Who calls, for handlers: a [`Principal`] where the path names no organization, a [`Caller`]
//! where it does.
//!
//! What is wrong is told in this order: 401 no live credentials, 404 no member of the organization,
//! 403 no CSRF token, 429 too many requests.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::request::Parts;
use mission_control_shared::{SessionId, UserType};

use super::extract;
use crate::app::App;
use crate::auth::address::{self, Peer};
use crate::auth::api_key::{self, Found};
use crate::auth::caller::Member;
use crate::auth::session::Claims;
use crate::auth::{Caller, Credential, Principal};
use crate::domain::audit::{self, Origin};
use crate::domain::session::{self, Session};
use crate::domain::{key, token, user};
use crate::error::{Error, Noun, Result};
use crate::events::Scope;

/// Characters of a user agent that are kept.
const USER_AGENT_LENGTH: usize = 200;

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct Client {
    /// The client's address.
    pub address: IpAddr,
    /// What it calls itself.
    pub user_agent: String,
}

impl Client {
    fn of(parts: &Parts, app: &App) -> Result<Client> {
        let peer = parts.extensions.get::<Peer>();
        let Peer(peer) =
            peer.ok_or_else(|| Error::Internal(anyhow::anyhow!("a request without its peer")))?;
        let lines: Vec<&str> =
            parts.headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
        let address = address::client(*peer, lines.into_iter(), &app.config().server.trusted_proxies);
        let user_agent = parts.headers.get(USER_AGENT).and_then(|name| name.to_str().ok()).unwrap_or("");
        Ok(Client { address, user_agent: user_agent.chars().take(USER_AGENT_LENGTH).collect() })
    }

    /// As the audit keeps it.
    pub fn origin(&self) -> Origin {
        Origin { address: self.address.to_string(), user_agent: self.user_agent.clone() }
    }
}

impl FromRequestParts<App> for Client {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Client> {
        Client::of(parts, app)
    }
}

impl FromRequestParts<App> for Principal {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Principal> {
        let principal = identify(parts, app).await?;
        prove(parts, app, principal.credential)?;
        app.auth().limits().spend(principal.user_id)?;
        Ok(principal)
    }
}

/// Whoever calls, where nobody need be signed in.
#[derive(Debug)]
pub struct MaybePrincipal(pub Option<Principal>);

impl FromRequestParts<App> for MaybePrincipal {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<MaybePrincipal> {
        match Principal::from_request_parts(parts, app).await {
            Ok(principal) => Ok(MaybePrincipal(Some(principal))),
            Err(Error::Unauthenticated) => Ok(MaybePrincipal(None)),
            Err(error) => Err(error),
        }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Caller> {
        let principal = identify(parts, app).await?;
        let slug = extract::slug(parts, app).await?;
        let member = member(app, principal, slug).await?;
        prove(parts, app, member.credential)?;
        app.auth().limits().spend(member.user_id)?;
        note_seen(app, &member);
        Ok(Caller(member))
    }
}

/// A token of a session that we signed, also one that is too old to work: enough to renew the
/// session or to end it, with the CSRF token.
#[derive(Debug)]
pub struct Signed(pub Claims);

impl FromRequestParts<App> for Signed {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Signed> {
        let token = app.auth().cookies().token(&parts.headers).ok_or(Error::Unauthenticated)?;
        let claims = app.auth().tokens().read(token).ok_or(Error::Unauthenticated)?;
        prove(parts, app, Credential::Session { id: claims.sid })?;
        app.auth().limits().spend(claims.sub)?;
        Ok(Signed(claims))
    }
}

/// Whose credentials a request brings. A bearer counts before a cookie.
async fn identify(parts: &Parts, app: &App) -> Result<Principal> {
    if let Some(bearer) = bearer(&parts.headers) {
        return by_key(parts, app, bearer).await;
    }
    let token = app.auth().cookies().token(&parts.headers).ok_or(Error::Unauthenticated)?;
    by_token(app, token).await
}

/// What follows `Bearer`. Another scheme is a proxy's business.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, rest) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim())
}

async fn by_key(parts: &Parts, app: &App, text: &str) -> Result<Principal> {
    let (cache, hash) = (app.auth().cache(), token::hash(text));
    if let Some(principal) = cache.key(&hash)
        && principal.valid_until.is_none_or(|end| app.clock().now() < end)
    {
        return Ok(principal);
    }
    let epoch = cache.epoch();
    let found = match key::owner_part(text).map(str::to_owned) {
        Some(owner) => app.read_system(move |tx| api_key::look_up(tx, &owner, &hash)).await?,
        None => Found::Unknown,
    };
    if let Found::Live(principal) = found {
        cache.keep_key(epoch, hash, principal.clone());
        return Ok(principal);
    }
    let client = Client::of(parts, app)?;
    app.auth().limits().failed_key(client.address)?;
    if let Found::Dead { org_id, user_id } = found
        && app.auth().failures().is_due(org_id, user_id, app.clock().now())
    {
        let origin = client.origin();
        app.write_later(move |tx| audit::record_key_failure(tx, org_id, user_id, &origin));
    }
    Err(Error::Unauthenticated)
}

async fn by_token(app: &App, token: &str) -> Result<Principal> {
    let now = app.clock().now();
    let claims = app.auth().tokens().read(token).filter(|claims| claims.is_fresh(now));
    let claims = claims.ok_or(Error::Unauthenticated)?;
    let session = find_session(app, claims.sid).await?;
    let session = session.filter(|session| session::accepts(session, claims.jti, now));
    let session = session.ok_or(Error::Unauthenticated)?;
    Ok(Principal {
        user_id: session.user_id,
        kind: UserType::Human,
        credential: Credential::Session { id: session.id },
        scope: Scope::Organization,
        valid_until: Some(session.expires_at),
    })
}

async fn find_session(app: &App, id: SessionId) -> Result<Option<Arc<Session>>> {
    let cache = app.auth().cache();
    if let Some(session) = cache.session(id) {
        return Ok(Some(session));
    }
    let epoch = cache.epoch();
    let found = app.read_system(move |tx| session::find(tx, id)).await?.map(Arc::new);
    if let Some(session) = &found {
        cache.keep_session(epoch, Arc::clone(session));
    }
    Ok(found)
}

/// The member that somebody is in the organization with this slug. An unknown organization and one
/// that they do not belong to look the same.
async fn member(app: &App, principal: Principal, slug: String) -> Result<Arc<Member>> {
    let cache = app.auth().cache();
    let at = (principal.credential, slug);
    if let Some(member) = cache.member(&at) {
        return Ok(member);
    }
    let (epoch, slug) = (cache.epoch(), at.1.clone());
    let found = app.read_system(move |tx| principal.member_of(tx, &slug)).await?;
    let member = Arc::new(found.ok_or(Error::NotFound(Noun::Organization))?);
    cache.keep_member(epoch, at, Arc::clone(&member));
    Ok(member)
}

/// Browsers send cookies along with what other pages make them ask: what changes something must
/// carry the session's CSRF token too.
fn prove(parts: &Parts, app: &App, credential: Credential) -> Result<()> {
    let Credential::Session { id } = credential else {
        return Ok(());
    };
    let brought = parts.headers.get("x-csrf-token").and_then(|value| value.to_str().ok());
    if parts.method.is_safe() || brought.is_some_and(|brought| app.auth().tokens().is_csrf(id, brought)) {
        return Ok(());
    }
    Err(Error::CsrfFailed)
}

/// Writes down that the member was here, once a minute, without keeping the request waiting.
fn note_seen(app: &App, member: &Member) {
    let (org_id, user_id) = (member.org_id, member.user_id);
    if !app.auth().seen().is_due(org_id, user_id, app.clock().now()) {
        return;
    }
    let with = match member.credential {
        Credential::Key { id, .. } => Some(id),
        Credential::Session { .. } => None,
    };
    app.write_later(move |tx| user::seen(tx, org_id, user_id, with));
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_bearer_is_read_whatever_the_case_and_another_scheme_is_none() {
        let with = |value| HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))]);
        assert_eq!(bearer(&with("Bearer mc_ak_live_x")), Some("mc_ak_live_x"));
        assert_eq!(bearer(&with("bearer  x ")), Some("x"));
        assert_eq!(bearer(&with("Basic dXNlcg==")), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
