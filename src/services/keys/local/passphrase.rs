//! The passphrase: what wraps the root keys where there is no module for it.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{FORMAT, LocalKeysError};
use crate::entropy::{Entropy, random_bytes};
use crate::sealing::{Envelope, context, hkdf_sha256};
use crate::services::keys::{KeyWrapError, KeyWrapper, WrappedKeys};

/// The passphrase under which the root keys are sealed.
///
/// Its strength is the strength of the folder: use 32 random characters, not a word.
#[derive(Clone)]
pub struct SealingSecret(SecretString);

/// How the passphrase is stretched.
#[derive(Serialize, Deserialize)]
struct StoredArgon2 {
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
    salt: String,
}

impl SealingSecret {
    /// The least number of characters.
    pub const SHORTEST: usize = 16;

    /// Takes a passphrase, without the line end that a file or a shell may have left.
    ///
    /// # Errors
    /// [`LocalKeysError::PassphraseTooShort`] below [`SealingSecret::SHORTEST`] characters.
    pub fn new(passphrase: &str) -> Result<Self, LocalKeysError> {
        let passphrase = passphrase.trim_end_matches(['\r', '\n']);
        if passphrase.chars().count() < Self::SHORTEST {
            return Err(LocalKeysError::PassphraseTooShort);
        }
        Ok(Self(SecretString::from(passphrase)))
    }

    fn key(&self, argon2: &StoredArgon2) -> Option<Zeroizing<[u8; 32]>> {
        let salt = STANDARD.decode(&argon2.salt).ok()?;
        let params = Params::new(argon2.memory_kib, argon2.iterations, argon2.lanes, Some(32)).ok()?;
        let mut stretched = Zeroizing::new([0_u8; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(self.0.expose_secret().as_bytes(), &salt, &mut *stretched)
            .ok()?;
        Some(hkdf_sha256(&*stretched, b"", &context(&[b"signet/service-keys/v1"])))
    }
}

impl KeyWrapper for SealingSecret {
    fn scheme(&self) -> &'static str {
        "argon2id"
    }

    fn wrap(&self, keys: &[u8], entropy: &dyn Entropy) -> Result<WrappedKeys, KeyWrapError> {
        let argon2id = StoredArgon2 {
            memory_kib: 47_104,
            iterations: 1,
            lanes: 1,
            salt: STANDARD.encode(random_bytes::<16>(entropy)),
        };
        let key = self.key(&argon2id).ok_or(KeyWrapError::Malformed)?;
        let octets = Envelope::seal(&key, 0, FORMAT.as_bytes(), keys, entropy).map_err(|_| KeyWrapError::Malformed)?;
        let parameters = serde_json::to_value(argon2id).map_err(|_| KeyWrapError::Malformed)?;
        Ok(WrappedKeys { parameters, octets })
    }

    fn unwrap_keys(&self, wrapped: &WrappedKeys) -> Result<Zeroizing<Vec<u8>>, KeyWrapError> {
        let argon2id = StoredArgon2::deserialize(&wrapped.parameters).map_err(|_| KeyWrapError::Malformed)?;
        let key = self.key(&argon2id).ok_or(KeyWrapError::Malformed)?;
        let opened = Envelope::parse(&wrapped.octets).and_then(|envelope| envelope.open(&key, FORMAT.as_bytes()));
        opened.map_err(|_| KeyWrapError::Refused)
    }
}

impl std::fmt::Debug for SealingSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealingSecret(…)")
    }
}
