//! The metadata of a service and of an identity provider: no octets make the reader panic, and what it reads can be asked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signet_fuzz::saml::{
    AcsSelection, IdpMetadata, SpMetadata,
    metadata::{LogoutKind, ResponseBinding},
};
use time::UtcDateTime;

/// The same octets, and the same with the other role, as the metadata of an identity provider.
fn identity_provider(octets: &[u8]) {
    let Ok(metadata) = IdpMetadata::parse(octets) else { return };
    assert!(!metadata.entity_id().as_str().is_empty());
    let _ = format!("{metadata:?}");
    let _ = (metadata.admit(UtcDateTime::UNIX_EPOCH, false), metadata.admit(UtcDateTime::MAX, true));
    assert!(metadata.sso_location(false).is_none_or(|found| found.url().scheme() == "https"));
    assert!(metadata.peer().keys().signing().len() + metadata.peer().keys().passed_over().len() > 0);
}

fuzz_target!(|octets: &[u8]| {
    identity_provider(octets);
    if let Ok(text) = std::str::from_utf8(octets) {
        let text = text.replace("SPSSODescriptor", "IDPSSODescriptor");
        identity_provider(text.replace("AssertionConsumerService", "SingleSignOnService").as_bytes());
    }
    let Ok(metadata) = SpMetadata::parse(octets) else { return };
    assert!(!metadata.entity_id().as_str().is_empty());
    let _ = format!("{metadata:?}");
    let _ = (metadata.admit(UtcDateTime::UNIX_EPOCH, false), metadata.admit(UtcDateTime::MAX, true));
    let services = metadata.assertion_consumer_services();
    let by_index = services.iter().map(|service| AcsSelection::Index(service.index));
    let by_url = services.iter().map(|service| AcsSelection::Url(service.location.as_str().to_owned()));
    for asked in by_index.chain(by_url).chain([AcsSelection::Default]) {
        for binding in [None, Some(ResponseBinding::Artifact), Some(ResponseBinding::Post)] {
            if let Ok(found) = metadata.acs_location(&asked, binding, false) {
                assert_eq!(found.url().scheme(), "https");
                assert!(services.iter().any(|service| service.location.as_str() == found.as_str()), "registered");
            }
        }
    }
    for kind in [LogoutKind::Request, LogoutKind::Response] {
        assert!(metadata.slo_location(kind, false).is_none_or(|found| found.url().scheme() == "https"));
    }
    for key in metadata.encryption_keys() {
        let _ = (key.ciphers().count(), key.key_transports().count());
    }
});
