//! What can be wrong with a message that was read.

use super::{
    artifact::MalformedArtifact, instant::MalformedInstant, message_id::MalformedMessageId, signature::SignatureError,
    xml::XmlError,
};

/// So much of an address that a message names is shown, in characters.
const LONGEST_ADDRESS_SHOWN: usize = 200;

/// Why a message is not believed, or not understood: what requests, answers and artifacts share, and what each kind lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// An ACS by URL (or binding) and by index at once (SAML Core §3.4.1: mutually exclusive).
    #[error("AssertionConsumerServiceIndex excludes AssertionConsumerServiceURL and ProtocolBinding")]
    AcsTwice,
    /// An attribute that must be there is not.
    #[error("attribute {0} is missing")]
    AttributeMissing(&'static str),
    /// The person whose session shall end is named by an EncryptedID that does not open to a NameID.
    #[error(
        "no key of ours opens the EncryptedID to a NameID; our metadata says which key to encrypt to, if any, and by which algorithms"
    )]
    EncryptedPrincipal,
    /// The destination is not one of our addresses: [`MessageError::for_another`].
    #[error("Destination is {found:?}, and this service of ours is at {expected}")]
    ForeignDestination {
        /// What the message says, cut to 200 characters.
        found: String,
        /// Where we are.
        expected: String,
    },
    /// The record given is not that of the claimed issuer.
    #[error("the record is not that of the message's Issuer")]
    ForeignRecord,
    /// An artifact.
    #[error(transparent)]
    MalformedArtifact(#[from] MalformedArtifact),
    /// An attribute whose value is not of its type.
    #[error("attribute {0} has a value that its type does not allow")]
    MalformedAttribute(&'static str),
    /// The identifier of the message.
    #[error(transparent)]
    MalformedId(#[from] MalformedMessageId),
    /// A time.
    #[error(transparent)]
    MalformedInstant(#[from] MalformedInstant),
    /// An ArtifactResolve without an artifact.
    #[error("the ArtifactResolve has no Artifact")]
    NoArtifact,
    /// A message that must say for whom it is and does not say for whom it is.
    #[error("the message must have a Destination, and has none")]
    NoDestination,
    /// A LogoutRequest that names nobody.
    #[error("the LogoutRequest has no NameID")]
    NoPrincipal,
    /// A response without a status.
    #[error("the response has no Status with one StatusCode that has a Value")]
    NoStatus,
    /// The signature.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// An attribute that the schema does not know.
    #[error("line {line}: attribute {name} is not one of this message's")]
    UnexpectedAttribute {
        /// The line of the element.
        line: u32,
        /// The attribute, cut to 64 characters.
        name: String,
    },
    /// An element that the schema does not know there, in another order, or a second time.
    #[error("line {line}: element {name} does not stand here in this message (SAML Core §3)")]
    UnexpectedElement {
        /// The line of the element.
        line: u32,
        /// The element, cut to 64 characters.
        name: String,
    },
    /// Text between the elements.
    #[error("there is text between the elements of the message")]
    UnexpectedText,
    /// No signature, and one is demanded.
    #[error("the message is not signed, but messages of this party must be")]
    Unsigned,
    /// Another version than 2.0.
    #[error("Version is not 2.0")]
    Version,
    /// The tree cannot be read as expected.
    #[error(transparent)]
    Xml(#[from] XmlError),
}

impl MessageError {
    /// The message names `found` as its destination, and is read at one of `ours`.
    #[must_use]
    pub fn for_another(found: &str, ours: &[&str]) -> Self {
        Self::ForeignDestination {
            found: found.chars().take(LONGEST_ADDRESS_SHOWN).collect(),
            expected: ours.join(" or "),
        }
    }
}
