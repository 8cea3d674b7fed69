//! Levels: what is demanded, what is asserted, and what cannot be.

use signet::authentication::{
    AuthenticatedSubject, AuthenticationEvent, AuthenticatorId, AuthenticatorKind, Proved, RequiredAssurance,
};
use signet::federation::assurance::{
    Aal, AuthenticationEvidence, Comparison, Identity, LevelTerms, RequestedContext, Strength, Unanswered,
};
use signet::federation::attribute::AttributeProfile;
use signet::proofing::Ial;
use signet::proofing::{ProofedProfile, Proofing};
use time::Duration;

use super::given::{NOW, PERSON, evidence, profile, proofing, subject, terms};

const IAL1: &str = "http://idmanagement.gov/ns/assurance/ial/1";
const IAL2: &str = "http://idmanagement.gov/ns/assurance/ial/2";
const IAL_BEST: &str = "http://idmanagement.gov/ns/assurance/ial/0";
const FACE: &str = "urn:acr.login.gov:verified-facial-match-required";
const AAL2: &str = "http://idmanagement.gov/ns/assurance/aal/2";
const AAL2_RESISTANT: &str = "http://idmanagement.gov/ns/assurance/aal/2?phishing_resistant=true";
const AAL3: &str = "http://idmanagement.gov/ns/assurance/aal/3";
const CARD: &str = "http://idmanagement.gov/ns/assurance/aal/2?hspd12=true";
const PPT: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
const MFA: &str = "https://refeds.org/profile/mfa";

fn read(comparison: Comparison, classes: &[&str]) -> RequestedContext {
    RequestedContext::read(comparison, classes.iter().copied())
}

/// The class that is asserted, and the levels.
fn answer(
    comparison: Comparison,
    classes: &[&str],
    strength: Strength,
    proofed: Option<&ProofedProfile>,
) -> Result<(&'static str, Ial, Aal), Unanswered> {
    let settled = read(comparison, classes).settle(&terms());
    let asserted = settled.and_then(|demanded| demanded.assert(evidence(strength), proofed, NOW));
    asserted.map(|one| (one.class_ref(), one.ial(), one.aal())).map_err(|fault| fault.why())
}

use Comparison::{Better, Exact, Maximum, Minimum};
use Strength::{MultiFactor, PhishingResistant, SingleFactor};

#[test]
fn silence_takes_the_agreements_defaults_and_says_what_happened() {
    assert_eq!(answer(Exact, &[], MultiFactor, Some(&profile())), Ok((AAL2, Ial::One, Aal::Aal2)));
    assert_eq!(answer(Exact, &[], PhishingResistant, None), Ok((AAL2_RESISTANT, Ial::One, Aal::Aal2)));
    assert_eq!(answer(Exact, &[], SingleFactor, None), Err(Unanswered::SignInNotReached));
}

#[test]
fn oasis_profile_says_mfa_when_nothing_is_asked() {
    let terms = LevelTerms { profile: AttributeProfile::Oasis, ..terms() };
    let asserted = read(Exact, &[]).settle(&terms).unwrap().assert(evidence(MultiFactor), None, NOW).unwrap();
    assert_eq!(asserted.class_ref(), MFA);
}

#[test]
fn exact_answers_with_a_class_that_was_asked_for_and_is_true() {
    assert_eq!(answer(Exact, &[PPT], MultiFactor, None).unwrap().0, PPT);
    assert_eq!(answer(Exact, &[MFA], PhishingResistant, None).unwrap().0, MFA);
    assert_eq!(answer(Exact, &[AAL2_RESISTANT, AAL2], MultiFactor, None).unwrap().0, AAL2);
    assert_eq!(answer(Exact, &[AAL2_RESISTANT, AAL2], PhishingResistant, None).unwrap().0, AAL2_RESISTANT);
    assert_eq!(answer(Exact, &[AAL2_RESISTANT], MultiFactor, None), Err(Unanswered::SignInNotReached));
}

