//! Responses that the identity provider did sign, for another service, another request, another time or another way of proof.
//!
//! Of eleven service providers that were looked at, eight took an assertion without an audience, three one that answered another
//! request, and CVE-2026-1190 (Keycloak) and CVE-2026-49284 (SimpleSAMLphp) are of this kind. All that an assertion says of where,
//! when and for whom is compared, within what is signed.

use signet::saml::response::incoming::Mismatch;
use signet::saml::{EntityId, MessageError, ResponseError};
use time::Duration;

use super::scene::{
    ACS, ATTACKER, Around, BEARER, ELSEWHERE, LEAST, NOW, OTHER_IDP, REQUEST, Refused, SP, Said, around, assertion, at,
    authenticated, conditions, confirmation, data, encrypted, for_audience, judged, judged_as, minutes, refused,
    saying,
};

#[track_caller]
fn mismatches(xml: &str, why: Mismatch) {
    assert_eq!(refused(xml), Refused::Unmatched(why));
}

/// Only in the signed assertion.
fn confirmed_by(confirmations: String) -> String {
    saying(|said| said.confirmations = confirmations)
}

fn under(conditions: String) -> String {
    saying(|said| said.conditions = conditions)
}

#[test]
fn assertion_for_another_service_is_refused() {
    mismatches(
        &under(conditions(minutes(-1), minutes(5), &for_audience("https://other.example/sp"))),
        Mismatch::Audience,
    );
}

#[test]
fn assertion_for_nobody_in_particular_is_refused() {
    mismatches(&under(conditions(minutes(-1), minutes(5), "")), Mismatch::Audience);
    mismatches(&under(conditions(minutes(-1), minutes(5), "<saml:AudienceRestriction/>")), Mismatch::Audience);
}

#[test]
fn every_audience_restriction_must_name_us() {
    let (us, other) = (for_audience(SP), for_audience("https://other.example/sp"));
    mismatches(&under(conditions(minutes(-1), minutes(5), &(us.clone() + &other))), Mismatch::Audience);
    // One of several audiences within a restriction suffices.
    let among = us.replace("<saml:Audience>", "<saml:Audience>https://other.example/sp</saml:Audience><saml:Audience>");
    assert!(judged(&under(conditions(minutes(-1), minutes(5), &among))).is_ok());
}

#[test]
fn audience_that_only_contains_our_name_is_refused() {
    for audience in [format!("{SP}.other.test"), format!("https://x.test/?{SP}"), SP.to_uppercase()] {
        mismatches(&under(conditions(minutes(-1), minutes(5), &for_audience(&audience))), Mismatch::Audience);
    }
    let inside = format!("https://x.test/<x xmlns=\"urn:x\">{SP}</x>");
    let xml = under(conditions(minutes(-1), minutes(5), &for_audience(&inside)));
    assert!(matches!(refused(&xml), Refused::Unverified(ResponseError::Message(MessageError::Xml(_)))));
}

#[test]
fn assertion_for_another_address_is_refused() {
    mismatches(&confirmed_by(confirmation(BEARER, &data(ELSEWHERE, REQUEST, minutes(5)))), Mismatch::Recipient);
    let without = data(ACS, REQUEST, minutes(5)).replace(&format!("Recipient=\"{ACS}\""), "");
    mismatches(&confirmed_by(confirmation(BEARER, &without)), Mismatch::Recipient);
}

#[test]
fn response_for_another_address_is_refused() {
    let unverified = |error: MessageError| Refused::Unverified(error.into());
    for elsewhere in [ELSEWHERE, &format!("{ACS}/"), &ACS.to_uppercase(), ""] {
        let addresses = format!("Destination=\"{elsewhere}\" InResponseTo=\"{REQUEST}\"");
        let xml = around(|around| around.addresses = addresses);
        assert_eq!(refused(&xml), unverified(MessageError::for_another(elsewhere, &[ACS])), "{elsewhere}");
    }
    let xml = around(|around| around.addresses = format!("InResponseTo=\"{REQUEST}\""));
    assert_eq!(refused(&xml), unverified(MessageError::NoDestination));
    // Before it is opened, which costs a private-key operation.
    let addresses = format!("Destination=\"{ELSEWHERE}\"");
    let sealed = Around { addresses, ..Around::right() }.unsigned(&encrypted("nothing"));
    assert_eq!(refused(&sealed), unverified(MessageError::for_another(ELSEWHERE, &[ACS])));
}

