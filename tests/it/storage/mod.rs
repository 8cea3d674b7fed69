//! The database: the same tests on SQLite and PostgreSQL.

mod endings;
pub(crate) mod ledger;
mod migrations;
mod nodes;
mod sessions;
mod vouched_rows;

use std::collections::BTreeSet;
use std::sync::Arc;

use signet::accounts::resealing::resealed_tables;
use signet::authentication::known_browser::{KnownBrowserId, StoredKnownBrowser};
use signet::authentication::throttle::{FailureRule, RateLimit, RateVerdict};
use signet::authentication::{AuthenticatorId, AuthenticatorKind};
use signet::entropy::{Entropy, SystemEntropy, random_bytes};
use signet::services::message::OutboxId;
use signet::storage::retention::{RETENTION, Retention, erasures};
use signet::storage::{
    AuthenticatorRecord, EmailRecord, FailuresOf, KEYED_COLUMNS, KeyIdAt, KeyedColumn, OutboxEntry, OutboxOutcome,
    Renewal, StoreError, Transaction,
};
use signet::subscriber::{ContactId, StoredAccount, SubscriberId};
use time::macros::utc_datetime;
use time::{Duration, UtcDateTime};

use crate::support::database::TestDatabase;

const NOW: UtcDateTime = utc_datetime!(2026-11-24 12:00);

fn entropy() -> &'static dyn Entropy {
    &SystemEntropy
}

fn add_account(tx: &mut Transaction<'_>) -> Result<SubscriberId, StoreError> {
    let id = SubscriberId::random(entropy());
    // This room keeps what it is given; whether it is believed is decided elsewhere.
    tx.add_subscriber(&StoredAccount {
        id,
        status: "active".to_owned(),
        vault: "open".to_owned(),
        created_at: 0,
        rules_accepted_at: 0,
        mac: vec![0; 36],
    })?;
    Ok(id)
}

fn authenticator(of: SubscriberId, fingerprint: Option<[u8; 32]>) -> AuthenticatorRecord {
    AuthenticatorRecord {
        id: AuthenticatorId::random(entropy()),
        subscriber: of,
        kind: AuthenticatorKind::Totp,
        name_sealed: vec![1],
        sealed: vec![2],
        fingerprint,
        counter: 0,
        failures: Default::default(),
        created_at: NOW,
        last_used_at: None,
        disabled_at: None,
    }
}

#[test]
fn what_a_failed_transaction_did_is_undone() {
    for database in TestDatabase::each() {
        let mut made = None;
        let outcome: Result<(), StoreError> = database.store.transaction_blocking(|tx| {
            made = Some(add_account(tx)?);
            Err(StoreError::Stopped)
        });
        assert_eq!(outcome, Err(StoreError::Stopped));
        let id = made.expect("it was made");
        let found = database.store.read_blocking::<_, StoreError, _>(|tx| tx.subscriber(id)).expect("it reads");
        assert_eq!(found, None, "{}", database.name);
    }
}

#[test]
fn migrations_run_once() {
    for database in TestDatabase::each() {
        assert_eq!(database.store.migrate().expect("nothing to do"), Vec::<String>::new(), "{}", database.name);
        assert_eq!(database.store.pending_migrations().expect("it reads"), Vec::<String>::new());
    }
}

#[test]
fn an_address_belongs_to_one_account() {
    for database in TestDatabase::each() {
        let fingerprint = random_bytes(entropy());
        let (first, second) = database
            .store
            .transaction_blocking::<_, StoreError, _>(|tx| {
                let of = |subscriber| EmailRecord {
                    id: ContactId::random(entropy()),
                    subscriber,
                    fingerprint,
                    sealed: vec![7],
                    confirmed_at: NOW,
                    last_sign_in_at: None,
                };
                let (a, b) = (add_account(tx)?, add_account(tx)?);
                Ok((tx.add_email(&of(a))?, tx.add_email(&of(b))?))
            })
            .expect("it writes");
        assert!(first && !second, "{}", database.name);
    }
}

