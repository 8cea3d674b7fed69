//! The gate: whatever was decided before, each thing that does not hold at the moment of issuing keeps it shut; and what
//! comes out is what the person saw.

use std::sync::Arc;

use proptest::prelude::*;
use signet::authentication::AuthenticatedSubject;
use signet::entropy::SystemEntropy;
use signet::federation::attribute::{AttributeName, AttributeProfile, AttributeValue, HeldAttributes};
use signet::federation::consent::{
    ConsentId, ConsentReason, ConsentRecord, ConsentedRelease, ContentKey, VouchedConsent,
};
use signet::federation::issue::{IssueQuestion, IssueRefused, Issued, issue};
use signet::federation::registry::{Admission, Registry, ServiceFiles};
use signet::federation::single_sign_on::{MatchedAuthnRequest, PersonFacts, ReleaseStep, SettlementRules};
use signet::proofing::{ProofedProfile, Proofing};
use signet::saml::EntityId;
use signet::saml::response::ConsentObtained;
use signet::subscriber::{SubscriberAccount, SubscriberId, SubscriberStatus, VaultState};
use time::{Duration, UtcDateTime};

use super::given::{NOW, PAIRWISE, PERSON, attributes, held, proofing};
use super::single_sign_on::{IDP, app_code, files, known, password, settle, settle_as, settle_on_loopback};

const ALL: &[&str] = &["email", "all_emails", "first_name", "last_name", "ssn"];

/// Everything that a sign-in needs, ready to go through.
pub(super) struct Ready {
    registry: Registry,
    pub(super) matched: MatchedAuthnRequest,
    account: SubscriberAccount,
    subject: AuthenticatedSubject,
    held: HeldAttributes,
    consent: ConsentRecord,
    release: ConsentedRelease,
    now: UtcDateTime,
}

fn agreed(top: &str) -> ServiceFiles {
    let default: Vec<String> = ALL.iter().map(|name| format!("{name:?}")).collect();
    let top = format!("default_attributes = [{}]\n{top}", default.join(", "));
    files(&top, &format!("[levels]\nhighest_ial = 2\ndefault_ial = 2\n{}", attributes(ALL)), "")
}

fn registry(files: ServiceFiles) -> Registry {
    registry_on(files, false)
}

fn registry_on(files: ServiceFiles, loopback_http: bool) -> Registry {
    let applied = Registry::default().apply(
        vec![(files.name.clone(), Ok(files))],
        Admission { now: NOW, loopback_http, denied: signet::saml::DeniedAlgorithms::NONE },
    );
    assert_eq!(applied.broken, []);
    applied.registry
}

pub(super) fn ready_with(files: ServiceFiles, held: HeldAttributes, request: &str) -> Ready {
    ready_with_children(files, held, request, "")
}

fn ready_with_children(files: ServiceFiles, held: HeldAttributes, request: &str, children: &str) -> Ready {
    let registry = registry(files);
    let service = Arc::clone(registry.services().next().unwrap());
    let matched = settle(&service, request, children);
    let subject = matched.authenticate(&known(&[password(NOW), app_code(NOW)]), NOW).unwrap();
    let key = ContentKey::new([7; 32], "vault");
    let step = |consent: Option<&VouchedConsent>| {
        let person = PersonFacts {
            page_language: "en",
            address_must_be_asked: false,
            held: &held,
            known_pairwise: Some(PAIRWISE),
            new_pairwise: PAIRWISE,
            consent,
            content_key: &key,
            scope: "idp.example.gov",
        };
        matched.release(&subject, &person, &SystemEntropy, NOW).unwrap()
    };
    let ReleaseStep::Consent { scope, .. } = step(None) else { panic!("consent is due") };
    let consent = ConsentRecord {
        id: ConsentId::from_bytes([5; 16]),
        subscriber: PERSON,
        scope,
        given_at: NOW,
        revoked_at: None,
    };
    let ReleaseStep::Issue { release, .. } = step(Some(&VouchedConsent::supposed(consent.clone()))) else {
        panic!("consent was given")
    };
    let account = SubscriberAccount {
        id: PERSON,
        status: SubscriberStatus::Active,
        created_at: NOW,
        rules_accepted_at: NOW,
        vault: VaultState::Open,
    };
    Ready { registry, matched, account, subject, held, consent, release, now: NOW }
}

