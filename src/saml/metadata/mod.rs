//! What a service provider publishes about itself (SAML Metadata), parsed once and then only read.
//!
//! [`SpMetadata::parse`] takes a single `md:EntityDescriptor` with one `md:SPSSODescriptor` for SAML 2.0. Elements may
//! stand in any order, since much published metadata is not schema-valid in that; what is read must be right, and what
//! is not known is passed over, since metadata is made to be extended.
//!
//! Keys are keys: a certificate is a container whose dates, names and issuer do not matter. A signature over the
//! document is not verified here: administrators put the file in place, and vouch for it. [`SpMetadata::admit`] says what it
//! must also meet to be taken in: it has not ended, and its addresses are on https. What was *agreed* with the service is
//! `federation`'s.
//!
//! [`idp_metadata`] is the other direction: what we publish about ourselves.

mod acs;
mod admission;
mod error;
mod fields;
mod idp;
mod read;
mod slo;

use std::fmt;

use time::UtcDateTime;
use url::Url;

pub use acs::{AcsError, AcsLocation, AcsSelection, ResponseBinding};
pub use error::{MetadataError, MetadataFault};
pub use idp::{ERROR_URL_QUERY, IdpDescription, SECURITY_CONTACT, idp_metadata};
pub use slo::{LogoutKind, SloLocation};

use super::{
    EntityId,
    encryption::{BlockEncryption, EncryptionKey, KeyTransport},
    signature::{KeyFingerprint, VerificationKey},
};

/// The metadata of one service provider.
#[derive(Debug, Clone)]
pub struct SpMetadata {
    entity_id: EntityId,
    role_line: u32,
    /// And the line that says so.
    valid_until: Option<(UtcDateTime, u32)>,
    endpoints: Vec<PlacedEndpoint>,
    signing_keys: Vec<VerificationKey>,
    encryption_keys: Vec<RegisteredEncryptionKey>,
    certificate_ends: Vec<(KeyFingerprint, UtcDateTime)>,
    signing_methods: Vec<DeclaredSigningMethod>,
    digest_methods: Vec<String>,
    assertion_consumer_services: Vec<IndexedEndpoint>,
    single_logout_services: Vec<Endpoint>,
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
    /// The first fault, with its line.
    pub fn parse(octets: &[u8]) -> Result<Self, MetadataError> {
        read::parse(octets)
    }

    /// Its name.
    #[must_use]
    pub fn entity_id(&self) -> &EntityId {
        &self.entity_id
    }

    /// Until when it says that it is valid: the earlier of the entity's and the role's `validUntil`. Whether anything
    /// follows from that is the caller's to decide.
    #[must_use]
    pub fn valid_until(&self) -> Option<UtcDateTime> {
        self.valid_until.map(|(at, _)| at)
    }

    /// The line of its `SPSSODescriptor`, for whoever misses something in it.
    #[must_use]
    pub fn role_line(&self) -> u32 {
        self.role_line
    }

    /// The keys that may sign its requests, in the order of the document.
    #[must_use]
    pub fn signing_keys(&self) -> &[VerificationKey] {
        &self.signing_keys
    }

    /// The keys to which assertions may be encrypted, in the order of the document.
    #[must_use]
    pub fn encryption_keys(&self) -> &[RegisteredEncryptionKey] {
        &self.encryption_keys
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

    /// All assertion consumer services, whatever their binding. Where an answer goes is told by
    /// [`Self::acs_location`] alone.
    #[must_use]
    pub fn assertion_consumer_services(&self) -> &[IndexedEndpoint] {
        &self.assertion_consumer_services
    }

    /// Where it takes part in single logout.
    #[must_use]
    pub fn single_logout_services(&self) -> &[Endpoint] {
        &self.single_logout_services
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

/// A key to which content may be encrypted, as the metadata registers it.
#[derive(Debug, Clone)]
pub struct RegisteredEncryptionKey {
    key: EncryptionKey,
    fingerprint: KeyFingerprint,
    methods: Vec<DeclaredEncryptionMethod>,
}

impl RegisteredEncryptionKey {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &EncryptionKey {
        &self.key
    }

    /// Names the key.
    #[must_use]
    pub fn fingerprint(&self) -> KeyFingerprint {
        self.fingerprint
    }

    /// The algorithms that the receiver lists (`md:EncryptionMethod`), in its order of preference: of content and of key
    /// transport, known to us or not. Empty where it says nothing.
    #[must_use]
    pub fn methods(&self) -> &[DeclaredEncryptionMethod] {
        &self.methods
    }

    /// The ciphers among them that we have, in the receiver's order of preference. One whose `xenc:KeySize` is not the cipher's
    /// contradicts itself and names none.
    pub fn ciphers(&self) -> impl Iterator<Item = BlockEncryption> {
        self.methods.iter().filter_map(|method| {
            BlockEncryption::from_uri(&method.algorithm).filter(|cipher| method.takes_key_of(cipher.key_bits()))
        })
    }

    /// The key transports among them that we have, in the receiver's order of preference. One whose `xenc:KeySize` is not that of
    /// this key contradicts itself and names none.
    pub fn key_transports(&self) -> impl Iterator<Item = KeyTransport> {
        self.methods.iter().filter(|method| method.takes_key_of(self.key.bits())).filter_map(|method| {
            KeyTransport::from_uris(&method.algorithm, method.digest.as_deref(), method.mask.as_deref())
        })
    }
}

/// An `md:EncryptionMethod` as the metadata lists it (SAML Metadata §2.4.1.1): identifiers as written, known to us or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredEncryptionMethod {
    /// The algorithm.
    pub algorithm: String,
    /// `ds:DigestMethod`, of a key transport.
    pub digest: Option<String>,
    /// `xenc11:MGF`, of a key transport.
    pub mask: Option<String>,
    /// `xenc:KeySize`: the length of the algorithm's key in bits, where one is named.
    pub key_bits: Option<u32>,
}

impl DeclaredEncryptionMethod {
    /// Whether it goes with a key of this length. XML Encryption 1.1 §3.2: "the presence of a KeySize child inconsistent with the
    /// algorithm MUST be treated as an error".
    fn takes_key_of(&self, bits: u32) -> bool {
        self.key_bits.is_none_or(|named| named == bits)
    }
}

/// The identifiers, for those who compare two lists.
impl fmt::Display for DeclaredEncryptionMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.algorithm)?;
        let children = [&self.digest, &self.mask].into_iter().flatten();
        children
            .enumerate()
            .try_for_each(|(at, uri)| write!(f, "{}{uri}", if at == 0 { " with " } else { " and " }))?;
        self.key_bits.map_or(Ok(()), |bits| write!(f, " (with a key of {bits} bits)"))
    }
}