#[test]
fn of_many_tries_at_once_as_many_are_allowed_as_the_limit_says() {
    for database in TestDatabase::each() {
        let limit = RateLimit { name: "test", at_most: 5, window: Duration::minutes(1) };
        let key: [u8; 32] = random_bytes(entropy());
        let store = Arc::new(database.store.clone());
        let tries: Vec<_> = (0..20)
            .map(|_| {
                let store = Arc::clone(&store);
                std::thread::spawn(move || {
                    store
                        .transaction_blocking::<_, StoreError, _>(|tx| tx.count_try(&limit, &key, NOW))
                        .expect("it counts")
                })
            })
            .collect();
        let allowed = tries
            .into_iter()
            .map(|one| one.join().expect("it ends"))
            .filter(|(_, v)| *v == RateVerdict::Allowed)
            .count();
        assert_eq!(allowed, 5, "{}", database.name);
        // The next window begins anew.
        let later = database
            .store
            .transaction_blocking::<_, StoreError, _>(|tx| tx.count_try(&limit, &key, NOW + Duration::minutes(2)));
        assert_eq!(later.map(|(_, verdict)| verdict), Ok(RateVerdict::Allowed), "{}", database.name);
    }
}

#[test]
fn tries_that_are_given_back_at_once_leave_exactly_the_others() {
    for database in TestDatabase::each() {
        let limit = RateLimit { name: "test", at_most: 40, window: Duration::minutes(1) };
        let key: [u8; 32] = random_bytes(entropy());
        let store = Arc::new(database.store.clone());
        let tries: Vec<_> = (0..20)
            .map(|number| {
                let store = Arc::clone(&store);
                std::thread::spawn(move || {
                    let counted = |tx: &mut Transaction<'_>| tx.count_try(&limit, &key, NOW);
                    let (window, _) = store.transaction_blocking::<_, StoreError, _>(counted).expect("it counts");
                    if number % 2 == 0 {
                        let give_back = |tx: &mut Transaction<'_>| tx.give_back_try(&key, window.ends_at);
                        store.transaction_blocking::<_, StoreError, _>(give_back).expect("it gives back");
                    }
                })
            })
            .collect();
        tries.into_iter().for_each(|one| one.join().expect("it ends"));
        let left = store.read_blocking::<_, StoreError, _>(|tx| tx.tries_of(&key, NOW));
        assert_eq!(left, Ok(10), "{}", database.name);
        // In a window that came after, nothing is taken back.
        let later = NOW + Duration::minutes(2);
        let again = |tx: &mut Transaction<'_>| {
            tx.count_try(&limit, &key, later)?;
            tx.give_back_try(&key, NOW + Duration::minutes(1))?;
            tx.tries_of(&key, later)
        };
        assert_eq!(store.transaction_blocking::<_, StoreError, _>(again), Ok(1), "{}", database.name);
    }
}

#[test]
fn of_many_tries_from_a_known_browser_at_once_a_hundred_are_allowed() {
    for database in TestDatabase::each() {
        let id = KnownBrowserId::from_bytes(random_bytes(entropy()));
        let store = Arc::new(database.store.clone());
        store
            .transaction_blocking::<_, StoreError, _>(|tx| {
                let subscriber = add_account(tx)?;
                let known = StoredKnownBrowser { id, subscriber, made_at: 0, expires_at: 1, mac: vec![] };
                tx.add_known_browser(&known, 10)?;
                (0..90).try_for_each(|_| tx.count_known_browser_try(id, 100).map(|counted| assert!(counted)))
            })
            .expect("it writes");
        let tries: Vec<_> = (0..20)
            .map(|_| {
                let store = Arc::clone(&store);
                std::thread::spawn(move || {
                    store
                        .transaction_blocking::<_, StoreError, _>(|tx| tx.count_known_browser_try(id, 100))
                        .expect("it counts")
                })
            })
            .collect();
        let allowed = tries.into_iter().map(|one| one.join().expect("it ends")).filter(|allowed| *allowed).count();
        assert_eq!(allowed, 10, "{}", database.name);
    }
}

