//! The database: the only room that says `diesel`.
//!
//! [`Store`] runs a closure on the blocking pool with one [`Transaction`]; the closure is not async, so a network call
//! inside a transaction cannot be written. Verbs are the domain's: [`Transaction`] gets them from the files beside this
//! one. Rows are private to their file; what comes out are the core's types, or records of opaque sealed bytes.
//!
//! One code path serves SQLite (bundled, the embedded default) and PostgreSQL (production). What must be atomic says so
//! and matches on the backend: ON CONFLICT, row locks, SKIP LOCKED. SQLite has one writer, which begins its transaction
//! with the lock already taken, and each commit is synced to the disk. The shell decides what happens; this room never
//! reads the clock.

mod artifacts;
mod connection;
mod disclosures;
mod federation;
mod logouts;
mod resealing;
pub mod retention;
mod schema;
mod sessions;
mod signing;
mod standing;
mod subscribers;
mod work;

use std::sync::Arc;
use std::time::Duration;

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use diesel::r2d2::{Pool, PooledConnection};
use time::UtcDateTime;

use connection::{AnyConnection, Manager};

use crate::federation::disclosure::ChainPosition;
use crate::sealing::{self, milliseconds};

pub use artifacts::WaitingResponse;
pub use connection::{DatabaseUrl, NodeLock};
pub use disclosures::{AnsweredRequest, DisclosureWriter, Issuance, RecordedDisclosure};
pub use federation::{PendingRequest, PendingRequestId, SpRevisionFiles};
pub use logouts::{LogoutRecord, LogoutSession, LogoutStep};
pub use resealing::{KEYED_COLUMNS, KeyIdAt, KeyedColumn, Renewal, ResealedTable};
pub use sessions::{Participant, SessionRecord, SessionSummary};
pub use subscribers::{AuthenticatorRecord, EmailRecord, FailuresOf, LinkRecord};
pub use work::{HistoryEntry, OutboxEntry, OutboxOutcome};

/// The database. A clone shares the connections.
#[derive(Clone)]
pub struct Store {
    pools: Arc<Pools>,
}

struct Pools {
    writer: Pool<Manager>,
    reader: Pool<Manager>,
    url: DatabaseUrl,
}

/// One transaction: what is done in it is done whole, or not at all.
pub struct Transaction<'c> {
    connection: &'c mut AnyConnection,
}

impl Store {
    /// Opens the database; it is reached, not changed. See [`Store::migrate`].
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] when no connection can be made.
    pub fn open(url: &DatabaseUrl, connections: u32) -> Result<Self, StoreError> {
        let pool = |size: u32, manager: Manager| {
            Pool::builder()
                .max_size(size)
                .min_idle(Some(1))
                .connection_timeout(Duration::from_secs(5))
                .test_on_check_out(!url.is_sqlite())
                .build(manager)
                .map_err(|_| StoreError::Unreachable)
        };
        let pools = match url {
            // The writer comes first: it makes the file and switches it to the write-ahead log.
            DatabaseUrl::Sqlite(_) => Pools {
                writer: pool(1, Manager::new(url.clone()))?,
                reader: pool(connections.max(1), Manager::reader(url.clone()))?,
                url: url.clone(),
            },
            DatabaseUrl::Postgresql(_) => {
                let shared = pool(connections.max(2), Manager::new(url.clone()))?;
                Pools { writer: shared.clone(), reader: shared, url: url.clone() }
            }
        };
        Ok(Self { pools: Arc::new(pools) })
    }

    /// Takes the place of the one process that serves this SQLite file, for as long as the lock lives. PostgreSQL has
    /// room for any number.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has it.
    pub fn node_lock(&self) -> Result<NodeLock, StoreError> {
        NodeLock::take(&self.pools.url)
    }

    /// Brings the schema up to date and says which migrations ran. Two processes that start together wait for each
    /// other.
    ///
    /// # Errors
    /// [`StoreError::Migration`] with the migration that failed.
    pub fn migrate(&self) -> Result<Vec<String>, StoreError> {
        connection::migrate(&mut *self.writer()?)
    }

    /// The migrations that have not run yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        connection::pending_migrations(&mut *self.writer()?)
    }

    /// Where the database is, without a password.
    #[must_use]
    pub fn url(&self) -> &DatabaseUrl {
        &self.pools.url
    }

    /// Reads, on the blocking pool.
    ///
    /// # Errors
    /// What the closure says, or that the database cannot be reached.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        let store = self.clone();
        match tokio::task::spawn_blocking(move || store.read_blocking(work)).await {
            Ok(result) => result,
            Err(_) => Err(StoreError::Stopped.into()),
        }
    }

    /// Writes: all that the closure does, or nothing when it fails; on the blocking pool. When this returns a value,
    /// it is durable.
    ///
    /// # Errors
    /// What the closure says, or that the database cannot be reached.
    pub async fn transaction<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        let store = self.clone();
        match tokio::task::spawn_blocking(move || store.transaction_blocking(work)).await {
            Ok(result) => result,
            Err(_) => Err(StoreError::Stopped.into()),
        }
    }

    /// [`Store::read`] for the terminal.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    {
        let mut connection = self.pools.reader.get().map_err(|_| StoreError::Unreachable)?;
        // One transaction, so that everything read belongs to one moment.
        in_transaction(&mut connection, false, work)
    }

    /// [`Store::transaction`] for the terminal.
    ///
    /// # Errors
    /// As [`Store::transaction`].
    pub fn transaction_blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    {
        let mut connection = self.writer()?;
        in_transaction(&mut connection, true, work)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub fn ping(&self) -> Result<(), StoreError> {
        let mut connection = self.pools.reader.get().map_err(|_| StoreError::Unreachable)?;
        connection.batch_execute("SELECT 1").map_err(StoreError::from)
    }

    fn writer(&self) -> Result<PooledConnection<Manager>, StoreError> {
        self.pools.writer.get().map_err(|_| StoreError::Unreachable)
    }
}

