//! What a request demands, and the true statement that answers it.

use std::collections::BTreeSet;

use time::UtcDateTime;

use super::classes::{AUTHENTICATION_CLASSES, AuthenticationClass, IDENTITY_CLASSES, REFEDS_MFA};
use super::{Aal, Comparison, Identity, Strength};
use crate::authentication::{AuthenticatedSubject, AuthenticatorKind, RequiredAssurance};
use crate::federation::attribute::AttributeProfile;
use crate::proofing::Ial;
use crate::proofing::ProofedProfile;

const REQUESTED_ATTRIBUTES: &str = "http://idmanagement.gov/ns/requested_attributes";

/// A `RequestedAuthnContext`, read.
#[derive(Debug, Clone, Default)]
pub struct RequestedContext {
    comparison: Comparison,
    identity: Vec<usize>,
    authentication: Vec<AuthenticationClass>,
    attributes: Option<Vec<String>>,
    unknown: Vec<String>,
}

impl RequestedContext {
    /// Reads the class references of a request, the `ReqAttr` pseudo-context among them.
    #[must_use]
    pub fn read<'a>(comparison: Comparison, class_refs: impl IntoIterator<Item = &'a str>) -> Self {
        let mut context = Self { comparison, ..Self::default() };
        for class_ref in class_refs {
            let class_ref = class_ref.trim();
            if let Some(names) = requested_attributes(class_ref) {
                context.attributes.get_or_insert_default().extend(names);
            } else if let Some(index) = IDENTITY_CLASSES.iter().position(|class| class.uri == class_ref) {
                context.identity.push(index);
            } else if let Some(class) = AUTHENTICATION_CLASSES.iter().find(|class| class.uri == class_ref) {
                context.authentication.push(*class);
            } else {
                context.unknown.push(class_ref.chars().take(200).collect());
            }
        }
        context
    }

    /// The names in the `ReqAttr` pseudo-context; `None` when the request has none, which is not the same as asking
    /// for nothing.
    #[must_use]
    pub fn requested_attributes(&self) -> Option<&[String]> {
        self.attributes.as_deref()
    }

    /// The class references that mean nothing to Signet. They are ignored as long as one of the others is known.
    #[must_use]
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// What the sign-in must reach for the answer to satisfy the request.
    ///
    /// # Errors
    /// No statement that the agreement lets us make could satisfy it; the answer is `NoAuthnContext`.
    pub fn settle(&self, terms: &LevelTerms) -> Result<DemandedAssurance, NoAuthnContext> {
        if self.identity.is_empty() && self.authentication.is_empty() && !self.unknown.is_empty() {
            return Err(NoAuthnContext::UnknownClasses);
        }
        Ok(DemandedAssurance {
            identity: self.acceptable_identity(terms)?,
            authentication: self.required_strength(terms)?,
            asked: self.clone(),
            profile: terms.profile,
        })
    }

    fn acceptable_identity(&self, terms: &LevelTerms) -> Result<BTreeSet<Identity>, NoAuthnContext> {
        let named: BTreeSet<Identity> = self
            .identity
            .iter()
            .filter_map(|index| IDENTITY_CLASSES.get(*index))
            .flat_map(|class| class.steps.iter().copied())
            .collect();
        let acceptable: BTreeSet<Identity> = match (named.first(), named.last(), self.comparison) {
            (Some(_), Some(_), Comparison::Exact) => named,
            (Some(weakest), Some(_), Comparison::Minimum) => at_least(*weakest),
            (Some(_), Some(strongest), Comparison::Maximum) => {
                Identity::ALL.into_iter().filter(|step| step <= strongest).collect()
            }
            (Some(_), Some(strongest), Comparison::Better) => {
                Identity::ALL.into_iter().filter(|step| step > strongest).collect()
            }
            _ if terms.default_ial == Ial::Two => at_least(Identity::Proofed),
            _ => BTreeSet::from([Identity::Unproofed]),
        };
        if acceptable.last().is_some_and(|strongest| strongest.ial() < terms.floor_ial) {
            return Err(NoAuthnContext::BelowAgreement);
        }
        let agreed: BTreeSet<Identity> =
            acceptable.into_iter().filter(|step| (terms.floor_ial..=terms.highest_ial).contains(&step.ial())).collect();
        if agreed.is_empty() { Err(NoAuthnContext::BeyondAgreement) } else { Ok(agreed) }
    }

    fn required_strength(&self, terms: &LevelTerms) -> Result<Strength, NoAuthnContext> {
        let named = self.authentication.iter().map(|class| class.strength);
        let within = |strength: &Strength| strength.aal() <= terms.highest_aal && *strength != Strength::Card;
        let least = Strength::least(terms.floor_aal);
        let floor = if terms.phishing_resistant { least.max(Strength::PhishingResistant) } else { least };
        let required = match (named.clone().max(), self.comparison) {
            (None, _) => Some(Strength::least(terms.default_aal)).filter(within),
            (Some(_), Comparison::Exact | Comparison::Minimum) => named.filter(within).min(),
            (Some(strongest), Comparison::Better) => {
                Strength::ABOVE_UNSPECIFIED.into_iter().find(|strength| *strength > strongest).filter(within)
            }
            (Some(_), Comparison::Maximum) => Some(floor),
        };
        required.map(|strength| strength.max(floor)).ok_or(NoAuthnContext::BeyondAgreement)
    }
}

