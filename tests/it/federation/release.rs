//! The release decision: every reason, and the ceiling for any request, agreement, level and profile.

use std::collections::BTreeSet;

use proptest::prelude::*;
use signet::federation::assurance::Strength;
use signet::federation::attribute::{AttributeName, AttributeProfile, AttributeValue, HeldAttributes};
use signet::federation::identifier::NameIdFormat;
use signet::federation::release::{AskedAttributes, AskedBy, AttributeOutcome, ReleaseDecision, Released, Withheld};
use signet::proofing::Ial;
use signet::proofing::{ProofedProfile, Proofing};
use signet::saml::metadata::SubjectIdRequirement;
use time::Duration;

use super::given::{
    NOW, agreement, agreement_with, asserted, at_ial, attributes, decide, decide_wanting, held, profile, proofing,
};

fn asked(names: &[&str]) -> AskedAttributes {
    AskedAttributes::named(names.iter().copied(), AskedBy::RequestedContext)
}

fn outcome(decision: &ReleaseDecision, name: AttributeName) -> Option<Result<Released, Withheld>> {
    decision.attributes().iter().find(|decided| decided.name == name).map(|decided| match &decided.outcome {
        AttributeOutcome::Released { reason, .. } => Ok(*reason),
        AttributeOutcome::Withheld(reason) => Err(*reason),
    })
}

fn value(decision: &ReleaseDecision, name: AttributeName) -> String {
    let found = decision.released().find(|(released, _, _)| *released == name);
    found
        .map(|(_, values, _)| values.iter().map(AttributeValue::reveal).collect::<Vec<_>>().join("|"))
        .unwrap_or_default()
}

#[test]
fn attribute_outside_the_agreement_is_withheld_whatever_is_asked() {
    let decision = decide(&agreement_with(&["email"], &[]), &asked(&["email", "ssn"]), &at_ial(Ial::Two), &held());
    assert_eq!(outcome(&decision, AttributeName::Ssn), Some(Err(Withheld::NotInAgreement)));
    assert_eq!(outcome(&decision, AttributeName::Email), Some(Ok(Released::Asked)));
}

#[test]
fn request_reaches_personal_data_by_what_it_asks_for_and_the_agreement_allows() {
    let agreement = agreement_with(&["email", "locale"], &[]);
    let reaches = |names: &[&str], format| asked(names).reaches_personal_data(&agreement, format);
    // The language of the pages tells nobody who it is.
    assert!(!reaches(&["uuid", "ial", "aal", "locale", "ssn"], NameIdFormat::Persistent));
    assert!(reaches(&["locale", "email"], NameIdFormat::Persistent));
    assert!(reaches(&[], NameIdFormat::EmailAddress));
}

#[test]
fn what_is_withheld_is_told_apart_from_what_is_sent() {
    let decision = decide(&agreement_with(&["email"], &[]), &asked(&["email", "ssn"]), &at_ial(Ial::Two), &held());
    let withheld: Vec<_> = decision.withheld().collect();
    assert!(withheld.contains(&(AttributeName::Ssn, Withheld::NotInAgreement)), "{withheld:?}");
    assert!(withheld.iter().all(|(name, _)| decision.released().all(|(sent, _, _)| sent != *name)));
    assert_eq!(withheld.len() + decision.released().count(), decision.attributes().len());
}

#[test]
fn subject_identifier_is_the_one_that_the_metadata_asks_for() {
    let oasis = agreement("attribute_profile = \"oasis\"", "");
    let login_gov = agreement("", "");
    let of = |wanted, agreement: &_| {
        let decision = decide_wanting(wanted, agreement, &asked(&[]), &at_ial(Ial::One), &held());
        (outcome(&decision, AttributeName::Uuid).unwrap(), value(&decision, AttributeName::Uuid))
    };
    use SubjectIdRequirement::{Any, None as Neither, PairwiseId, SubjectId};
    for wanted in [None, Some(Any), Some(PairwiseId)] {
        let (outcome, value) = of(wanted, &oasis);
        assert_eq!(outcome, Ok(Released::Always), "{wanted:?}");
        assert!(value.ends_with("@idp.example.gov"), "{value}");
    }
    for wanted in [Some(Neither), Some(SubjectId)] {
        assert_eq!(of(wanted, &oasis), (Err(Withheld::NotWanted), String::new()), "{wanted:?}");
        // Login.gov's profile has neither of the two attributes, and its identifier is no secret between the two.
        assert_eq!(of(wanted, &login_gov).0, Ok(Released::Always), "{wanted:?}");
    }
}

