//! The release that is frozen with a consent, and the digest of its content.

use std::collections::BTreeSet;
use std::fmt;

use time::UtcDateTime;
use zeroize::Zeroizing;

use super::{ConsentId, ConsentReason, ConsentScope, ScopeDigest, VouchedConsent, covered_by};
use crate::federation::attribute::{AttributeName, AttributeProfile, AttributeValue};
use crate::federation::identifier::{ChosenNameId, NameIdFormat};
use crate::federation::release::ReleaseDecision;
use crate::proofing::ProofedProfile;
use crate::sealing::Encoder;
use crate::sealing::hmac_sha256;

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
    #[must_use]
    pub fn mac(&self, octets: &[u8]) -> [u8; 32] {
        hmac_sha256(&*self.bytes, &[octets])
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentKey").field("id", &self.id).finish_non_exhaustive()
    }
}

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

/// HMAC over what a consent page shows: the content and the scope, so also the words and the language. The form returns it, so that
/// what is agreed to is what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuestionDigest([u8; 32]);

impl fmt::Display for QuestionDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
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

    /// Whether it tells the service which e-mail address the person has chosen for it.
    #[must_use]
    pub fn tells_an_address(&self) -> bool {
        self.name_id().format() == NameIdFormat::EmailAddress
            || self.attributes().iter().any(|(name, _)| *name == AttributeName::Email)
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

    /// The digest of this content, for the answer to one request (named by `binding`). A transient NameID is random and
    /// tells nothing, so that only its format counts: the gate puts the one of an earlier sign-in in its place.
    #[must_use]
    pub fn content_digest(&self, key: &ContentKey, binding: &[u8]) -> ContentDigest {
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
        ContentDigest(key.mac(&Zeroizing::new(content.finish())))
    }
}

impl FrozenRelease {
    /// The digest of the page that asks about this content in the words of this scope.
    #[must_use]
    pub fn question_digest(&self, key: &ContentKey, binding: &[u8], scope: &ConsentScope) -> QuestionDigest {
        let content = self.content_digest(key, binding);
        let question = Encoder::new("signet consent question 1").bytes(&content.0).bytes(&scope.digest().0);
        QuestionDigest(key.mac(&question.finish()))
    }
}

/// A frozen release that the person has agreed to.
///
/// The only maker is [`ConsentedRelease::new`], which asks for a record that covers it.
///
/// ```compile_fail,E0451
/// // fails: ConsentedRelease` are private
/// # use signet::federation::consent::*;
/// fn forge(release: &ConsentedRelease, frozen: FrozenRelease) -> ConsentedRelease {
///     ConsentedRelease { frozen, ..release.clone() }
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
        consent: &VouchedConsent,
        proofed: Option<&ProofedProfile>,
        key: ContentKey,
        binding: &[u8],
        now: UtcDateTime,
    ) -> Result<Self, NotConsented> {
        let record = consent.record();
        covered_by(scope, Some(record), proofed, now)?;
        // The scope must be this release's own: the same names, and no others.
        let frozen_names: BTreeSet<&AttributeName> = frozen.attributes.iter().map(|(name, _)| name).collect();
        let same_names = frozen_names.into_iter().eq(scope.purposes.keys());
        if !same_names || frozen.name_id.format() != scope.name_id_format {
            return Err(NotConsented::OtherContent);
        }
        let content_digest = frozen.content_digest(&key, binding);
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
    /// What the person saw is not what would be sent.
    #[error("what was agreed to is not what would be sent")]
    OtherContent,
}

impl From<ConsentReason> for NotConsented {
    fn from(reason: ConsentReason) -> Self {
        Self::Ask(reason)
    }
}