fn ready() -> Ready {
    ready_with(agreed(""), held(), "")
}

impl Ready {
    pub(super) fn issue(&self) -> Result<Issued, IssueRefused> {
        let issuer = EntityId::parse(IDP).unwrap();
        let question = IssueQuestion {
            request: &self.matched,
            registry: &self.registry,
            account: &self.account,
            subject: &self.subject,
            proofed: self.held.proofed_profile(),
            release: &self.release,
            consent: &VouchedConsent::supposed(self.consent.clone()),
            earlier: None,
            rules: SettlementRules { issuer: &issuer, loopback_http: false },
            signing_key_id: "2026",
            now: self.now,
        };
        issue(&question, &SystemEntropy)
    }

    #[track_caller]
    fn refused(&self) -> IssueRefused {
        match self.issue() {
            Ok(_) => panic!("the gate opened"),
            Err(refused) => refused,
        }
    }
}

#[test]
fn answer_says_that_the_person_agreed_before_when_that_is_so() {
    let mut ready = ready();
    ready.consent.given_at = NOW - Duration::SECOND;
    assert_eq!(ready.issue().unwrap().consent, ConsentObtained::Prior);
}

#[test]
fn subject_of_the_request_is_the_one_who_is_named_or_nothing_leaves() {
    let of = |name: &str| format!("<saml:Subject><saml:NameID>{name}</saml:NameID></saml:Subject>");
    let service = Arc::clone(ready().matched.service());
    let mut ready = ready();
    ready.matched = settle(&service, "", &of(&PAIRWISE.to_string()));
    assert!(ready.issue().is_ok());
    ready.matched = settle(&service, "", &of("somebody-else"));
    assert_eq!(ready.refused(), IssueRefused::Unrelated);
}

#[test]
fn what_holds_goes_through_with_its_record() {
    let ready = ready();
    let Issued { assertion, disclosure, consent } = ready.issue().unwrap();
    assert_eq!(consent, ConsentObtained::CurrentExplicit);
    let parts = assertion.parts();
    assert_eq!(parts.name_id.value(), PAIRWISE.to_string());
    assert_eq!(parts.audience.as_str(), "https://permits.parks.example.gov/saml");
    assert_eq!(parts.in_response_to.as_str(), "_r1");
    assert_eq!(parts.not_on_or_after, NOW + Duration::minutes(5));
    assert_eq!(parts.authn_instant, NOW);
    assert_eq!(disclosure.assertion_id, parts.id.as_str());
    assert_eq!(disclosure.consent, ready.consent.id);
    assert_eq!(disclosure.content_key_id, "vault");
    assert_eq!(disclosure.content_digest, ready.release.content_digest());
    assert_eq!(disclosure.sp_revision, ready.matched.service().revision());
    assert_eq!(disclosure.names.len(), parts.attributes.len());
    assert!(!format!("{disclosure:?}").contains("900123456"), "no value is in the record");
}

#[test]
fn service_that_was_switched_off_or_changed_or_removed_gets_nothing() {
    for registry in [registry(agreed("enabled = false")), registry(agreed("revision = 2")), Registry::default()] {
        assert_eq!(Ready { registry, ..ready() }.refused(), IssueRefused::ServiceChanged);
    }
}

#[test]
fn account_that_may_not_sign_in_goes_nowhere() {
    for status in [SubscriberStatus::Suspended, SubscriberStatus::Ended, SubscriberStatus::SigningUp] {
        let mut stopped = ready();
        stopped.account.status = status;
        assert_eq!(stopped.refused(), IssueRefused::AccountStopped);
    }
}

#[test]
fn sign_in_consent_and_account_are_one_persons() {
    let other = SubscriberId::from_bytes([9; 16]);
    let mut mixed = ready();
    mixed.account.id = other;
    assert_eq!(mixed.refused(), IssueRefused::Unrelated);
    let mut mixed = ready();
    mixed.consent.subscriber = other;
    assert_eq!(mixed.refused(), IssueRefused::Unrelated);
    let mut mixed = ready();
    mixed.consent.id = ConsentId::from_bytes([6; 16]);
    assert_eq!(mixed.refused(), IssueRefused::Unrelated);
}

