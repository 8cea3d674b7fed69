//! Connections to SQLite and PostgreSQL, and the schema that both must have.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use diesel::connection::SimpleConnection as _;
use diesel::r2d2::ManageConnection;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::StoreError;

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRESQL_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgresql");

/// PostgreSQL's advisory lock under which the schema moves; any number will do, as long as it is always the same.
const MIGRATION_LOCK: i64 = 0x5369_676e_6574;

/// A connection to one of the two.
#[derive(diesel::MultiConnection)]
pub(super) enum AnyConnection {
    /// PostgreSQL.
    Postgresql(PgConnection),
    /// SQLite.
    Sqlite(SqliteConnection),
}

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file, made when it is not there.
    Sqlite(PathBuf),
    /// `postgres://user@host/name`, with whatever libpq understands.
    Postgresql(String),
}

impl DatabaseUrl {
    /// Whether it is a file of this machine.
    #[must_use]
    pub const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// The SQLite file at this path.
    #[must_use]
    pub fn sqlite(path: &Path) -> Self {
        Self::Sqlite(path.to_owned())
    }
}

impl FromStr for DatabaseUrl {
    type Err = MalformedDatabaseUrl;

    /// Reads `sqlite:PATH`, `postgres://…` or `postgresql://…`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(MalformedDatabaseUrl) } else { Ok(Self::Sqlite(path.into())) };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgresql(text.to_owned()));
        }
        Err(MalformedDatabaseUrl)
    }
}

impl fmt::Display for DatabaseUrl {
    /// Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgresql(url) => {
                let place = url.split_once("://").map_or("", |(_, rest)| rest);
                let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
                write!(f, "postgresql://{}", place.split('?').next().unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// The setting is not the address of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a database: write sqlite:PATH or postgres://USER@HOST/NAME")]
pub struct MalformedDatabaseUrl;

/// Makes connections and sets them up.
pub(super) struct Manager {
    url: DatabaseUrl,
    only_reads: bool,
}

impl Manager {
    pub(super) fn new(url: DatabaseUrl) -> Self {
        Self { url, only_reads: false }
    }

    /// Connections on which SQLite refuses to write; PostgreSQL says so by transaction.
    pub(super) fn reader(url: DatabaseUrl) -> Self {
        Self { url, only_reads: true }
    }
}

impl ManageConnection for Manager {
    type Connection = AnyConnection;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<AnyConnection, Self::Error> {
        let set_up = |connection: &mut AnyConnection, statements: &str| {
            connection.batch_execute(statements).map_err(diesel::r2d2::Error::QueryError)
        };
        match &self.url {
            DatabaseUrl::Sqlite(path) => {
                make_private(path);
                let connection = SqliteConnection::establish(&path.to_string_lossy())
                    .map_err(diesel::r2d2::Error::ConnectionError)?;
                let mut connection = AnyConnection::Sqlite(connection);
                // FULL: a commit that was answered survives the machine's loss of power. The wait comes first, since
                // even switching to the write-ahead log needs the lock.
                set_up(
                    &mut connection,
                    "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                     PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;",
                )?;
                if self.only_reads {
                    set_up(&mut connection, "PRAGMA query_only = ON;")?;
                }
                Ok(connection)
            }
            DatabaseUrl::Postgresql(url) => {
                let connection = PgConnection::establish(url).map_err(diesel::r2d2::Error::ConnectionError)?;
                let mut connection = AnyConnection::Postgresql(connection);
                set_up(
                    &mut connection,
                    // READ COMMITTED with row locks is what the atomic verbs are written for, whatever the server's
                    // default is. The time limits let a page say that the database is away instead of hanging.
                    "SET synchronous_commit = on; SET default_transaction_isolation = 'read committed'; \
                     SET statement_timeout = '5s'; SET lock_timeout = '5s'; \
                     SET idle_in_transaction_session_timeout = '30s'; SET client_min_messages = warning;",
                )?;
                Ok(connection)
            }
        }
    }

    fn is_valid(&self, connection: &mut AnyConnection) -> Result<(), Self::Error> {
        connection.batch_execute("SELECT 1").map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, _connection: &mut AnyConnection) -> bool {
        std::thread::panicking()
    }
}

/// Held by the one process that serves an SQLite file. Another one that wants to serve it is refused; commands of the
/// terminal are not, since SQLite itself keeps their transactions apart.
#[derive(Debug)]
pub struct NodeLock {
    _file: Option<File>,
}

impl NodeLock {
    /// Takes the lock of the file; PostgreSQL serves any number of nodes and has none.
    pub(super) fn take(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let DatabaseUrl::Sqlite(path) = url else { return Ok(Self { _file: None }) };
        let mut name = path.clone().into_os_string();
        name.push(".lock");
        // The lock is the operating system's, so it goes when the process does; the file may stay.
        let file = OpenOptions::new().create(true).write(true).truncate(false).open(&name);
        let file = file.map_err(|_| StoreError::Unreachable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse),
            Err(TryLockError::Error(_)) => Err(StoreError::Unreachable),
        }
    }
}

/// Makes the file for its owner alone before SQLite makes it for everybody; the files beside it get the same mode. When it
/// is there already, its mode is the operator's affair; when it cannot be made, SQLite says why.
fn make_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt as _;

    drop(std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path));
}

/// Runs what has not run.
pub(super) fn migrate(connection: &mut AnyConnection) -> Result<Vec<String>, StoreError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| StoreError::Migration(error.to_string());
    let ran = match connection {
        AnyConnection::Sqlite(sqlite) => names(&sqlite.run_pending_migrations(SQLITE_MIGRATIONS).map_err(failed)?),
        AnyConnection::Postgresql(postgresql) => {
            let locked =
                |statement: String, on: &mut PgConnection| on.batch_execute(&statement).map_err(StoreError::from);
            // A migration takes the time that it takes, and waits for another node's.
            locked("SET statement_timeout = 0; SET lock_timeout = 0".to_owned(), postgresql)?;
            locked(format!("SELECT pg_advisory_lock({MIGRATION_LOCK})"), postgresql)?;
            let ran = postgresql.run_pending_migrations(POSTGRESQL_MIGRATIONS).map(|ran| names(&ran)).map_err(failed);
            locked(format!("SELECT pg_advisory_unlock({MIGRATION_LOCK})"), postgresql)?;
            locked("SET statement_timeout = '5s'; SET lock_timeout = '5s'".to_owned(), postgresql)?;
            ran?
        }
    };
    Ok(ran)
}

/// What has not run.
pub(super) fn pending_migrations(connection: &mut AnyConnection) -> Result<Vec<String>, StoreError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| StoreError::Migration(error.to_string());
    match connection {
        AnyConnection::Sqlite(sqlite) => sqlite
            .pending_migrations(SQLITE_MIGRATIONS)
            .map(|all| all.iter().map(|one| one.name().to_string()).collect())
            .map_err(failed),
        AnyConnection::Postgresql(postgresql) => postgresql
            .pending_migrations(POSTGRESQL_MIGRATIONS)
            .map(|all| all.iter().map(|one| one.name().to_string()).collect())
            .map_err(failed),
    }
}

fn names(versions: &[diesel::migration::MigrationVersion<'_>]) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}