/// Carries the closure's own error through Diesel's transaction.
enum Failed<E> {
    Closure(E),
    Diesel(diesel::result::Error),
}

impl<E> From<diesel::result::Error> for Failed<E> {
    fn from(error: diesel::result::Error) -> Self {
        Self::Diesel(error)
    }
}

fn in_transaction<T, E, F>(connection: &mut AnyConnection, writes: bool, work: F) -> Result<T, E>
where
    E: From<StoreError>,
    F: FnOnce(&mut Transaction<'_>) -> Result<T, E>,
{
    let result = match connection {
        // The writer takes its lock at once: a transaction that read first could not become a writer later.
        AnyConnection::Sqlite(sqlite) if writes => {
            sqlite.batch_execute("BEGIN IMMEDIATE").map_err(Failed::Diesel).and_then(|()| {
                let outcome = work(&mut Transaction { connection }).map_err(Failed::Closure);
                let end = if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" };
                let ended = connection.batch_execute(end);
                match (outcome, ended) {
                    (Ok(value), Ok(())) => Ok(value),
                    (Ok(_), Err(error)) => {
                        // What did not commit must not be left open for the next user of the connection.
                        drop(connection.batch_execute("ROLLBACK"));
                        Err(Failed::Diesel(error))
                    }
                    (Err(failed), _) => Err(failed),
                }
            })
        }
        AnyConnection::Postgresql(_) if !writes => {
            reading(connection, |connection| work(&mut Transaction { connection }).map_err(Failed::Closure))
        }
        _ => connection.transaction(|connection| work(&mut Transaction { connection }).map_err(Failed::Closure)),
    };
    result.map_err(|failed| match failed {
        Failed::Closure(error) => error,
        Failed::Diesel(error) => StoreError::from(error).into(),
    })
}

/// One moment's view of PostgreSQL, in which nothing can be written. (Diesel's own builder knows one backend alone.)
fn reading<T, E>(
    connection: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, Failed<E>>,
) -> Result<T, Failed<E>> {
    connection.transaction(|connection| {
        connection.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        work(connection)
    })
}

/// Why the database did not do what was asked. Never carries a value of a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A statement failed.
    #[error("the database refused a statement: {0}")]
    Database(&'static str),
    /// A row holds what no version of Signet writes.
    #[error("a row of {table} holds an impossible {column}")]
    InconsistentRow {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// Another process writes to this SQLite file.
    #[error("another process is using this database file: SQLite serves one node; use PostgreSQL for several")]
    InUse,
    /// The service's keys cannot be used, so that nothing can be recorded.
    #[error("the service's keys cannot be used now")]
    KeysUnavailable,
    /// The end of this node's chain of disclosures is not the one that it wrote: records were cut off or exchanged.
    #[error("the end of this node's chain of disclosures was altered: nothing is recorded, and no assertion leaves")]
    LedgerAltered {
        /// The end as the writer remembers it; `None` when it has not seen one.
        remembered: Option<Box<ChainPosition>>,
        /// The end that is there.
        found: Box<ChainPosition>,
    },
    /// The schema could not be brought up to date.
    #[error("migration failed: {0}")]
    Migration(String),
    /// The process is stopping.
    #[error("the process is stopping")]
    Stopped,
    /// No connection.
    #[error("the database cannot be reached")]
    Unreachable,
}

impl From<diesel::result::Error> for StoreError {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as Kind, Error};
        Self::Database(match error {
            // Messages of the database quote values ("Key (…)=(…) already exists"), so only the kind is kept.
            Error::DatabaseError(Kind::UniqueViolation, _) => "a value that must be unique is there already",
            Error::DatabaseError(Kind::ForeignKeyViolation, _) => "a row that it refers to is missing",
            Error::DatabaseError(Kind::SerializationFailure, _) => "it collided with another transaction",
            Error::DatabaseError(Kind::ClosedConnection, _) => return Self::Unreachable,
            Error::DatabaseError(..) => "a statement failed",
            Error::NotFound => "a row was not found",
            Error::DeserializationError(_) => "a row could not be read",
            Error::SerializationError(_) => "a value could not be written",
            _ => "a transaction failed",
        })
    }
}

/// Runs the same Diesel expression on whichever database it is, where [`AnyConnection`] itself cannot (ON CONFLICT,
/// row locks), and for what every sign-on does: a prepared statement of one database is found by its type, one of
/// [`AnyConnection`] only after its text was written out.
macro_rules! on_each {
    ($connection:expr, $inner:ident => $work:expr) => {
        match $connection {
            $crate::storage::connection::AnyConnection::Postgresql($inner) => $work,
            $crate::storage::connection::AnyConnection::Sqlite($inner) => $work,
        }
    };
}
use on_each;

/// The time that is stored in a column.
fn instant(milliseconds: i64, table: &'static str, column: &'static str) -> Result<UtcDateTime, StoreError> {
    sealing::instant(milliseconds).ok_or(StoreError::InconsistentRow { table, column })
}

/// An optional time that is stored in a column.
fn maybe_instant(
    milliseconds: Option<i64>,
    table: &'static str,
    column: &'static str,
) -> Result<Option<UtcDateTime>, StoreError> {
    milliseconds.map(|ms| instant(ms, table, column)).transpose()
}

/// A typed value out of stored bytes or text.
fn typed<T, S>(stored: S, table: &'static str, column: &'static str) -> Result<T, StoreError>
where
    T: TryFrom<S>,
{
    T::try_from(stored).map_err(|_| StoreError::InconsistentRow { table, column })
}
