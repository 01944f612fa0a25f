//! Organizations.

use mission_control_shared::{OrgId, OrgStatus, Timestamp, UserId};

use super::{Result, Row, SystemTx, TenantTx};
use crate::args;

/// An organization as it is kept: its settings are what differs from the defaults.
#[derive(Clone, Debug)]
pub struct Organization {
    /// Its id.
    pub id: OrgId,
    /// Its name in paths.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What it may do now.
    pub status: OrgStatus,
    /// JSON.
    pub settings: String,
    /// Counts changes from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

fn organization(row: &Row<'_>) -> Result<Organization> {
    Ok(Organization {
        id: row.get(0)?,
        slug: row.get(1)?,
        name: row.get(2)?,
        status: row.get(3)?,
        settings: row.get(4)?,
        version: row.get(5)?,
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
    })
}

/// The organization of the handle.
pub fn find(tx: &mut TenantTx<'_, '_>) -> Result<Option<Organization>> {
    tx.row(
        "SELECT id, slug, name, status, settings, version, created_at, updated_at
           FROM organizations WHERE id = ?1",
        args![],
        organization,
    )
}

/// Stores what the organization may do from now on, under its next version.
pub fn set_status(tx: &mut TenantTx<'_, '_>, status: OrgStatus) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE organizations SET status = ?2, version = version + 1, updated_at = ?3 WHERE id = ?1",
        args![status, now],
    )?;
    Ok(())
}

/// What the organization has set.
pub fn settings(tx: &mut TenantTx<'_, '_>) -> Result<Option<String>> {
    tx.row("SELECT settings FROM organizations WHERE id = ?1", args![], |row| row.get(0))
}

/// Lets nobody else make the first organization before this transaction ends.
pub fn lock_first(tx: &mut SystemTx<'_, '_>) -> Result<()> {
    tx.lock_first_run()
}

/// The organization with this slug.
pub fn find_by_slug(tx: &mut SystemTx<'_, '_>, slug: &str) -> Result<Option<Organization>> {
    tx.row(
        "SELECT id, slug, name, status, settings, version, created_at, updated_at
           FROM organizations WHERE slug = ?1",
        args![slug],
        organization,
    )
}

/// Every organization, by slug.
pub fn all(tx: &mut SystemTx<'_, '_>) -> Result<Vec<Organization>> {
    tx.rows(
        "SELECT id, slug, name, status, settings, version, created_at, updated_at
           FROM organizations ORDER BY slug",
        args![],
        organization,
    )
}

/// Whether there is any organization.
pub fn any_exists(tx: &mut SystemTx<'_, '_>) -> Result<bool> {
    tx.row("SELECT 1 FROM organizations LIMIT 1", args![], |_| Ok(())).map(|found| found.is_some())
}

/// A page of the organizations that a user is an active member of, by name, and how many there are.
pub fn page_of_user(
    tx: &mut SystemTx<'_, '_>,
    user_id: UserId,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Organization>, i64)> {
    tx.scope_to_identity(user_id)?;
    let total =
        tx.row("SELECT count(*) FROM users WHERE id = ?1 AND status = 'active'", args![user_id], |row| {
            row.get(0)
        })?;
    let page = tx.rows(
        "SELECT o.id, o.slug, o.name, o.status, o.settings, o.version, o.created_at, o.updated_at
           FROM organizations AS o JOIN users AS u ON u.org_id = o.id
          WHERE u.id = ?1 AND u.status = 'active'
          ORDER BY o.name, o.id LIMIT ?2 + 0 OFFSET ?3",
        args![user_id, limit, offset],
        organization,
    )?;
    Ok((page, total.unwrap_or(0)))
}

/// Stores a new organization.
pub fn insert(tx: &mut SystemTx<'_, '_>, id: OrgId, slug: &str, name: &str) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO organizations (id, slug, name, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)",
        args![id, slug, name, now],
    )?;
    Ok(())
}

/// The ids of every organization.
pub fn ids(tx: &mut SystemTx<'_, '_>) -> Result<Vec<OrgId>> {
    tx.rows("SELECT id FROM organizations ORDER BY id", args![], |row| row.get(0))
}
