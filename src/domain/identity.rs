//! People across organizations: the first of all, what they belong to, their passwords.

use mission_control_shared::{Me, Membership, OrgId, Role, SessionId, UserId, UserStatus, UserType};

use super::audit::Origin;
use super::check::Check;
use super::token::{self, Token};
use super::user::{self, Entry};
use super::{audit, organization, session};
use crate::error::{Conflict, Error, Result};
use crate::store::{Actor, Gate, SystemTx, identity};

pub use crate::store::identity::Identity;

/// How long a link that sets a new password works.
const RESET_SECONDS: i64 = 3_600;

/// The person with this id.
pub fn find(tx: &mut SystemTx<'_, '_>, id: UserId) -> Result<Option<Identity>> {
    Ok(identity::find(tx, id)?)
}

/// The person who signs in with this address; nobody when no organization has or expects them.
pub fn find_for_sign_in(tx: &mut SystemTx<'_, '_>, email: &str) -> Result<Option<Identity>> {
    let Some(found) = identity::find_by_email(tx, email)? else {
        return Ok(None);
    };
    let belongs = !audit::places(tx, found.id)?.is_empty();
    Ok(belongs.then_some(found))
}

/// Who somebody is and what they belong to; `active` is the organization of their credential.
///
/// Errors: `UNAUTHENTICATED` when they are nobody any more.
pub fn me(tx: &mut SystemTx<'_, '_>, user_id: UserId, active: Option<OrgId>) -> Result<Me> {
    let identity = identity::find(tx, user_id)?;
    let places = audit::places(tx, user_id)?;
    let display_name = places.first().map(|place| place.display_name.clone());
    let kind = if identity.is_some() { UserType::Human } else { UserType::Agent };
    let email = identity.map(|identity| identity.email);
    let memberships: Vec<Membership> = places
        .into_iter()
        .filter(|place| place.status == UserStatus::Active)
        .map(|place| Membership {
            org_id: place.org_id,
            org_slug: place.org_slug,
            org_name: place.org_name,
            role: place.role,
            handle: place.handle,
        })
        .collect();
    let active = memberships.iter().find(|membership| Some(membership.org_id) == active);
    let active_org = active.or(memberships.first()).map(|membership| membership.org_slug.clone());
    let display_name = display_name.or_else(|| email.clone()).ok_or(Error::Unauthenticated)?;
    Ok(Me { id: user_id, kind, email, display_name, memberships, active_org })
}

/// The first administrator and their organization.
#[derive(Clone, Debug)]
pub struct First {
    /// The organization's name.
    pub org_name: String,
    /// Its slug.
    pub org_slug: String,
    /// The administrator's address.
    pub email: String,
    /// Their name.
    pub display_name: String,
}

/// Checks who the first administrator wants to be, before their password is hashed.
pub fn check_first(check: &mut Check, first: &First) {
    organization::check_new(check, &first.org_name, &first.org_slug);
    check.email("email", &first.email);
    check.text("display_name", &first.display_name, 1..=100);
}

/// Makes the first organization with its administrator; gives the administrator's id.
///
/// Errors: `SETUP_DONE`, `VALIDATION_FAILED`.
pub fn set_up(tx: &mut SystemTx<'_, '_>, first: &First, password_hash: &str) -> Result<UserId> {
    crate::store::organization::lock_first(tx)?;
    require_setup(tx)?;
    let mut check = Check::default();
    check_first(&mut check, first);
    let email = check.email("email", &first.email);
    let display_name = check.text("display_name", &first.display_name, 1..=100);
    check.finish()?;
    let org_id = organization::create(tx, &first.org_name, &first.org_slug)?;
    let id = match identity::find_by_email(tx, &email)? {
        Some(found) => found.id,
        None => {
            let id = UserId(tx.new_id());
            identity::insert(tx, id, &email)?;
            id
        }
    };
    identity::set_password(tx, id, password_hash)?;
    let mut tx = tx.tenant(org_id, &Actor::SYSTEM, Gate::Working)?;
    let handle = user::free_handle(&mut tx, &email, &display_name)?;
    let role = Role::Administrator;
    let entry = Entry { id, kind: UserType::Human, role, handle, display_name, email: Some(email) };
    user::enter(&mut tx, entry, UserStatus::Active)?;
    Ok(id)
}

/// Refuses with `SETUP_DONE` when there is an organization.
pub fn require_setup(tx: &mut SystemTx<'_, '_>) -> Result<()> {
    if is_setup_required(tx)? {
        return Ok(());
    }
    Err(Error::conflict(Conflict::SetupDone, "this server is set up already: sign in"))
}

/// Whether there is no organization yet.
pub fn is_setup_required(tx: &mut SystemTx<'_, '_>) -> Result<bool> {
    Ok(!crate::store::organization::any_exists(tx)?)
}

/// Stores a better hash of the same password.
pub fn rehash(tx: &mut SystemTx<'_, '_>, user_id: UserId, password_hash: &str) -> Result<()> {
    Ok(identity::set_password(tx, user_id, password_hash)?)
}

/// Sets a new password. Every other session of the person ends, and every open link.
pub fn change_password(
    tx: &mut SystemTx<'_, '_>,
    user_id: UserId,
    keep: Option<SessionId>,
    password_hash: &str,
    origin: &Origin,
) -> Result<()> {
    identity::set_password(tx, user_id, password_hash)?;
    identity::use_resets(tx, user_id)?;
    session::end_all(tx, user_id, keep, origin)
}

/// Makes a link that sets a new password; `None` when no organization has somebody with that address.
pub fn start_reset(tx: &mut SystemTx<'_, '_>, email: &str) -> Result<Option<Token>> {
    let Some(identity) = find_for_sign_in(tx, &email.trim().to_lowercase())? else {
        return Ok(None);
    };
    let token = Token::random();
    let end = tx.now().plus_seconds(RESET_SECONDS);
    identity::insert_reset(tx, identity.id, &token.hash(), end)?;
    Ok(Some(token))
}

/// Whose password the link sets. Errors: `DEAD_LINK`.
pub fn find_reset(tx: &mut SystemTx<'_, '_>, secret: &str) -> Result<UserId> {
    identity::find_reset(tx, &token::hash(secret))?.ok_or(Error::DeadLink)
}

/// Sets a new password by a link, which is used up before anything else: two who follow it at once
/// cannot both succeed. Every session of the person ends. Errors: `DEAD_LINK`.
pub fn finish_reset(
    tx: &mut SystemTx<'_, '_>,
    secret: &str,
    password_hash: &str,
    origin: &Origin,
) -> Result<()> {
    let user_id = identity::use_reset(tx, &token::hash(secret))?.ok_or(Error::DeadLink)?;
    change_password(tx, user_id, None, password_hash, origin)
}
