//! RelayState: what the service provider wants back, untouched.

use std::fmt;

/// The most octets that the standard allows (SAML Bindings §3.4.3, §3.5.3).
const STANDARD_BYTES: usize = 80;

/// RelayState, echoed octet for octet. It means nothing to us and is never followed as a URL.
///
/// The standard allows 80 octets; service providers in the field put whole URLs in, so 2,048 are carried and
/// [`RelayState::is_longer_than_the_standard`] lets the linter say so.
#[derive(Clone, PartialEq, Eq)]
pub struct RelayState(String);

impl RelayState {
    /// The most octets that are carried.
    pub const MAX_BYTES: usize = 2048;

    /// Takes what the service provider sent.
    ///
    /// # Errors
    /// [`RelayStateRefused`]: too long, or with NUL, which no form carries unchanged.
    pub fn parse(text: &str) -> Result<Self, RelayStateRefused> {
        if text.len() > Self::MAX_BYTES {
            return Err(RelayStateRefused::TooLong);
        }
        if text.contains('\0') {
            return Err(RelayStateRefused::Nul);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text to send back.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it has more than the 80 octets of the standard, which other identity providers may cut.
    #[must_use]
    pub fn is_longer_than_the_standard(&self) -> bool {
        self.0.len() > STANDARD_BYTES
    }
}

/// Says how long it is: services put people's identifiers and whole URLs in.
impl fmt::Debug for RelayState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelayState({} bytes)", self.0.len())
    }
}

/// Why a RelayState is not carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RelayStateRefused {
    /// It holds NUL.
    #[error("RelayState holds a NUL character")]
    Nul,
    /// It is longer than [`RelayState::MAX_BYTES`].
    #[error("RelayState is longer than 2048 octets; the standard allows 80")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::{RelayState, RelayStateRefused};

    #[test]
    fn relay_state_is_carried_up_to_2048_octets_and_reported_above_80() {
        assert!(!RelayState::parse(&"a".repeat(80)).unwrap().is_longer_than_the_standard());
        assert!(RelayState::parse(&"a".repeat(81)).unwrap().is_longer_than_the_standard());
        assert!(RelayState::parse(&"a".repeat(2048)).is_ok());
        assert_eq!(RelayState::parse(&"ü".repeat(1025)), Err(RelayStateRefused::TooLong));
        assert_eq!(RelayState::parse("a\0b"), Err(RelayStateRefused::Nul));
    }
}
