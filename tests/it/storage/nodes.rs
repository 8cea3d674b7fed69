//! Several processes over one database, and what a reader may do.

use signet::entropy::random_bytes;
use signet::federation::agreement::AgencyId;
use signet::federation::identifier::StoredPairwiseId;
use signet::federation::registry::StoredRevision;
use signet::storage::{DatabaseUrl, Store, StoreError};

use super::{add_account, entropy};
use crate::support::database::TestDatabase;

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
fn a_revision_is_kept_with_its_files_and_once_superseded_without_them_counting() {
    for database in TestDatabase::each() {
        let revision = |number: u8| StoredRevision {
            sha256: vec![number; 32],
            entity_id: "https://sp.example.gov".into(),
            agency_id: "parks".into(),
            folder: "parks/permits".into(),
            applied_at: i64::from(number),
            applied_by: "test".into(),
            sequence: i64::from(number),
            superseded_at: None,
            mac: vec![number],
        };
        let superseded = StoredRevision { superseded_at: Some(2), mac: vec![9], ..revision(1) };
        let (revisions, files) = database
            .store
            .transaction_blocking::<_, StoreError, _>(|tx| {
                tx.add_sp_revision(&revision(2), &[2], &[4])?;
                tx.add_sp_revision(&revision(1), &[1], &[3])?;
                tx.supersede_sp_revision(&superseded)?;
                Ok((tx.sp_revisions()?, tx.current_sp_files()?))
            })
            .expect("it writes");
        assert_eq!(revisions, [superseded, revision(2)], "{}", database.name);
        let [files] = files.as_slice() else { panic!("{}: {files:?}", database.name) };
        assert_eq!((files.sha256.as_slice(), files.applied_at), ([2; 32].as_slice(), 2), "{}", database.name);
        assert_eq!((files.metadata.as_slice(), files.agreement.as_slice()), ([2].as_slice(), [4].as_slice()));
    }
}
