//! SP 800-63A: identity proofing. Today: the levels, and what was found out about a person once somebody proofed them.

mod profile;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use profile::{ProofedProfile, Proofing, StoredProofing};

/// Identity assurance level (SP 800-63A §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ial {
    /// Nobody has checked who the person is.
    One,
    /// The person's identity was proofed.
    Two,
}

impl Ial {
    /// The level as the number that agreements and records write.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// The level with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            _ => None,
        }
    }

    /// The URI of the `ial` attribute.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::One => "http://idmanagement.gov/ns/assurance/ial/1",
            Self::Two => "http://idmanagement.gov/ns/assurance/ial/2",
        }
    }
}

impl fmt::Display for Ial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IAL{}", self.number())
    }
}

impl Serialize for Ial {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for Ial {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u8::deserialize(deserializer)?;
        Self::from_number(number).ok_or_else(|| serde::de::Error::custom("an identity assurance level is 1 or 2"))
    }
}
