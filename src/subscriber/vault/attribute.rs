//! The person's key, and what it seals: one attribute in one version.

use std::fmt;

use zeroize::Zeroizing;

use super::{Pii, VaultError};
use crate::entropy::Entropy;
use crate::sealing::{Envelope, KeysError, SecretOctets, context, hkdf_sha256, hmac_sha256};
use crate::subscriber::SubscriberId;

/// The key of one person's vault: 32 random bytes, the same for as long as the vault lives.
///
/// Opened, it stands only in memory and in the sealed session of the browser that opened it.
#[derive(Clone)]
pub struct VaultKey(SecretOctets<32>);

impl VaultKey {
    /// A new vault's key.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(SecretOctets::random(entropy))
    }

    pub(super) fn from_slice(bytes: &[u8]) -> Option<Self> {
        SecretOctets::from_slice(bytes).map(Self)
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// As it stands in the sealed session.
    pub(crate) fn as_session(&self) -> &[u8; 32] {
        &self.0
    }

    /// Out of the sealed session.
    pub(crate) fn from_session(bytes: &[u8; 32]) -> Self {
        Self(SecretOctets::of(bytes))
    }

    /// Seals a value of the profile as version `version` of `attribute`.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn seal_attribute(
        &self,
        subscriber: SubscriberId,
        attribute: &str,
        version: u32,
        value: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<SealedAttribute, VaultError> {
        let place = place(subscriber, attribute, version);
        let key = self.attribute_key(&place);
        let sealed = Envelope::seal(&key, version, &place, value, entropy).map_err(VaultError::Keys)?;
        Ok(SealedAttribute(sealed))
    }

    /// Opens a value of the profile. The person, the attribute and the version are those of the row it stands in.
    ///
    /// # Errors
    /// [`VaultError::DoesNotOpen`] when it was altered, or belongs to another person, attribute or version.
    pub fn open_attribute(
        &self,
        subscriber: SubscriberId,
        attribute: &str,
        version: u32,
        sealed: &SealedAttribute,
    ) -> Result<Pii<Vec<u8>>, VaultError> {
        let place = place(subscriber, attribute, version);
        let key = self.attribute_key(&place);
        let envelope = Envelope::parse(&sealed.0).map_err(|_| VaultError::DoesNotOpen)?;
        let opened = envelope.open(&key, &place).map_err(does_not_open)?;
        Ok(Pii::new(opened.to_vec()))
    }

    /// A digest that only this vault's key can make, for comparing what was shown with what is sent without keeping
    /// either: HMAC-SHA256 under a key derived for `label`.
    #[must_use]
    pub fn digest(&self, label: &str, octets: &[u8]) -> [u8; 32] {
        let key = hkdf_sha256(&*self.0, b"", &context(&[b"signet/vault/digest/v1", label.as_bytes()]));
        hmac_sha256(&*key, &[octets])
    }

    /// A key for one attribute version, so that no two values share one.
    fn attribute_key(&self, place: &[u8]) -> Zeroizing<[u8; 32]> {
        hkdf_sha256(&*self.0, b"", place)
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultKey(…)")
    }
}

/// Where a value of the profile belongs: {purpose, subscriber, attribute, version}, in the encoding of [`context`].
fn place(subscriber: SubscriberId, attribute: &str, version: u32) -> Vec<u8> {
    context(&[b"signet/vault/attribute/v1", subscriber.as_bytes(), attribute.as_bytes(), &version.to_be_bytes()])
}

pub(super) fn does_not_open(error: KeysError) -> VaultError {
    match error {
        KeysError::CannotOpen | KeysError::Malformed | KeysError::UnknownScheme(_) => VaultError::DoesNotOpen,
        other => VaultError::Keys(other),
    }
}

/// One attribute version, sealed with the person's key; what a row holds.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedAttribute(Vec<u8>);

impl SealedAttribute {
    /// As it was stored.
    #[must_use]
    pub fn from_stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// As it is stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedAttribute({} bytes)", self.0.len())
    }
}
