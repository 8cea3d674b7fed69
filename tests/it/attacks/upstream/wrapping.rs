//! What the identity provider signed, moved about: the eight kinds of signature wrapping (Somorovsky and others, 2012;
//! CVE-2024-45409 in ruby-saml, CVE-2025-47949 in samlify), two assertions, and hidden ones. The evil part names the victim.
//!
//! An assertion is read where its own signature was verified, there is one in the whole document, and it stands where it must.

use signet::saml::ResponseError;
use signet::saml::response::incoming::ResponsePart;
use signet::saml::signature::SignatureError;

use super::scene::{
    ATTACKER, Around, Refused, SUCCESS, Said, VICTIM, assertion, encrypted, judged, refused, signature, status,
    without_signature,
};

/// An unsigned assertion about the victim.
fn evil() -> Said {
    Said { id: "_evil", ..Said::about(VICTIM) }
}

fn good() -> String {
    Said::about(ATTACKER).signed()
}

#[track_caller]
fn counts(xml: &str, assertions: usize) {
    assert_eq!(refused(xml), Refused::Unverified(ResponseError::Assertions(assertions)));
}

#[test]
fn what_is_moved_about_here_is_let_in_where_it_was() {
    for xml in [
        Around::right().unsigned(&good()),
        Around::right().signed(&good()),
        Around::right().signed(&Said::about(ATTACKER).unsigned()),
        Around::right().unsigned(&encrypted(&good())),
        Around::right().signed(&encrypted(&good())),
        Around::right().signed(&encrypted(&Said::about(ATTACKER).unsigned())),
    ] {
        let assertion = assertion(judged(&xml));
        assert_eq!(&*assertion.name_id().unwrap().value, ATTACKER);
    }
}

#[test]
fn response_that_adopts_the_signature_of_another_around_it_is_refused() {
    // XSW1: the original stands inside the signature that was moved.
    let original = Around::right().signed(&Said::about(ATTACKER).unsigned());
    let (moved, _) = without_signature(&original);
    let inside = moved.replace("</ds:Signature>", &format!("<ds:Object>{original}</ds:Object></ds:Signature>"));
    let adopted = Around::right().write(&inside, &evil().unsigned()).replace("\"_response\"", "\"_evil_response\"");
    assert!(matches!(refused(&adopted), Refused::Undecodable(_) | Refused::Unverified(_)));
    // XSW2: beside it.
    let (_, bare) = without_signature(&original);
    let beside = Around::right().write(&moved, &format!("{}{bare}", evil().unsigned())).replacen(
        "\"_response\"",
        "\"_evil_response\"",
        1,
    );
    let error = SignatureError::ForeignReference;
    assert_eq!(refused(&beside), Refused::Unverified(ResponseError::Signature { part: ResponsePart::Response, error }));
}

#[test]
fn unsigned_assertion_before_the_signed_one_is_refused() {
    counts(&Around::right().unsigned(&(evil().unsigned() + &good())), 2); // XSW3
}

#[test]
fn unsigned_assertion_behind_the_signed_one_is_refused() {
    counts(&Around::right().unsigned(&(good() + &evil().unsigned())), 2);
    // With a signature of its own that nobody knows, too.
    let stranger = evil().signed_by(super::scene::stranger());
    counts(&Around::right().unsigned(&(good() + &stranger)), 2);
}

#[test]
fn two_signed_assertions_are_refused() {
    let second = Said { id: "_second", ..Said::about(ATTACKER) };
    counts(&Around::right().signed(&(good() + &second.signed())), 2);
}

#[test]
fn unsigned_assertion_around_the_signed_one_is_refused() {
    // XSW4: the original is a child of the evil one.
    let around = evil().unsigned().replace("</saml:Assertion>", &format!("{}</saml:Assertion>", good()));
    counts(&Around::right().unsigned(&around), 2);
    // And where a schema would let it stand.
    let advice = format!("</saml:Conditions><saml:Advice>{}</saml:Advice>", good());
    counts(&Around::right().unsigned(&evil().unsigned().replace("</saml:Conditions>", &advice)), 2);
}

