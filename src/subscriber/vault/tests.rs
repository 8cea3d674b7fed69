use super::*;
use crate::entropy::SystemEntropy;
use crate::sealing::ServiceKeys as _;
use crate::services::keys::keys_for_tests;
use crate::subscriber::SubscriberId;

const ADA: SubscriberId = SubscriberId::from_bytes([1; 16]);
const BEN: SubscriberId = SubscriberId::from_bytes([2; 16]);

fn vault_key() -> VaultKey {
    VaultKey::random(&SystemEntropy)
}

fn slot_key(secret: &[u8]) -> SlotKey {
    SlotKey::derive(SlotKind::Password, secret)
}

fn sealed(key: &VaultKey) -> SealedAttribute {
    key.seal_attribute(ADA, "ssn", 1, b"900-12-3456", &SystemEntropy).unwrap()
}

#[test]
fn the_person_reads_what_was_sealed() {
    let key = vault_key();
    let opened = key.open_attribute(ADA, "ssn", 1, &sealed(&key)).unwrap();
    assert_eq!(opened.expose(), b"900-12-3456");
}

#[test]
fn a_value_moved_to_another_person_attribute_or_version_is_refused() {
    let key = vault_key();
    let sealed = sealed(&key);
    assert_eq!(key.open_attribute(BEN, "ssn", 1, &sealed).err(), Some(VaultError::DoesNotOpen));
    assert_eq!(key.open_attribute(ADA, "phone", 1, &sealed).err(), Some(VaultError::DoesNotOpen));
    assert_eq!(key.open_attribute(ADA, "ssn", 2, &sealed).err(), Some(VaultError::DoesNotOpen));
    assert_eq!(vault_key().open_attribute(ADA, "ssn", 1, &sealed).err(), Some(VaultError::DoesNotOpen));
}

#[test]
fn every_altered_byte_of_a_value_is_refused() {
    let key = vault_key();
    let stored = sealed(&key).as_bytes().to_vec();
    for at in 0..stored.len() {
        let mut altered = stored.clone();
        altered[at] ^= 0x20;
        assert!(key.open_attribute(ADA, "ssn", 1, &SealedAttribute::from_stored(altered)).is_err(), "byte {at}");
    }
}

#[test]
fn equal_values_are_never_stored_equal() {
    let key = vault_key();
    assert_ne!(sealed(&key), sealed(&key));
}

#[test]
fn each_secret_opens_its_own_slot_and_gives_the_same_key() {
    let (keys, vault) = (keys_for_tests(), vault_key());
    let password = slot_key(b"stretched password");
    let recovery = SlotKey::derive(SlotKind::RecoveryKey, b"0123456789abcdef");
    for slot_key in [&password, &recovery] {
        let slot =
            SealedSlot::seal(SlotId::random(&SystemEntropy), ADA, slot_key, &vault, &keys, &SystemEntropy).unwrap();
        assert_eq!(slot.open(ADA, slot_key, &keys).unwrap().as_bytes(), vault.as_bytes());
    }
}

#[test]
fn a_slot_opens_with_no_other_secret_person_slot_or_kind() {
    let (keys, vault, right) = (keys_for_tests(), vault_key(), slot_key(b"right"));
    let id = SlotId::from_bytes([5; 16]);
    let slot = SealedSlot::seal(id, ADA, &right, &vault, &keys, &SystemEntropy).unwrap();
    let refused = |slot: &SealedSlot, whose| {
        assert_eq!(slot.open(whose, &right, &keys).err(), Some(VaultError::Altered));
    };
    assert_eq!(slot.open(ADA, &slot_key(b"wrong"), &keys).err(), Some(VaultError::DoesNotOpen));
    refused(&slot, BEN);
    let moved = SealedSlot::from_stored(SlotId::from_bytes([6; 16]), slot.kind, slot.as_bytes().to_vec());
    refused(&moved, ADA);
    let relabelled = SealedSlot::from_stored(id, SlotKind::RecoveryKey, slot.as_bytes().to_vec());
    refused(&relabelled, ADA);
}

#[test]
fn a_stolen_database_with_the_service_keys_still_needs_the_secret() {
    let (keys, vault, right) = (keys_for_tests(), vault_key(), slot_key(b"right"));
    let id = SlotId::from_bytes([5; 16]);
    let slot = SealedSlot::seal(id, ADA, &right, &vault, &keys, &SystemEntropy).unwrap();
    // The thief has both, and so takes off the outer wrapping …
    let place = crate::sealing::context(&[b"signet/vault/slot/v1", ADA.as_bytes(), id.as_bytes(), b"password"]);
    let inner = keys.open(crate::sealing::Purpose::VaultSlot, &place, slot.as_bytes()).unwrap();
    // … and finds the vault's key nowhere in what is left.
    assert!(!inner.windows(32).any(|window| window == vault.as_bytes()));
    assert!(slot.open(ADA, &slot_key(b"guess"), &keys).is_err());
}

#[test]
fn a_stolen_database_without_the_service_keys_does_not_open_even_with_the_secret() {
    let (keys, vault, right) = (keys_for_tests(), vault_key(), slot_key(b"right"));
    let slot = SealedSlot::seal(SlotId::random(&SystemEntropy), ADA, &right, &vault, &keys, &SystemEntropy).unwrap();
    assert!(slot.open(ADA, &right, &keys_for_tests()).is_err());
}

#[test]
fn digests_differ_by_person_and_by_label() {
    let (one, other) = (vault_key(), vault_key());
    assert_eq!(one.digest("consent", b"x"), one.digest("consent", b"x"));
    assert_ne!(one.digest("consent", b"x"), other.digest("consent", b"x"));
    assert_ne!(one.digest("consent", b"x"), one.digest("receipt", b"x"));
}

#[test]
fn nothing_secret_is_in_debug_output() {
    let key = vault_key();
    let shown = format!("{:?} {:?} {:?}", key, sealed(&key), Pii::new(String::from("900-12-3456")));
    assert_eq!(shown.replace(char::is_numeric, ""), "VaultKey(…) SealedAttribute( bytes) Pii(…)");
}
