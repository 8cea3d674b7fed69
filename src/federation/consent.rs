//! Consent (SP 800-63C §4.6.1.3): when a person is asked, what they agreed to, and the release that is frozen with it.
//!
//! A [`ConsentScope`] is what the page asks about: names and purposes. A [`ConsentRecord`] remembers that a person agreed
//! to one, for a year. A [`ConsentedRelease`] is one decision with its values, covered by such a record and frozen: the
//! page, the disclosure record and the assertion are drawn from it, and its digest is compared when the assertion is made.
//!
//! Where records are kept is `storage`'s; how the page looks is `web`'s.

use std::collections::BTreeMap;
use std::fmt;

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use time::{Duration, UtcDateTime};
use zeroize::Zeroizing;

use super::agreement::{AgencyId, Agreement};
use super::attribute::{AttributeName, AttributeProfile, AttributeValue, ProofedProfile};
use super::encoding::{Decoder, Encoder};
use super::identifier::{ChosenNameId, NameIdFormat};
use super::release::ReleaseDecision;
use crate::id::define_id;
use crate::saml::EntityId;
use crate::subscriber::SubscriberId;

define_id! {
    /// One consent that a person gave.
    ConsentId
}

/// How long a consent is remembered.
pub const REMEMBERED_FOR: Duration = Duration::days(365);

/// What a person is asked to agree to: names and purposes, no values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentScope {
    entity_id: EntityId,
    agency_id: AgencyId,
    agreement_revision: u32,
    name_id_format: NameIdFormat,
    purposes: BTreeMap<AttributeName, String>,
}

/// SHA-256 over a [`ConsentScope`]. It covers no value of a person.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScopeDigest(pub [u8; 32]);

impl fmt::Display for ScopeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ScopeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScopeDigest({self})")
    }
}

const SCOPE_LABEL: &str = "signet consent scope 1";

impl ConsentScope {
    /// What a decision asks a person to agree to.
    #[must_use]
    pub fn of(decision: &ReleaseDecision, agreement: &Agreement, name_id_format: NameIdFormat) -> Self {
        let purposes = decision
            .released()
            .map(|(name, _, _)| {
                (name, agreement.attributes().get(&name).map_or_else(String::new, |text| text.english().to_owned()))
            })
            .collect();
        Self {
            entity_id: agreement.entity_id().clone(),
            agency_id: agreement.agency_id().clone(),
            agreement_revision: agreement.revision(),
            name_id_format,
            purposes,
        }
    }

    /// The service that the person agreed to.
    #[must_use]
    pub const fn entity_id(&self) -> &EntityId {
        &self.entity_id
    }

    /// Its agency.
    #[must_use]
    pub const fn agency_id(&self) -> &AgencyId {
        &self.agency_id
    }

    /// The agreement's revision number.
    #[must_use]
    pub const fn agreement_revision(&self) -> u32 {
        self.agreement_revision
    }

    /// The attributes, each with the English text of its purpose; empty for those that every assertion carries.
    #[must_use]
    pub const fn purposes(&self) -> &BTreeMap<AttributeName, String> {
        &self.purposes
    }

    /// The octets that are stored and that the digest is made of.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encoder().finish()
    }

    /// The digest over names, purposes and the agreement's revision.
    #[must_use]
    pub fn digest(&self) -> ScopeDigest {
        ScopeDigest(self.encoder().sha256())
    }

    fn encoder(&self) -> Encoder {
        let start = Encoder::new(SCOPE_LABEL)
            .text(self.entity_id.as_str())
            .text(self.agency_id.as_str())
            .number(i64::from(self.agreement_revision))
            .text(self.name_id_format.uri())
            .count(self.purposes.len());
        self.purposes.iter().fold(start, |encoder, (name, purpose)| encoder.text(name.as_str()).text(purpose))
    }

    /// Reads a scope as it was stored. `None` when the octets are not one.
    #[must_use]
    pub fn from_bytes(octets: &[u8]) -> Option<Self> {
        let mut decoder = Decoder::new(SCOPE_LABEL, octets)?;
        let entity_id = EntityId::parse(decoder.text()?).ok()?;
        let agency_id = AgencyId::parse(decoder.text()?).ok()?;
        let agreement_revision = u32::try_from(decoder.number()?).ok()?;
        let name_id_format = NameIdFormat::from_uri(decoder.text()?)?;
        let mut purposes = BTreeMap::new();
        for _ in 0..decoder.count()? {
            purposes.insert(decoder.text()?.parse().ok()?, decoder.text()?.to_owned());
        }
        decoder.is_empty().then_some(Self { entity_id, agency_id, agreement_revision, name_id_format, purposes })
    }
}

/// A consent that a person gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentRecord {
    /// Its name in the ledger and in the person's history.
    pub id: ConsentId,
    /// Who gave it.
    pub subscriber: SubscriberId,
    /// To what.
    pub scope: ConsentScope,
    /// When.
    pub given_at: UtcDateTime,
    /// When the person took it back.
    pub revoked_at: Option<UtcDateTime>,
}

