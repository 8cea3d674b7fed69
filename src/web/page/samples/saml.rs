//! The pages of single sign-on.

use super::*;
use crate::web::saml::pages as saml;

fn line(name: AttributeName, value: &str) -> saml::ConsentLine {
    saml::ConsentLine {
        name: name.as_str(),
        purpose: Some(words("To send you letters about your application")),
        values: vec![value.to_owned()],
        is_answer: name.is_answer(),
        masked: name == AttributeName::Ssn,
        is_new: name == AttributeName::Email,
    }
}

fn withheld_for_every_reason() -> Vec<saml::WithheldLine> {
    let reasons = [
        Withheld::AuthenticationLevel,
        Withheld::IdentityLevel,
        Withheld::Malformed,
        Withheld::NotCurrent,
        Withheld::NotHeld,
        Withheld::NotInAgreement,
        Withheld::VaultClosed,
    ];
    reasons.map(|reason| saml::WithheldLine { name: AttributeName::Ssn.as_str(), reason: reason.code() }).into()
}

pub(super) fn single_sign_on(album: &mut Album) {
    let reasons = [
        ConsentReason::AddressChanged,
        ConsentReason::AgreementRevised,
        ConsentReason::Expired,
        ConsentReason::First,
        ConsentReason::IdentifierChanged,
        ConsentReason::PurposeChanged(Vec::new()),
        ConsentReason::Reproofed,
        ConsentReason::Revoked,
        ConsentReason::SetGrew(Vec::new()),
    ];
    for reason in reasons {
        let first = reason == ConsentReason::First;
        album.add(
            true,
            &saml::ConsentPage {
                service_name: words("Benefits Portal"),
                description: words("Apply for benefits and see what became of it."),
                privacy_url: first.then(|| "https://benefits.example.gov/privacy".to_owned()),
                agency_name: words("Department of Examples"),
                reason: reason.code(),
                attributes: if first {
                    AttributeName::ALL.map(|name| line(name, if name.is_answer() { "true" } else { "value" })).into()
                } else {
                    vec![line(AttributeName::Email, "person@example.com"), line(AttributeName::Ssn, "900-12-3456")]
                },
                always: vec![saml::ConsentLine {
                    purpose: None,
                    is_new: false,
                    ..line(AttributeName::Uuid, "a3f0c9d4-7f0e-4a59-9d2a-0f6f1f0c7b11")
                }],
                other_addresses: if reason == ConsentReason::AddressChanged {
                    vec![saml::OtherAddress {
                        address: "person@example.org".to_owned(),
                        path: at("/saml/consent/sample?address=01"),
                    }]
                } else {
                    Vec::new()
                },
                withheld: if first { withheld_for_every_reason() } else { Vec::new() },
                known_by: first.then(|| "person@example.com".to_owned()),
                remembered_days: 365,
                agree_path: at("/saml/consent/sample"),
                decline_path: at("/saml/decline/sample"),
                digest: "00".to_owned(),
            },
        );
    }
    for (missing, vault_is_sealed) in
        [("proofing", false), ("renewal", false), ("face_match", false), ("proofing", true)]
    {
        album.add(
            true,
            &saml::LevelPage {
                service_name: words("Benefits Portal"),
                agency_name: words("Department of Examples"),
                missing,
                vault_is_sealed,
                decline_path: at("/saml/decline/sample"),
            },
        );
    }
    for (others, may_show_an_error) in [(Vec::new(), false), (vec![words("Camping"), words("<b>Returns</b>")], true)] {
        album.add(
            true,
            &logout::LogoutQuestionPage {
                service_name: words("Benefits Portal"),
                others,
                may_show_an_error,
                decide_path: at("/saml/logout/sample"),
            },
        );
    }
    let lines = ["waiting", "asked", "ended", "partly", "failed", "unreachable", "unsupported"]
        .map(|outcome| logout::LogoutLine { service_name: words("Benefits Portal"), outcome });
    let back_to = logout::BackTo {
        service_name: words("Benefits <b>Portal</b>"),
        address: "https://benefits.example.gov/".to_owned(),
    };
    for (ended, lines, next, back_to) in [
        (logout::Ended::Here, lines.to_vec(), true, Some(back_to.clone())),
        (logout::Ended::Here, Vec::new(), false, None),
        (logout::Ended::Here, Vec::new(), false, Some(back_to.clone())),
        (logout::Ended::There, Vec::new(), false, Some(back_to.clone())),
        (logout::Ended::ThereAtLeast, Vec::new(), false, Some(back_to)),
    ] {
        let page =
            logout::LogoutPage { ended, lines, next_path: next.then(|| at("/saml/logout/sample/next")), back_to };
        album.add(matches!(ended, logout::Ended::There), &page);
    }
    album.add(false, &logout::LogoutOnwardPage { done: 3, of: 15, next_path: at("/saml/logout/sample/next") });
    album.add(
        false,
        &logout::LogoutPostPage {
            service_name: words("Benefits Portal"),
            action: "https://benefits.example.gov/slo".to_owned(),
            field: "SAMLRequest",
            message: "PHNhbWxwOkxvZ291dFJlcXVlc3QvPg==".to_owned(),
            relay_state: Some("\"><script>alert(1)</script>".to_owned()),
        },
    );
    for reason in ["identification", "authentication", "authorization", "other"] {
        let known = reason != "other";
        album.add(
            known,
            &TurnedAwayPage {
                reason,
                service_name: known.then(|| words("Benefits Portal")),
                return_to: known.then(|| "https://benefits.example.gov/".to_owned()),
                missing: if reason == "identification" { vec!["email", "ssn"] } else { Vec::new() },
                transaction: known.then(|| "c0ffee-12".to_owned()),
                at: known.then(|| "2026-11-24 12:00:01 UTC".to_owned()),
            },
        );
    }
    album.add(
        false,
        &TrialPage {
            service_name: words("Benefits Portal"),
            key: "0123456789abcdef".to_owned(),
            return_to: "https://benefits.example.gov/".to_owned(),
        },
    );
    for (success, relay_state) in [(true, None), (false, Some("\"><script>alert(1)</script>".to_owned()))] {
        album.add(
            true,
            &saml::PostFormPage {
                service_name: words("Benefits Portal"),
                action: "https://benefits.example.gov/acs".to_owned(),
                field: "SAMLResponse",
                message: "PHNhbWxwOlJlc3BvbnNlLz4=".to_owned(),
                relay_state,
                success,
            },
        );
    }
}
