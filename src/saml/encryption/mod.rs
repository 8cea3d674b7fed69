//! XML Encryption of an element: content under a fresh AES key, that key under the receiver's RSA key.
//!
//! What we send is AES-GCM with RSA-OAEP. CBC is made only where an agreement asks for it by name, since it does not
//! protect what it hides from being changed. [`decrypt`] is for the demonstration service provider and for tests; every
//! failure in it is the same error, so that nothing can be learnt from asking twice.
//!
//! Which key and cipher a receiver gets is left to metadata and agreement.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use openssl::{
    encrypt::{Decrypter, Encrypter},
    error::ErrorStack,
    hash::MessageDigest,
    pkey::{Id, PKey, Private, Public},
    rsa::Padding,
    symm::{Cipher, decrypt as symm_decrypt, decrypt_aead, encrypt as symm_encrypt, encrypt_aead},
    x509::X509,
};
use zeroize::{Zeroize, Zeroizing};

use super::{
    signature::KeyError,
    xml::{Builder, Canonical, Element, WriteError, is_space, ns},
};

/// XML Encryption 1.0 §5.4.2: RSA-OAEP with MGF1 over SHA-1.
const RSA_OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
/// XML Encryption 1.1 §5.5.2: RSA-OAEP with the mask generation function named.
const RSA_OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const MGF1_SHA1: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha1";
const MGF1_SHA256: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha256";
/// `Type` of an encrypted element, as opposed to its content.
const TYPE_ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";

/// Octets of the nonce of AES-GCM (XML Encryption 1.1 §5.2.4).
const GCM_IV: usize = 12;
/// Octets of the tag of AES-GCM.
const GCM_TAG: usize = 16;
/// Octets of a block of AES, and of the initialisation vector of CBC.
const BLOCK: usize = 16;

/// The cipher that hides the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockEncryption {
    /// AES-128 in CBC: only by an agreement's exception.
    Aes128Cbc,
    /// AES-128-GCM.
    Aes128Gcm,
    /// AES-256 in CBC: only by an agreement's exception.
    Aes256Cbc,
    /// AES-256-GCM, the default.
    Aes256Gcm,
}

impl BlockEncryption {
    /// All ciphers, the preferred first.
    pub const ALL: [Self; 4] = [Self::Aes256Gcm, Self::Aes128Gcm, Self::Aes256Cbc, Self::Aes128Cbc];

    /// The identifier in `EncryptionMethod`.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Aes128Cbc => "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
            Self::Aes128Gcm => "http://www.w3.org/2009/xmlenc11#aes128-gcm",
            Self::Aes256Cbc => "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
            Self::Aes256Gcm => "http://www.w3.org/2009/xmlenc11#aes256-gcm",
        }
    }

    /// The cipher of this identifier, if it is one of ours.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cipher| cipher.uri() == uri)
    }

    /// Whether a changed cipher text is noticed.
    #[must_use]
    pub const fn is_authenticated(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes256Gcm)
    }

    const fn key_length(self) -> usize {
        match self {
            Self::Aes128Cbc | Self::Aes128Gcm => 16,
            Self::Aes256Cbc | Self::Aes256Gcm => 32,
        }
    }

    fn cipher(self) -> Cipher {
        match self {
            Self::Aes128Cbc => Cipher::aes_128_cbc(),
            Self::Aes128Gcm => Cipher::aes_128_gcm(),
            Self::Aes256Cbc => Cipher::aes_256_cbc(),
            Self::Aes256Gcm => Cipher::aes_256_gcm(),
        }
    }
}

/// A receiver's public RSA key, registered by metadata, to which content is encrypted.
#[derive(Clone)]
pub struct EncryptionKey(PKey<Public>);

impl EncryptionKey {
    /// The key in a certificate, whose dates, names and issuer do not matter.
    ///
    /// # Errors
    /// [`KeyError`]: no certificate, no RSA key, or one of less than 2048 bits.
    pub fn from_certificate_der(der: &[u8]) -> Result<Self, KeyError> {
        let key = X509::from_der(der)?.public_key()?;
        match (key.id(), key.bits()) {
            (Id::RSA, 2048..=8192) => Ok(Self(key)),
            (Id::RSA, bits) => Err(KeyError::RsaLength { bits }),
            _ => Err(KeyError::Kind),
        }
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKey(RSA, {} bits)", self.0.bits())
    }
}

