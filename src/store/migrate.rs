//! Brings the tables up to date: numbered files, each applied once, after a copy of the database.
//!
//! All that is missing is applied in one transaction, on SQLite as [`upgrade`] says.

mod upgrade;

use std::fs::{DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use refinery::Runner;
use rusqlite::{ErrorCode, OpenFlags};

use super::Unusable;
use super::sqlite::{Connection, make_private};

mod sqlite_files {
    refinery::embed_migrations!("migrations/sqlite");
}

#[cfg(feature = "postgres")]
mod postgres_files {
    refinery::embed_migrations!("migrations/postgres");
}

/// Ours, so that nobody else's migrations are mixed up with it.
const HISTORY: &str = "schema_history";

/// How long the look for damage may take: enough for a small database, and a large one starts no
/// later for it.
const LOOK: Duration = Duration::from_millis(50);
/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 1_000;

/// The newest version that this build knows.
pub fn newest() -> i32 {
    newest_of(&sqlite_files::migrations::runner())
}

fn newest_of(runner: &Runner) -> i32 {
    runner.get_migrations().iter().map(|migration| migration.version()).max().unwrap_or(0)
}

fn check_not_newer(from: Option<i32>) -> Result<(), Unusable> {
    match from {
        Some(version) if version > newest() => Err(Unusable::Newer { version, newest: newest() }),
        _ => Ok(()),
    }
}

/// Where a database file stands: its version (`None` = a new one) and the newest one. Refuses what
/// this program must not touch, and touches nothing: the connection cannot write.
pub fn status(file: &Path) -> anyhow::Result<(Option<i32>, i32)> {
    // SQLite only says that it cannot open it, the system says why.
    match File::open(file) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((None, newest())),
        Err(error) => return Err(error).with_context(|| format!("open {}", file.display())),
    }
    let connection = rusqlite::Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("open {}", file.display()))?;
    let damaged = |error| of_damage(error, file);
    let from = version(&connection).map_err(damaged)?;
    check_not_newer(from)?;
    if from.is_some() {
        look_for_damage(&connection, LOOK).map_err(damaged)?;
    } else if count_of_tables(&connection).map_err(damaged)? > 0 {
        return Err(Unusable::Foreign { file: file.to_owned() }.into());
    }
    Ok((from, newest()))
}

fn of_damage(error: rusqlite::Error, file: &Path) -> anyhow::Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            Unusable::Damaged { file: file.to_owned(), cause: error }.into()
        }
        _ => anyhow::Error::from(error).context(format!("read {}", file.display())),
    }
}

fn version(connection: &rusqlite::Connection) -> rusqlite::Result<Option<i32>> {
    let table: Option<String> =
        connection
            .query_row("SELECT max(name) FROM sqlite_schema WHERE name = ?1", [HISTORY], |row| row.get(0))?;
    match table {
        Some(_) => connection.query_row(&format!("SELECT max(version) FROM {HISTORY}"), [], |row| row.get(0)),
        None => Ok(None),
    }
}

fn count_of_tables(connection: &rusqlite::Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name <> ?1", [HISTORY], |row| row.get(0))
}

