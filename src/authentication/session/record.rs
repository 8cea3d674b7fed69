//! A session's record: what stands in clear, and the seal over the rest.
//!
//! The sealed text is JSON that says its version. A field that a newer version of this service added is kept and written back, so
//! that nodes of both versions serve one session; an older record is read as what it means now. The version rises only when an
//! older service could take a record for something else than it is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::UtcDateTime;
use zeroize::{Zeroize, Zeroizing};

use super::state::{
    LogoutId, Notice, Pending, PendingCeremony, PendingPhone, SessionStage, SessionState, SessionVault,
};
use super::state::{SignedIn, TakingUp};
use super::{SessionIdHash, SessionSecret, SessionTimes};
use crate::authentication::look_up_secret::RecoveryKey;
use crate::authentication::recovery::LinkHash;
use crate::authentication::totp::TotpSecret;
use crate::authentication::{AuthenticationEvent, AuthenticatorId, stored_time};
use crate::entropy::Entropy;
use crate::sealing::{Envelope, KeysError, Purpose, SecretOctets, ServiceKeys, context};
use crate::subscriber::SubscriberId;
use crate::subscriber::vault::{SlotKey, SlotKind, VaultKey};

mod one;

/// The version that is written.
const VERSION: u32 = 2;

/// What of a session stands in clear, so that it is listed and ended without its browser. The seal is bound to it: a session
/// that somebody prolonged, or put among another person's, does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionFrame {
    /// Whose, once that is known.
    pub subscriber: Option<SubscriberId>,
    /// When it began.
    pub created_at: UtcDateTime,
    /// When it ends.
    pub times: SessionTimes,
}

impl SessionFrame {
    /// {label, session, subscriber, created, idle until, absolute until}. Nobody is told from anybody by the length.
    fn octets(&self, id: SessionIdHash) -> Vec<u8> {
        let milliseconds = |at: UtcDateTime| (at.unix_timestamp_nanos() / 1_000_000).to_be_bytes();
        context(&[
            b"signet/session/v2",
            id.as_bytes(),
            self.subscriber.as_ref().map_or(&[], |id| id.as_bytes().as_slice()),
            &milliseconds(self.created_at),
            &milliseconds(self.times.idle_until),
            &milliseconds(self.times.absolute_until),
        ])
    }
}

impl SessionState {
    /// Seals the state for the record of `secret`, which says `frame` in clear.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn seal(
        &self,
        secret: &SessionSecret,
        frame: &SessionFrame,
        keys: &dyn ServiceKeys,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, SessionError> {
        let text = serde_json::to_vec(&Record::of(self)).map_err(|_| SessionError::UnknownForm)?;
        let (text, id) = (Zeroizing::new(text), secret.id_hash());
        let inner = Envelope::seal(&secret.key(), 0, id.as_bytes(), &text, entropy)?;
        Ok(keys.seal(Purpose::Session, &frame.octets(id), &inner)?)
    }

    /// Opens the record of `secret`, which says `frame` in clear.
    ///
    /// # Errors
    /// [`SessionError::Keys`] when it or what it says in clear was altered, or it belongs to another secret;
    /// [`SessionError::UnknownForm`] when it is of a version that this one cannot read. Either way the browser has no session.
    pub fn open(
        sealed: &[u8],
        secret: &SessionSecret,
        frame: &SessionFrame,
        keys: &dyn ServiceKeys,
    ) -> Result<Self, SessionError> {
        let id = secret.id_hash();
        let inner = keys.open(Purpose::Session, &frame.octets(id), sealed)?;
        let text = Envelope::parse(&inner)?.open(&secret.key(), id.as_bytes())?;
        match serde_json::from_slice::<Record>(&text) {
            Ok(record) if record.version == VERSION => Ok(record.into_state()),
            Ok(_) => Err(SessionError::UnknownForm),
            Err(_) => one::read(&text).ok_or(SessionError::UnknownForm),
        }
    }
}

