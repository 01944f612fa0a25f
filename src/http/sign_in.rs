//! The ways in: what needs a password hashed between two transactions, and the answer that opens a
//! session in the browser.

use std::time::Instant;

use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use mission_control_shared::{EventKind, Me, OrgId, SessionId, UserId};

use super::caller::Client;
use super::reply::Reply;
use crate::app::App;
use crate::auth::password::{self, Verdict};
use crate::auth::session::Claims;
use crate::auth::{Credential, Principal, sign_in};
use crate::domain::audit::{self, Origin};
use crate::domain::check::Check;
use crate::domain::identity::{self, First};
use crate::domain::invitation::{self, Guest};
use crate::domain::session::{self, Session};
use crate::error::{Conflict, Error, Result};
use crate::store::SystemTx;

/// Somebody who is signed in now.
pub struct SignedIn {
    me: Me,
    session: Session,
}

impl SignedIn {
    /// The caller, with the cookies of the session.
    pub fn reply(&self, app: &App, status: StatusCode) -> Reply {
        let claims = Claims::of(&self.session, app.clock().now());
        let tokens = app.auth().tokens();
        let cookies = app.auth().cookies().set(&tokens.sign(&claims), &tokens.csrf(self.session.id));
        let reply = Reply::with_status(status, &self.me);
        cookies.into_iter().fold(reply, |reply, cookie| reply.header(SET_COOKIE.as_str(), cookie))
    }
}

/// 204, and the browser forgets the session.
pub fn signed_out(app: &App) -> Reply {
    let cookies = app.auth().cookies().clear();
    cookies.into_iter().fold(Reply::nothing(), |reply, cookie| reply.header(SET_COOKIE.as_str(), cookie))
}

/// Opens a session, and records it.
fn open(
    tx: &mut SystemTx<'_, '_>,
    user_id: UserId,
    org_id: Option<OrgId>,
    origin: &Origin,
) -> Result<SignedIn> {
    let session = session::open(tx, user_id, org_id, origin)?;
    audit::record(tx, EventKind::AuthLoginSuccess, user_id, origin)?;
    Ok(SignedIn { me: identity::me(tx, user_id, org_id)?, session })
}

/// The first administrator and their organization.
///
/// Errors: `SETUP_DONE`, `DEAD_LINK` (another token), `VALIDATION_FAILED`, `RATE_LIMITED`.
pub async fn set_up(
    app: &App,
    client: &Client,
    token: &str,
    first: First,
    password: String,
) -> Result<SignedIn> {
    app.auth().limits().try_sign_in(client.address)?;
    let data_dir = &app.config().data.dir;
    // Before the database is asked: the token is forgotten only once the server is set up, so who
    // comes a moment late hears of that.
    let is_token = sign_in::is_setup_token(data_dir, token);
    app.read_system(identity::require_setup).await?;
    if !is_token {
        return Err(Error::DeadLink);
    }
    let mut check = Check::default();
    identity::check_first(&mut check, &first);
    password::check(&mut check, "password", &password);
    check.finish()?;
    let hash = app.auth().passwords().hash(password).await?;
    let origin = client.origin();
    let signed_in = app
        .write_system(move |tx| {
            let user_id = identity::set_up(tx, &first, &hash)?;
            open(tx, user_id, None, &origin)
        })
        .await?;
    sign_in::forget_setup_token(data_dir);
    Ok(signed_in)
}

/// Signs a person in.
///
/// Errors: `WRONG_CREDENTIALS`, the same and after the same time for an unknown address;
/// `RATE_LIMITED`.
pub async fn with_password(app: &App, client: &Client, email: &str, password: String) -> Result<SignedIn> {
    let email = email.trim().to_lowercase();
    app.auth().limits().try_sign_in(client.address)?;
    let wanted = email.clone();
    let identity = app.read_system(move |tx| identity::find_for_sign_in(tx, &wanted)).await?;
    let (known, hash) = identity.map_or((None, None), |person| (Some(person.id), person.password_hash));
    let verdict = verify(app, client, &email, password.clone(), known, hash).await?;
    let user_id = known.ok_or(Error::WrongCredentials)?;
    let better = match verdict {
        Verdict::RightButWeak => Some(app.auth().passwords().hash(password).await?),
        Verdict::Right | Verdict::Wrong => None,
    };
    let origin = client.origin();
    app.write_system(move |tx| {
        if let Some(better) = &better {
            identity::rehash(tx, user_id, better)?;
        }
        open(tx, user_id, None, &origin)
    })
    .await
}

/// Compares a password with the hash of the person that may have it, slows down who guesses, and
/// records the failure.
///
/// Errors: `WRONG_CREDENTIALS`, `RATE_LIMITED`.
async fn verify(
    app: &App,
    client: &Client,
    account: &str,
    password: String,
    known: Option<UserId>,
    hash: Option<String>,
) -> Result<Verdict> {
    let limits = app.auth().limits();
    limits.may_try(account, client.address, Instant::now())?;
    let verdict = app.auth().passwords().verify(password, hash).await?;
    if verdict != Verdict::Wrong {
        limits.worked(account, client.address);
        return Ok(verdict);
    }
    limits.failed(account, client.address, Instant::now());
    if let Some(user_id) = known {
        let origin = client.origin();
        // Not waited for: the time of the answer must not tell who is known.
        app.write_later(move |tx| audit::record(tx, EventKind::AuthLoginFailure, user_id, &origin));
    }
    Err(Error::WrongCredentials)
}

