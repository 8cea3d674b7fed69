//! The genuine request, changed a little.
//!
//! `ForceAuthn` added or dropped, a weaker context asked for, another RelayState beside a signed message, one bit of the
//! signature: whatever is signed must come as it was signed, and what is not signed must not matter.

use proptest::prelude::*;
use signet::saml::{
    binding::Received,
    signature::{SignatureError, Signer},
};

use signet::saml::MessageError;

use super::scene::{Refusal, judge, post, refusal, refusal_of_redirect, signed, signed_query};
use crate::saml::keys::RSA;

#[test]
fn an_attribute_added_after_signing_is_refused() {
    let xml = signed().replacen(" ID=", " ForceAuthn=\"true\" ID=", 1);
    let expected = MessageError::Signature(SignatureError::DigestMismatch);
    assert_eq!(refusal(&post(xml)), Refusal::Unbelieved(expected));
}

#[test]
fn relay_state_changed_removed_or_added_in_a_signed_redirect_is_refused() {
    let expected = Refusal::Unbelieved(MessageError::Signature(SignatureError::NoKeyVerifies { tried: 1 }));
    let query = signed_query(Some("good"));
    assert_eq!(refusal_of_redirect(query.replace("RelayState=good", "RelayState=evil")), expected);
    assert_eq!(refusal_of_redirect(query.replace("RelayState=good&", "")), expected);
    assert_eq!(refusal_of_redirect(format!("{}&RelayState=evil", signed_query(None))), expected);
    assert_eq!(refusal_of_redirect(format!("{}&RelayState=", signed_query(None))), expected);
}

#[test]
fn a_signature_over_another_order_of_the_parameters_is_refused() {
    let query = signed_query(Some("a"));
    let (octets, _) = query.split_once("&Signature=").unwrap();
    let mut parts: Vec<&str> = octets.split('&').collect();
    parts.swap(0, 1);
    let signature = RSA.signer().sign(parts.join("&").as_bytes()).unwrap();
    use base64::Engine;
    let signature = super::scene::percent(&base64::engine::general_purpose::STANDARD.encode(signature));
    let expected = Refusal::Unbelieved(MessageError::Signature(SignatureError::NoKeyVerifies { tried: 1 }));
    assert_eq!(refusal_of_redirect(format!("{octets}&Signature={signature}")), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_changed_octet_of_a_signed_request_never_changes_what_is_believed(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut octets = signed().into_bytes();
        let place = at.index(octets.len());
        octets[place] = to;
        // The certificate in KeyInfo is a hint that nobody signs or reads.
        if let Ok(believed) = judge(&post(octets)) {
            prop_assert_eq!(believed.id().as_str(), "_genuine");
            prop_assert!(!believed.force_authn());
        }
    }

    #[test]
    fn no_octets_make_the_line_panic(octets in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = judge(&post(&octets));
        let _ = Received::from_form(&octets).map(|received| judge(&received));
        let query = String::from_utf8_lossy(&octets).into_owned();
        let _ = judge(&Received::redirect(query));
    }
}
