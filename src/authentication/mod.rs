//! NIST SP 800-63B: authenticators and sessions.
//!
//! Each file is one kind of authenticator or one rule about them, as functions over values: nothing here reads a
//! clock, a database or the network. What happened is an [`AuthenticationEvent`]; [`AuthenticatedSubject::meeting`]
//! folds events into what they prove together, and is the only way to an [`AuthenticatedSubject`].
//!
//! | file | authenticator or rule | section |
//! |---|---|---|
//! | [`password`] | what the person knows | 3.1.1 |
//! | [`look_up_secret`] | the recovery key, shown once | 3.1.2, 4.2 |
//! | [`out_of_band`] | a code by text message | 3.1.3 |
//! | [`totp`] | an authenticator app | 3.1.4 |
//! | [`webauthn`] | passkeys and security keys | 3.1.6, 3.1.7 |
//! | [`offer`] | which second factor a page offers | 2 |
//! | [`throttle`] | how many wrong tries, and what then | 3.2.2 |
//! | [`session`] | the browser's session | 5 |
//! | [`recovery`] | a forgotten password | 4.2 |

mod assurance;
pub mod known_browser;
pub mod look_up_secret;
pub mod network;
pub mod offer;
pub mod out_of_band;
pub mod password;
pub mod recovery;
pub mod session;
pub mod throttle;
pub mod totp;
pub mod webauthn;

use serde::{Deserialize, Serialize};
use time::UtcDateTime;

use crate::id::define_id;

pub use assurance::{AuthenticatedSubject, RequiredAssurance, UnmetAssurance};

define_id! {
    /// One authenticator of one account: a passkey, an app, a phone.
    AuthenticatorId
}

/// The kinds of authenticators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticatorKind {
    /// A code sent by text message.
    OutOfBand,
    /// A platform authenticator: face, finger or screen lock of a phone or computer.
    Passkey,
    /// What the person knows.
    Password,
    /// A roaming authenticator: a key that is plugged in or held to the device.
    SecurityKey,
    /// An authenticator app.
    Totp,
}

impl AuthenticatorKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::OutOfBand, Self::Passkey, Self::Password, Self::SecurityKey, Self::Totp];

    /// The word that is stored and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutOfBand => "out_of_band",
            Self::Passkey => "passkey",
            Self::Password => "password",
            Self::SecurityKey => "security_key",
            Self::Totp => "totp",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn from_stored(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether it is something the person has, so that it can stand beside a password.
    #[must_use]
    pub const fn is_second_factor(self) -> bool {
        !matches!(self, Self::Password)
    }

    /// Whether its answer is bound to our origin, so that a false site cannot pass it on (3.2.5). An answer that is
    /// typed by hand never is.
    #[must_use]
    pub const fn is_phishing_resistant(self) -> bool {
        matches!(self, Self::Passkey | Self::SecurityKey)
    }
}

/// Authenticator assurance level: how sure we are that it is the subscriber (NIST SP 800-63B-4, 2).
///
/// The third level is never reached: it needs keys that are known not to be exportable, and we ask for no attestation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Aal {
    /// One factor.
    Aal1,
    /// Two factors.
    Aal2,
    /// Two factors, one of them a key that cannot leave its hardware.
    Aal3,
}

/// What one use of an authenticator proved. It is made of a [`Proof`], or comes back out of the sealed session.
///
/// ```compile_fail,E0451
/// // fails: AuthenticationEvent` are private
/// # use signet::authentication::*;
/// fn claimed(event: AuthenticationEvent, kind: AuthenticatorKind, proved: Proved) -> AuthenticationEvent {
///     AuthenticationEvent { kind, proved, ..event }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticationEvent {
    kind: AuthenticatorKind,
    #[serde(with = "stored_id")]
    authenticator: Option<AuthenticatorId>,
    #[serde(with = "stored_time")]
    at: UtcDateTime,
    proved: Proved,
}

/// That an authenticator's answer was right. Only what judges answers makes one: a password's verifier, an app's secret, the
/// record of a code that was sent, a WebAuthn ceremony.
///
/// ```compile_fail,E0451
/// // fails: Proof` are private
/// # use signet::authentication::*;
/// fn claimed(kind: AuthenticatorKind, proved: Proved) -> Proof {
///     Proof { kind, proved }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Proof {
    kind: AuthenticatorKind,
    proved: Proved,
}

impl Proof {
    const fn new(kind: AuthenticatorKind, proved: Proved) -> Self {
        Self { kind, proved }
    }

    /// A right password or code, typed by hand.
    fn typed(kind: AuthenticatorKind) -> Self {
        Self::new(kind, Proved::default())
    }

    /// What it showed.
    #[must_use]
    pub const fn proved(&self) -> Proved {
        self.proved
    }
}

/// What an authenticator's answer showed, beyond that it was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Proved {
    /// The authenticator itself verified its person, by finger, face or code (the UV flag of the answer, not of the
    /// request). Then it is two factors in one.
    pub user_verified: bool,
    /// The answer is bound to our origin.
    pub phishing_resistant: bool,
    /// The key may be copied between devices (the BE flag), so it never serves the third level.
    pub syncable: bool,
}

impl AuthenticationEvent {
    /// An authenticator was used: which one of the account (nothing for the password), and when, in whole milliseconds.
    #[must_use]
    pub const fn of(proof: Proof, authenticator: Option<AuthenticatorId>, at: UtcDateTime) -> Self {
        Self { kind: proof.kind, authenticator, at, proved: proof.proved }
    }

    /// What nobody proved: for tests. A test holds that nothing that serves people says this.
    #[must_use]
    pub const fn supposed(
        kind: AuthenticatorKind,
        authenticator: Option<AuthenticatorId>,
        at: UtcDateTime,
        proved: Proved,
    ) -> Self {
        Self { kind, authenticator, at, proved }
    }

    /// Which kind of authenticator.
    #[must_use]
    pub const fn kind(&self) -> AuthenticatorKind {
        self.kind
    }

    /// Which one of the account; nothing for the password.
    #[must_use]
    pub const fn authenticator(&self) -> Option<AuthenticatorId> {
        self.authenticator
    }

    /// When, in whole milliseconds.
    #[must_use]
    pub const fn at(&self) -> UtcDateTime {
        self.at
    }

    /// What it showed.
    #[must_use]
    pub const fn proved(&self) -> Proved {
        self.proved
    }
}

/// Times as whole milliseconds of the epoch, as everywhere in storage.
pub(crate) mod stored_time {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
    use time::UtcDateTime;

    use crate::sealing::{instant, milliseconds};

    pub(crate) fn serialize<S: Serializer>(at: &UtcDateTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(milliseconds(*at))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UtcDateTime, D::Error> {
        instant(i64::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("no time"))
    }
}

mod stored_id {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::AuthenticatorId;

    pub(super) fn serialize<S: Serializer>(id: &Option<AuthenticatorId>, serializer: S) -> Result<S::Ok, S::Error> {
        id.map(|id| *id.as_bytes()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<AuthenticatorId>, D::Error> {
        Ok(Option::<[u8; 16]>::deserialize(deserializer)?.map(AuthenticatorId::from_bytes))
    }
}