/// Who calls and what they belong to.
pub async fn me(app: &App, principal: &Principal) -> Result<Me> {
    let (user_id, credential) = (principal.user_id, principal.credential);
    app.read_system(move |tx| {
        let active = match credential {
            Credential::Key { org_id, .. } => Some(org_id),
            Credential::Session { id } => session::find(tx, id)?.and_then(|session| session.org_id),
        };
        identity::me(tx, user_id, active)
    })
    .await
}

/// A new token for the session.
///
/// Errors: `UNAUTHENTICATED`.
pub async fn renew(app: &App, claims: Claims) -> Result<SignedIn> {
    app.write_system(move |tx| {
        let session = session::renew(tx, claims.sid, claims.jti)?;
        Ok(SignedIn { me: identity::me(tx, session.user_id, session.org_id)?, session })
    })
    .await
}

/// Sets a new password for somebody who is signed in and knows the old one; their other sessions
/// end.
///
/// Errors: `NOT_FOR_AGENTS`, `WRONG_CREDENTIALS`, `VALIDATION_FAILED`, `RATE_LIMITED`.
pub async fn change_password(
    app: &App,
    client: &Client,
    principal: &Principal,
    current: String,
    new: String,
) -> Result<()> {
    let (user_id, keep) = (principal.user_id, session_of(principal)?);
    app.auth().limits().try_sign_in(client.address)?;
    let mut check = Check::default();
    password::check(&mut check, "new", &new);
    check.finish()?;
    let person =
        app.read_system(move |tx| identity::find(tx, user_id)).await?.ok_or(Error::Unauthenticated)?;
    verify(app, client, &person.email, current, Some(user_id), person.password_hash).await?;
    let hash = app.auth().passwords().hash(new).await?;
    let origin = client.origin();
    app.write_system(move |tx| identity::change_password(tx, user_id, Some(keep), &hash, &origin)).await
}

/// The session that somebody came with. Errors: `NOT_FOR_AGENTS`.
pub fn session_of(principal: &Principal) -> Result<SessionId> {
    match principal.credential {
        Credential::Session { id } => Ok(id),
        Credential::Key { .. } => Err(Error::conflict(
            Conflict::NotForAgents,
            "agents have neither password nor sessions, but a key",
        )),
    }
}

/// Notes that somebody forgot their password. There is no mail yet: the log tells whoever runs the
/// server that a link is asked for.
///
/// Errors: `RATE_LIMITED`.
pub async fn forgot_password(app: &App, client: &Client, email: String) -> Result<()> {
    app.auth().limits().try_sign_in(client.address)?;
    let email = email.trim().to_lowercase();
    let known = app.read_system(move |tx| identity::find_for_sign_in(tx, &email)).await?;
    if let Some(person) = known {
        tracing::warn!(
            user.id = %person.id,
            "a new password is asked for: make a link with `mission-control user reset-password`"
        );
    }
    Ok(())
}

/// Sets a new password by a link.
///
/// Errors: `DEAD_LINK`, `VALIDATION_FAILED`, `RATE_LIMITED`.
pub async fn reset_password(app: &App, client: &Client, secret: String, new: String) -> Result<()> {
    app.auth().limits().try_sign_in(client.address)?;
    let wanted = secret.clone();
    app.read_system(move |tx| identity::find_reset(tx, &wanted)).await?;
    let mut check = Check::default();
    password::check(&mut check, "password", &new);
    check.finish()?;
    let hash = app.auth().passwords().hash(new).await?;
    let origin = client.origin();
    app.write_system(move |tx| identity::finish_reset(tx, &secret, &hash, &origin)).await
}

/// Accepts an invitation: signed in as the invited person, or with a name and a password where the
/// address has none yet. The latter signs in.
///
/// Errors: `DEAD_LINK`, `INVITATION_FOR_ANOTHER`, `VALIDATION_FAILED`, `RATE_LIMITED`.
pub async fn accept_invitation(
    app: &App,
    client: &Client,
    signed_in: Option<&Principal>,
    secret: String,
    name: &str,
    new: String,
) -> Result<Reply> {
    app.auth().limits().try_sign_in(client.address)?;
    let wanted = secret.clone();
    let offer = app.read_system(move |tx| invitation::find(tx, &wanted)).await?;
    let signed_in = signed_in.filter(|principal| session_of(principal).is_ok());
    if offer.needs_sign_in(signed_in.map(|principal| principal.user_id))? {
        let work = move |tx: &mut SystemTx<'_, '_>| {
            let (user_id, org_id) = invitation::accept(tx, &secret, &Guest::Known)?;
            identity::me(tx, user_id, Some(org_id))
        };
        let me = app.write_system(work).await?;
        return Ok(Reply::with_status(StatusCode::CREATED, &me));
    }
    let mut check = Check::default();
    let display_name = check.text("display_name", name, 1..=100);
    password::check(&mut check, "password", &new);
    check.finish()?;
    let password_hash = app.auth().passwords().hash(new).await?;
    let (guest, origin) = (Guest::New { display_name, password_hash }, client.origin());
    let work = move |tx: &mut SystemTx<'_, '_>| {
        let (user_id, org_id) = invitation::accept(tx, &secret, &guest)?;
        open(tx, user_id, Some(org_id), &origin)
    };
    Ok(app.write_system(work).await?.reply(app, StatusCode::CREATED))
}
