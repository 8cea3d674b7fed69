//! Another party, whatever its role: its name, its keys, and where it takes part in single logout.
//!
//! A service provider's metadata ([`SpMetadata`](super::SpMetadata)) and an identity provider's
//! ([`IdpMetadata`](super::IdpMetadata)) both hold one. What both roles send (logout messages, artifacts) is verified with it
//! alone, so that neither has to pass for the other.

use std::fmt;

use time::UtcDateTime;

use super::{
    EntityId,
    metadata::{DeclaredSigningMethod, Endpoint, RegisteredEncryptionKey},
    signature::{KeyError, KeyFingerprint, VerificationKey},
};

/// Another party, as its metadata describes it. Only the readers of metadata make one.
#[derive(Debug, Clone)]
pub struct Peer {
    pub(super) entity_id: EntityId,
    pub(super) keys: PeerKeys,
    pub(super) single_logout_services: Vec<Endpoint>,
}

/// The keys that a party registers, and the algorithms that it says go with them.
#[derive(Debug, Clone, Default)]
pub struct PeerKeys {
    pub(super) signing: Vec<VerificationKey>,
    pub(super) encryption: Vec<RegisteredEncryptionKey>,
    pub(super) certificate_ends: Vec<(KeyFingerprint, UtcDateTime)>,
    pub(super) passed_over: Vec<PassedOverKey>,
    pub(super) signing_methods: Vec<DeclaredSigningMethod>,
    pub(super) digest_methods: Vec<String>,
}

/// A key of a kind that we do not use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOverKey {
    /// The line of its certificate.
    pub line: u32,
    /// What the metadata would have it for, and we do not.
    pub purpose: KeyPurpose,
    /// Why we do not use it.
    pub reason: KeyError,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyPurpose {
    /// To encrypt to it.
    Encryption,
    /// To verify signatures with it.
    Signing,
}

impl fmt::Display for KeyPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encryption => "encryption",
            Self::Signing => "signing",
        })
    }
}

impl Peer {
    /// Its name.
    #[must_use]
    pub fn entity_id(&self) -> &EntityId {
        &self.entity_id
    }

    /// Its keys.
    #[must_use]
    pub fn keys(&self) -> &PeerKeys {
        &self.keys
    }

    /// Where it takes part in single logout, whatever the binding. Where a message goes is told by
    /// [`Self::slo_location`] alone.
    #[must_use]
    pub fn single_logout_services(&self) -> &[Endpoint] {
        &self.single_logout_services
    }
}

impl PeerKeys {
    /// Those that may sign what it sends, in the order of the document.
    #[must_use]
    pub fn signing(&self) -> &[VerificationKey] {
        &self.signing
    }

    /// Those to which content for it may be encrypted, in the order of the document.
    #[must_use]
    pub fn encryption(&self) -> &[RegisteredEncryptionKey] {
        &self.encryption
    }

    /// Those that nothing is done with, in the order of the document: of a kind that we do not use.
    #[must_use]
    pub fn passed_over(&self) -> &[PassedOverKey] {
        &self.passed_over
    }

    /// When each certificate of a key says that it ends, in the order of the document. People are told; nothing is refused
    /// for it.
    #[must_use]
    pub fn certificate_ends(&self) -> &[(KeyFingerprint, UtcDateTime)] {
        &self.certificate_ends
    }

    /// The signature algorithms that it says it verifies (`alg:SigningMethod`), known to us or not: those of its role, or of the
    /// entity where the role lists none. Empty where it says nothing.
    #[must_use]
    pub fn signing_methods(&self) -> &[DeclaredSigningMethod] {
        &self.signing_methods
    }

    /// The digest algorithms that it says it computes (`alg:DigestMethod`), likewise.
    #[must_use]
    pub fn digest_methods(&self) -> &[String] {
        &self.digest_methods
    }
}