fn at_least(weakest: Identity) -> BTreeSet<Identity> {
    Identity::ALL.into_iter().filter(|step| *step >= weakest).collect()
}

/// The names listed in a `ReqAttr` pseudo-context, or `None` when the class reference is something else.
fn requested_attributes(class_ref: &str) -> Option<Vec<String>> {
    let query = class_ref.strip_prefix(REQUESTED_ATTRIBUTES)?.strip_prefix('?')?;
    let names = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == "ReqAttr")
        .flat_map(|(_, list)| list.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>())
        .filter(|name| !name.is_empty())
        .collect();
    Some(names)
}

/// What the agreement says about levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelTerms {
    /// The highest identity level that the service may ask for.
    pub highest_ial: Ial,
    /// The identity level of a request that names none.
    pub default_ial: Ial,
    /// The identity level below which no request is answered, whatever it asks.
    pub floor_ial: Ial,
    /// The highest authentication level that the service may ask for.
    pub highest_aal: Aal,
    /// The authentication level of a request that names none.
    pub default_aal: Aal,
    /// The authentication level below which this request is never answered, whatever it asks: the agreement's lowest, and AAL2
    /// as soon as personal data is in play (SP 800-63B §2.1, "personal information … requires AAL2").
    pub floor_aal: Aal,
    /// Whether every sign-in is phishing-resistant, whatever the request asks.
    pub phishing_resistant: bool,
    /// Whose class is asserted when the request names none.
    pub profile: AttributeProfile,
}

/// The request cannot be answered at the level it demands (SAML Core §3.2.2.2, `NoAuthnContext`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAuthnContext {
    /// The request takes no identity level that the agreement would answer with: all that it names are below its lowest.
    #[error("the identity level asked for is below the lowest that the agreement allows")]
    BelowAgreement,
    /// The level is above what the agreement allows, or one that nothing reaches.
    #[error("the level asked for is above what the agreement allows")]
    BeyondAgreement,
    /// The person's sign-in or identity does not reach what was asked.
    #[error("the level asked for was not reached")]
    NotReached,
    /// None of the class references is known.
    #[error("no class reference of the request is known")]
    UnknownClasses,
}

/// What the events of a sign-in prove about the authentication. Made from recorded events only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthenticationEvidence {
    /// The step of the ladder that was reached.
    pub strength: Strength,
    /// Whether a password was given and verified.
    pub by_password: bool,
}

impl AuthenticationEvidence {
    /// What the events of this subject prove.
    #[must_use]
    pub fn of(subject: &AuthenticatedSubject) -> Self {
        let strength = match (subject.aal(), subject.phishing_resistant()) {
            (Aal::Aal1, _) => Strength::SingleFactor,
            (Aal::Aal2, false) => Strength::MultiFactor,
            (Aal::Aal2, true) => Strength::PhishingResistant,
            (Aal::Aal3, _) => Strength::Aal3,
        };
        let by_password = subject.events().iter().any(|event| event.kind() == AuthenticatorKind::Password);
        Self { strength, by_password }
    }
}

/// What a request demands, settled against the agreement.
#[derive(Debug, Clone)]
pub struct DemandedAssurance {
    identity: BTreeSet<Identity>,
    authentication: Strength,
    asked: RequestedContext,
    profile: AttributeProfile,
}

impl DemandedAssurance {
    /// The weakest authentication that will do: what the sign-in pages must reach.
    #[must_use]
    pub const fn authentication(&self) -> Strength {
        self.authentication
    }

