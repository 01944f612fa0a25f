//! What changes of a member, and who may change it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use mission_control_shared::{EventKind, Role, User, UserId, UserPayload, UserType};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{find_present_record, for_events, get, record_access, require_not_last, touch};
use crate::domain::check::{self, Check, changed};
use crate::domain::policy::{Action, Authority as _};
use crate::error::{Error, Result};
use crate::events::Draft;
use crate::store::user::Record;
use crate::store::{TenantTx, event};

/// Identities that may be kept on a profile; the first is the sign-in address.
const IDENTITIES: [&str; 3] = ["email", "github", "signal"];
/// Ways to be told.
const ROUTES: [&str; 4] = ["email", "ntfy", "signal", "webhook"];

/// What changes of a member; what is left out stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// What they may do; administrators only.
    #[serde(default, deserialize_with = "crate::domain::check::patch::kept")]
    pub role: Option<Role>,
    /// 1 to 100 characters; themselves only, an agent's also by administrators.
    #[serde(default, deserialize_with = "crate::domain::check::patch::kept")]
    pub display_name: Option<String>,
    /// External identities (`github`, `signal`), replaced all at once; themselves only.
    #[serde(default, deserialize_with = "crate::domain::check::patch::cleared")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub identities: Option<Option<BTreeMap<String, String>>>,
    /// Where notifications go (`email`, `ntfy`, `signal`, `webhook`), replaced all at once;
    /// themselves only.
    #[serde(default, deserialize_with = "crate::domain::check::patch::cleared")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub notification_routes: Option<Option<BTreeMap<String, String>>>,
}

/// Records what does not change anybody's access.
fn record_change(tx: &mut TenantTx<'_, '_>, changed: Vec<Cow<'static, str>>, user: &User) -> Result<()> {
    let user = for_events(user.clone());
    let draft = Draft::new(EventKind::UserUpdated, &UserPayload { changed, ..UserPayload::of(&user) });
    Ok(event::append(tx, draft.addressed([user.id]))?)
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
    let changed = changed!(before, user; display_name, identities, notification_routes);
    let (from, to) = (before.role, user.role);
    if from != to {
        require_not_last(tx, &before)?;
    }
    if from != to || !changed.is_empty() {
        let user = touch(tx, user)?;
        if !changed.is_empty() {
            record_change(tx, changed, &user)?;
        }
        if from != to {
            let user = for_events(user);
            let payload = UserPayload { from: Some(from), to: Some(to), ..UserPayload::of(&user) };
            record_access(tx, EventKind::UserRoleChanged, &payload)?;
        }
    }
    get(tx, id)
}

fn require_may_change(tx: &TenantTx<'_, '_>, user: &User, patch: &UserPatch) -> Result<()> {
    let manages = tx.may(Action::ManageMembers, user);
    let edits = tx.may(Action::EditProfile, user);
    let may_rename = edits || manages && user.kind == UserType::Agent;
    let refused = patch.role.is_some() && !manages
        || patch.display_name.is_some() && !may_rename
        || (patch.identities.is_some() || patch.notification_routes.is_some()) && !edits;
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
