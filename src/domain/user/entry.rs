//! How members come in: people by invitation, agents with a key.

use mission_control_shared::{EventKind, Role, User, UserId, UserStatus, UserType};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Payload, as_seen, find, find_present_record, find_record, for_events, record_access, touch};
use crate::domain::check::{self, Check};
use crate::domain::policy::{self, Action};
use crate::domain::{invitation, key};
use crate::error::{Conflict, Error, Result};
use crate::store::user::Record;
use crate::store::{TenantTx, identity, user};

/// Longest handle that is derived, so that a number still fits behind it.
const DERIVED_HANDLE: usize = 32;

/// A new member.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields, try_from = "Fields")]
pub enum NewUser {
    /// A person, who is invited.
    Human {
        /// Their sign-in address.
        email: String,
        /// 1 to 100 characters.
        display_name: String,
        /// What they may do.
        role: Role,
        /// What `@…` mentions; derived from the address when left out.
        #[serde(default)]
        handle: Option<String>,
    },
    /// An agent, which gets a key.
    Agent {
        /// Its handle: 2 to 39 characters from a-z, 0-9, `_` and `-`.
        identifier: String,
        /// 1 to 100 characters.
        display_name: String,
        /// What it may do.
        role: Role,
    },
}

/// The fields of either: read by themselves, so that a refusal can name the one that is wrong, which
/// serde cannot of an enum with a tag.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(rename = "type")]
    kind: UserType,
    display_name: String,
    role: Role,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    handle: Option<String>,
    #[serde(default)]
    identifier: Option<String>,
}

impl TryFrom<Fields> for NewUser {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, Self::Error> {
        let Fields { kind, display_name, role, email, handle, identifier } = fields;
        match (kind, email, handle, identifier) {
            (UserType::Human, Some(email), handle, None) => {
                Ok(NewUser::Human { email, display_name, role, handle })
            }
            (UserType::Human, None, ..) => Err("missing field `email`: a person is invited by it"),
            (UserType::Human, .., Some(_)) => Err("unknown field `identifier`: a person has a `handle`"),
            (UserType::Agent, None, None, Some(identifier)) => {
                Ok(NewUser::Agent { identifier, display_name, role })
            }
            (UserType::Agent, .., None) => Err("missing field `identifier`: it is an agent's handle"),
            (UserType::Agent, Some(_), ..) => Err("unknown field `email`: only people have one"),
            (UserType::Agent, _, Some(_), _) => Err("unknown field `handle`: an agent's is its `identifier`"),
        }
    }
}

/// A member who was made now, with the secret that is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedUser {
    /// The member.
    pub user: User,
    /// A person's invitation; `null` when the answer is a replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite_url: Option<String>,
    /// An agent's key; `null` when the answer is a replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
}

/// Invites a person or makes an agent. Links begin with `public_url`.
///
/// Errors: `FORBIDDEN`, `VALIDATION_FAILED`, `ALREADY_MEMBER`, `HANDLE_TAKEN`.
pub fn create(tx: &mut TenantTx<'_, '_>, new: &NewUser, public_url: &str) -> Result<CreatedUser> {
    policy::require(tx.actor(), Action::ManageMembers)?;
    match new {
        NewUser::Human { email, display_name, role, handle } => {
            let entry = invite(tx, email, display_name, *role, handle.as_deref())?;
            let token = invitation::create(tx, entry.user.id, entry.email.as_deref().unwrap_or(""))?;
            let invite_url = Some(format!("{public_url}/invite#{}", token.reveal()));
            Ok(CreatedUser { user: as_seen(tx, entry), invite_url, api_key: None })
        }
        NewUser::Agent { identifier, display_name, role } => {
            let mut check = Check::default();
            let display_name = check.text("display_name", display_name, 1..=100);
            let handle = check.handle("identifier", identifier);
            check.finish()?;
            require_free(tx, &handle)?;
            let id = UserId(tx.new_id());
            let entry = Entry { id, kind: UserType::Agent, role: *role, handle, display_name, email: None };
            keep(tx, entry, UserStatus::Active)?;
            let api_key = key::make(tx, id)?;
            record_created(tx, id)?;
            let record = find_record(tx, id)?;
            Ok(CreatedUser { user: as_seen(tx, record), invite_url: None, api_key: Some(api_key.secret) })
        }
    }
}

fn invite(
    tx: &mut TenantTx<'_, '_>,
    email: &str,
    display_name: &str,
    role: Role,
    handle: Option<&str>,
) -> Result<Record> {
    let mut check = Check::default();
    let email = check.email("email", email);
    let display_name = check.text("display_name", display_name, 1..=100);
    let handle = handle.map(|handle| check.handle("handle", handle));
    check.finish()?;
    let id = identity::ensure(tx, &email)?;
    match user::status(tx, id)? {
        None | Some(UserStatus::Removed) => {}
        Some(UserStatus::Active) => {
            return Err(Error::conflict(Conflict::AlreadyMember, "this address belongs to a member already"));
        }
        Some(UserStatus::Invited) => {
            let message = "this address is invited already: revoke that invitation first to make a new link";
            return Err(Error::conflict(Conflict::AlreadyMember, message));
        }
    }
    let handle = match handle {
        Some(handle) => {
            require_free(tx, &handle)?;
            handle
        }
        None => free_handle(tx, &email, &display_name)?,
    };
    let entry = Entry { id, kind: UserType::Human, role, handle, display_name, email: Some(email) };
    enter(tx, entry, UserStatus::Invited)?;
    find_record(tx, id)
}

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

fn record_created(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<()> {
    let user = find(tx, id)?;
    record_access(tx, EventKind::UserCreated, &Payload::of(&user))
}

/// Stores somebody who comes in, or comes back: a removed person is the same row again.
fn keep(tx: &mut TenantTx<'_, '_>, entry: Entry, status: UserStatus) -> Result<()> {
    let now = tx.now();
    let Entry { id, kind, role, handle, display_name, email } = entry;
    if let Some(Record { user, .. }) = user::find(tx, id)? {
        let version = user.version + 1;
        user::update(tx, &User { role, status, handle, display_name, version, updated_at: now, ..user })?;
        return Ok(());
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
    let mut changed = vec!["status"];
    user.status = UserStatus::Active;
    if let Some(name) = display_name.filter(|name| *name != user.display_name) {
        user.display_name = name;
        changed.push("display_name");
    }
    let user = touch(tx, user)?;
    record_access(
        tx,
        EventKind::UserUpdated,
        &Payload { changed: &changed, ..Payload::of(&for_events(user)) },
    )
}

fn require_free(tx: &mut TenantTx<'_, '_>, handle: &str) -> Result<()> {
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

    #[test]
    fn an_unknown_type_or_field_of_a_new_member_is_refused() {
        let read = |json: &str| serde_json::from_str::<NewUser>(json);
        assert!(
            read(r#"{"type":"agent","identifier":"kay","display_name":"Kay","role":"contributor"}"#).is_ok()
        );
        assert!(read(r#"{"type":"agent","identifier":"kay","display_name":"Kay","role":"contributor","email":"a@b.c"}"#).is_err());
        assert!(read(r#"{"type":"robot","identifier":"kay"}"#).is_err());
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