#[test]
fn an_account_keeps_its_newest_known_browsers() {
    for database in TestDatabase::each() {
        let ids: Vec<_> = (0..4).map(|_| KnownBrowserId::from_bytes(random_bytes(entropy()))).collect();
        let left = database.store.transaction_blocking::<_, StoreError, _>(|tx| {
            let subscriber = add_account(tx)?;
            for (id, made_at) in ids.iter().zip([3, 1, 2, 4]) {
                let known = StoredKnownBrowser { id: *id, subscriber, made_at, expires_at: 10, mac: vec![] };
                tx.add_known_browser(&known, 2)?;
            }
            tx.known_browsers(&ids)
        });
        let mut left: Vec<i64> = left.expect("it reads").iter().map(|known| known.made_at).collect();
        left.sort_unstable();
        assert_eq!(left, [3, 4], "{}", database.name);
    }
}

#[test]
fn of_two_that_use_one_app_code_at_once_one_succeeds() {
    for database in TestDatabase::each() {
        let id = database
            .store
            .transaction_blocking::<_, StoreError, _>(|tx| {
                let of = add_account(tx)?;
                let app = authenticator(of, None);
                assert!(tx.add_authenticator(&app)?);
                Ok(app.id)
            })
            .expect("it writes");
        let store = Arc::new(database.store.clone());
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let store = Arc::clone(&store);
                std::thread::spawn(move || {
                    store
                        .transaction_blocking::<_, StoreError, _>(|tx| tx.accept_totp_step(id, 59_000_000, NOW))
                        .expect("it answers")
                })
            })
            .collect();
        let accepted = tries.into_iter().map(|one| one.join().expect("it ends")).filter(|yes| *yes).count();
        assert_eq!(accepted, 1, "{}", database.name);
        let earlier =
            database.store.transaction_blocking::<_, StoreError, _>(|tx| tx.accept_totp_step(id, 58_999_999, NOW));
        assert_eq!(earlier, Ok(false), "an earlier step is refused too: {}", database.name);
    }
}

#[test]
fn wrong_tries_are_counted_together_and_lock() {
    for database in TestDatabase::each() {
        let of = database.store.transaction_blocking::<_, StoreError, _>(add_account).expect("it writes");
        let store = Arc::new(database.store.clone());
        let tries: Vec<_> = (0..10)
            .map(|_| {
                let store = Arc::clone(&store);
                std::thread::spawn(move || {
                    store
                        .transaction_blocking::<_, StoreError, _>(|tx| {
                            tx.count_failure(FailuresOf::Subscriber(of), &FailureRule::CODES, NOW)
                        })
                        .expect("it counts")
                })
            })
            .collect();
        for one in tries {
            one.join().expect("it ends");
        }
        let count = database
            .store
            .read_blocking::<_, StoreError, _>(|tx| tx.failures(FailuresOf::Subscriber(of)))
            .expect("reads");
        assert_eq!((count.in_a_row, count.locked_until), (10, Some(NOW + Duration::minutes(10))), "{}", database.name);
    }
}

#[test]
fn of_two_tabs_that_remove_the_last_two_methods_one_succeeds() {
    for database in TestDatabase::each() {
        let (of, a, b) = database
            .store
            .transaction_blocking::<_, StoreError, _>(|tx| {
                let of = add_account(tx)?;
                let (a, b) = (authenticator(of, None), authenticator(of, None));
                tx.add_authenticator(&a)?;
                tx.add_authenticator(&b)?;
                Ok((of, a.id, b.id))
            })
            .expect("it writes");
        let tries: Vec<_> = [a, b]
            .into_iter()
            .map(|id| {
                let store = database.store.clone();
                std::thread::spawn(move || {
                    store
                        .transaction_blocking::<_, StoreError, _>(|tx| tx.remove_authenticator(of, id))
                        .expect("it answers")
                })
            })
            .collect();
        let removed = tries.into_iter().map(|one| one.join().expect("it ends")).filter(|yes| *yes).count();
        assert_eq!(removed, 1, "{}", database.name);
    }
}

