//! An enrolled authenticator as it is stored, and what its answer proved.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::Credential;

use super::{WebauthnKind, WebauthnRefused};
use crate::authentication::Proof;

/// An enrolled authenticator, as it is sealed and stored.
#[derive(Clone, Serialize, Deserialize)]
pub struct StoredCredential {
    pub(super) kind: WebauthnKind,
    pub(super) credential: Credential,
    pub(super) transports: Vec<String>,
    /// Whether the authenticator says that it can be found without a name.
    pub(super) discoverable: Option<bool>,
    pub(super) prf_enabled: bool,
    pub(super) prf_salt: [u8; 32],
}

impl StoredCredential {
    /// Its identifier, at most 1,023 bytes; unique over all accounts.
    #[must_use]
    pub fn credential_id(&self) -> &[u8] {
        self.credential.cred_id.as_slice()
    }

    /// Which kind it was enrolled as.
    #[must_use]
    pub fn kind(&self) -> WebauthnKind {
        self.kind
    }

    /// The signature counter; 0 where the authenticator has none.
    #[must_use]
    pub fn counter(&self) -> u32 {
        self.credential.counter
    }

    /// Whether the key may be copied between devices (the BE flag).
    #[must_use]
    pub fn is_syncable(&self) -> bool {
        self.credential.backup_eligible
    }

    /// Whether it verified its person when it was enrolled.
    #[must_use]
    pub fn was_user_verified(&self) -> bool {
        self.credential.user_verified
    }

    /// The salt for its PRF extension, when it has one.
    #[must_use]
    pub fn prf_salt(&self) -> Option<&[u8; 32]> {
        self.prf_enabled.then_some(&self.prf_salt)
    }

    /// To be sealed.
    ///
    /// # Errors
    /// Never for what was enrolled here.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WebauthnRefused> {
        Ok(serde_json::to_vec(self)?)
    }

    /// Out of its sealed form.
    ///
    /// # Errors
    /// [`WebauthnRefused::Malformed`] when another version wrote it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WebauthnRefused> {
        Ok(serde_json::from_slice(bytes)?)
    }
}

impl fmt::Debug for StoredCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredCredential({:?}, {})", self.kind, URL_SAFE_NO_PAD.encode(self.credential_id()))
    }
}

/// What an answer proved.
#[derive(Debug, Clone)]
pub struct WebauthnProof {
    /// Which of the enrolled authenticators answered: its place in the list that was given.
    pub at: usize,
    /// The authenticator with its new counter and flags: store it in the same transaction.
    pub updated: StoredCredential,
    /// That it was right, and what it showed.
    pub proof: Proof,
}

/// An authenticator that was enrolled.
#[derive(Debug, Clone)]
pub struct EnrolledCredential {
    /// What to store.
    pub credential: StoredCredential,
    /// That it answered, and what it showed.
    pub proof: Proof,
}
