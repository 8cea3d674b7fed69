//! The person's account: who they are to us, and how we reach them.
//!
//! What is known *about* them is sealed in the [`vault`]; how they prove that it is them is
//! [`crate::authentication`]'s; rows are `storage`'s.

mod account;
mod email_address;
mod phone_number;
mod typed;
pub mod vault;

use std::fmt;

use time::UtcDateTime;

use crate::id::define_id;

pub use account::StoredAccount;
pub use email_address::{EmailAddress, EmailAddressError};
pub use phone_number::{Country, PhoneKind, PhoneNumber, PhoneNumberError};
pub use typed::six_digits;

define_id! {
    /// One person's account.
    SubscriberId
}

define_id! {
    /// One address or phone number of a person. The sealed value beside it is bound to it.
    ContactId
}

/// One person's account, without anything personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriberAccount {
    /// Whose account.
    pub id: SubscriberId,
    /// Whether it can be used.
    pub status: SubscriberStatus,
    /// When the first address was confirmed.
    pub created_at: UtcDateTime,
    /// When the rules of use were accepted.
    pub rules_accepted_at: UtcDateTime,
    /// Whether the vault has been left sealed by a reset of the password: its openers are gone but for the recovery key.
    pub vault: VaultState,
}

/// Whether an account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriberStatus {
    /// It signs in.
    Active,
    /// Ended by its person. Its identifiers are never given out again.
    Ended,
    /// Signing up is not finished: there is no second factor yet, so nothing can be signed in to.
    SigningUp,
    /// Stopped by an administrator. The person is told so after the password, and no earlier.
    Suspended,
}

/// Why an administrator changed whether an account may be used. It is one of few, since it stands in the log, where nothing personal
/// may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandingReason {
    /// Its person asked for it.
    AtTheirRequest,
    /// Somebody else may be using it, or it was made to deceive.
    SuspectedFraud,
    /// A court or an authority orders it.
    Order,
    /// What was decided before was a mistake.
    Mistake,
}

impl StandingReason {
    /// Its word on the command line and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtTheirRequest => "at-their-request",
            Self::SuspectedFraud => "suspected-fraud",
            Self::Order => "order",
            Self::Mistake => "mistake",
        }
    }
}

impl fmt::Display for StandingReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl SubscriberStatus {
    /// Whether an assertion may be issued for the account.
    #[must_use]
    pub const fn may_sign_in(self) -> bool {
        matches!(self, Self::Active)
    }

    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Ended => "ended",
            Self::SigningUp => "signing_up",
            Self::Suspended => "suspended",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn from_stored(word: &str) -> Option<Self> {
        [Self::Active, Self::Ended, Self::SigningUp, Self::Suspended].into_iter().find(|status| status.as_str() == word)
    }
}

/// Whether the person's password opens the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultState {
    /// The password opens it.
    Open,
    /// The password was reset without the old one: only the recovery key opens it again.
    Sealed,
}

impl VaultState {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Sealed => "sealed",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn from_stored(word: &str) -> Option<Self> {
        [Self::Open, Self::Sealed].into_iter().find(|state| state.as_str() == word)
    }
}
