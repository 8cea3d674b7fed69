//! Signatures and encryption, judged by plain means: strings and OpenSSL, none of the code that made them.
//!
//! What Signet sends is in exclusive canonical form, so that what was digested can be cut out of the text as it stands. Whoever
//! sends another form fails here, and would have to be read by a canonicalizer.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use openssl::{
    encrypt::Decrypter,
    hash::{MessageDigest, hash},
    pkey::{Id, PKey, Private},
    rsa::Padding,
    sign::Verifier,
    symm::{Cipher, decrypt, decrypt_aead},
    x509::X509,
};

const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// A signature that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signed {
    /// `SignatureMethod`.
    pub(super) method: String,
    /// `DigestMethod`.
    pub(super) digest: String,
}

/// How something was encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Encrypted {
    /// The cipher of the content.
    pub(super) cipher: String,
    /// How the key travelled.
    pub(super) transport: String,
    /// The digest in OAEP.
    pub(super) digest: Option<String>,
    /// The mask generation function in OAEP.
    pub(super) mask: Option<String>,
}

/// The signature of the element that is this whole text, verified with one of these certificates; nothing when it has none of
/// its own.
///
/// # Errors
/// What is wrong with it.
pub(super) fn verify(xml: &str, certificates: &[Vec<u8>]) -> Result<Option<Signed>, String> {
    let root = xml.split_once('>').map_or(xml, |(tag, _)| tag);
    let id = attribute(root, "ID").ok_or("the element has no ID")?;
    let Some((before, signature, after)) = cut(xml, "<ds:Signature ", "</ds:Signature>") else { return Ok(None) };
    let reference = between(&signature, "<ds:Reference ", ">").and_then(|tag| attribute(tag, "URI"));
    if reference != Some(&*format!("#{id}")) {
        // It belongs to an element inside.
        return Ok(None);
    }
    let info = cut(&signature, "<ds:SignedInfo>", "</ds:SignedInfo>").ok_or("there is no SignedInfo")?.1;
    let algorithm = |name: &str| {
        let tag = between(&info, &format!("<ds:{name} "), ">").ok_or_else(|| format!("there is no {name}"))?;
        attribute(tag, "Algorithm").map(str::to_owned).ok_or_else(|| format!("{name} names no algorithm"))
    };
    let signed = Signed { method: algorithm("SignatureMethod")?, digest: algorithm("DigestMethod")? };

    let expected = octets(&info, "ds:DigestValue")?;
    let whole = format!("{before}{after}");
    let digest = hash(message_digest(&signed.digest)?, whole.as_bytes()).map_err(|error| error.to_string())?;
    if *digest != *expected {
        return Err("the digest is not that of the element".to_owned());
    }
    let value = octets(&signature, "ds:SignatureValue")?;
    let info = info.replacen("<ds:SignedInfo>", &format!("<ds:SignedInfo xmlns:ds=\"{DSIG}\">"), 1);
    if certificates.iter().any(|der| verifies(der, &signed.method, info.as_bytes(), &value)) {
        Ok(Some(signed))
    } else {
        Err("no signing key of the metadata made the signature".to_owned())
    }
}

/// Whether the key of this certificate made an RSA signature over some octets.
pub(super) fn verifies(certificate_der: &[u8], method: &str, signed: &[u8], signature: &[u8]) -> bool {
    let judged = || {
        let key = X509::from_der(certificate_der).ok()?.public_key().ok()?;
        if key.id() != Id::RSA {
            return None;
        }
        let digest = match method {
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" => MessageDigest::sha256(),
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => MessageDigest::sha384(),
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => MessageDigest::sha512(),
            _ => return None,
        };
        Verifier::new(digest, &key).ok()?.verify_oneshot(signature, signed).ok()
    };
    judged().unwrap_or(false)
}

/// Opens an `xenc:EncryptedData` with one of these keys.
///
/// # Errors
/// What is wrong with it.
pub(super) fn open(data: &str, keys: &[PKey<Private>]) -> Result<(Encrypted, String), String> {
    let (outside_before, encrypted_key, outside_after) =
        cut(data, "<xenc:EncryptedKey>", "</xenc:EncryptedKey>").ok_or("there is no EncryptedKey")?;
    let outside = format!("{outside_before}{outside_after}");
    let algorithm = |text: &str, name: &str| {
        between(text, &format!("<{name} "), ">").and_then(|tag| attribute(tag, "Algorithm")).map(str::to_owned)
    };
    let encrypted = Encrypted {
        cipher: algorithm(&outside, "xenc:EncryptionMethod").ok_or("the content names no cipher")?,
        transport: algorithm(&encrypted_key, "xenc:EncryptionMethod").ok_or("the key names no key transport")?,
        digest: algorithm(&encrypted_key, "ds:DigestMethod"),
        mask: algorithm(&encrypted_key, "xenc11:MGF"),
    };
    let wrapped = octets(&encrypted_key, "xenc:CipherValue")?;
    let content = octets(&outside, "xenc:CipherValue")?;
    let opened = keys.iter().find_map(|key| {
        let content_key = unwrap(&encrypted, &wrapped, key)?;
        decipher(&encrypted.cipher, &content_key, &content)
    });
    let opened = opened.ok_or_else(|| format!("no key of the service opens it ({encrypted:?})"))?;
    let text = String::from_utf8(opened).map_err(|_| "what was encrypted is no text")?;
    Ok((encrypted, text))
}

