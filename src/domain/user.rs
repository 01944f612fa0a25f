//! Members: invited, made, changed, removed.

use std::collections::BTreeMap;

use mission_control_shared::{ApiKeyId, EventKind, OrgId, Role, User, UserId, UserStatus, UserType};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check::{self, Check};
use super::policy::{self, Action};
use super::{Listed, Page, invitation, key, project, session, task};
use crate::error::{Conflict, Error, Noun, Result};
use crate::events::{Draft, Signal};
use crate::store::user::Record;
use crate::store::{Actor, SystemTx, TenantTx, event, identity, user};

pub use crate::store::user::Wanted;

/// Longest handle that is derived, so that a number still fits behind it.
const DERIVED_HANDLE: usize = 32;
const IDENTITIES: [&str; 3] = ["email", "github", "signal"];
const ROUTES: [&str; 4] = ["email", "ntfy", "signal", "webhook"];

/// A new member.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
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

/// What changes of a member; what is left out stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// What they may do; administrators only.
    #[serde(default, deserialize_with = "super::check::patch::kept")]
    pub role: Option<Role>,
    /// 1 to 100 characters; themselves only, an agent's also by administrators.
    #[serde(default, deserialize_with = "super::check::patch::kept")]
    pub display_name: Option<String>,
    /// External identities (`github`, `signal`), replaced all at once; themselves only.
    #[serde(default, deserialize_with = "super::check::patch::cleared")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub identities: Option<Option<BTreeMap<String, String>>>,
    /// Where notifications go (`email`, `ntfy`, `signal`, `webhook`), replaced all at once;
    /// themselves only.
    #[serde(default, deserialize_with = "super::check::patch::cleared")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub notification_routes: Option<Option<BTreeMap<String, String>>>,
}

/// What an event says of a member.
#[derive(Serialize)]
struct Payload<'a> {
    user: &'a User,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    changed: &'a [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Role>,
}

impl<'a> Payload<'a> {
    fn of(user: &'a User) -> Self {
        Payload { user, changed: &[], from: None, to: None }
    }
}

