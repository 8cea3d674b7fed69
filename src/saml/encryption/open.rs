//! Opening what was encrypted to a key of ours. Every failure is the same error, so that nothing can be learnt from asking twice.
//!
//! Only for content of a message whose own signature has been verified, and one at a time: that is for the callers to hold.

use std::fmt;
use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use openssl::{
    pkey::{Id, PKey, Private},
    symm::{decrypt as symm_decrypt, decrypt_aead},
    x509::X509,
};
use zeroize::Zeroizing;

use super::{BLOCK, BlockEncryption, GCM_IV, GCM_TAG, KeyTransport, TYPE_ELEMENT, key_transport::named_in};
use crate::saml::{
    DeniedAlgorithms,
    signature::{KeyError, VerificationKey, acceptable_rsa},
    xml::{Element, is_space, ns},
};

/// The content's key may stand there for so many receivers. Each is tried with each of our keys, which costs a private-key
/// operation.
const MOST_ENCRYPTED_KEYS: usize = 4;

/// A key to which others encrypt for us, with the certificate by which they know it. Whether the private key is in memory, in a
/// security module or behind a network is its own affair: nobody else sees it.
pub trait Opener: Send + Sync {
    /// The first 16 hex digits of the SHA-256 of its public half.
    fn key_id(&self) -> &str;

    /// Its certificate (DER), as metadata publishes it.
    fn certificate_der(&self) -> &[u8];

    /// The content's key, unwrapped: one private-key operation, which may take long, as [`Signer`](crate::saml::signature::Signer)'s
    /// does: call this where nobody else waits.
    ///
    /// # Errors
    /// [`DecryptionFailed`], whatever the cause: the key was wrapped for another, was changed, or the private key is out of reach.
    fn unwrap_key(&self, transport: KeyTransport, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptionFailed>;
}

/// An opener's key in memory, parsed once.
pub struct PemOpener {
    key: PKey<Private>,
    key_id: String,
    certificate_der: Vec<u8>,
}

impl PemOpener {
    /// A private key and its certificate, both in PEM.
    ///
    /// # Errors
    /// [`KeyError`]: no unsealed RSA key, one of an unacceptable length, or the certificate is another key's.
    pub fn from_pem(private_key: &[u8], certificate: &[u8]) -> Result<Self, KeyError> {
        // Without a callback OpenSSL would ask the terminal for the passphrase of a sealed key.
        let key = PKey::private_key_from_pem_callback(private_key, |_| Ok(0))?;
        if key.id() != Id::RSA {
            return Err(KeyError::NotForEncryption);
        }
        acceptable_rsa(&key)?;
        let certificate = X509::from_pem(certificate)?;
        if !certificate.public_key()?.public_eq(&key) {
            return Err(KeyError::KeyAndCertificateDiffer);
        }
        let certificate_der = certificate.to_der()?;
        let key_id = VerificationKey::from_certificate_der(&certificate_der)?.fingerprint().short();
        Ok(Self { key, key_id, certificate_der })
    }
}

impl Opener for PemOpener {
    fn key_id(&self) -> &str {
        &self.key_id
    }

    fn certificate_der(&self) -> &[u8] {
        &self.certificate_der
    }

    fn unwrap_key(&self, transport: KeyTransport, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptionFailed> {
        transport.unwrap(wrapped, &self.key).map(Zeroizing::new).map_err(|_| DecryptionFailed)
    }
}

/// Names the key, never shows it.
impl fmt::Debug for PemOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PemOpener({})", self.key_id)
    }
}

/// Which ciphers [`decrypt`] accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptedCiphers {
    /// AES-GCM alone.
    Authenticated,
    /// AES-CBC as well: only where nobody but the receiver learns whether it opened.
    CbcToo,
}

/// It could not be decrypted; why is told to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the encrypted content could not be decrypted")]
pub struct DecryptionFailed;

/// Opens what [`Sealed::read`] reads. The result is the octets that were encrypted: a document of its own, to be read by the
/// strict reader.
///
/// # Errors
/// [`DecryptionFailed`], whatever the cause.
pub fn decrypt(
    encrypted: Element<'_>,
    openers: &[Arc<dyn Opener>],
    accepted: AcceptedCiphers,
    denied: DeniedAlgorithms,
) -> Result<Zeroizing<Vec<u8>>, DecryptionFailed> {
    Sealed::read(encrypted, accepted, denied)?.open(openers)
}

