//! The signature that nobody should count.
//!
//! The attacker cannot forge RSA-SHA256, so he lets the message name something that he can: SHA-1 with a collision, MD5, an
//! HMAC for which the public certificate is taken as the shared secret, a truncated HMAC (CVE-2009-0217), an algorithm
//! nobody knows and a verifier that falls back. The lists are closed here, and what the message names must also be an
//! algorithm for the kind of key that is registered.

use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer as OpensslSigner};
use signet::saml::signature::{AlgorithmError, SignatureAlgorithm, SignatureError, Signer, SigningFailed};

use signet::saml::MessageError;

use super::scene::{Refusal, post, refusal, refusal_of_redirect, signed, signed_query_of, unsigned};
use crate::saml::keys::RSA;

/// Signs with whatever the attacker likes.
struct Raw(fn(&[u8]) -> Vec<u8>);

impl Signer for Raw {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RsaSha256
    }
    fn algorithms(&self) -> &[SignatureAlgorithm] {
        &[SignatureAlgorithm::RsaSha256]
    }
    fn key_bits(&self) -> u32 {
        2048
    }
    fn key_id(&self) -> &'static str {
        "attacker"
    }
    fn certificate_der(&self) -> &[u8] {
        &RSA.certificate_der
    }
    fn sign_by(&self, _: SignatureAlgorithm, octets: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        Ok((self.0)(octets))
    }
}

fn rsa_sha1(octets: &[u8]) -> Vec<u8> {
    let key = PKey::private_key_from_pem(&RSA.private_pem).unwrap();
    OpensslSigner::new(MessageDigest::sha1(), &key).unwrap().sign_oneshot_to_vec(octets).unwrap()
}

fn hmac_with_the_certificate(octets: &[u8]) -> Vec<u8> {
    let key = PKey::hmac(&RSA.certificate_pem).unwrap();
    OpensslSigner::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(octets).unwrap()
}

fn refused_algorithm(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Unbelieved(MessageError::Signature(SignatureError::Algorithm(_))))
}

#[test]
fn algorithms_outside_the_list_are_refused_in_a_redirect() {
    for (sig_alg, signer) in [
        ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", rsa_sha1 as fn(&[u8]) -> Vec<u8>),
        ("http://www.w3.org/2001/04/xmldsig-more#rsa-md5", rsa_sha1),
        ("http://www.w3.org/2000/09/xmldsig#dsa-sha1", rsa_sha1),
        ("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", hmac_with_the_certificate),
        ("urn:none", rsa_sha1),
        ("", rsa_sha1),
        ("HTTP://www.w3.org/2001/04/xmldsig-more#rsa-sha256", rsa_sha1),
    ] {
        let query = signed_query_of(&unsigned(), None, sig_alg, &Raw(signer));
        assert!(refused_algorithm(&refusal_of_redirect(query)), "{sig_alg}");
    }
}

#[test]
fn algorithms_outside_the_list_are_refused_in_xml() {
    for uri in [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "urn:none",
    ] {
        let xml = signed().replace(SignatureAlgorithm::RsaSha256.uri(), uri);
        assert!(refused_algorithm(&refusal(&post(xml))), "{uri}");
    }
}

#[test]
fn a_digest_by_sha1_is_refused_under_a_good_signature_algorithm() {
    let xml = signed().replace("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1");
    assert!(refused_algorithm(&refusal(&post(xml))));
}

#[test]
fn an_hmac_is_refused_by_its_name() {
    let query = signed_query_of(
        &unsigned(),
        None,
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        &Raw(hmac_with_the_certificate),
    );
    let expected = SignatureError::Algorithm(AlgorithmError::Hmac);
    assert_eq!(refusal_of_redirect(query), Refusal::Unbelieved(MessageError::Signature(expected)));
}

#[test]
fn an_ecdsa_algorithm_is_not_tried_with_an_rsa_key() {
    let uri = SignatureAlgorithm::EcdsaSha256.uri();
    let query = signed_query_of(&unsigned(), None, uri, &RSA.signer());
    let expected = SignatureError::NoKeyVerifies { tried: 0 };
    assert_eq!(refusal_of_redirect(query), Refusal::Unbelieved(MessageError::Signature(expected)));
}