#[test]
fn attribute_that_nobody_asks_for_is_withheld() {
    let agreement = agreement_with(&["email", "first_name"], &["email"]);
    let decision = decide(&agreement, &asked(&["first_name"]), &at_ial(Ial::Two), &held());
    assert_eq!(outcome(&decision, AttributeName::Email), Some(Err(Withheld::NotAsked)));
}

#[test]
fn request_without_a_list_takes_the_default() {
    let agreement = agreement_with(&["email", "first_name"], &["email"]);
    let decision = decide(&agreement, &AskedAttributes::default_of(&agreement), &at_ial(Ial::Two), &held());
    assert_eq!(outcome(&decision, AttributeName::Email), Some(Ok(Released::Default)));
    assert_eq!(outcome(&decision, AttributeName::FirstName), Some(Err(Withheld::NotAsked)));
}

#[test]
fn empty_list_asks_for_nothing() {
    let agreement = agreement_with(&["email"], &["email"]);
    let decision = decide(&agreement, &asked(&[]), &at_ial(Ial::Two), &held());
    let names: Vec<_> = decision.released().map(|(name, _, _)| name).collect();
    assert_eq!(names, [AttributeName::Uuid, AttributeName::Ial, AttributeName::Aal]);
}

#[test]
fn proofed_attribute_below_its_level_is_withheld_even_from_a_proofed_person() {
    let decision = decide(&agreement_with(&["ssn"], &[]), &asked(&["ssn"]), &at_ial(Ial::One), &held());
    assert_eq!(outcome(&decision, AttributeName::Ssn), Some(Err(Withheld::IdentityLevel)));
    assert_eq!(value(&decision, AttributeName::Ial), "http://idmanagement.gov/ns/assurance/ial/1");
}

#[test]
fn personal_data_is_withheld_after_one_factor() {
    let one = asserted(&["http://idmanagement.gov/ns/assurance/aal/1"], None, Strength::SingleFactor);
    let decision = decide(&agreement_with(&["email", "locale"], &[]), &asked(&["email", "locale"]), &one, &held());
    assert_eq!(outcome(&decision, AttributeName::Email), Some(Err(Withheld::AuthenticationLevel)));
    assert_eq!(outcome(&decision, AttributeName::Locale), Some(Ok(Released::Asked)));
}

#[test]
fn what_the_account_lacks_is_withheld() {
    let nothing = HeldAttributes::new().proofed(profile());
    let agreement = agreement_with(&["email", "middle_name"], &[]);
    let decision = decide(&agreement, &asked(&["email", "middle_name"]), &at_ial(Ial::Two), &nothing);
    assert_eq!(outcome(&decision, AttributeName::Email), Some(Err(Withheld::NotHeld)));
    assert_eq!(outcome(&decision, AttributeName::MiddleName), Some(Err(Withheld::NotHeld)));
    assert_eq!(outcome(&decision, AttributeName::Uuid), Some(Ok(Released::Always)));
}

#[test]
fn what_lies_in_a_closed_vault_is_withheld_and_said_so() {
    let closed = HeldAttributes::new().proofed(profile()).vault_closed();
    let decision = decide(&agreement_with(&["ssn"], &[]), &asked(&["ssn"]), &at_ial(Ial::Two), &closed);
    assert_eq!(outcome(&decision, AttributeName::Ssn), Some(Err(Withheld::VaultClosed)));
}

#[test]
fn proofing_that_has_expired_releases_nothing() {
    let expired = held().proofed(ProofedProfile::supposed(Proofing { current_until: Some(NOW), ..proofing() }));
    let decision = decide(&agreement_with(&["ssn"], &[]), &asked(&["ssn"]), &at_ial(Ial::Two), &expired);
    assert_eq!(outcome(&decision, AttributeName::Ssn), Some(Err(Withheld::NotCurrent)));
    let current = held()
        .proofed(ProofedProfile::supposed(Proofing { current_until: Some(NOW + Duration::SECOND), ..proofing() }));
    let decision = decide(&agreement_with(&["ssn"], &[]), &asked(&["ssn"]), &at_ial(Ial::Two), &current);
    assert_eq!(outcome(&decision, AttributeName::Ssn), Some(Ok(Released::Asked)));
}

