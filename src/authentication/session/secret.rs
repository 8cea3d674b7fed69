//! The secret in the browser's cookie, and by which the session's record is found.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::entropy::{Entropy, random_bytes};
use crate::sealing::{context, hkdf_sha256};

/// What the cookie holds: 256 random bits.
#[derive(Clone)]
pub struct SessionSecret(Zeroizing<[u8; 32]>);

impl SessionSecret {
    /// A new secret.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(random_bytes(entropy)))
    }

    /// Reads a cookie's value; anything that is not exactly ours is no secret.
    #[must_use]
    pub fn from_cookie(value: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(value).ok()?);
        <[u8; 32]>::try_from(bytes.as_slice()).ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The cookie's value: 43 characters of base64url.
    #[must_use]
    pub fn to_cookie(&self) -> String {
        URL_SAFE_NO_PAD.encode(*self.0)
    }

    /// By which the record is found. The secret cannot be found from it.
    #[must_use]
    pub fn id_hash(&self) -> SessionIdHash {
        let mut hash = openssl::sha::Sha256::new();
        hash.update(b"signet/session/v1/id");
        hash.update(&*self.0);
        SessionIdHash(hash.finish())
    }

    pub(super) fn key(&self) -> Zeroizing<[u8; 32]> {
        hkdf_sha256(&*self.0, b"", &context(&[b"signet/session/v1/key"]))
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret(…)")
    }
}

/// The key of a session's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionIdHash([u8; 32]);

impl SessionIdHash {
    /// As it was stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As it is stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
