//! What another party publishes about itself (SAML Metadata), parsed once and then only read: a service provider
//! ([`SpMetadata`]), or an identity provider that we ask ([`IdpMetadata`]). What both have is a [`Peer`].
//!
//! Both readers take a single `md:EntityDescriptor`, alone or in an `md:EntitiesDescriptor` around it, with one role of that
//! kind for SAML 2.0. Every fault is told, not the first alone. Elements may
//! stand in any order, since much published metadata is not schema-valid in that; what is read must be right, and what
//! is not known is passed over, since metadata is made to be extended.
//!
//! Keys are keys: a certificate is a container whose dates, names and issuer do not matter. A signature over the
//! document is not verified here: administrators put the file in place, and vouch for it. [`SpMetadata::admit`] and
//! [`IdpMetadata::admit`] say what it must also meet to be taken in: it has not ended, and its addresses are on https. What was *agreed* with the service is
//! `federation`'s.
//!
//! [`idp_metadata`] is the other direction: what we publish about ourselves.

mod acs;
mod admission;
mod algorithms;
mod error;
mod fields;
mod idp;
mod location;
mod read;
mod shown;
mod slo;
mod sso;
mod upstream;

use std::fmt;

use time::UtcDateTime;

pub use acs::{AcsError, AcsLocation, AcsSelection, ResponseBinding};
pub use algorithms::{DeclaredEncryptionMethod, DeclaredSigningMethod, RegisteredEncryptionKey};
pub use error::{MetadataError, MetadataFault, MetadataFaults};
pub use idp::{ERROR_URL_QUERY, EncryptionMethodsForm, IdpDescription, SECURITY_CONTACT, idp_metadata};
pub use location::{Location, MalformedLocation};
pub use shown::{Contact, Localized, Logo, Organization, UserInterface};
pub use slo::{LogoutKind, SloLocation};
pub use sso::SsoLocation;
pub use upstream::IdpMetadata;

use super::{
    EntityId,
    peer::{PassedOverKey, Peer},
    signature::{KeyFingerprint, VerificationKey},
};

/// The metadata of one service provider.
#[derive(Debug, Clone)]
pub struct SpMetadata {
    peer: Peer,
    role_line: u32,
    terms: Terms,
    assertion_consumer_services: Vec<IndexedEndpoint>,
    name_id_formats: Vec<String>,
    attribute_consuming_services: Vec<AttributeConsumingService>,
    subject_id_requirement: Option<SubjectIdRequirement>,
    authn_requests_signed: bool,
    want_assertions_signed: bool,
    user_interface: UserInterface,
    organization: Option<Organization>,
    contacts: Vec<Contact>,
}

impl SpMetadata {
    /// Reads the metadata of one service provider, within [`Limits::METADATA`](super::xml::Limits::METADATA).
    ///
    /// # Errors
    /// Every fault, with its line.
    pub fn parse(octets: &[u8]) -> Result<Self, MetadataFaults> {
        read::service_provider(octets)
    }

    /// What it has in common with parties of other roles: its name, its keys, where it takes part in single logout.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Its name.
    #[must_use]
    pub fn entity_id(&self) -> &EntityId {
        self.peer.entity_id()
    }

    /// Until when it says that it is valid: the earlier of the entity's and the role's `validUntil`. Whether anything
    /// follows from that is the caller's to decide.
    #[must_use]
    pub fn valid_until(&self) -> Option<UtcDateTime> {
        self.terms.valid_until.map(|(at, _)| at)
    }

    /// The line of its `SPSSODescriptor`, for whoever misses something in it.
    #[must_use]
    pub fn role_line(&self) -> u32 {
        self.role_line
    }

    /// The keys that may sign its requests, in the order of the document.
    #[must_use]
    pub fn signing_keys(&self) -> &[VerificationKey] {
        self.peer.keys().signing()
    }

    /// The keys to which assertions may be encrypted, in the order of the document.
    #[must_use]
    pub fn encryption_keys(&self) -> &[RegisteredEncryptionKey] {
        self.peer.keys().encryption()
    }

    /// The keys that nothing is done with, in the order of the document: of a kind that we do not use.
    #[must_use]
    pub fn passed_over_keys(&self) -> &[PassedOverKey] {
        self.peer.keys().passed_over()
    }

    /// When each certificate of a key says that it ends, in the order of the document. People are told; nothing is refused
    /// for it.
    #[must_use]
    pub fn certificate_ends(&self) -> &[(KeyFingerprint, UtcDateTime)] {
        self.peer.keys().certificate_ends()
    }

    /// The signature algorithms that it says it verifies (`alg:SigningMethod`), known to us or not: those of its role, or of the
    /// entity where the role lists none. Empty where it says nothing.
    #[must_use]
    pub fn signing_methods(&self) -> &[DeclaredSigningMethod] {
        self.peer.keys().signing_methods()
    }

    /// The digest algorithms that it says it computes (`alg:DigestMethod`), likewise.
    #[must_use]
    pub fn digest_methods(&self) -> &[String] {
        self.peer.keys().digest_methods()
    }

    /// All assertion consumer services, whatever their binding. Where an answer goes is told by
    /// [`Self::acs_location`] alone.
    #[must_use]
    pub fn assertion_consumer_services(&self) -> &[IndexedEndpoint] {
        &self.assertion_consumer_services
    }

    /// Where it takes part in single logout.
    #[must_use]
    pub fn single_logout_services(&self) -> &[Endpoint] {
        self.peer.single_logout_services()
    }