#[test]
fn confirmation_that_is_over_is_refused_though_the_conditions_hold() {
    // CVE-2026-1190.
    mismatches(
        &confirmed_by(confirmation(BEARER, &data(ACS, REQUEST, minutes(-10)))),
        Mismatch::Time("the confirmation"),
    );
}

#[test]
fn confirmation_without_an_end_is_refused() {
    let until = at(minutes(5));
    let endless = data(ACS, REQUEST, minutes(5)).replace(&format!("NotOnOrAfter=\"{until}\""), "");
    mismatches(&confirmed_by(confirmation(BEARER, &endless)), Mismatch::Time("the confirmation"));
}

#[test]
fn confirmation_with_a_beginning_is_refused() {
    let beginning = data(ACS, REQUEST, minutes(5))
        .replace(" NotOnOrAfter", &format!(" NotBefore=\"{}\" NotOnOrAfter", at(minutes(-1))));
    mismatches(&confirmed_by(confirmation(BEARER, &beginning)), Mismatch::Time("the confirmation"));
}

#[test]
fn assertion_that_is_over_or_has_not_begun_is_refused() {
    for (from, until) in [(-120, -60), (60, 120)] {
        let conditions = conditions(minutes(from), minutes(until), &for_audience(SP));
        mismatches(&under(conditions), Mismatch::Time("the assertion"));
    }
    let until = at(minutes(5));
    let endless =
        conditions(minutes(-1), minutes(5), &for_audience(SP)).replace(&format!("NotOnOrAfter=\"{until}\""), "");
    mismatches(&under(endless), Mismatch::Time("the assertion"));
}

#[test]
fn clocks_may_differ_by_the_skew_and_no_more() {
    let second = Duration::seconds(1);
    for (until, holds) in [(minutes(-1) + second, true), (minutes(-1), false)] {
        let xml = under(conditions(minutes(-5), until, &for_audience(SP)));
        assert_eq!(judged(&xml).is_ok(), holds, "{until}");
        assert_eq!(judged(&confirmed_by(confirmation(BEARER, &data(ACS, REQUEST, until)))).is_ok(), holds, "{until}");
    }
    for (from, holds) in [(minutes(1), true), (minutes(1) + second, false)] {
        assert_eq!(judged(&under(conditions(from, minutes(5), &for_audience(SP)))).is_ok(), holds, "{from}");
        assert_eq!(judged(&around(|around| around.issued_at = from)).is_ok(), holds, "{from}");
    }
    for (issued, holds) in [(minutes(-6) + second, true), (minutes(-6), false)] {
        assert_eq!(judged(&around(|around| around.issued_at = issued)).is_ok(), holds, "{issued}");
        assert_eq!(judged(&saying(|said| said.issued_at = issued)).is_ok(), holds, "{issued}");
    }
}

#[test]
fn response_to_another_request_is_refused() {
    let other = || format!("Destination=\"{ACS}\" InResponseTo=\"_other\"");
    // Both, the response's alone, the assertion's alone.
    let said = Said { confirmations: confirmation(BEARER, &data(ACS, "_other", minutes(5))), ..Said::about(ATTACKER) };
    let both = Around { addresses: other(), ..Around::right() }.signed(&said.signed());
    mismatches(&both, Mismatch::InResponseTo);
    mismatches(&around(|around| around.addresses = other()), Mismatch::InResponseTo);
    mismatches(&Around::right().signed(&said.signed()), Mismatch::InResponseTo);
}

#[test]
fn unsolicited_response_is_refused() {
    let data = data(ACS, REQUEST, minutes(5)).replace(&format!("InResponseTo=\"{REQUEST}\""), "");
    let said = Said { confirmations: confirmation(BEARER, &data), ..Said::about(ATTACKER) };
    let addresses = format!("Destination=\"{ACS}\"");
    mismatches(&Around { addresses, ..Around::right() }.signed(&said.signed()), Mismatch::InResponseTo);
}

#[test]
fn request_named_only_outside_what_is_signed_is_refused() {
    // CVE-2026-49284: the attacker writes the outer InResponseTo as he likes.
    let data = data(ACS, REQUEST, minutes(5)).replace(&format!("InResponseTo=\"{REQUEST}\""), "");
    mismatches(&confirmed_by(confirmation(BEARER, &data)), Mismatch::InResponseTo);
}

