//! A service asks for the message behind an artifact.

use std::fmt;

use time::UtcDateTime;
use url::Url;

use super::Artifact;
use crate::saml::{
    DeniedAlgorithms, EntityId, MessageError, MessageId,
    binding::{BindingError, Carriage, Carried},
    instant,
    message::{Decoded, check_version},
    peer::Peer,
    read::{collapse, only_attributes, only_elements, required},
    signature::SignatureVerified,
    xml::ns,
};

/// An ArtifactResolve that was read, and that nobody has vouched for yet.
pub struct DecodedArtifactResolve(Decoded);

/// An ArtifactResolve that its issuer signed. Only [`DecodedArtifactResolve::verify`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedArtifactResolve {
    issuer: EntityId,
    id: MessageId,
    issue_instant: UtcDateTime,
    artifact: Artifact,
    signature: SignatureVerified,
}

impl DecodedArtifactResolve {
    /// Reads the body of a SOAP request (SAML Bindings §3.2): one `samlp:ArtifactResolve` in the envelope's body. Headers are
    /// passed over: those that would have to be understood are refused.
    ///
    /// # Errors
    /// [`BindingError`].
    pub fn from_soap(octets: Vec<u8>) -> Result<Self, BindingError> {
        let carried = Carried { message: octets, relay_state: None, carriage: Carriage::Soap };
        Decoded::read(carried, &["ArtifactResolve"], BindingError::NotAnArtifactResolve).map(Self)
    }

    /// Whose request it claims to be: good for looking up the record with the keys, and for nothing else.
    #[must_use]
    pub fn claimed_issuer(&self) -> &EntityId {
        &self.0.claimed_issuer
    }

    /// Verifies the request against the record of the claimed issuer, and reads it. `ours` is where we resolve artifacts,
    /// `denied` are the algorithms by which no signature is accepted.
    ///
    /// # Errors
    /// [`MessageError`]; [`MessageError::Unsigned`] whatever the agreement says, since nothing else tells who asks.
    pub fn verify(
        self,
        peer: &Peer,
        ours: &[Url],
        denied: DeniedAlgorithms,
    ) -> Result<VerifiedArtifactResolve, MessageError> {
        let signature = self.0.proof(peer, denied)?;
        let root = self.0.root();
        check_version(root)?;
        only_attributes(root, &["ID", "Version", "IssueInstant", "Destination", "Consent"])?;
        let elements = [
            (ns::ASSERTION, "Issuer"),
            (ns::DSIG, "Signature"),
            (ns::PROTOCOL, "Extensions"),
            (ns::PROTOCOL, "Artifact"),
        ];
        only_elements(root, &elements, &[])?;
        let artifact = root.only_child(ns::PROTOCOL, "Artifact")?.ok_or(MessageError::NoArtifact)?;
        let request = VerifiedArtifactResolve {
            issuer: self.0.claimed_issuer.clone(),
            id: MessageId::parse(required(root, "ID")?)?,
            issue_instant: instant::parse(required(root, "IssueInstant")?)?,
            artifact: Artifact::parse(collapse(&artifact.text()?))?,
            signature,
        };
        // Shibboleth leaves Destination out over SOAP, where the signature and the one address that takes such messages tell
        // as much: SAML Bindings §3.2 does not ask for it. One that is there must be ours.
        self.0.check_destination(ours, false)?;
        Ok(request)
    }
}

impl VerifiedArtifactResolve {
    /// The service.
    #[must_use]
    pub fn issuer(&self) -> &EntityId {
        &self.issuer
    }

    /// The identifier that the answer refers to, and that must not have been seen before.
    #[must_use]
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// When the service says that it made the request, by its own clock.
    #[must_use]
    pub fn issue_instant(&self) -> UtcDateTime {
        self.issue_instant
    }

    /// Which message it wants.
    #[must_use]
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// The proof of the signature.
    #[must_use]
    pub fn signature(&self) -> &SignatureVerified {
        &self.signature
    }
}

/// Says whose it claims to be, never what is in it.
impl fmt::Debug for DecodedArtifactResolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecodedArtifactResolve({:?})", self.0)
    }
}