/// Why a person is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsentReason {
    /// The agency raised the revision of its agreement.
    AgreementRevised,
    /// The last consent is more than a year old.
    Expired,
    /// The person has not agreed to anything at this service yet.
    First,
    /// The agency would know the person by another kind of name.
    IdentifierChanged,
    /// What an attribute is used for has changed.
    PurposeChanged(Vec<AttributeName>),
    /// The identity was verified again since.
    Reproofed,
    /// The person took the last consent back.
    Revoked,
    /// More would be sent than the person agreed to.
    SetGrew(Vec<AttributeName>),
}

impl ConsentReason {
    /// A short, stable word for logs and page texts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AgreementRevised => "agreement_revised",
            Self::Expired => "expired",
            Self::First => "first",
            Self::IdentifierChanged => "identifier_changed",
            Self::PurposeChanged(_) => "purpose_changed",
            Self::Reproofed => "reproofed",
            Self::Revoked => "revoked",
            Self::SetGrew(_) => "set_grew",
        }
    }
}

/// Whether a remembered consent covers what would be sent now; if not, why the person is asked.
///
/// A set that only shrank is covered: less is sent than was agreed to.
///
/// # Errors
/// The reason to ask.
pub fn covered_by(
    scope: &ConsentScope,
    record: Option<&ConsentRecord>,
    proofed: Option<&ProofedProfile>,
    now: UtcDateTime,
) -> Result<(), ConsentReason> {
    let record = record.filter(|record| record.scope.entity_id == scope.entity_id).ok_or(ConsentReason::First)?;
    if record.revoked_at.is_some() {
        return Err(ConsentReason::Revoked);
    }
    let age = now - record.given_at;
    if age >= REMEMBERED_FOR {
        return Err(ConsentReason::Expired);
    }
    let sends_proofed = scope.purposes.keys().any(|name| name.is_proofed());
    if sends_proofed && proofed.is_some_and(|profile| profile.verified_at > record.given_at) {
        return Err(ConsentReason::Reproofed);
    }
    let agreed = &record.scope.purposes;
    let grown: Vec<AttributeName> = scope.purposes.keys().filter(|name| !agreed.contains_key(name)).copied().collect();
    if !grown.is_empty() {
        return Err(ConsentReason::SetGrew(grown));
    }
    let changed: Vec<AttributeName> = scope
        .purposes
        .iter()
        .filter(|(name, purpose)| agreed.get(name) != Some(purpose))
        .map(|(name, _)| *name)
        .collect();
    if !changed.is_empty() {
        return Err(ConsentReason::PurposeChanged(changed));
    }
    if record.scope.name_id_format != scope.name_id_format {
        return Err(ConsentReason::IdentifierChanged);
    }
    if (record.scope.agreement_revision, &record.scope.agency_id) != (scope.agreement_revision, &scope.agency_id) {
        return Err(ConsentReason::AgreementRevised);
    }
    Ok(())
}

/// The key of a [`ContentDigest`]: derived from the person's vault key, or from the service's where no vault value is in
/// the release, so that nobody who reads the ledger can try values against it.
#[derive(Clone)]
pub struct ContentKey {
    bytes: Zeroizing<[u8; 32]>,
    id: String,
}

impl ContentKey {
    /// The key with these bytes; `id` names it in the ledger and is no secret.
    #[must_use]
    pub fn new(bytes: [u8; 32], id: impl Into<String>) -> Self {
        Self { bytes: Zeroizing::new(bytes), id: id.into() }
    }

    /// The name of the key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// HMAC-SHA-256 over some octets.
    ///
    /// # Errors
    /// OpenSSL failed.
    pub fn mac(&self, octets: &[u8]) -> Result<[u8; 32], DigestFailed> {
        let mac = || -> Result<Vec<u8>, openssl::error::ErrorStack> {
            let key = PKey::hmac(self.bytes.as_slice())?;
            Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(octets)
        };
        mac().ok().and_then(|mac| mac.try_into().ok()).ok_or(DigestFailed)
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// OpenSSL could not compute a digest; nothing is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the digest could not be computed")]
pub struct DigestFailed;

/// HMAC over the frozen names and values of one release to one request.
#[derive(Clone, Copy)]
pub struct ContentDigest(pub [u8; 32]);

impl PartialEq for ContentDigest {
    fn eq(&self, other: &Self) -> bool {
        openssl::memcmp::eq(&self.0, &other.0)
    }
}

impl Eq for ContentDigest {}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentDigest({self})")
    }
}

/// What one assertion will say about a person: the NameID and the attributes with their values. Made from a decision
/// alone, and not changed afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrozenRelease {
    name_id: ChosenNameId,
    profile: AttributeProfile,
    attributes: Vec<(AttributeName, Vec<AttributeValue>)>,
}

impl FrozenRelease {
    /// Freezes what a decision releases.
    #[must_use]
    pub fn new(decision: &ReleaseDecision, name_id: ChosenNameId) -> Self {
        let attributes = decision.released().map(|(name, values, _)| (name, values.to_vec())).collect();
        Self { name_id, profile: decision.profile(), attributes }
    }