    /// The NameID formats that it lists, in its order of preference.
    #[must_use]
    pub fn name_id_formats(&self) -> &[String] {
        &self.name_id_formats
    }

    /// All attribute consuming services.
    #[must_use]
    pub fn attribute_consuming_services(&self) -> &[AttributeConsumingService] {
        &self.attribute_consuming_services
    }

    /// The attribute consuming service that a request means: the one with that index, or the default where the request
    /// names none (SAML Metadata §2.4.4.1).
    #[must_use]
    pub fn attribute_consuming_service(&self, index: Option<u16>) -> Option<&AttributeConsumingService> {
        match index {
            Some(index) => self.attribute_consuming_services.iter().find(|service| service.index == index),
            None => default_of(self.attribute_consuming_services.iter()),
        }
    }

    /// Which subject identifier it says that it needs (SAML V2.0 Subject Identifier Attributes Profile §4). Nothing where it
    /// says nothing, or something that the profile does not know.
    #[must_use]
    pub fn subject_id_requirement(&self) -> Option<SubjectIdRequirement> {
        self.subject_id_requirement
    }

    /// Whether it says that it signs its requests. False where it says nothing.
    #[must_use]
    pub fn authn_requests_signed(&self) -> bool {
        self.authn_requests_signed
    }

    /// Whether it wants assertions to be signed. False where it says nothing.
    #[must_use]
    pub fn want_assertions_signed(&self) -> bool {
        self.want_assertions_signed
    }

    /// What people are shown about it.
    #[must_use]
    pub fn user_interface(&self) -> &UserInterface {
        &self.user_interface
    }

    /// Who runs it.
    #[must_use]
    pub fn organization(&self) -> Option<&Organization> {
        self.organization.as_ref()
    }

    /// Whom to ask.
    #[must_use]
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }
}

/// Which subject identifier a service needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubjectIdRequirement {
    /// Either.
    Any,
    /// None: it must get neither.
    None,
    /// `pairwise-id`: another for each relying party.
    PairwiseId,
    /// `subject-id`: the same everywhere.
    SubjectId,
}

impl SubjectIdRequirement {
    /// The name of the entity attribute.
    pub const ATTRIBUTE: &'static str = "urn:oasis:names:tc:SAML:profiles:subject-id:req";

    /// The requirement that this value of the entity attribute states.
    #[must_use]
    pub fn from_value(value: &str) -> Option<Self> {
        match value {
            "any" => Some(Self::Any),
            "none" => Some(Self::None),
            "pairwise-id" => Some(Self::PairwiseId),
            "subject-id" => Some(Self::SubjectId),
            _ => None,
        }
    }
}

impl fmt::Display for SubjectIdRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::None => "none",
            Self::PairwiseId => "pairwise-id",
            Self::SubjectId => "subject-id",
        })
    }
}

/// A place where messages of one kind are taken (SAML Metadata §2.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The binding's URI.
    pub binding: String,
    /// Where.
    pub location: Location,
    /// Where answers go, if not to `location`.
    pub response_location: Option<Location>,
}

/// What metadata must meet to be taken in, whatever else is wrong with it: see [`SpMetadata::admit`] and [`IdpMetadata::admit`].
#[derive(Debug, Clone, Default)]
struct Terms {
    /// And the line that says so.
    valid_until: Option<(UtcDateTime, u32)>,
    endpoints: Vec<PlacedEndpoint>,
}

/// An address of the role, whichever it is, and where the document says it.
#[derive(Debug, Clone)]
struct PlacedEndpoint {
    /// The element.
    kind: &'static str,
    location: Location,
    line: u32,
}

/// One of several places of the same kind (SAML Metadata §2.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedEndpoint {
    /// The binding's URI.
    pub binding: String,
    /// Where.
    pub location: Location,
    /// By which number requests mean it.
    pub index: u16,
    /// Whether it is the default, where it says so.
    pub is_default: Option<bool>,
}

/// A set of attributes that the service asks for (SAML Metadata §2.4.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeConsumingService {
    /// By which number requests mean it.
    pub index: u16,
    /// Whether it is the default, where it says so.
    pub is_default: Option<bool>,
    /// Its names by language.
    pub names: Vec<Localized>,
    /// What it is for, by language.
    pub descriptions: Vec<Localized>,
    /// What it asks for.
    pub requested_attributes: Vec<RequestedAttribute>,
}

/// An attribute that the service asks for (SAML Metadata §2.4.4.2). Values that it lists are passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedAttribute {
    /// Its name on the wire.
    pub name: String,
    /// How to read the name, as a URI.
    pub name_format: Option<String>,
    /// Its name for people.
    pub friendly_name: Option<String>,
    /// Whether the service says that it cannot do without.
    pub is_required: bool,
}

/// Something that can be the default among its like.
trait Indexed {
    fn is_default(&self) -> Option<bool>;
}

impl Indexed for IndexedEndpoint {
    fn is_default(&self) -> Option<bool> {
        self.is_default
    }
}

impl Indexed for AttributeConsumingService {
    fn is_default(&self) -> Option<bool> {
        self.is_default
    }
}

/// SAML Metadata §2.2.3: the first that says it is the default; else the first that does not say it is none; else the
/// first.
fn default_of<'a, T: Indexed>(mut all: impl Iterator<Item = &'a T> + Clone) -> Option<&'a T> {
    let first_with = |said: Option<bool>| all.clone().find(|one| one.is_default() == said);
    first_with(Some(true)).or_else(|| first_with(None)).or_else(|| all.next())
}
