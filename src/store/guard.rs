//! The wall in SQLite: looks at what a statement touches while SQLite prepares it.
//!
//! Catches omissions, not wrong logic: a tenant table must have its `org_id` read (or be inserted
//! into), the organization must be bound as `?1`, and identity tables are out of reach.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

/// Tables that are read before the organization is known; only a system handle reaches them.
const IDENTITY_TABLES: [&str; 3] = ["identities", "sessions", "password_resets"];

/// Tables with an `org_id` that a system handle writes: the queue is claimed and settled across
/// organizations, and what a job changes goes through the gate.
const SYSTEM_TABLES: [&str; 1] = ["jobs"];

/// What the statement that is being prepared touches: table → what is done with which columns.
#[derive(Debug, Default)]
struct Touched {
    read: BTreeMap<String, BTreeSet<String>>,
    inserted: BTreeSet<String>,
    /// Updated or deleted from.
    changed: BTreeSet<String>,
}

/// The recorder of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard(Arc<Mutex<Touched>>);

impl Guard {
    fn touched(&self) -> MutexGuard<'_, Touched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The callback that SQLite calls while it prepares.
    pub(super) fn authorizer(&self) -> impl FnMut(AuthContext<'_>) -> Authorization + Send + 'static {
        let guard = self.clone();
        move |context| {
            // Whatever the accessor: SQLite names a common table expression there as it names a
            // trigger, and our triggers name the organization of every row like any statement.
            guard.note(context.action);
            Authorization::Allow
        }
    }

    fn note(&self, action: AuthAction<'_>) {
        let mut touched = self.touched();
        match action {
            AuthAction::Read { table_name, column_name } => {
                touched.read.entry(table_name.to_owned()).or_default().insert(column_name.to_owned());
            }
            AuthAction::Update { table_name, .. } | AuthAction::Delete { table_name } => {
                touched.read.entry(table_name.to_owned()).or_default();
                touched.changed.insert(table_name.to_owned());
            }
            AuthAction::Insert { table_name } => {
                touched.inserted.insert(table_name.to_owned());
            }
            _ => {}
        }
    }

    /// Forgets what was noted before.
    pub(super) fn begin(&self) {
        *self.touched() = Touched::default();
    }

    /// Says what is wrong with the statement that was just prepared for a system handle: rows of an
    /// organization are written through its gate alone.
    pub(super) fn system_verdict(&self, tenant_tables: &BTreeSet<String>) -> Result<(), String> {
        let touched = self.touched();
        let mut written = touched.inserted.iter().chain(&touched.changed);
        let free = |table: &str| IDENTITY_TABLES.contains(&table) || SYSTEM_TABLES.contains(&table);
        let gated = |table: &&String| tenant_tables.contains(*table) && !free(table);
        match written.find(gated) {
            Some(table) => Err(format!("`{table}` belongs to organizations: write it through a gate")),
            None => Ok(()),
        }
    }

    /// Says what is wrong with the statement that was just prepared for a tenant.
    ///
    /// `tenant_tables` are the tables that have an `org_id`; `binds_organization` is whether `?1` is used.
    pub(super) fn verdict(
        &self,
        tenant_tables: &BTreeSet<String>,
        binds_organization: bool,
    ) -> Result<(), String> {
        let touched = self.touched();
        // Checking a foreign key while a row is inserted counts as reading the parent's key.
        let only_a_parent = |table: &String| {
            let columns = touched.read.get(table);
            !touched.inserted.is_empty() && columns.is_some_and(|columns| columns.iter().eq(["id"]))
        };
        let mut tables = touched.read.keys().filter(|table| !only_a_parent(table)).chain(&touched.inserted);
        if let Some(table) = tables.find(|table| IDENTITY_TABLES.contains(&table.as_str())) {
            return Err(format!("`{table}` is out of reach for a tenant"));
        }
        if !binds_organization {
            return Err("the organization is not bound as ?1".to_owned());
        }
        for (table, columns) in &touched.read {
            if touched.inserted.contains(table) {
                continue;
            }
            let key = if table == "organizations" { "id" } else { "org_id" };
            if (tenant_tables.contains(table) || table == "organizations") && !columns.contains(key) {
                return Err(format!("`{table}` is used without its {key}"));
            }
        }
        Ok(())
    }
}