#[test]
fn a_request_is_seen_once() {
    for database in TestDatabase::each() {
        let seen = |id: &str| {
            database.store.transaction_blocking::<_, StoreError, _>(|tx| {
                tx.see_request("https://sp.example.gov", id, NOW + Duration::hours(1))
            })
        };
        assert_eq!((seen("_a"), seen("_a"), seen("_b")), (Ok(true), Ok(false), Ok(true)), "{}", database.name);
    }
}

#[test]
fn a_message_is_worked_on_by_one_and_by_another_after_its_lease() {
    for database in TestDatabase::each() {
        let entry = OutboxEntry {
            id: OutboxId::random(entropy()),
            kind: "mail".to_owned(),
            sealed: vec![1, 2, 3],
            run_at: NOW,
            attempts: 0,
            expires_at: NOW + Duration::hours(1),
        };
        let claim = |at: UtcDateTime| {
            database
                .store
                .transaction_blocking::<_, StoreError, _>(|tx| {
                    tx.claim_outbox("mail", 10, at, at + Duration::minutes(1))
                })
                .expect("it claims")
        };
        database.store.transaction_blocking::<_, StoreError, _>(|tx| tx.enqueue(&entry)).expect("it writes");
        assert_eq!(claim(NOW).len(), 1, "{}", database.name);
        assert_eq!(claim(NOW).len(), 0, "leased: {}", database.name);
        assert_eq!(claim(NOW + Duration::minutes(2)).first().map(|one| one.attempts), Some(1), "{}", database.name);
        database
            .store
            .transaction_blocking::<_, StoreError, _>(|tx| tx.finish_outbox(entry.id, OutboxOutcome::Sent, NOW))
            .expect("it writes");
        assert_eq!(claim(NOW + Duration::minutes(9)).len(), 0, "{}", database.name);
    }
}

/// A column as the migrations make it: table, name, and what they say of it.
struct Column {
    table: String,
    name: String,
    sensitive: Option<String>,
}