/// Why a session's record does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Altered, another's, or the service's keys are unavailable.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Of a version that this one cannot read.
    #[error("a session record of unknown form")]
    UnknownForm,
}

/// Octets as they stand in a record: base64url. They are wiped when they are dropped.
struct Octets<const N: usize>(SecretOctets<N>);

impl<const N: usize> Octets<N> {
    fn of(octets: &[u8; N]) -> Self {
        Self(SecretOctets::of(octets))
    }
}

impl<const N: usize> Serialize for Octets<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(URL_SAFE_NO_PAD.encode(*self.0)))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Octets<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::deserialize(deserializer)?;
        let octets = URL_SAFE_NO_PAD.decode(&text).map(Zeroizing::new);
        text.zeroize();
        let octets = octets.map_err(D::Error::custom)?;
        SecretOctets::from_slice(&octets).map(Self).ok_or_else(|| D::Error::custom("another length"))
    }
}

/// [`SessionState`] as it is written.
#[derive(Serialize, Deserialize)]
struct Record {
    version: u32,
    stage: StageRecord,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    events: Vec<AuthenticationEvent>,
    csrf: Octets<32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    totp_secret: Option<Octets<20>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    webauthn: Option<CeremonyRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    new_phone: Option<PhoneRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    texted: Option<Octets<16>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notice: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logout: Option<Octets<16>>,
    #[serde(flatten)]
    unknown: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
enum StageRecord {
    Visitor,
    ChoosingMethods {
        subscriber: Octets<16>,
        vault: VaultRecord,
    },
    PasswordProved {
        subscriber: Octets<16>,
        vault: VaultRecord,
    },
    SignedIn {
        subscriber: Octets<16>,
        vault: VaultRecord,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new_recovery_key: Option<Octets<16>>,
    },
    TakingUp {
        subscriber: Octets<16>,
        link: Octets<32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        second_factor: Option<AuthenticationEvent>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum VaultRecord {
    Open(Octets<32>),
    Closed(Vec<OpenerRecord>),
}

#[derive(Serialize, Deserialize)]
struct OpenerRecord {
    kind: String,
    key: Octets<32>,
}

#[derive(Serialize, Deserialize)]
struct CeremonyRecord {
    state: String,
    #[serde(with = "stored_time")]
    expires_at: UtcDateTime,
}

#[derive(Serialize, Deserialize)]
struct PhoneRecord {
    e164: String,
    name: String,
}

impl Record {
    fn of(state: &SessionState) -> Self {
        let SessionState { stage, events, csrf, pending, notice, logout, unknown } = state;
        let Pending { totp_secret, webauthn, new_phone, texted } = pending;
        Self {
            version: VERSION,
            stage: StageRecord::of(stage),
            events: events.clone(),
            csrf: Octets::of(csrf),
            totp_secret: totp_secret.as_ref().map(|secret| Octets::of(secret.as_bytes())),
            webauthn: webauthn
                .as_ref()
                .map(|one| CeremonyRecord { state: one.state.clone(), expires_at: one.expires_at }),
            new_phone: new_phone.as_ref().map(|one| PhoneRecord { e164: one.e164.clone(), name: one.name.clone() }),
            texted: texted.map(|id| Octets::of(id.as_bytes())),
            notice: notice.map(|notice| notice.code().to_owned()),
            logout: logout.map(|id| Octets::of(id.as_bytes())),
            unknown: unknown.clone(),
        }
    }

    fn into_state(self) -> SessionState {
        let Self { stage, events, csrf, totp_secret, webauthn, new_phone, texted, notice, logout, unknown, .. } = self;
        SessionState {
            stage: stage.into_stage(),
            events,
            csrf: Zeroizing::new(*csrf.0),
            pending: Pending {
                totp_secret: totp_secret.map(|octets| TotpSecret::from_bytes(&octets.0)),
                webauthn: webauthn.map(|one| PendingCeremony { state: one.state, expires_at: one.expires_at }),
                new_phone: new_phone.map(|one| PendingPhone { e164: one.e164, name: one.name }),
                texted: texted.map(|id| AuthenticatorId::from_bytes(*id.0)),
            },
            notice: notice.and_then(|code| notice_of(&code)),
            logout: logout.map(|id| LogoutId::from_bytes(*id.0)),
            unknown,
        }
    }
}

/// The notice of a code. One that only a newer version has is not said.
fn notice_of(code: &str) -> Option<Notice> {
    Notice::ALL.iter().copied().find(|notice| notice.code() == code)
}

impl StageRecord {
    fn of(stage: &SessionStage) -> Self {
        let whose = |subscriber: &SubscriberId| Octets::of(subscriber.as_bytes());
        match stage {
            SessionStage::Visitor => Self::Visitor,
            SessionStage::ChoosingMethods { subscriber, vault } => {
                Self::ChoosingMethods { subscriber: whose(subscriber), vault: VaultRecord::of(vault) }
            }
            SessionStage::PasswordProved { subscriber, vault } => {
                Self::PasswordProved { subscriber: whose(subscriber), vault: VaultRecord::of(vault) }
            }
            SessionStage::SignedIn(SignedIn { subscriber, vault, new_recovery_key }) => Self::SignedIn {
                subscriber: whose(subscriber),
                vault: VaultRecord::of(vault),
                new_recovery_key: new_recovery_key.as_ref().map(|key| Octets::of(key.as_session())),
            },
            SessionStage::TakingUp(TakingUp { subscriber, link, second_factor }) => Self::TakingUp {
                subscriber: whose(subscriber),
                link: Octets::of(link.as_bytes()),
                second_factor: *second_factor,
            },
        }
    }

    fn into_stage(self) -> SessionStage {
        let whose = |subscriber: Octets<16>| SubscriberId::from_bytes(*subscriber.0);
        match self {
            Self::Visitor => SessionStage::Visitor,
            Self::ChoosingMethods { subscriber, vault } => {
                SessionStage::ChoosingMethods { subscriber: whose(subscriber), vault: vault.into_vault() }
            }
            Self::PasswordProved { subscriber, vault } => {
                SessionStage::PasswordProved { subscriber: whose(subscriber), vault: vault.into_vault() }
            }
            Self::SignedIn { subscriber, vault, new_recovery_key } => SessionStage::SignedIn(SignedIn {
                subscriber: whose(subscriber),
                vault: vault.into_vault(),
                new_recovery_key: new_recovery_key.map(|octets| RecoveryKey::from_session(&octets.0)),
            }),
            Self::TakingUp { subscriber, link, second_factor } => SessionStage::TakingUp(TakingUp {
                subscriber: whose(subscriber),
                link: LinkHash::from_bytes(*link.0),
                second_factor,
            }),
        }
    }
}

impl VaultRecord {
    fn of(vault: &SessionVault) -> Self {
        match vault {
            SessionVault::Open(key) => Self::Open(Octets::of(key.as_session())),
            SessionVault::Closed(openers) => {
                let opener = |one: &SlotKey| OpenerRecord {
                    kind: one.kind().as_str().to_owned(),
                    key: Octets::of(one.as_session()),
                };
                Self::Closed(openers.iter().map(opener).collect())
            }
        }
    }

    /// An opener of a kind that only a newer version has is left out.
    fn into_vault(self) -> SessionVault {
        match self {
            Self::Open(key) => SessionVault::Open(VaultKey::from_session(&key.0)),
            Self::Closed(openers) => {
                let opener = |one: OpenerRecord| {
                    SlotKind::from_stored(&one.kind).map(|kind| SlotKey::from_session(kind, &one.key.0))
                };
                SessionVault::Closed(openers.into_iter().filter_map(opener).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests;
