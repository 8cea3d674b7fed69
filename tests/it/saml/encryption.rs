//! What we encrypt opens with the right key, and only then.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use signet::saml::{
    encryption::{
        AcceptedCiphers, BlockEncryption, DecryptionFailed, DecryptionKey, EncryptionKey, EncryptionSeed, decrypt,
        encrypt,
    },
    signature::KeyError,
    xml::{Builder, Canonical, Document, Limits, ns},
};

use super::keys::{KeyPair, OTHER_RSA, P256, RSA};

const SECRET: &str = "a name & a number";

fn content() -> Canonical {
    Builder::element("saml", ns::ASSERTION, "Assertion").attribute("ID", "_a").text(SECRET).canonical().unwrap()
}

pub fn sealed(cipher: BlockEncryption) -> Canonical {
    let key = EncryptionKey::from_certificate_der(&RSA.certificate_der).unwrap();
    let seed = EncryptionSeed { content_key: *b"0123456789abcdef0123456789ABCDEF", iv: [7; 16] };
    encrypt(&content(), &key, cipher, seed).unwrap()
}

fn open(xml: &str, pair: &KeyPair, accepted: AcceptedCiphers) -> Result<Vec<u8>, DecryptionFailed> {
    let document = Document::parse(xml.as_bytes(), &Limits::PROTOCOL).unwrap();
    let key = DecryptionKey::from_pem(&pair.private_pem).unwrap();
    decrypt(document.root(), &key, accepted).map(|octets| octets.to_vec())
}

#[test]
fn what_is_encrypted_opens_again_with_every_cipher() {
    for cipher in BlockEncryption::ALL {
        let sealed = sealed(cipher);
        assert!(!sealed.as_str().contains(SECRET));
        assert_eq!(open(sealed.as_str(), &RSA, AcceptedCiphers::CbcToo).unwrap(), content().as_bytes(), "{cipher:?}");
    }
}

#[test]
fn cbc_opens_only_where_it_is_accepted() {
    assert_eq!(
        open(sealed(BlockEncryption::Aes256Cbc).as_str(), &RSA, AcceptedCiphers::Authenticated),
        Err(DecryptionFailed)
    );
}

#[test]
fn another_key_opens_nothing() {
    let sealed = sealed(BlockEncryption::Aes256Gcm);
    assert_eq!(open(sealed.as_str(), &OTHER_RSA, AcceptedCiphers::CbcToo), Err(DecryptionFailed));
}

#[test]
fn every_changed_octet_of_the_cipher_text_is_noticed_alike() {
    let sealed = sealed(BlockEncryption::Aes256Gcm).into_string();
    let from = sealed.rfind("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len();
    let to = sealed.rfind("</xenc:CipherValue>").unwrap();
    let octets = BASE64.decode(&sealed[from..to]).unwrap();
    for at in (0..octets.len()).step_by(5) {
        let mut changed = octets.clone();
        changed[at] ^= 1;
        let changed = format!("{}{}{}", &sealed[..from], BASE64.encode(changed), &sealed[to..]);
        assert_eq!(open(&changed, &RSA, AcceptedCiphers::Authenticated), Err(DecryptionFailed), "octet {at}");
    }
    for length in [0, 11, 12, 27] {
        let cut = format!("{}{}{}", &sealed[..from], BASE64.encode(&octets[..length]), &sealed[to..]);
        assert_eq!(open(&cut, &RSA, AcceptedCiphers::Authenticated), Err(DecryptionFailed), "{length} octets");
    }
}

#[test]
fn unknown_algorithms_open_nothing() {
    let sealed = sealed(BlockEncryption::Aes256Gcm).into_string();
    for (from, to) in [
        ("xmlenc11#aes256-gcm", "xmlenc11#aes192-gcm"),
        ("xmlenc11#aes256-gcm", "xmlenc11#aes128-gcm"),
        ("xmlenc#rsa-oaep-mgf1p", "xmlenc#rsa-1_5"),
        ("xmldsig#sha1", "xmldsig#md5"),
        ("xmlenc#Element", "xmlenc#Content"),
    ] {
        assert!(sealed.contains(from));
        assert_eq!(open(&sealed.replace(from, to), &RSA, AcceptedCiphers::CbcToo), Err(DecryptionFailed), "{to}");
    }
}

#[test]
fn only_long_enough_rsa_keys_are_encrypted_to() {
    let refusal = |pair: &KeyPair| EncryptionKey::from_certificate_der(&pair.certificate_der).unwrap_err();
    assert_eq!(refusal(&P256), KeyError::Kind);
    assert_eq!(refusal(&KeyPair::rsa(1024)), KeyError::RsaLength { bits: 1024 });
}
