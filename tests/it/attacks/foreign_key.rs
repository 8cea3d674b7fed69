//! The signature that brings its own key.
//!
//! A message carries a certificate for the receiver's convenience. A verifier that uses it, or that hunts for "a key that
//! fits", will find every forgery genuine (CVE-2021-21239). Keys come from registered metadata alone; the metadata of
//! another registered service is no better than none.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use signet::saml::{MessageError, RequestSignature, metadata::SpMetadata, signature::SignatureError};
use url::Url;

use super::scene::{
    RSA_SHA256, Refusal, SP, SSO, metadata_text, post, refusal, refusal_of_redirect, request, sign, signed,
    signed_query_of, unsigned,
};
use crate::saml::keys::{OTHER_RSA, RSA};

fn no_key_verifies() -> Refusal {
    Refusal::Unbelieved(MessageError::Signature(SignatureError::NoKeyVerifies { tried: 1 }))
}

#[test]
fn a_request_signed_with_an_unregistered_key_is_refused() {
    // Its certificate stands in KeyInfo, as the signer puts it there.
    assert_eq!(refusal(&post(sign(&request(), &OTHER_RSA.signer()))), no_key_verifies());
    let query = signed_query_of(&unsigned(), None, RSA_SHA256, &OTHER_RSA.signer());
    assert_eq!(refusal_of_redirect(query), no_key_verifies());
}

#[test]
fn the_registered_certificate_beside_a_foreign_signature_changes_nothing() {
    let foreign = sign(&request(), &OTHER_RSA.signer());
    let dressed = foreign.replace(&BASE64.encode(&OTHER_RSA.certificate_der), &BASE64.encode(&RSA.certificate_der));
    assert_ne!(dressed, foreign);
    assert_eq!(refusal(&post(dressed)), no_key_verifies());
}

#[test]
fn an_address_of_a_key_is_not_followed() {
    let foreign = sign(&request(), &OTHER_RSA.signer());
    let start = foreign.find("<ds:X509Data>").unwrap();
    let end = foreign.find("</ds:X509Data>").unwrap() + "</ds:X509Data>".len();
    let retrieval = r#"<ds:RetrievalMethod URI="http://127.0.0.1:9/key.xml"/>"#;
    assert_eq!(refusal(&post(format!("{}{retrieval}{}", &foreign[..start], &foreign[end..]))), no_key_verifies());
}

#[test]
fn a_genuine_request_is_not_judged_by_another_services_record() {
    let other = metadata_text(&BASE64.encode(&RSA.certificate_der)).replace(SP, "https://other.example/metadata");
    let other = SpMetadata::parse(other.as_bytes()).unwrap();
    let decoded = post(signed()).decode().unwrap();
    let verdict = decoded.verify(
        &other,
        RequestSignature::Demanded,
        &[Url::parse(SSO).unwrap()],
        signet::saml::DeniedAlgorithms::NONE,
    );
    assert_eq!(verdict.map(|_| ()), Err(MessageError::ForeignRecord));
}
