//! Transactions and the two handles on them.

use std::collections::BTreeMap;

use mission_control_shared::{ActorType, OrgId, OrgStatus, Role, SessionId, Timestamp, UserId};
use uuid::Uuid;

use super::task::Counter;
use super::{Clock, Failure, FromCell, Result, Value, sqlite};
use crate::events::{Publication, Scope, Signal};

/// A running transaction: one time, one source of ids, and what it will publish.
pub struct Tx<'c> {
    pub(super) engine: Connection<'c>,
    clock: &'c Clock,
    now: Timestamp,
    pub(super) publications: Vec<Publication>,
    /// What counters change by when it ends.
    counts: BTreeMap<(OrgId, Counter), i64>,
}

/// The engine's connection, inside its transaction.
pub(super) enum Connection<'c> {
    Sqlite(&'c sqlite::Connection),
    #[cfg(feature = "postgres")]
    Postgres(&'c mut super::postgres::Session),
}

/// Who acts in a tenant transaction.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Their id; `None` is the server itself.
    pub user_id: Option<UserId>,
    /// What kind of actor.
    pub kind: ActorType,
    /// What they may do.
    pub role: Role,
    /// How much of the organization they reach.
    pub scope: Scope,
    /// The session they came with, when they signed in.
    pub session_id: Option<SessionId>,
}

impl Actor {
    /// The server itself: jobs and the command line.
    pub const SYSTEM: Actor = Actor {
        user_id: None,
        kind: ActorType::System,
        role: Role::Administrator,
        scope: Scope::Organization,
        session_id: None,
    };
}

/// What an organization must be for a write to go on. Read from its row inside the transaction of
/// the write, so that it is true at the commit whatever a caller's cached membership says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Active: everything that members do.
    Working,
    /// Also suspended or pending deletion: what ends these states, what is exported meanwhile, the
    /// audit of sign-ins, and the server's own upkeep.
    Lifecycle,
}

impl Gate {
    const fn admits(self, status: OrgStatus) -> bool {
        match self {
            Gate::Working => matches!(status, OrgStatus::Active),
            Gate::Lifecycle => true,
        }
    }
}

/// The one way to tenant tables: bound to an organization and to who acts in it.
pub struct TenantTx<'t, 'c> {
    tx: &'t mut Tx<'c>,
    org_id: OrgId,
    actor: &'t Actor,
    /// Whether it came through a [`Gate`].
    writes: bool,
}

/// The door to identity tables, for sign-in, jobs and the command line.
pub struct SystemTx<'t, 'c> {
    tx: &'t mut Tx<'c>,
}

/// One row of an answer.
pub struct Row<'r>(pub(super) RowOf<'r>);

pub(super) enum RowOf<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    #[cfg(feature = "postgres")]
    Postgres(&'r postgres::Row),
}

impl Row<'_> {
    /// The cell in column `index`, counted from 0.
    pub fn get<T: FromCell>(&self, index: usize) -> Result<T> {
        match &self.0 {
            RowOf::Sqlite(row) => sqlite::cell(row, index).and_then(T::from_cell),
            #[cfg(feature = "postgres")]
            RowOf::Postgres(row) => super::postgres::cell(row, index).and_then(T::from_cell),
        }
    }
}

impl<'c> Tx<'c> {
    pub(super) fn new(engine: Connection<'c>, clock: &'c Clock) -> Self {
        Tx { engine, clock, now: clock.now(), publications: Vec::new(), counts: BTreeMap::new() }
    }