#[test]
fn assertion_of_another_issuer_is_refused() {
    let xml = saying(|said| said.issuer = OTHER_IDP);
    assert_eq!(refused(&xml), Refused::Unverified(ResponseError::AssertionIssuer));
    let unknown = Around { issuer: OTHER_IDP, ..Around::right() };
    let both = unknown.signed(&Said { issuer: OTHER_IDP, ..Said::about(ATTACKER) }.signed());
    assert_eq!(refused(&both), Refused::Unverified(MessageError::ForeignRecord.into()));
}

#[test]
fn response_of_another_identity_provider_than_was_asked_is_refused() {
    // Even where its record was looked up by what the message claims.
    let asked = EntityId::parse(OTHER_IDP).unwrap();
    let mixed_up = judged_as(&saying(|_| ()), LEAST, &|expected| {
        // The test's value outlives the comparison.
        expected.asked = Box::leak(Box::new(asked.clone()));
    });
    assert_eq!(mixed_up.unwrap_err(), Refused::Unmatched(Mismatch::Issuer));
}

#[test]
fn other_confirmations_than_bearing_let_nobody_in() {
    let good = data(ACS, REQUEST, minutes(5));
    let other = |method: &str| confirmation(&format!("urn:oasis:names:tc:SAML:2.0:cm:{method}"), &good);
    for confirmations in [other("holder-of-key"), other("sender-vouches"), other("Bearer"), String::new()] {
        mismatches(&confirmed_by(confirmations), Mismatch::Confirmation);
    }
    // One that names whom it confirms confirms another person.
    let named = confirmation(BEARER, &format!("<saml:NameID>somebody</saml:NameID>{good}"));
    mismatches(&confirmed_by(named), Mismatch::Confirmation);
    mismatches(&confirmed_by(confirmation(BEARER, "")), Mismatch::Confirmation);
    // One among several suffices, if it holds in all that it says.
    let elsewhere = confirmation(BEARER, &data(ELSEWHERE, REQUEST, minutes(5)));
    let late = confirmation(BEARER, &data(ACS, REQUEST, minutes(-5)));
    let right = confirmation(BEARER, &good);
    let several = [&elsewhere, &other("holder-of-key"), &late, &right].map(String::as_str).concat();
    assert!(judged(&confirmed_by(several)).is_ok());
    mismatches(&confirmed_by(elsewhere + &late), Mismatch::Recipient);
}

#[test]
fn assertion_that_does_not_say_how_the_person_authenticated_is_refused() {
    let missing = |what| Refused::Unverified(ResponseError::Missing(what));
    assert_eq!(refused(&saying(|said| said.statements = String::new())), missing("AuthnStatement"));
    let twice = authenticated(NOW, "", "urn:example:weak") + &authenticated(NOW, "", "urn:example:strong");
    assert!(matches!(
        refused(&saying(|said| said.statements = twice)),
        Refused::Unverified(ResponseError::Message(MessageError::Xml(_)))
    ));
    let no_class = authenticated(NOW, "", "").replace("AuthnContextClassRef", "AuthnContextDeclRef");
    assert_eq!(refused(&saying(|said| said.statements = no_class)), missing("AuthnContextClassRef"));
}

#[test]
fn session_that_is_over_is_refused() {
    let over = format!("SessionNotOnOrAfter=\"{}\"", at(minutes(-10)));
    let xml = saying(|said| said.statements = authenticated(NOW, &over, "urn:example:strong"));
    mismatches(&xml, Mismatch::Time("the session"));
}

#[test]
fn authentication_in_the_future_is_refused() {
    let xml = saying(|said| said.statements = authenticated(minutes(1440), "", "urn:example:strong"));
    mismatches(&xml, Mismatch::Time("the authentication"));
}

#[test]
fn old_authentication_is_refused_where_a_new_one_was_asked_for() {
    let before = saying(|said| said.statements = authenticated(minutes(-30), "", "urn:example:strong"));
    let asked_now = |expected: &mut signet::saml::response::incoming::Expectation<'_>| {
        expected.authenticated_since = Some(NOW);
    };
    assert!(judged(&before).is_ok());
    assert_eq!(judged_as(&before, LEAST, &asked_now).unwrap_err(), Refused::Unmatched(Mismatch::AuthnInstant));
    assert!(judged_as(&saying(|_| ()), LEAST, &asked_now).is_ok());
}

