//! The SQLite engine: connections, statements, and what SQLite's errors mean.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use mission_control_shared::OrgId;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, ErrorCode, OpenFlags};

use super::dialect::Dialect;
use super::guard::Guard;
use super::tx::{Connection as Engine, Row, RowOf};
use super::{Cell, Clock, Durability, Failure, Result, Tx, Value};
use crate::error::Error;

/// Statements kept prepared on each connection: all of ours, with room for the variants of filters.
const CACHED_STATEMENTS: usize = 256;

/// How long the last checkpoint waits for readers.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// A connection with its guard.
pub(super) struct Connection {
    pub(super) raw: rusqlite::Connection,
    guard: Guard,
    tenant_tables: RefCell<Arc<BTreeSet<String>>>,
    /// Statement texts that the guard has found good for a tenant.
    verified: RefCell<HashSet<Box<str>>>,
    /// The same for a system handle.
    verified_for_system: RefCell<HashSet<Box<str>>>,
}

/// Makes the connections of the reader pool.
#[derive(Debug)]
pub(super) struct Manager {
    file: PathBuf,
}

/// Opens the one connection that writes, and makes the file where there is none.
pub(super) fn open_writer(file: &Path, durability: Durability) -> anyhow::Result<Connection> {
    make_private(file).with_context(|| format!("make {}", file.display()))?;
    let raw = rusqlite::Connection::open(file).with_context(|| format!("open {}", file.display()))?;
    let connection = Connection::new(raw)?;
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    connection.raw.execute_batch(&format!(
        "PRAGMA auto_vacuum = INCREMENTAL;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = {synchronous};
         PRAGMA journal_size_limit = 67108864;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -8192;"
    ))?;
    Ok(connection)
}

