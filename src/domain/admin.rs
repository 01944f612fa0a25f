//! What the command line can ask of a server, in one transaction each, as the server itself.

use mission_control_shared::{Role, Timestamp, User};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Page;
use super::identity::{self, First};
use super::job::{self, JobSummary};
use super::join::{self, CreatedUser, NewUser};
use super::key::{self, RotateKey};
use super::organization::{self, OrgSummary};
use super::user::{self, Wanted};
use crate::error::{Error, Noun, Result};
use crate::store::{Actor, Gate, SystemTx, TenantTx};

/// What the command line can ask. Not `Debug`: it may hold a password.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum AdminRequest {
    /// Make an organization.
    OrgCreate {
        /// Its name.
        name: String,
        /// Its slug.
        slug: String,
    },
    /// List the organizations.
    OrgList,
    /// Make the first organization and its administrator.
    Setup {
        /// The organization's name.
        org_name: String,
        /// Its slug.
        org_slug: String,
        /// The administrator's address.
        email: String,
        /// Their name.
        display_name: String,
        /// Their password.
        password: String,
    },
    /// Invite a person.
    UserCreate {
        /// The organization's slug.
        org: String,
        /// Their address.
        email: String,
        /// Their name.
        display_name: String,
        /// What they may do.
        role: Role,
        /// What `@…` mentions; derived when left out.
        handle: Option<String>,
    },
    /// Make an agent.
    AgentCreate {
        /// The organization's slug.
        org: String,
        /// Its handle.
        identifier: String,
        /// Its name.
        display_name: String,
        /// What it may do.
        role: Role,
    },
    /// List the members of an organization.
    UserList {
        /// The organization's slug.
        org: String,
    },
    /// Make a link that sets a new password.
    PasswordReset {
        /// Whose.
        email: String,
    },
    /// Give an agent a new key.
    KeyRotate {
        /// The organization's slug.
        org: String,
        /// The agent.
        handle: String,
        /// Hours that older keys still work.
        grace_hours: Option<i64>,
    },
    /// Kill every key of an agent.
    KeyRevoke {
        /// The organization's slug.
        org: String,
        /// The agent.
        handle: String,
    },
    /// List dead letters.
    JobList {
        /// Also jobs that wait or run.
        all: bool,
    },
    /// Let dead letters wait again.
    JobRetry {
        /// Which one; `None` = every one.
        id: Option<Uuid>,
    },
    /// Remove a job that nobody runs.
    JobRemove {
        /// Which one.
        id: Uuid,
    },
}

/// What the command line gets. Not `Debug`: it may hold a secret.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum AdminReply {
    /// It is done, and there is nothing to show.
    Done,
    /// An organization was made.
    Organization {
        /// Its slug.
        slug: String,
    },
    /// Every organization.
    Organizations {
        /// By slug.
        organizations: Vec<OrgSummary>,
    },
    /// Every member.
    Users {
        /// By name.
        users: Vec<User>,
    },
    /// Somebody was invited.
    Invited {
        /// What `@…` mentions.
        handle: String,
        /// The link, shown this once.
        invite_url: String,
    },
    /// An agent has a new key.
    Key {
        /// The agent.
        handle: String,
        /// The key, shown this once.
        api_key: String,
        /// When the older keys die.
        previous_expires_at: Option<Timestamp>,
    },
    /// Background jobs.
    Jobs {
        /// Dead letters, newest first, then those that wait or run.
        jobs: Vec<JobSummary>,
    },
    /// Dead letters wait again.
    Retried {
        /// How many.
        count: u64,
    },
    /// A link that sets a new password.
    Reset {
        /// The link, shown this once.
        reset_url: String,
    },
}

impl AdminRequest {
    /// The password that is to be hashed before the transaction.
    pub fn password(&self) -> Option<&str> {
        match self {
            AdminRequest::Setup { password, .. } => Some(password),
            _ => None,
        }
    }
}

/// What the answer depends on beside the rows.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// What links begin with.
    pub public_url: String,
    /// Whether there is one organization only.
    pub single_tenant: bool,
}

