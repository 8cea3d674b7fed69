//! Consent (SP 800-63C §4.6.1.3): when a person is asked, what they agreed to, and the release that is frozen with it.
//!
//! A [`ConsentScope`] is what the page asks about: names and purposes. A [`ConsentRecord`] remembers that a person agreed
//! to one, for a year; [`StoredConsent::authenticate`](crate::sealing::VouchedRow::authenticate) alone says which rows of the database are such records. A [`ConsentedRelease`] is one decision with its values, covered by such a record and frozen: the
//! page, the disclosure record and the assertion are drawn from it, and its digest is compared when the assertion is made.
//!
//! Where records are kept is `storage`'s; how the page looks is `web`'s.

mod frozen;
mod stored;

use std::collections::BTreeMap;
use std::fmt;

use time::{Duration, UtcDateTime};

use super::agreement::{AgencyId, Agreement};
use super::attribute::AttributeName;
use super::identifier::NameIdFormat;
use crate::id::define_id;
use crate::proofing::ProofedProfile;
use crate::saml::EntityId;
use crate::sealing::{Decoder, Encoder};
use crate::subscriber::SubscriberId;

pub use frozen::{ConsentedRelease, ContentDigest, ContentKey, FrozenRelease, NotConsented, QuestionDigest};
pub use stored::{StoredConsent, VouchedConsent};

define_id! {
    /// One consent that a person gave.
    ConsentId
}

/// How long a consent is remembered.
pub const REMEMBERED_FOR: Duration = Duration::days(365);

/// What a person is asked to agree to: names, and purposes in the words that they read; no values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentScope {
    entity_id: EntityId,
    agency_id: AgencyId,
    agreement_revision: u32,
    name_id_format: NameIdFormat,
    /// The tag of the language of the page that asked.
    page_language: String,
    purposes: BTreeMap<AttributeName, ShownPurpose>,
}

/// What an attribute is used for, as the page said it. An agreement that lacks the page's language is read in another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ShownPurpose {
    /// The tag of the language under which the agreement has the text; empty for what every assertion carries, which has none.
    language: String,
    text: String,
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

const SCOPE_LABEL: &str = "signet consent scope 2";
/// Before there were languages: every page and every text was English.
const FIRST_SCOPE_LABEL: &str = "signet consent scope 1";
const FIRST_LANGUAGE: &str = "en";

impl ConsentScope {
    /// What a person is asked to agree to on a page in the language of this tag: the names of a frozen release, each with the
    /// purpose that the agreement states.
    #[must_use]
    pub fn of(frozen: &FrozenRelease, agreement: &Agreement, page_language: &str) -> Self {
        Self::worded(frozen, agreement, page_language, |_| page_language)
    }

    /// The same in the words of an earlier scope, as far as the agreement still has them. Somebody who agreed in Spanish is not
    /// asked again because they read English today, nor because a text that they read in English was translated since.
    #[must_use]
    pub fn in_words_of(earlier: &Self, frozen: &FrozenRelease, agreement: &Agreement) -> Self {
        Self::worded(frozen, agreement, &earlier.page_language, |name| {
            earlier.purposes.get(&name).map_or(&*earlier.page_language, |shown| &shown.language)
        })
    }

    fn worded<'l>(
        frozen: &FrozenRelease,
        agreement: &Agreement,
        page_language: &str,
        language: impl Fn(AttributeName) -> &'l str,
    ) -> Self {
        let purpose = |name: AttributeName| {
            let stated = agreement.attributes().get(&name).and_then(|purpose| purpose.for_language(language(name)));
            stated.map_or_else(ShownPurpose::default, |(language, text)| ShownPurpose {
                language: language.to_owned(),
                text: text.to_owned(),
            })
        };
        Self {
            entity_id: agreement.entity_id().clone(),
            agency_id: agreement.agency_id().clone(),
            agreement_revision: agreement.revision(),
            name_id_format: frozen.name_id().format(),
            page_language: page_language.to_owned(),
            purposes: frozen.attributes().iter().map(|(name, _)| (*name, purpose(*name))).collect(),
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

    /// The octets that are stored and that the digest is made of.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encoder().finish()
    }

    /// The digest over names, purposes, their languages and the agreement's revision.
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
            .text(&self.page_language)
            .count(self.purposes.len());
        self.purposes.iter().fold(start, |encoder, (name, purpose)| {
            encoder.text(name.as_str()).text(&purpose.language).text(&purpose.text)
        })
    }

    /// Reads a scope as it was stored, by this version or the one before it. `None` when the octets are not one.
    #[must_use]
    pub fn from_bytes(octets: &[u8]) -> Option<Self> {
        let (mut decoder, has_languages) = match Decoder::new(SCOPE_LABEL, octets) {
            Some(decoder) => (decoder, true),
            None => (Decoder::new(FIRST_SCOPE_LABEL, octets)?, false),
        };
        let entity_id = EntityId::parse(decoder.text()?).ok()?;
        let agency_id = AgencyId::parse(decoder.text()?).ok()?;
        let agreement_revision = u32::try_from(decoder.number()?).ok()?;
        let name_id_format = NameIdFormat::from_uri(decoder.text()?)?;
        let page_language = if has_languages { decoder.text()? } else { FIRST_LANGUAGE }.to_owned();
        let mut purposes = BTreeMap::new();
        for _ in 0..decoder.count()? {
            let name: AttributeName = decoder.text()?.parse().ok()?;
            let language = if has_languages { decoder.text()? } else { FIRST_LANGUAGE }.to_owned();
            let text = decoder.text()?.to_owned();
            // What every assertion carries has no purpose, in no language.
            let language = if text.is_empty() { String::new() } else { language };
            purposes.insert(name, ShownPurpose { language, text });
        }
        decoder.is_empty().then_some(Self {
            entity_id,
            agency_id,
            agreement_revision,
            name_id_format,
            page_language,
            purposes,
        })
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
    /// Another e-mail address would be sent than before.
    AddressChanged,
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
            Self::AddressChanged => "address_changed",
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
/// A set that only shrank is covered: less is sent than was agreed to. `scope` is [in the words of](ConsentScope::in_words_of) the
/// record, where there is one.
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
    if sends_proofed && proofed.is_some_and(|profile| profile.verified_at() > record.given_at) {
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
