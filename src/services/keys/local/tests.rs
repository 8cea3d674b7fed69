use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use time::macros::utc_datetime;

use super::*;
use crate::entropy::SystemEntropy;

fn secret() -> SealingSecret {
    SealingSecret::new("a passphrase of some length\n").unwrap()
}

fn wanted() -> GenerateKeys<'static> {
    GenerateKeys { common_name: "signet.test", signing: SigningKeyKind::EcP256, now: utc_datetime!(2026-11-24 12:00) }
}

fn generated() -> (tempfile::TempDir, LocalKeys) {
    let dir = tempfile::tempdir().unwrap();
    let keys = LocalKeys::generate(&dir.path().join("keys"), &secret(), &wanted(), Arc::new(SystemEntropy)).unwrap();
    (dir, keys)
}

fn reopened(dir: &tempfile::TempDir) -> LocalKeys {
    LocalKeys::open(&dir.path().join("keys"), &secret(), Arc::new(SystemEntropy)).unwrap()
}

#[test]
fn what_one_process_sealed_another_opens() {
    let (dir, keys) = generated();
    let sealed = keys.seal(Purpose::EmailAddress, b"ada", b"ada@example.gov").unwrap();
    let again = reopened(&dir);
    assert_eq!(&**again.open(Purpose::EmailAddress, b"ada", &sealed).unwrap(), b"ada@example.gov");
    assert_eq!(
        keys.fingerprint(Purpose::EmailAddress, b"ada@example.gov"),
        again.fingerprint(Purpose::EmailAddress, b"ada@example.gov")
    );
}

#[test]
fn a_value_sealed_for_one_purpose_or_person_opens_for_no_other() {
    let (_dir, keys) = generated();
    let sealed = keys.seal(Purpose::TotpSecret, b"ada", b"secret").unwrap();
    assert_eq!(keys.open(Purpose::EmailAddress, b"ada", &sealed).err(), Some(KeysError::CannotOpen));
    assert_eq!(keys.open(Purpose::TotpSecret, b"ben", &sealed).err(), Some(KeysError::CannotOpen));
}

#[test]
fn fingerprints_of_one_value_differ_by_purpose() {
    let (_dir, keys) = generated();
    assert_ne!(
        keys.fingerprint(Purpose::EmailAddress, b"x").unwrap(),
        keys.fingerprint(Purpose::PhoneNumber, b"x").unwrap()
    );
    assert_ne!(keys.fingerprint(Purpose::Throttle, b"x").unwrap(), keys.mac(Purpose::Throttle, b"x").unwrap().tag);
}

#[test]
fn after_rotation_the_new_key_seals_and_the_old_one_still_opens() {
    let (dir, keys) = generated();
    let sealed = keys.seal(Purpose::Outbox, b"", b"letter").unwrap();
    let mac = keys.mac(Purpose::Password, b"verifier").unwrap();
    let fingerprint = keys.fingerprint(Purpose::EmailAddress, b"ada").unwrap();
    assert_eq!(LocalKeys::rotate_roots(&dir.path().join("keys"), &secret(), &SystemEntropy).unwrap(), 2);

    let rotated = reopened(&dir);
    assert_eq!(&**rotated.open(Purpose::Outbox, b"", &sealed).unwrap(), b"letter");
    let rotated_dyn: &dyn ServiceKeys = &rotated;
    assert_eq!(rotated_dyn.verify_mac(Purpose::Password, b"verifier", &mac), Ok(true));
    assert_eq!(rotated_dyn.verify_mac(Purpose::Password, b"another", &mac), Ok(false));
    assert_eq!(rotated.fingerprints(Purpose::EmailAddress, b"ada").unwrap()[1], fingerprint);
    let newer = rotated.seal(Purpose::Outbox, b"", b"letter").unwrap();
    assert_eq!(keys.open(Purpose::Outbox, b"", &newer).err(), Some(KeysError::UnknownKey(2)));
}

#[test]
fn the_wrong_passphrase_is_named() {
    let (dir, _keys) = generated();
    let other = SealingSecret::new("another passphrase of some length").unwrap();
    let opened = LocalKeys::open(&dir.path().join("keys"), &other, Arc::new(SystemEntropy));
    assert!(matches!(opened.err(), Some(LocalKeysError::WrongPassphrase)));
}

/// A module that wraps with a key of its own, counts what it is asked, and can be out of reach.
#[derive(Default)]
struct Module {
    asked: std::sync::atomic::AtomicUsize,
    is_gone: std::sync::atomic::AtomicBool,
}

