//! XML Encryption of an element: content under a fresh AES key, that key under the receiver's RSA key.
//!
//! What we send is AES-GCM with RSA-OAEP ([`KeyTransport`]: in which spelling). CBC is made only where an agreement asks for it
//! by name, since it does not protect what it hides from being changed. [`Sealed`] opens what comes in: names in logout requests,
//! and what the demonstration service provider receives.
//!
//! Which key, cipher and key transport a receiver gets is left to metadata and agreement.

mod key_transport;
mod open;

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use openssl::{
    error::ErrorStack,
    pkey::{Id, PKey, Public},
    symm::{Cipher, encrypt as symm_encrypt, encrypt_aead},
    x509::X509,
};
use zeroize::Zeroize;

pub use key_transport::{KeyTransport, OaepHash};
pub use open::{AcceptedCiphers, DecryptionFailed, Opener, PemOpener, Sealed, decrypt};

use super::{
    signature::{KeyError, acceptable_rsa},
    xml::{Builder, Canonical, WriteError, ns},
};

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

    /// The length of its key in bits.
    #[must_use]
    pub const fn key_bits(self) -> u32 {
        match self {
            Self::Aes128Cbc | Self::Aes128Gcm => 128,
            Self::Aes256Cbc | Self::Aes256Gcm => 256,
        }
    }

    /// The same in octets.
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

/// How content is encrypted: its cipher, and how the cipher's key travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EncryptionMethod {
    /// The cipher of the content.
    pub cipher: BlockEncryption,
    /// How its key travels.
    pub key_transport: KeyTransport,
}

/// With the key transport that every receiver reads.
impl From<BlockEncryption> for EncryptionMethod {
    fn from(cipher: BlockEncryption) -> Self {
        Self { cipher, key_transport: KeyTransport::DEFAULT }
    }
}

/// A receiver's public RSA key, registered by metadata, to which content is encrypted.
#[derive(Clone)]
pub struct EncryptionKey(PKey<Public>);

impl EncryptionKey {
    /// The key in a certificate, whose dates, names and issuer do not matter.
    ///
    /// # Errors
    /// [`KeyError`]: no certificate, no RSA key, or one of an unacceptable length or public exponent.
    pub fn from_certificate_der(der: &[u8]) -> Result<Self, KeyError> {
        let key = X509::from_der(der)?.public_key()?;
        if key.id() != Id::RSA {
            return Err(KeyError::NotForEncryption);
        }
        acceptable_rsa(&key)?;
        Ok(Self(key))
    }

    /// The length of its modulus in bits.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.0.bits()
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
/// # Errors
/// [`EncryptionError`].
#[expect(clippy::needless_pass_by_value, reason = "a seed is used once, so it is taken away from the caller")]
pub fn encrypt(
    element: &Canonical,
    key: &EncryptionKey,
    method: impl Into<EncryptionMethod>,
    seed: EncryptionSeed,
) -> Result<Canonical, EncryptionError> {
    let EncryptionMethod { cipher, key_transport } = method.into();
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

    let wrapped = key_transport.wrap(content_key, &key.0)?;
    let encrypted_key =
        Builder::element("xenc", ns::XMLENC, "EncryptedKey").child(key_transport.write()).child(cipher_data(&wrapped));
    let data = Builder::element("xenc", ns::XMLENC, "EncryptedData")
        .attribute("Type", TYPE_ELEMENT)
        .child(Builder::element("xenc", ns::XMLENC, "EncryptionMethod").attribute("Algorithm", cipher.uri()))
        .child(Builder::element("ds", ns::DSIG, "KeyInfo").child(encrypted_key))
        .child(cipher_data(&octets));
    Ok(data.canonical()?)
}

fn cipher_data(octets: &[u8]) -> Builder {
    Builder::element("xenc", ns::XMLENC, "CipherData")
        .child(Builder::element("xenc", ns::XMLENC, "CipherValue").text(BASE64.encode(octets)))
}
