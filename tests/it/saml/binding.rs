//! The carriage of messages: what is undone, within which limits, and what is refused.

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use flate2::{Compression, write::DeflateEncoder};
use signet::saml::{
    DeniedAlgorithms, MessageError, RequestSignature, SpMetadata,
    binding::{BindingError, MAX_CARRIED_BYTES, MAX_MESSAGE_BYTES, Received},
    logout::LogoutMessage,
    signature::Signer,
};
use url::form_urlencoded::byte_serialize;

use super::keys::RSA;

const REQUEST: &str = concat!(
    r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" Version="2.0">"#,
    r#"<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://sp.example/</saml:Issuer>"#,
    "</samlp:AuthnRequest>"
);

/// The request with white space behind it, up to this many octets.
fn filled(length: usize) -> String {
    format!("{REQUEST}{}", "\n".repeat(length - REQUEST.len()))
}

fn deflated(message: &str) -> Vec<u8> {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(message.as_bytes()).unwrap();
    deflate.finish().unwrap()
}

fn parameter(name: &str, octets: &[u8]) -> String {
    format!("{name}={}", byte_serialize(octets).collect::<String>())
}

fn query(deflated: &[u8]) -> String {
    parameter("SAMLRequest", BASE64.encode(deflated).as_bytes())
}

fn by_redirect(query: impl Into<String>) -> Option<BindingError> {
    Received::redirect(query).decode().err()
}

fn by_post(saml_request: String) -> Option<BindingError> {
    Received::Post { saml_request, relay_state: None }.decode().err()
}

#[test]
fn messages_are_taken_up_to_their_limit_by_either_binding() {
    // Around the room for ordinary messages, and at the limit.
    for length in [8 * 1024 - 1, 8 * 1024, 8 * 1024 + 1, MAX_MESSAGE_BYTES] {
        assert_eq!(by_redirect(query(&deflated(&filled(length)))), None, "{length}");
        assert_eq!(by_post(BASE64.encode(filled(length))), None, "{length}");
    }
    for length in [MAX_MESSAGE_BYTES + 1, MAX_MESSAGE_BYTES + 2, 10 * MAX_MESSAGE_BYTES] {
        assert_eq!(by_redirect(query(&deflated(&filled(length)))), Some(BindingError::TooLarge), "{length}");
    }
    for length in [MAX_MESSAGE_BYTES + 1, MAX_MESSAGE_BYTES + 2] {
        assert_eq!(by_post(BASE64.encode(filled(length))), Some(BindingError::TooLarge), "{length}");
    }
}

#[test]
fn what_carries_a_message_is_taken_up_to_its_limit() {
    let message = BASE64.encode(REQUEST);
    let form = |length: usize| format!("{message}{}", " ".repeat(length - message.len()));
    assert_eq!(by_post(form(MAX_CARRIED_BYTES)), None);
    assert_eq!(by_post(form(MAX_CARRIED_BYTES + 1)), Some(BindingError::TooLarge));
    let query = query(&deflated(REQUEST)) + "&other=";
    let query = |length: usize| format!("{query}{}", "x".repeat(length - query.len()));
    assert_eq!(by_redirect(query(MAX_CARRIED_BYTES)), None);
    assert_eq!(by_redirect(query(MAX_CARRIED_BYTES + 1)), Some(BindingError::TooLarge));
}

#[test]
fn a_stream_is_one_and_whole() {
    let whole = deflated(REQUEST);
    assert_eq!(by_redirect(query(&whole)), None);
    for broken in [&whole[..whole.len() - 1], &whole[..1], &[], &[&whole[..], &[0]].concat(), REQUEST.as_bytes()] {
        assert_eq!(by_redirect(query(broken)), Some(BindingError::Deflate), "{}", broken.len());
    }
}

#[test]
fn base64_may_have_line_breaks_in_a_form_and_has_none_in_a_query() {
    let broken =
        |text: String| text.as_bytes().chunks(76).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\r\n");
    assert_eq!(by_post(broken(BASE64.encode(REQUEST))), None);
    let query = parameter("SAMLRequest", broken(BASE64.encode(deflated(REQUEST))).as_bytes());
    assert_eq!(by_redirect(query), Some(BindingError::Base64("SAMLRequest")));
    assert_eq!(by_post("no base64!".into()), Some(BindingError::Base64("SAMLRequest")));
}