/// Does what was asked; `password_hash` is the hash of [`AdminRequest::password`].
///
/// Errors: those of what was asked, `ORGANIZATION_NOT_FOUND`, `USER_NOT_FOUND`,
/// `ORGANIZATION_READ_ONLY`.
pub fn perform(
    tx: &mut SystemTx<'_, '_>,
    request: &AdminRequest,
    password_hash: Option<&str>,
    around: &Surroundings,
) -> Result<AdminReply> {
    match request {
        AdminRequest::OrgCreate { name, slug } => create_organization(tx, name, slug, around),
        AdminRequest::OrgList => Ok(AdminReply::Organizations { organizations: organization::list_all(tx)? }),
        AdminRequest::Setup { org_name, org_slug, email, display_name, .. } => {
            let hash = password_hash.ok_or_else(|| Error::field("password", "is missing"))?;
            let first = First {
                org_name: org_name.clone(),
                org_slug: org_slug.clone(),
                email: email.clone(),
                display_name: display_name.clone(),
            };
            identity::set_up(tx, &first, hash)?;
            Ok(AdminReply::Done)
        }
        AdminRequest::UserCreate { org, email, display_name, role, handle } => {
            let (email, display_name) = (email.clone(), display_name.clone());
            let new = NewUser::Human { email, display_name, role: *role, handle: handle.clone() };
            within(tx, org, |tx| join::create(tx, &new, &around.public_url)).map(created)
        }
        AdminRequest::AgentCreate { org, identifier, display_name, role } => {
            let (identifier, display_name) = (identifier.clone(), display_name.clone());
            let new = NewUser::Agent { identifier, display_name, role: *role };
            within(tx, org, |tx| join::create(tx, &new, &around.public_url)).map(created)
        }
        AdminRequest::UserList { org } => {
            // PostgreSQL takes the limit as an INTEGER.
            let everybody = Page { page: 1, per_page: i64::from(i32::MAX) };
            let org_id = organization::find_id(tx, org)?;
            let mut tx = tx.view(org_id, &Actor::SYSTEM)?;
            let listed = user::list(&mut tx, &Wanted::default(), everybody)?;
            Ok(AdminReply::Users { users: listed.items })
        }
        AdminRequest::PasswordReset { email } => {
            let token = identity::start_reset(tx, email)?.ok_or(Error::NotFound(Noun::User))?;
            Ok(AdminReply::Reset { reset_url: format!("{}/reset#{}", around.public_url, token.reveal()) })
        }
        AdminRequest::KeyRotate { org, handle, grace_hours } => {
            let how = RotateKey { grace_hours: *grace_hours };
            let key = within(tx, org, |tx| {
                let agent = user::find_by_handle(tx, handle)?;
                key::rotate(tx, agent.id, how)
            })?;
            let (handle, api_key) = (handle.clone(), key.api_key);
            Ok(AdminReply::Key { handle, api_key, previous_expires_at: key.previous_expires_at })
        }
        AdminRequest::JobList { all } => Ok(AdminReply::Jobs { jobs: job::list(tx, *all)? }),
        AdminRequest::JobRetry { id } => Ok(AdminReply::Retried { count: job::retry(tx, *id)? }),
        AdminRequest::JobRemove { id } => {
            job::remove(tx, *id)?;
            Ok(AdminReply::Done)
        }
        AdminRequest::KeyRevoke { org, handle } => {
            within(tx, org, |tx| {
                let agent = user::find_by_handle(tx, handle)?;
                key::revoke(tx, agent.id)
            })?;
            Ok(AdminReply::Done)
        }
    }
}

fn create_organization(
    tx: &mut SystemTx<'_, '_>,
    name: &str,
    slug: &str,
    around: &Surroundings,
) -> Result<AdminReply> {
    if around.single_tenant && !identity::is_setup_required(tx)? {
        let message = "is `single-tenant`, and there is an organization: set it to `multi-tenant` first";
        return Err(Error::field("mode", message));
    }
    organization::create(tx, name, slug)?;
    Ok(AdminReply::Organization { slug: slug.trim().to_owned() })
}

/// Writes as the server itself in the organization with this slug, which must be active.
fn within<T>(
    tx: &mut SystemTx<'_, '_>,
    slug: &str,
    work: impl FnOnce(&mut TenantTx<'_, '_>) -> Result<T>,
) -> Result<T> {
    let org_id = organization::find_id(tx, slug)?;
    work(&mut tx.tenant(org_id, &Actor::SYSTEM, Gate::Working)?)
}

fn created(created: CreatedUser) -> AdminReply {
    let CreatedUser { user, invite_url, api_key } = created;
    match (invite_url, api_key) {
        (Some(invite_url), _) => AdminReply::Invited { handle: user.handle, invite_url },
        (None, Some(api_key)) => AdminReply::Key { handle: user.handle, api_key, previous_expires_at: None },
        (None, None) => AdminReply::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_replies_travel_as_json() {
        let json = r#"{"request":"key_rotate","org":"acme","handle":"kay","grace_hours":0}"#;
        let request: AdminRequest = serde_json::from_str(json).expect("reads");
        assert_eq!(serde_json::to_string(&request).expect("writes"), json);
        let reply = AdminReply::Invited { handle: "ada".to_owned(), invite_url: "u".to_owned() };
        let json = r#"{"reply":"invited","handle":"ada","invite_url":"u"}"#;
        assert_eq!(serde_json::to_string(&reply).expect("writes"), json);
    }
}
