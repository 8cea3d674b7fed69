//! What the suite's services ask, scene by scene.

use time::Duration;

use super::{
    provider::{PAOS, POST, TRANSPORTS, Which},
    request::{Acs, Ask, Policy, Sending, saml, samlp},
};
use crate::saml::{instant, xml::Builder};

pub(super) const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
pub(super) const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
pub(super) const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
pub(super) const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
pub(super) const AAL1: &str = "http://idmanagement.gov/ns/assurance/aal/1";
pub(super) const AAL2: &str = "http://idmanagement.gov/ns/assurance/aal/2";
pub(super) const AAL3: &str = "http://idmanagement.gov/ns/assurance/aal/3";
pub(super) const IAL2: &str = "http://idmanagement.gov/ns/assurance/ial/2";
pub(super) const REFEDS_MFA: &str = "https://refeds.org/profile/mfa";
pub(super) const REFEDS_SFA: &str = "https://refeds.org/profile/sfa";
const ASKS_FOR: &str = "http://idmanagement.gov/ns/requested_attributes?ReqAttr=";

/// What most scenes need: a service's name for its scene, the service, and what it asks.
pub(super) type Scene = (&'static str, &'static str, Ask);

/// How requests and answers travel, who signs, and what is refused.
pub(super) fn first_scenes() -> Vec<Scene> {
    let plain = Ask::default;
    let redirect = Sending::REDIRECT;
    vec![
        ("first", "plain", plain()),
        ("second", "plain", plain()),
        ("by-post", "plain", sent(Sending::POST)),
        ("no-relay-state", "plain", Ask { relay_state: None, ..plain() }),
        ("passive-known", "plain", Ask { is_passive: true, ..plain() }),
        ("unsigned-demanded", "plain", sent(Sending::UNSIGNED)),
        ("unsigned", "unsigned", sent(Sending::UNSIGNED)),
        ("unsigned-declared", "unsigned-declared", sent(Sending::UNSIGNED)),
        ("signed-though-waived", "unsigned", plain()),
        ("tampered", "plain", sent(Sending { tampered: true, ..redirect })),
        ("tampered-post", "plain", sent(Sending { tampered: true, ..Sending::POST })),
        ("tampered-though-waived", "unsigned", sent(Sending { tampered: true, ..redirect })),
        ("foreign-key", "plain", sent(Sending { signer: Some(Which::Foreign), ..redirect })),
        (
            "sha1",
            "plain",
            sent(Sending { named_algorithm: Some("http://www.w3.org/2000/09/xmldsig#rsa-sha1"), ..redirect }),
        ),
        ("document-type", "plain", sent(Sending { document_type: true, ..redirect })),
        ("document-type-post", "plain", sent(Sending { document_type: true, ..Sending::POST })),
        ("stale", "plain", Ask { made: -Duration::minutes(10), ..plain() }),
        ("from-the-future", "plain", Ask { made: Duration::minutes(10), ..plain() }),
        ("clock-behind", "plain", Ask { made: -Duration::minutes(4), ..plain() }),
        ("clock-ahead", "plain", Ask { made: Duration::minutes(2), ..plain() }),
        ("another-destination", "plain", Ask { destination: Some("https://other.example/sso".to_owned()), ..plain() }),
        ("version-1", "plain", Ask { version: "1.1", ..plain() }),
        ("version-3", "plain", Ask { version: "3.0", ..plain() }),
        ("disabled", "disabled", plain()),
        ("no-key", "no-key", plain()),
        ("long-id", "plain", Ask { id: Some(format!("_{}", "a".repeat(255))), ..plain() }),
        ("long-relay-state", "plain", Ask { relay_state: Some("r".repeat(80)), ..plain() }),
        ("unknown-extension", "extended", Ask { unknown_extension: true, ..plain() }),
        ("consent-named", "plain", Ask { consent: Some("urn:oasis:names:tc:SAML:2.0:consent:unspecified"), ..plain() }),
        ("acs-default", "plain", at(Acs::Default)),
        ("acs-index", "plain", at(Acs::Index("3"))),
        ("acs-second", "plain", at(Acs::Path("acs/second"))),
        ("acs-unknown-index", "plain", at(Acs::Index("9"))),
        ("acs-unknown-url", "plain", at(Acs::Url("https://evil.example/acs".to_owned()))),
        ("acs-other-case", "plain", at(Acs::Path("ACS"))),
        ("acs-paos", "plain", at(Acs::Index("5"))),
        ("binding-post", "plain", Ask { protocol_binding: Some(POST), ..plain() }),
        ("binding-paos", "plain", Ask { protocol_binding: Some(PAOS), ..plain() }),
    ]
}

/// How assertions are signed and encrypted.
pub(super) fn encryption_scenes() -> Vec<Scene> {
    let plain = Ask::default;
    let mut scenes = vec![
        ("assertion-only", "assertion-only", plain()),
        ("response-only", "response-only", plain()),
        ("wants-signed", "wants-signed", plain()),
        ("clear-text", "clear-text", plain()),
        ("aes128", "aes128", plain()),
        ("aes256-cbc", "aes256-cbc", plain()),
        ("many-keys-first", "many-keys", plain()),
        ("many-keys-second", "many-keys", sent(Sending { signer: Some(Which::Second), ..Sending::REDIRECT })),
        ("many-keys-elliptic", "many-keys", sent(Sending { signer: Some(Which::Elliptic), ..Sending::POST })),
        ("expired", "expired", sent(Sending { signer: Some(Which::Expired), ..Sending::REDIRECT })),
    ];
    scenes.extend(TRANSPORTS.map(|(service, _)| (service, service, plain())));
    scenes
}