/// The chance that one encryption needs, drawn by the caller and used once.
pub struct EncryptionSeed {
    /// The key of the content; ciphers with shorter keys use its beginning.
    pub content_key: [u8; 32],
    /// The initialisation vector; AES-GCM uses the first 12 octets.
    pub iv: [u8; 16],
}

impl Drop for EncryptionSeed {
    fn drop(&mut self) {
        self.content_key.zeroize();
    }
}

impl fmt::Debug for EncryptionSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionSeed")
    }
}

/// Why something was not encrypted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EncryptionError {
    /// OpenSSL failed.
    #[error("OpenSSL could not encrypt: {0}")]
    Openssl(#[from] ErrorStack),
    /// The result cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Encrypts an element: an `xenc:EncryptedData` with its `xenc:EncryptedKey` inside `ds:KeyInfo`, in canonical form.
///
/// The key is transported by rsa-oaep-mgf1p with SHA-1 as its digest: the one form that every receiver in the field
/// reads. SHA-1's weakness, collisions, does not matter in OAEP.
///
/// # Errors
/// [`EncryptionError`].
#[expect(clippy::needless_pass_by_value, reason = "a seed is used once, so it is taken away from the caller")]
pub fn encrypt(
    element: &Canonical,
    key: &EncryptionKey,
    cipher: BlockEncryption,
    seed: EncryptionSeed,
) -> Result<Canonical, EncryptionError> {
    let content_key = seed.content_key.get(..cipher.key_length()).unwrap_or(&seed.content_key);
    let iv_length = if cipher.is_authenticated() { GCM_IV } else { BLOCK };
    let iv = seed.iv.get(..iv_length).unwrap_or(&seed.iv);

    let mut octets = iv.to_vec();
    if cipher.is_authenticated() {
        let mut tag = [0_u8; GCM_TAG];
        octets.extend(encrypt_aead(cipher.cipher(), content_key, Some(iv), &[], element.as_bytes(), &mut tag)?);
        octets.extend_from_slice(&tag);
    } else {
        // OpenSSL pads as PKCS #7 does, which is one of the paddings that XML Encryption 1.0 §5.2 allows.
        octets.extend(symm_encrypt(cipher.cipher(), content_key, Some(iv), element.as_bytes())?);
    }

    let mut encrypter = Encrypter::new(&key.0)?;
    encrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
    encrypter.set_rsa_oaep_md(MessageDigest::sha1())?;
    encrypter.set_rsa_mgf1_md(MessageDigest::sha1())?;
    let mut wrapped = vec![0_u8; encrypter.encrypt_len(content_key)?];
    let length = encrypter.encrypt(content_key, &mut wrapped)?;
    wrapped.truncate(length);

    let digest = Builder::element("ds", ns::DSIG, "DigestMethod").attribute("Algorithm", SHA1);
    let encrypted_key = Builder::element("xenc", ns::XMLENC, "EncryptedKey")
        .child(method(RSA_OAEP_MGF1P).child(digest))
        .child(cipher_data(&wrapped));
    let data = Builder::element("xenc", ns::XMLENC, "EncryptedData")
        .attribute("Type", TYPE_ELEMENT)
        .child(method(cipher.uri()))
        .child(Builder::element("ds", ns::DSIG, "KeyInfo").child(encrypted_key))
        .child(cipher_data(&octets));
    Ok(data.canonical()?)
}

fn method(uri: &'static str) -> Builder {
    Builder::element("xenc", ns::XMLENC, "EncryptionMethod").attribute("Algorithm", uri)
}

fn cipher_data(octets: &[u8]) -> Builder {
    Builder::element("xenc", ns::XMLENC, "CipherData")
        .child(Builder::element("xenc", ns::XMLENC, "CipherValue").text(BASE64.encode(octets)))
}

/// A private RSA key that opens what was encrypted to it.
#[derive(Clone)]
pub struct DecryptionKey(PKey<Private>);

impl DecryptionKey {
    /// A private key in PEM.
    ///
    /// # Errors
    /// [`KeyError`]: no unsealed private key, or no RSA key.
    pub fn from_pem(private_key: &[u8]) -> Result<Self, KeyError> {
        let key = PKey::private_key_from_pem_callback(private_key, |_| Ok(0))?;
        if key.id() == Id::RSA { Ok(Self(key)) } else { Err(KeyError::Kind) }
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecryptionKey")
    }
}

/// Which ciphers [`decrypt`] accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptedCiphers {
    /// AES-GCM alone.
    Authenticated,
    /// AES-CBC as well: only for content of a message whose own signature has been verified.
    CbcToo,
}