    /// The handle that reads one organization's rows. It refuses to write.
    pub fn view<'t>(&'t mut self, org_id: OrgId, actor: &'t Actor) -> Result<TenantTx<'t, 'c>> {
        #[cfg(feature = "postgres")]
        if let Connection::Postgres(session) = &mut self.engine {
            session.scope_to_organization(org_id)?;
        }
        Ok(TenantTx { tx: self, org_id, actor, writes: false })
    }

    /// The handle that writes one organization's rows.
    ///
    /// On PostgreSQL it holds the organization's log row from here to the end of the transaction. The
    /// status is read after that, so a change of status, which holds the row too, comes wholly before
    /// this write or wholly after it.
    ///
    /// Errors: `ReadOnly` when the organization takes no such writes now, `NoOrganization` when it is
    /// gone.
    pub fn tenant<'t>(&'t mut self, org_id: OrgId, actor: &'t Actor, gate: Gate) -> Result<TenantTx<'t, 'c>> {
        #[cfg(feature = "postgres")]
        if let Connection::Postgres(session) = &mut self.engine {
            session.scope_to_organization(org_id)?;
            session.lock_organization(org_id)?;
        }
        let mut status = None;
        self.rows(Some(org_id), "SELECT status FROM organizations WHERE id = ?1", &[], &mut |row| {
            status = Some(row.get::<OrgStatus>(0)?);
            Ok(())
        })?;
        if !gate.admits(status.ok_or(Failure::NoOrganization)?) {
            return Err(Failure::ReadOnly);
        }
        Ok(TenantTx { tx: self, org_id, actor, writes: true })
    }

    /// The handle on identity tables.
    pub fn system(&mut self) -> SystemTx<'_, 'c> {
        SystemTx { tx: self }
    }

    /// Brings counters to where they must be, once for each: at the end of a write, and before they are
    /// read in one. In one order, and after the events of the write, so that writes of PostgreSQL do not
    /// wait for each other in a circle.
    pub(super) fn settle(&mut self) -> Result<()> {
        for ((org_id, counter), change) in std::mem::take(&mut self.counts) {
            if change != 0 {
                let mut tx = self.view(org_id, &Actor::SYSTEM)?;
                // What is counted was written, and so came through a gate.
                tx.writes = true;
                counter.add(&mut tx, change)?;
            }
        }
        Ok(())
    }

    fn rows<T>(
        &mut self,
        scope: Option<OrgId>,
        sql: &str,
        args: &[Value<'_>],
        map: &mut dyn FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match &mut self.engine {
            Connection::Sqlite(connection) => connection.rows(scope, sql, args, map),
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => session.rows(scope, sql, args, map),
        }
    }

    fn execute(&mut self, scope: Option<OrgId>, sql: &str, args: &[Value<'_>]) -> Result<u64> {
        match &mut self.engine {
            Connection::Sqlite(connection) => connection.execute(scope, sql, args),
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => session.execute(scope, sql, args),
        }
    }
}

macro_rules! handle {
    ($name:ident, $scope:expr) => {
        impl<'c> $name<'_, 'c> {
            /// The time of the transaction.
            pub fn now(&self) -> Timestamp {
                self.tx.now
            }

            /// A new id.
            pub fn new_id(&self) -> Uuid {
                self.tx.clock.id()
            }

            /// Every row that the statement gives.
            pub fn rows<T>(
                &mut self,
                sql: &str,
                args: &[Value<'_>],
                mut map: impl FnMut(&Row<'_>) -> Result<T>,
            ) -> Result<Vec<T>> {
                let scope = $scope(self);
                self.tx.rows(scope, sql, args, &mut map)
            }

            /// The first row, where there is one.
            pub fn row<T>(
                &mut self,
                sql: &str,
                args: &[Value<'_>],
                map: impl FnMut(&Row<'_>) -> Result<T>,
            ) -> Result<Option<T>> {
                self.rows(sql, args, map).map(|rows| rows.into_iter().next())
            }

            /// How many rows the statement changed.
            pub fn execute(&mut self, sql: &str, args: &[Value<'_>]) -> Result<u64> {
                self.require_write()?;
                let scope = $scope(self);
                self.tx.execute(scope, sql, args)
            }

            /// Sends `signal` once the transaction is committed.
            pub fn signal(&mut self, signal: Signal) {
                self.tx.publications.push(Publication::Signal(signal));
            }
        }
    };
}

handle!(TenantTx, |handle: &TenantTx<'_, '_>| Some(handle.org_id));
handle!(SystemTx, |_: &SystemTx<'_, '_>| None);

impl<'t, 'c> TenantTx<'t, 'c> {
    /// The way from a tenant to the identity of one person, for the few functions of
    /// `store::identity` and `store::session` that take a tenant handle.
    pub(super) fn identities(&mut self) -> SystemTx<'_, 'c> {
        SystemTx { tx: self.tx }
    }

    fn require_write(&self) -> Result<()> {
        if self.writes {
            return Ok(());
        }
        Err(Failure::Other(anyhow::anyhow!("a view of an organization cannot write: open it with a gate")))
    }

    /// The organization whose rows it reaches.
    pub fn org_id(&self) -> OrgId {
        self.org_id
    }

    /// Who acts.
    pub fn actor(&self) -> &'t Actor {
        self.actor
    }

    /// Changes a counter when the transaction ends.
    pub(super) fn count(&mut self, counter: Counter, change: i64) {
        *self.tx.counts.entry((self.org_id, counter)).or_default() += change;
    }

    /// Brings counters to where they must be, before they are read.
    pub(super) fn settle(&mut self) -> Result<()> {
        self.tx.settle()
    }

    /// How much of the organization the actor reaches: what every query of this handle is limited to.
    pub fn scope(&self) -> &'t Scope {
        &self.actor.scope
    }

    /// Publishes an event that this transaction has appended, once it is committed.
    pub(super) fn publish(&mut self, publication: Publication) {
        self.tx.publications.push(publication);
    }
}

impl<'c> SystemTx<'_, 'c> {
    /// The handle that reads one organization's rows, in the same transaction.
    pub fn view<'t>(&'t mut self, org_id: OrgId, actor: &'t Actor) -> Result<TenantTx<'t, 'c>> {
        self.tx.view(org_id, actor)
    }

    /// The handle that writes one organization's rows, in the same transaction; see [`Tx::tenant`].
    pub fn tenant<'t>(&'t mut self, org_id: OrgId, actor: &'t Actor, gate: Gate) -> Result<TenantTx<'t, 'c>> {
        self.tx.tenant(org_id, actor, gate)
    }

    /// Identities belong to no organization, so no gate stands before them. Rows of an organization
    /// are out of reach: the guard refuses a statement that writes one.
    fn require_write(&self) -> Result<()> {
        Ok(())
    }

    /// The time by the clock that all instances on this database share; microseconds pass while the
    /// transaction runs.
    pub fn database_now(&mut self) -> Result<Timestamp> {
        match &mut self.tx.engine {
            Connection::Sqlite(_) => Ok(self.tx.now),
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => Ok(Timestamp(session.now()? + self.tx.clock.offset())),
        }
    }

    /// Waits for other first runs to end. On SQLite there is one writer anyway.
    pub(super) fn lock_first_run(&mut self) -> Result<()> {
        match &mut self.tx.engine {
            Connection::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => session.lock_first_run(),
        }
    }

    /// Lets PostgreSQL show the memberships of one identity.
    pub(super) fn scope_to_identity(&mut self, user_id: UserId) -> Result<()> {
        match &mut self.tx.engine {
            Connection::Sqlite(_) => {
                let _ = user_id;
                Ok(())
            }
            #[cfg(feature = "postgres")]
            Connection::Postgres(session) => session.scope_to_identity(user_id),
        }
    }
}
