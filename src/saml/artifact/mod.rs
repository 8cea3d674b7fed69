//! The HTTP-Artifact binding (SAML Bindings §3.6): the browser carries a reference, and the service fetches the Response itself.
//!
//! An [`Artifact`] says whose it is and carries twenty octets of chance, nothing else. The service sends it back over SOAP in a
//! signed `samlp:ArtifactResolve` ([`DecodedArtifactResolve`], verified like every message), and gets the Response inside a
//! signed `samlp:ArtifactResponse` ([`ArtifactResponse`]). The Response is the very one that HTTP-POST would have carried,
//! signed and encrypted as it would have been.
//!
//! Keeping the Response meanwhile, giving it out once and to its receiver alone is left to whoever stores it.

mod incoming;
mod outgoing;

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use openssl::sha::{sha1, sha256};

pub use incoming::{DecodedArtifactResolve, VerifiedArtifactResolve};
pub use outgoing::ArtifactResponse;

use super::EntityId;

/// The type of the one format there is (SAML Bindings §3.6.4.2).
const TYPE_CODE: [u8; 2] = [0, 4];
/// Octets of an artifact: type, endpoint index, the issuer's digest, the message handle.
const LENGTH: usize = 2 + 2 + 20 + 20;

/// A reference to a message that waits to be fetched. Whoever has it can name the message; only its receiver gets it.
#[derive(Clone, PartialEq, Eq)]
pub struct Artifact([u8; LENGTH]);

/// The text is no artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Artifact is not the base64 of 44 octets of type 0x0004")]
pub struct MalformedArtifact;

impl Artifact {
    /// A new one. `handle` is chance, used once; the endpoint is our only one, index 0.
    #[must_use]
    pub fn new(issuer: &EntityId, handle: [u8; 20]) -> Self {
        let mut octets = [0; LENGTH];
        // SAML Bindings §3.6.4.2: TypeCode, EndpointIndex, SourceID (the SHA-1 of the issuer's name), MessageHandle.
        let parts = TYPE_CODE.into_iter().chain([0, 0]).chain(sha1(issuer.as_str().as_bytes())).chain(handle);
        octets.iter_mut().zip(parts).for_each(|(octet, part)| *octet = part);
        Self(octets)
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`MalformedArtifact`].
    pub fn parse(text: &str) -> Result<Self, MalformedArtifact> {
        let octets = BASE64.decode(text).map_err(|_| MalformedArtifact)?;
        let octets: [u8; LENGTH] = octets.try_into().map_err(|_| MalformedArtifact)?;
        if octets.starts_with(&TYPE_CODE) { Ok(Self(octets)) } else { Err(MalformedArtifact) }
    }

    /// The text of the parameter `SAMLart`.
    #[must_use]
    pub fn to_text(&self) -> String {
        BASE64.encode(self.0)
    }

    /// By what it is found. A copy of what is stored does not tell the artifact.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sha256(&self.0)
    }
}

/// Shows nothing of it: it is good for fetching a message.
impl fmt::Debug for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Artifact")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifact_is_read_back_and_names_its_issuer() {
        let issuer = EntityId::parse("https://idp.example/saml").unwrap();
        let artifact = Artifact::new(&issuer, [7; 20]);
        assert_eq!(Artifact::parse(&artifact.to_text()), Ok(artifact.clone()));
        assert_eq!(artifact.0[..4], [0, 4, 0, 0]);
        assert_eq!(artifact.0[4..24], sha1(b"https://idp.example/saml"));
        assert_eq!(artifact.0[24..], [7; 20]);
        assert_eq!(format!("{artifact:?}"), "Artifact");
    }

    #[test]
    fn other_texts_are_no_artifacts() {
        let other_type = BASE64.encode([1; LENGTH]);
        let too_long = BASE64.encode([0, 4].into_iter().chain([0; LENGTH]).collect::<Vec<u8>>());
        for text in ["", "AAQ=", "not base64", &other_type, &too_long] {
            assert_eq!(Artifact::parse(text), Err(MalformedArtifact), "{text}");
        }
    }
}