    /// The NameID.
    #[must_use]
    pub const fn name_id(&self) -> &ChosenNameId {
        &self.name_id
    }

    /// Which names the attributes are sent under.
    #[must_use]
    pub const fn profile(&self) -> AttributeProfile {
        self.profile
    }

    /// The attributes and their values, in the order of the catalogue.
    #[must_use]
    pub fn attributes(&self) -> &[(AttributeName, Vec<AttributeValue>)] {
        &self.attributes
    }

    /// The digest of this content, for the answer to one request (named by `binding`). A transient NameID is drawn anew
    /// for each assertion and tells nothing, so that only its format counts.
    ///
    /// # Errors
    /// OpenSSL failed.
    pub fn content_digest(&self, key: &ContentKey, binding: &[u8]) -> Result<ContentDigest, DigestFailed> {
        let name_id = match self.name_id.format() {
            NameIdFormat::Transient => "",
            NameIdFormat::Persistent | NameIdFormat::EmailAddress => self.name_id.value().reveal(),
        };
        let start = Encoder::new("signet release content 1")
            .bytes(binding)
            .text(&self.profile.to_string())
            .text(self.name_id.format().uri())
            .text(name_id)
            .count(self.attributes.len());
        let content = self.attributes.iter().fold(start, |encoder, (name, values)| {
            let encoder = encoder.text(name.as_str()).count(values.len());
            values.iter().fold(encoder, |encoder, value| encoder.text(value.reveal()))
        });
        key.mac(&Zeroizing::new(content.finish())).map(ContentDigest)
    }
}

/// A frozen release that the person has agreed to.
///
/// The only maker is [`ConsentedRelease::new`], which asks for a record that covers it.
///
/// ```compile_fail
/// # use signet::federation::consent::*;
/// fn forge(frozen: FrozenRelease, content_digest: ContentDigest) -> ConsentedRelease {
///     ConsentedRelease { frozen, content_digest }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct ConsentedRelease {
    frozen: FrozenRelease,
    consent: ConsentId,
    scope_digest: ScopeDigest,
    content_digest: ContentDigest,
    key: ContentKey,
    binding: Vec<u8>,
}

impl ConsentedRelease {
    /// Joins a frozen release with the consent that covers it.
    ///
    /// # Errors
    /// The person must be asked, or the digest could not be made.
    pub fn new(
        frozen: FrozenRelease,
        scope: &ConsentScope,
        record: &ConsentRecord,
        proofed: Option<&ProofedProfile>,
        key: ContentKey,
        binding: &[u8],
        now: UtcDateTime,
    ) -> Result<Self, NotConsented> {
        covered_by(scope, Some(record), proofed, now)?;
        // The scope must be this release's own: the same names, and no others.
        let same_names = frozen.attributes.iter().map(|(name, _)| name).eq_by_set(scope.purposes.keys());
        if !same_names || frozen.name_id.format() != scope.name_id_format {
            return Err(NotConsented::OtherContent);
        }
        let content_digest = frozen.content_digest(&key, binding)?;
        Ok(Self {
            frozen,
            consent: record.id,
            scope_digest: scope.digest(),
            content_digest,
            key,
            binding: binding.to_vec(),
        })
    }

    /// What will be said.
    #[must_use]
    pub const fn frozen(&self) -> &FrozenRelease {
        &self.frozen
    }

    /// The consent that covers it.
    #[must_use]
    pub const fn consent(&self) -> ConsentId {
        self.consent
    }

    /// The digest of names and purposes.
    #[must_use]
    pub const fn scope_digest(&self) -> ScopeDigest {
        self.scope_digest
    }

    /// The digest of names and values, as it was when the release was frozen.
    #[must_use]
    pub const fn content_digest(&self) -> ContentDigest {
        self.content_digest
    }

    /// The key of the content digest.
    #[must_use]
    pub const fn key(&self) -> &ContentKey {
        &self.key
    }

    /// What the digest is bound to.
    #[must_use]
    pub fn binding(&self) -> &[u8] {
        &self.binding
    }
}

/// The release is not one that the person has agreed to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotConsented {
    /// The person must be asked.
    #[error("the person has to be asked: {}", .0.code())]
    Ask(ConsentReason),
    /// The digest could not be computed.
    #[error(transparent)]
    Digest(#[from] DigestFailed),
    /// What the person saw is not what would be sent.
    #[error("what was agreed to is not what would be sent")]
    OtherContent,
}

impl From<ConsentReason> for NotConsented {
    fn from(reason: ConsentReason) -> Self {
        Self::Ask(reason)
    }
}

/// Equality of two lists of names without regard to their order.
trait EqBySet<'a>: Iterator<Item = &'a AttributeName> + Sized {
    fn eq_by_set(self, other: impl Iterator<Item = &'a AttributeName>) -> bool {
        let one: std::collections::BTreeSet<_> = self.collect();
        one == other.collect()
    }
}

impl<'a, I: Iterator<Item = &'a AttributeName>> EqBySet<'a> for I {}
