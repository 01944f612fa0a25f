//! How migrations run on SQLite: all of them in one transaction, without foreign keys, and with every
//! reference checked before the commit.
//!
//! SQLite changes a constraint only by building the table anew, and with foreign keys on, dropping the
//! old table removes the rows of every table that refers to it with ON DELETE CASCADE.
//!
//! Must not know: what a migration does.

use std::path::Path;

use anyhow::{Context as _, bail};
use refinery::{Migration, Runner};
use refinery_core::Migrate;
use refinery_core::traits::sync::{Query, Transaction};
use rusqlite::Connection;

use super::{HISTORY, Unusable};

/// Why a transaction of migrations failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("references lead nowhere")]
    Dangling,
}

/// A connection as the migration library takes it.
struct Upgrade<'c> {
    connection: &'c mut Connection,
    /// What is said of references instead of what the library says.
    dangling: Option<Unusable>,
}

/// Applies what is missing. Foreign keys are on afterwards, whatever happened.
///
/// Temporary data goes to files in `folder`: in memory, it would grow with the tables.
///
/// Errors: a failing statement, [`Unusable::Dangling`]. The database is then as it was.
pub(super) fn run(connection: &mut Connection, folder: &Path, mut runner: Runner) -> anyhow::Result<()> {
    let temp_store: i64 = connection.pragma_query_value(None, "temp_store", |row| row.get(0))?;
    connection.pragma_update(None, "temp_store", "FILE")?;
    connection.pragma_update(None, "temp_store_directory", folder.to_string_lossy())?;
    // Without effect inside a transaction, so it comes before.
    connection.pragma_update(None, "foreign_keys", false)?;
    if connection.pragma_query_value(None, "foreign_keys", |row| row.get::<_, bool>(0))? {
        bail!("foreign keys cannot be switched off for the migrations: a transaction is open");
    }
    runner = runner.set_grouped(true);
    runner.set_migration_table_name(HISTORY);
    let mut upgrade = Upgrade { connection, dangling: None };
    let outcome = runner.run(&mut upgrade);
    let dangling = upgrade.dangling.take();
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store_directory", "")?;
    connection.pragma_update(None, "temp_store", temp_store)?;
    if let Some(dangling) = dangling {
        return Err(dangling.into());
    }
    outcome.context("bring the database up to date")?;
    // What the migrations wrote goes into the file now, not with somebody's first write.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

impl Transaction for Upgrade<'_> {
    type Error = Failure;

    fn execute<'a, T: Iterator<Item = &'a str>>(&mut self, texts: T) -> Result<usize, Failure> {
        let transaction = self.connection.transaction()?;
        let mut count = 0;
        for text in texts {
            transaction.execute_batch(text)?;
            count += 1;
        }
        // The table of the history is made alone, before anything else.
        if count > 1 {
            self.dangling = find_dangling(&transaction)?;
        }
        if self.dangling.is_some() {
            return Err(Failure::Dangling);
        }
        transaction.commit()?;
        Ok(count)
    }
}

impl Query<Vec<Migration>> for Upgrade<'_> {
    fn query(&mut self, text: &str) -> Result<Vec<Migration>, Failure> {
        Ok(self.connection.query(text)?)
    }
}

impl Migrate for Upgrade<'_> {}

/// Rows that refer to rows that do not exist.
fn find_dangling(connection: &Connection) -> rusqlite::Result<Option<Unusable>> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    let Some(first) = rows.next()? else { return Ok(None) };
    let (table, parent, mut count) = (first.get(0)?, first.get(2)?, 1);
    while rows.next()?.is_some() {
        count += 1;
    }
    Ok(Some(Unusable::Dangling { count, table, parent }))
}