/// Makes an empty database file that is for us alone where there is none. SQLite gives its mode to
/// the files beside it.
pub(super) fn make_private(file: &Path) -> std::io::Result<()> {
    match File::options().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The pool of connections that read.
pub(super) fn readers(file: &Path, size: usize) -> anyhow::Result<r2d2::Pool<Manager>> {
    let size = u32::try_from(size).context("number of readers")?;
    r2d2::Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .test_on_check_out(false)
        .connection_timeout(Duration::from_secs(3))
        .build(Manager::of(file))
        .context("open the readers")
}

impl Manager {
    /// Of connections to this file.
    pub(super) fn of(file: &Path) -> Manager {
        Manager { file: file.to_owned() }
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Connection;
    type Error = Failure;

    fn connect(&self) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::new(rusqlite::Connection::open_with_flags(&self.file, flags)?)?;
        connection.raw.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -2048;")?;
        connection.learn_tables()?;
        Ok(connection)
    }

    fn is_valid(&self, _: &mut Connection) -> Result<()> {
        Ok(())
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        !connection.raw.is_autocommit()
    }
}

impl Connection {
    fn new(raw: rusqlite::Connection) -> Result<Connection> {
        raw.busy_timeout(Duration::from_secs(5))?;
        raw.execute_batch("PRAGMA temp_store = MEMORY;")?;
        raw.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        // Plans do not depend on bound values, so that no statement is prepared anew for them.
        raw.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let guard = Guard::default();
        raw.authorizer(Some(guard.authorizer()))?;
        // SQLite's own `lower` knows ASCII alone; PostgreSQL's knows every alphabet.
        raw.create_scalar_function(
            "lower",
            1,
            FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC,
            |context| Ok(context.get_raw(0).as_str_or_null()?.map(super::filter::folded)),
        )?;
        let (tenant_tables, verified, verified_for_system) = Default::default();
        Ok(Connection { raw, guard, tenant_tables, verified, verified_for_system })
    }

    /// Finds out which tables belong to organizations; once the tables are up to date.
    pub(super) fn learn_tables(&self) -> Result<()> {
        let mut statement = self.raw.prepare(
            "SELECT t.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
              WHERE t.type = 'table' AND c.name = 'org_id'",
        )?;
        let tables = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        *self.tenant_tables.borrow_mut() = Arc::new(tables);
        Ok(())
    }

    /// Ends the leases of jobs and consumers: one process at a time has the data directory, so whoever
    /// held them is gone.
    pub(super) fn end_leases(&self) -> Result<()> {
        Ok(self.raw.execute_batch(
            "UPDATE jobs SET leased_until = 0 WHERE leased_by IS NOT NULL;
             UPDATE event_cursors SET leased_until = 0 WHERE leased_by IS NOT NULL;",
        )?)
    }

    /// Runs `work` on one consistent view.
    pub(super) fn read<T>(
        &self,
        clock: &Clock,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.batch("BEGIN")?;
        let answer = work(&mut Tx::new(Engine::Sqlite(self), clock));
        // Ends the view in any case; there is nothing to keep.
        self.batch("ROLLBACK")?;
        answer
    }

    /// Runs a statement that has no parameters and gives no rows.
    pub(super) fn batch(&self, sql: &str) -> Result<()> {
        let mut statement = self.raw.prepare_cached(sql)?;
        statement.raw_execute()?;
        Ok(())
    }

    /// What SQLite finds wrong with pages and references, each in a line.
    pub(super) fn damage(&self) -> Result<Vec<String>> {
        let mut pages = self.raw.prepare("PRAGMA quick_check(100)")?;
        let pages = pages.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        let mut references = self.raw.prepare("PRAGMA foreign_key_check")?;
        let missing = |row: &rusqlite::Row<'_>| {
            let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
            Ok(format!("a row of {table} refers to a row of {parent} that is not there"))
        };
        let references = references.query_map([], missing)?.take(100).collect::<Result<Vec<_>, _>>()?;
        Ok(pages.into_iter().filter(|line| line != "ok").chain(references).collect())
    }

    /// Moves the write-ahead log into the database file and empties it; waits for readers only a
    /// moment.
    pub(super) fn checkpoint(&self) -> Result<()> {
        self.raw.busy_timeout(LAST_WAIT)?;
        Ok(self.raw.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?)
    }

    /// Commits a page that says what it said before, to see whether the disk takes it.
    pub(super) fn try_disk(&self) -> Result<()> {
        let version: i32 = self.raw.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok(self.raw.pragma_update(None, "user_version", version)?)
    }

    fn prepare(&self, scope: Option<OrgId>, sql: &str) -> Result<CachedStatement<'_>> {
        let sql = Dialect::Sqlite.translate(sql);
        let verified = if scope.is_some() { &self.verified } else { &self.verified_for_system };
        if !verified.borrow().contains(&*sql) {
            self.guard.begin();
            let binds_organization = self.raw.prepare(&sql)?.parameter_name(1) == Some("?1");
            let tables = Arc::clone(&self.tenant_tables.borrow());
            let verdict = match scope {
                Some(_) => self.guard.verdict(&tables, binds_organization),
                None => self.guard.system_verdict(&tables),
            };
            verdict
                .map_err(|fault| Failure::Other(anyhow::anyhow!("refused a statement: {fault}: {sql}")))?;
            verified.borrow_mut().insert(sql.clone().into_owned().into_boxed_str());
        }
        Ok(self.raw.prepare_cached(&sql)?)
    }

    fn bound(&self, scope: Option<OrgId>, sql: &str, args: &[Value<'_>]) -> Result<CachedStatement<'_>> {
        let mut statement = self.prepare(scope, sql)?;
        let mut index = 0;
        if let Some(org_id) = scope {
            index += 1;
            statement.raw_bind_parameter(index, Value::Id(org_id.0))?;
        }
        for arg in args {
            index += 1;
            statement.raw_bind_parameter(index, arg)?;
        }
        Ok(statement)
    }

    pub(super) fn rows<T>(
        &self,
        scope: Option<OrgId>,
        sql: &str,
        args: &[Value<'_>],
        map: &mut dyn FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.bound(scope, sql, args)?;
        let mut rows = statement.raw_query();
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(map(&Row(RowOf::Sqlite(row)))?);
        }
        Ok(out)
    }

    pub(super) fn execute(&self, scope: Option<OrgId>, sql: &str, args: &[Value<'_>]) -> Result<u64> {
        let mut statement = self.bound(scope, sql, args)?;
        Ok(statement.raw_execute()? as u64)
    }
}

/// What a cell of this engine holds.
pub(super) fn cell<'r>(row: &'r rusqlite::Row<'_>, index: usize) -> Result<Cell<'r>> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(Cell::Null),
        ValueRef::Integer(number) => Ok(Cell::Int(number)),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes)
            .map(Cell::Text)
            .map_err(|cause| Failure::Other(anyhow::Error::new(cause).context("read text from a cell"))),
        ValueRef::Blob(bytes) => Ok(Cell::Blob(bytes)),
        ValueRef::Real(number) => {
            Err(Failure::Other(anyhow::anyhow!("a cell holds the real number {number}")))
        }
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Owned(text) => ValueRef::Text(text.as_bytes()),
            Value::Id(id) => ValueRef::Blob(id.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error_code() else {
            return Failure::Other(error.into());
        };
        match code {
            ErrorCode::DiskFull
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen => {
                tracing::error!(error = %error, "the disk takes no writes");
                Failure::StorageFull
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Failure::Busy,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Failure::Damaged,
            ErrorCode::ConstraintViolation if is_unique(&error) => Failure::Duplicate,
            _ => Failure::Other(error.into()),
        }
    }
}

fn is_unique(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    matches!(
        error.sqlite_error().map(|error| error.extended_code),
        Some(SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY)
    )
}
