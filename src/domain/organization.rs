//! Organizations: made, read.

use mission_control_shared::{EventKind, OrgId, OrgStatus, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check::Check;
use super::policy::{Action, Authority as _, Thing};
use super::settings::{self, Settings};
use super::{Listed, Page, channel};
use crate::error::{Conflict, Error, Noun, Result};
use crate::events::{Draft, Signal, Who};
use crate::store::{Actor, Gate, SystemTx, TenantTx, event, organization};

/// Slugs that would stand in the way of our own paths.
const RESERVED: [&str; 14] = [
    "api", "auth", "admin", "health", "ready", "metrics", "assets", "login", "setup", "orgs", "docs", "mcp",
    "ws", "static",
];

/// An organization in a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OrgSummary {
    /// Its id.
    pub id: OrgId,
    /// Its name in paths.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What it may do now.
    pub status: OrgStatus,
    /// Counts changes from 1; the ETag.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An organization.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Org {
    /// What every list shows of it.
    #[serde(flatten)]
    pub summary: OrgSummary,
    /// Everything that can be set, with defaults where nothing was.
    pub settings: Settings,
    /// Changes when a backup is restored: cursors of another epoch mean nothing.
    pub log_epoch: String,
    /// The newest event's `sequence_id`; 0 = none yet.
    pub sequence_id: i64,
}

impl From<organization::Organization> for OrgSummary {
    fn from(stored: organization::Organization) -> OrgSummary {
        OrgSummary {
            id: stored.id,
            slug: stored.slug,
            name: stored.name,
            status: stored.status,
            version: stored.version,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}

/// The organization of the handle. Errors: `ORGANIZATION_NOT_FOUND`, `FORBIDDEN`.
pub fn get(tx: &mut TenantTx<'_, '_>) -> Result<Org> {
    tx.require(Action::ReadOrganization, Thing::Organization)?;
    let stored = organization::find(tx)?.ok_or(Error::NotFound(Noun::Organization))?;
    let head = event::head(tx)?;
    Ok(Org {
        settings: settings::read(&stored.settings)?,
        summary: stored.into(),
        log_epoch: head.epoch.to_string(),
        sequence_id: head.last_seq,
    })
}

/// What an event says of an organization's status.
#[derive(Serialize)]
struct StatusPayload {
    from: OrgStatus,
    to: OrgStatus,
}

/// Makes an organization read-only, or lets it work again. The status that it has already changes
/// nothing.
///
/// Open streams and everything that is cached of its callers are looked up again. The handle must
/// have come through [`Gate::Lifecycle`] to end a suspension.
///
/// Errors: `ORGANIZATION_NOT_FOUND`, `INVALID_TRANSITION` when it is about to be deleted.
pub fn set_suspended(tx: &mut TenantTx<'_, '_>, suspended: bool) -> Result<()> {
    let before = organization::find(tx)?.ok_or(Error::NotFound(Noun::Organization))?;
    let (to, kind) = match suspended {
        true => (OrgStatus::Suspended, EventKind::OrgSuspended),
        false => (OrgStatus::Active, EventKind::OrgResumed),
    };
    match before.status {
        status if status == to => return Ok(()),
        OrgStatus::PendingDeletion => {
            let message = "this organization is about to be deleted: cancel its deletion first";
            return Err(Error::conflict(Conflict::InvalidTransition, message));
        }
        OrgStatus::Active | OrgStatus::Suspended => {}
    }
    organization::set_status(tx, to)?;
    event::append(tx, Draft::new(kind, &StatusPayload { from: before.status, to }))?;
    tx.signal(Signal::Access { org_id: Some(tx.org_id()), who: Who::Everybody });
    Ok(())
}

/// A page of the organizations that a user belongs to.
pub fn list_of_user(tx: &mut SystemTx<'_, '_>, user_id: UserId, page: Page) -> Result<Listed<OrgSummary>> {
    let (items, total) = organization::page_of_user(tx, user_id, page.offset(), page.per_page)?;
    Ok(Listed::numbered(items.into_iter().map(OrgSummary::from).collect(), total))
}

/// Every organization, by slug.
pub fn list_all(tx: &mut SystemTx<'_, '_>) -> Result<Vec<OrgSummary>> {
    Ok(organization::all(tx)?.into_iter().map(OrgSummary::from).collect())
}

/// The id of the organization with this slug. Errors: `ORGANIZATION_NOT_FOUND`.
pub fn find_id(tx: &mut SystemTx<'_, '_>, slug: &str) -> Result<OrgId> {
    let found = organization::find_by_slug(tx, slug)?.ok_or(Error::NotFound(Noun::Organization))?;
    Ok(found.id)
}

/// Makes an organization with its event log and the channel `general`.
///
/// Errors: `VALIDATION_FAILED` (fields `org_name`, `org_slug`), `SLUG_TAKEN`.
pub fn create(tx: &mut SystemTx<'_, '_>, name: &str, slug: &str) -> Result<OrgId> {
    let mut check = Check::default();
    let (name, slug) = check_new(&mut check, name, slug);
    check.finish()?;
    if organization::find_by_slug(tx, &slug)?.is_some() {
        return Err(Error::conflict(Conflict::SlugTaken, format!("`{slug}` is taken: choose another slug")));
    }
    let id = OrgId(tx.new_id());
    organization::insert(tx, id, &slug, &name)?;
    let mut tx = tx.tenant(id, &Actor::SYSTEM, Gate::Working)?;
    event::start_log(&mut tx)?;
    channel::create_general(&mut tx)?;
    Ok(id)
}

/// Checks name and slug of a new organization.
pub(super) fn check_new(check: &mut Check, name: &str, slug: &str) -> (String, String) {
    let slug = slug.trim();
    if !is_slug(slug) {
        check.problem(
            "org_slug",
            "must be 3 to 50 characters from a-z, 0-9 and `-`, the first and the last a letter or a digit",
        );
    } else if RESERVED.contains(&slug) {
        check.problem("org_slug", format!("`{slug}` is kept for the server itself: choose another slug"));
    }
    (check.text("org_name", name, 1..=100), slug.to_owned())
}

fn is_slug(text: &str) -> bool {
    let bytes = text.as_bytes();
    (3..=50).contains(&bytes.len())
        && bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs() {
        for slug in ["abc", "a-b", "acme-2", &"a".repeat(50)] {
            assert!(is_slug(slug), "{slug}");
        }
        for slug in ["", "ab", "-abc", "abc-", "Abc", "a_c", "ä-b", "a b", &"a".repeat(51)] {
            assert!(!is_slug(slug), "{slug}");
        }
    }

    #[test]
    fn our_own_paths_are_no_slugs() {
        let mut check = Check::default();
        check_new(&mut check, "Acme", "metrics");
        assert!(check.finish().is_err());
    }
}