#[test]
fn password_class_is_never_said_of_a_sign_in_without_password() {
    let passkey = AuthenticationEvidence { strength: PhishingResistant, by_password: false };
    let demanded = read(Exact, &[PPT]).settle(&terms()).unwrap();
    assert_eq!(demanded.assert(passkey, None, NOW).unwrap_err().why(), Unanswered::SignInNotReached);
}

#[test]
fn a_password_counts_as_given_by_those_alone_who_gave_one() {
    let passkey = AuthenticationEvent::supposed(
        AuthenticatorKind::Passkey,
        Some(AuthenticatorId::from_bytes([9; 16])),
        NOW,
        Proved { user_verified: true, phishing_resistant: true, syncable: true },
    );
    let by = |events: &[AuthenticationEvent]| {
        let required = RequiredAssurance::level(Aal::Aal2);
        AuthenticationEvidence::of(&AuthenticatedSubject::meeting(PERSON, &required, events, NOW).unwrap())
    };
    assert_eq!(by(&[passkey]), AuthenticationEvidence { strength: PhishingResistant, by_password: false });
    assert!(
        by(&[AuthenticationEvent::supposed(AuthenticatorKind::Password, None, NOW, Proved::default()), passkey])
            .by_password
    );
    assert_eq!(
        AuthenticationEvidence::of(&subject(NOW)),
        AuthenticationEvidence { strength: MultiFactor, by_password: true }
    );
}

#[test]
fn weakest_of_several_exact_classes_is_what_the_sign_in_must_reach() {
    assert_eq!(read(Exact, &[AAL2_RESISTANT, AAL2]).settle(&terms()).unwrap().authentication(), MultiFactor);
    assert_eq!(read(Exact, &[AAL2_RESISTANT]).settle(&terms()).unwrap().authentication(), PhishingResistant);
}

#[test]
fn minimum_demands_the_class_and_says_what_happened() {
    assert_eq!(answer(Minimum, &[AAL2], PhishingResistant, None).unwrap().0, AAL2_RESISTANT);
    assert_eq!(answer(Minimum, &[PPT], MultiFactor, None).unwrap().0, AAL2);
    assert_eq!(answer(Minimum, &[AAL2_RESISTANT], MultiFactor, None), Err(Unanswered::SignInNotReached));
}

#[test]
fn better_is_stronger_than_every_class_named() {
    assert_eq!(read(Better, &[PPT]).settle(&terms()).unwrap().authentication(), MultiFactor);
    assert_eq!(read(Better, &[AAL2, PPT]).settle(&terms()).unwrap().authentication(), PhishingResistant);
    assert!(matches!(
        read(Better, &[AAL2_RESISTANT]).settle(&terms()).unwrap_err().why(),
        Unanswered::BeyondAgreement { .. }
    ));
}

#[test]
fn maximum_never_says_more_than_the_strongest_named() {
    let (class, _, aal) = answer(Maximum, &[AAL2], PhishingResistant, None).unwrap();
    assert!([AAL2, MFA, "urn:gov:gsa:ac:classes:sp:PasswordProtectedTransport:duo"].contains(&class), "{class}");
    assert_eq!(aal, Aal::Aal2);
    assert_eq!(answer(Maximum, &[AAL2_RESISTANT], MultiFactor, None).unwrap().0, AAL2);
}

#[test]
fn level_above_the_agreement_is_no_authn_context() {
    assert!(matches!(read(Exact, &[AAL3]).settle(&terms()).unwrap_err().why(), Unanswered::BeyondAgreement { .. }));
    assert!(matches!(read(Exact, &[CARD]).settle(&terms()).unwrap_err().why(), Unanswered::BeyondAgreement { .. }));
    let low = LevelTerms { highest_ial: Ial::One, ..terms() };
    assert!(matches!(read(Exact, &[IAL2]).settle(&low).unwrap_err().why(), Unanswered::BeyondAgreement { .. }));
    assert!(read(Exact, &[AAL3, AAL2]).settle(&terms()).is_ok());
    // Nor by a default that is above it.
    let low = LevelTerms { highest_aal: Aal::Aal1, ..terms() };
    assert!(matches!(read(Exact, &[]).settle(&low).unwrap_err().why(), Unanswered::BeyondAgreement { .. }));
}

