//! Records of version 1, which said no version: read so that nobody is signed out by an update. None is older than a session
//! lives, so this file can go with the version after.

use serde::Deserialize;
use time::UtcDateTime;
use zeroize::Zeroizing;

use super::super::state::{LogoutId, Pending, PendingCeremony, PendingPhone, SessionStage, SessionState, SessionVault};
use super::super::state::{SignedIn, TakingUp};
use super::notice_of;
use crate::authentication::look_up_secret::RecoveryKey;
use crate::authentication::recovery::LinkHash;
use crate::authentication::totp::TotpSecret;
use crate::authentication::{AuthenticationEvent, AuthenticatorId, stored_time};
use crate::subscriber::SubscriberId;
use crate::subscriber::vault::{SlotKey, SlotKind, VaultKey};

#[derive(Deserialize)]
struct Record {
    stage: Stage,
    subscriber: Option<[u8; 16]>,
    vault_key: Option<Zeroizing<[u8; 32]>>,
    events: Vec<AuthenticationEvent>,
    csrf: Zeroizing<[u8; 32]>,
    pending: PendingRecord,
    notice: Option<String>,
    logout: Option<[u8; 16]>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    Visitor,
    ChoosingMethods,
    PasswordProved,
    SignedIn,
    TakingUp,
}

#[derive(Deserialize)]
struct PendingRecord {
    totp_secret: Option<Zeroizing<[u8; 20]>>,
    webauthn: Option<Ceremony>,
    phone: Option<Phone>,
    recovery_key: Option<Zeroizing<[u8; 16]>>,
    password_slot_key: Option<Zeroizing<[u8; 32]>>,
    taking_up: Option<[u8; 32]>,
}

#[derive(Deserialize)]
struct Ceremony {
    state: String,
    #[serde(with = "stored_time")]
    expires_at: UtcDateTime,
}

#[derive(Deserialize)]
struct Phone {
    e164: String,
    authenticator: Option<[u8; 16]>,
    name: String,
}

/// Reads a record; `None` when it is none of version 1.
pub(super) fn read(text: &[u8]) -> Option<SessionState> {
    let Record { stage, subscriber, vault_key, mut events, csrf, pending, notice, logout } =
        serde_json::from_slice(text).ok()?;
    let PendingRecord { totp_secret, webauthn, phone, recovery_key, password_slot_key, taking_up } = pending;
    let vault = match (vault_key, password_slot_key) {
        (Some(key), _) => SessionVault::Open(VaultKey::from_session(&key)),
        (None, Some(key)) => SessionVault::Closed(vec![SlotKey::from_session(SlotKind::Password, &key)]),
        (None, None) => SessionVault::closed(),
    };
    let stage = match (stage, subscriber.map(SubscriberId::from_bytes), taking_up) {
        (Stage::ChoosingMethods, Some(subscriber), _) => SessionStage::ChoosingMethods { subscriber, vault },
        (Stage::PasswordProved, Some(subscriber), _) => SessionStage::PasswordProved { subscriber, vault },
        (Stage::SignedIn, Some(subscriber), _) => SessionStage::SignedIn(SignedIn {
            subscriber,
            vault,
            new_recovery_key: recovery_key.map(|key| RecoveryKey::from_session(&key)),
        }),
        (Stage::TakingUp, Some(subscriber), Some(link)) => SessionStage::TakingUp(TakingUp {
            subscriber,
            link: LinkHash::from_bytes(link),
            second_factor: events.pop(),
        }),
        _ => SessionStage::Visitor,
    };
    let texted = phone.as_ref().and_then(|phone| phone.authenticator).map(AuthenticatorId::from_bytes);
    let new_phone = phone.filter(|phone| phone.authenticator.is_none());
    Some(SessionState {
        stage,
        events,
        csrf,
        pending: Pending {
            totp_secret: totp_secret.map(|secret| TotpSecret::from_bytes(&secret)),
            webauthn: webauthn.map(|one| PendingCeremony { state: one.state, expires_at: one.expires_at }),
            new_phone: new_phone.map(|one| PendingPhone { e164: one.e164, name: one.name }),
            texted,
        },
        notice: notice.and_then(|code| notice_of(&code)),
        logout: logout.map(LogoutId::from_bytes),
        unknown: serde_json::Map::new(),
    })
}
