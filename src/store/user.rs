//! Members: people and agents.

use mission_control_shared::{OrgId, Role, User, UserId, UserStatus, UserType};

use super::row::row;
use super::{Filter, Json, Result, Row, SystemTx, TenantTx, ToValue as _, Value, contains_pattern};
use crate::args;

/// What a list of members may ask for; empty lists and `None` ask for everything.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Any of these types.
    pub kinds: Vec<UserType>,
    /// Any of these roles.
    pub roles: Vec<Role>,
    /// With this in the name or the handle.
    pub q: Option<String>,
}

/// A member as everything about them is kept.
#[derive(Clone, Debug)]
pub struct Record {
    /// What every member sees, without who is online.
    pub user: User,
    /// A person's sign-in address.
    pub email: Option<String>,
}

row! {
    User in "users" as "u", versioned,
    columns {
        once kind "type",
        always role "role",
        always status "status",
        always handle "handle",
        always display_name "display_name",
        always identities "identities" as hidden_json,
        always notification_routes "notification_routes" as hidden_json,
        elsewhere last_seen_at "last_seen_at",
        always version "version",
        once created_at "created_at",
        always updated_at "updated_at",
    },
    joined { key_prefix "k.prefix", key_created_at "k.created_at" },
    beside { online },
    also { "identity_id", "email" },
}

/// The start of every statement that gives members. Of the keys only the newest has no end, so the
/// join gives one row for each member.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", u.email
               FROM users AS u
               LEFT JOIN api_keys AS k ON k.org_id = u.org_id AND k.user_id = u.id
                                      AND k.revoked_at IS NULL AND k.expires_at IS NULL ",
            $rest
        )
    };
}

/// The number of the first column after those of a member.
const NEXT_COLUMN: usize = COLUMNS.len() + 3;

fn record(row: &Row<'_>, org_id: OrgId) -> Result<Record> {
    Ok(Record { user: read(row, org_id)?, email: row.get(NEXT_COLUMN)? })
}

/// The only member whom the actor sees; `None` when they see everybody. A confined actor sees itself.
fn only(tx: &TenantTx<'_, '_>) -> Option<UserId> {
    tx.scope().is_confined().then_some(tx.actor().user_id).flatten()
}