#[test]
fn parameters_are_plain_once_and_of_the_one_encoding() {
    let plain = query(&deflated(REQUEST));
    let with = |more: &str| by_redirect(format!("{plain}&{more}"));
    let deflate = parameter("SAMLEncoding", b"urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE");
    assert_eq!(with(&deflate), None);
    assert_eq!(with("SAMLEncoding=urn:example:other"), Some(BindingError::Encoding));
    assert_eq!(with("RelayState=a&RelayState=a"), Some(BindingError::DuplicateParameter("RelayState")));
    // One letter in disguise, and all of them.
    let hidden: String = "SAMLRequest".bytes().map(|octet| format!("%{octet:02X}")).collect();
    for name in ["%53AMLRequest", &hidden] {
        let query = format!("{name}{}", plain.strip_prefix("SAMLRequest").unwrap());
        assert_eq!(by_redirect(query), Some(BindingError::EncodedParameterName("SAMLRequest")), "{name}");
    }
}

#[test]
fn a_signature_inside_a_message_is_refused_where_the_query_carries_it() {
    let signature = r#"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></samlp:AuthnRequest>"#;
    let message = REQUEST.replace("</samlp:AuthnRequest>", signature);
    assert_eq!(by_redirect(query(&deflated(&message))), Some(BindingError::EmbeddedSignature));
    assert_eq!(by_post(BASE64.encode(message)), None, "there it is the signature of the message");
}

#[test]
fn another_message_is_none_that_is_wanted() {
    for other in ["LogoutRequest", "Response"] {
        let message = REQUEST.replace("AuthnRequest", other);
        assert_eq!(by_post(BASE64.encode(&message)), Some(BindingError::NotAnAuthnRequest), "{other}");
    }
    let foreign = REQUEST.replace("SAML:2.0:protocol", "SAML:1.0:protocol");
    assert_eq!(by_post(BASE64.encode(foreign)), Some(BindingError::NotAnAuthnRequest));
}

/// The record of the sender, with its key.
fn record() -> SpMetadata {
    let certificate = BASE64.encode(&RSA.certificate_der);
    let record = format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://sp.example/"><md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sp.example/acs" index="0"/></md:SPSSODescriptor></md:EntityDescriptor>"#
    );
    SpMetadata::parse(record.as_bytes()).unwrap()
}

/// The query that carries a message in this parameter, signed by the sender.
fn signed_query(name: &str, message: &str) -> String {
    let signer = RSA.signer();
    let algorithm = parameter("SigAlg", signer.algorithm().uri().as_bytes());
    let octets = format!("{}&{algorithm}", parameter(name, BASE64.encode(deflated(message)).as_bytes()));
    let signature = parameter("Signature", BASE64.encode(signer.sign(octets.as_bytes()).unwrap()).as_bytes());
    format!("{octets}&{signature}")
}

#[test]
fn a_signed_request_keeps_the_proof_whose_it_is() {
    let here = "https://idp.example/saml/sso";
    let message =
        REQUEST.replace(" Version", &format!(" IssueInstant=\"2026-11-24T12:00:00Z\" Destination=\"{here}\" Version"));
    let judged = |query: &str, demand| {
        let decoded = Received::redirect(query).decode().unwrap();
        let verified = decoded.verify(&record(), demand, &[here.parse().unwrap()], DeniedAlgorithms::NONE)?;
        Ok(verified.signature().map(|proof| proof.key()))
    };
    let (signed, unsigned) = (signed_query("SAMLRequest", &message), query(&deflated(&message)));
    let key = RSA.verification_key().fingerprint();
    for demand in [RequestSignature::Demanded, RequestSignature::Waived] {
        assert_eq!(judged(&signed, demand), Ok(Some(key)), "{demand:?}");
    }
    assert_eq!(judged(&unsigned, RequestSignature::Waived), Ok(None));
    assert_eq!(judged(&unsigned, RequestSignature::Demanded), Err(MessageError::Unsigned));
}

#[test]
fn an_answer_by_query_has_an_identifier_of_its_own() {
    let here = "https://idp.example/saml/logout";
    let judged = |id: &str| {
        let message = format!(
            r#"<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" {id} Version="2.0" IssueInstant="2026-11-24T12:00:00Z" InResponseTo="_q" Destination="{here}"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://sp.example/</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status></samlp:LogoutResponse>"#
        );
        let read = LogoutMessage::from_query(&signed_query("SAMLResponse", &message)).unwrap();
        let LogoutMessage::Response(response) = read else { panic!("a response was sent") };
        response.verify(record().peer(), &[here.parse().unwrap()], DeniedAlgorithms::NONE).map(drop)
    };
    assert_eq!(judged(r#"ID="_a""#), Ok(()));
    assert_eq!(judged(""), Err(MessageError::AttributeMissing("ID")));
    assert!(judged(r#"ID="1 2""#).is_err());
}
