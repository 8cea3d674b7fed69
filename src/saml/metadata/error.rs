//! What can be wrong with a service provider's metadata.

use time::UtcDateTime;

use crate::saml::{
    instant,
    signature::KeyError,
    xml::{Element, XmlError, XmlFault},
};

/// A fault in metadata, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct MetadataError {
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong.
    pub reason: MetadataFault,
}

impl MetadataError {
    /// A fault at an element's line.
    pub(super) fn at(element: Element<'_>, reason: MetadataFault) -> Self {
        Self { line: element.line(), reason }
    }
}

impl From<XmlError> for MetadataError {
    fn from(error: XmlError) -> Self {
        Self { line: error.line, reason: MetadataFault::Xml(error.fault) }
    }
}

/// What is wrong with metadata.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataFault {
    /// Not an `xs:boolean`.
    #[error("{0} must be true or false")]
    Boolean(&'static str),
    /// A certificate that is not base64.
    #[error("the certificate is not base64")]
    Certificate,
    /// Other than one certificate in a key descriptor.
    #[error("a KeyDescriptor must carry its key in exactly one ds:X509Certificate, not in {0}")]
    Certificates(usize),
    /// Two endpoints or services of one kind with the same index.
    #[error("index {index} is used by more than one {element}")]
    DuplicateIndex {
        /// The element.
        element: &'static str,
        /// The index.
        index: u16,
    },
    /// Not an `xs:duration`, or a negative one.
    #[error("{0} must be a duration that is not negative, such as P1D")]
    Duration(&'static str),
    /// It says that it is valid no more.
    #[error("validUntil has passed: it ended at {}; ask the service for its metadata of today", instant::format(*at))]
    Ended {
        /// Until when it was valid.
        at: UtcDateTime,
    },
    /// Not an entity id.
    #[error("entityID must be an absolute URI of at most 1024 characters")]
    EntityId,
    /// Not an `xs:unsignedShort`.
    #[error("index must be a number from 0 to 65535")]
    Index,
    /// Not an instant.
    #[error("{0} must be an instant in UTC, such as 2026-11-24T15:00:00Z")]
    Instant(&'static str),
    /// A key that cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Not a number of bits.
    #[error("{0} must be a number of bits")]
    KeySize(&'static str),
    /// A key that is for neither of the two uses.
    #[error("use of a KeyDescriptor must be signing or encryption, or absent for both")]
    KeyUse,
    /// A required attribute is missing or empty.
    #[error("{element} lacks the attribute {attribute}")]
    MissingAttribute {
        /// The element.
        element: &'static str,
        /// Its attribute.
        attribute: &'static str,
    },
    /// A required element is missing.
    #[error("{parent} lacks the element {element}")]
    MissingElement {
        /// The element that should be there.
        element: &'static str,
        /// Where it should be.
        parent: &'static str,
    },
    /// No assertion consumer service takes responses in a way that we send them.
    #[error("no AssertionConsumerService has a binding by which responses are sent: HTTP-POST or HTTP-Artifact")]
    NoUsableConsumer,
    /// The root is something else.
    #[error("the root element must be md:EntityDescriptor")]
    NotAnEntity,
    /// Messages would go in clear.
    #[error("the {0} is not on https: people's data would go in clear")]
    NotHttps(&'static str),
    /// Not a service provider of SAML 2.0.
    #[error("there is no SPSSODescriptor for the protocol SAML 2.0")]
    NotAServiceProvider,
    /// A private key, which metadata publishes to everybody.
    #[error("a private key stands in the metadata: whoever has read it can act for the service, which needs a new key")]
    PrivateKey,
    /// An aggregate.
    #[error("md:EntitiesDescriptor holds several entities; hand in one EntityDescriptor a file")]
    SeveralEntities,
    /// Two roles of a service provider.
    #[error("there is more than one SPSSODescriptor for the protocol SAML 2.0")]
    SeveralRoles,
    /// Not a URL that may be used.
    #[error("{0} must be an absolute http or https URL with a host, without user name and fragment")]
    Url(&'static str),
    /// The XML is refused by the strict reader.
    #[error(transparent)]
    Xml(#[from] XmlFault),
}
