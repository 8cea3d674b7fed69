//! Responses to a request of ours: whatever an identity provider signs, reading it does no harm, and what is let in is for us, for
//! our request and for now. An input is a response in which `@SIGNATURE@` stands for the identity provider's signature, made
//! anew for each; `@ASSERTION@…@END@` around an assertion stands for the same, encrypted to us.
#![no_main]

use std::sync::{Arc, LazyLock};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use libfuzzer_sys::fuzz_target;
use openssl::{
    asn1::Asn1Time,
    hash::MessageDigest,
    pkey::PKey,
    rsa::{Padding, Rsa},
    sha::sha256,
    symm::{Cipher, encrypt_aead},
    x509::X509,
};
use signet_fuzz::saml::{
    DecodedResponse, DeniedAlgorithms, EntityId, IdpMetadata, MessageId,
    c14n::canonicalize,
    encryption::{Opener, PemOpener},
    metadata::Location,
    response::incoming::{Answer, DemandedSignatures, Expectation, ResponseDemands},
    signature::{PemSigner, Signer},
    xml::{Builder, Document, Limits, ns},
};
use time::{Duration, macros::utc_datetime};

/// Both sides: one key pair, which signs for the identity provider and decrypts for us.
struct Sides {
    signer: PemSigner,
    openers: Vec<Arc<dyn Opener>>,
    key: Rsa<openssl::pkey::Private>,
    record: IdpMetadata,
    us: EntityId,
    here: Location,
    request: MessageId,
}

const LEAST: ResponseDemands = ResponseDemands { signatures: DemandedSignatures::Either, encryption: false };

static SIDES: LazyLock<Sides> = LazyLock::new(|| {
    let key = Rsa::generate(2048).expect("a key");
    let pair = PKey::from_rsa(key.clone()).expect("a key");
    let mut certificate = X509::builder().expect("a certificate");
    let begin = Asn1Time::days_from_now(0).expect("a day");
    certificate.set_not_before(&begin).expect("a day");
    certificate.set_not_after(&begin).expect("a day");
    certificate.set_pubkey(&pair).expect("a key");
    certificate.sign(&pair, MessageDigest::sha256()).expect("a signature");
    let certificate = certificate.build();
    let private = pair.private_key_to_pem_pkcs8().expect("a key");
    let public = certificate.to_pem().expect("a certificate");
    let record = format!(
        "<md:EntityDescriptor xmlns:md=\"{}\" xmlns:ds=\"{}\" entityID=\"https://idp.example/\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"{}\"><md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate>\
         </ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://idp.example/sso\"/></md:IDPSSODescriptor>\
         </md:EntityDescriptor>",
        ns::METADATA,
        ns::DSIG,
        ns::PROTOCOL,
        BASE64.encode(certificate.to_der().expect("a certificate")),
    );
    Sides {
        signer: PemSigner::from_pem(&private, &public).expect("a key that signs"),
        openers: vec![Arc::new(PemOpener::from_pem(&private, &public).expect("a key that opens"))],
        key,
        record: IdpMetadata::parse(record.as_bytes()).expect("a record"),
        us: EntityId::parse("https://sp.example/").expect("a name"),
        here: Location::parse("https://sp.example/acs").expect("an address"),
        request: MessageId::parse("_request").expect("an identifier"),
    }
});

/// The seeds are let in: a target that never lets anything in would find nothing.
static SEEDS_ARE_RIGHT: LazyLock<()> = LazyLock::new(|| {
    for seed in [
        include_str!("../seeds/response/clear.xml"),
        include_str!("../seeds/response/encrypted.xml"),
        include_str!("../seeds/response/failure.xml"),
    ] {
        assert!(look_at(&filled(seed)), "a seed is let in");
    }
});

