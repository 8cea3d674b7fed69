//! AuthnContext URIs ↔ identity and authentication assurance levels: what a request demands, what an answer may assert.
//!
//! What is asserted comes from the evidence and never from the request: the request only chooses among the statements
//! that are true. What happened, and what each authenticator proved, is `authentication`'s.
//!
//! # The two ladders
//!
//! A class reference says something about identity (was the person proofed?) or about authentication (how did the
//! person sign in?). Each family has a ladder, and the four comparisons of SAML Core §3.3.2.2.1 work on each by itself;
//! a family that the request does not mention takes the agreement's default.
//!
//! | identity | authentication |
//! |---|---|
//! | not proofed | single factor |
//! | proofed | several factors |
//! | proofed, face compared with the document | several factors, phishing-resistant |
//! | | AAL3 |
//! | | a PIV or CAC card (never reached: Signet reads none) |

mod classes;
mod demand;

use std::fmt;

use time::UtcDateTime;

use crate::proofing::Ial;
use crate::proofing::ProofedProfile;
use classes::{AAL1, AAL2, AAL2_PHISHING_RESISTANT, AAL3};

pub use crate::authentication::Aal;
pub use demand::{
    AssertedAssurance, AuthenticationEvidence, DemandedAssurance, LevelTerms, NoAuthnContext, RequestedContext,
    Unanswered,
};

/// How the compared classes relate to the answer's (SAML Core §3.3.2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Comparison {
    /// Stronger than every class that is named.
    Better,
    /// One of the classes that are named. The default.
    #[default]
    Exact,
    /// As strong as possible, and no stronger than the strongest that is named.
    Maximum,
    /// At least as strong as the weakest that is named.
    Minimum,
}

/// A step of the identity ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// Not proofed.
    Unproofed,
    /// Proofed.
    Proofed,
    /// Proofed, and the face was compared with the document's portrait.
    FaceMatched,
}

impl Identity {
    const ALL: [Self; 3] = [Self::Unproofed, Self::Proofed, Self::FaceMatched];

    /// The step that a profile reaches at this time: none when its evidence has to be looked at again.
    #[must_use]
    pub fn of(profile: Option<&ProofedProfile>, now: UtcDateTime) -> Self {
        match profile.filter(|profile| profile.is_current(now)) {
            Some(profile) if profile.ial() >= Ial::Two && profile.face_was_matched() => Self::FaceMatched,
            Some(profile) if profile.ial() >= Ial::Two => Self::Proofed,
            _ => Self::Unproofed,
        }
    }

    /// The level of the step.
    #[must_use]
    pub const fn ial(self) -> Ial {
        match self {
            Self::Unproofed => Ial::One,
            Self::Proofed | Self::FaceMatched => Ial::Two,
        }
    }
}

/// A step of the authentication ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// The authentication is not described.
    Unspecified,
    /// One factor.
    SingleFactor,
    /// Two factors (AAL2).
    MultiFactor,
    /// Two factors, bound to the site that asks (AAL2, phishing-resistant).
    PhishingResistant,
    /// Two factors, phishing-resistant, the key held in hardware (AAL3).
    Aal3,
    /// A PIV or CAC card. Signet reads none, so nothing reaches it.
    Card,
}

impl Strength {
    const ABOVE_UNSPECIFIED: [Self; 5] =
        [Self::SingleFactor, Self::MultiFactor, Self::PhishingResistant, Self::Aal3, Self::Card];

    /// The level that the step belongs to.
    #[must_use]
    pub const fn aal(self) -> Aal {
        match self {
            Self::Unspecified | Self::SingleFactor => Aal::Aal1,
            Self::MultiFactor | Self::PhishingResistant => Aal::Aal2,
            Self::Aal3 | Self::Card => Aal::Aal3,
        }
    }

    /// The weakest step of a level.
    #[must_use]
    pub const fn least(aal: Aal) -> Self {
        match aal {
            Aal::Aal1 => Self::SingleFactor,
            Aal::Aal2 => Self::MultiFactor,
            Aal::Aal3 => Self::Aal3,
        }
    }

    /// Whether the step demands a phishing-resistant authenticator.
    #[must_use]
    pub const fn is_phishing_resistant(self) -> bool {
        matches!(self, Self::PhishingResistant | Self::Aal3 | Self::Card)
    }

    /// The URI of the `aal` attribute.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Unspecified | Self::SingleFactor => AAL1,
            Self::MultiFactor => AAL2,
            Self::PhishingResistant => AAL2_PHISHING_RESISTANT,
            Self::Aal3 | Self::Card => AAL3,
        }
    }
}

/// The number of an authentication level, as agreements and records write it.
#[must_use]
pub const fn aal_number(aal: Aal) -> u8 {
    match aal {
        Aal::Aal1 => 1,
        Aal::Aal2 => 2,
        Aal::Aal3 => 3,
    }
}

/// The authentication level with this number.
#[must_use]
pub const fn aal_from_number(number: u8) -> Option<Aal> {
    match number {
        1 => Some(Aal::Aal1),
        2 => Some(Aal::Aal2),
        3 => Some(Aal::Aal3),
        _ => None,
    }
}

/// A pair of levels, as `release explain` takes them from its command line and the ledger writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level {
    /// Identity assurance level.
    pub ial: Ial,
    /// Authentication assurance level.
    pub aal: Aal,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/AAL{}", self.ial, aal_number(self.aal))
    }
}
