//! What we encrypt opens with the right key, and only then.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use signet::saml::{
    DeniedAlgorithms,
    encryption::{
        AcceptedCiphers, BlockEncryption, DecryptionFailed, EncryptionKey, EncryptionMethod, EncryptionSeed,
        KeyTransport, Opener, PemOpener, decrypt, encrypt,
    },
    signature::KeyError,
    xml::{Builder, Canonical, Document, Limits, ns},
};

use super::keys::{KeyPair, OTHER_RSA, P256, RSA};

const SECRET: &str = "a name & a number";

fn content() -> Canonical {
    Builder::element("saml", ns::ASSERTION, "Assertion").attribute("ID", "_a").text(SECRET).canonical().unwrap()
}

/// The key of the content, in all of these tests.
pub const CONTENT_KEY: [u8; 32] = *b"0123456789abcdef0123456789ABCDEF";

pub fn sealed(method: impl Into<EncryptionMethod>) -> Canonical {
    let key = EncryptionKey::from_certificate_der(&RSA.certificate_der).unwrap();
    let seed = EncryptionSeed { content_key: CONTENT_KEY, iv: [7; 16] };
    encrypt(&content(), &key, method, seed).unwrap()
}

fn opener(pair: &KeyPair) -> Arc<dyn Opener> {
    Arc::new(PemOpener::from_pem(&pair.private_pem, &pair.certificate_pem).unwrap())
}

fn open(xml: &str, pair: &KeyPair, accepted: AcceptedCiphers) -> Result<Vec<u8>, DecryptionFailed> {
    let key = opener(pair);
    open_with(&in_encrypted_id(xml), &[key], accepted, DeniedAlgorithms::NONE)
}

fn open_with(
    xml: &str,
    keys: &[Arc<dyn Opener>],
    accepted: AcceptedCiphers,
    denied: DeniedAlgorithms,
) -> Result<Vec<u8>, DecryptionFailed> {
    let document = Document::parse(xml.as_bytes(), &Limits::PROTOCOL).unwrap();
    decrypt(document.root(), keys, accepted, denied).map(|octets| octets.to_vec())
}

