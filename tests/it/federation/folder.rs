//! Applying the metadata folder: revisions in the database, the snapshot, restarts.

use std::fs;
use std::path::Path;

use signet::jobs::metadata::{ApplyError, apply_blocking, load};
use signet::saml::EntityId;
use signet::storage::{DatabaseUrl, Store, StoreError};
use time::Duration;

use super::given::NOW;
use crate::support::sql;

struct House {
    folder: tempfile::TempDir,
    store: Store,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("metadata/sp/department-of-parks/permits");
        let to = folder.path().join("metadata/sp/department-of-parks/permits");
        fs::create_dir_all(&to).unwrap();
        for file in ["metadata.xml", "agreement.toml"] {
            fs::copy(samples.join(file), to.join(file)).unwrap();
        }
        let store = Store::open(&DatabaseUrl::sqlite(&folder.path().join("signet.db")), 2).unwrap();
        store.migrate().unwrap();
        Self { folder, store }
    }

    fn metadata(&self) -> std::path::PathBuf {
        self.folder.path().join("metadata")
    }

    fn agreement(&self) -> std::path::PathBuf {
        self.metadata().join("sp/department-of-parks/permits/agreement.toml")
    }
}

fn permits() -> EntityId {
    EntityId::parse("https://permits.parks.example.gov/saml").unwrap()
}

#[test]
fn last_good_revision_survives_a_restart_with_a_broken_file() {
    let house = House::new();
    let first = apply_blocking(&house.store, &house.metadata(), "test", NOW).unwrap();
    assert_eq!(first.changes.len(), 1);
    fs::write(house.agreement(), "agency_id =").unwrap();

    // A restart: nothing is known but what the database holds.
    let (loaded, broken) = house.store.read_blocking::<_, StoreError, _>(load).unwrap();
    assert!(broken.is_empty());
    let good = loaded.find(&permits()).unwrap().revision();
    let second = apply_blocking(&house.store, &house.metadata(), "test", NOW + Duration::MINUTE).unwrap();
    assert_eq!(second.broken.len(), 1);
    assert_eq!(second.registry.find(&permits()).unwrap().revision(), good);
}

#[test]
fn applying_twice_makes_one_revision() {
    let house = House::new();
    for minute in 0..2 {
        apply_blocking(&house.store, &house.metadata(), "test", NOW + Duration::minutes(minute)).unwrap();
    }
    let revisions = house.store.read_blocking::<_, StoreError, _>(|tx| tx.current_sp_revisions()).unwrap();
    assert_eq!(revisions.len(), 1);
    assert_eq!(revisions[0].applied_by, "test");
    assert_eq!(sql::count(&house.store, "sp_revision", "1 = 1"), 1);
}

#[test]
fn folder_that_is_gone_ends_the_service_and_its_agency_stays_known() {
    let house = House::new();
    apply_blocking(&house.store, &house.metadata(), "test", NOW).unwrap();
    let (parks, ministry) =
        (house.metadata().join("sp/department-of-parks"), house.metadata().join("sp/ministry-of-parks"));
    fs::rename(parks, &ministry).unwrap();
    let agreement = ministry.join("permits/agreement.toml");
    let text = fs::read_to_string(&agreement).unwrap();
    fs::write(&agreement, text.replace("agency_id = \"department-of-parks\"", "agency_id = \"ministry-of-parks\""))
        .unwrap();
    for minute in 1..3 {
        let applied = apply_blocking(&house.store, &house.metadata(), "test", NOW + Duration::minutes(minute)).unwrap();
        assert!(applied.registry.find(&permits()).is_none());
        assert!(applied.broken[0].reason.contains("never changes"), "{}", applied.broken[0]);
    }
}

#[test]
fn empty_folder_removes_nothing() {
    let house = House::new();
    apply_blocking(&house.store, &house.metadata(), "test", NOW).unwrap();
    fs::remove_dir_all(house.metadata().join("sp/department-of-parks")).unwrap();
    let refused = apply_blocking(&house.store, &house.metadata(), "test", NOW + Duration::MINUTE);
    assert!(matches!(refused, Err(ApplyError::WouldRemoveEverything(_))));
    let (loaded, _) = house.store.read_blocking::<_, StoreError, _>(load).unwrap();
    assert!(loaded.find(&permits()).is_some());
}
