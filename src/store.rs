//! The database: one write path, a pool of readers, and the only doors to the tables.
//!
//! Owns connections, transactions, the two engines and every SQL text (`store/<noun>.rs`). Called
//! by `domain` through [`TenantTx`] and by sign-in, jobs and the command line through [`SystemTx`].
//!
//! Invariants: a tenant table is reached through a [`TenantTx`] alone, which binds the organization
//! as `?1` and refuses, when a statement is prepared, a text that does not read `org_id`; it writes
//! only when it came through a [`Gate`], which reads the organization's status in the same
//! transaction; it shows nothing outside its actor's [`Scope`](crate::events::Scope); what a
//! write appended to the event log is published after its commit, in commit order, before the
//! caller hears of it.
//!
//! Must not know: HTTP, who may do what, what a change means. It decides nothing.

pub mod blob;
pub mod channel;
pub mod cursor;
pub mod dialect;
pub mod event;
pub mod file;
pub mod idempotency;
pub mod identity;
pub mod invitation;
pub mod job;
pub mod key;
pub mod message;
pub mod organization;
pub mod pin;
pub mod project;
pub mod reaction;
pub mod session;
pub mod subscription;
pub mod task;
pub mod user;

mod clock;
mod filter;
mod guard;
mod migrate;
#[cfg(feature = "postgres")]
mod postgres;
mod readers;
mod row;
mod sqlite;
mod tx;
mod value;
mod verify;
mod writer;

use std::sync::Arc;

use tokio::sync::oneshot;

pub use self::clock::Clock;
pub use self::filter::{Filter, contains_pattern};
pub use self::migrate::{newest as newest_migration, status as migration_status};
pub use self::tx::{Actor, Gate, Row, SystemTx, TenantTx, Tx};
pub use self::value::{Cell, FromCell, Json, ToValue, Value};
pub use self::verify::{Difference, Findings, verify};
pub use crate::args;
use crate::error::{Conflict, Error, Noun};
use crate::events::Publication;

/// What the database itself can answer instead of rows.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A UNIQUE constraint stands against it.
    #[error("a row like this exists already")]
    Duplicate,
    /// The disk is full, read-only or failing; nothing of the transaction was stored.
    #[error("the storage takes no writes")]
    StorageFull,
    /// Too much waits already, or the engine cannot be reached; nothing was stored.
    #[error("the database is busy")]
    Busy,
    /// The organization takes no such writes now: it is suspended or about to be deleted.
    #[error("the organization takes no writes")]
    ReadOnly,
    /// There is no such organization.
    #[error("the organization is gone")]
    NoOrganization,
    /// PostgreSQL asks to run the transaction again.
    #[error("the transaction must run again")]
    Again,
    /// The file is not a database, or damaged.
    #[error("the database is damaged")]
    Damaged,
    /// A fault of ours.
    #[error("the statement failed")]
    Other(#[source] anyhow::Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Duplicate => Error::conflict(Conflict::Duplicate, "something like this exists already"),
            Failure::StorageFull => Error::StorageFull,
            Failure::ReadOnly => Error::conflict(
                Conflict::OrganizationReadOnly,
                "this organization is suspended or about to be deleted: it can be read, not changed",
            ),
            Failure::NoOrganization => Error::NotFound(Noun::Organization),
            Failure::Busy | Failure::Again => Error::Unavailable,
            Failure::Damaged | Failure::Other(_) => Error::Internal(anyhow::Error::new(failure)),
        }
    }
}

/// A database file that this program must not touch.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Not a database, or a damaged one.
    #[error(
        "{} is damaged or not a database: move it and its -wal and -shm files away and restore a backup \
         in their place",
        file.display()
    )]
    Damaged {
        /// The file.
        file: std::path::PathBuf,
        /// What SQLite says.
        #[source]
        cause: rusqlite::Error,
    },
    /// Made by a newer version of this program.
    #[error(
        "the database has version {version}, this program knows up to {newest}: install a newer \
         mission-control, or restore a backup that this version made"
    )]
    Newer {
        /// The version of the database.
        version: i32,
        /// The newest that is known.
        newest: i32,
    },
    /// Rows refer to rows that do not exist, so it cannot be brought up to date.
    #[error(
        "the database was not brought up to date and is as it was: {count} of its references lead nowhere, the first \
         from `{table}` to `{parent}`; restore a backup from before the damage"
    )]
    Dangling {
        /// How many.
        count: usize,
        /// The table of the first one.
        table: String,
        /// What it refers to.
        parent: String,
    },
    /// Made by another program.
    #[error("{} is a database of another program: choose another data directory", file.display())]
    Foreign {
        /// The file.
        file: std::path::PathBuf,
    },
}

