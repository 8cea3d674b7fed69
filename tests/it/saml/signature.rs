//! What we sign verifies, with every kind of key, and what was verified is what is read.

use std::sync::Arc;

use openssl::{
    bn::BigNum,
    nid::Nid,
    rsa::{Padding, Rsa},
};
use proptest::prelude::*;
use signet::saml::{
    signature::{
        KeyError, PemSigner, SignatureAlgorithm, SignatureError, SignaturePosition, Signer, SigningError,
        VerificationKey, sign_enveloped, verify_enveloped, verify_redirect,
    },
    xml::{Builder, Document, Limits, WriteError, ns},
};

use super::keys::{KeyPair, OTHER_RSA, P256, P384, RSA};

fn assertion(id: &str, value: &str) -> Builder {
    Builder::element("saml", ns::ASSERTION, "Assertion")
        .attribute("ID", id)
        .child(Builder::element("saml", ns::ASSERTION, "Issuer").text("https://idp.example"))
        .child(Builder::element("saml", ns::ASSERTION, "AttributeValue").text(value))
}

/// Every key with every algorithm that it makes.
pub(super) fn every_signer() -> Vec<(Arc<dyn Signer>, &'static KeyPair)> {
    let pairs: [&'static KeyPair; 3] = [&RSA, &P256, &P384];
    let by = |pair: &'static KeyPair, algorithm: &SignatureAlgorithm| (pair.signer_by(*algorithm), pair);
    pairs
        .iter()
        .flat_map(|pair| pair.signer().algorithms().iter().map(|one| by(pair, one)).collect::<Vec<_>>())
        .collect()
}

#[test]
fn what_is_signed_verifies_with_every_algorithm() {
    for (signer, pair) in every_signer() {
        let signed = sign_enveloped(&assertion("_a", "x"), SignaturePosition::AfterIssuer, &*signer).unwrap();
        let document = Document::parse(signed.as_bytes(), &Limits::PROTOCOL).unwrap();
        // The right key is found among others.
        let keys = [OTHER_RSA.verification_key(), pair.verification_key()];
        let verified = verify_enveloped(document.root(), SignaturePosition::AfterIssuer, &keys).unwrap();
        assert_eq!(verified.proof().key(), keys[1].fingerprint());
        assert_eq!(verified.proof().algorithm(), signer.algorithm());
        assert!(verified.element().same_node(document.root()));
    }
}

#[test]
fn signed_metadata_has_its_signature_first() {
    let entity = Builder::element("md", ns::METADATA, "EntityDescriptor")
        .attribute("ID", "_m")
        .child(Builder::element("md", ns::METADATA, "Organization"));
    let signed = sign_enveloped(&entity, SignaturePosition::First, &RSA.signer()).unwrap();
    let document = Document::parse(signed.as_bytes(), &Limits::METADATA).unwrap();
    assert!(document.root().children().next().unwrap().is(ns::DSIG, "Signature"));
    verify_enveloped(document.root(), SignaturePosition::First, &[RSA.verification_key()]).unwrap();
}

#[test]
fn a_signed_assertion_still_verifies_inside_a_signed_response() {
    let keys = [RSA.verification_key()];
    let assertion = sign_enveloped(&assertion("_a", "x"), SignaturePosition::AfterIssuer, &RSA.signer()).unwrap();
    let response = Builder::element("samlp", ns::PROTOCOL, "Response")
        .attribute("ID", "_r")
        .child(Builder::element("saml", ns::ASSERTION, "Issuer").text("https://idp.example"))
        .child(Builder::element("samlp", ns::PROTOCOL, "Status"))
        .fragment(&assertion);
    let signed = sign_enveloped(&response, SignaturePosition::AfterIssuer, &RSA.signer()).unwrap();
    let document = Document::parse(signed.as_bytes(), &Limits::PROTOCOL).unwrap();
    verify_enveloped(document.root(), SignaturePosition::AfterIssuer, &keys).unwrap();
    let inner = document.root().child(ns::ASSERTION, "Assertion").unwrap();
    verify_enveloped(inner, SignaturePosition::AfterIssuer, &keys).unwrap();
}

#[test]
fn what_cannot_be_signed_is_refused() {
    let signer = RSA.signer();
    let no_id = Builder::element("saml", ns::ASSERTION, "Assertion");
    let error = sign_enveloped(&no_id, SignaturePosition::First, &signer).unwrap_err();
    assert_eq!(error, SigningError::Write(WriteError::NotSignable("an ID")));
    for id in ["", "1", "a:b", "a b"] {
        let error = sign_enveloped(&no_id.clone().attribute("ID", id), SignaturePosition::First, &signer).unwrap_err();
        assert_eq!(error, SigningError::Write(WriteError::NotSignable("an ID")), "{id}");
    }
    let with_id = no_id.attribute("ID", "_a");
    let error = sign_enveloped(&with_id, SignaturePosition::AfterIssuer, &signer).unwrap_err();
    assert_eq!(error, SigningError::Write(WriteError::NotSignable("an Issuer first")));
    for (prefix, namespace, local) in [("saml", ns::ASSERTION, "Subject"), ("samlp", ns::PROTOCOL, "Issuer")] {
        let other = with_id.clone().child(Builder::element(prefix, namespace, local));
        let error = sign_enveloped(&other, SignaturePosition::AfterIssuer, &signer).unwrap_err();
        assert_eq!(error, SigningError::Write(WriteError::NotSignable("an Issuer first")), "{prefix}:{local}");
    }
}

#[test]
fn keys_that_are_too_weak_or_strange_are_refused() {
    let key = |pair: &KeyPair| VerificationKey::from_certificate_der(&pair.certificate_der).unwrap_err();
    let signer = |pair: &KeyPair| PemSigner::from_pem(&pair.private_pem, &pair.certificate_pem).unwrap_err();
    let short = KeyPair::rsa(1024);
    assert_eq!(key(&short), KeyError::RsaLength { bits: 1024 });
    assert_eq!(signer(&short), KeyError::RsaLength { bits: 1024 });
    for curve in [Nid::SECP256K1, Nid::SECP521R1] {
        assert_eq!(key(&KeyPair::ec(curve)), KeyError::Curve);
    }
    assert_eq!(VerificationKey::from_certificate_der(b"no certificate"), Err(KeyError::Malformed));
    let foreign = PemSigner::from_pem(&RSA.private_pem, &OTHER_RSA.certificate_pem).unwrap_err();
    assert_eq!(foreign, KeyError::KeyAndCertificateDiffer);
    assert!(RSA.signer_by(SignatureAlgorithm::EcdsaSha256).sign(b"octets").is_err());
}

#[test]
fn rsa_keys_that_openssl_would_not_use_are_refused() {
    // 2^(bits - 1) and a last bit for the modulus, 2^(bits - 1) + 1 for the exponent.
    let power = |bits: i32| {
        let mut number = BigNum::new().unwrap();
        number.set_bit(bits - 1).unwrap();
        number
    };
    let der = |modulus_bits: i32, odd: bool, exponent_bits: i32| {
        let (mut modulus, mut exponent) = (power(modulus_bits), power(exponent_bits));
        exponent.set_bit(0).unwrap();
        if odd {
            modulus.set_bit(0).unwrap();
        }
        Rsa::from_public_components(modulus, exponent).unwrap().public_key_to_der().unwrap()
    };
    for (modulus_bits, odd, exponent_bits, refused) in [
        (2048, true, 17, None),
        (2048, false, 17, Some(KeyError::RsaModulus)),
        (4096, false, 17, Some(KeyError::RsaModulus)),
        (3072, true, 65, None),
        (3072, true, 256, None),
        (3072, true, 257, Some(KeyError::RsaExponent)),
        (3073, true, 64, None),
        (3073, true, 65, Some(KeyError::RsaExponent)),
        (8192, true, 64, None),
        (8192, true, 256, Some(KeyError::RsaExponent)),
    ] {
        let der = der(modulus_bits, odd, exponent_bits);
        let row = format!("{modulus_bits} bits, odd: {odd}, exponent of {exponent_bits} bits");
        assert_eq!(VerificationKey::from_public_key_der(&der).err(), refused, "{row}");
    }
    // Where the rules come from.
    let encrypts = |modulus_bits, odd, exponent_bits| {
        let key = Rsa::public_key_from_der(&der(modulus_bits, odd, exponent_bits)).unwrap();
        let mut out = vec![0; key.size() as usize];
        key.public_encrypt(&[7; 16], &mut out, Padding::PKCS1_OAEP).is_ok()
    };
    assert!(encrypts(3072, true, 256) && encrypts(3073, true, 64));
    assert!(!encrypts(2048, false, 17) && !encrypts(3073, true, 65));
}

#[test]
fn a_redirect_is_verified_over_its_octets() {
    let octets = b"SAMLRequest=abc%2b&RelayState=x&SigAlg=y";
    for (signer, pair) in every_signer() {
        let signature = signer.sign(octets).unwrap();
        let keys = [pair.verification_key()];
        let verify = |octets: &[u8], uri: &str| verify_redirect(octets, uri, &signature, &keys);
        let uri = signer.algorithm().uri();
        assert_eq!(verify(octets, uri).unwrap().key(), keys[0].fingerprint());
        // The same text, encoded in another way, is not what was signed.
        assert_eq!(
            verify(b"SAMLRequest=abc%2B&RelayState=x&SigAlg=y", uri),
            Err(SignatureError::NoKeyVerifies { tried: 1 })
        );
        let other_kind =
            if signer.algorithm().is_rsa() { SignatureAlgorithm::EcdsaSha256 } else { SignatureAlgorithm::RsaSha256 };
        assert_eq!(verify(octets, other_kind.uri()), Err(SignatureError::NoKeyVerifies { tried: 0 }));
        for refused in ["http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#hmac-sha1", ""]
        {
            assert!(matches!(verify(octets, refused), Err(SignatureError::Algorithm(_))), "{refused}");
        }
    }
}

#[test]
fn an_ecdsa_signature_in_der_is_not_the_xml_form() {
    let key = openssl::pkey::PKey::private_key_from_pem(&P256.private_pem).unwrap();
    let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &key).unwrap();
    let der = signer.sign_oneshot_to_vec(b"x").unwrap();
    let uri = SignatureAlgorithm::EcdsaSha256.uri();
    let refused = verify_redirect(b"x", uri, &der, &[P256.verification_key()]);
    assert_eq!(refused, Err(SignatureError::NoKeyVerifies { tried: 1 }));
}

