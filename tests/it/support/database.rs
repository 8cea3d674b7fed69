//! A database of its own for each test: SQLite in a temporary folder always, PostgreSQL when `SIGNET_TEST_POSTGRES` names
//! a server (which `make test` starts).

use signet::storage::{DatabaseUrl, Store};
use tempfile::TempDir;

/// A database that goes when this is dropped.
pub struct TestDatabase {
    /// Opened and migrated.
    pub store: Store,
    /// Which of the two, for messages.
    pub name: &'static str,
    _folder: TempDir,
}

impl TestDatabase {
    /// A fresh SQLite database.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = DatabaseUrl::sqlite(&folder.path().join("signet.db"));
        let store = Store::open(&url, 4).expect("SQLite opens");
        store.migrate().expect("SQLite migrates");
        Self { store, name: "SQLite", _folder: folder }
    }

    /// A fresh PostgreSQL database, where there is a server.
    pub fn postgresql() -> Option<Self> {
        let url = new_postgresql_url()?;
        let store = Store::open(&url.parse().expect("a URL"), 4).expect("PostgreSQL opens");
        store.migrate().expect("PostgreSQL migrates");
        Some(Self { store, name: "PostgreSQL", _folder: tempfile::tempdir().expect("a folder") })
    }

    /// Both, or SQLite alone where there is no server. `make test` always has one.
    pub fn each() -> Vec<Self> {
        let mut all = vec![Self::sqlite()];
        all.extend(Self::postgresql());
        all
    }
}

/// Makes an empty PostgreSQL database, where there is a server, and says where it is.
pub fn new_postgresql_url() -> Option<String> {
    let server = server_url()?;
    let mut random = [0_u8; 8];
    openssl::rand::rand_bytes(&mut random).expect("randomness");
    let name = format!("signet_test_{}", hex::encode(random));
    let status = std::process::Command::new("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", &format!("CREATE DATABASE {name}"), &server])
        .status()
        .expect("psql runs (package postgresql-client)");
    assert!(status.success(), "CREATE DATABASE failed");
    Some(with_database(&server, &name))
}

/// Whether the whole application is to be tested on PostgreSQL: `SIGNET_TEST_DATABASE=postgresql`.
#[expect(clippy::disallowed_methods, reason = "the test runner tells what it wants")]
pub fn everything_on_postgresql() -> bool {
    std::env::var("SIGNET_TEST_DATABASE").is_ok_and(|wanted| wanted == "postgresql")
}

#[expect(clippy::disallowed_methods, reason = "the test runner tells where its server is")]
fn server_url() -> Option<String> {
    std::env::var("SIGNET_TEST_POSTGRES").ok().filter(|url| !url.is_empty())
}

/// The same server, another database.
fn with_database(server: &str, name: &str) -> String {
    let mut url = url::Url::parse(server).expect("SIGNET_TEST_POSTGRES is a URL");
    url.set_path(name);
    url.to_string()
}
