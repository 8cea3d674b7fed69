//! The genuine request, delivered to the wrong door.
//!
//! A request that a service provider made for another identity provider, or another purpose, is taken by the attacker
//! and brought here. `Destination` says for whom a signed message is, so it must be there and be this very address; a
//! Response or a LogoutRequest is no AuthnRequest, however well signed.

use signet::saml::binding::{BindingError, Received};

use signet::saml::MessageError;

use super::scene::{
    RSA_SHA256, Refusal, SP, SSO, post, refusal, refusal_of_redirect, request, sign, signed_query_of, unsigned,
};
use crate::saml::keys::RSA;
use signet::saml::xml::{Builder, ns};

fn for_destination(destination: Option<&str>) -> Builder {
    Builder::element("samlp", ns::PROTOCOL, "AuthnRequest")
        .attribute("ID", "_genuine")
        .attribute("Version", "2.0")
        .attribute("IssueInstant", "2026-11-24T15:00:00Z")
        .optional_attribute("Destination", destination)
        .child(Builder::element("saml", ns::ASSERTION, "Issuer").text(SP))
}

#[test]
fn a_request_for_somebody_else_is_refused() {
    for destination in [
        "https://other.example/saml/sso",
        "https://idp.example/saml/sso/other",
        "https://idp.example/saml/sso?x",
        "https://idp.example:443/saml/sso",
        "http://idp.example/saml/sso",
        "https://IDP.example/saml/sso",
        "",
    ] {
        let request = for_destination(Some(destination));
        let expected = Refusal::Unbelieved(MessageError::for_another(destination, &[SSO]));
        assert_eq!(refusal(&post(sign(&request, &RSA.signer()))), expected, "{destination}");
        let xml = request.canonical().unwrap().into_string();
        assert_eq!(refusal_of_redirect(signed_query_of(&xml, None, RSA_SHA256, &RSA.signer())), expected);
    }
}

#[test]
fn a_signed_request_for_nobody_is_refused() {
    let request = for_destination(None);
    let expected = Refusal::Unbelieved(MessageError::NoDestination);
    assert_eq!(refusal(&post(sign(&request, &RSA.signer()))), expected);
}

#[test]
fn other_messages_are_no_requests() {
    for name in ["Response", "LogoutRequest", "ArtifactResolve", "AuthnQuery"] {
        let message = Builder::element("samlp", ns::PROTOCOL, name)
            .attribute("ID", "_other")
            .attribute("Destination", SSO)
            .child(Builder::element("saml", ns::ASSERTION, "Issuer").text(SP));
        let verdict = refusal(&post(sign(&message, &RSA.signer())));
        assert_eq!(verdict, Refusal::Undecodable(BindingError::NotAnAuthnRequest), "{name}");
    }
}

#[test]
fn a_look_alike_namespace_or_an_envelope_is_no_request() {
    let xml = unsigned();
    for other in [
        xml.replace(ns::PROTOCOL, "urn:oasis:names:tc:SAML:1.0:protocol"),
        xml.replace("samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"", "AuthnRequest")
            .replace("samlp:", ""),
        format!("<S:Envelope xmlns:S='http://schemas.xmlsoap.org/soap/envelope/'><S:Body>{xml}</S:Body></S:Envelope>"),
    ] {
        assert_eq!(refusal(&post(other)), Refusal::Undecodable(BindingError::NotAnAuthnRequest));
    }
}

#[test]
fn what_carries_no_request_is_told_apart() {
    assert!(post(sign(&request(), &RSA.signer())).decode().is_ok());
    assert!(matches!(Received::redirect("").decode(), Err(BindingError::NoRequest)));
}