/// What requests ask for.
pub(super) fn later_scenes(us: &str, now: time::UtcDateTime) -> Vec<Scene> {
    let plain = Ask::default;
    let set = |index| Ask { attribute_set: Some(index), ..Ask::default() };
    let qualified = |by: &str| Ask {
        policy: Some(Policy { sp_name_qualifier: Some(by.to_owned()), allow_create: Some("true"), format: None }),
        ..Ask::default()
    };
    let scoped = |scoping: Builder| Ask { scoping: Some(scoping), ..Ask::default() };
    let list = |provider: &str| samlp("IDPList").child(samlp("IDPEntry").attribute("ProviderID", provider));
    let until = |by: Duration| {
        let conditions = saml("Conditions").attribute("NotOnOrAfter", instant::format(now + by));
        Ask { conditions: Some(conditions), ..Ask::default() }
    };
    vec![
        ("sibling", "sibling", plain()),
        ("other", "other", plain()),
        ("set-default", "sets", plain()),
        ("set-named", "sets", set("7")),
        ("set-unknown", "sets", set("99")),
        ("set-required-only", "required-only", set("7")),
        ("policy-persistent", "formats", named(PERSISTENT)),
        ("policy-transient", "formats", named(TRANSIENT)),
        ("policy-transient-again", "formats", named(TRANSIENT)),
        ("policy-email", "formats", named(EMAIL)),
        ("policy-unspecified", "formats", named(UNSPECIFIED)),
        ("policy-unknown", "formats", named("urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos")),
        ("policy-not-agreed", "plain", named(TRANSIENT)),
        ("policy-create-absent", "plain", Ask { policy: policy(None, None), ..plain() }),
        ("policy-create-false", "plain", Ask { policy: policy(None, Some("false")), ..plain() }),
        ("policy-own-qualifier", "plain", qualified("https://plain.conform.example/saml")),
        ("policy-foreign-qualifier", "plain", qualified("https://other.conform.example/saml")),
        ("transient", "transient", plain()),
        ("exact", "plain", asking(&[AAL2], None)),
        ("exact-preference", "plain", asking(&[AAL3, AAL2, AAL1], Some("exact"))),
        ("exact-unknown", "plain", asking(&["urn:example:no-such-class"], Some("exact"))),
        ("exact-too-high", "plain", asking(&[AAL3], Some("exact"))),
        ("exact-weaker", "plain", asking(&[AAL1], Some("exact"))),
        ("minimum", "plain", asking(&[AAL1], Some("minimum"))),
        ("maximum", "plain", asking(&[AAL2], Some("maximum"))),
        ("better", "plain", asking(&[AAL1], Some("better"))),
        ("better-too-high", "plain", asking(&[AAL3], Some("better"))),
        ("declaration", "plain", Ask { declaration: Some("urn:example:declaration"), ..plain() }),
        ("mfa", "plain", asking(&[REFEDS_MFA], None)),
        ("sfa", "plain", asking(&[REFEDS_SFA], None)),
        ("proofed", "plain", more()),
        ("proofed-again", "plain", more()),
        ("older", "plain", asking(&[IAL2, &format!("{ASKS_FOR}email,age_over_18")], None)),
        ("beyond-agreement", "plain", asking(&[IAL2, &format!("{ASKS_FOR}email,ssn")], None)),
        ("proxy-count", "plain", scoped(samlp("Scoping").attribute("ProxyCount", "0"))),
        ("listed", "plain", scoped(samlp("Scoping").child(list(us)))),
        ("not-listed", "plain", scoped(samlp("Scoping").child(list("https://other-idp.example/")))),
        ("for-others", "plain", scoped(samlp("Scoping").child(samlp("RequesterID").text("https://behind.example/")))),
        ("valid-until", "plain", until(Duration::hours(2))),
        ("unknown-inside", "plain", Ask { unknown_extension: true, conditions: None, ..plain() }),
        ("uri-names", "uri-names", plain()),
        ("uri-names-again", "uri-names", plain()),
        ("uri-names-other", "uri-names-other", plain()),
        ("wants-pairwise", "wants-pairwise", plain()),
        ("wants-any", "wants-any", plain()),
        ("wants-none", "wants-none", plain()),
        ("wants-subject-id", "wants-subject-id", plain()),
    ]
}

fn contexts(uris: &[&str]) -> Vec<String> {
    uris.iter().map(|uri| (*uri).to_owned()).collect()
}

fn asking(uris: &[&str], comparison: Option<&'static str>) -> Ask {
    Ask { contexts: contexts(uris), comparison, ..Ask::default() }
}

/// Everything personal that the suite's agreements allow.
pub(super) fn more() -> Ask {
    asking(&[IAL2, &format!("{ASKS_FOR}email,first_name,last_name,dob")], None)
}

pub(super) fn policy(format: Option<&'static str>, allow_create: Option<&'static str>) -> Option<Policy> {
    Some(Policy { format, sp_name_qualifier: None, allow_create })
}

fn named(format: &'static str) -> Ask {
    Ask { policy: policy(Some(format), Some("true")), ..Ask::default() }
}

fn sent(sending: Sending) -> Ask {
    Ask { sending, ..Ask::default() }
}

fn at(acs: Acs) -> Ask {
    Ask { acs, ..Ask::default() }
}
