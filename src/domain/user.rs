//! Members: found, listed, stored, changed. How they come in is `join`, how they go `leave`.

mod entry;
mod profile;

use mission_control_shared::{
    ApiKeyId, EventKind, OrgId, Role, User, UserId, UserPayload, UserStatus, UserType,
};

use super::check::Check;
use super::policy::{Action, Authority as _};
use super::{Listed, Page};
use crate::error::{Conflict, Error, Noun, Result};
use crate::events::{Draft, Signal, Who};
use crate::store::user::Record;
use crate::store::{Actor, Failure, Gate, SystemTx, TenantTx, event, user};

pub(super) use self::entry::{Entry, enter, free_handle, join, keep, record_created, require_free};
pub use self::profile::{UserPatch, update};
pub use crate::store::user::Wanted;

/// Records what changes a member's access, and has it looked up again.
pub(super) fn record_access(
    tx: &mut TenantTx<'_, '_>,
    kind: EventKind,
    payload: &UserPayload<'_>,
) -> Result<()> {
    let user_id = payload.user.id;
    event::append(tx, Draft::new(kind, payload).subject(user_id))?;
    tx.signal(Signal::Access { org_id: Some(tx.org_id()), who: Who::User(user_id) });
    Ok(())
}

/// A member in the form of events: the same for every reader.
pub(super) fn for_events(mut user: User) -> User {
    user.identities = None;
    user.notification_routes = None;
    user.last_seen_at = None;
    user.online = None;
    user
}

/// A member as the actor sees them.
pub(super) fn as_seen(tx: &TenantTx<'_, '_>, record: Record) -> User {
    let Record { mut user, email } = record;
    let themself = tx.actor().user_id == Some(user.id);
    if let (Some(identities), Some(email)) = (&mut user.identities, email) {
        identities.insert("email".to_owned(), email);
    }
    if !themself {
        user.notification_routes = None;
    }
    if !themself && !tx.may(Action::ManageMembers, &user) {
        user.identities = None;
    }
    user
}

pub(super) fn find_record(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<Record> {
    user::find(tx, id)?.ok_or(Error::NotFound(Noun::User))
}

pub(super) fn find_present_record(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<Record> {
    let record = find_record(tx, id)?;
    if record.user.status == UserStatus::Removed {
        return Err(Error::NotFound(Noun::User));
    }
    Ok(record)
}

/// Somebody who is or was a member, in the form of events. Errors: `USER_NOT_FOUND`.
pub fn find(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<User> {
    find_record(tx, id).map(|record| for_events(record.user))
}

/// Somebody who is a member or invited, in the form of events. Errors: `USER_NOT_FOUND`.
pub fn find_present(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<User> {
    find_present_record(tx, id).map(|record| for_events(record.user))
}

/// The member with this handle. Errors: `USER_NOT_FOUND`.
pub fn find_by_handle(tx: &mut TenantTx<'_, '_>, handle: &str) -> Result<User> {
    let record = user::find_by_handle(tx, handle)?.ok_or(Error::NotFound(Noun::User))?;
    Ok(for_events(record.user))
}

/// Notes a problem of `field` when `id` is no invited or active member.
pub fn check_member(tx: &mut TenantTx<'_, '_>, check: &mut Check, field: &str, id: UserId) -> Result<UserId> {
    match user::status(tx, id)? {
        Some(UserStatus::Invited | UserStatus::Active) => {}
        Some(UserStatus::Removed) | None => check.problem(field, "names nobody here"),
    }
    Ok(id)
}

/// Notes that a member did something, with this key where it was one.
pub fn seen(tx: &mut SystemTx<'_, '_>, org_id: OrgId, id: UserId, with: Option<ApiKeyId>) -> Result<()> {
    let mut tx = match tx.tenant(org_id, &Actor::SYSTEM, Gate::Working) {
        // It is only a note: what takes no writes goes without.
        Err(Failure::ReadOnly) => return Ok(()),
        opened => opened?,
    };
    user::seen(&mut tx, id)?;
    if let Some(with) = with {
        crate::store::key::used(&mut tx, with)?;
    }
    Ok(())
}

/// Somebody who is or was a member, as the actor sees them. Errors: `USER_NOT_FOUND`.
pub fn get(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<User> {
    let record = find_record(tx, id)?;
    Ok(as_seen(tx, record))
}

/// A page of members, as the actor sees them.
pub fn list(tx: &mut TenantTx<'_, '_>, wanted: &Wanted, page: Page) -> Result<Listed<User>> {
    let (records, total) = user::page(tx, wanted, page.offset(), page.per_page)?;
    let items = records.into_iter().map(|record| as_seen(tx, record)).collect();
    Ok(Listed::numbered(items, total))
}

/// Stores a changed member under their next version.
pub(super) fn touch(tx: &mut TenantTx<'_, '_>, mut user: User) -> Result<User> {
    user.version += 1;
    user.updated_at = tx.now();
    if !user::update(tx, &user)? {
        return Err(Error::StaleVersion);
    }
    Ok(user)
}

/// Refuses when the organization would be left without a person who may do everything.
pub(super) fn require_not_last(tx: &mut TenantTx<'_, '_>, user: &User) -> Result<()> {
    let counts =
        user.role == Role::Administrator && user.status == UserStatus::Active && user.kind == UserType::Human;
    if counts && user::administrators(tx)? <= 1 {
        let message = "they are the last administrator: make somebody else an administrator first";
        return Err(Error::conflict(Conflict::LastAdministrator, message));
    }
    Ok(())
}
