//! The answer, stolen by its address.
//!
//! The attacker lets the identity provider send a genuine assertion to a place of his: by an
//! `AssertionConsumerServiceURL` that resembles the registered one. Prefix matching, URL normalisation and "same host" rules
//! have all been fooled (CVE-2023-45683 carried script in a `javascript:` URL). Here a URL must be, character for
//! character, one of the metadata's, and only [`SpMetadata::acs_location`](signet::saml::metadata::SpMetadata::acs_location)
//! makes a place to send to. The signature is genuine in all of these: also a service provider that signs what it is
//! given must not be a way out.

use signet::saml::metadata::{AcsError, AcsLocation, AcsSelection};

use super::door;
use super::scene::{ACS, Refusal, judge, metadata, post, request_with, sign};
use crate::saml::keys::RSA;
use signet::saml::MessageError;

fn destination_of(attribute: &'static str, value: &str) -> Result<AcsLocation, AcsError> {
    let request = request_with(|request| request.attribute(attribute, value));
    let verified = judge(&post(sign(&request, &RSA.signer()))).expect("genuinely signed");
    metadata().acs_location(verified.acs(), None, false)
}

/// The person's browser brings the genuinely signed request, and no answer of any kind leaves.
#[track_caller]
fn refused_at_the_door(attribute: &'static str, value: &str) {
    let page = door::genuine_with(attribute, value);
    page.expect_status(403).expect_words("Code: S22");
    assert!(page.forms().iter().all(|form| form.value("SAMLResponse").is_none()), "{value}: {}", page.body);
    assert!(page.link("evil").is_none(), "{}", page.body);
}

#[test]
fn the_registered_address_is_taken_by_url_by_index_and_by_default() {
    assert_eq!(destination_of("AssertionConsumerServiceURL", ACS).unwrap().as_str(), ACS);
    assert_eq!(destination_of("AssertionConsumerServiceIndex", "0").unwrap().as_str(), ACS);
    assert_eq!(metadata().acs_location(&AcsSelection::Default, None, false).unwrap().as_str(), ACS);
    assert!(door::is_response(&door::genuine_with("AssertionConsumerServiceURL", ACS)));
    assert!(door::is_response(&door::genuine_with("AssertionConsumerServiceIndex", "0")));
}

#[test]
fn addresses_that_resemble_the_registered_one_are_refused() {
    for url in [
        "https://evil.example/acs",
        "https://sp.example/acs/",
        "https://sp.example/acs/extra",
        "https://sp.example/acs?next=https://evil.example/",
        "https://sp.example/acs#fragment",
        "https://sp.example/x/../acs",
        "https://sp.example//acs",
        "https://sp.example/%61cs",
        "https://sp.example/ACS",
        "https://SP.example/acs",
        "https://sp.example:443/acs",
        "https://sp.example:1/acs",
        "https://sp.example.evil.example/acs",
        "https://sp.example@evil.example/acs",
        "https://user@sp.example/acs",
        "http://sp.example/acs",
        "//sp.example/acs",
        "/acs",
        " https://sp.example/acs",
        "javascript:alert(1)//https://sp.example/acs",
        "data:text/html,x",
        "",
    ] {
        assert_eq!(destination_of("AssertionConsumerServiceURL", url), Err(AcsError::UnknownUrl), "{url}");
        refused_at_the_door("AssertionConsumerServiceURL", url);
    }
}

#[test]
fn an_index_that_is_not_registered_is_refused() {
    assert_eq!(destination_of("AssertionConsumerServiceIndex", "1"), Err(AcsError::UnknownIndex(1)));
    refused_at_the_door("AssertionConsumerServiceIndex", "1");
}

#[test]
fn a_url_and_an_index_at_once_are_refused() {
    let request = request_with(|request| {
        request.attribute("AssertionConsumerServiceURL", ACS).attribute("AssertionConsumerServiceIndex", "0")
    });
    let verdict = judge(&post(sign(&request, &RSA.signer()))).map(|_| ());
    assert_eq!(verdict, Err(Refusal::Unbelieved(MessageError::AcsTwice)));
}