#[test]
fn value_without_the_promised_form_is_withheld() {
    let odd = held().with(AttributeName::Dob, [AttributeValue::new("October 6th")]);
    let decision = decide(&agreement_with(&["dob"], &[]), &asked(&["dob"]), &at_ial(Ial::Two), &odd);
    assert_eq!(outcome(&decision, AttributeName::Dob), Some(Err(Withheld::Malformed)));
}

#[test]
fn age_is_told_without_the_date_it_is_made_from() {
    let agreement = agreement_with(&["age_over_18", "age_over_65"], &[]);
    let person = held()
        .with(AttributeName::Dob, [AttributeValue::new("1990-01-02")])
        // What is derived is never held.
        .with(AttributeName::AgeOver65, [AttributeValue::new("true")]);
    let ask = asked(&["age_over_18", "age_over_65", "dob"]);
    let decision = decide(&agreement, &ask, &at_ial(Ial::Two), &person);
    assert_eq!(value(&decision, AttributeName::AgeOver18), "true");
    assert_eq!(value(&decision, AttributeName::AgeOver65), "false");
    assert_eq!(outcome(&decision, AttributeName::Dob), Some(Err(Withheld::NotInAgreement)));

    let below = decide(&agreement, &ask, &at_ial(Ial::One), &person);
    assert_eq!(outcome(&below, AttributeName::AgeOver18), Some(Err(Withheld::IdentityLevel)));
    let closed = HeldAttributes::new().proofed(profile()).vault_closed();
    let decision = decide(&agreement, &ask, &at_ial(Ial::Two), &closed);
    assert_eq!(outcome(&decision, AttributeName::AgeOver18), Some(Err(Withheld::VaultClosed)));
    let odd = held().with(AttributeName::Dob, [AttributeValue::new("October 6th")]);
    let decision = decide(&agreement, &ask, &at_ial(Ial::Two), &odd);
    assert_eq!(outcome(&decision, AttributeName::AgeOver18), Some(Err(Withheld::Malformed)));
}

#[test]
fn values_are_sent_in_their_derived_form() {
    let names = ["ssn", "dob", "zipcode", "phone", "all_emails"];
    let decision = decide(&agreement_with(&names, &[]), &asked(&names), &at_ial(Ial::Two), &held());
    assert_eq!(value(&decision, AttributeName::Ssn), "900-12-3456");
    assert_eq!(value(&decision, AttributeName::Dob), "1938-10-06");
    assert_eq!(value(&decision, AttributeName::Zipcode), "59010");
    assert_eq!(value(&decision, AttributeName::Phone), "+12025550123");
    assert_eq!(value(&decision, AttributeName::AllEmails), "fiona@example.com|fiona@example.org");
}

#[test]
fn verified_at_goes_with_proofed_attributes_within_the_ceiling() {
    let agreed = agreement_with(&["first_name", "verified_at"], &[]);
    let decision = decide(&agreed, &asked(&["first_name"]), &at_ial(Ial::Two), &held());
    assert_eq!(outcome(&decision, AttributeName::VerifiedAt), Some(Ok(Released::WithProofed)));
    assert_eq!(value(&decision, AttributeName::VerifiedAt), "2026-03-01T09:30:15Z");

    let not_agreed = agreement_with(&["first_name"], &[]);
    let decision = decide(&not_agreed, &asked(&["first_name"]), &at_ial(Ial::Two), &held());
    assert_eq!(outcome(&decision, AttributeName::VerifiedAt), None);

    let decision = decide(&agreed, &asked(&["first_name"]), &at_ial(Ial::One), &held());
    assert_eq!(outcome(&decision, AttributeName::VerifiedAt), Some(Err(Withheld::NotAsked)));
}

