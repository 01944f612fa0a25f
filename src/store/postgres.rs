//! The PostgreSQL engine: pooled transactions, row-level security, and the feed that brings every
//! instance's commits to this one.
//!
//! A write holds its organization's log row from the start, so writes of one organization come one
//! after the other, as on SQLite; what the database asks to run again is run again.

mod cell;
mod feed;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use mission_control_shared::{OrgId, UserId};
use postgres::error::SqlState;
use postgres::types::ToSql;
use postgres::{Client, NoTls, Statement};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

pub(super) use self::cell::cell;
use self::feed::Feed;
use super::dialect::Dialect;
use super::tx::{Connection as Engine, Row, RowOf};
use super::{Clock, Failure, Publish, Result, Tx, Value};
use crate::error::Error;
use crate::events::{Publication, Signal, Who};

/// Connections to the server.
const CONNECTIONS: u32 = 16;
/// How long a request waits for one.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a transaction is run again when the database asks for it.
const ATTEMPTS: usize = 8;

/// A PostgreSQL database.
pub(super) struct Database {
    pool: r2d2::Pool<Manager>,
    clock: Arc<Clock>,
    publish: Arc<dyn Publish>,
    /// One place for each connection, so that requests wait without holding a thread.
    places: Arc<Semaphore>,
    /// Names this process in notifications.
    instance: Uuid,
    feed: Feed,
}

/// A connection with its prepared statements.
pub(super) struct Session {
    client: Client,
    statements: HashMap<Box<str>, Statement>,
}

/// Makes the connections of the pool.
#[derive(Debug)]
struct Manager {
    config: postgres::Config,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Session;
    type Error = postgres::Error;

    fn connect(&self) -> Result<Session, postgres::Error> {
        Ok(Session { client: self.config.connect(NoTls)?, statements: HashMap::new() })
    }

    fn is_valid(&self, session: &mut Session) -> Result<(), postgres::Error> {
        session.client.is_valid(Duration::from_secs(2))
    }

    fn has_broken(&self, session: &mut Session) -> bool {
        session.client.is_closed()
    }
}

impl Database {
    pub(super) fn open(url: &str, clock: Arc<Clock>, publish: Arc<dyn Publish>) -> anyhow::Result<Database> {
        let config: postgres::Config = url.parse().map_err(|_| {
            anyhow::anyhow!("`database_url` is not valid: write `postgres://user:password@host/database`")
        })?;
        let mut client = config.connect(NoTls).context("connect to PostgreSQL")?;
        refuse_mighty_role(&mut client)?;
        super::migrate::postgres(&mut client)?;
        drop(client);
        let pool = r2d2::Pool::builder()
            .max_size(CONNECTIONS)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .connection_timeout(PATIENCE)
            .build(Manager { config: config.clone() })
            .context("connect to PostgreSQL")?;
        let instance = clock.id();
        let feed = Feed::start(config, pool.clone(), instance, Arc::clone(&clock), Arc::clone(&publish))?;
        let places = Arc::new(Semaphore::new(CONNECTIONS as usize));
        Ok(Database { places, pool, clock, publish, instance, feed })
    }