#[test]
fn assertion_that_adopts_the_signature_of_another_is_refused() {
    let (moved, bare) = without_signature(&good());
    // XSW5: the original comes behind.
    counts(&Around::right().unsigned(&(evil().write(&moved) + &bare)), 2);
    // XSW6: it stands inside the signature. XSW8: in a ds:Object of it.
    let inside = moved.replace("</ds:Signature>", &format!("{bare}</ds:Signature>"));
    counts(&Around::right().unsigned(&evil().write(&inside)), 2);
    let object = moved.replace("</ds:Signature>", &format!("<ds:Object>{bare}</ds:Object></ds:Signature>"));
    counts(&Around::right().unsigned(&evil().write(&object)), 2);
    // Alone.
    let error = SignatureError::ForeignReference;
    let alone = Around::right().unsigned(&evil().write(&moved));
    assert_eq!(refused(&alone), Refused::Unverified(ResponseError::Signature { part: ResponsePart::Assertion, error }));
}

#[test]
fn assertion_hidden_in_extensions_is_refused() {
    let mut around = Around::right();
    // XSW7.
    around.before_status = format!("<samlp:Extensions>{}</samlp:Extensions>", evil().unsigned());
    counts(&around.unsigned(&good()), 2);
    // The signed one there, and the evil one in its place.
    around.before_status = format!("<samlp:Extensions>{}</samlp:Extensions>", good());
    counts(&around.unsigned(&evil().unsigned()), 2);
    // The signed one there, and none in its place.
    counts(&around.unsigned(""), 0);
}

#[test]
fn signed_assertion_hidden_in_status_detail_is_refused() {
    let detail = format!("<samlp:StatusDetail>{}</samlp:StatusDetail>", good());
    let around = Around { status: status(SUCCESS, &detail), ..Around::right() };
    counts(&around.unsigned(&evil().unsigned()), 2);
    counts(&around.signed(""), 0);
}

#[test]
fn encrypted_unsigned_assertion_before_the_signed_one_is_refused() {
    // CVE-2026-2092 in Keycloak.
    counts(&Around::right().unsigned(&(encrypted(&evil().unsigned()) + &good())), 2);
    counts(&Around::right().unsigned(&(good() + &encrypted(&evil().unsigned()))), 2);
}

#[test]
fn assertion_inside_the_encrypted_one_is_refused() {
    let advice = format!("</saml:Conditions><saml:Advice>{}</saml:Advice>", good());
    let both = evil().unsigned().replace("</saml:Conditions>", &advice);
    assert!(matches!(
        refused(&Around::right().signed(&encrypted(&both))),
        Refused::Unverified(ResponseError::Decryption(_))
    ));
}

#[test]
fn two_elements_with_one_identifier_are_refused() {
    let twin = Said { id: "_assertion", ..Said::about(VICTIM) };
    assert!(matches!(refused(&Around::right().unsigned(&(twin.unsigned() + &good()))), Refused::Undecodable(_)));
    let adopted = Around::right().unsigned(&twin.write(&without_signature(&good()).0));
    let error = SignatureError::DigestMismatch;
    assert_eq!(
        refused(&adopted),
        Refused::Unverified(ResponseError::Signature { part: ResponsePart::Assertion, error })
    );
}

#[test]
fn signature_at_another_place_of_the_assertion_is_refused() {
    let (moved, bare) = without_signature(&good());
    let last = bare.replace("</saml:Assertion>", &format!("{moved}</saml:Assertion>"));
    let error = SignatureError::Misplaced;
    assert_eq!(
        refused(&Around::right().unsigned(&last)),
        Refused::Unverified(ResponseError::Signature { part: ResponsePart::Assertion, error })
    );
    // Not even beside a good one of the response.
    let twice = Said::about(ATTACKER).write(&(signature("_assertion") + &signature("_assertion")));
    let twice = crate::saml::mutants::shapes::sign(&twice, &super::scene::idp_key().signer()).unwrap();
    let xml = Around::right().signed(&twice);
    assert!(matches!(
        refused(&xml),
        Refused::Unverified(ResponseError::Signature { part: ResponsePart::Assertion, .. })
    ));
}
