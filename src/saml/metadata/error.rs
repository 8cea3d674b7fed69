//! What can be wrong with metadata.

use std::fmt;

use time::UtcDateTime;

use super::Terms;
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

/// Everything that is wrong with metadata, in the order of the lines. Never empty.
#[derive(Debug, Clone)]
pub struct MetadataFaults {
    first: Box<MetadataError>,
    others: Vec<MetadataError>,
    /// What of its terms could be read.
    terms: Terms,
}

impl MetadataFaults {
    /// These faults, each once, and what of the terms could be read beside them; `None` if there are no faults.
    pub(super) fn of(mut faults: Vec<MetadataError>, terms: Terms) -> Option<Self> {
        faults.sort_by_key(|fault| fault.line);
        let mut distinct: Vec<MetadataError> = Vec::new();
        for fault in faults {
            if !distinct.contains(&fault) {
                distinct.push(fault);
            }
        }
        let mut distinct = distinct.into_iter();
        Some(Self { first: Box::new(distinct.next()?), others: distinct.collect(), terms })
    }

    /// The document has no entity.
    pub(super) fn nothing_read() -> Self {
        let fault = MetadataError { line: 1, reason: MetadataFault::Entities(0) };
        Self { first: Box::new(fault), others: Vec::new(), terms: Terms::default() }
    }

    /// The first fault.
    #[must_use]
    pub fn first(&self) -> &MetadataError {
        &self.first
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &MetadataError> {
        std::iter::once(&*self.first).chain(&self.others)
    }

    /// All of them, and what would keep the metadata from being taken in at this time if they were mended, in the order of the
    /// lines; see [`SpMetadata::admit`](super::SpMetadata::admit).
    #[must_use]
    pub fn with_unmet(&self, now: UtcDateTime, allow_loopback_http: bool) -> Vec<MetadataError> {
        let mut faults: Vec<_> = self.all().cloned().chain(self.terms.unmet(now, allow_loopback_http)).collect();
        faults.sort_by_key(|fault| fault.line);
        faults
    }
}

impl fmt::Display for MetadataFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.others.iter().try_for_each(|fault| write!(f, "; {fault}"))
    }
}

impl std::error::Error for MetadataFaults {}

/// The faults found so far. What has one is left out, so that the reading goes on to the next.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<MetadataError>);

impl Found {
    /// The value, or nothing and the fault is noted.
    pub(super) fn keep<T>(&mut self, read: Result<T, MetadataError>) -> Option<T> {
        read.map_err(|fault| self.0.push(fault)).ok()
    }

    /// The values of which nothing is wrong.
    pub(super) fn each<T>(&mut self, reads: impl IntoIterator<Item = Result<T, MetadataError>>) -> Vec<T> {
        reads.into_iter().filter_map(|read| self.keep(read)).collect()
    }

    pub(super) fn add(&mut self, fault: MetadataError) {
        self.0.push(fault);
    }

    /// All of them, if there are any.
    pub(super) fn into_faults(self, terms: Terms) -> Option<MetadataFaults> {
        MetadataFaults::of(self.0, terms)
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
    /// An aggregate of other than one entity.
    #[error("md:EntitiesDescriptor holds {0} entities; hand in one EntityDescriptor a file")]
    Entities(usize),
    /// Not an entity id.
    #[error("entityID is a name of 1 to 1024 characters without white space")]
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
    /// A required element is missing where one of the same name stands in another namespace.
    #[error("{parent} has a `{found}` in the namespace `{namespace}`, where {element} in `{wanted}` is looked for")]
    Misnamed {
        /// The element that should be there.
        element: &'static str,
        /// Where it should be.
        parent: &'static str,
        /// What stands there, as written.
        found: String,
        /// In which namespace.
        namespace: String,
        /// In which it should be.
        wanted: &'static str,
    },
    /// No assertion consumer service takes responses in a way that we send them.
    #[error("no AssertionConsumerService has a binding by which responses are sent: HTTP-POST or HTTP-Artifact")]
    NoUsableConsumer,
    /// No key with which an identity provider signs.
    #[error("there is no KeyDescriptor for signing: nothing that this identity provider says could be believed")]
    NoSigningKey,
    /// No single sign-on service takes requests in a way that we send them.
    #[error("no SingleSignOnService has a binding by which requests are sent: HTTP-Redirect or HTTP-POST")]
    NoUsableSignOn,
    /// The root is something else: its name and its namespace.
    #[error(
        "the root element is `{0}` in the namespace `{1}`, where md:EntityDescriptor in `urn:oasis:names:tc:SAML:2.0:metadata` is looked for"
    )]
    NotAnEntity(String, String),
    /// Messages would go in clear.
    #[error("the {0} is not on https: people's data would go in clear")]
    NotHttps(&'static str),
    /// Not an identity provider of SAML 2.0.
    #[error("there is no IDPSSODescriptor whose protocolSupportEnumeration has `urn:oasis:names:tc:SAML:2.0:protocol`")]
    NotAnIdentityProvider,
    /// Not a service provider of SAML 2.0.
    #[error("there is no SPSSODescriptor whose protocolSupportEnumeration has `urn:oasis:names:tc:SAML:2.0:protocol`")]
    NotAServiceProvider,
    /// A private key, which metadata publishes to everybody.
    #[error("a private key stands in the metadata: whoever has read it can act for the service, which needs a new key")]
    PrivateKey,
    /// Two roles of the kind that is read.
    #[error("there is more than one {0} for the protocol SAML 2.0")]
    SeveralRoles(&'static str),
    /// Not a URL that may be used.
    #[error("{0} is an address: an absolute http or https URL with a host, without user name and fragment")]
    Url(&'static str),
    /// The XML is refused by the strict reader.
    #[error(transparent)]
    Xml(#[from] XmlFault),
}
