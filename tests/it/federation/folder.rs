//! Applying the metadata folder: revisions in the database, the snapshot, restarts.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use signet::entropy::SystemEntropy;
use signet::federation::registry::{Admission, Applied};
use signet::jobs::metadata::{ApplyError, Loaded, apply_blocking, load};
use signet::saml::EntityId;
use signet::services::keys::{GenerateKeys, LocalKeys, SealingSecret, SigningKeyKind};
use signet::storage::{DatabaseUrl, Store, StoreError};
use time::{Duration, UtcDateTime};

use super::given::NOW;
use crate::support::sql;

struct House {
    folder: tempfile::TempDir,
    store: Store,
    keys: LocalKeys,
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
        let keys = keys(&folder.path().join("keys"));
        Self { folder, store, keys }
    }

    fn apply(&self, now: UtcDateTime) -> Result<Applied, ApplyError> {
        apply_blocking(
            &self.store,
            &self.keys,
            &self.metadata(),
            "test",
            Admission { now, loopback_http: false, denied: signet::saml::DeniedAlgorithms::NONE },
        )
    }

    fn load(&self) -> Loaded {
        self.store.read_blocking(|tx| load(tx, &self.keys)).unwrap()
    }

    fn metadata(&self) -> std::path::PathBuf {
        self.folder.path().join("metadata")
    }

    fn agreement(&self) -> std::path::PathBuf {
        self.metadata().join("sp/department-of-parks/permits/agreement.toml")
    }
}

fn keys(folder: &Path) -> LocalKeys {
    let secret = SealingSecret::new("a passphrase of some length").unwrap();
    let wanted = GenerateKeys { common_name: "idp.test", signing: SigningKeyKind::EcP256, now: NOW };
    LocalKeys::generate(folder, &secret, &wanted, Arc::new(SystemEntropy)).unwrap()
}

fn permits() -> EntityId {
    EntityId::parse("https://permits.parks.example.gov/saml").unwrap()
}

#[test]
fn last_good_revision_survives_a_restart_with_a_broken_file() {
    let house = House::new();
    let first = house.apply(NOW).unwrap();
    assert_eq!(first.changes.len(), 1);
    fs::write(house.agreement(), "agency_id =").unwrap();

    // A restart: nothing is known but what the database holds.
    let loaded = house.load();
    assert!(loaded.broken.is_empty() && loaded.altered.is_empty());
    let good = loaded.registry.find(&permits()).unwrap().revision();
    let second = house.apply(NOW + Duration::MINUTE).unwrap();
    assert_eq!(second.broken.len(), 1);
    assert_eq!(second.registry.find(&permits()).unwrap().revision(), good);
}

#[test]
fn record_whose_metadata_ended_is_served_on_after_a_restart() {
    let house = House::new();
    let metadata = house.metadata().join("sp/department-of-parks/permits/metadata.xml");
    let text = fs::read_to_string(&metadata).unwrap();
    let until = signet::saml::instant::format(NOW + Duration::HOUR);
    fs::write(&metadata, text.replace("entityID=", &format!("validUntil=\"{until}\" entityID="))).unwrap();
    let good = house.apply(NOW).unwrap().registry.find(&permits()).unwrap().revision();
    let later = house.apply(NOW + Duration::DAY).unwrap();
    assert!(later.broken[0].reason.contains("validUntil has passed"), "{}", later.broken[0]);
    let loaded = house.load();
    assert!(loaded.broken.is_empty() && loaded.altered.is_empty());
    assert_eq!(loaded.registry.find(&permits()).unwrap().revision(), good);
}

#[test]
fn applying_twice_makes_one_revision() {
    let house = House::new();
    for minute in 0..2 {
        house.apply(NOW + Duration::minutes(minute)).unwrap();
    }
    let revisions = house.store.read_blocking::<_, StoreError, _>(|tx| tx.sp_revisions()).unwrap();
    assert_eq!(revisions.len(), 1);
    assert_eq!(revisions[0].applied_by, "test");
    assert_eq!(sql::count(&house.store, "sp_revision", "1 = 1"), 1);
}

#[test]
fn folder_that_is_gone_ends_the_service_and_its_agency_stays_known() {
    let house = House::new();
    house.apply(NOW).unwrap();
    let (parks, ministry) =
        (house.metadata().join("sp/department-of-parks"), house.metadata().join("sp/ministry-of-parks"));
    fs::rename(parks, &ministry).unwrap();
    let agreement = ministry.join("permits/agreement.toml");
    let text = fs::read_to_string(&agreement).unwrap();
    fs::write(&agreement, text.replace("agency_id = \"department-of-parks\"", "agency_id = \"ministry-of-parks\""))
        .unwrap();
    for minute in 1..3 {
        let applied = house.apply(NOW + Duration::minutes(minute)).unwrap();
        assert!(applied.registry.find(&permits()).is_none());
        assert!(applied.broken[0].reason.contains("never changes"), "{}", applied.broken[0]);
    }
}

