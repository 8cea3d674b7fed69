//! The service's keys: what is sealed so that a stolen database reads nothing, and what we sign with.
//!
//! [`ServiceKeys`] is the port for sealing, [`KeyPairStore`] the one for key pairs, and [`KeyWrapper`] the one for what wraps the
//! root keys where they are kept. [`LocalKeys`] keeps all in files of one folder, wrapped by a passphrase; an adapter for a
//! hardware module or a key service stands behind the same traits. A key pair is used by a [`Signer`] or an [`Opener`], which may
//! hold the private key in memory or ask for its use elsewhere; nobody else sees one.

mod certificate;
mod local;
mod wrapper;

use std::fmt;
use std::sync::Arc;

use crate::saml::encryption::Opener;
use crate::saml::signature::Signer;
use crate::sealing::ServiceKeys;

pub use certificate::SigningKeyKind;
pub use local::{GenerateKeys, LocalKeys, LocalKeysError, SealingSecret};
pub use wrapper::{KeyWrapError, KeyWrapper, WrappedKeys};

/// Key pairs cannot be read where they are kept; what was read before still signs and opens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the signing and decryption keys cannot be read: {0}")]
pub struct PairsUnreadable(pub String);

/// The key pairs whose public halves other services know.
#[derive(Clone, Default)]
pub struct KeyPairs {
    /// What can sign.
    pub signers: Vec<Arc<dyn Signer>>,
    /// What can open what is encrypted to us.
    pub openers: Vec<Arc<dyn Opener>>,
}

/// Names the keys, shows none.
impl fmt::Debug for KeyPairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signers: Vec<&str> = self.signers.iter().map(|signer| signer.key_id()).collect();
        let openers: Vec<&str> = self.openers.iter().map(|opener| opener.key_id()).collect();
        f.debug_struct("KeyPairs").field("signers", &signers).field("openers", &openers).finish()
    }
}

/// Where key pairs are kept.
pub trait KeyPairStore: ServiceKeys {
    /// Every key pair that is here, read anew each time, so that one that was added meanwhile is found. Which of them signs what,
    /// and which stands in our metadata, is not decided here: see [`crate::rollover`].
    ///
    /// # Errors
    /// [`PairsUnreadable`] when one of them cannot be read: none is left out silently.
    fn pairs(&self) -> Result<KeyPairs, PairsUnreadable>;
}

/// Keys for unit tests: new ones each time, in a folder that is gone when they are open.
#[cfg(test)]
pub(crate) fn keys_for_tests() -> LocalKeys {
    let dir = tempfile::tempdir().unwrap();
    let secret = SealingSecret::new("a passphrase of some length").unwrap();
    let wanted = GenerateKeys {
        common_name: "signet.test",
        signing: SigningKeyKind::EcP256,
        now: time::macros::utc_datetime!(2026-11-24 12:00),
    };
    LocalKeys::generate(dir.path(), &secret, &wanted, Arc::new(crate::entropy::SystemEntropy)).unwrap()
}