/// The response with what the identity provider does to it.
fn filled(text: &str) -> String {
    let text = match text.split_once("@ASSERTION@") {
        Some((before, rest)) => {
            let (assertion, after) = rest.split_once("@END@").unwrap_or((rest, ""));
            format!("{before}{}{after}", sealed(assertion))
        }
        None => text.to_owned(),
    };
    let Ok(document) = Document::parse(text.replace("@SIGNATURE@", "").as_bytes(), &Limits::PROTOCOL) else {
        return text;
    };
    let id = document.root().attribute("ID").unwrap_or("");
    let digest = sha256(canonicalize(document.root(), None, &[]).as_bytes());
    let ds = |local| Builder::element("ds", ns::DSIG, local);
    let by = |local, uri: &str| ds(local).attribute("Algorithm", uri);
    let reference = ds("Reference")
        .attribute("URI", format!("#{id}"))
        .child(
            ds("Transforms")
                .child(by("Transform", "http://www.w3.org/2000/09/xmldsig#enveloped-signature"))
                .child(by("Transform", ns::EXC_C14N)),
        )
        .child(by("DigestMethod", "http://www.w3.org/2001/04/xmlenc#sha256"))
        .child(ds("DigestValue").text(BASE64.encode(digest)));
    let info = ds("SignedInfo")
        .child(by("CanonicalizationMethod", ns::EXC_C14N))
        .child(by("SignatureMethod", SIDES.signer.algorithm().uri()))
        .child(reference);
    let Ok(info) = info.canonical() else { return text };
    let value = SIDES.signer.sign(info.as_bytes()).expect("it signs");
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{}\">{}<ds:SignatureValue>{}</ds:SignatureValue></ds:Signature>",
        ns::DSIG,
        info.as_str(),
        BASE64.encode(value)
    );
    text.replacen("@SIGNATURE@", &signature, 1)
}

fn sealed(assertion: &str) -> String {
    let (key, iv, mut tag) = ([7; 32], [9; 12], [0; 16]);
    let content = encrypt_aead(Cipher::aes_256_gcm(), &key, Some(&iv), &[], assertion.as_bytes(), &mut tag);
    let content = [&iv[..], &content.expect("sealed"), &tag].concat();
    let mut wrapped = vec![0; 256];
    SIDES.key.public_encrypt(&key, &mut wrapped, Padding::PKCS1_OAEP).expect("sealed");
    include_str!("../seeds/encrypted/inside.xml")
        .replace("EncryptedID", "EncryptedAssertion")
        .replace("@KEY@", &BASE64.encode(wrapped))
        .replace("@CONTENT@", &BASE64.encode(content))
}

/// Whether the response is let in.
fn look_at(xml: &str) -> bool {
    let Ok(decoded) = DecodedResponse::from_fields(&BASE64.encode(xml), Some("state")) else { return false };
    let sides = &*SIDES;
    let Ok(verified) = decoded.verify(&sides.record, &sides.here, LEAST, &sides.openers, DeniedAlgorithms::NONE) else {
        return false;
    };
    assert_eq!(verified.issuer(), sides.record.entity_id());
    assert!(verified.signatures().response.is_some() || verified.signatures().assertion.is_some());
    let _ = format!("{verified:?}");
    let now = utc_datetime!(2026-11-28 12:00);
    let expected = Expectation {
        audience: &sides.us,
        asked: sides.record.entity_id(),
        request: &sides.request,
        contexts: &[],
        authenticated_since: None,
        now,
        clock_skew: Duration::minutes(1),
        fresh_for: Duration::minutes(5),
    };
    let Ok(matched) = verified.matched(&expected) else { return false };
    assert!(xml.contains("https://sp.example/acs") && xml.contains("_request"));
    assert!(matched.replayable_until() > now);
    if let Answer::Success(assertion) = matched.answer() {
        assert_eq!(assertion.issuer(), sides.record.entity_id());
        assert!(assertion.name_id().is_none_or(|name| !name.value.trim().is_empty()));
    }
    true
}

fuzz_target!(|input: &[u8]| {
    LazyLock::force(&SEEDS_ARE_RIGHT);
    if let Ok(text) = std::str::from_utf8(input) {
        look_at(&filled(text));
    }
});
