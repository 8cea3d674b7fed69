//! Query strings, forms and what is stored of them: percent-encoding, base64, DEFLATE within limits.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use signet_fuzz::record;
use signet_fuzz::saml::{DeniedAlgorithms, Received, RequestSignature, SpMetadata, logout::LogoutMessage};

static RECORD: LazyLock<SpMetadata> = LazyLock::new(record);

fn request(received: &Received) {
    assert_eq!(Received::from_bytes(&received.to_bytes()).as_ref(), Ok(received));
    let Ok(decoded) = received.decode() else { return };
    let here = ["https://idp.example/saml".parse().expect("an address")];
    for demand in [RequestSignature::Demanded, RequestSignature::Waived] {
        if let Ok(decoded) = received.decode()
            && let Ok(verified) = decoded.verify(&RECORD, demand, &here, DeniedAlgorithms::NONE)
        {
            assert_eq!(verified.issuer(), RECORD.entity_id());
            assert!(verified.signature().is_some() || demand == RequestSignature::Waived);
        }
    }
    let _ = format!("{decoded:?}");
}

fn logout(message: LogoutMessage) {
    let here = ["https://idp.example/saml".parse().expect("an address")];
    match message {
        LogoutMessage::Request(request) => drop(request.verify(RECORD.peer(), &here, DeniedAlgorithms::NONE)),
        LogoutMessage::Response(response) => drop(response.verify(RECORD.peer(), &here, DeniedAlgorithms::NONE)),
    }
}

fuzz_target!(|octets: &[u8]| {
    let _ = Received::from_bytes(octets);
    if let Ok(received) = Received::from_form(octets) {
        request(&received);
    }
    if let Ok(message) = LogoutMessage::from_form(octets) {
        logout(message);
    }
    let Ok(text) = std::str::from_utf8(octets) else { return };
    request(&Received::redirect(text));
    if let Ok(message) = LogoutMessage::from_query(text) {
        logout(message);
    }
});
