//! How far each consumer of the event log has come in an organization, and who feeds it.

use mission_control_shared::Timestamp;
use uuid::Uuid;

use super::{Result, TenantTx};
use crate::args;

/// Where a consumer stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    /// The last event that it took; 0 = none yet.
    pub seq: i64,
    /// The instance that feeds it, and until when.
    pub lease: Option<(Uuid, Timestamp)>,
}

/// The cursor of a consumer.
pub fn find(tx: &mut TenantTx<'_, '_>, consumer: &str) -> Result<Cursor> {
    let sql = "SELECT seq, leased_by, leased_until FROM event_cursors WHERE org_id = ?1 AND consumer = ?2";
    let found = tx.row(sql, args![consumer], |row| {
        let (by, until): (Option<Uuid>, Option<Timestamp>) = (row.get(1)?, row.get(2)?);
        Ok(Cursor { seq: row.get(0)?, lease: by.zip(until) })
    })?;
    Ok(found.unwrap_or_default())
}

/// Lets `by` feed a consumer until `until`, unless another does. A lease that ends after `latest` does
/// not count: a clock was ahead when it was made. Gives the cursor as it is then.
pub fn lease(
    tx: &mut TenantTx<'_, '_>,
    consumer: &str,
    by: Uuid,
    now: Timestamp,
    until: Timestamp,
    latest: Timestamp,
) -> Result<Cursor> {
    tx.execute(
        "INSERT INTO event_cursors (org_id, consumer) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        args![consumer],
    )?;
    tx.execute(
        "UPDATE event_cursors SET leased_by = ?3, leased_until = ?5
          WHERE org_id = ?1 AND consumer = ?2
            AND (leased_by IS NULL OR leased_by = ?3 OR leased_until <= ?4 OR leased_until > ?6)",
        args![consumer, by, now, until, latest],
    )?;
    find(tx, consumer)
}

/// Moves a cursor, and holds it until `until`. `false`: the lease was lost.
pub fn advance(
    tx: &mut TenantTx<'_, '_>,
    consumer: &str,
    by: Uuid,
    from: i64,
    to: i64,
    until: Timestamp,
) -> Result<bool> {
    let moved = tx.execute(
        "UPDATE event_cursors SET seq = ?5, leased_until = ?6
          WHERE org_id = ?1 AND consumer = ?2 AND leased_by = ?3 AND seq = ?4",
        args![consumer, by, from, to, until],
    )?;
    Ok(moved == 1)
}

/// Lets others feed a consumer.
pub fn release(tx: &mut TenantTx<'_, '_>, consumer: &str, by: Uuid) -> Result<()> {
    tx.execute(
        "UPDATE event_cursors SET leased_by = NULL, leased_until = NULL
          WHERE org_id = ?1 AND consumer = ?2 AND leased_by = ?3",
        args![consumer, by],
    )?;
    Ok(())
}
