//! XML Signature and the signature of the Redirect binding, cut down to what SAML needs.
//!
//! XML Signature is a language in which a document tells its verifier what to do. Here it tells nothing: the one shape
//! that SAML core §5.4 describes is accepted, everything else is refused by name.
//!
//! * One `ds:Signature`, child of the element that is wanted, at the place where the schema puts it.
//! * One `ds:Reference`, to the identifier of that element; the transforms are exactly enveloped-signature and exclusive
//!   C14N. No `ds:Object`, no manifest, nothing fetched.
//! * Closed lists of algorithms ([`SignatureAlgorithm`], [`DigestAlgorithm`]); SHA-1 and HMAC are refused by name.
//! * Keys come from the caller, who has them from registered metadata. `ds:KeyInfo` is never looked at.
//! * The signature over `SignedInfo` is checked before the digest, so that strangers cannot make us hash.
//!
//! What comes out is a [`VerifiedElement`]: the handle to read from, with a [`SignatureVerified`] that only this room can
//! make. Which party had to sign, and what the message means, is left to the rooms that read it.

mod algorithm;
mod certificate;
mod key;
mod prepared;
mod redirect;
mod sign;
mod verify;

use std::fmt;

pub use algorithm::{AlgorithmError, DigestAlgorithm, SignatureAlgorithm};
pub use certificate::CertificatePeriod;
pub(in crate::saml) use key::acceptable_rsa;
pub use key::{KeyError, PemSigner, Signer, SignerBy, SigningFailed, VerificationKey};
pub use redirect::verify_redirect;
pub(in crate::saml) use redirect::verify_redirect_except;
pub(in crate::saml) use sign::sign_written;
pub use sign::{SigningError, sign_enveloped};
pub use verify::verify_enveloped;
pub(in crate::saml) use verify::verify_enveloped_except;

use super::xml::{Element, XmlError, ns};

/// Where the signature stands in the element that it signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignaturePosition {
    /// Directly after `saml:Issuer`, the first child: requests, responses and assertions (SAML core, the schemas).
    AfterIssuer,
    /// As the first child: metadata (SAML metadata §3).
    First,
}

/// Proof that a signature was verified with a key that the caller trusts. Nothing but this room can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureVerified {
    key: KeyFingerprint,
    algorithm: SignatureAlgorithm,
}

impl SignatureVerified {
    /// Which of the keys verified the signature.
    #[must_use]
    pub fn key(&self) -> KeyFingerprint {
        self.key
    }

    /// With which algorithm.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }
}

/// An element whose signature was verified. What the signer said is read from [`VerifiedElement::element`], which is the
/// very node whose octets were digested.
#[derive(Debug, Clone)]
pub struct VerifiedElement<'d> {
    element: Element<'d>,
    proof: SignatureVerified,
}

impl<'d> VerifiedElement<'d> {
    /// The node that was signed.
    #[must_use]
    pub fn element(&self) -> Element<'d> {
        self.element
    }

    /// The proof.
    #[must_use]
    pub fn proof(&self) -> &SignatureVerified {
        &self.proof
    }

    /// The proof, when the element has been read.
    #[must_use]
    pub fn into_proof(self) -> SignatureVerified {
        self.proof
    }
}

/// SHA-256 of a public key's `SubjectPublicKeyInfo`: names a key whatever certificate carries it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyFingerprint([u8; 32]);

impl KeyFingerprint {
    /// The 32 octets of the hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 16 hex digits: how a key is called in logs, in the ledger and on the terminal.
    #[must_use]
    pub fn short(&self) -> String {
        hex::encode(self.0.first_chunk::<8>().copied().unwrap_or_default())
    }
}

impl fmt::Display for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFingerprint({self})")
    }
}

/// Why a signature was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature at all.
    #[error("the message is not signed")]
    Absent,
    /// An algorithm outside the closed lists.
    #[error(transparent)]
    Algorithm(#[from] AlgorithmError),
    /// Another canonicalization than exclusive C14N 1.0 without comments.
    #[error("canonicalization {0:?} is not accepted; exclusive C14N 1.0 without comments is")]
    Canonicalization(String),
    /// The signature is good, but the signed digest is not that of the element: it was changed after signing.
    #[error("the element was changed after it was signed: its digest differs")]
    DigestMismatch,
    /// The reference does not name the element that the signature stands in.
    #[error("the signature does not reference the element that it stands in")]
    ForeignReference,
    /// The signature or its parts do not have the shape that SAML core §5.4 demands.
    #[error("line {line}: {reason}")]
    Malformed {
        /// The line of the element in question; 0 where there is none.
        line: u32,
        /// What was expected.
        reason: &'static str,
    },
    /// The signature is not where the schema puts it.
    #[error("the signature is not at its place (SAML core §5.4: directly after Issuer; in metadata: first)")]
    Misplaced,
    /// None of the registered keys made the signature.
    #[error("{}", no_key_verifies(*tried))]
    NoKeyVerifies {
        /// How many keys could be tried with the algorithm named.
        tried: usize,
    },
    /// A `ds:Object`, in which content could be hidden.
    #[error("ds:Object is not accepted")]
    ObjectRefused,
    /// More than one signature in the element.
    #[error("the element has more than one signature")]
    Several,
    /// Other than exactly one reference.
    #[error("a signature must have exactly one reference")]
    SeveralReferences,
    /// Transforms other than exactly enveloped-signature followed by exclusive C14N.
    #[error("the transforms must be exactly enveloped-signature and exclusive C14N, but one is {0:?}")]
    Transform(String),
    /// The tree cannot be read as expected.
    #[error(transparent)]
    Xml(#[from] XmlError),
}

fn no_key_verifies(tried: usize) -> String {
    match tried {
        0 => "no registered key is of the kind, RSA or elliptic, that the signature's algorithm needs".to_owned(),
        tried => format!("none of the {tried} registered keys of the right kind made this signature"),
    }
}

/// Canonicalization and transform identifiers.
mod uri {
    pub(super) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
    pub(super) const EXC_C14N: &str = super::ns::EXC_C14N;
}
