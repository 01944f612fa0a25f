//! How a member is stored who comes in or comes back, and under which handle.

use std::borrow::Cow;

use mission_control_shared::{EventKind, Role, User, UserId, UserPayload, UserStatus, UserType};

use super::{find, find_present_record, for_events, record_access, touch};
use crate::domain::check;
use crate::error::{Conflict, Error, Result};
use crate::store::user::Record;
use crate::store::{TenantTx, user};

/// Longest handle that is derived, so that a number still fits behind it.
const DERIVED_HANDLE: usize = 32;

/// Somebody who comes in.
#[derive(Debug)]
pub(in crate::domain) struct Entry {
    pub(in crate::domain) id: UserId,
    pub(in crate::domain) kind: UserType,
    pub(in crate::domain) role: Role,
    pub(in crate::domain) handle: String,
    pub(in crate::domain) display_name: String,
    pub(in crate::domain) email: Option<String>,
}

/// Somebody comes in.
pub(in crate::domain) fn enter(tx: &mut TenantTx<'_, '_>, entry: Entry, status: UserStatus) -> Result<()> {
    let id = entry.id;
    keep(tx, entry, status)?;
    record_created(tx, id)
}

pub(in crate::domain) fn record_created(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<()> {
    let user = find(tx, id)?;
    record_access(tx, EventKind::UserCreated, &UserPayload::of(&user))
}

/// Stores somebody who comes in, or comes back: a removed person is the same row again.
pub(in crate::domain) fn keep(tx: &mut TenantTx<'_, '_>, entry: Entry, status: UserStatus) -> Result<()> {
    let now = tx.now();
    let Entry { id, kind, role, handle, display_name, email } = entry;
    if let Some(Record { user, .. }) = user::find(tx, id)? {
        let version = user.version + 1;
        let user = User { role, status, handle, display_name, version, updated_at: now, ..user };
        return if user::update(tx, &user)? { Ok(()) } else { Err(Error::StaleVersion) };
    }
    let user = User {
        id,
        org_id: tx.org_id(),
        kind,
        role,
        status,
        handle,
        display_name,
        identities: None,
        notification_routes: None,
        last_seen_at: None,
        online: None,
        key_prefix: None,
        key_created_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    Ok(user::insert(tx, &Record { user, email })?)
}

/// An invited person joins, under the name that they choose where they choose one.
pub(in crate::domain) fn join(
    tx: &mut TenantTx<'_, '_>,
    id: UserId,
    display_name: Option<String>,
) -> Result<()> {
    let mut user = find_present_record(tx, id)?.user;
    let mut changed = vec![Cow::Borrowed("status")];
    user.status = UserStatus::Active;
    if let Some(name) = display_name.filter(|name| *name != user.display_name) {
        user.display_name = name;
        changed.push("display_name".into());
    }
    let user = touch(tx, user)?;
    record_access(tx, EventKind::UserUpdated, &UserPayload { changed, ..UserPayload::of(&for_events(user)) })
}

pub(in crate::domain) fn require_free(tx: &mut TenantTx<'_, '_>, handle: &str) -> Result<()> {
    if user::has_handle(tx, handle)? {
        return Err(Error::conflict(
            Conflict::HandleTaken,
            format!("`{handle}` is taken: choose another handle"),
        ));
    }
    Ok(())
}

/// A handle that nobody has, derived from the address or else from the name.
pub(in crate::domain) fn free_handle(
    tx: &mut TenantTx<'_, '_>,
    email: &str,
    display_name: &str,
) -> Result<String> {
    let local = email.split('@').next().unwrap_or("");
    let base =
        handle_from(local).or_else(|| handle_from(display_name)).unwrap_or_else(|| "member".to_owned());
    let mut handle = base.clone();
    let mut number = 2;
    while user::has_handle(tx, &handle)? {
        handle = format!("{base}-{number}");
        number += 1;
    }
    Ok(handle)
}

/// What of a text can be a handle: its letters and digits, dashes between them.
fn handle_from(text: &str) -> Option<String> {
    let mut handle = String::new();
    for character in text.to_lowercase().chars() {
        match character {
            'a'..='z' | '0'..='9' => handle.push(character),
            '_' if !handle.is_empty() => handle.push('_'),
            _ if !handle.is_empty() && !handle.ends_with('-') => handle.push('-'),
            _ => {}
        }
    }
    handle.truncate(DERIVED_HANDLE);
    let handle = handle.trim_end_matches(['-', '_']);
    check::is_handle(handle).then(|| handle.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn handles_come_from_addresses_and_names() {
        assert_eq!(handle_from("Ada.Lovelace").as_deref(), Some("ada-lovelace"));
        assert_eq!(handle_from("--x--y_").as_deref(), Some("x-y"));
        assert_eq!(handle_from("ü"), None);
        assert_eq!(handle_from("a"), None);
        assert_eq!(handle_from(&"ab".repeat(40)).map(|handle| handle.len()), Some(DERIVED_HANDLE));
    }

    proptest! {
        #[test]
        fn a_derived_handle_is_a_handle(text in "\\PC{0,60}") {
            if let Some(handle) = handle_from(&text) {
                prop_assert!(check::is_handle(&handle));
                prop_assert!(handle.len() <= DERIVED_HANDLE);
            }
        }
    }
}