/// It could not be decrypted; why is told to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the encrypted content could not be decrypted")]
pub struct DecryptionFailed;

/// Opens an `xenc:EncryptedData` whose key stands in its own `ds:KeyInfo`. The result is the octets that were
/// encrypted: a document of its own, to be read by the strict reader.
///
/// # Errors
/// [`DecryptionFailed`], whatever the cause.
pub fn decrypt(
    data: Element<'_>,
    key: &DecryptionKey,
    accepted: AcceptedCiphers,
) -> Result<Zeroizing<Vec<u8>>, DecryptionFailed> {
    open(data, key, accepted).map(Zeroizing::new).ok_or(DecryptionFailed)
}

fn open(data: Element<'_>, key: &DecryptionKey, accepted: AcceptedCiphers) -> Option<Vec<u8>> {
    if !data.is(ns::XMLENC, "EncryptedData") || data.attribute("Type").is_some_and(|t| t != TYPE_ELEMENT) {
        return None;
    }
    let method = data.only_child(ns::XMLENC, "EncryptionMethod").ok()??;
    let cipher = BlockEncryption::from_uri(method.attribute("Algorithm")?)?;
    if !cipher.is_authenticated() && accepted == AcceptedCiphers::Authenticated {
        return None;
    }
    let key_info = data.only_child(ns::DSIG, "KeyInfo").ok()??;
    let encrypted_key = key_info.only_child(ns::XMLENC, "EncryptedKey").ok()??;
    let content_key = Zeroizing::new(unwrap_key(encrypted_key, key)?);
    if content_key.len() != cipher.key_length() {
        return None;
    }
    let octets = cipher_value(data)?;
    if cipher.is_authenticated() {
        let (iv, rest) = octets.split_at_checked(GCM_IV)?;
        let (content, tag) = rest.split_at_checked(rest.len().checked_sub(GCM_TAG)?)?;
        decrypt_aead(cipher.cipher(), &content_key, Some(iv), &[], content, tag).ok()
    } else {
        let (iv, content) = octets.split_at_checked(BLOCK)?;
        symm_decrypt(cipher.cipher(), &content_key, Some(iv), content).ok()
    }
}

fn unwrap_key(encrypted_key: Element<'_>, key: &DecryptionKey) -> Option<Vec<u8>> {
    let method = encrypted_key.only_child(ns::XMLENC, "EncryptionMethod").ok()??;
    // The digest is SHA-1 where none is named (XML Encryption 1.0 §5.4.2), and so is the mask's (1.1 §5.5.2).
    let digest = match algorithm_of_child(method, ns::DSIG, "DigestMethod", SHA1)? {
        SHA1 => MessageDigest::sha1(),
        SHA256 => MessageDigest::sha256(),
        _ => return None,
    };
    let mask = match (method.attribute("Algorithm")?, algorithm_of_child(method, ns::XMLENC11, "MGF", MGF1_SHA1)?) {
        (RSA_OAEP_MGF1P, _) | (RSA_OAEP, MGF1_SHA1) => MessageDigest::sha1(),
        (RSA_OAEP, MGF1_SHA256) => MessageDigest::sha256(),
        _ => return None,
    };
    let wrapped = cipher_value(encrypted_key)?;
    let mut decrypter = Decrypter::new(&key.0).ok()?;
    decrypter.set_rsa_padding(Padding::PKCS1_OAEP).ok()?;
    decrypter.set_rsa_oaep_md(digest).ok()?;
    decrypter.set_rsa_mgf1_md(mask).ok()?;
    let mut content_key = vec![0_u8; decrypter.decrypt_len(&wrapped).ok()?];
    let length = decrypter.decrypt(&wrapped, &mut content_key).ok()?;
    content_key.truncate(length);
    Some(content_key)
}

/// The `Algorithm` of a child that may be absent, or else what its absence means.
fn algorithm_of_child<'d>(parent: Element<'d>, namespace: &str, local: &str, absent: &'d str) -> Option<&'d str> {
    match parent.only_child(namespace, local).ok()? {
        Some(child) => child.attribute("Algorithm"),
        None => Some(absent),
    }
}

fn cipher_value(parent: Element<'_>) -> Option<Vec<u8>> {
    let data = parent.only_child(ns::XMLENC, "CipherData").ok()??;
    let text = data.only_child(ns::XMLENC, "CipherValue").ok()??.text().ok()?;
    BASE64.decode(text.chars().filter(|c| !is_space(*c)).collect::<String>()).ok()
}
