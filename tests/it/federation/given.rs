//! Agreements, people and levels that the tests of this folder begin with.

use signet::authentication::{
    Aal, AuthenticatedSubject, AuthenticationEvent, AuthenticatorId, AuthenticatorKind, Proved, RequiredAssurance,
};
use signet::federation::agreement::Agreement;
use signet::federation::assurance::{
    AssertedAssurance, AuthenticationEvidence, Comparison, LevelTerms, RequestedContext, Strength,
};
use signet::federation::attribute::{AttributeName, AttributeProfile, AttributeValue, HeldAttributes};
use signet::federation::identifier::PairwiseId;
use signet::federation::release::{AskedAttributes, ReleaseDecision, ReleaseQuestion};
use signet::proofing::Ial;
use signet::proofing::{ProofedProfile, Proofing};
use signet::saml::metadata::SubjectIdRequirement;
use signet::subscriber::SubscriberId;
use time::UtcDateTime;
use time::macros::utc_datetime;

pub const NOW: UtcDateTime = utc_datetime!(2026-11-24 12:00);
pub const PERSON: SubscriberId = SubscriberId::from_bytes([1; 16]);
pub const PAIRWISE: PairwiseId = PairwiseId::supposed([0x42; 16]);

/// An agreement whose text ends with `more`, so that a test can add tables and keys of its own.
pub fn agreement_text(top: &str, more: &str) -> String {
    format!(
        r#"agency_id = "department-of-parks"
entity_id = "https://permits.parks.example.gov/saml"
review_date = 2027-06-30
return_to_url = "https://permits.parks.example.gov/"
{top}

[agency_name]
en = "Department of Parks"

[friendly_name]
en = "Park permits"
es = "Permisos de parques"

[description]
en = "Apply for a permit to camp or to hold an event."

[[contacts]]
kind = "technical"
name = "Permit systems office"
email = "permits@parks.example.gov"

{more}"#
    )
}

pub fn agreement(top: &str, more: &str) -> Agreement {
    Agreement::parse(&agreement_text(top, more)).unwrap()
}

pub fn attributes(names: &[&str]) -> String {
    names.iter().map(|name| format!("[attributes.{name}]\npurpose.en = \"To know your {name}\"\n")).collect()
}

/// An agreement at IAL2 with these attributes allowed and these asked for by default.
pub fn agreement_with(allowed: &[&str], default: &[&str]) -> Agreement {
    let default: Vec<String> = default.iter().map(|name| format!("{name:?}")).collect();
    let top = format!("default_attributes = [{}]", default.join(", "));
    agreement(&top, &format!("[levels]\nhighest_ial = 2\n{}", attributes(allowed)))
}

pub fn profile() -> ProofedProfile {
    ProofedProfile::supposed(proofing())
}

pub fn proofing() -> Proofing {
    Proofing {
        ial: Ial::Two,
        verified_at: utc_datetime!(2026-03-01 09:30:15.123),
        current_until: None,
        face_was_matched: false,
    }
}

/// Everything that the catalogue can hold.
pub fn held() -> HeldAttributes {
    let values: &[(AttributeName, &[&str])] = &[
        (AttributeName::Email, &["fiona@example.com"]),
        (AttributeName::AllEmails, &["fiona@example.com", "fiona@example.org"]),
        (AttributeName::Locale, &["en"]),
        (AttributeName::FirstName, &["Fiona"]),
        (AttributeName::MiddleName, &["Zoë"]),
        (AttributeName::LastName, &["O'Brien <&>"]),
        (AttributeName::Dob, &["1938-10-06"]),
        (AttributeName::Ssn, &["900123456"]),
        (AttributeName::Address1, &["1 Fake Road"]),
        (AttributeName::Address2, &["Apt 2"]),
        (AttributeName::City, &["Great Falls"]),
        (AttributeName::State, &["MT"]),
        (AttributeName::Zipcode, &["59010-1234"]),
        (AttributeName::Phone, &["+12025550123"]),
    ];
    values
        .iter()
        .fold(HeldAttributes::new(), |held, (name, values)| {
            held.with(*name, values.iter().map(|v| AttributeValue::new(*v)))
        })
        .proofed(profile())
}

pub fn terms() -> LevelTerms {
    LevelTerms {
        floor_ial: Ial::One,
        phishing_resistant: false,
        highest_ial: Ial::Two,
        default_ial: Ial::One,
        highest_aal: Aal::Aal2,
        default_aal: Aal::Aal2,
        floor_aal: Aal::Aal1,
        profile: AttributeProfile::LoginGov,
    }
}

pub fn evidence(strength: Strength) -> AuthenticationEvidence {
    AuthenticationEvidence { strength, by_password: true }
}

/// The levels of a request with these classes, for a person of this identity who signed in with this strength.
pub fn asserted(classes: &[&str], proofed: Option<&ProofedProfile>, strength: Strength) -> AssertedAssurance {
    RequestedContext::read(Comparison::Exact, classes.iter().copied())
        .settle(&terms())
        .unwrap()
        .assert(evidence(strength), proofed, NOW)
        .unwrap()
}

pub fn at_ial(ial: Ial) -> AssertedAssurance {
    let class = match ial {
        Ial::One => "http://idmanagement.gov/ns/assurance/ial/1",
        Ial::Two => "http://idmanagement.gov/ns/assurance/ial/2",
    };
    asserted(&[class], Some(&profile()), Strength::MultiFactor)
}

pub fn decide(
    agreement: &Agreement,
    asked: &AskedAttributes,
    asserted: &AssertedAssurance,
    held: &HeldAttributes,
) -> ReleaseDecision {
    decide_wanting(None, agreement, asked, asserted, held)
}

/// The same for a service whose metadata asks for this subject identifier.
pub fn decide_wanting(
    wanted: Option<SubjectIdRequirement>,
    agreement: &Agreement,
    asked: &AskedAttributes,
    asserted: &AssertedAssurance,
    held: &HeldAttributes,
) -> ReleaseDecision {
    ReleaseDecision::decide(&ReleaseQuestion {
        wanted,
        agreement,
        asked,
        asserted,
        held,
        pairwise: &PAIRWISE,
        scope: "idp.example.gov",
        now: NOW,
    })
}

/// A person who signed in with a password and an app's code at this moment.
pub fn subject(at: UtcDateTime) -> AuthenticatedSubject {
    let events = [
        AuthenticationEvent::supposed(AuthenticatorKind::Password, None, at, Proved::default()),
        AuthenticationEvent::supposed(
            AuthenticatorKind::Totp,
            Some(AuthenticatorId::from_bytes([9; 16])),
            at,
            Proved::default(),
        ),
    ];
    AuthenticatedSubject::meeting(PERSON, &RequiredAssurance::level(Aal::Aal2), &events, at).unwrap()
}
