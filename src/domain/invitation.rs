//! Invitations: a link that lets one person in, once.

use mission_control_shared::{InvitationId, OrgId, Timestamp, UserId, UserStatus};
use serde::Serialize;
use utoipa::ToSchema;

use super::check::Check;
use super::policy::{Action, Authority as _, Thing};
use super::token::{self, Token};
use super::{Listed, Page, audit, identity, leave, user};
use crate::error::{Conflict, Error, Noun, Result};
use crate::store::{Actor, Gate, SystemTx, TenantTx, invitation};

/// How long a link works.
const VALID_SECONDS: i64 = 7 * 86_400;

/// An invitation that was not accepted yet. Its link was shown once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The member that it makes.
    pub user_id: UserId,
    /// Who is invited.
    pub email: String,
    /// Who invited them; `null` for the server itself.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
    /// When the link dies.
    pub expires_at: Timestamp,
}

/// Makes the link of somebody who was invited now.
pub(super) fn create(tx: &mut TenantTx<'_, '_>, user_id: UserId, email: &str) -> Result<Token> {
    let token = Token::random();
    let new = invitation::Invitation {
        id: InvitationId(tx.new_id()),
        user_id,
        email: email.to_owned(),
        created_by: tx.actor().user_id,
        created_at: tx.now(),
        expires_at: tx.now().plus_seconds(VALID_SECONDS),
    };
    invitation::insert(tx, &new, &token.hash())?;
    Ok(token)
}

/// A page of the invitations that nobody accepted yet, newest first. Errors: `FORBIDDEN`.
pub fn list(tx: &mut TenantTx<'_, '_>, page: Page) -> Result<Listed<Invitation>> {
    tx.require(Action::ManageInvitations, Thing::Organization)?;
    let (items, total) = invitation::page(tx, page.offset(), page.per_page)?;
    let shown = |kept: invitation::Invitation| Invitation {
        id: kept.id,
        user_id: kept.user_id,
        email: kept.email,
        created_by: kept.created_by,
        created_at: kept.created_at,
        expires_at: kept.expires_at,
    };
    Ok(Listed::numbered(items.into_iter().map(shown).collect(), total))
}

/// Makes a link worthless; who never joined is a member no longer.
///
/// Errors: `INVITATION_NOT_FOUND`, `FORBIDDEN`.
pub fn revoke(tx: &mut TenantTx<'_, '_>, id: InvitationId) -> Result<()> {
    tx.require(Action::ManageInvitations, Thing::Organization)?;
    let found = invitation::find(tx, id)?.ok_or(Error::NotFound(Noun::Invitation))?;
    leave::withdraw(tx, found.user_id)
}

/// An invitation that somebody wants to accept.
#[derive(Clone, Debug)]
pub struct Offer {
    id: InvitationId,
    org_id: OrgId,
    user_id: UserId,
    has_password: bool,
}

/// Who accepts.
#[derive(Clone, Debug)]
pub enum Guest {
    /// The person that the invitation is for, signed in.
    Known,
    /// Somebody who sets name and password now.
    New {
        /// 1 to 100 characters.
        display_name: String,
        /// Hashed.
        password_hash: String,
    },
}

impl Offer {
    /// Whether the invited person has to be signed in to accept: a password is never set this way
    /// for somebody who has one.
    ///
    /// Errors: `INVITATION_FOR_ANOTHER` when they have to, and somebody else is or nobody.
    pub fn needs_sign_in(&self, signed_in: Option<UserId>) -> Result<bool> {
        if self.has_password && signed_in != Some(self.user_id) {
            return Err(for_another());
        }
        Ok(self.has_password)
    }
}

fn for_another() -> Error {
    let message = "this address has an account here: sign in with it, then open the link again";
    Error::conflict(Conflict::InvitationForAnother, message)
}

/// The invitation of a link. Errors: `DEAD_LINK`.
pub fn find(tx: &mut SystemTx<'_, '_>, secret: &str) -> Result<Offer> {
    let (id, org_id, user_id) =
        invitation::find_by_token(tx, &token::hash(secret))?.ok_or(Error::DeadLink)?;
    let invited = identity::find(tx, user_id)?.ok_or(Error::DeadLink)?;
    Ok(Offer { id, org_id, user_id, has_password: invited.password_hash.is_some() })
}

/// Lets the invited person in; gives who and where.
///
/// Errors: `DEAD_LINK`, `INVITATION_FOR_ANOTHER`, `VALIDATION_FAILED`, `ORGANIZATION_READ_ONLY`.
pub fn accept(tx: &mut SystemTx<'_, '_>, secret: &str, guest: &Guest) -> Result<(UserId, OrgId)> {
    let offer = find(tx, secret)?;
    let user_id = offer.user_id;
    let display_name = match guest {
        Guest::Known => None,
        Guest::New { display_name, password_hash } => {
            let mut check = Check::default();
            let display_name = check.text("display_name", display_name, 1..=100);
            check.finish()?;
            // Somebody may have set one since the guest was asked, or sets one right now.
            if !crate::store::identity::set_first_password(tx, user_id, password_hash)? {
                return Err(for_another());
            }
            Some(display_name)
        }
    };
    let place = audit::places(tx, user_id)?
        .into_iter()
        .find(|place| place.org_id == offer.org_id && place.status == UserStatus::Invited)
        .ok_or(Error::DeadLink)?;
    let actor: Actor = audit::acting(user_id, &place);
    let mut tx = tx.tenant(offer.org_id, &actor, Gate::Working)?;
    if !invitation::accept(&mut tx, offer.id)? {
        return Err(Error::DeadLink);
    }
    user::join(&mut tx, user_id, display_name)?;
    Ok((user_id, offer.org_id))
}
