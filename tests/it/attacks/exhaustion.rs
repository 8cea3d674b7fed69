//! The message that costs more to read than to send.
//!
//! A few kilobytes nest five thousand elements, give one element six thousand attributes or three thousand namespace
//! declarations (RUSTSEC-2026-0194 and -0195: quadratic work in the reader), or bring two thousand certificates, each a key
//! to be tried (CVE-2026-7307: one sender starved all workers). Limits are checked before the work that they bound, and
//! certificates in a message are never looked at.

use std::time::{Duration, Instant};

use signet::saml::{
    binding::{BindingError, Received},
    signature::SignatureError,
    xml::{XmlError, XmlFault},
};

use super::door;
use signet::saml::MessageError;

use super::scene::{Refusal, post, refusal, request, sign, unsigned};
use crate::saml::keys::OTHER_RSA;

/// Generous for a debug build on a busy machine; the attacks take minutes where they work.
const SOON: Duration = Duration::from_secs(2);

#[track_caller]
fn refused_soon(received: &Received) -> Refusal {
    door::open();
    let start = Instant::now();
    let refusal = refusal(received);
    assert!(start.elapsed() < SOON, "{:?} for {refusal:?}", start.elapsed());
    refusal
}

fn fault(xml: String) -> XmlFault {
    match refused_soon(&post(xml)) {
        Refusal::Undecodable(BindingError::Xml(XmlError { fault, .. })) => fault,
        other => panic!("{other:?}"),
    }
}

fn with_extensions(content: &str) -> String {
    let extensions = format!("<samlp:Extensions>{content}</samlp:Extensions></samlp:AuthnRequest>");
    unsigned().replace("</samlp:AuthnRequest>", &extensions)
}

#[test]
fn deep_nesting_is_refused() {
    assert_eq!(fault(with_extensions(&("<a>".repeat(5_000) + &"</a>".repeat(5_000)))), XmlFault::TooDeep(40));
}

#[test]
fn many_siblings_are_refused() {
    assert_eq!(fault(with_extensions(&"<a/>".repeat(10_000))), XmlFault::TooManyNodes(3_000));
}

#[test]
fn many_attributes_are_refused() {
    let attributes: String = (0..6_000).map(|n| format!(" a{n}=''")).collect();
    assert_eq!(fault(with_extensions(&format!("<a{attributes}/>"))), XmlFault::TooManyAttributes(24));
}

#[test]
fn many_namespace_declarations_are_refused() {
    let declarations: String = (0..3_500).map(|n| format!(" xmlns:n{n}='u:'")).collect();
    assert_eq!(fault(with_extensions(&format!("<a{declarations}/>"))), XmlFault::TooManyNamespaces(24));
}

#[test]
fn a_long_text_is_refused() {
    assert_eq!(fault(with_extensions(&"a".repeat(70_000))), XmlFault::TooMuchText(64 * 1024));
}

#[test]
fn a_long_document_is_refused() {
    let long = with_extensions(&format!("<a>{}</a>", "a".repeat(60_000)).repeat(3));
    assert_eq!(refused_soon(&post(long)), Refusal::Undecodable(BindingError::TooLarge));
    let endless = Received::Post { saml_request: "A".repeat(20 << 20), relay_state: None };
    assert_eq!(refused_soon(&endless), Refusal::Undecodable(BindingError::TooLarge));
    assert_eq!(
        refused_soon(&Received::redirect(format!("SAMLRequest={}", "A".repeat(300_000)))),
        Refusal::Undecodable(BindingError::TooLarge)
    );
}

#[test]
fn many_parameters_are_ignored_without_much_work() {
    let fields: String = (0..20_000).map(|n| format!("a{n}=1&")).collect();
    assert_eq!(Received::from_form(fields.as_bytes()), Err(BindingError::NoRequest));
    door::refuses_form(&fields, BindingError::NoRequest);
}

#[test]
fn certificates_in_the_message_are_never_tried() {
    let xml = sign(&request(), &OTHER_RSA.signer());
    let start = xml.find("<ds:X509Certificate>").unwrap();
    let end = xml.find("</ds:X509Certificate>").unwrap() + "</ds:X509Certificate>".len();
    let many = xml[start..end].repeat(60);
    let xml = format!("{}{many}{}", &xml[..start], &xml[end..]);
    let expected = MessageError::Signature(SignatureError::NoKeyVerifies { tried: 1 });
    assert_eq!(refused_soon(&post(xml)), Refusal::Unbelieved(expected));
}
