//! Consent: when a person is asked, and that what they saw is what is sent.

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
    ConsentScope::of(&frozen(agreement, names), agreement)
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
    let other = ConsentScope::of(&FrozenRelease::new(&decision(&agreement, ALL), address), &agreement);
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