/// An `alg:SigningMethod` as the metadata lists it (SAML Metadata Profile for Algorithm Support §2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredSigningMethod {
    /// The algorithm.
    pub algorithm: String,
    /// The least length of a key in bits, where one is named.
    pub min_key_bits: Option<u32>,
    /// The greatest length of a key in bits, where one is named.
    pub max_key_bits: Option<u32>,
}

impl DeclaredSigningMethod {
    /// Whether a key of this length may be used with it.
    #[must_use]
    pub fn takes_key_of(&self, bits: u32) -> bool {
        self.min_key_bits.is_none_or(|least| bits >= least) && self.max_key_bits.is_none_or(|most| bits <= most)
    }
}

/// The identifier and its bounds, for those who compare two lists.
impl fmt::Display for DeclaredSigningMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.algorithm)?;
        match (self.min_key_bits, self.max_key_bits) {
            (None, None) => Ok(()),
            (Some(least), None) => write!(f, " (keys of {least} bits and more)"),
            (None, Some(most)) => write!(f, " (keys of up to {most} bits)"),
            (Some(least), Some(most)) => write!(f, " (keys of {least} to {most} bits)"),
        }
    }
}

/// A place where messages of one kind are taken (SAML Metadata §2.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The binding's URI.
    pub binding: String,
    /// The location as written.
    pub location: String,
    /// The location, parsed.
    pub url: Url,
    /// Where answers go, if not to `location`.
    pub response_url: Option<Url>,
}

/// An address of the role, whichever it is, and where the document says it.
#[derive(Debug, Clone)]
struct PlacedEndpoint {
    /// The element.
    kind: &'static str,
    url: Url,
    line: u32,
}

/// One of several places of the same kind (SAML Metadata §2.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedEndpoint {
    /// The binding's URI.
    pub binding: String,
    /// The location as written.
    pub location: String,
    /// The location, parsed.
    pub url: Url,
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

/// A text in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Localized {
    /// The language (`xml:lang`), as written.
    pub lang: String,
    /// The text.
    pub text: String,
}

impl Localized {
    /// The text of the language wanted, compared by its primary subtag; else the English one; else the first.
    #[must_use]
    pub fn choose<'t>(texts: &'t [Self], lang: &str) -> Option<&'t str> {
        let primary = |tag: &str| tag.split('-').next().unwrap_or(tag).to_ascii_lowercase();
        let of = |wanted: &str| texts.iter().find(|text| primary(&text.lang) == wanted);
        of(&primary(lang)).or_else(|| of("en")).or_else(|| texts.first()).map(|text| &*text.text)
    }
}

/// What people are shown about the service (SAML Metadata UI §2.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserInterface {
    /// Its names by language.
    pub display_names: Vec<Localized>,
    /// What it does, by language.
    pub descriptions: Vec<Localized>,
    /// Pages that tell more; every text is an http(s) URL.
    pub information_urls: Vec<Localized>,
    /// Its privacy statements; every text is an http(s) URL.
    pub privacy_statement_urls: Vec<Localized>,
    /// Its pictures; those inside the document (`data:`) are left out, since our pages show none.
    pub logos: Vec<Logo>,
}

/// A picture (SAML Metadata UI §2.1.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// Where it is.
    pub url: Url,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Its language; nothing for all.
    pub lang: Option<String>,
}

/// Who runs the service (SAML Metadata §2.3.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its names by language.
    pub names: Vec<Localized>,
    /// Its names for people, by language.
    pub display_names: Vec<Localized>,
    /// Its sites; every text is an http(s) URL.
    pub urls: Vec<Localized>,
}

/// Whom to ask (SAML Metadata §2.3.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// `technical`, `support`, `administrative`, `billing` or `other`, as written.
    pub kind: String,
    /// The company.
    pub company: Option<String>,
    /// The given name.
    pub given_name: Option<String>,
    /// The surname.
    pub surname: Option<String>,
    /// E-mail addresses, without `mailto:`.
    pub email_addresses: Vec<String>,
    /// Telephone numbers.
    pub telephone_numbers: Vec<String>,
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
