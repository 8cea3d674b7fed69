//! The name that two programs read differently.
//!
//! Canonicalization drops comments, so a comment put into a signed text leaves the signature good; a program that then
//! reads "the first text node" sees half a name: `admin@example.org<!-- -->.evil.example` (CVE-2017-11427 and its family,
//! CVE-2018-0489). Protocol messages have no comments here, and a value is the whole text of an element without child
//! elements, never a part of it.

use signet::saml::{
    binding::BindingError,
    xml::{XmlError, XmlFault},
};

use super::scene::{Refusal, SP, post, refusal, signed};

fn fault(xml: &str) -> XmlFault {
    match refusal(&post(xml)) {
        Refusal::Undecodable(BindingError::Xml(XmlError { fault, .. })) => fault,
        other => panic!("{other:?}"),
    }
}

/// The issuer of a genuinely signed request, changed in a way that its canonical form forgets.
fn with_issuer(text: &str) -> String {
    let xml = signed();
    assert!(xml.contains(SP));
    xml.replacen(SP, text, 1)
}

#[test]
fn a_comment_in_a_signed_name_is_refused() {
    assert_eq!(fault(&with_issuer("https://sp.example<!-- -->/metadata")), XmlFault::Comment);
    assert_eq!(fault(&with_issuer("https://sp.example/metadata<!---->")), XmlFault::Comment);
}

#[test]
fn a_processing_instruction_in_a_signed_name_is_refused() {
    assert_eq!(fault(&with_issuer("https://sp.example<?x y?>/metadata")), XmlFault::ProcessingInstruction);
}

#[test]
fn an_element_in_a_name_is_refused() {
    assert!(matches!(fault(&with_issuer("https://sp.example<b xmlns=''/>/metadata")), XmlFault::UnexpectedElement(_)));
}

#[test]
fn a_comment_in_a_digest_value_is_refused() {
    // "SAMLStorm", CVE-2025-29775: the forged digest before the comment's end, the genuine one behind it.
    let xml = signed().replace("<ds:DigestValue>", "<ds:DigestValue><!--forged-->");
    assert_eq!(fault(&xml), XmlFault::Comment);
}

#[test]
fn markup_in_a_cdata_section_is_text() {
    let verdict = refusal(&post(with_issuer("<![CDATA[</saml:Issuer><saml:Issuer>https://sp.example/metadata]]>")));
    assert_eq!(verdict, Refusal::Undecodable(BindingError::MalformedIssuer));
}