/// A `saml:EncryptedID` or `saml:EncryptedAssertion` (SAML Core §2.2.4) as it was read: one `xenc:EncryptedData`, and the content's key in
/// `xenc:EncryptedKey`, inside its `ds:KeyInfo` or beside it.
#[derive(Clone)]
pub struct Sealed {
    cipher: BlockEncryption,
    octets: Vec<u8>,
    /// The content's key, once for each receiver, and how it travels.
    wrapped: Vec<(KeyTransport, Vec<u8>)>,
}

impl Sealed {
    /// Reads it. Nothing is opened yet; what stands there by an algorithm that is not accepted, or `denied`, never is.
    ///
    /// # Errors
    /// [`DecryptionFailed`], whatever the cause.
    pub fn read(
        encrypted: Element<'_>,
        accepted: AcceptedCiphers,
        denied: DeniedAlgorithms,
    ) -> Result<Self, DecryptionFailed> {
        Self::in_element(encrypted, accepted, denied).ok_or(DecryptionFailed)
    }

    /// Opens it: each key of ours is tried with each key there (implementation profile IIP-IDP19), and each try is a private-key
    /// operation.
    ///
    /// # Errors
    /// [`DecryptionFailed`], whatever the cause.
    pub fn open(&self, openers: &[Arc<dyn Opener>]) -> Result<Zeroizing<Vec<u8>>, DecryptionFailed> {
        openers.iter().find_map(|opener| self.open_with(&**opener)).ok_or(DecryptionFailed)
    }

    fn in_element(encrypted: Element<'_>, accepted: AcceptedCiphers, denied: DeniedAlgorithms) -> Option<Self> {
        let data = encrypted.only_child(ns::XMLENC, "EncryptedData").ok()??;
        if data.attribute("Type").is_some_and(|of| of != TYPE_ELEMENT) {
            return None;
        }
        let method = data.only_child(ns::XMLENC, "EncryptionMethod").ok()??;
        let cipher = BlockEncryption::from_uri(method.attribute("Algorithm")?)?;
        if !denied.encrypts(cipher) || !(cipher.is_authenticated() || accepted == AcceptedCiphers::CbcToo) {
            return None;
        }
        let key_info = data.only_child(ns::DSIG, "KeyInfo").ok()?;
        let inside = key_info.into_iter().flat_map(Element::children);
        let receivers: Vec<Element<'_>> =
            inside.chain(encrypted.children()).filter(|child| child.is(ns::XMLENC, "EncryptedKey")).collect();
        if receivers.len() > MOST_ENCRYPTED_KEYS {
            return None;
        }
        let wrapped = receivers.into_iter().filter_map(|one| wrapped_key(one, denied)).collect();
        Some(Self { cipher, octets: cipher_value(data)?, wrapped })
    }

    fn open_with(&self, opener: &dyn Opener) -> Option<Zeroizing<Vec<u8>>> {
        self.wrapped.iter().find_map(|(transport, wrapped)| {
            let content_key = opener.unwrap_key(*transport, wrapped).ok()?;
            self.content(&content_key).map(Zeroizing::new)
        })
    }

    fn content(&self, content_key: &[u8]) -> Option<Vec<u8>> {
        if content_key.len() != self.cipher.key_length() {
            return None;
        }
        if self.cipher.is_authenticated() {
            let (iv, rest) = self.octets.split_at_checked(GCM_IV)?;
            let (content, tag) = rest.split_at_checked(rest.len().checked_sub(GCM_TAG)?)?;
            decrypt_aead(self.cipher.cipher(), content_key, Some(iv), &[], content, tag).ok()
        } else {
            let (iv, content) = self.octets.split_at_checked(BLOCK)?;
            symm_decrypt(self.cipher.cipher(), content_key, Some(iv), content).ok()
        }
    }
}

/// Says that there is something, never what.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({:?})", self.cipher)
    }
}

/// The key for one receiver, if it travels in a way that is accepted. It may be another's, so that it is not is no error.
fn wrapped_key(encrypted_key: Element<'_>, denied: DeniedAlgorithms) -> Option<(KeyTransport, Vec<u8>)> {
    let method = encrypted_key.only_child(ns::XMLENC, "EncryptionMethod").ok()??;
    let (digest, mask) = named_in(method).ok()?;
    let transport = KeyTransport::from_uris(method.attribute("Algorithm")?, digest, mask)?;
    denied.transports(transport).then_some((transport, cipher_value(encrypted_key)?))
}

fn cipher_value(parent: Element<'_>) -> Option<Vec<u8>> {
    let data = parent.only_child(ns::XMLENC, "CipherData").ok()??;
    let text = data.only_child(ns::XMLENC, "CipherValue").ok()??.text().ok()?;
    BASE64.decode(text.chars().filter(|c| !is_space(*c)).collect::<String>()).ok()
}