/// The result of a store function.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Acknowledged writes survive a power cut.
    Full,
    /// Acknowledged writes survive a killed process; a power cut may take the last moments.
    Normal,
}

/// Where the rows are and how they are kept.
#[derive(Clone, Debug)]
pub enum Place {
    /// One file.
    Sqlite {
        /// The file.
        file: std::path::PathBuf,
        /// Whether commits wait for the disk.
        durability: Durability,
    },
    /// A PostgreSQL database.
    #[cfg(feature = "postgres")]
    Postgres {
        /// `postgres://…`
        url: String,
    },
}

/// Hears of what was committed. Called in commit order, before the writer is answered.
pub trait Publish: Send + Sync + 'static {
    /// Takes what one commit brought.
    fn publish(&self, publications: Vec<Publication>);
}

/// An open database.
pub struct Store {
    engine: Engine,
    clock: Arc<Clock>,
}

enum Engine {
    Sqlite {
        readers: readers::Readers,
        writer: writer::Writer,
    },
    #[cfg(feature = "postgres")]
    Postgres(Arc<postgres::Database>),
}

impl Store {
    /// Opens the database, brings its tables up to date, and starts the writer. Blocks.
    pub fn open(place: &Place, clock: Arc<Clock>, publish: Arc<dyn Publish>) -> anyhow::Result<Store> {
        let engine = match place {
            Place::Sqlite { file, durability } => {
                // Looked at before it is opened for writing: what is refused stays as it is.
                let (version, _) = migrate::status(file)?;
                let mut writing = sqlite::open_writer(file, *durability)?;
                migrate::sqlite(&mut writing, file, version)?;
                writing.end_leases()?;
                let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
                let readers = readers::Readers::start(file, cores.clamp(2, 8))?;
                let writer = writer::Writer::start(writing, Arc::clone(&clock), publish)?;
                Engine::Sqlite { readers, writer }
            }
            #[cfg(feature = "postgres")]
            Place::Postgres { url } => {
                let database = postgres::Database::open(url, Arc::clone(&clock), publish)?;
                Engine::Postgres(Arc::new(database))
            }
        };
        Ok(Store { engine, clock })
    }

    /// The time and ids of its transactions.
    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// Runs `work` on a consistent view of the rows.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        match &self.engine {
            Engine::Sqlite { readers, .. } => readers.read(Arc::clone(&self.clock), work).await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(database) => {
                let place = database.place().await?;
                let database = Arc::clone(database);
                blocking(place, move || database.read(work)).await
            }
        }
    }

    /// Runs `work` in a transaction of its own (it may share its commit with others) and answers
    /// when that is durable. `work` may run more than once; only its last run counts.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        match &self.engine {
            Engine::Sqlite { writer, .. } => {
                let (answer, answered) = oneshot::channel();
                writer.submit(work, answer)?;
                answered.await.map_err(|_| Failure::Busy)?
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(database) => {
                let place = database.place().await?;
                let database = Arc::clone(database);
                blocking(place, move || database.write(work)).await
            }
        }
    }

    /// Writes what waits, then closes. Blocks. Later writes get `Busy`.
    pub fn close(&self) {
        match &self.engine {
            Engine::Sqlite { readers, writer } => {
                readers.stop();
                writer.stop();
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(database) => database.close(),
        }
    }

    /// Whether the database takes writes now, for `/ready`.
    pub fn writable(&self) -> bool {
        match &self.engine {
            Engine::Sqlite { writer, .. } => writer.writable(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => true,
        }
    }
}

/// Runs what blocks on a thread for that. The place goes with it: a request that is given up does
/// not free a connection that is still in use.
#[cfg(feature = "postgres")]
async fn blocking<T: Send + 'static>(
    place: tokio::sync::OwnedSemaphorePermit,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let work = move || {
        let _place = place;
        work()
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(stopped) => Err(Error::Internal(anyhow::anyhow!("the database task stopped: {stopped}"))),
    }
}