#[test]
fn unknown_classes_are_ignored_beside_known_ones_and_refused_alone() {
    let mixed = read(Exact, &["urn:example:nonexistent:loa9", AAL2]);
    assert_eq!(mixed.unknown(), ["urn:example:nonexistent:loa9"]);
    assert!(mixed.settle(&terms()).is_ok());
    assert_eq!(read(Exact, &["urn:example:x"]).settle(&terms()).unwrap_err().why(), Unanswered::UnknownClasses);
}

#[test]
fn identity_alone_is_answered_in_the_words_of_the_request() {
    assert_eq!(answer(Exact, &[IAL2], MultiFactor, Some(&profile())), Ok((IAL2, Ial::Two, Aal::Aal2)));
    assert_eq!(answer(Exact, &[IAL2, AAL2], MultiFactor, Some(&profile())).unwrap().0, AAL2);
    // Of several, the first that is true.
    assert_eq!(answer(Exact, &[IAL2, IAL1], MultiFactor, None), Ok((IAL1, Ial::One, Aal::Aal2)));
}

#[test]
fn profile_of_the_lowest_level_is_no_proofing_whatever_was_compared_for_it() {
    for face_was_matched in [false, true] {
        let lowest = ProofedProfile::supposed(Proofing { ial: Ial::One, face_was_matched, ..proofing() });
        assert_eq!(Identity::of(Some(&lowest), NOW), Identity::Unproofed);
    }
}

#[test]
fn proofing_is_demanded_by_ial2_and_not_told_at_ial1() {
    assert_eq!(answer(Exact, &[IAL2], MultiFactor, None), Err(Unanswered::IdentityNotReached));
    assert_eq!(answer(Exact, &[IAL1], MultiFactor, Some(&profile())).unwrap().1, Ial::One);
}

#[test]
fn best_identity_forces_nobody() {
    assert_eq!(answer(Exact, &[IAL_BEST], MultiFactor, None).unwrap().1, Ial::One);
    assert_eq!(answer(Exact, &[IAL_BEST], MultiFactor, Some(&profile())).unwrap().1, Ial::Two);
    assert_eq!(answer(Minimum, &[IAL1], MultiFactor, Some(&profile())).unwrap().1, Ial::Two);
    assert_eq!(answer(Minimum, &[IAL1], MultiFactor, None).unwrap().1, Ial::One);
}

#[test]
fn comparison_bounds_the_identity_too() {
    let proofed = profile();
    let matched = ProofedProfile::supposed(Proofing { face_was_matched: true, ..proofing() });
    let reached = |comparison, class: &str, person: Option<&ProofedProfile>| {
        read(comparison, &[class]).settle(&terms()).unwrap().reached_identity(person, NOW)
    };
    assert_eq!(reached(Maximum, IAL1, Some(&matched)), Some(Identity::Unproofed));
    assert_eq!(reached(Maximum, IAL2, Some(&matched)), Some(Identity::Proofed));
    assert_eq!(reached(Maximum, IAL2, None), Some(Identity::Unproofed));
    assert_eq!(reached(Better, IAL1, Some(&proofed)), Some(Identity::Proofed));
    assert_eq!(reached(Better, IAL1, None), None);
    assert_eq!(reached(Better, IAL2, Some(&matched)), Some(Identity::FaceMatched));
    assert_eq!(reached(Better, IAL2, Some(&proofed)), None);
    assert!(matches!(read(Better, &[FACE]).settle(&terms()).unwrap_err().why(), Unanswered::BeyondAgreement { .. }));
    assert_eq!(reached(Minimum, IAL2, Some(&matched)), Some(Identity::FaceMatched));
    assert_eq!(reached(Minimum, IAL2, None), None);
    let served_proofed_only = LevelTerms { default_ial: Ial::Two, ..terms() };
    assert_eq!(read(Exact, &[]).settle(&served_proofed_only).unwrap().reached_identity(None, NOW), None);
}

