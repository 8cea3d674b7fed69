//! The database: the same tests on SQLite and PostgreSQL.

mod endings;
mod ledger;
mod migrations;
mod nodes;
mod sessions;

use std::sync::Arc;

use signet::authentication::throttle::{FailureRule, RateLimit, RateVerdict};
use signet::authentication::{AuthenticatorId, AuthenticatorKind};
use signet::services::{Entropy, SystemEntropy, random_bytes};
use signet::storage::{
    AuthenticatorRecord, EmailRecord, FailuresOf, OutboxEntry, OutboxId, OutboxOutcome, StoreError, Transaction,
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
        let allowed =
            tries.into_iter().map(|one| one.join().expect("it ends")).filter(|v| *v == RateVerdict::Allowed).count();
        assert_eq!(allowed, 5, "{}", database.name);
        // The next window begins anew.
        let later = database
            .store
            .transaction_blocking::<_, StoreError, _>(|tx| tx.count_try(&limit, &key, NOW + Duration::minutes(2)));
        assert_eq!(later, Ok(RateVerdict::Allowed), "{}", database.name);
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
                .transaction_blocking::<_, StoreError, _>(|tx| tx.claim_outbox(10, at, at + Duration::minutes(1)))
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

#[test]
fn every_column_says_whether_it_is_sensitive() {
    for database in ["sqlite", "postgresql"] {
        let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
        for migration in std::fs::read_dir(folder).expect("migrations") {
            let text = std::fs::read_to_string(migration.expect("an entry").path().join("up.sql")).expect("up.sql");
            let mut in_table = false;
            for line in text.lines() {
                let line = line.trim();
                in_table = (in_table || line.starts_with("CREATE TABLE")) && !line.starts_with(");");
                let column =
                    in_table && !line.is_empty() && !line.starts_with("CREATE") && !line.starts_with("PRIMARY");
                if column {
                    let word = line.split("-- sensitive: ").nth(1);
                    assert!(
                        word.is_some_and(|w| ["no", "keyed", "sealed", "twice"].contains(&w)),
                        "{database}: {line}"
                    );
                }
            }
        }
    }
}