impl KeyWrapper for Module {
    fn scheme(&self) -> &'static str {
        "test-module"
    }

    fn wrap(&self, keys: &[u8], entropy: &dyn Entropy) -> Result<crate::services::keys::WrappedKeys, KeyWrapError> {
        let octets = Envelope::seal(&[7; 32], 0, b"module", keys, entropy).map_err(|_| KeyWrapError::Malformed)?;
        Ok(crate::services::keys::WrappedKeys { parameters: serde_json::json!({"key": "alias/roots"}), octets })
    }

    fn unwrap_keys(&self, wrapped: &crate::services::keys::WrappedKeys) -> Result<Zeroizing<Vec<u8>>, KeyWrapError> {
        use std::sync::atomic::Ordering::Relaxed;
        self.asked.fetch_add(1, Relaxed);
        if self.is_gone.load(Relaxed) {
            return Err(KeyWrapError::OutOfReach("no answer".into()));
        }
        assert_eq!(wrapped.parameters["key"], "alias/roots");
        Envelope::parse(&wrapped.octets)
            .and_then(|envelope| envelope.open(&[7; 32], b"module"))
            .map_err(|_| KeyWrapError::Refused)
    }
}

#[test]
fn root_keys_that_a_module_wraps_are_unwrapped_once_at_start() {
    use std::sync::atomic::Ordering::Relaxed;
    let (dir, module) = (tempfile::tempdir().unwrap(), Module::default());
    let folder = dir.path().join("keys");
    LocalKeys::generate(&folder, &module, &wanted(), Arc::new(SystemEntropy)).unwrap();
    module.asked.store(0, Relaxed);
    let keys = LocalKeys::open(&folder, &module, Arc::new(SystemEntropy)).unwrap();
    let sealed = keys.seal(Purpose::EmailAddress, b"ada", b"ada@example.gov").unwrap();
    assert_eq!(&**keys.open(Purpose::EmailAddress, b"ada", &sealed).unwrap(), b"ada@example.gov");
    assert_eq!(keys.pairs().unwrap().signers.len(), 1);
    assert_eq!(module.asked.load(Relaxed), 1);

    let opened = LocalKeys::open(&folder, &secret(), Arc::new(SystemEntropy));
    assert!(matches!(
        opened.err(),
        Some(LocalKeysError::WrappedOtherwise { by, with: "argon2id" }) if by == "test-module"
    ));
    module.is_gone.store(true, Relaxed);
    let opened = LocalKeys::open(&folder, &module, Arc::new(SystemEntropy));
    assert!(matches!(opened.err(), Some(LocalKeysError::OutOfReach(why)) if why == "no answer"));
}

#[test]
fn file_of_an_earlier_version_opens() {
    // As it was written before there were wrappers: the parameters of Argon2id between version and sealed keys.
    let (dir, _) = generated();
    let path = dir.path().join("keys").join(SERVICE_KEYS);
    let stored: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let earlier = format!(
        "{{\"format\":{},\"version\":{},\"argon2id\":{},\"sealed\":{}}}",
        stored["format"], stored["version"], stored["argon2id"], stored["sealed"]
    );
    fs::write(&path, earlier).unwrap();
    assert_eq!(reopened(&dir).root_keys(), [1]);
    for other in ["{\"argon2id\":{},\"other\":{},", "{"] {
        let text = format!(
            "{other}\"format\":{},\"version\":{},\"sealed\":{}}}",
            stored["format"], stored["version"], stored["sealed"]
        );
        fs::write(&path, text).unwrap();
        let opened = LocalKeys::open(&dir.path().join("keys"), &secret(), Arc::new(SystemEntropy));
        assert!(matches!(opened.err(), Some(LocalKeysError::NotAKeyFile)), "{other}");
    }
}

#[test]
fn a_short_passphrase_is_refused() {
    assert!(matches!(SealingSecret::new("short\n"), Err(LocalKeysError::PassphraseTooShort)));
}

#[test]
fn keys_are_never_written_over() {
    let (dir, _keys) = generated();
    let again = LocalKeys::generate(&dir.path().join("keys"), &secret(), &wanted(), Arc::new(SystemEntropy));
    assert!(matches!(again.err(), Some(LocalKeysError::AlreadyThere(_))));
}

/// The only signing key of the folder: its file without the ending.
fn only_signing_file(dir: &tempfile::TempDir) -> std::path::PathBuf {
    let id = reopened(dir).pairs().unwrap().signers.pop().unwrap().key_id().to_owned();
    dir.path().join("keys/signing").join(id)
}

#[test]
fn only_the_owner_can_read_the_files_and_none_shows_a_private_key() {
    let (dir, _keys) = generated();
    let keys = dir.path().join("keys");
    assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o700);
    let signing = only_signing_file(&dir);
    for file in [keys.join("service-keys.json"), signing.with_extension("key"), signing.with_extension("crt")] {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!String::from_utf8(fs::read(&file).unwrap()).unwrap().contains("PRIVATE KEY"));
    }
}

#[test]
fn a_certificate_of_another_key_is_named() {
    let (dir, _keys) = generated();
    let (other, _) = generated();
    let certificate = only_signing_file(&dir).with_extension("crt");
    fs::copy(only_signing_file(&other).with_extension("crt"), &certificate).unwrap();
    let opened = LocalKeys::open(&dir.path().join("keys"), &secret(), Arc::new(SystemEntropy));
    assert!(matches!(opened.err(), Some(LocalKeysError::NotAPair(file)) if file == certificate));
}

