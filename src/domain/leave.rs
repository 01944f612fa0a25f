//! How members leave: removed by an administrator, or their invitation withdrawn before they joined.
//!
//! Takes back everything that a member holds, noun by noun, and is therefore apart from `user`, which
//! those nouns call.

use mission_control_shared::{EventKind, User, UserId, UserPayload, UserStatus, UserType};

use super::policy::{Action, Authority as _};
use super::user;
use super::{key, project, session, task};
use crate::error::Result;
use crate::store::{TenantTx, identity, invitation};

/// Removes a member: keys, project memberships, assignments and invitations go, and a person's
/// sessions when they belong to no other organization.
///
/// Errors: `USER_NOT_FOUND`, `LAST_ADMINISTRATOR`, `FORBIDDEN`.
pub fn remove(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<()> {
    let user = user::find_present_record(tx, id)?.user;
    tx.require(Action::ManageMembers, &user)?;
    user::require_not_last(tx, &user)?;
    take_out(tx, user)
}

/// Withdraws a member's open invitations; who never joined is a member no longer.
pub(super) fn withdraw(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<()> {
    let user = user::find_record(tx, id)?.user;
    if user.status == UserStatus::Invited {
        return take_out(tx, user);
    }
    Ok(invitation::revoke_all(tx, id)?)
}

fn take_out(tx: &mut TenantTx<'_, '_>, mut user: User) -> Result<()> {
    let id = user.id;
    key::revoke_all(tx, id)?;
    project::remove_member_everywhere(tx, id)?;
    task::unassign_everywhere(tx, id)?;
    invitation::revoke_all(tx, id)?;
    user.status = UserStatus::Removed;
    user.key_prefix = None;
    user.key_created_at = None;
    let user = user::for_events(user::touch(tx, user)?);
    user::record_access(tx, EventKind::UserRemoved, &UserPayload::of(&user))?;
    if user.kind == UserType::Human && !identity::belongs_somewhere(tx, id)? {
        session::end_all_of_leaver(tx, id)?;
    }
    Ok(())
}
