//! What a request demands, and the true statement that answers it.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;

use time::UtcDateTime;

use super::classes::{AUTHENTICATION_CLASSES, AuthenticationClass, IDENTITY_CLASSES, REFEDS_MFA};
use super::{Aal, Comparison, Identity, Strength, aal_number};
use crate::authentication::{AuthenticatedSubject, AuthenticatorKind, RequiredAssurance};
use crate::federation::attribute::AttributeProfile;
use crate::one_line::OneLine;
use crate::proofing::{Ial, ProofedProfile};

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
            return Err(self.cannot_answer(Unanswered::UnknownClasses));
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
            return Err(self.cannot_answer(Unanswered::BelowAgreement { lowest: terms.floor_ial }));
        }
        let agreed: BTreeSet<Identity> =
            acceptable.into_iter().filter(|step| (terms.floor_ial..=terms.highest_ial).contains(&step.ial())).collect();
        if agreed.is_empty() { Err(self.beyond(terms)) } else { Ok(agreed) }
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
        required.map(|strength| strength.max(floor)).ok_or_else(|| self.beyond(terms))
    }

    fn beyond(&self, terms: &LevelTerms) -> NoAuthnContext {
        let LevelTerms { highest_ial, highest_aal, .. } = *terms;
        self.cannot_answer(Unanswered::BeyondAgreement { highest_ial, highest_aal })
    }

    fn cannot_answer(&self, why: Unanswered) -> NoAuthnContext {
        NoAuthnContext { asked: self.written(), why }
    }

    /// What the request asks for, as it wrote it: at most three classes, each cut to 200 characters.
    fn written(&self) -> String {
        const SHOWN: usize = 3;
        let identity = self.identity.iter().filter_map(|index| IDENTITY_CLASSES.get(*index)).map(|class| class.uri);
        let known = identity.chain(self.authentication.iter().map(|class| class.uri));
        let all: Vec<&str> = known.chain(self.unknown.iter().map(String::as_str)).collect();
        let shown: Vec<String> = all.iter().take(SHOWN).map(|uri| format!("`{}`", OneLine(uri))).collect();
        let mut written = shown.join(", ");
        if all.len() > SHOWN {
            written.push_str(&format!(" and {} more", all.len() - SHOWN));
        }
        match self.comparison {
            Comparison::Exact => {}
            _ if all.is_empty() => {}
            Comparison::Better => written.insert_str(0, "better than "),
            Comparison::Maximum => written.insert_str(0, "at most "),
            Comparison::Minimum => written.insert_str(0, "at least "),
        }
        written
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

/// The request cannot be answered at the level it demands (SAML Core §3.2.2.2, `NoAuthnContext`): what it asks for, and why that
/// is not stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAuthnContext {
    asked: String,
    why: Unanswered,
}

impl NoAuthnContext {
    /// Why.
    #[must_use]
    pub const fn why(&self) -> Unanswered {
        self.why
    }
}

impl fmt::Display for NoAuthnContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.asked.as_str() {
            "" => write!(f, "the request names no level; {}", self.why),
            asked => write!(f, "the request asks for {asked}; {}", self.why),
        }
    }
}

impl Error for NoAuthnContext {}

/// Why a request cannot be answered at the level it demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The request takes no identity level that the agreement would answer with: all that it names are below its lowest.
    #[error("the agreement answers with IAL{} or higher", .lowest.number())]
    BelowAgreement {
        /// The agreement's lowest.
        lowest: Ial,
    },
    /// The level is above what the agreement allows, or one that nothing reaches.
    #[error("the agreement allows no more than IAL{} and AAL{}", .highest_ial.number(), aal_number(*.highest_aal))]
    BeyondAgreement {
        /// The highest identity level.
        highest_ial: Ial,
        /// The highest authentication level.
        highest_aal: Aal,
    },
    /// The person's identity does not reach what was asked.
    #[error("the person's proofed identity does not reach that")]
    IdentityNotReached,
    /// The person's sign-in does not reach what was asked.
    #[error("the person's sign-in does not reach that")]
    SignInNotReached,
    /// None of the class references is known.
    #[error("none of that is a level that is known here")]
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

    /// The answer when the person's identity does not reach what is demanded.
    #[must_use]
    pub fn identity_not_reached(&self) -> NoAuthnContext {
        self.asked.cannot_answer(Unanswered::IdentityNotReached)
    }

    /// The answer when the person's sign-in does not reach what is demanded.
    #[must_use]
    pub fn sign_in_not_reached(&self) -> NoAuthnContext {
        self.asked.cannot_answer(Unanswered::SignInNotReached)
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
            return Err(self.sign_in_not_reached());
        }
        let identity = self.reached_identity(profile, now).ok_or_else(|| self.identity_not_reached())?;
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
                .ok_or_else(|| self.sign_in_not_reached()),
            (Some(limit), Comparison::Maximum) if limit < evidence.strength => AUTHENTICATION_CLASSES
                .iter()
                .filter(|class| class.strength <= limit && true_of(class))
                .max_by_key(|class| class.strength)
                .map(|class| class.uri)
                .ok_or_else(|| self.sign_in_not_reached()),
            // A request that speaks of identity alone is answered in its own words, or the service provider would
            // find none of the classes that it demanded.
            (None, Comparison::Exact) if !asked.identity.is_empty() => asked
                .identity
                .iter()
                .filter_map(|index| IDENTITY_CLASSES.get(*index))
                .find(|class| class.steps.contains(&identity))
                .map(|class| class.uri)
                .ok_or_else(|| self.identity_not_reached()),
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