fn in_encrypted_id(content: &str) -> String {
    format!(r#"<saml:EncryptedID xmlns:saml="{}">{content}</saml:EncryptedID>"#, ns::ASSERTION)
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
fn what_is_encrypted_opens_again_with_every_key_transport() {
    for key_transport in KeyTransport::ALL {
        let sealed = sealed(EncryptionMethod { cipher: BlockEncryption::Aes256Gcm, key_transport });
        let opened = open(sealed.as_str(), &RSA, AcceptedCiphers::Authenticated).unwrap();
        assert_eq!(opened, content().as_bytes(), "{key_transport:?}");
    }
}

#[test]
fn digest_and_mask_are_what_the_message_says_they_are() {
    let key_transport = KeyTransport::ALL[2];
    let sealed = sealed(EncryptionMethod { cipher: BlockEncryption::Aes256Gcm, key_transport }).into_string();
    for (from, to) in [
        ("2001/04/xmlenc#sha256", "2000/09/xmldsig#sha1"),
        ("2001/04/xmlenc#sha256", "2001/04/xmlenc#sha512"),
        ("2009/xmlenc11#mgf1sha256", "2009/xmlenc11#mgf1sha1"),
        ("2009/xmlenc11#mgf1sha256", "2009/xmlenc11#mgf1sha512"),
        ("2009/xmlenc11#rsa-oaep", "2001/04/xmlenc#rsa-oaep-mgf1p"),
    ] {
        assert!(sealed.contains(from), "{from}");
        let changed = sealed.replace(from, to);
        assert_eq!(open(&changed, &RSA, AcceptedCiphers::Authenticated), Err(DecryptionFailed), "{to}");
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
fn base64_with_line_breaks_opens() {
    let text = sealed(BlockEncryption::Aes256Gcm).into_string();
    let broken = text.replace("<xenc:CipherValue>", "<xenc:CipherValue>\n ").replace("</xenc:Ciph", "\n</xenc:Ciph");
    assert_ne!(text, broken);
    assert_eq!(open(&broken, &RSA, AcceptedCiphers::Authenticated).unwrap(), content().as_bytes());
}

#[test]
fn a_content_key_of_another_length_than_its_ciphers_opens_nothing() {
    let key = openssl::rsa::Rsa::private_key_from_pem(&RSA.private_pem).unwrap();
    for cipher in BlockEncryption::ALL {
        let text = sealed(EncryptionMethod { cipher, key_transport: KeyTransport::ALL[0] }).into_string();
        let (before, rest) = text.split_once("<xenc:CipherValue>").unwrap();
        let (_, after) = rest.split_once('<').unwrap();
        for length in [0, 1, 15, 17, 31, 33, 64] {
            let mut wrapped = vec![0; 256];
            key.public_encrypt(&CONTENT_KEY.repeat(2)[..length], &mut wrapped, openssl::rsa::Padding::PKCS1_OAEP)
                .unwrap();
            let other = format!("{before}<xenc:CipherValue>{}<{after}", BASE64.encode(wrapped));
            assert_eq!(open(&other, &RSA, AcceptedCiphers::CbcToo), Err(DecryptionFailed), "{cipher:?} {length}");
        }
    }
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
fn each_key_of_ours_is_tried_with_each_key_of_the_message_wherever_it_stands() {
    let ours = opener;
    let opened = |xml: &str, keys: &[Arc<dyn Opener>]| {
        open_with(xml, keys, AcceptedCiphers::Authenticated, DeniedAlgorithms::NONE)
    };
    let inside = sealed(BlockEncryption::Aes256Gcm).into_string();
    let old_and_new = [ours(&OTHER_RSA), ours(&RSA)];
    assert_eq!(opened(&in_encrypted_id(&inside), &old_and_new).unwrap(), content().as_bytes());

    // Beside the data (SAML Core §2.2.4), after the key of another receiver.
    let from = inside.find("<ds:KeyInfo").unwrap();
    let to = inside.find("</ds:KeyInfo>").unwrap() + "</ds:KeyInfo>".len();
    let key_info = &inside[from..to];
    let key = &key_info[key_info.find("<xenc:EncryptedKey").unwrap()..key_info.find("</ds:KeyInfo>").unwrap()];
    let key = key.replacen(
        "<xenc:EncryptedKey",
        &format!(r#"<xenc:EncryptedKey xmlns:xenc="{}" xmlns:ds="{}""#, ns::XMLENC, ns::DSIG),
        1,
    );
    let bare = inside.replacen(key_info, "", 1);
    let value = &key[key.find("<xenc:CipherValue>").unwrap() + 18..key.find("</xenc:CipherValue>").unwrap()];
    let another = key.replace(value, &BASE64.encode([7; 256]));
    let beside = |keys: &[&str]| in_encrypted_id(&(bare.clone() + &keys.concat()));
    assert_eq!(opened(&beside(&[&another, &key]), &old_and_new).unwrap(), content().as_bytes());
    assert_eq!(opened(&beside(&[]), &old_and_new), Err(DecryptionFailed));
    assert_eq!(opened(&beside(&[&another, &another, &another, &key]), &old_and_new).unwrap(), content().as_bytes());
    // No more than four: each costs a private-key operation.
    let five = beside(&[&another, &another, &another, &another, &key]);
    assert_eq!(opened(&five, &old_and_new), Err(DecryptionFailed));
}

#[test]
fn what_the_operator_denies_opens_nothing() {
    for uri in ["http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"] {
        let denied = DeniedAlgorithms::parse([uri]).unwrap();
        let xml = in_encrypted_id(sealed(BlockEncryption::Aes256Gcm).as_str());
        let keys = [opener(&RSA)];
        assert_eq!(open_with(&xml, &keys, AcceptedCiphers::Authenticated, denied), Err(DecryptionFailed), "{uri}");
    }
}

#[test]
fn only_long_enough_rsa_keys_are_encrypted_to() {
    let refusal = |pair: &KeyPair| EncryptionKey::from_certificate_der(&pair.certificate_der).unwrap_err();
    assert_eq!(refusal(&P256), KeyError::NotForEncryption);
    assert_eq!(refusal(&KeyPair::rsa(1024)), KeyError::RsaLength { bits: 1024 });
}
