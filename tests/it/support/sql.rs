//! A hand inside the database: SQL past everything that the house knows, as whoever can write there would run it.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, SqliteConnection};
use signet::storage::{DatabaseUrl, Store};

/// Runs statements on a store's database. Bytes are best copied from row to row: the two databases write them differently,
/// which [`bytes`] knows.
pub fn run(store: &Store, statements: &str) {
    match store.url() {
        DatabaseUrl::Sqlite(path) => SqliteConnection::establish(&path.to_string_lossy())
            .expect("the file opens")
            .batch_execute(&format!("PRAGMA busy_timeout = 5000; {statements}")),
        DatabaseUrl::Postgresql(url) => {
            PgConnection::establish(url).expect("the server answers").batch_execute(statements)
        }
    }
    .unwrap_or_else(|fault| panic!("{fault}: {statements}"));
}

/// How many rows a table has where this holds.
pub fn count(store: &Store, table: &str, holds: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        rows: i64,
    }
    let query = diesel::sql_query(format!("SELECT count(*) AS rows FROM {table} WHERE {holds}"));
    let counted: Counted = match store.url() {
        DatabaseUrl::Sqlite(path) => {
            query.get_result(&mut SqliteConnection::establish(&path.to_string_lossy()).expect("the file opens"))
        }
        DatabaseUrl::Postgresql(url) => {
            query.get_result(&mut PgConnection::establish(url).expect("the server answers"))
        }
    }
    .expect("it counts");
    counted.rows
}

/// Bytes, as a statement writes them.
pub fn bytes(store: &Store, octets: &[u8]) -> String {
    let octets = hex::encode(octets);
    if store.url().is_sqlite() { format!("x'{octets}'") } else { format!("'\\x{octets}'::bytea") }
}
