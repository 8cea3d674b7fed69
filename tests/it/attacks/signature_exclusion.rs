//! The signature that is simply left out.
//!
//! Where the message decides whether it is signed, the attacker decides that it is not (Fortinet's FortiCloud, 2025;
//! CVE-2026-2092). Whether a request must be signed is a property of the party in the registry: of its agreement, and of
//! its own word in the metadata (`AuthnRequestsSigned`), which no waiver overrules.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use signet::saml::{
    MessageError, RequestSignature,
    binding::{BindingError, Received},
    metadata::SpMetadata,
    signature::SignatureError,
};
use url::Url;

use super::scene::{
    Refusal, SSO, metadata_text, post, redirect_value, refusal, refusal_of_redirect, signed, signed_query, unsigned,
};
use crate::saml::keys::RSA;

#[test]
fn an_unsigned_request_is_refused_in_either_binding() {
    assert_eq!(refusal(&post(unsigned())), Refusal::Unbelieved(MessageError::Unsigned));
    let query = format!("SAMLRequest={}", redirect_value(&unsigned()));
    assert_eq!(refusal_of_redirect(query), Refusal::Unbelieved(MessageError::Unsigned));
}

#[test]
fn a_waiver_does_not_overrule_what_the_service_says_of_itself() {
    let refused = super::scene::judge_with(&post(unsigned()), RequestSignature::Waived).map(|_| ());
    assert_eq!(refused, Err(Refusal::Unbelieved(MessageError::Unsigned)));
}

#[test]
fn a_waiver_lets_an_unsigned_request_pass_but_never_a_bad_signature() {
    let text = metadata_text(&BASE64.encode(&RSA.certificate_der)).replace(" AuthnRequestsSigned=\"true\"", "");
    let silent = SpMetadata::parse(text.as_bytes()).unwrap();
    let our_sso = [Url::parse(SSO).unwrap()];
    let judge = |received: Received| {
        received.decode().unwrap().verify(
            &silent,
            RequestSignature::Waived,
            &our_sso,
            signet::saml::DeniedAlgorithms::NONE,
        )
    };

    let accepted = judge(post(unsigned())).unwrap();
    assert!(accepted.signature().is_none());
    let tampered = signed().replace("_genuine", "_changed");
    assert!(matches!(judge(post(tampered)), Err(MessageError::Signature(_))));
    let tampered = signed_query(None).replace("Signature=", "Signature=AAAA");
    assert_eq!(
        judge(Received::redirect(tampered)).map(|_| ()),
        Err(MessageError::Signature(SignatureError::NoKeyVerifies { tried: 1 }))
    );
}

#[test]
fn half_a_query_signature_is_refused() {
    let query = signed_query(None);
    let (without_signature, _) = query.split_once("&Signature=").unwrap();
    let incomplete = Refusal::Undecodable(BindingError::SignatureIncomplete);
    assert_eq!(refusal_of_redirect(without_signature), incomplete);
    let without_algorithm: Vec<&str> = query.split('&').filter(|part| !part.starts_with("SigAlg")).collect();
    assert_eq!(refusal_of_redirect(without_algorithm.join("&")), incomplete);
}

#[test]
fn a_signature_inside_the_message_does_not_count_in_a_redirect() {
    let query = format!("SAMLRequest={}", redirect_value(&signed()));
    assert_eq!(refusal_of_redirect(query), Refusal::Undecodable(BindingError::EmbeddedSignature));
}

#[test]
fn a_query_signature_does_not_count_in_a_post() {
    let form = format!("SAMLRequest={}&SigAlg=x&Signature=AAAA", super::scene::percent(&BASE64.encode(unsigned())));
    let received = Received::from_form(form.as_bytes()).unwrap();
    assert_eq!(refusal(&received), Refusal::Unbelieved(MessageError::Unsigned));
}

#[test]
fn an_empty_signature_is_refused() {
    let xml = signed();
    let start = xml.find("<ds:SignatureValue>").unwrap() + "<ds:SignatureValue>".len();
    let end = xml.find("</ds:SignatureValue>").unwrap();
    let emptied = format!("{}{}", &xml[..start], &xml[end..]);
    assert!(matches!(refusal(&post(emptied)), Refusal::Unbelieved(MessageError::Signature(_))));
    let query = signed_query(None);
    let (rest, _) = query.split_once("&Signature=").unwrap();
    assert!(matches!(
        refusal_of_redirect(format!("{rest}&Signature=")),
        Refusal::Unbelieved(MessageError::Signature(SignatureError::NoKeyVerifies { .. }))
    ));
}

#[test]
fn a_signature_of_a_look_alike_namespace_is_none() {
    let xml = signed().replace("http://www.w3.org/2000/09/xmldsig#\"", "http://www.w3.org/2000/09/xmldsig\"");
    assert_eq!(refusal(&post(xml)), Refusal::Unbelieved(MessageError::Unsigned));
}