    /// The same, as the sign-in pages are told. With `ForceAuthn`, `not_before` is the request's arrival.
    #[must_use]
    pub const fn for_sign_in(&self, not_before: Option<UtcDateTime>) -> RequiredAssurance {
        RequiredAssurance {
            aal: self.authentication.aal(),
            phishing_resistant: self.authentication.is_phishing_resistant(),
            not_before,
        }
    }

    /// The weakest identity that will do.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.identity.first().copied().unwrap_or(Identity::Unproofed)
    }

    /// The highest identity level that this request can lead to.
    #[must_use]
    pub fn highest_ial(&self) -> Ial {
        self.identity.last().map_or(Ial::One, |step| step.ial())
    }

    /// The identity that may be stated for a person with this profile: the strongest acceptable step that the person
    /// has reached. `None` when the person reaches none of them.
    #[must_use]
    pub fn reached_identity(&self, profile: Option<&ProofedProfile>, now: UtcDateTime) -> Option<Identity> {
        let person = Identity::of(profile, now);
        self.identity.iter().copied().rfind(|step| *step <= person)
    }

    /// The true statement that answers the request.
    ///
    /// # Errors
    /// No true statement satisfies it.
    pub fn assert(
        &self,
        evidence: AuthenticationEvidence,
        profile: Option<&ProofedProfile>,
        now: UtcDateTime,
    ) -> Result<AssertedAssurance, NoAuthnContext> {
        if evidence.strength < self.authentication {
            return Err(NoAuthnContext::NotReached);
        }
        let identity = self.reached_identity(profile, now).ok_or(NoAuthnContext::NotReached)?;
        let class_ref = self.class_to_assert(evidence, identity)?;
        Ok(AssertedAssurance { identity, strength: evidence.strength, class_ref })
    }

    fn class_to_assert(
        &self,
        evidence: AuthenticationEvidence,
        identity: Identity,
    ) -> Result<&'static str, NoAuthnContext> {
        let true_of = |class: &AuthenticationClass| {
            class.strength <= evidence.strength && (!class.by_password || evidence.by_password)
        };
        let asked = &self.asked;
        let strongest_asked = asked.authentication.iter().map(|class| class.strength).max();
        match (strongest_asked, asked.comparison) {
            // SAML Core §3.3.2.2.1: the classes stand in order of preference.
            (Some(_), Comparison::Exact) => asked
                .authentication
                .iter()
                .find(|class| true_of(class))
                .map(|class| class.uri)
                .ok_or(NoAuthnContext::NotReached),
            (Some(limit), Comparison::Maximum) if limit < evidence.strength => AUTHENTICATION_CLASSES
                .iter()
                .filter(|class| class.strength <= limit && true_of(class))
                .max_by_key(|class| class.strength)
                .map(|class| class.uri)
                .ok_or(NoAuthnContext::NotReached),
            // A request that speaks of identity alone is answered in its own words, or the service provider would
            // find none of the classes that it demanded.
            (None, Comparison::Exact) if !asked.identity.is_empty() => asked
                .identity
                .iter()
                .filter_map(|index| IDENTITY_CLASSES.get(*index))
                .find(|class| class.steps.contains(&identity))
                .map(|class| class.uri)
                .ok_or(NoAuthnContext::NotReached),
            _ if self.profile == AttributeProfile::Oasis && evidence.strength >= Strength::MultiFactor => {
                Ok(REFEDS_MFA)
            }
            _ => Ok(evidence.strength.uri()),
        }
    }
}

/// What an assertion says about levels; true of what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssertedAssurance {
    identity: Identity,
    strength: Strength,
    class_ref: &'static str,
}

impl AssertedAssurance {
    /// The identity step that is stated, which decides which attributes may be released.
    #[must_use]
    pub const fn identity(&self) -> Identity {
        self.identity
    }

    /// The identity level that is stated.
    #[must_use]
    pub const fn ial(&self) -> Ial {
        self.identity.ial()
    }

    /// The authentication that took place.
    #[must_use]
    pub const fn strength(&self) -> Strength {
        self.strength
    }

    /// The authentication level that was reached.
    #[must_use]
    pub const fn aal(&self) -> Aal {
        self.strength.aal()
    }

    /// The `AuthnContextClassRef` of the answer.
    #[must_use]
    pub const fn class_ref(&self) -> &'static str {
        self.class_ref
    }
}