#[test]
fn a_signing_key_that_was_added_is_found_without_opening_the_folder_again() {
    let (dir, keys) = generated();
    let first = keys.pairs().unwrap().signers.pop().unwrap().key_id().to_owned();
    let added = reopened(&dir).add_signing_key(&GenerateKeys { signing: SigningKeyKind::Rsa3072, ..wanted() }).unwrap();
    let signers = keys.pairs().unwrap().signers;
    assert_eq!(signers.len(), 2);
    let rsa = signers.iter().find(|signer| signer.key_id() == added).unwrap();
    assert!(rsa.algorithm().is_rsa());
    assert_eq!(rsa.sign(b"octets").unwrap().len(), 3072 / 8);

    // Erased, it signs no more; the certificate stays, and so does the other key.
    assert_eq!(keys.erase_signing_key(&added).ok(), Some(true));
    assert_eq!(keys.erase_signing_key(&added).ok(), Some(false));
    let left: Vec<String> = keys.pairs().unwrap().signers.iter().map(|signer| signer.key_id().to_owned()).collect();
    assert_eq!(left, [first]);
    assert!(dir.path().join("keys/signing").join(format!("{added}.crt")).exists());
}

#[test]
fn a_damaged_signing_key_is_named_and_no_other_takes_its_place() {
    let (dir, keys) = generated();
    let added = keys.add_signing_key(&wanted()).unwrap();
    fs::write(dir.path().join("keys/signing").join(format!("{added}.key")), "nonsense").unwrap();
    let unreadable = keys.pairs().err().unwrap().to_string();
    assert!(unreadable.contains(&added), "{unreadable}");
}

#[test]
fn a_folder_without_a_signing_key_does_not_open() {
    let (dir, keys) = generated();
    let only = keys.pairs().unwrap().signers.pop().unwrap().key_id().to_owned();
    keys.erase_signing_key(&only).unwrap();
    let opened = LocalKeys::open(&dir.path().join("keys"), &secret(), Arc::new(SystemEntropy));
    assert!(matches!(opened.err(), Some(LocalKeysError::Missing(_))));
}

#[test]
fn a_retired_root_seals_and_vouches_for_nothing_but_the_ledger() {
    let (dir, keys) = generated();
    let folder = dir.path().join("keys");
    let (sealed, mac) =
        (keys.seal(Purpose::Outbox, b"", b"letter").unwrap(), keys.mac(Purpose::Consent, b"x").unwrap());
    let ledger = keys.mac(Purpose::Ledger, b"record").unwrap();
    let address = keys.fingerprint(Purpose::MetadataAddress, b"service").unwrap();
    let retire = |id| LocalKeys::retire_root(&folder, &secret(), id, &SystemEntropy).unwrap();
    assert!(!retire(1), "the newest stays");
    LocalKeys::rotate_roots(&folder, &secret(), &SystemEntropy).unwrap();
    let rotated = reopened(&dir);
    assert_eq!(rotated.pairs_by_root().unwrap(), BTreeMap::from([(1, 1)]));
    assert_eq!(rotated.reseal_pairs().unwrap(), 1);
    assert!(retire(1) && !retire(1) && !retire(9));

    let after = reopened(&dir);
    assert_eq!((after.root_keys(), after.retired_roots()), (vec![2], vec![1]));
    assert_eq!(after.pairs().unwrap().signers.len(), 1);
    assert_eq!(after.open(Purpose::Outbox, b"", &sealed).err(), Some(KeysError::RetiredKey(1)));
    let after: &dyn ServiceKeys = &after;
    assert_eq!(after.verify_mac(Purpose::Consent, b"x", &mac), Err(KeysError::RetiredKey(1)));
    assert_eq!(after.verify_mac(Purpose::Ledger, b"record", &ledger), Ok(true));
    assert!(after.fingerprints(Purpose::MetadataAddress, b"service").unwrap().contains(&address));
    assert_eq!(after.fingerprints(Purpose::EmailAddress, b"ada").unwrap().len(), 1);
    // A second rotation keeps what was kept.
    LocalKeys::rotate_roots(&folder, &secret(), &SystemEntropy).unwrap();
    assert_eq!(reopened(&dir).reseal_pairs().unwrap(), 1);
    assert!(retire(2));
    let last = reopened(&dir);
    assert_eq!(last.retired_roots(), [1, 2]);
    assert_eq!((&last as &dyn ServiceKeys).verify_mac(Purpose::Ledger, b"record", &ledger), Ok(true));
}

#[test]
fn what_is_kept_of_a_root_is_what_each_purpose_says() {
    for (_, purpose) in KEPT {
        assert_eq!(purpose.after_rotation(), crate::sealing::AfterRotation::Kept, "{purpose:?}");
    }
}
