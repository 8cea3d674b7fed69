//! The query string with two of everything.
//!
//! The signature of a redirect is over parameters, and parameters can come twice, in another order, in disguise, or
//! beside a second message; one part of a program takes the first, another the last (CVE-2025-27773, CVE-2025-31335).
//! Here the query is split once. A parameter of SAML's that comes twice is refused, and the octets that are verified are
//! the octets that are read.

use signet::saml::binding::{BindingError, Received};

use super::door;
use super::scene::{Refusal, judge, percent, redirect_value, refusal_of_redirect, signed_query, unsigned};

fn binding_error(query: String) -> BindingError {
    match refusal_of_redirect(query) {
        Refusal::Undecodable(error) => error,
        Refusal::Unbelieved(error) => panic!("{error:?}"),
    }
}

/// A second request, which nobody signed.
fn evil() -> String {
    redirect_value(&unsigned().replace("_genuine", "_evil"))
}

#[test]
fn a_second_message_is_refused_before_or_behind_the_signed_one() {
    let good = signed_query(None);
    let twice = BindingError::DuplicateParameter("SAMLRequest");
    assert_eq!(binding_error(format!("{good}&SAMLRequest={}", evil())), twice);
    assert_eq!(binding_error(format!("SAMLRequest={}&{good}", evil())), twice);
}

#[test]
fn every_parameter_of_samls_may_come_once() {
    let good = signed_query(Some("here"));
    for (name, value) in
        [("RelayState", "there".to_owned()), ("SigAlg", percent("urn:none")), ("Signature", "AAAA".to_owned())]
    {
        assert_eq!(binding_error(format!("{good}&{name}={value}")), BindingError::DuplicateParameter(name));
    }
}

#[test]
fn a_response_beside_the_request_is_refused() {
    let good = signed_query(None);
    assert_eq!(binding_error(format!("SAMLResponse={}&{good}", evil())), BindingError::ResponseParameter);
    assert_eq!(binding_error(format!("SAMLResponse={}", evil())), BindingError::ResponseParameter);
    let form = format!("SAMLRequest=AAAA&SAMLResponse={}", evil());
    assert_eq!(Received::from_form(form.as_bytes()), Err(BindingError::ResponseParameter));
    door::refuses_form(&form, BindingError::ResponseParameter);
}

#[test]
fn a_disguised_name_is_refused() {
    let good = signed_query(None);
    let disguised = BindingError::EncodedParameterName("SAMLRequest");
    assert_eq!(binding_error(format!("{good}&%53AMLRequest={}", evil())), disguised);
    assert_eq!(binding_error(good.replacen("SAMLRequest", "SAML%52equest", 1)), disguised);
}

#[test]
fn other_spellings_of_a_name_are_other_names() {
    for name in ["samlrequest", "SAMLRequest[]", "SAMLRequest ", "SAMLREQUEST"] {
        assert_eq!(binding_error(format!("{name}={}", evil())), BindingError::NoRequest, "{name}");
    }
}

#[test]
fn another_encoding_is_refused() {
    let good = signed_query(None);
    assert_eq!(binding_error(format!("{good}&SAMLEncoding=urn:example:rot13")), BindingError::Encoding);
    let named = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";
    let query = format!("{good}&SAMLEncoding={named}");
    assert!(judge(&Received::redirect(&*query)).is_ok());
    door::takes(&query);
}

#[test]
fn parameters_of_others_and_another_order_in_the_url_do_not_matter() {
    let good = signed_query(Some("here"));
    let mut parts: Vec<&str> = good.split('&').collect();
    parts.reverse();
    let shuffled = format!("locale=es&{}&x=%zz", parts.join("&"));
    assert!(judge(&Received::redirect(&*shuffled)).is_ok());
    door::takes(&shuffled);
}

#[test]
fn lower_case_escapes_and_plus_signs_verify_as_they_came() {
    use base64::Engine;
    use signet::saml::signature::Signer;
    // Some .NET service providers write %2b, some others write a space as %20; the signature is over what they wrote.
    let lower = |text: &str| {
        let bytes = percent(text);
        let mut out = String::new();
        let mut rest = bytes.as_str();
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            out.push_str(&rest[at..at + 3].to_lowercase());
            rest = &rest[at + 3..];
        }
        out + rest
    };
    let deflated = super::scene::deflate(unsigned().as_bytes());
    let request = lower(&base64::engine::general_purpose::STANDARD.encode(deflated));
    for relay_state in ["a%20b%2fc", "a+b%2Fc"] {
        let octets =
            format!("SAMLRequest={request}&RelayState={relay_state}&SigAlg={}", lower(super::scene::RSA_SHA256));
        let signature = crate::saml::keys::RSA.signer().sign(octets.as_bytes()).unwrap();
        let signature = lower(&base64::engine::general_purpose::STANDARD.encode(signature));
        let verified = judge(&Received::redirect(format!("{octets}&Signature={signature}"))).unwrap();
        assert_eq!(verified.relay_state().unwrap().as_str(), "a b/c");
    }
}
