//! The genuine message, wrapped in a forged one.
//!
//! A signature covers the element that it names, wherever that stands. The attacker moves a genuinely signed request into
//! a corner of a request of his own: the verifier finds it by its identifier, the reader reads what is around it
//! (Somorovsky and others, 2012, "On Breaking SAML"; CVE-2024-45409, CVE-2025-47949, CVE-2025-54369, CVE-2024-8698). Here the
//! signature must be the child of the very element that is read and name that element, and only the tree that was
//! verified is read on.

use signet::saml::{MessageError, binding::BindingError, signature::SignatureError};

use super::scene::{Refusal, post, refusal, signature_of, signed, unsigned};

/// The attacker's request: another identifier, and the ACS that he would like.
fn evil() -> String {
    unsigned().replace("_genuine", "_evil")
}

const END: &str = "</samlp:AuthnRequest>";

fn before_end(xml: &str, addition: &str) -> String {
    xml.replace(END, &format!("{addition}{END}"))
}

/// The evil request with the signature of the genuine one at its place.
fn adopted(original: &str) -> String {
    let issuer_end = "</saml:Issuer>";
    evil().replacen(issuer_end, &format!("{issuer_end}{}", signature_of(original)), 1)
}

fn signature_error(xml: String) -> SignatureError {
    match refusal(&post(xml)) {
        Refusal::Unbelieved(MessageError::Signature(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_signed_original_in_the_extensions_of_an_unsigned_request() {
    let xml = before_end(&evil(), &format!("<samlp:Extensions>{}</samlp:Extensions>", signed()));
    assert_eq!(refusal(&post(xml)), Refusal::Unbelieved(MessageError::Unsigned));
}

#[test]
fn the_signature_adopted_and_the_original_in_the_extensions() {
    let genuine = signed();
    let bare = genuine.replace(signature_of(&genuine), "");
    let xml = before_end(&adopted(&genuine), &format!("<samlp:Extensions>{bare}</samlp:Extensions>"));
    assert_eq!(signature_error(xml), SignatureError::ForeignReference);
}

#[test]
fn the_original_in_an_object_of_the_adopted_signature() {
    let genuine = signed();
    let bare = genuine.replace(signature_of(&genuine), "");
    let object = format!("<ds:Object>{bare}</ds:Object></ds:Signature>");
    let xml = adopted(&genuine).replace("</ds:Signature>", &object);
    assert_eq!(signature_error(xml), SignatureError::ObjectRefused);
}

#[test]
fn the_original_around_the_forgery() {
    let xml = before_end(&signed(), &format!("<samlp:Extensions>{}</samlp:Extensions>", evil()));
    assert_eq!(signature_error(xml), SignatureError::DigestMismatch);
}

#[test]
fn the_identifier_of_the_original_taken_over() {
    // The forgery takes the identifier, the original keeps it: the document is not read.
    let genuine = signed();
    let bare = genuine.replace(signature_of(&genuine), "");
    let thief = before_end(&adopted(&genuine), &format!("<samlp:Extensions>{bare}</samlp:Extensions>"))
        .replacen("_evil", "_genuine", 1);
    assert!(matches!(refusal(&post(thief)), Refusal::Undecodable(BindingError::Xml(_))));
}

#[test]
fn a_second_signature() {
    let genuine = signed();
    let xml = genuine.replace(signature_of(&genuine), &signature_of(&genuine).repeat(2));
    assert_eq!(signature_error(xml), SignatureError::Several);
}

#[test]
fn the_signature_at_the_end() {
    let genuine = signed();
    let signature = signature_of(&genuine);
    let xml = before_end(
        &genuine.replace(signature, "").replacen(
            "</saml:Issuer>",
            "</saml:Issuer><samlp:Extensions></samlp:Extensions>",
            1,
        ),
        signature,
    );
    assert_eq!(signature_error(xml), SignatureError::Misplaced);
}

#[test]
fn a_reference_to_the_whole_document_or_to_an_address() {
    for uri in
        ["", "#", "#_other", "#xpointer(/)", "#xpointer(id('_genuine'))", "http://127.0.0.1:9/ref.xml", "_genuine"]
    {
        let xml = signed().replace("URI=\"#_genuine\"", &format!("URI=\"{uri}\""));
        assert_eq!(signature_error(xml), SignatureError::ForeignReference, "{uri}");
    }
}

#[test]
fn transforms_that_compute() {
    for (uri, inside) in [
        ("http://www.w3.org/TR/1999/REC-xslt-19991116", ""),
        ("http://www.w3.org/TR/1999/REC-xpath-19991116", "<ds:XPath>not(self::*)</ds:XPath>"),
        ("http://www.w3.org/2002/06/xmldsig-filter2", ""),
        ("http://www.w3.org/2000/09/xmldsig#base64", ""),
        ("http://www.w3.org/2001/10/xml-exc-c14n#WithComments", ""),
    ] {
        let transform = format!("<ds:Transform Algorithm=\"{uri}\">{inside}</ds:Transform></ds:Transforms>");
        let xml = signed().replace("</ds:Transforms>", &transform);
        assert!(matches!(refusal(&post(xml)), Refusal::Unbelieved(MessageError::Signature(_))), "{uri}");
    }
}

#[test]
fn two_signed_infos() {
    // CVE-2025-29774: the forged one is read, the genuine one is verified.
    let genuine = signed();
    let start = genuine.find("<ds:SignedInfo>").unwrap();
    let end = genuine.find("</ds:SignedInfo>").unwrap() + "</ds:SignedInfo>".len();
    let info = &genuine[start..end];
    let xml = genuine.replace(info, &info.repeat(2));
    assert!(matches!(signature_error(xml), SignatureError::Malformed { .. }));
}