#[test]
fn weaker_authentication_than_was_asked_for_is_refused() {
    let contexts: &'static [String] = Box::leak(Box::new(["urn:example:strong".to_owned()]));
    let weak = saying(|said| said.statements = authenticated(NOW, "", "urn:example:weak"));
    let judge = |xml: &str| judged_as(xml, LEAST, &|expected| expected.contexts = contexts);
    assert_eq!(judge(&weak).unwrap_err(), Refused::Unmatched(Mismatch::AuthnContext));
    assert!(judge(&saying(|_| ())).is_ok());
    assert_eq!(assertion(judged(&weak)).authn_statement().authn_context_class_ref, "urn:example:weak", "the truth");
}

#[test]
fn empty_name_is_refused() {
    for name in ["", " \n"] {
        let xml = saying(|said| said.name = format!("<saml:NameID>{name}</saml:NameID>"));
        assert_eq!(refused(&xml), Refused::Unverified(ResponseError::EmptyName));
    }
    let xml = saying(|said| said.name = String::new());
    assert!(assertion(judged(&xml)).name_id().is_none(), "some name people by attributes alone");
}

#[test]
fn assertion_without_subject_or_conditions_is_refused() {
    let missing = |what| Refused::Unverified(ResponseError::Missing(what));
    assert_eq!(refused(&under(String::new())), missing("Conditions"));
    let template = Said::about(ATTACKER).write(&super::scene::signature("_assertion"));
    let (before, rest) = template.split_once("<saml:Subject>").unwrap();
    let (_, after) = rest.split_once("</saml:Subject>").unwrap();
    let signed =
        crate::saml::mutants::shapes::sign(&format!("{before}{after}"), &super::scene::idp_key().signer()).unwrap();
    assert_eq!(refused(&Around::right().unsigned(&signed)), missing("Subject"));
}

#[test]
fn condition_that_is_not_known_is_refused() {
    let unknown =
        "<saml:Condition xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:x=\"urn:x\" xsi:type=\"x:U\"/>";
    let xml = under(conditions(minutes(-1), minutes(5), &(for_audience(SP) + unknown)));
    assert!(matches!(
        refused(&xml),
        Refused::Unverified(ResponseError::Condition { name, .. }) if name == "Condition"
    ));
    let known = "<saml:OneTimeUse/><saml:ProxyRestriction Count=\"0\"><saml:Audience>urn:a</saml:Audience></saml:ProxyRestriction>";
    let assertion = assertion(judged(&under(conditions(minutes(-1), minutes(5), &(for_audience(SP) + known)))));
    let proxy = assertion.proxy_restriction().unwrap();
    assert_eq!((proxy.count, &*proxy.audiences), (Some(0), &["urn:a".to_owned()][..]));
}

#[test]
fn old_response_is_refused_however_long_it_says_that_it_is_valid() {
    mismatches(&around(|around| around.issued_at = minutes(-1440)), Mismatch::Time("the response"));
    mismatches(&saying(|said| said.issued_at = minutes(-1440)), Mismatch::Time("the assertion"));
    // Ten years, and to the end of time.
    for until in [NOW + Duration::days(3653), time::UtcDateTime::MAX] {
        let for_ever = conditions(minutes(-1), until, &for_audience(SP));
        let said = Said {
            conditions: for_ever,
            confirmations: confirmation(BEARER, &data(ACS, REQUEST, until)),
            ..Said::about(ATTACKER)
        };
        let matched = judged(&Around::right().unsigned(&said.signed())).unwrap();
        assert_eq!(matched.replayable_until(), minutes(6), "so long, and no longer, it must be remembered");
        let late = judged_as(&Around::right().unsigned(&said.signed()), LEAST, &|expected| expected.now = minutes(6));
        assert_eq!(late.unwrap_err(), Refused::Unmatched(Mismatch::Time("the response")));
    }
}

#[test]
fn times_at_the_ends_of_time_are_refused_and_do_no_harm() {
    for far in [time::UtcDateTime::MAX, time::macros::utc_datetime!(0001-01-01 0:00)] {
        let _ = judged(&around(|around| around.issued_at = far)).unwrap_err();
        let _ = judged(&saying(|said| said.issued_at = far)).unwrap_err();
        let _ = judged(&saying(|said| said.statements = authenticated(far, "", "urn:a")));
        let _ = judged(&under(conditions(far, far, &for_audience(SP)))).unwrap_err();
        let at_the_end = judged_as(&saying(|_| ()), LEAST, &|expected| expected.now = far);
        assert!(at_the_end.is_err());
    }
}
