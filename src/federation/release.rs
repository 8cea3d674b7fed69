//! The release decision: for every attribute that is asked for or agreed, whether it is released, and the reason.
//!
//! # The steps, in order
//!
//! | step | an attribute goes on when | otherwise it is withheld because |
//! |---|---|---|
//! | 1 asked | the request, or failing that the agreement's default, names it | [`Withheld::NotAsked`] |
//! | 2 agreed | the agreement allows it | [`Withheld::NotInAgreement`] |
//! | 3 level | the identity level that is stated reaches what it needs | [`Withheld::IdentityLevel`] |
//! | 4 sign-in | the sign-in had two factors | [`Withheld::AuthenticationLevel`] |
//! | 5 held | the account has a value, and it can be read now | [`Withheld::NotHeld`], [`Withheld::VaultClosed`] |
//! | 6 current | the proofing has not expired | [`Withheld::NotCurrent`] |
//! | 7 form | the value has the form that its name promises | [`Withheld::Malformed`] |
//!
//! What is left is shown to the person ([`consent`](super::consent)) and, when they agree, sent
//! ([`issue`](super::issue)). `uuid`, `ial` and `aal` are in every assertion and need no asking.
//!
//! This is a pure function: the same values give the same decision, in the browser's journey and in
//! `signet release explain`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

use super::agreement::{Agreement, LocalizedText};
use super::assurance::{Aal, AssertedAssurance, Strength};
use super::attribute::{AttributeName, AttributeProfile, AttributeValue, HeldAttributes, Underivable};
use super::identifier::{NameIdFormat, PairwiseId};
use crate::proofing::Ial;
use crate::saml::metadata::SubjectIdRequirement;

/// Which attributes a request asks for, and where it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedAttributes {
    names: BTreeSet<AttributeName>,
    unknown: Vec<String>,
    source: AskedBy,
}

/// Where a request says which attributes it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AskedBy {
    /// Nowhere: the agreement's default set is taken.
    AgreementDefault,
    /// An `AttributeConsumingService` of the metadata, by index or default (SAML Metadata §2.4.4.1).
    ConsumingService,
    /// The `ReqAttr` pseudo-context of the request.
    RequestedContext,
}

impl AskedAttributes {
    /// The agreement's default set.
    #[must_use]
    pub fn default_of(agreement: &Agreement) -> Self {
        Self { names: agreement.default_attributes().clone(), unknown: Vec::new(), source: AskedBy::AgreementDefault }
    }

    /// The names that a request or a metadata file lists, on whatever profile. Names outside the catalogue are kept
    /// apart for the linter and the log, and ask for nothing.
    #[must_use]
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>, source: AskedBy) -> Self {
        let mut asked = Self { names: BTreeSet::new(), unknown: Vec::new(), source };
        for name in names {
            match AttributeName::from_wire(name) {
                Some(attribute) => drop(asked.names.insert(attribute)),
                None => asked.unknown.push(name.chars().take(200).collect()),
            }
        }
        asked
    }

    /// The attributes asked for.
    #[must_use]
    pub const fn names(&self) -> &BTreeSet<AttributeName> {
        &self.names
    }

    /// Names asked for that the catalogue does not have.
    #[must_use]
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Where the request says so.
    #[must_use]
    pub const fn source(&self) -> AskedBy {
        self.source
    }

    /// Whether anything personal could be released, so that the sign-in needs two factors.
    #[must_use]
    pub fn reaches_personal_data(&self, agreement: &Agreement, name_id: NameIdFormat) -> bool {
        name_id == NameIdFormat::EmailAddress
            || self.names.iter().any(|name| agreement.allows(*name) && aal_needed(*name) > Aal::Aal1)
    }

    /// Whether anything could be released that lies in the vault, given what identity level is stated.
    #[must_use]
    pub fn reaches_vault(&self, agreement: &Agreement, ial: Ial) -> bool {
        self.names.iter().any(|name| name.is_proofed() && agreement.allows(*name) && name.level_needed() <= ial)
    }
}

/// Why an attribute is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Released {
    /// Every assertion carries it.
    Always,
    /// The request asks for it and the agreement allows it.
    Asked,
    /// The request names no attributes; the agreement's default has it.
    Default,
    /// It dates the proofed attributes that are released, and the agreement allows it.
    WithProofed,
}

/// Why an attribute is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Withheld {
    /// The sign-in had one factor; personal data needs two (SP 800-63B §2.1).
    AuthenticationLevel,
    /// The identity level that is stated is below what the attribute needs.
    IdentityLevel,
    /// The value that is held does not have the form that the name promises.
    Malformed,
    /// Nobody asked for it.
    NotAsked,
    /// The proofing that it comes from has expired.
    NotCurrent,
    /// The account has no value.
    NotHeld,
    /// The agreement does not allow it, whatever the request says.
    NotInAgreement,
    /// The service's metadata says that it wants none, or another that is not offered.
    NotWanted,
    /// The value lies in the vault, and the vault is closed.
    VaultClosed,
}