/// Records what does not change anybody's access.
fn record_change(tx: &mut TenantTx<'_, '_>, changed: &[&'static str], user: &User) -> Result<()> {
    let user = for_events(user.clone());
    let draft = Draft::new(EventKind::UserUpdated, &Payload { changed, ..Payload::of(&user) });
    Ok(event::append(tx, draft.addressed([user.id]))?)
}

/// Records what changes a member's access, and has it looked up again.
fn record_access(tx: &mut TenantTx<'_, '_>, kind: EventKind, payload: &Payload<'_>) -> Result<()> {
    let user_id = payload.user.id;
    event::append(tx, Draft::new(kind, payload).subject(user_id))?;
    tx.signal(Signal::Access { org_id: Some(tx.org_id()), user_id });
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
fn as_seen(tx: &TenantTx<'_, '_>, record: Record) -> User {
    let Record { mut user, email } = record;
    let themself = tx.actor().user_id == Some(user.id);
    if let (Some(identities), Some(email)) = (&mut user.identities, email) {
        identities.insert("email".to_owned(), email);
    }
    if !themself {
        user.notification_routes = None;
    }
    if !themself && !policy::may(tx.actor(), Action::ManageMembers) {
        user.identities = None;
    }
    user
}

fn find_record(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<Record> {
    user::find(tx, id)?.ok_or(Error::NotFound(Noun::User))
}

fn find_present_record(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<Record> {
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
    let mut tx = tx.tenant(org_id, &Actor::SYSTEM)?;
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
    Ok(Listed { items, total })
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
            store(tx, entry, UserStatus::Active)?;
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
pub(super) struct Entry {
    pub(super) id: UserId,
    pub(super) kind: UserType,
    pub(super) role: Role,
    pub(super) handle: String,
    pub(super) display_name: String,
    pub(super) email: Option<String>,
}

/// Somebody comes in.
pub(super) fn enter(tx: &mut TenantTx<'_, '_>, entry: Entry, status: UserStatus) -> Result<()> {
    let id = entry.id;
    store(tx, entry, status)?;
    record_created(tx, id)
}

fn record_created(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<()> {
    let user = find(tx, id)?;
    record_access(tx, EventKind::UserCreated, &Payload::of(&user))
}

/// Stores somebody who comes in, or comes back: a removed person is the same row again.
fn store(tx: &mut TenantTx<'_, '_>, entry: Entry, status: UserStatus) -> Result<()> {
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
pub(super) fn join(tx: &mut TenantTx<'_, '_>, id: UserId, display_name: Option<String>) -> Result<()> {
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

/// Stores a changed member under their next version.
fn touch(tx: &mut TenantTx<'_, '_>, mut user: User) -> Result<User> {
    user.version += 1;
    user.updated_at = tx.now();
    user::update(tx, &user)?;
    Ok(user)
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
pub(super) fn free_handle(tx: &mut TenantTx<'_, '_>, email: &str, display_name: &str) -> Result<String> {
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

/// Changes a member.
///
/// Errors: `USER_NOT_FOUND`, `STALE_VERSION`, `FORBIDDEN`, `VALIDATION_FAILED`, `LAST_ADMINISTRATOR`.
pub fn update(
    tx: &mut TenantTx<'_, '_>,
    id: UserId,
    patch: &UserPatch,
    expected: Option<i64>,
) -> Result<User> {
    let Record { user: before, email } = find_present_record(tx, id)?;
    require_may_change(tx, &before, patch)?;
    check::version(before.version, expected)?;
    let mut check = Check::default();
    let mut user = before.clone();
    if let Some(role) = patch.role {
        user.role = role;
    }
    if let Some(name) = &patch.display_name {
        user.display_name = check.text("display_name", name, 1..=100);
    }
    if let Some(identities) = &patch.identities {
        user.identities = Some(check_identities(&mut check, identities.as_ref(), email.as_deref()));
    }
    if let Some(routes) = &patch.notification_routes {
        user.notification_routes = Some(check_routes(&mut check, routes.as_ref()));
    }
    check.finish()?;
    let changed: Vec<&'static str> = [
        ("display_name", user.display_name != before.display_name),
        ("identities", user.identities != before.identities),
        ("notification_routes", user.notification_routes != before.notification_routes),
    ]
    .into_iter()
    .filter_map(|(field, differs)| differs.then_some(field))
    .collect();
    let (from, to) = (before.role, user.role);
    if from != to {
        require_not_last(tx, &before)?;
    }
    if from != to || !changed.is_empty() {
        let user = touch(tx, user)?;
        if !changed.is_empty() {
            record_change(tx, &changed, &user)?;
        }
        if from != to {
            let user = for_events(user);
            let payload = Payload { from: Some(from), to: Some(to), ..Payload::of(&user) };
            record_access(tx, EventKind::UserRoleChanged, &payload)?;
        }
    }
    get(tx, id)
}

fn require_may_change(tx: &TenantTx<'_, '_>, user: &User, patch: &UserPatch) -> Result<()> {
    let manages = policy::may(tx.actor(), Action::ManageMembers);
    let themself = tx.actor().user_id == Some(user.id);
    let may_rename = themself || manages && user.kind == UserType::Agent;
    let refused = patch.role.is_some() && !manages
        || patch.display_name.is_some() && !may_rename
        || (patch.identities.is_some() || patch.notification_routes.is_some()) && !themself;
    if refused { Err(Error::Forbidden) } else { Ok(()) }
}

fn check_identities(
    check: &mut Check,
    identities: Option<&BTreeMap<String, String>>,
    email: Option<&str>,
) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (name, value) in identities.into_iter().flatten() {
        let field = format!("identities.{name}");
        if !IDENTITIES.contains(&name.as_str()) {
            check.problem(field, format!("is no identity: take one of {}", IDENTITIES.join(", ")));
        } else if name == "email" {
            // Shown among the identities, but kept with the identity itself.
            if Some(value.trim().to_lowercase().as_str()) != email {
                check.problem(field, "is the sign-in address, which cannot change here");
            }
        } else {
            out.insert(name.clone(), check.text(&field, value, 1..=200));
        }
    }
    out
}

fn check_routes(check: &mut Check, routes: Option<&BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (name, value) in routes.into_iter().flatten() {
        let field = format!("notification_routes.{name}");
        let target = match name.as_str() {
            "email" => check.email(&field, value),
            "signal" => check.text(&field, value, 1..=200),
            "ntfy" | "webhook" => check.url(&field, value),
            _ => {
                check.problem(field, format!("is no way to be told: take one of {}", ROUTES.join(", ")));
                continue;
            }
        };
        out.insert(name.clone(), target);
    }
    out
}

/// Refuses when the organization would be left without a person who may do everything.
fn require_not_last(tx: &mut TenantTx<'_, '_>, user: &User) -> Result<()> {
    let counts =
        user.role == Role::Administrator && user.status == UserStatus::Active && user.kind == UserType::Human;
    if counts && user::administrators(tx)? <= 1 {
        let message = "they are the last administrator: make somebody else an administrator first";
        return Err(Error::conflict(Conflict::LastAdministrator, message));
    }
    Ok(())
}

/// Removes a member: keys, project memberships, assignments and invitations go, and a person's
/// sessions when they belong to no other organization.
///
/// Errors: `USER_NOT_FOUND`, `LAST_ADMINISTRATOR`, `FORBIDDEN`.
pub fn remove(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<()> {
    policy::require(tx.actor(), Action::ManageMembers)?;
    let user = find_present_record(tx, id)?.user;
    require_not_last(tx, &user)?;
    take_out(tx, user)
}

/// Withdraws a member's open invitations; who never joined is a member no longer.
pub(super) fn withdraw(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<()> {
    let user = find_record(tx, id)?.user;
    if user.status == UserStatus::Invited {
        return take_out(tx, user);
    }
    Ok(crate::store::invitation::revoke_all(tx, id)?)
}

fn take_out(tx: &mut TenantTx<'_, '_>, mut user: User) -> Result<()> {
    let id = user.id;
    key::revoke_all(tx, id)?;
    project::remove_member_everywhere(tx, id)?;
    task::unassign_everywhere(tx, id)?;
    crate::store::invitation::revoke_all(tx, id)?;
    user.status = UserStatus::Removed;
    user.key_prefix = None;
    user.key_created_at = None;
    let user = for_events(touch(tx, user)?);
    record_access(tx, EventKind::UserRemoved, &Payload::of(&user))?;
    if user.kind == UserType::Human && !identity::belongs_somewhere(tx, id)? {
        session::end_all_of_leaver(tx, id)?;
    }
    Ok(())
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
