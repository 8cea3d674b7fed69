//! The demonstration's person is made as everybody is, and shows nothing that is not invented.

use std::sync::Arc;

use signet::federation::attribute::AttributeName;
use signet::subscriber::vault::Profile;
use signet::{
    authentication::{
        look_up_secret::RecoveryKey,
        password::{Argon2Memory, Argon2Parameters, Password, PasswordContext, StretchedPassword},
    },
    demo::person::{PASSWORD, invent},
    entropy::SystemEntropy,
    services::keys::{GenerateKeys, LocalKeys, SealingSecret, SigningKeyKind},
};
use time::macros::utc_datetime;

#[test]
fn password_and_recovery_key_open_a_profile_that_can_be_released() {
    let now = utc_datetime!(2026-11-24 12:00:00);
    let folder = tempfile::tempdir().unwrap();
    let wanted = GenerateKeys { common_name: "localhost", signing: SigningKeyKind::EcP256, now };
    let secret = SealingSecret::new("a passphrase of the tests").unwrap();
    let keys = LocalKeys::generate(&folder.path().join("keys"), &secret, &wanted, Arc::new(SystemEntropy)).unwrap();
    let cost = Argon2Parameters { memory_kib: 64, iterations: 1, lanes: 1 };
    let person = invent(&keys, cost, now, &SystemEntropy).unwrap();

    let about = PasswordContext { email_address: Some(&person.email), service_name: "Signet" };
    let password = Password::chosen(PASSWORD, &about).unwrap();
    let stretched = StretchedPassword::for_verifier(&password, &person.password, &mut Argon2Memory::default()).unwrap();
    assert!(person.password.matches(&stretched, person.subscriber, &keys).unwrap());

    let recovery_key = RecoveryKey::parse(&person.shown.recovery_key).unwrap();
    let slot_keys = [stretched.slot_key(), recovery_key.slot_key()];
    for (slot, slot_key) in person.slots.iter().zip(&slot_keys) {
        let vault = slot.open(person.subscriber, slot_key, &keys).unwrap();
        let profile = Profile::open(person.subscriber, &vault, &person.profile).unwrap();
        for (name, value) in profile.iter() {
            let name: AttributeName = name.parse().unwrap();
            name.wire_form(std::str::from_utf8(value.expose()).unwrap(), utc_datetime!(2026-12-01 12:00)).unwrap();
        }
    }
}
