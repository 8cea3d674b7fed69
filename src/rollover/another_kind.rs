//! What speaks against signing for a service with another kind of key than it knows: its metadata, and what it was sent before.
//!
//! Every service verifies RSA. ECDSA is verified by some products and not by others, and metadata seldom says.

use crate::federation::negotiation::{NothingInCommon, signature};
use crate::federation::registry::ServiceProvider;
use crate::rollover::SigningKeyId;
use crate::saml::DeniedAlgorithms;
use crate::saml::signature::{SignatureAlgorithm, Signer};

/// What is known of a service besides its record.
#[derive(Debug, Clone, Copy, Default)]
pub struct KindHistory {
    /// A trial with a key was said to have succeeded there.
    pub tried: bool,
    /// The last assertion that it was sent was signed with an elliptic key, other than for a trial.
    pub gets_ecdsa: bool,
}

/// Why a service may not take what a key signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KindRisk {
    /// Its metadata lists the signatures that it verifies, and the key makes none of them: every sign-in would be refused.
    Refused(NothingInCommon),
    /// The key is elliptic, and nothing shows that the service verifies ECDSA.
    Untried,
}

impl KindRisk {
    /// What a key may break at a service; nothing if the service verifies its signatures, as far as can be known.
    #[must_use]
    pub fn of(
        service: &ServiceProvider,
        key: &dyn Signer,
        history: KindHistory,
        denied: DeniedAlgorithms,
    ) -> Option<Self> {
        let metadata = service.metadata();
        if let Err(fault) = signature(metadata, key, denied) {
            return Some(Self::Refused(fault));
        }
        let signs_so_itself = metadata.signing_keys().iter().any(|own| own.suits(SignatureAlgorithm::EcdsaSha256));
        let is_known = key.algorithm().is_rsa()
            || history.tried
            || history.gets_ecdsa
            || signs_so_itself
            || !metadata.signing_methods().is_empty();
        (!is_known).then_some(Self::Untried)
    }

    /// The warning, for a service and a key.
    #[must_use]
    pub fn told(&self, service: &ServiceProvider, key: &SigningKeyId) -> String {
        match self {
            Self::Refused(fault) => {
                format!("{}: every sign-in that {key} signs would be refused: {fault}", service.entity_id())
            }
            Self::Untried => format!(
                "{}: nothing shows that it verifies ECDSA, by which {key} signs: its metadata lists no signatures, its own keys \
                 are RSA, and no trial succeeded there",
                service.entity_id()
            ),
        }
    }
}