/// Reads through the pages for as long as `time`; what is not reached then is not looked at.
fn look_for_damage(connection: &rusqlite::Connection, time: Duration) -> rusqlite::Result<()> {
    let end = Instant::now() + time;
    connection.progress_handler(STEPS, Some(move || Instant::now() >= end))?;
    let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    connection.progress_handler(0, None::<fn() -> bool>)?;
    match found {
        Ok(verdict) if verdict == "ok" => Ok(()),
        Ok(verdict) => {
            // The line before the last only names the database.
            let verdict = verdict.lines().last().unwrap_or_default().to_owned();
            let corrupt = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            Err(rusqlite::Error::SqliteFailure(corrupt, Some(verdict)))
        }
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Brings an SQLite database up to date; [`status`] has found `from` in it.
pub(super) fn sqlite(connection: &mut Connection, file: &Path, from: Option<i32>) -> anyhow::Result<()> {
    bring(&mut connection.raw, file, from, sqlite_files::migrations::runner())?;
    Ok(connection.learn_tables()?)
}

fn bring(
    connection: &mut rusqlite::Connection,
    file: &Path,
    from: Option<i32>,
    runner: Runner,
) -> anyhow::Result<()> {
    let to = newest_of(&runner);
    if from == Some(to) {
        return Ok(());
    }
    let copy = from.map(|from| copy(connection, file, from)).transpose()?;
    upgrade::run(connection, file.parent().unwrap_or(Path::new(".")), runner)?;
    tracing::info!(from, to, copy = ?copy, "brought the database up to date");
    Ok(())
}

/// Copies the database with SQLite's backup API, which sees a consistent state.
fn copy(connection: &rusqlite::Connection, file: &Path, from: i32) -> anyhow::Result<PathBuf> {
    let folder = file.parent().unwrap_or(Path::new(".")).join("backups");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("make {}", folder.display()))?;
    let copy = folder.join(format!("before-migration-from-v{from}.db"));
    let unfinished = copy.with_extension("db.part");
    // A copy that was cut short before is no start for this one.
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("remove {}", unfinished.display()));
        }
        _ => {}
    }
    make_private(&unfinished).with_context(|| format!("make {}", unfinished.display()))?;
    let mut target = rusqlite::Connection::open(&unfinished)?;
    rusqlite::backup::Backup::new(connection, &mut target)?
        .run_to_completion(1_024, Duration::ZERO, None)
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use refinery::Migration;

    use super::*;

    fn runner(versions: &[(&str, &str)]) -> Runner {
        let migrations: Vec<_> = versions
            .iter()
            .map(|(name, sql)| Migration::unapplied(name, sql).expect("a name of a migration"))
            .collect();
        Runner::new(&migrations)
    }

    fn tables(file: &Path) -> Vec<String> {
        let connection = rusqlite::Connection::open(file).unwrap();
        let mut statement =
            connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    const FIRST: (&str, &str) = ("V1__first", "CREATE TABLE first (id INTEGER)");

    #[test]
    fn an_older_database_is_copied_and_then_brought_up_to_date() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mission-control.db");
        let mut connection = rusqlite::Connection::open(&file).unwrap();
        bring(&mut connection, &file, None, runner(&[FIRST])).unwrap();
        assert!(!dir.path().join("backups").exists(), "a new database needs no copy");

        let second = ("V2__second", "CREATE TABLE second (id INTEGER)");
        bring(&mut connection, &file, Some(1), runner(&[FIRST, second])).unwrap();

        assert_eq!(tables(&file), ["first", HISTORY, "second"]);
        let copy = dir.path().join("backups/before-migration-from-v1.db");
        assert_eq!(tables(&copy), ["first", HISTORY]);
        assert_eq!(std::fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_migration_that_fails_leaves_the_database_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mission-control.db");
        let mut connection = rusqlite::Connection::open(&file).unwrap();
        bring(&mut connection, &file, None, runner(&[FIRST])).unwrap();
        // The rest of a copy that was cut short does not stand in the way.
        std::fs::create_dir(dir.path().join("backups")).unwrap();
        std::fs::write(dir.path().join("backups/before-migration-from-v1.db.part"), "half").unwrap();

        let second = ("V2__second", "CREATE TABLE second (id INTEGER)");
        let wrong = ("V3__wrong", "CREATE TABLE first (id INTEGER)");
        assert!(bring(&mut connection, &file, Some(1), runner(&[FIRST, second, wrong])).is_err());

        assert_eq!(tables(&file), ["first", HISTORY]);
        assert_eq!(version(&connection).unwrap(), Some(1));
        assert_eq!(tables(&dir.path().join("backups/before-migration-from-v1.db")), ["first", HISTORY]);
    }

    #[test]
    fn the_look_for_damage_ends_in_time() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE t (x);
                 WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 100000)
                 INSERT INTO t SELECT x FROM n;",
            )
            .unwrap();
        look_for_damage(&connection, Duration::ZERO).unwrap();
        let rows: i64 = connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 100_000, "no later statement is stopped");
    }
}