    /// A turn at a connection. Errors: `Busy` when none comes in time.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit> {
        let places = Arc::clone(&self.places);
        let place = tokio::time::timeout(PATIENCE, places.acquire_owned()).await;
        place.map_err(|_| Failure::Busy)?.map_err(|_| Failure::Busy)
    }

    /// Stops hearing of other instances' commits.
    pub(super) fn close(&self) {
        self.feed.stop();
    }

    pub(super) fn read<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut session = self.pool.get().map_err(|_| Failure::Busy)?;
        read(&mut session, &self.clock, work)
    }

    pub(super) fn write<T>(&self, mut work: impl FnMut(&mut Tx<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut session = self.pool.get().map_err(|_| Failure::Busy)?;
        for _ in 1..ATTEMPTS {
            match self.attempt(&mut session, &mut work) {
                Err(Attempt::Again) => {}
                Err(Attempt::Refused(error)) => return Err(error),
                Ok(value) => return Ok(value),
            }
        }
        Err(Error::Unavailable)
    }

    fn attempt<T>(
        &self,
        session: &mut Session,
        work: &mut impl FnMut(&mut Tx<'_>) -> Result<T, Error>,
    ) -> Result<T, Attempt> {
        session.batch("BEGIN")?;
        let mut tx = Tx::new(Engine::Postgres(session), &self.clock);
        let settled = || {
            let value = work(&mut tx)?;
            tx.settle()?;
            Ok(value)
        };
        let outcome = catch_unwind(AssertUnwindSafe(settled))
            .unwrap_or_else(|_| Err(Error::Internal(anyhow::anyhow!("a write panicked"))));
        let publications = tx.publications;
        let value = match outcome {
            Ok(value) => value,
            Err(error) => {
                session.batch("ROLLBACK")?;
                return Err(if is_again(&error) { Attempt::Again } else { Attempt::Refused(error) });
            }
        };
        let committed =
            feed::notify(session, self.instance, &publications).and_then(|()| session.batch("COMMIT"));
        if let Err(failure) = committed {
            let _ = session.batch("ROLLBACK");
            return Err(failure.into());
        }
        // Events come back through the feed, in the log's order; what changes access counts at once.
        let signals: Vec<_> = publications.into_iter().filter_map(at_once).collect();
        if !signals.is_empty() {
            self.publish.publish(signals);
        }
        Ok(value)
    }
}

/// A connection of its own, which changes nothing.
pub(super) fn session(url: &str) -> anyhow::Result<Session> {
    let config: postgres::Config = url.parse().map_err(|_| {
        anyhow::anyhow!("`database_url` is not valid: write `postgres://user:password@host/database`")
    })?;
    r2d2::ManageConnection::connect(&Manager { config }).context("connect to PostgreSQL")
}

/// Runs `work` on one consistent view.
pub(super) fn read<T>(
    session: &mut Session,
    clock: &Clock,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    session.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    let answer = work(&mut Tx::new(Engine::Postgres(session), clock));
    session.batch("ROLLBACK")?;
    answer
}

/// What must be known here before the writer is answered.
fn at_once(publication: Publication) -> Option<Publication> {
    match publication {
        Publication::Event(event) => event.audience.subject.map(|user_id| {
            Publication::Signal(Signal::Access { org_id: Some(event.org_id), who: Who::User(user_id) })
        }),
        signal @ Publication::Signal(_) => Some(signal),
    }
}

enum Attempt {
    Again,
    Refused(Error),
}

impl From<Failure> for Attempt {
    fn from(failure: Failure) -> Attempt {
        match failure {
            Failure::Again => Attempt::Again,
            other => Attempt::Refused(other.into()),
        }
    }
}

/// A transaction that must run again reaches us as `UNAVAILABLE` through the domain.
fn is_again(error: &Error) -> bool {
    matches!(error, Error::Unavailable)
}

/// The second wall does not stand for a role that may climb it.
fn refuse_mighty_role(client: &mut Client) -> anyhow::Result<()> {
    let mighty: bool = client
        .query_one("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user", &[])?
        .get(0);
    if mighty {
        bail!(
            "the PostgreSQL role in `database_url` is a superuser or has BYPASSRLS: make one for mission-control with \
             `CREATE ROLE mission_control LOGIN PASSWORD '…' NOSUPERUSER NOBYPASSRLS` that owns its database"
        );
    }
    Ok(())
}

impl Session {
    fn batch(&mut self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql)?)
    }

    pub(super) fn scope_to_organization(&mut self, org_id: OrgId) -> Result<()> {
        let text = org_id.to_string();
        self.execute(None, "SELECT set_config('mc.org', ?1, true)", &[Value::Text(&text)])?;
        Ok(())
    }

    /// Holds the organization's log row until the transaction ends.
    pub(super) fn lock_organization(&mut self, org_id: OrgId) -> Result<()> {
        let sql = "SELECT 1 FROM event_logs WHERE org_id = ?1 FOR UPDATE";
        self.execute(None, sql, &[Value::Id(org_id.0)])?;
        Ok(())
    }

    pub(super) fn scope_to_identity(&mut self, user_id: UserId) -> Result<()> {
        let text = user_id.to_string();
        self.execute(None, "SELECT set_config('mc.identity', ?1, true)", &[Value::Text(&text)])?;
        Ok(())
    }

    /// The server's clock, in microseconds since 1970.
    pub(super) fn now(&mut self) -> Result<i64> {
        let sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)";
        self.rows(None, sql, &[], &mut |row| row.get(0))?
            .pop()
            .ok_or_else(|| Failure::Other(anyhow::anyhow!("PostgreSQL tells no time")))
    }

    /// Holds, until the transaction ends, what no row stands for yet: the right to set up the server.
    pub(super) fn lock_first_run(&mut self) -> Result<()> {
        self.batch("SELECT pg_advisory_xact_lock(84200002)")
    }

    fn prepare(&mut self, scope: Option<OrgId>, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        if scope.is_some() && !sql.contains("?1") {
            return Err(Failure::Other(anyhow::anyhow!("the organization is not bound as ?1: {sql}")));
        }
        let statement = self.client.prepare(&Dialect::Postgres.translate(sql))?;
        self.statements.insert(sql.into(), statement.clone());
        Ok(statement)
    }

    pub(super) fn rows<T>(
        &mut self,
        scope: Option<OrgId>,
        sql: &str,
        args: &[Value<'_>],
        map: &mut dyn FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let statement = self.prepare(scope, sql)?;
        let org_id = scope.map(|org_id| Value::Id(org_id.0));
        let params: Vec<&(dyn ToSql + Sync)> =
            org_id.iter().chain(args).map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = self.client.query(&statement, &params)?;
        rows.iter().map(|row| map(&Row(RowOf::Postgres(row)))).collect()
    }

    pub(super) fn execute(&mut self, scope: Option<OrgId>, sql: &str, args: &[Value<'_>]) -> Result<u64> {
        let statement = self.prepare(scope, sql)?;
        let org_id = scope.map(|org_id| Value::Id(org_id.0));
        let params: Vec<&(dyn ToSql + Sync)> =
            org_id.iter().chain(args).map(|value| value as &(dyn ToSql + Sync)).collect();
        Ok(self.client.execute(&statement, &params)?)
    }
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Failure {
        let Some(code) = error.code().cloned() else {
            return if error.is_closed() { Failure::Busy } else { Failure::Other(error.into()) };
        };
        match code {
            SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Failure::Again,
            SqlState::UNIQUE_VIOLATION => Failure::Duplicate,
            SqlState::DISK_FULL | SqlState::READ_ONLY_SQL_TRANSACTION | SqlState::IO_ERROR => {
                Failure::StorageFull
            }
            SqlState::TOO_MANY_CONNECTIONS | SqlState::ADMIN_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => {
                Failure::Busy
            }
            SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => Failure::Damaged,
            _ => Failure::Other(error.into()),
        }
    }
}
