//! Several processes over one database, and what a reader may do.

use signet::federation::agreement::AgencyId;
use signet::federation::identifier::StoredPairwiseId;
use signet::services::random_bytes;
use signet::storage::{DatabaseUrl, SpRevision, Store, StoreError};
use time::Duration;

use super::{NOW, add_account, entropy};
use crate::support::database::TestDatabase;
use crate::support::sql;

#[test]
fn a_second_node_on_one_sqlite_file_is_refused_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::sqlite(&folder.path().join("signet.db"));
    let (first, second) = (Store::open(&url, 2).unwrap(), Store::open(&url, 2).unwrap());
    first.migrate().unwrap();
    let held = first.node_lock().expect("nobody else has it");
    assert_eq!(second.node_lock().err(), Some(StoreError::InUse));
    // Commands of the terminal work beside a serving node.
    assert_eq!(second.pending_migrations(), Ok(Vec::new()));
    second.transaction_blocking::<_, StoreError, _>(|tx| add_account(tx)).expect("it writes");
    drop(held);
    assert!(second.node_lock().is_ok());
}

#[test]
fn postgresql_serves_several_nodes() {
    let Some(database) = TestDatabase::postgresql() else { return };
    let other = Store::open(database.store.url(), 2).expect("it opens");
    let _one = database.store.node_lock().expect("there is room");
    assert!(other.node_lock().is_ok());
}

#[test]
fn a_reader_cannot_write() {
    for database in TestDatabase::each() {
        let written = database.store.read_blocking::<_, StoreError, _>(|tx| add_account(tx));
        assert!(written.is_err(), "{}", database.name);
        database.store.transaction_blocking::<_, StoreError, _>(|tx| add_account(tx)).expect("a writer can");
    }
}

/// An identifier that nobody has yet. This room keeps what it is given; whether it is believed is decided elsewhere.
fn proposed() -> StoredPairwiseId {
    StoredPairwiseId { value: random_bytes::<16>(entropy()).to_vec(), created_at: 0, mac: vec![0; 36] }
}

fn agency(id: &str) -> AgencyId {
    AgencyId::parse(id).unwrap()
}

#[test]
fn of_two_first_sign_ins_at_once_both_get_the_same_identifier() {
    for database in TestDatabase::each() {
        let of = database.store.transaction_blocking::<_, StoreError, _>(add_account).unwrap();
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let store = database.store.clone();
                std::thread::spawn(move || {
                    let proposed = proposed();
                    store
                        .transaction_blocking::<_, StoreError, _>(|tx| {
                            tx.settle_pairwise_id(of, &agency("parks"), &proposed)
                        })
                        .unwrap()
                })
            })
            .collect();
        let ids: Vec<StoredPairwiseId> = tries.into_iter().map(|one| one.join().unwrap()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{}", database.name);
        let elsewhere = proposed();
        let other = database
            .store
            .transaction_blocking::<_, StoreError, _>(|tx| tx.settle_pairwise_id(of, &agency("library"), &elsewhere))
            .unwrap();
        assert!(other == elsewhere, "each agency knows another name: {}", database.name);
    }
}

#[test]
fn one_revision_of_a_service_counts_and_the_former_ones_are_kept() {
    for database in TestDatabase::each() {
        let revision = |number: u8| SpRevision {
            sha256: [number; 32],
            entity_id: "https://sp.example.gov".into(),
            agency_id: "parks".into(),
            folder: "parks/permits".into(),
            metadata: vec![number],
            agreement: vec![number],
            applied_at: NOW + Duration::minutes(i64::from(number)),
            applied_by: "test".into(),
        };
        let (current, retired, none) = database
            .store
            .transaction_blocking::<_, StoreError, _>(|tx| {
                tx.apply_sp_revision(&revision(1))?;
                tx.apply_sp_revision(&revision(2))?;
                let current = tx.current_sp_revisions()?;
                let retired = tx.retire_sp("https://sp.example.gov", NOW + Duration::minutes(3))?;
                Ok((current, retired, tx.current_sp_revisions()?))
            })
            .expect("it writes");
        assert_eq!(current, [revision(2)], "{}", database.name);
        let kept = sql::count(&database.store, "sp_revision", "superseded_at IS NOT NULL");
        assert_eq!(kept, 2, "{}", database.name);
        assert!(retired && none.is_empty(), "{}", database.name);
    }
}
