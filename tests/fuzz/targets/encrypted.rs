//! What is encrypted to us: whatever stands around them, a key and a content that were sealed together open to what was sealed, and
//! nothing else opens. An input that begins as a document is one, in which `@KEY@` and `@CONTENT@` stand for the two, sealed anew at
//! each start. Any other changes octets of the two where they stand in a seed: four octets of it for each change.
#![no_main]

use std::sync::{Arc, LazyLock};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use libfuzzer_sys::fuzz_target;
use openssl::{asn1::Asn1Time, hash::MessageDigest, pkey::PKey, rsa::Rsa, x509::X509};
use signet_fuzz::saml::{
    DeniedAlgorithms,
    encryption::{
        AcceptedCiphers, BlockEncryption, EncryptionKey, EncryptionSeed, Opener, PemOpener, decrypt, encrypt,
    },
    xml::{Builder, Canonical, Document, Element, Limits, ns},
};

/// A key of ours and what was sealed to it.
struct Sealed {
    ours: Vec<Arc<dyn Opener>>,
    key: Vec<u8>,
    content: Vec<u8>,
}

static SEALED: LazyLock<Sealed> = LazyLock::new(|| {
    let pair = PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key");
    let mut certificate = X509::builder().expect("a certificate");
    let begin = Asn1Time::days_from_now(0).expect("a day");
    certificate.set_not_before(&begin).expect("a day");
    certificate.set_not_after(&begin).expect("a day");
    certificate.set_pubkey(&pair).expect("a key");
    certificate.sign(&pair, MessageDigest::sha256()).expect("a signature");
    let certificate = certificate.build();
    let (certificate, pem) =
        (certificate.to_der().expect("a certificate"), certificate.to_pem().expect("a certificate"));
    let to = EncryptionKey::from_certificate_der(&certificate).expect("a key that we take");
    let seed = EncryptionSeed { content_key: [7; 32], iv: [9; 16] };
    let sealed = encrypt(&name(), &to, BlockEncryption::Aes256Gcm, seed).expect("sealed").into_string();
    let values = sealed.split("<xenc:CipherValue>").skip(1).map(|rest| rest.split('<').next().expect("a value"));
    let mut values = values.map(|value| BASE64.decode(value).expect("base64"));
    Sealed {
        ours: vec![Arc::new(
            PemOpener::from_pem(&pair.private_key_to_pem_pkcs8().expect("a key"), &pem).expect("an RSA key"),
        )],
        key: values.next().expect("the content's key"),
        content: values.next().expect("the content"),
    }
});

fn name() -> Canonical {
    Builder::element("saml", ns::ASSERTION, "NameID").text("pat").canonical().expect("a name")
}

fn look_at(element: Element<'_>) {
    if let Ok(opened) = decrypt(element, &SEALED.ours, AcceptedCiphers::Authenticated, DeniedAlgorithms::NONE) {
        assert_eq!(*opened, name().as_bytes());
    }
    element.children().for_each(look_at);
}

const INSIDE: &str = include_str!("../seeds/encrypted/inside.xml");
const BESIDE: &str = include_str!("../seeds/encrypted/beside.xml");

/// Both seeds open: a target that never opens anything would find nothing.
static SEEDS_OPEN: LazyLock<()> = LazyLock::new(|| {
    for seed in [INSIDE, BESIDE] {
        let text = filled(seed, &[]);
        let document = Document::parse(text.as_bytes(), &Limits::PROTOCOL).expect("a seed is a document");
        let opened = decrypt(document.root(), &SEALED.ours, AcceptedCiphers::Authenticated, DeniedAlgorithms::NONE);
        opened.expect("a seed opens");
    }
});

/// The document, with key and content as they were sealed but for the changes.
fn filled(text: &str, changes: &[u8]) -> String {
    let (mut key, mut content) = (SEALED.key.clone(), SEALED.content.clone());
    for [which, high, low, change] in changes.as_chunks().0 {
        let octets = if which % 2 == 0 { &mut key } else { &mut content };
        let at = usize::from(u16::from_be_bytes([*high, *low])) % octets.len();
        octets[at] ^= change;
    }
    text.replace("@KEY@", &BASE64.encode(key)).replace("@CONTENT@", &BASE64.encode(content))
}

fuzz_target!(|input: &[u8]| {
    LazyLock::force(&SEEDS_OPEN);
    let text = match std::str::from_utf8(input) {
        Ok(text) if text.starts_with('<') => filled(text, &[]),
        _ => filled(INSIDE, input),
    };
    if let Ok(document) = Document::parse(text.as_bytes(), &Limits::PROTOCOL) {
        look_at(document.root());
    }
});
