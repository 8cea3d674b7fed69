//! Consent: when a person is asked, and that what they saw is what is sent.

use std::collections::BTreeSet;

use proptest::prelude::*;
use signet::federation::agreement::Agreement;
use signet::federation::attribute::{AttributeName, AttributeValue, HeldAttributes};
use signet::federation::consent::{
    ConsentId, ConsentReason, ConsentRecord, ConsentScope, ConsentedRelease, ContentKey, FrozenRelease, NotConsented,
    VouchedConsent, covered_by,
};
use signet::federation::identifier::ChosenNameId;
use signet::federation::release::{AskedAttributes, AskedBy, ReleaseDecision};
use signet::proofing::Ial;
use signet::proofing::{ProofedProfile, Proofing};
use time::{Duration, UtcDateTime};

use super::given::{NOW, PAIRWISE, PERSON, agreement_with, at_ial, decide, held, profile, proofing};

fn decision(agreement: &Agreement, names: &[&str]) -> ReleaseDecision {
    let asked = AskedAttributes::named(names.iter().copied(), AskedBy::RequestedContext);
    decide(agreement, &asked, &at_ial(Ial::Two), &held())
}

fn frozen(agreement: &Agreement, names: &[&str]) -> FrozenRelease {
    FrozenRelease::new(&decision(agreement, names), ChosenNameId::persistent(&PAIRWISE))
}

fn scope(agreement: &Agreement, names: &[&str]) -> ConsentScope {
    ConsentScope::of(&frozen(agreement, names), agreement, "en")
}

fn record(scope: ConsentScope, given_at: UtcDateTime) -> ConsentRecord {
    ConsentRecord { id: ConsentId::from_bytes([5; 16]), subscriber: PERSON, scope, given_at, revoked_at: None }
}

fn vouched(record: ConsentRecord) -> VouchedConsent {
    VouchedConsent::supposed(record)
}

fn key() -> ContentKey {
    ContentKey::new([7; 32], "vault")
}

const ALL: &[&str] = &["email", "first_name", "last_name"];

#[test]
fn person_is_asked_the_first_time_and_not_the_second() {
    let agreement = agreement_with(ALL, &[]);
    let scope = scope(&agreement, ALL);
    assert_eq!(covered_by(&scope, None, None, NOW), Err(ConsentReason::First));
    assert_eq!(covered_by(&scope, Some(&record(scope.clone(), NOW)), None, NOW), Ok(()));
}

#[test]
fn person_is_asked_again_after_a_year() {
    let agreement = agreement_with(ALL, &[]);
    let scope = scope(&agreement, ALL);
    let record = record(scope.clone(), NOW);
    let year = Duration::days(365);
    assert_eq!(covered_by(&scope, Some(&record), None, NOW + year - Duration::MILLISECOND), Ok(()));
    assert_eq!(covered_by(&scope, Some(&record), None, NOW + year), Err(ConsentReason::Expired));
}

#[test]
fn person_is_asked_again_after_revocation() {
    let agreement = agreement_with(ALL, &[]);
    let scope = scope(&agreement, ALL);
    let record = ConsentRecord { revoked_at: Some(NOW), ..record(scope.clone(), NOW) };
    assert_eq!(covered_by(&scope, Some(&record), None, NOW), Err(ConsentReason::Revoked));
}

#[test]
fn person_is_asked_again_when_the_set_grows_and_not_when_it_shrinks() {
    let agreement = agreement_with(ALL, &[]);
    let (small, large) = (scope(&agreement, &["email"]), scope(&agreement, &["email", "first_name"]));
    assert_eq!(
        covered_by(&large, Some(&record(small.clone(), NOW)), None, NOW),
        Err(ConsentReason::SetGrew(vec![AttributeName::FirstName]))
    );
    assert_eq!(covered_by(&small, Some(&record(large, NOW)), None, NOW), Ok(()));
}

