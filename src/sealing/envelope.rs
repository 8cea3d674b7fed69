//! The one form in which anything is sealed: AES-256-GCM by OpenSSL, with a commitment to its key.
//!
//! ```text
//! "SGN" | scheme 1 | key id, 4 bytes big endian | salt 16 | nonce 12 | commitment 32 | ciphertext | tag 16
//! ```
//!
//! Each value has a key of its own: HKDF-SHA256 of the given key with the random salt gives the AES key and the
//! commitment, so a nonce can never repeat under one key in practice, however many values are sealed. The commitment
//! is compared first, since GCM alone lets one ciphertext open under two keys.

use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use zeroize::Zeroizing;

use super::{KeyId, KeysError, context, hkdf_sha256};
use crate::entropy::{Entropy, random_bytes};

const MAGIC: &[u8; 3] = b"SGN";
const SCHEME: u8 = 1;
const SALT: usize = 16;
const NONCE: usize = 12;
const COMMITMENT: usize = 32;
const TAG: usize = 16;
const HEADER: usize = MAGIC.len() + 1 + 4 + SALT + NONCE;

/// A sealed value, cut into its parts.
pub(crate) struct Envelope<'a> {
    header: &'a [u8],
    key_id: KeyId,
    salt: &'a [u8],
    nonce: &'a [u8],
    commitment: &'a [u8],
    ciphertext: &'a [u8],
    tag: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Seals `plaintext` under `key`, bound to `aad`.
    pub(crate) fn seal(
        key: &[u8; 32],
        key_id: KeyId,
        aad: &[u8],
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, KeysError> {
        let salt = random_bytes::<SALT>(entropy);
        let nonce = random_bytes::<NONCE>(entropy);
        let mut sealed = Vec::with_capacity(HEADER + COMMITMENT + plaintext.len() + TAG);
        sealed.extend_from_slice(MAGIC);
        sealed.push(SCHEME);
        sealed.extend_from_slice(&key_id.to_be_bytes());
        sealed.extend_from_slice(&salt);
        sealed.extend_from_slice(&nonce);
        let keys = MessageKeys::derive(key, &salt, &sealed);
        let aad = context(&[&sealed, aad]);
        let mut tag = [0_u8; TAG];
        let ciphertext =
            encrypt_aead(Cipher::aes_256_gcm(), &*keys.encryption, Some(&nonce), &aad, plaintext, &mut tag)?;
        sealed.extend_from_slice(&*keys.commitment);
        sealed.extend_from_slice(&ciphertext);
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Cuts a sealed value into its parts. Nothing is decided yet except that it has the form.
    pub(crate) fn parse(sealed: &'a [u8]) -> Result<Self, KeysError> {
        let header = sealed.get(..HEADER).ok_or(KeysError::Malformed)?;
        let rest = header.strip_prefix(MAGIC).ok_or(KeysError::Malformed)?;
        let (scheme, rest) = rest.split_first().ok_or(KeysError::Malformed)?;
        if *scheme != SCHEME {
            return Err(KeysError::UnknownScheme(*scheme));
        }
        let (key_id, rest) = rest.split_first_chunk::<4>().ok_or(KeysError::Malformed)?;
        let (salt, nonce) = rest.split_at_checked(SALT).ok_or(KeysError::Malformed)?;
        let body = sealed.get(HEADER..).ok_or(KeysError::Malformed)?;
        let (commitment, body) = body.split_at_checked(COMMITMENT).ok_or(KeysError::Malformed)?;
        let at = body.len().checked_sub(TAG).ok_or(KeysError::Malformed)?;
        let (ciphertext, tag) = body.split_at_checked(at).ok_or(KeysError::Malformed)?;
        Ok(Self { header, key_id: KeyId::from_be_bytes(*key_id), salt, nonce, commitment, ciphertext, tag })
    }

    /// The key that the header names.
    pub(crate) fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Opens it with `key`; everything that can be wrong is one error.
    pub(crate) fn open(&self, key: &[u8; 32], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeysError> {
        let keys = MessageKeys::derive(key, self.salt, self.header);
        if !openssl::memcmp::eq(&*keys.commitment, self.commitment) {
            return Err(KeysError::CannotOpen);
        }
        let aad = context(&[self.header, aad]);
        decrypt_aead(Cipher::aes_256_gcm(), &*keys.encryption, Some(self.nonce), &aad, self.ciphertext, self.tag)
            .map(Zeroizing::new)
            .map_err(|_| KeysError::CannotOpen)
    }
}

/// The two keys of one sealed value.
struct MessageKeys {
    encryption: Zeroizing<[u8; 32]>,
    commitment: Zeroizing<[u8; COMMITMENT]>,
}

impl MessageKeys {
    fn derive(key: &[u8; 32], salt: &[u8], header: &[u8]) -> Self {
        Self {
            encryption: hkdf_sha256(key, salt, &context(&[b"signet/envelope/v1/encryption"])),
            commitment: hkdf_sha256(key, salt, &context(&[b"signet/envelope/v1/commitment", header])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    const KEY: [u8; 32] = [7; 32];

    fn sealed() -> Vec<u8> {
        Envelope::seal(&KEY, 3, b"whose", b"what is written", &SystemEntropy).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_again() {
        let sealed = sealed();
        let envelope = Envelope::parse(&sealed).unwrap();
        assert_eq!(envelope.key_id(), 3);
        assert_eq!(&**envelope.open(&KEY, b"whose").unwrap(), b"what is written");
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let sealed = sealed();
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let opened = Envelope::parse(&altered).and_then(|envelope| envelope.open(&KEY, b"whose"));
            assert!(opened.is_err(), "bit {bit} may be flipped");
        }
    }

    #[test]
    fn every_shorter_piece_is_refused() {
        let sealed = sealed();
        for length in 0..sealed.len() {
            assert!(Envelope::parse(&sealed[..length]).and_then(|e| e.open(&KEY, b"whose")).is_err());
        }
    }

    #[test]
    fn another_key_or_context_is_refused() {
        let sealed = sealed();
        let envelope = Envelope::parse(&sealed).unwrap();
        assert_eq!(envelope.open(&[8; 32], b"whose").err(), Some(KeysError::CannotOpen));
        assert_eq!(envelope.open(&KEY, b"another's").err(), Some(KeysError::CannotOpen));
    }

    #[test]
    fn the_commitment_is_checked_before_the_tag() {
        // A ciphertext made to open under two keys carries one commitment, so at most one of them gets past it.
        let sealed = sealed();
        let mut altered = sealed.clone();
        altered[HEADER] ^= 1;
        let envelope = Envelope::parse(&altered).unwrap();
        assert_eq!(envelope.open(&KEY, b"whose").err(), Some(KeysError::CannotOpen));
    }

    #[test]
    fn equal_values_never_look_equal() {
        let (one, other) = (sealed(), sealed());
        assert_ne!(one[HEADER..], other[HEADER..]);
        assert_ne!(one[8..HEADER], other[8..HEADER]);
    }
}