#[test]
fn verified_at_alone_needs_an_agreement_about_proofed_identity() {
    let low = agreement("", &attributes(&["verified_at"]));
    let decision = decide(&low, &asked(&["verified_at"]), &at_ial(Ial::One), &held());
    assert_eq!(outcome(&decision, AttributeName::VerifiedAt), Some(Err(Withheld::IdentityLevel)));

    let high = agreement_with(&["verified_at"], &[]);
    let decision = decide(&high, &asked(&["verified_at"]), &at_ial(Ial::One), &held());
    assert_eq!(outcome(&decision, AttributeName::VerifiedAt), Some(Ok(Released::Asked)));
    let decision = decide(&high, &asked(&["verified_at"]), &at_ial(Ial::One), &HeldAttributes::new());
    assert_eq!(outcome(&decision, AttributeName::VerifiedAt), Some(Err(Withheld::NotHeld)));
}

#[test]
fn names_that_the_catalogue_lacks_are_kept_apart() {
    let asked = asked(&["email", "favourite_colour", "urn:oid:2.5.4.42"]);
    assert_eq!(asked.unknown(), ["favourite_colour"]);
    assert_eq!(asked.names(), &BTreeSet::from([AttributeName::Email, AttributeName::FirstName]));
}

#[test]
fn oasis_profile_scopes_the_pairwise_identifier() {
    let agreement = agreement("attribute_profile = \"oasis\"", "");
    let decision = decide(&agreement, &asked(&[]), &at_ial(Ial::One), &held());
    assert_eq!(decision.profile(), AttributeProfile::Oasis);
    assert_eq!(value(&decision, AttributeName::Uuid), "42424242-4242-4242-4242-424242424242@idp.example.gov");
}

fn names() -> impl Strategy<Value = Vec<&'static str>> {
    let all: Vec<&'static str> = AttributeName::ALL.iter().map(|name| name.as_str()).collect();
    proptest::sample::subsequence(all.clone(), 0..=all.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn released_is_within_the_agreement_the_request_and_the_level(
        allowed in names(),
        requested in proptest::option::of(names()),
        junk in ".{0,20}",
        ial in prop_oneof![Just(Ial::One), Just(Ial::Two)],
        strength in prop_oneof![Just(Strength::SingleFactor), Just(Strength::MultiFactor), Just(Strength::PhishingResistant)],
        proofed in any::<bool>(),
        closed in any::<bool>(),
        oasis in any::<bool>(),
    ) {
        let allowed: Vec<&str> = allowed.into_iter().filter(|name| !["uuid", "ial", "aal"].contains(name)).collect();
        let top = if oasis { "attribute_profile = \"oasis\"" } else { "" };
        let agreement = agreement(top, &format!("[levels]\nhighest_ial = 2\ndefault_aal = 1\n{}", attributes(&allowed)));
        let held = match (proofed, closed) {
            (_, true) => HeldAttributes::new().proofed(profile()).vault_closed(),
            (true, false) => held(),
            (false, false) => HeldAttributes::new().with(AttributeName::Email, [AttributeValue::new("a@example.com")]),
        };
        let identity = match ial { Ial::One => "ial/1", Ial::Two => "ial/0" };
        let identity = format!("http://idmanagement.gov/ns/assurance/{identity}");
        let levels = asserted(&[&identity, "http://idmanagement.gov/ns/assurance/aal/1"], held.proofed_profile(), strength);
        let asked = match &requested {
            None => AskedAttributes::default_of(&agreement),
            Some(names) => {
                let with_junk = names.iter().copied().chain([junk.as_str()]);
                AskedAttributes::named(with_junk, AskedBy::RequestedContext)
            }
        };
        let decision = decide(&agreement, &asked, &levels, &held);

        for (name, values, reason) in decision.released() {
            prop_assert!(agreement.allows(name), "{name} is above the ceiling");
            prop_assert!(name.level_needed() <= levels.ial(), "{name} is above the level");
            prop_assert!(!values.is_empty());
            let wanted = name.is_always_sent() || asked.names().contains(&name) || reason == Released::WithProofed;
            prop_assert!(wanted, "{name} was not asked for");
            prop_assert!(!name.is_proofed() || !closed, "{name} came out of a closed vault");
        }
        for always in [AttributeName::Uuid, AttributeName::Ial, AttributeName::Aal] {
            prop_assert_eq!(outcome(&decision, always), Some(Ok(Released::Always)));
        }
        for name in asked.names() {
            prop_assert!(outcome(&decision, *name).is_some(), "{name} was asked for and has no reason");
        }
    }
}
