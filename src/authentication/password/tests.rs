use proptest::prelude::*;

use super::*;
use crate::entropy::SystemEntropy;
use crate::services::keys::keys_for_tests;

const ADA: SubscriberId = SubscriberId::from_bytes([1; 16]);
const BEN: SubscriberId = SubscriberId::from_bytes([2; 16]);
const CHEAP: Argon2Parameters = Argon2Parameters { memory_kib: 64, iterations: 1, lanes: 1 };

fn chosen(text: &str) -> Result<(), WeakPassword> {
    let address = EmailAddress::parse("ada.lovelace@example.gov").unwrap();
    let about = PasswordContext { email_address: Some(&address), service_name: "Signet" };
    Password::chosen(text, &about).map(|_| ())
}

fn stretched(text: &str) -> StretchedPassword {
    StretchedPassword::new(&Password::given(text), CHEAP, &mut Argon2Memory::default(), &SystemEntropy).unwrap()
}

fn verifies(stored: &PasswordVerifier, text: &str, whose: SubscriberId, keys: &dyn ServiceKeys) -> bool {
    let stretched =
        StretchedPassword::for_verifier(&Password::given(text), stored, &mut Argon2Memory::default()).unwrap();
    stored.matches(&stretched, whose, keys).unwrap()
}

#[test]
fn length_is_counted_in_code_points() {
    assert_eq!(chosen("zq7 vk2 xw9"), Err(WeakPassword::TooShort));
    assert_eq!(chosen("zq7 vk2 xw9m"), Ok(()));
    assert_eq!(chosen(&"é".repeat(11)), Err(WeakPassword::TooShort));
    // Twelve letters, each of them written as two code points that NFC makes one.
    assert_eq!(chosen("e\u{301}".repeat(6).as_str()), Err(WeakPassword::TooShort));
    let long: String = "pelican fjord umber quartz ".repeat(5).chars().take(128).collect();
    assert_eq!(chosen(&long), Ok(()));
    assert_eq!(chosen(&format!("{long}x")), Err(WeakPassword::TooLong));
}

#[test]
fn any_characters_will_do_and_none_is_demanded() {
    for text in
        ["pelican fjord umber", "brachiosaurusteapotlantern", "πλάτανος ήλιος βροχή", "🦀 over the 🌊 at 🌙 dawn"]
    {
        assert_eq!(chosen(text), Ok(()), "{text}");
    }
}

#[test]
fn common_guessable_and_own_words_are_refused_with_the_reason() {
    assert_eq!(chosen("Password1234"), Err(WeakPassword::Common));
    assert_eq!(chosen("QWERTYUIOP[]"), Err(WeakPassword::Common));
    assert_eq!(chosen(&"z".repeat(30)), Err(WeakPassword::Guessable));
    assert_eq!(chosen("ADA.Lovelace@example.gov"), Err(WeakPassword::Yours));
    assert_eq!(chosen("signetsignet"), Err(WeakPassword::Yours));
    assert_eq!(chosen("lovelacelovelace"), Err(WeakPassword::Guessable));
}

#[test]
fn a_password_that_only_contains_a_listed_one_is_taken() {
    assert_eq!(chosen("password1234 pelican fjord umber"), Ok(()));
}

#[test]
fn the_right_password_matches_and_no_other() {
    let keys = keys_for_tests();
    let stored = PasswordVerifier::new(&stretched("pelican fjord umber"), ADA, &keys).unwrap();
    let stored = PasswordVerifier::from_bytes(&stored.to_bytes()).unwrap();
    assert!(verifies(&stored, "pelican fjord umber", ADA, &keys));
    assert!(!verifies(&stored, "pelican fjord umbra", ADA, &keys));
    assert!(!verifies(&stored, "pelican fjord umber ", ADA, &keys));
    assert!(!verifies(&stored, "pelican fjord umber", BEN, &keys), "a verifier moved to another person");
}

#[test]
fn one_word_typed_in_two_forms_is_one_password() {
    let keys = keys_for_tests();
    let stored = PasswordVerifier::new(&stretched("cafe\u{301} umber fjord"), ADA, &keys).unwrap();
    assert!(verifies(&stored, "caf\u{e9} umber fjord", ADA, &keys));
}

#[test]
fn passwords_that_differ_late_differ() {
    let keys = keys_for_tests();
    let (one, other) = (format!("{}a", "x".repeat(100)), format!("{}b", "x".repeat(100)));
    let stored = PasswordVerifier::new(&stretched(&one), ADA, &keys).unwrap();
    assert!(verifies(&stored, &one, ADA, &keys));
    assert!(!verifies(&stored, &other, ADA, &keys));
}

#[test]
fn without_the_service_keys_a_known_password_cannot_be_recognised() {
    let stored = PasswordVerifier::new(&stretched("pelican fjord umber"), ADA, &keys_for_tests()).unwrap();
    // The thief has the row, the password, and keys of their own making.
    assert!(!verifies(&stored, "pelican fjord umber", ADA, &keys_for_tests()));
}

#[test]
fn nobodys_verifier_matches_nothing() {
    let keys = keys_for_tests();
    let nobody = PasswordVerifier::nobodys(CHEAP, &keys).unwrap();
    let stretched =
        StretchedPassword::for_nobody(&Password::given("pelican fjord umber"), CHEAP, &mut Argon2Memory::default())
            .unwrap();
    assert!(!nobody.matches(&stretched, ADA, &keys).unwrap());
}

#[test]
fn the_vaults_key_and_the_verifier_say_nothing_of_each_other() {
    let stretched = stretched("pelican fjord umber");
    let input = stretched.verifier_input(ADA);
    assert!(!input.windows(32).any(|window| window == *stretched.output));
}

#[test]
fn a_cheaper_verifier_is_noticed() {
    let stored = PasswordVerifier::new(&stretched("pelican fjord umber"), ADA, &keys_for_tests()).unwrap();
    assert!(stored.is_cheaper_than(Argon2Parameters::DEFAULT));
    assert!(!stored.is_cheaper_than(CHEAP));
}

#[test]
fn damaged_verifiers_are_refused() {
    let stored = PasswordVerifier::new(&stretched("pelican fjord umber"), ADA, &keys_for_tests()).unwrap().to_bytes();
    for length in 0..stored.len() {
        assert_eq!(PasswordVerifier::from_bytes(&stored[..length]), Err(PasswordError::UnknownFormat));
    }
}

proptest! {
    #[test]
    fn no_text_breaks_the_check(text in "\\PC{0,140}") {
        let _ = chosen(&text);
    }
}