#[test]
fn empty_folder_removes_nothing() {
    let house = House::new();
    house.apply(NOW).unwrap();
    fs::remove_dir_all(house.metadata().join("sp/department-of-parks")).unwrap();
    let refused = house.apply(NOW + Duration::MINUTE);
    assert!(matches!(refused, Err(ApplyError::WouldRemoveEverything(_))));
    let loaded = house.load();
    assert!(loaded.registry.find(&permits()).is_some());
}

/// The agreement as it is wanted by somebody who may write to the database: more is allowed than was agreed.
fn wider(house: &House) -> Vec<u8> {
    let text = fs::read_to_string(house.agreement()).unwrap();
    let wider = text.replacen("[agency_name]", "# as somebody else wrote it\n[agency_name]", 1);
    assert_ne!(wider, text);
    wider.into_bytes()
}

#[test]
fn a_record_that_is_not_as_it_was_applied_is_no_service_until_the_folder_is_applied_again() {
    for edit in [
        "agreement = WIDER",
        "metadata = agreement",
        "sha256 = metadata",
        "agency_id = 'ministry-of-parks'",
        "folder = 'department-of-parks/other'",
        "applied_by = 'somebody'",
        "applied_at = applied_at + 1",
        "sequence = 7",
        "superseded_at = 1",
        "mac = sha256",
    ] {
        let house = House::new();
        house.apply(NOW).unwrap();
        let good = house.load().registry.find(&permits()).unwrap().revision();
        let edit = edit.replace("WIDER", &sql::bytes(&house.store, &wider(&house)));
        let edit = edit.as_str();
        sql::run(&house.store, &format!("UPDATE sp_revision SET {edit}"));
        let loaded = house.load();
        assert!(loaded.registry.find(&permits()).is_none(), "{edit:.40}");
        assert!(loaded.registry.is_altered(&permits()), "{edit:.40}");
        assert_eq!(loaded.altered.len(), 1, "{edit:.40}");

        // The folder stands in its place, and the row is told of once.
        let applied = house.apply(NOW + Duration::MINUTE).unwrap();
        assert_eq!((applied.altered.len(), applied.changes.len()), (1, 1), "{edit:.40}");
        let applied = house.apply(NOW + Duration::minutes(2)).unwrap();
        assert_eq!((applied.altered.len(), applied.changes.len()), (0, 0), "{edit:.40}");
        let loaded = house.load();
        assert_eq!(loaded.registry.find(&permits()).unwrap().revision(), good, "{edit:.40}");
        assert!(loaded.altered.is_empty(), "{edit:.40}");
    }
}

#[test]
fn a_record_that_was_replaced_or_removed_does_not_come_back_by_hand() {
    for (by_hand, is_served) in [
        // An older one counts again, beside the newer one or instead of it.
        ("UPDATE sp_revision SET superseded_at = NULL WHERE sequence = 1", true),
        ("DELETE FROM sp_revision WHERE sequence = 2; UPDATE sp_revision SET superseded_at = NULL", false),
        // Put back as it was while it counted.
        ("DELETE FROM sp_revision WHERE sequence = 1; INSERT INTO sp_revision SELECT * FROM aside", true),
    ] {
        let house = House::new();
        house.apply(NOW).unwrap();
        sql::run(&house.store, "CREATE TABLE aside AS SELECT * FROM sp_revision");
        fs::write(house.agreement(), wider(&house)).unwrap();
        let applied = house.apply(NOW + Duration::MINUTE).unwrap();
        assert_eq!(applied.changes.len(), 1);
        let newer = applied.registry.find(&permits()).unwrap().revision();
        sql::run(&house.store, by_hand);
        let loaded = house.load();
        assert_eq!(loaded.registry.find(&permits()).map(|service| service.revision()), is_served.then_some(newer));
        assert_eq!(loaded.registry.is_altered(&permits()), !is_served);
        assert_eq!(loaded.altered.len(), 1, "{by_hand}");
    }
    let house = House::new();
    let other = house.metadata().join("sp/city-of-example/library");
    fs::create_dir_all(&other).unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("metadata/sp/city-of-example/library");
    for file in ["metadata.xml", "agreement.toml"] {
        fs::copy(samples.join(file), other.join(file)).unwrap();
    }
    house.apply(NOW).unwrap();
    fs::remove_dir_all(house.metadata().join("sp/department-of-parks")).unwrap();
    house.apply(NOW + Duration::MINUTE).unwrap();
    sql::run(&house.store, "UPDATE sp_revision SET superseded_at = NULL");
    let loaded = house.load();
    assert!(loaded.registry.is_altered(&permits()));
    assert_eq!(loaded.registry.len(), 1);
}

#[test]
fn a_made_up_agency_keeps_no_service_from_its_own() {
    let house = House::new();
    sql::run(
        &house.store,
        &format!(
            "INSERT INTO sp_revision VALUES ({0}, '{1}', 'ministry-of-parks', 'ministry-of-parks/permits', {0}, {0}, 1,
             'test', 1, 2, {0})",
            sql::bytes(&house.store, &[7; 36]),
            permits()
        ),
    );
    let applied = house.apply(NOW).unwrap();
    assert!(applied.broken.is_empty(), "{:?}", applied.broken);
    assert!(applied.registry.find(&permits()).is_some());
    assert_eq!(applied.altered.len(), 1);
}