#[test]
fn person_is_asked_again_when_a_purpose_changes() {
    let agreement = agreement_with(ALL, &[]);
    let text = super::given::agreement_text(
        "",
        "[levels]\nhighest_ial = 2\n[attributes.email]\npurpose.en = \"To send you advertisements\"\n",
    );
    let changed = scope(&Agreement::parse(&text).unwrap(), &["email"]);
    assert_eq!(
        covered_by(&changed, Some(&record(scope(&agreement, &["email"]), NOW)), None, NOW),
        Err(ConsentReason::PurposeChanged(vec![AttributeName::Email]))
    );
}

/// An agreement about the e-mail address, with these purposes.
fn agreement_saying(purposes: &str) -> Agreement {
    let more = format!("[levels]\nhighest_ial = 2\n[attributes.email]\n{purposes}");
    Agreement::parse(&super::given::agreement_text("", &more)).unwrap()
}

/// Whether somebody who read one agreement in a language has to be asked under another.
fn asked_again(read: &Agreement, language: &str, now: &Agreement) -> Option<ConsentReason> {
    let agreed = record(ConsentScope::of(&frozen(read, &["email"]), read, language), NOW);
    let scope = ConsentScope::in_words_of(&agreed.scope, &frozen(now, &["email"]), now);
    covered_by(&scope, Some(&agreed), None, NOW).err()
}

const ENGLISH: &str = "purpose.en = \"To write to you\"\n";
const BOTH: &str = "purpose.en = \"To write to you\"\npurpose.es = \"Para escribirle\"\n";

#[test]
fn consent_covers_the_words_and_the_language_that_were_read() {
    let both = agreement_saying(BOTH);
    let read_in = |language| ConsentScope::of(&frozen(&both, &["email"]), &both, language);
    assert_ne!(read_in("es").digest(), read_in("en").digest());
    assert_ne!(read_in("es-MX").digest(), read_in("es").digest(), "the same words on another page");
    let question = |scope| frozen(&both, &["email"]).question_digest(&key(), b"r", scope);
    assert_ne!(question(&read_in("es")), question(&read_in("en")));

    let changed = Some(ConsentReason::PurposeChanged(vec![AttributeName::Email]));
    let other_spanish = agreement_saying(&BOTH.replace("escribirle", "venderle algo"));
    assert_eq!(asked_again(&both, "es", &other_spanish), changed);
    assert_eq!(asked_again(&both, "en", &other_spanish), None, "nobody who read English read that");
    assert_eq!(asked_again(&both, "es", &agreement_saying(ENGLISH)), changed, "what they read is gone");
}

#[test]
fn who_agreed_in_one_language_is_not_asked_again_for_another() {
    let (english, both) = (agreement_saying(ENGLISH), agreement_saying(BOTH));
    assert_eq!(asked_again(&both, "es", &both), None);
    assert_eq!(asked_again(&both, "es-MX", &both), None);
    // They read English on a Spanish page, since there was no other; a translation is no other purpose.
    assert_eq!(asked_again(&english, "es", &both), None);
    let changed = agreement_saying(&BOTH.replace("write to you", "sell your address"));
    assert_eq!(asked_again(&english, "es", &changed), Some(ConsentReason::PurposeChanged(vec![AttributeName::Email])));
}