impl Withheld {
    /// A short, stable word for logs and machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AuthenticationLevel => "authentication_level",
            Self::IdentityLevel => "identity_level",
            Self::Malformed => "malformed",
            Self::NotAsked => "not_asked",
            Self::NotCurrent => "not_current",
            Self::NotHeld => "not_held",
            Self::NotInAgreement => "not_in_agreement",
            Self::NotWanted => "not_wanted",
            Self::VaultClosed => "vault_closed",
        }
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AuthenticationLevel => "the sign-in had one factor, and personal data needs two",
            Self::IdentityLevel => "the identity level of this sign-in is below what the attribute needs",
            Self::Malformed => "the value that is held does not have the form that is released",
            Self::NotAsked => "neither the request nor the agreement's default asks for it",
            Self::NotCurrent => "the identity proofing that it comes from has expired",
            Self::NotHeld => "the account has no value for it",
            Self::NotInAgreement => "the agreement does not allow it",
            Self::NotWanted => "the service's metadata asks for no identifier, or for one that is not offered",
            Self::VaultClosed => "it lies in the vault, and the vault is closed",
        })
    }
}

impl fmt::Display for Released {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "every assertion carries it",
            Self::Asked => "the request asks for it and the agreement allows it",
            Self::Default => "the request names no attributes, and it is in the agreement's default",
            Self::WithProofed => "it dates the proofed attributes that are released",
        })
    }
}

/// What becomes of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeOutcome {
    /// Sent with these values, in the form in which they are sent.
    Released {
        /// Why.
        reason: Released,
        /// At least one.
        values: Vec<AttributeValue>,
    },
    /// Not sent.
    Withheld(Withheld),
}

/// What becomes of one attribute, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeDecision {
    /// Which attribute.
    pub name: AttributeName,
    /// What the agreement says it is used for; `None` for the three that are always sent and for what is not agreed.
    pub purpose: Option<LocalizedText>,
    /// What becomes of it.
    pub outcome: AttributeOutcome,
}

/// What a decision is made from.
#[derive(Debug, Clone, Copy)]
pub struct ReleaseQuestion<'a> {
    /// The agreement with the service that asks.
    pub agreement: &'a Agreement,
    /// What it asks for.
    pub asked: &'a AskedAttributes,
    /// What the assertion will say about levels.
    pub asserted: &'a AssertedAssurance,
    /// What is held about the person.
    pub held: &'a HeldAttributes,
    /// By which name the agency knows the person.
    pub pairwise: &'a PairwiseId,
    /// Which subject identifier the service's metadata asks for, where it says so.
    pub wanted: Option<SubjectIdRequirement>,
    /// The scope of `pairwise-id` on the OASIS profile: the identity provider's domain.
    pub scope: &'a str,
    /// The time of the decision.
    pub now: UtcDateTime,
}

/// What is released to one service for one request, and what is not, each with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseDecision {
    profile: AttributeProfile,
    attributes: Vec<AttributeDecision>,
}

impl ReleaseDecision {
    /// Decides.
    #[must_use]
    pub fn decide(question: &ReleaseQuestion<'_>) -> Self {
        let mut outcomes: BTreeMap<AttributeName, AttributeOutcome> = question
            .names_in_play()
            .into_iter()
            .map(|name| {
                let outcome = match question.outcome(name) {
                    Ok((reason, values)) => AttributeOutcome::Released { reason, values },
                    Err(reason) => AttributeOutcome::Withheld(reason),
                };
                (name, outcome)
            })
            .collect();

        // `verified_at` dates proofed attributes: it goes with them without being asked for, never above the ceiling.
        let proofed_is_released = outcomes.iter().any(|(name, outcome)| name.is_proofed() && outcome.is_released());
        if let Some(outcome @ AttributeOutcome::Withheld(Withheld::NotAsked)) =
            outcomes.get_mut(&AttributeName::VerifiedAt)
            && proofed_is_released
            && let Ok(values) = question.values(AttributeName::VerifiedAt)
        {
            *outcome = AttributeOutcome::Released { reason: Released::WithProofed, values };
        }

        let attributes = AttributeName::ALL
            .into_iter()
            .filter_map(|name| {
                let outcome = outcomes.remove(&name)?;
                Some(AttributeDecision { name, purpose: question.agreement.attributes().get(&name).cloned(), outcome })
            })
            .collect();
        Self { profile: question.agreement.profile(), attributes }
    }

    /// Which names the attributes are sent under.
    #[must_use]
    pub const fn profile(&self) -> AttributeProfile {
        self.profile
    }

    /// Every attribute that was asked for or agreed, in the order of the catalogue.
    #[must_use]
    pub fn attributes(&self) -> &[AttributeDecision] {
        &self.attributes
    }

