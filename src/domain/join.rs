//! How members come in: people by invitation, agents with a key.
//!
//! Apart from `user`, because an invitation and a key are made with the member, and both call `user`.

use mission_control_shared::{Role, User, UserId, UserStatus, UserType};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check::Check;
use super::policy::{Action, Authority as _, Thing};
use super::user::{self as member, Entry};
use super::{invitation, key};
use crate::error::{Conflict, Error, Result};
use crate::store::user::Record;
use crate::store::{TenantTx, identity, user};

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
    tx.require(Action::ManageMembers, Thing::Organization)?;
    match new {
        NewUser::Human { email, display_name, role, handle } => {
            let entry = invite(tx, email, display_name, *role, handle.as_deref())?;
            let token = invitation::create(tx, entry.user.id, entry.email.as_deref().unwrap_or(""))?;
            let invite_url = Some(format!("{public_url}/invite#{}", token.reveal()));
            Ok(CreatedUser { user: member::as_seen(tx, entry), invite_url, api_key: None })
        }
        NewUser::Agent { identifier, display_name, role } => {
            let mut check = Check::default();
            let display_name = check.text("display_name", display_name, 1..=100);
            let handle = check.handle("identifier", identifier);
            check.finish()?;
            member::require_free(tx, &handle)?;
            let id = UserId(tx.new_id());
            let entry = Entry { id, kind: UserType::Agent, role: *role, handle, display_name, email: None };
            member::keep(tx, entry, UserStatus::Active)?;
            let api_key = key::make(tx, id)?;
            member::record_created(tx, id)?;
            let record = member::find_record(tx, id)?;
            Ok(CreatedUser {
                user: member::as_seen(tx, record),
                invite_url: None,
                api_key: Some(api_key.secret),
            })
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
            member::require_free(tx, &handle)?;
            handle
        }
        None => member::free_handle(tx, &email, &display_name)?,
    };
    let entry = Entry { id, kind: UserType::Human, role, handle, display_name, email: Some(email) };
    member::enter(tx, entry, UserStatus::Invited)?;
    member::find_record(tx, id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_type_or_field_of_a_new_member_is_refused() {
        let read = |json: &str| serde_json::from_str::<NewUser>(json);
        assert!(
            read(r#"{"type":"agent","identifier":"kay","display_name":"Kay","role":"contributor"}"#).is_ok()
        );
        assert!(read(r#"{"type":"agent","identifier":"kay","display_name":"Kay","role":"contributor","email":"a@b.c"}"#).is_err());
        assert!(read(r#"{"type":"robot","identifier":"kay"}"#).is_err());
    }
}
