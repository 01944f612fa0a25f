//! Brings the tables up to date: numbered files, each applied once, after a copy of the database.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::sqlite::Connection;

mod sqlite_files {
    refinery::embed_migrations!("migrations/sqlite");
}

#[cfg(feature = "postgres")]
mod postgres_files {
    refinery::embed_migrations!("migrations/postgres");
}

/// Ours, so that nobody else's migrations are mixed up with it.
const HISTORY: &str = "schema_history";

/// What bringing up to date did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Migrated {
    /// The version before; `None` = a new database.
    pub(super) from: Option<i32>,
    /// The version now.
    pub(super) to: i32,
    /// The copy made before.
    pub(super) copy: Option<PathBuf>,
}

/// The newest version that this build knows.
pub fn newest() -> i32 {
    sqlite_files::migrations::runner()
        .get_migrations()
        .iter()
        .map(|migration| migration.version())
        .max()
        .unwrap_or(0)
}

fn check_not_newer(from: Option<i32>) -> anyhow::Result<()> {
    if let Some(from) = from.filter(|from| *from > newest()) {
        bail!(
            "the database has version {from}, this program knows up to {}: install a newer mission-control, \
             or restore a backup that this version made",
            newest()
        );
    }
    Ok(())
}

/// The version of a database file; `None` when it is new. Refuses what is not a sound database.
fn version(connection: &rusqlite::Connection, file: &Path) -> anyhow::Result<Option<i32>> {
    let damaged = || {
        format!(
            "{} is damaged or not a database: move it and its -wal and -shm files away and restore a backup \
             in their place",
            file.display()
        )
    };
    let table: Option<String> = connection
        .query_row("SELECT max(name) FROM sqlite_schema WHERE name = ?1", [HISTORY], |row| row.get(0))
        .with_context(damaged)?;
    if table.is_none() {
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .with_context(damaged)?;
        if tables > 0 {
            bail!("{} is a database of another program: choose another data directory", file.display());
        }
        return Ok(None);
    }
    connection
        .query_row(&format!("SELECT max(version) FROM {HISTORY}"), [], |row| row.get(0))
        .with_context(damaged)
}

/// Where a database file stands: its version and the newest one. Changes nothing.
pub fn status(file: &Path) -> anyhow::Result<(Option<i32>, i32)> {
    if !file.exists() {
        return Ok((None, newest()));
    }
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = rusqlite::Connection::open_with_flags(file, flags)?;
    Ok((version(&connection, file)?, newest()))
}

/// Brings an SQLite database up to date.
pub(super) fn sqlite(mut connection: Connection, file: &Path) -> anyhow::Result<(Connection, Migrated)> {
    let from = version(&connection.raw, file)?;
    check_not_newer(from)?;
    let to = newest();
    let copy = match from {
        Some(from) if from < to => Some(copy(&connection.raw, file, from)?),
        _ => None,
    };
    if from != Some(to) {
        let mut runner = sqlite_files::migrations::runner().set_grouped(true);
        runner.set_migration_table_name(HISTORY);
        runner.run(&mut connection.raw).context("bring the database up to date")?;
        tracing::info!(from, to, copy = ?copy, "brought the database up to date");
    }
    connection.learn_tables()?;
    Ok((connection, Migrated { from, to, copy }))
}

/// Copies the database with SQLite's backup API, which sees a consistent state.
fn copy(connection: &rusqlite::Connection, file: &Path, from: i32) -> anyhow::Result<PathBuf> {
    let folder = file.parent().unwrap_or(Path::new(".")).join("backups");
    std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let copy = folder.join(format!("before-migration-from-v{from}.db"));
    let unfinished = copy.with_extension("db.part");
    let mut target = rusqlite::Connection::open(&unfinished)?;
    rusqlite::backup::Backup::new(connection, &mut target)?
        .run_to_completion(1_024, std::time::Duration::ZERO, None)
        .context("copy the database before bringing it up to date")?;
    drop(target);
    std::fs::rename(&unfinished, &copy)?;
    Ok(copy)
}

/// Brings a PostgreSQL database up to date. One instance does it, the others wait.
#[cfg(feature = "postgres")]
pub(super) fn postgres(client: &mut postgres::Client) -> anyhow::Result<()> {
    client.batch_execute("SELECT pg_advisory_lock(84200001)")?;
    let exists = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&HISTORY])?.get::<_, bool>(0);
    let from: Option<i32> = match exists {
        true => client.query_one(&format!("SELECT max(version) FROM {HISTORY}"), &[])?.get(0),
        false => None,
    };
    check_not_newer(from)?;
    let mut runner = postgres_files::migrations::runner().set_grouped(true);
    runner.set_migration_table_name(HISTORY);
    runner.run(client).context("bring the database up to date")?;
    client.batch_execute("SELECT pg_advisory_unlock(84200001)")?;
    Ok(())
}