fn unwrap(how: &Encrypted, wrapped: &[u8], key: &PKey<Private>) -> Option<Vec<u8>> {
    let hash = |uri: Option<&str>| match uri {
        // XML Encryption 1.0 §5.4.2 and 1.1 §5.5.2: SHA-1 where nothing is named.
        None | Some("http://www.w3.org/2000/09/xmldsig#sha1" | "http://www.w3.org/2009/xmlenc11#mgf1sha1") => {
            Some(MessageDigest::sha1())
        }
        Some(SHA256 | "http://www.w3.org/2009/xmlenc11#mgf1sha256") => Some(MessageDigest::sha256()),
        Some(_) => None,
    };
    let mask = match how.transport.as_str() {
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p" => Some(MessageDigest::sha1()),
        "http://www.w3.org/2009/xmlenc11#rsa-oaep" => hash(how.mask.as_deref()),
        _ => None,
    };
    let mut decrypter = Decrypter::new(key).ok()?;
    decrypter.set_rsa_padding(Padding::PKCS1_OAEP).ok()?;
    decrypter.set_rsa_oaep_md(hash(how.digest.as_deref())?).ok()?;
    decrypter.set_rsa_mgf1_md(mask?).ok()?;
    let mut content_key = vec![0_u8; decrypter.decrypt_len(wrapped).ok()?];
    let length = decrypter.decrypt(wrapped, &mut content_key).ok()?;
    content_key.truncate(length);
    Some(content_key)
}

fn decipher(cipher: &str, key: &[u8], content: &[u8]) -> Option<Vec<u8>> {
    let (cipher, key_octets, is_gcm) = match cipher {
        "http://www.w3.org/2009/xmlenc11#aes128-gcm" => (Cipher::aes_128_gcm(), 16, true),
        "http://www.w3.org/2009/xmlenc11#aes256-gcm" => (Cipher::aes_256_gcm(), 32, true),
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => (Cipher::aes_256_cbc(), 32, false),
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => (Cipher::aes_128_cbc(), 16, false),
        _ => return None,
    };
    if key.len() != key_octets {
        return None;
    }
    if is_gcm {
        let (iv, rest) = content.split_at_checked(12)?;
        let (content, tag) = rest.split_at_checked(rest.len().checked_sub(16)?)?;
        decrypt_aead(cipher, key, Some(iv), &[], content, tag).ok()
    } else {
        let (iv, content) = content.split_at_checked(16)?;
        decrypt(cipher, key, Some(iv), content).ok()
    }
}

fn message_digest(uri: &str) -> Result<MessageDigest, String> {
    match uri {
        SHA256 => Ok(MessageDigest::sha256()),
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => Ok(MessageDigest::sha384()),
        "http://www.w3.org/2001/04/xmlenc#sha512" => Ok(MessageDigest::sha512()),
        _ => Err(format!("the digest {uri} is none that is known")),
    }
}

/// The text before, the text from `from` to `to` with both, and the text after.
pub(super) fn cut(text: &str, from: &str, to: &str) -> Option<(String, String, String)> {
    let (before, rest) = text.split_once(from)?;
    let (inside, after) = rest.split_once(to)?;
    Some((before.to_owned(), format!("{from}{inside}{to}"), after.to_owned()))
}

/// The text between two others, without them.
pub(super) fn between<'t>(text: &'t str, from: &str, to: &str) -> Option<&'t str> {
    Some(text.split_once(from)?.1.split_once(to)?.0)
}

/// The value of an attribute in the text of a tag.
pub(super) fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    // The first attribute of a tag may stand at its beginning.
    match tag.strip_prefix(&format!("{name}=\"")) {
        Some(rest) => rest.split_once('"').map(|(value, _)| value),
        None => between(tag, &format!(" {name}=\""), "\""),
    }
}

fn octets(text: &str, element: &str) -> Result<Vec<u8>, String> {
    let inside = between(text, &format!("<{element}>"), "<").ok_or_else(|| format!("there is no {element}"))?;
    BASE64.decode(inside.split_whitespace().collect::<String>()).map_err(|_| format!("{element} is not base64"))
}