#[test]
fn an_ecdsa_signature_of_another_length_than_its_curves_is_refused() {
    for (pair, algorithm) in [(&P256, SignatureAlgorithm::EcdsaSha256), (&P384, SignatureAlgorithm::EcdsaSha384)] {
        let keys = [pair.verification_key()];
        let signature = pair.signer().sign(b"x").unwrap();
        let verify = |signature: &[u8]| verify_redirect(b"x", algorithm.uri(), signature, &keys);
        assert!(verify(&signature).is_ok());
        let (r, s) = signature.split_at(signature.len() / 2);
        // The same two numbers, one of them written longer; and too little of them.
        for other in [[r, &[0], s].concat(), [&[0], r, &[0], s].concat(), r[1..].to_vec(), r.to_vec(), Vec::new()] {
            assert_eq!(verify(&other), Err(SignatureError::NoKeyVerifies { tried: 1 }), "{}", other.len());
        }
    }
}

#[test]
fn a_key_is_named_by_the_digest_of_its_public_half_and_measured_by_its_kind() {
    for (pair, bits) in [(&RSA, 2048), (&P256, 256), (&P384, 384)] {
        let key = openssl::pkey::PKey::private_key_from_pem(&pair.private_pem).unwrap();
        let digest = openssl::sha::sha256(&key.public_key_to_der().unwrap());
        let named = pair.verification_key();
        let text: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(named.fingerprint().as_bytes(), &digest);
        assert_eq!((named.fingerprint().to_string(), named.fingerprint().short()), (text.clone(), text[..16].into()));
        let signer = pair.signer();
        assert_eq!((signer.key_id(), signer.key_bits()), (&text[..16], bits));
        assert_eq!(signer.certificate_der(), pair.certificate_der);
        assert!(signer.verification_key().unwrap() == named && named != OTHER_RSA.verification_key());
    }
    let inner = RSA.signer();
    let by = RSA.signer_by(SignatureAlgorithm::RsaSha512);
    assert_eq!((by.algorithm(), inner.algorithm()), (SignatureAlgorithm::RsaSha512, SignatureAlgorithm::RsaSha256));
    assert_eq!((by.key_id(), by.key_bits(), by.algorithms()), (inner.key_id(), inner.key_bits(), inner.algorithms()));
    assert_eq!(by.certificate_der(), inner.certificate_der());
}