#[test]
fn consent_of_the_version_before_was_read_in_english() {
    let agreement = agreement_saying(BOTH);
    let scope = ConsentScope::of(&frozen(&agreement, &["email"]), &agreement, "en");
    let number = |number: usize| number.to_be_bytes().to_vec();
    let format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    let of = frozen(&agreement, &["email"]);
    let names: BTreeSet<AttributeName> = of.attributes().iter().map(|(name, _)| *name).collect();
    let written = |version: &str, languages: bool| {
        let mut parts = vec![format!("signet consent scope {version}").into_bytes()];
        parts.extend([scope.entity_id().as_str(), scope.agency_id().as_str()].map(|text| text.as_bytes().to_vec()));
        parts.extend([number(1), format.as_bytes().to_vec()]);
        parts.extend(languages.then(|| b"en".to_vec()));
        parts.push(number(names.len()));
        for name in &names {
            let (language, text) = if name.as_str() == "email" { ("en", "To write to you") } else { ("", "") };
            parts.push(name.as_str().as_bytes().to_vec());
            parts.extend(languages.then(|| language.as_bytes().to_vec()));
            parts.push(text.as_bytes().to_vec());
        }
        let framed = parts.iter().map(|part| [&u32::try_from(part.len()).unwrap().to_be_bytes(), &**part].concat());
        framed.collect::<Vec<_>>().concat()
    };
    let read = ConsentScope::from_bytes(&written("1", false)).unwrap();
    assert_eq!(read, scope);
    assert_eq!(read.to_bytes(), written("2", true));
    assert_eq!(covered_by(&scope, Some(&record(read, NOW)), None, NOW), Ok(()));
}

#[test]
fn person_is_asked_again_when_the_agency_raises_the_revision() {
    let agreement = agreement_with(ALL, &[]);
    let mut text = super::given::agreement_text("revision = 2", "[levels]\nhighest_ial = 2\n");
    text.push_str(&super::given::attributes(ALL));
    let revised = scope(&Agreement::parse(&text).unwrap(), ALL);
    assert_eq!(
        covered_by(&revised, Some(&record(scope(&agreement, ALL), NOW)), None, NOW),
        Err(ConsentReason::AgreementRevised)
    );
}

#[test]
fn person_is_asked_again_when_the_name_id_tells_more() {
    let agreement = agreement_with(ALL, &[]);
    let address = ChosenNameId::email_address(AttributeValue::new("fiona@example.com"));
    let other = ConsentScope::of(&FrozenRelease::new(&decision(&agreement, ALL), address), &agreement, "en");
    assert_eq!(
        covered_by(&other, Some(&record(scope(&agreement, ALL), NOW)), None, NOW),
        Err(ConsentReason::IdentifierChanged)
    );
}

#[test]
fn person_is_asked_again_after_new_proofing() {
    let agreement = agreement_with(ALL, &[]);
    let scope = scope(&agreement, ALL);
    let record = record(scope.clone(), NOW - Duration::DAY);
    let later = ProofedProfile::supposed(Proofing { verified_at: NOW, ..proofing() });
    assert_eq!(covered_by(&scope, Some(&record), Some(&later), NOW), Err(ConsentReason::Reproofed));
    assert_eq!(covered_by(&scope, Some(&record), Some(&profile()), NOW), Ok(()));

    // At the very moment of the consent it is what the person agreed to, and no later.
    let verified = |verified_at| ProofedProfile::supposed(Proofing { verified_at, ..proofing() });
    let given_at = record.given_at;
    assert_eq!(covered_by(&scope, Some(&record), Some(&verified(given_at)), NOW), Ok(()));
    let next = verified(given_at + Duration::MILLISECOND);
    assert_eq!(covered_by(&scope, Some(&record), Some(&next), NOW), Err(ConsentReason::Reproofed));
    // It is no matter of those to whom nothing of it is sent.
    let unproofed = self::scope(&agreement, &["email"]);
    let record = self::record(unproofed.clone(), given_at);
    assert!(unproofed.digest() != scope.digest());
    assert_eq!(covered_by(&unproofed, Some(&record), Some(&next), NOW), Ok(()));
}

#[test]
fn consent_to_one_service_is_none_to_another() {
    let agreement = agreement_with(ALL, &[]);
    let text =
        super::given::agreement_text("", "").replace("permits.parks.example.gov/saml", "other.parks.example.gov/saml");
    let other = Agreement::parse(&text).unwrap();
    assert_eq!(
        covered_by(&scope(&other, &[]), Some(&record(scope(&agreement, ALL), NOW)), None, NOW),
        Err(ConsentReason::First)
    );
}