#[test]
fn a_level_that_cannot_be_stated_is_told_with_what_was_asked_and_what_is_agreed() {
    let told = |comparison, classes: &[&str]| read(comparison, classes).settle(&terms()).unwrap_err().to_string();
    assert_eq!(
        told(Exact, &[AAL3]),
        format!("the request asks for `{AAL3}`; the agreement allows no more than IAL2 and AAL2")
    );
    assert_eq!(
        told(Better, &[FACE]),
        format!("the request asks for better than `{FACE}`; the agreement allows no more than IAL2 and AAL2")
    );
    let unknown = ["urn:a", "urn:b\nERROR", "urn:c", "urn:d"];
    assert_eq!(
        told(Exact, &unknown),
        "the request asks for `urn:a`, `urn:b\\nERROR`, `urn:c` and 1 more; none of that is a level that is known here"
    );
    let high = LevelTerms { default_ial: Ial::Two, highest_ial: Ial::One, ..terms() };
    assert_eq!(
        read(Exact, &[]).settle(&high).unwrap_err().to_string(),
        "the request names no level; the agreement allows no more than IAL1 and AAL2"
    );
    let demanded = read(Exact, &[IAL2]).settle(&terms()).unwrap();
    assert_eq!(
        demanded.identity_not_reached().to_string(),
        format!("the request asks for `{IAL2}`; the person's proofed identity does not reach that")
    );
}

#[test]
fn face_match_is_not_assumed() {
    assert_eq!(answer(Exact, &[FACE], MultiFactor, Some(&profile())), Err(Unanswered::IdentityNotReached));
    let matched = ProofedProfile::supposed(Proofing { face_was_matched: true, ..proofing() });
    assert_eq!(answer(Exact, &[FACE], MultiFactor, Some(&matched)).unwrap().0, FACE);
    assert_eq!(answer(Exact, &[IAL2], MultiFactor, Some(&matched)).unwrap().0, IAL2);
    assert_eq!(read(Exact, &[FACE]).settle(&terms()).unwrap().identity(), Identity::FaceMatched);
}

#[test]
fn personal_data_raises_the_floor_whatever_is_asked() {
    let terms = LevelTerms { floor_aal: Aal::Aal2, ..terms() };
    assert_eq!(read(Exact, &[PPT]).settle(&terms).unwrap().authentication(), MultiFactor);
    assert_eq!(read(Maximum, &[PPT]).settle(&terms).unwrap().authentication(), MultiFactor);
}

#[test]
fn requested_attributes_are_a_list_and_no_level() {
    let context =
        read(Exact, &["http://idmanagement.gov/ns/requested_attributes?ReqAttr=email,%20ssn,,first_name", IAL1]);
    assert_eq!(context.requested_attributes().unwrap(), ["email", "ssn", "first_name"]);
    assert!(context.unknown().is_empty());
    assert_eq!(read(Exact, &[IAL1]).requested_attributes(), None);
    let nothing = read(Exact, &["http://idmanagement.gov/ns/requested_attributes?ReqAttr="]);
    assert_eq!(nothing.requested_attributes(), Some(&[][..]));
    assert!(nothing.settle(&terms()).is_ok());
    let beside = read(Exact, &["http://idmanagement.gov/ns/requested_attributes?Other=ssn&ReqAttr=email"]);
    assert_eq!(beside.requested_attributes().unwrap(), ["email"]);
}

#[test]
fn a_level_whose_evidence_has_expired_is_not_stated() {
    let proofed = |until| ProofedProfile::supposed(Proofing { current_until: Some(until), ..proofing() });
    let expired = proofed(NOW);
    assert_eq!(answer(Exact, &[IAL2], MultiFactor, Some(&expired)), Err(Unanswered::IdentityNotReached));
    assert_eq!(answer(Exact, &[], MultiFactor, Some(&expired)).unwrap().1, Ial::One);
    let current = proofed(NOW + Duration::SECOND);
    assert_eq!(answer(Exact, &[IAL2], MultiFactor, Some(&current)).unwrap().1, Ial::Two);
}