#[test]
fn sign_in_that_is_too_old_does_not_suffice() {
    let mut old = ready();
    old.now = NOW + Duration::hours(12);
    assert!(old.issue().is_ok());
    old.now += Duration::SECOND;
    assert_eq!(old.refused(), IssueRefused::SignInStale);
}

#[test]
fn forced_sign_in_is_judged_again() {
    // The sign-in counts for a request without ForceAuthn that came later, and not for one with it.
    let mut forced = ready_with(agreed(""), held(), r#"ForceAuthn="true""#);
    let before = NOW - Duration::MINUTE;
    let lax = ready();
    forced.subject = lax.matched.authenticate(&known(&[password(before), app_code(before)]), NOW).unwrap();
    assert_eq!(forced.refused(), IssueRefused::SignInStale);
}

#[test]
fn level_that_is_lost_meanwhile_is_not_stated() {
    let mut lost = ready();
    lost.held = HeldAttributes::new();
    assert!(matches!(lost.refused(), IssueRefused::LevelNotReached(_)));
}

#[test]
fn level_that_is_stated_among_the_attributes_is_the_one_that_is_reached_now() {
    // Either level would do; the person loses the higher one after the release was frozen with it.
    let classes: String = [2, 1]
        .map(|ial| {
            let uri = format!("http://idmanagement.gov/ns/assurance/ial/{ial}");
            format!("<saml:AuthnContextClassRef>{uri}</saml:AuthnContextClassRef>")
        })
        .concat();
    let either = format!("<samlp:RequestedAuthnContext>{classes}</samlp:RequestedAuthnContext>");
    let email = files(
        "default_attributes = [\"email\"]",
        &format!("[levels]\nhighest_ial = 2\n{}", attributes(&["email"])),
        "",
    );
    let mut lost = ready_with_children(email, held(), "", &either);
    assert!(lost.issue().is_ok());
    lost.held = HeldAttributes::new();
    assert_eq!(lost.refused(), IssueRefused::ContentChanged);
}

#[test]
fn authentication_level_that_is_stated_among_the_attributes_is_the_one_that_is_reached_now() {
    let levels = format!("[levels]\ndefault_aal = 1\n{}", attributes(&["locale"]));
    let mut ready = ready_with(files("default_attributes = [\"locale\"]", &levels, ""), held(), "");
    assert!(ready.issue().is_ok());
    // The person signs in again with less, which would do for the request.
    ready.subject = ready.matched.authenticate(&known(&[password(NOW)]), NOW).unwrap();
    assert_eq!(ready.refused(), IssueRefused::ContentChanged);
}

#[test]
fn release_with_more_than_the_agreement_allows_or_the_level_reaches_goes_nowhere() {
    // As decided for the same service before its agency took the number back.
    let fewer: Vec<&str> = ALL.iter().copied().filter(|name| *name != "ssn").collect();
    let top = format!("default_attributes = {fewer:?}");
    let agreed_now = files(&top, &format!("[levels]\nhighest_ial = 2\ndefault_ial = 2\n{}", attributes(&fewer)), "");
    let before = ready();
    let now = ready_with(agreed_now, held(), "");
    let mixed = Ready { release: before.release, consent: before.consent, ..now };
    assert_eq!(mixed.refused(), IssueRefused::OutsideAgreement(AttributeName::Ssn));

    // As decided for a request that demanded proofing; the one that stands does not.
    let mut lower = ready();
    let class = "<saml:AuthnContextClassRef>http://idmanagement.gov/ns/assurance/ial/1</saml:AuthnContextClassRef>";
    let service = Arc::clone(lower.matched.service());
    let context = format!("<samlp:RequestedAuthnContext>{class}</samlp:RequestedAuthnContext>");
    lower.matched = settle(&service, "", &context);
    assert!(matches!(lower.refused(), IssueRefused::LevelNotReached(_)));
}

#[test]
fn address_that_may_not_be_used_any_more_gets_nothing() {
    let mut files = agreed("");
    let metadata = String::from_utf8(files.metadata).unwrap();
    files.metadata =
        metadata.replace("https://permits.parks.example.gov/saml/acs", "http://localhost/acs").into_bytes();
    let mut ready = ready();
    // On loopback, where http was allowed when the request was settled, and is not when the answer is made.
    ready.registry = registry_on(files, true);
    let service = Arc::clone(ready.registry.services().next().unwrap());
    ready.matched = settle_on_loopback(&service);
    assert_eq!(ready.refused(), IssueRefused::AcsNotRegistered);
}

#[test]
fn release_to_one_request_does_not_answer_another() {
    let mut ready = ready();
    let service = Arc::clone(ready.matched.service());
    ready.matched = settle_as(&service, "_r2");
    assert_eq!(ready.refused(), IssueRefused::ContentChanged);
}

#[test]
fn consent_that_was_taken_back_or_ran_out_does_not_count() {
    let mut revoked = ready();
    revoked.consent.revoked_at = Some(NOW);
    assert_eq!(revoked.refused(), IssueRefused::ConsentMissing(ConsentReason::Revoked));
    let mut expired = ready();
    expired.consent.given_at = NOW - Duration::days(365);
    assert_eq!(expired.refused(), IssueRefused::ConsentMissing(ConsentReason::Expired));
}

#[test]
fn proofing_after_the_consent_asks_again() {
    let mut reproofed = ready();
    let later = ProofedProfile::supposed(Proofing { verified_at: NOW + Duration::SECOND, ..proofing() });
    reproofed.held = held().proofed(later);
    assert_eq!(reproofed.refused(), IssueRefused::ConsentMissing(ConsentReason::Reproofed));
}

#[test]
fn release_to_one_service_does_not_go_to_another_request() {
    let one = ready();
    let service = Arc::clone(one.registry.services().next().unwrap());
    let mut other = ready();
    other.matched = settle(&service, r#"AssertionConsumerServiceIndex="1""#, "");
    let issued = other.issue().unwrap();
    assert!(issued.assertion.parts().recipient.as_str().ends_with("/second"), "the address is this request's own");
}

fn text() -> impl Strategy<Value = String> {
    // Any Unicode that XML can carry, with something in it that is not white space.
    "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\u{FFFE}\u{FFFF}]{0,12}[a-z][^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\u{FFFE}\u{FFFF}]{0,12}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn assertion_says_what_the_consent_page_showed(
        email in text(),
        first in text(),
        last in text(),
        oasis in any::<bool>(),
    ) {
        let held = held()
            .with(AttributeName::Email, [AttributeValue::new(email)])
            .with(AttributeName::FirstName, [AttributeValue::new(first)])
            .with(AttributeName::LastName, [AttributeValue::new(last)]);
        let profile = if oasis { AttributeProfile::Oasis } else { AttributeProfile::LoginGov };
        let ready = ready_with(agreed(&format!("attribute_profile = \"{profile}\"")), held, "");
        let issued = ready.issue().unwrap();
        let shown: Vec<(String, Vec<String>)> = ready
            .release
            .frozen()
            .attributes()
            .iter()
            .map(|(name, values)| {
                (name.wire_name(profile).name.to_owned(), values.iter().map(|value| value.reveal().to_owned()).collect())
            })
            .collect();
        let sent: Vec<(String, Vec<String>)> = issued
            .assertion
            .parts()
            .attributes
            .iter()
            .map(|attribute| (attribute.name.clone(), attribute.values.iter().map(|value| value.to_string()).collect()))
            .collect();
        prop_assert_eq!(&shown, &sent);
        let recorded: Vec<String> = issued.disclosure.names.iter().map(|name| name.to_string()).collect();
        let mut names: Vec<String> = ready.release.frozen().attributes().iter().map(|(name, _)| name.to_string()).collect();
        names.sort_by_key(|name| AttributeName::ALL.iter().find(|known| known.as_str() == name).copied());
        prop_assert_eq!(recorded, names);
    }
}
