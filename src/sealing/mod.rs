//! How the service seals values and vouches for rows, wherever its keys are kept.
//!
//! [`ServiceKeys`] is the port; [`services::keys`](crate::services::keys) has its adapters. Every use names its [`Purpose`], and
//! each purpose has keys of its own: what was sealed for one never opens for another. What opens a person's vault is not here:
//! see [`subscriber::vault`](crate::subscriber::vault).

mod encoding;
mod envelope;
mod hmac;
mod purpose;
mod secret;
mod vouched;

use std::fmt;

use zeroize::Zeroizing;

pub(crate) use encoding::{Decoder, Encoder};
pub use encoding::{context, instant, milliseconds};
pub(crate) use envelope::Envelope;
pub(crate) use hmac::{hkdf_sha256, hmac_sha256};
pub use purpose::{AfterRotation, Purpose};
pub use secret::SecretOctets;
pub(crate) use vouched::mac_column;
pub use vouched::{Vouched, VouchedRow};

/// The number of a root key. The newest one seals; all that are present open.
pub type KeyId = u32;

/// A keyed digest that says which root key made it, so that it can still be checked after a newer key has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mac {
    /// The root key that made it.
    pub key_id: KeyId,
    /// HMAC-SHA256.
    pub tag: [u8; 32],
}

impl Mac {
    /// As it is stored: key id (4 bytes, big endian), then the tag.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 36] {
        let mut bytes = [0_u8; 36];
        let (id, tag) = bytes.split_at_mut(4);
        id.copy_from_slice(&self.key_id.to_be_bytes());
        tag.copy_from_slice(&self.tag);
        bytes
    }

    /// Reads what [`Mac::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`KeysError::Malformed`] when it is not 36 bytes long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeysError> {
        let (id, tag) = bytes.split_first_chunk::<4>().ok_or(KeysError::Malformed)?;
        let tag = <[u8; 32]>::try_from(tag).map_err(|_| KeysError::Malformed)?;
        Ok(Self { key_id: KeyId::from_be_bytes(*id), tag })
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mac(key {})", self.key_id)
    }
}

/// What the service can do with its keys, wherever they are kept.
///
/// `context` is the additional data that a sealed value is bound to: whose it is and what it is. Make it with
/// [`context`]; a value opens only with the purpose and the context that it was sealed with.
pub trait ServiceKeys: Send + Sync {
    /// Seals with the newest key.
    ///
    /// # Errors
    /// [`KeysError::Unavailable`] when the keys cannot be used now.
    fn seal(&self, purpose: Purpose, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeysError>;

    /// Opens what [`ServiceKeys::seal`] sealed, with whichever key its header names.
    ///
    /// # Errors
    /// [`KeysError::CannotOpen`] for anything that was altered, moved or sealed for another purpose; there is no way
    /// to tell these apart.
    fn open(&self, purpose: Purpose, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeysError>;

    /// A keyed fingerprint for finding a record by a value: HMAC-SHA256 with the newest key, 32 bytes.
    ///
    /// # Errors
    /// [`KeysError::Unavailable`] when the keys cannot be used now.
    fn fingerprint(&self, purpose: Purpose, value: &[u8]) -> Result<[u8; 32], KeysError>;

    /// The fingerprints of a value under every key that is present, newest first: look up by all, store the first.
    ///
    /// # Errors
    /// [`KeysError::Unavailable`] when the keys cannot be used now.
    fn fingerprints(&self, purpose: Purpose, value: &[u8]) -> Result<Vec<[u8; 32]>, KeysError>;

    /// A keyed digest with the newest key.
    ///
    /// # Errors
    /// [`KeysError::Unavailable`] when the keys cannot be used now.
    fn mac(&self, purpose: Purpose, octets: &[u8]) -> Result<Mac, KeysError>;

    /// The keyed digest of `octets` under the key that `key_id` names, for comparing with a stored one.
    ///
    /// # Errors
    /// [`KeysError::UnknownKey`] when that key is gone.
    fn mac_with(&self, key_id: KeyId, purpose: Purpose, octets: &[u8]) -> Result<Mac, KeysError>;

    /// The root keys that are here, the newest first.
    fn root_keys(&self) -> Vec<KeyId>;
}

impl dyn ServiceKeys + '_ {
    /// Whether `mac` is the keyed digest of `octets`; compared in constant time.
    ///
    /// # Errors
    /// As [`ServiceKeys::mac_with`].
    pub fn verify_mac(&self, purpose: Purpose, octets: &[u8], mac: &Mac) -> Result<bool, KeysError> {
        let expected = self.mac_with(mac.key_id, purpose, octets)?;
        Ok(openssl::memcmp::eq(&expected.tag, &mac.tag))
    }

    /// Seals anew with the newest key what another one sealed.
    ///
    /// # Errors
    /// As [`ServiceKeys::open`] and [`ServiceKeys::seal`].
    pub fn reseal(&self, purpose: Purpose, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, KeysError> {
        self.seal(purpose, context, &self.open(purpose, context, sealed)?)
    }

    /// Says that `octets` are what this service wrote down: `mac`, as [`Mac::to_bytes`] writes it, was stored with them.
    ///
    /// # Errors
    /// [`NotVouched`]. A digest of a key that is gone vouches for nothing.
    pub fn vouch(&self, purpose: Purpose, octets: &[u8], mac: &[u8]) -> Result<(), NotVouched> {
        let mac = Mac::from_bytes(mac).map_err(|_| NotVouched::Altered)?;
        match self.verify_mac(purpose, octets, &mac) {
            Ok(true) => Ok(()),
            Err(fault @ KeysError::Unavailable) => Err(NotVouched::Keys(fault)),
            Ok(false) | Err(_) => Err(NotVouched::Altered),
        }
    }
}

/// Why a key could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Altered, moved from another place, or sealed for another purpose.
    #[error("the sealed value does not open: it was altered, moved, or sealed for something else")]
    CannotOpen,
    /// Too short, or without the mark that every sealed value begins with.
    #[error("not a sealed value")]
    Malformed,
    /// Made with a root key that was retired: it counts for nothing any more.
    #[error("made with key {0}, which was retired")]
    RetiredKey(KeyId),
    /// The cryptographic library, or the device behind it, failed.
    #[error("the keys cannot be used now")]
    Unavailable,
    /// The header names a key that is not here.
    #[error("sealed with key {0}, which is not among the service's keys")]
    UnknownKey(KeyId),
    /// The header names a scheme that this version does not know.
    #[error("sealed with scheme {0}, which is unknown")]
    UnknownScheme(u8),
}

/// Why a row is not taken for one that this service wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotVouched {
    /// It was altered, or belongs to another place.
    #[error("the record was altered, moved or put back")]
    Altered,
    /// The service's keys are unavailable: nothing is known about it.
    #[error(transparent)]
    Keys(KeysError),
}

impl From<openssl::error::ErrorStack> for KeysError {
    fn from(_: openssl::error::ErrorStack) -> Self {
        // What OpenSSL says may name what it worked on; the fact that it failed is all that anyone can act on.
        Self::Unavailable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_of_differently_cut_parts_differ() {
        assert_ne!(context(&[b"ab", b"c"]), context(&[b"a", b"bc"]));
        assert_ne!(context(&[b"ab"]), context(&[b"ab", b""]));
    }

    #[test]
    fn mac_survives_storage() {
        let mac = Mac { key_id: 7, tag: [9; 32] };
        assert_eq!(Mac::from_bytes(&mac.to_bytes()), Ok(mac));
        assert_eq!(Mac::from_bytes(&[0; 35]), Err(KeysError::Malformed));
    }
}