/// One member, also one who is no longer.
pub fn find(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<Option<Record>> {
    if only(tx).is_some_and(|themself| themself != id) {
        return Ok(None);
    }
    let org_id = tx.org_id();
    tx.row(select!("WHERE u.org_id = ?1 AND u.id = ?2"), args![id], |row| record(row, org_id))
}

/// The member with this handle.
pub fn find_by_handle(tx: &mut TenantTx<'_, '_>, handle: &str) -> Result<Option<Record>> {
    let org_id = tx.org_id();
    tx.row(select!("WHERE u.org_id = ?1 AND u.handle = ?2 AND u.status <> 'removed'"), args![handle], |row| {
        record(row, org_id)
    })
}

/// Whether a member has this handle.
pub fn has_handle(tx: &mut TenantTx<'_, '_>, handle: &str) -> Result<bool> {
    tx.row(
        "SELECT 1 FROM users WHERE org_id = ?1 AND handle = ?2 AND status <> 'removed'",
        args![handle],
        |_| Ok(()),
    )
    .map(|found| found.is_some())
}

/// Where somebody stands in the organization.
pub fn status(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<Option<UserStatus>> {
    tx.row("SELECT status FROM users WHERE org_id = ?1 AND id = ?2", args![id], |row| row.get(0))
}

/// One page of members, by name, and how many there are in all.
pub fn page(
    tx: &mut TenantTx<'_, '_>,
    wanted: &Wanted,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Record>, i64)> {
    let (kinds, roles) = (Json(&wanted.kinds), Json(&wanted.roles));
    let pattern = wanted.q.as_deref().map(contains_pattern);
    let mut filter = Filter::default();
    if let Some(themself) = only(tx) {
        filter.and("u.id = ?#", Value::Id(themself.0));
    }
    if !wanted.kinds.is_empty() {
        filter.and("u.type IN texts(?#)", kinds.value());
    }
    if !wanted.roles.is_empty() {
        filter.and("u.role IN texts(?#)", roles.value());
    }
    if pattern.is_some() {
        filter.and("lower(u.display_name || ' ' || u.handle) LIKE ?# ESCAPE '\\'", pattern.value());
    }
    let total = format!(
        "SELECT count(*) FROM users AS u WHERE u.org_id = ?1 AND u.status <> 'removed'{}",
        filter.text()
    );
    let total = tx.row(&total, filter.args(), |row| row.get(0))?.unwrap_or(0);
    let conditions = filter.text().to_owned();
    let (limit, offset) = (filter.push(Value::Int(limit)), filter.push(Value::Int(offset)));
    let sql = format!(
        "{}{conditions} ORDER BY u.display_name, u.id LIMIT ?{limit} + 0 OFFSET ?{offset}",
        select!("WHERE u.org_id = ?1 AND u.status <> 'removed'")
    );
    let org_id = tx.org_id();
    let records = tx.rows(&sql, filter.args(), |row| record(row, org_id))?;
    Ok((records, total))
}

/// Stores a new member.
pub fn insert(tx: &mut TenantTx<'_, '_>, record: &Record) -> Result<()> {
    let user = &record.user;
    let identity = (user.kind == UserType::Human).then_some(user.id);
    insert_row(tx, user, [identity.map_or(Value::Null, |id| Value::Id(id.0)), record.email.value()])
}

/// Stores what changed of a member under their next version; false when that is not the next one any
/// more, because somebody else was faster.
pub fn update(tx: &mut TenantTx<'_, '_>, user: &User) -> Result<bool> {
    update_row(tx, user)
}

/// How many active administrators there are.
pub fn administrators(tx: &mut TenantTx<'_, '_>) -> Result<i64> {
    tx.row(
        "SELECT count(*) FROM users
          WHERE org_id = ?1 AND role = 'administrator' AND status = 'active' AND type = 'human'",
        args![],
        |row| row.get(0),
    )
    .map(|count| count.unwrap_or(0))
}

/// Notes that a member did something.
pub fn seen(tx: &mut TenantTx<'_, '_>, id: UserId) -> Result<()> {
    let now = tx.now();
    tx.execute("UPDATE users SET last_seen_at = ?3 WHERE org_id = ?1 AND id = ?2", args![id, now])?;
    Ok(())
}

/// Somebody's place in one organization.
#[derive(Clone, Debug)]
pub struct Place {
    /// The organization.
    pub org_id: OrgId,
    /// Its slug.
    pub org_slug: String,
    /// Its name.
    pub org_name: String,
    /// A person or an agent.
    pub kind: UserType,
    /// What they may do there.
    pub role: Role,
    /// Where they stand there.
    pub status: UserStatus,
    /// What they are called there.
    pub handle: String,
    /// Their name there.
    pub display_name: String,
}

/// Columns of every statement that gives places, in the order that [`place`] reads.
macro_rules! select_place {
    ($rest:literal) => {
        concat!(
            "SELECT o.id, o.slug, o.name, u.type, u.role, u.status, u.handle, u.display_name
               FROM users AS u JOIN organizations AS o ON o.id = u.org_id ",
            $rest
        )
    };
}

fn place(row: &Row<'_>) -> Result<Place> {
    Ok(Place {
        org_id: row.get(0)?,
        org_slug: row.get(1)?,
        org_name: row.get(2)?,
        kind: row.get(3)?,
        role: row.get(4)?,
        status: row.get(5)?,
        handle: row.get(6)?,
        display_name: row.get(7)?,
    })
}

/// Every place that somebody has or is invited to, by the organization's name.
pub fn places(tx: &mut SystemTx<'_, '_>, id: UserId) -> Result<Vec<Place>> {
    tx.scope_to_identity(id)?;
    tx.rows(
        select_place!("WHERE u.id = ?1 AND u.status <> 'removed' ORDER BY o.name, o.id"),
        args![id],
        place,
    )
}

/// An active member's place in the organization with this slug.
pub fn place_by_slug(tx: &mut SystemTx<'_, '_>, id: UserId, slug: &str) -> Result<Option<Place>> {
    tx.scope_to_identity(id)?;
    tx.row(select_place!("WHERE u.id = ?1 AND o.slug = ?2 AND u.status = 'active'"), args![id, slug], place)
}

/// An active member's place in this organization.
pub fn place_in(tx: &mut SystemTx<'_, '_>, id: UserId, org_id: OrgId) -> Result<Option<Place>> {
    tx.scope_to_identity(id)?;
    tx.row(select_place!("WHERE u.id = ?1 AND o.id = ?2 AND u.status = 'active'"), args![id, org_id], place)
}