/// Every column that the migrations of a database make, in the order of their folders.
fn columns(database: &str) -> Vec<Column> {
    let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<_> =
        std::fs::read_dir(folder).expect("migrations").map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    let mut columns: Vec<Column> = Vec::new();
    for migration in folders {
        let text = std::fs::read_to_string(migration.join("up.sql")).expect("up.sql");
        let mut table = None;
        for line in text.lines().map(str::trim) {
            let words: Vec<&str> = line.split([' ', ';']).collect();
            let sensitive = line.split("-- sensitive: ").nth(1).map(str::to_owned);
            match words.as_slice() {
                ["CREATE", "TABLE", name, ..] => table = Some((*name).to_owned()),
                ["ALTER", "TABLE", table, "ADD", "COLUMN", name, ..] => {
                    columns.push(Column { table: (*table).to_owned(), name: (*name).to_owned(), sensitive });
                }
                ["ALTER", "TABLE", table, "DROP", "COLUMN", name, ..] => {
                    columns.retain(|column| column.table != *table || column.name != *name);
                }
                ["DROP", "TABLE", name, ..] => columns.retain(|column| column.table != *name),
                [")", ..] => table = None,
                [name, ..] => {
                    let no_column = ["", "--", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"].contains(name);
                    if let Some(table) = table.as_ref().filter(|_| !no_column) {
                        columns.push(Column { table: table.clone(), name: (*name).to_owned(), sensitive });
                    }
                }
                [] => {}
            }
        }
    }
    assert!(columns.len() > 100, "the migrations were read");
    columns
}

#[test]
fn every_column_says_whether_it_is_sensitive() {
    for database in ["sqlite", "postgresql"] {
        for Column { table, name, sensitive } in columns(database) {
            let said = sensitive.as_deref().is_some_and(|word| ["no", "keyed", "sealed", "twice"].contains(&word));
            assert!(said, "{database}: {table}.{name}: {sensitive:?}");
        }
    }
}

#[test]
fn every_sealed_or_keyed_column_has_an_end_for_its_old_key() {
    let listed: BTreeSet<(String, String)> =
        KEYED_COLUMNS.iter().map(|one| (one.table.to_owned(), one.column.to_owned())).collect();
    for database in ["sqlite", "postgresql"] {
        let said = columns(database).into_iter().filter(|column| column.sensitive.as_deref() != Some("no"));
        let said: BTreeSet<(String, String)> = said.map(|column| (column.table, column.name)).collect();
        assert_eq!(said, listed, "storage::KEYED_COLUMNS and the migrations of {database} differ");
    }
    // What is to be sealed anew, is.
    let resealed = KEYED_COLUMNS.iter().filter(|one| one.renewal == Renewal::Resealed).map(|one| one.table);
    let resealed: BTreeSet<&str> = resealed.collect();
    assert!(resealed_tables().into_iter().eq(resealed), "{:?}", resealed_tables());
    // Nothing whose key must be told apart goes without saying where it names it.
    for one in KEYED_COLUMNS {
        let beside = |other: &KeyedColumn| other.table == one.table && other.renewal == one.renewal;
        let told = KEYED_COLUMNS.iter().any(|other| beside(other) && other.key_id != KeyIdAt::Nowhere)
            || one.column == "fingerprint"
            || one.column == "key_hash";
        assert!(told || matches!(one.renewal, Renewal::Kept | Renewal::NoRoot), "{one:?}");
    }
}

#[test]
fn every_table_says_how_long_its_rows_are_kept() {
    let security = std::fs::read_to_string(format!("{}/SECURITY.md", env!("CARGO_MANIFEST_DIR"))).expect("SECURITY.md");
    let listed: BTreeSet<&str> = RETENTION.iter().map(|(table, _)| *table).collect();
    assert_eq!(listed.len(), RETENTION.len(), "a table is listed twice");
    for database in ["sqlite", "postgresql"] {
        let made = columns(database);
        let tables: BTreeSet<&str> = made.iter().map(|column| column.table.as_str()).collect();
        assert_eq!(tables, listed, "storage::retention and the migrations of {database} differ");
        for (table, retention) in RETENTION {
            // What says when it ends, is erased then.
            let ends = ["expires_at", "ends_at", "idle_until", "finished_at"];
            let has_end = made.iter().any(|column| column.table == *table && ends.contains(&column.name.as_str()));
            let is_erased = !matches!(retention, Retention::Kept(_));
            assert!(!has_end || is_erased || *table == "proofed_profile", "{table} has an end and is kept");
            let row = format!("| `{table}` | {} |", retention.in_words());
            assert!(security.contains(&row), "SECURITY.md lacks: {row}");
        }
    }
}

#[test]
fn what_is_erased_is_found_by_an_index() {
    for database in ["sqlite", "postgresql"] {
        let indexes = indexes(database);
        for erasure in erasures() {
            let wanted = format!("ON {} ({}", erasure.table, erasure.since);
            assert!(indexes.contains(&wanted), "{database}: no index `{wanted}`");
        }
        // What follows a session that gets a new secret.
        assert!(indexes.contains("ON logout_session (session"), "{database}");
    }
}

/// What all migrations of a database say.
fn indexes(database: &str) -> String {
    let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
    let texts = std::fs::read_dir(folder)
        .expect("migrations")
        .map(|entry| std::fs::read_to_string(entry.expect("an entry").path().join("up.sql")).expect("up.sql"));
    texts.collect()
}