#[test]
fn scope_is_read_back_as_it_was_stored() {
    let scope = scope(&agreement_with(ALL, &[]), ALL);
    assert_eq!(ConsentScope::from_bytes(&scope.to_bytes()), Some(scope.clone()));
    let mut longer = scope.to_bytes();
    longer.push(0);
    assert_eq!(ConsentScope::from_bytes(&longer), None);
    assert_eq!(ConsentScope::from_bytes(&scope.to_bytes()[1..]), None);
}

#[test]
fn release_is_not_joined_with_the_consent_to_another_set() {
    let agreement = agreement_with(ALL, &[]);
    let frozen = FrozenRelease::new(&decision(&agreement, ALL), ChosenNameId::persistent(&PAIRWISE));
    let small = scope(&agreement, &["email"]);
    let joined = ConsentedRelease::new(frozen, &small, &vouched(record(small.clone(), NOW)), None, key(), b"r", NOW);
    assert_eq!(joined.unwrap_err(), NotConsented::OtherContent);
}

#[test]
fn release_is_not_joined_with_a_consent_that_does_not_cover_it() {
    let agreement = agreement_with(ALL, &[]);
    let frozen = FrozenRelease::new(&decision(&agreement, ALL), ChosenNameId::persistent(&PAIRWISE));
    let record = record(scope(&agreement, &["email"]), NOW);
    let joined = ConsentedRelease::new(frozen, &scope(&agreement, ALL), &vouched(record), None, key(), b"r", NOW);
    assert!(matches!(joined.unwrap_err(), NotConsented::Ask(ConsentReason::SetGrew(_))));
}

#[test]
fn content_digest_depends_on_values_key_and_request() {
    let agreement = agreement_with(ALL, &[]);
    let frozen = |held: &HeldAttributes| {
        let asked = AskedAttributes::named(ALL.iter().copied(), AskedBy::RequestedContext);
        let decision = decide(&agreement, &asked, &at_ial(Ial::Two), held);
        FrozenRelease::new(&decision, ChosenNameId::persistent(&PAIRWISE))
    };
    let one = frozen(&held());
    let other = frozen(&held().with(AttributeName::LastName, [AttributeValue::new("Other")]));
    let digest = |frozen: &FrozenRelease, key: &ContentKey, binding: &[u8]| frozen.content_digest(key, binding);
    assert_eq!(digest(&one, &key(), b"r"), digest(&one, &key(), b"r"));
    assert_ne!(digest(&one, &key(), b"r"), digest(&other, &key(), b"r"));
    assert_ne!(digest(&one, &key(), b"r"), digest(&one, &key(), b"s"));
    assert_ne!(digest(&one, &key(), b"r"), digest(&one, &ContentKey::new([8; 32], "vault"), b"r"));
}

proptest! {
    #[test]
    fn no_two_contents_share_their_digest(a in ".{1,8}", b in ".{1,8}", c in ".{1,8}", d in ".{1,8}") {
        let agreement = agreement_with(&["first_name", "last_name"], &[]);
        let digest = |first: &str, last: &str| {
            let held = held()
                .with(AttributeName::FirstName, [AttributeValue::new(first)])
                .with(AttributeName::LastName, [AttributeValue::new(last)]);
            let asked = AskedAttributes::named(["first_name", "last_name"], AskedBy::RequestedContext);
            let decision = decide(&agreement, &asked, &at_ial(Ial::Two), &held);
            let frozen = FrozenRelease::new(&decision, ChosenNameId::persistent(&PAIRWISE));
            (frozen.attributes().to_vec(), frozen.content_digest(&key(), b"r"))
        };
        let (one, other) = (digest(&a, &b), digest(&c, &d));
        prop_assert_eq!(one.0 == other.0, one.1 == other.1);
    }
}