    /// What is sent: the attribute, its values and why.
    pub fn released(&self) -> impl Iterator<Item = (AttributeName, &[AttributeValue], Released)> {
        self.attributes.iter().filter_map(|decision| match &decision.outcome {
            AttributeOutcome::Released { reason, values } => Some((decision.name, values.as_slice(), *reason)),
            AttributeOutcome::Withheld(_) => None,
        })
    }

    /// What is not sent, and why.
    pub fn withheld(&self) -> impl Iterator<Item = (AttributeName, Withheld)> {
        self.attributes.iter().filter_map(|decision| match &decision.outcome {
            AttributeOutcome::Released { .. } => None,
            AttributeOutcome::Withheld(reason) => Some((decision.name, *reason)),
        })
    }
}

impl AttributeOutcome {
    const fn is_released(&self) -> bool {
        matches!(self, Self::Released { .. })
    }
}

/// The authentication level below which an attribute is not released.
const fn aal_needed(name: AttributeName) -> Aal {
    match name {
        AttributeName::Uuid | AttributeName::Ial | AttributeName::Aal | AttributeName::Locale => Aal::Aal1,
        _ => Aal::Aal2,
    }
}

impl ReleaseQuestion<'_> {
    fn names_in_play(&self) -> BTreeSet<AttributeName> {
        AttributeName::ALL
            .into_iter()
            .filter(|name| {
                name.is_always_sent()
                    || self.asked.names.contains(name)
                    || self.agreement.attributes().contains_key(name)
            })
            .collect()
    }

    /// The steps, in order.
    fn outcome(&self, name: AttributeName) -> Result<(Released, Vec<AttributeValue>), Withheld> {
        if name.is_always_sent() {
            return Ok((Released::Always, self.values(name)?));
        }
        if !self.asked.names.contains(&name) {
            return Err(Withheld::NotAsked);
        }
        if !self.agreement.allows(name) {
            return Err(Withheld::NotInAgreement);
        }
        let reason = match self.asked.source {
            AskedBy::AgreementDefault => Released::Default,
            AskedBy::ConsumingService | AskedBy::RequestedContext => Released::Asked,
        };
        Ok((reason, self.values(name)?))
    }

    /// The last four steps: level, sign-in, held and current, form.
    fn values(&self, name: AttributeName) -> Result<Vec<AttributeValue>, Withheld> {
        let one = |text: String| Ok(vec![AttributeValue::new(text)]);
        if self.asserted.ial() < name.level_needed() {
            return Err(Withheld::IdentityLevel);
        }
        if self.asserted.aal() < aal_needed(name) {
            return Err(Withheld::AuthenticationLevel);
        }
        match name {
            AttributeName::Uuid => match (self.agreement.profile(), self.wanted) {
                (AttributeProfile::LoginGov, _) => one(self.pairwise.to_string()),
                // OASIS Subject Identifier Attributes §4: what the service needs is what it gets. We have no subject-id.
                (AttributeProfile::Oasis, Some(SubjectIdRequirement::None | SubjectIdRequirement::SubjectId)) => {
                    Err(Withheld::NotWanted)
                }
                (AttributeProfile::Oasis, _) => one(self.pairwise.scoped(self.scope)),
            },
            AttributeName::Ial => one(self.asserted.ial().uri().to_owned()),
            AttributeName::Aal => one(self.asserted.strength().uri().to_owned()),
            AttributeName::VerifiedAt => self.verified_at(),
            _ => self.held_values(name),
        }
    }

    /// `verified_at` is for services that may ask for a proofed identity; to others it would tell that the person has
    /// been proofed, which is none of their business.
    fn verified_at(&self) -> Result<Vec<AttributeValue>, Withheld> {
        if self.agreement.highest_ial() < Ial::Two {
            return Err(Withheld::IdentityLevel);
        }
        let profile = self.held.proofed_profile().ok_or(Withheld::NotHeld)?;
        let at = profile.verified_at().replace_nanosecond(0).unwrap_or(profile.verified_at());
        at.format(&Rfc3339).map(|text| vec![AttributeValue::new(text)]).map_err(|_| Withheld::Malformed)
    }

    fn held_values(&self, name: AttributeName) -> Result<Vec<AttributeValue>, Withheld> {
        let held = self.held.get(name.made_from());
        if held.is_empty() {
            let sealed = name.is_proofed() && self.held.vault_is_closed();
            return Err(if sealed { Withheld::VaultClosed } else { Withheld::NotHeld });
        }
        if name.is_proofed() {
            let profile = self.held.proofed_profile().ok_or(Withheld::NotCurrent)?;
            if !profile.is_current(self.now) {
                return Err(Withheld::NotCurrent);
            }
        }
        held.iter()
            .map(|value| name.wire_form(value.reveal(), self.now).map(AttributeValue::new))
            .collect::<Result<Vec<_>, Underivable>>()
            .map_err(|_| Withheld::Malformed)
    }
}

/// The strength at which anything personal may be released.
pub const PERSONAL_DATA_NEEDS: Strength = Strength::MultiFactor;
