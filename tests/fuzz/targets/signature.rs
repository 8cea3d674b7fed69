//! Signed messages: the tree that is verified is the tree that is read, and only what the signer said is acted upon.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use signet_fuzz::saml::{
    DeniedAlgorithms, SpMetadata,
    artifact::DecodedArtifactResolve,
    c14n::canonicalize,
    signature::{SignaturePosition, verify_enveloped},
    xml::{Document, Element, Limits, ns},
};
use signet_fuzz::{WIDE, record, values};

static RECORD: LazyLock<SpMetadata> = LazyLock::new(record);

/// What the signer signed: the values of the elements in the seeds, without their signatures.
static SIGNED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let seeds: [&[u8]; 4] = [
        include_bytes!("../seeds/signature/artifact_resolve.xml"),
        include_bytes!("../seeds/signature/authn_request.xml"),
        include_bytes!("../seeds/signature/logout_request.xml"),
        include_bytes!("../seeds/signature/response.xml"),
    ];
    let mut signed = Vec::new();
    for seed in seeds {
        let document = Document::parse(seed, &Limits::PROTOCOL).expect("a seed is a document");
        let before = signed.len();
        look_at(document.root(), &mut |element| signed.push(without_signature(element)));
        assert!(signed.len() > before, "each seed verifies");
    }
    signed
});

fn without_signature(element: Element<'_>) -> String {
    values(element, element.child(ns::DSIG, "Signature"))
}

/// Every element that verifies.
fn look_at(element: Element<'_>, found: &mut impl FnMut(Element<'_>)) {
    for position in [SignaturePosition::AfterIssuer, SignaturePosition::First] {
        if let Ok(verified) = verify_enveloped(element, position, RECORD.signing_keys()) {
            assert!(verified.element().same_node(element));
            found(element);
        }
    }
    element.children().for_each(|child| look_at(child, found));
}

fuzz_target!(|octets: &[u8]| {
    LazyLock::force(&SIGNED);
    if let Ok(document) = Document::parse(octets, &Limits::PROTOCOL) {
        look_at(document.root(), &mut |element| {
            let said = without_signature(element);
            assert!(SIGNED.contains(&said), "verified, but never signed: {said}");
            let canonical = canonicalize(element, element.child(ns::DSIG, "Signature"), &[]);
            let again = Document::parse(canonical.as_bytes(), &WIDE).expect("canonical form is well-formed");
            assert_eq!(values(again.root(), None), said);
        });
    }
    let Ok(resolve) = DecodedArtifactResolve::from_soap(octets.to_vec()) else { return };
    let here = ["https://idp.example/saml".parse().expect("an address")];
    if let Ok(resolve) = resolve.verify(RECORD.peer(), &here, DeniedAlgorithms::NONE) {
        assert_eq!(resolve.id().as_str(), "_1");
    }
});