#[test]
fn what_was_signed_keeps_its_prefixes_to_itself_wherever_it_is_put() {
    let signed = sign_enveloped(&assertion("_a", "x"), SignaturePosition::AfterIssuer, &RSA.signer()).unwrap();
    for (prefix, namespace) in [("saml", ns::ASSERTION), ("ds", ns::DSIG)] {
        let around = Builder::element(prefix, namespace, "Around");
        assert_eq!(around.fragment(&signed).canonical(), Err(WriteError::FragmentRepeatsNamespace), "{prefix}");
    }
    // Nor is a signature put into what uses its prefix.
    let own = Builder::element("ds", ns::DSIG, "Object").attribute("ID", "_a");
    let by_attribute = Builder::element("saml", ns::ASSERTION, "Advice").attribute("ID", "_a");
    for element in [own, by_attribute.attribute_ns("ds", ns::DSIG, "Note", "x")] {
        let refused = sign_enveloped(&element, SignaturePosition::First, &RSA.signer());
        assert_eq!(refused, Err(SigningError::Write(WriteError::FragmentRepeatsNamespace)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The verified tree is the consumed tree: whatever octet is changed, either nothing is verified, or what is read
    /// is what was signed.
    #[test]
    fn whatever_is_changed_what_is_read_is_what_was_signed(at in any::<prop::sample::Index>(), octet in any::<u8>()) {
        let signed = sign_enveloped(&assertion("_a", "signed"), SignaturePosition::AfterIssuer, &P256.signer()).unwrap();
        let mut octets = signed.as_bytes().to_vec();
        let at = at.index(octets.len());
        octets[at] = octet;
        if let Ok(document) = Document::parse(&octets, &Limits::METADATA)
            && let Ok(verified) =
                verify_enveloped(document.root(), SignaturePosition::AfterIssuer, &[P256.verification_key()])
        {
            let element = verified.element();
            let read = |local| element.child(ns::ASSERTION, local).unwrap().text().unwrap().into_owned();
            prop_assert_eq!(element.attribute("ID"), Some("_a"));
            prop_assert_eq!(read("Issuer"), "https://idp.example");
            prop_assert_eq!(read("AttributeValue"), "signed");
        }
    }
}
