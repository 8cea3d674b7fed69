//! The browser's session (NIST SP 800-63B-4, 5): one cookie, one sealed record.
//!
//! The cookie holds a random [`SessionSecret`] and nothing else. The record is found by a hash of it, and sealed under
//! a key that the secret gives, and that again under the service's keys: so the record is read only while the browser
//! asks, and only by this service. The vault's key, once opened, is kept nowhere else.
//!
//! Before signing in the browser has a session of the same kind; the secret is renewed each time that its holder may
//! do more than before, so one that was planted or seen earlier is of no use.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use time::{Duration, UtcDateTime};
use zeroize::{Zeroize, Zeroizing};

use super::{AuthenticationEvent, stored_time};
use crate::entropy::{Entropy, random_bytes};
use crate::sealing::{Envelope, KeysError, Purpose, ServiceKeys, context, hkdf_sha256};
use crate::subscriber::SubscriberId;
use crate::subscriber::vault::VaultKey;

/// The cookie's name. `__Host-` makes the browser insist on `Secure`, `Path=/` and no `Domain`.
pub const COOKIE: &str = "__Host-signet";

/// What the cookie holds: 256 random bits.
#[derive(Clone)]
pub struct SessionSecret(Zeroizing<[u8; 32]>);

impl SessionSecret {
    /// A new secret.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(random_bytes(entropy)))
    }

    /// Reads a cookie's value; anything that is not exactly ours is no secret.
    #[must_use]
    pub fn from_cookie(value: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(value).ok()?);
        <[u8; 32]>::try_from(bytes.as_slice()).ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The cookie's value: 43 characters of base64url.
    #[must_use]
    pub fn to_cookie(&self) -> String {
        URL_SAFE_NO_PAD.encode(*self.0)
    }

    /// By which the record is found. The secret cannot be found from it.
    #[must_use]
    pub fn id_hash(&self) -> SessionIdHash {
        let mut hash = openssl::sha::Sha256::new();
        hash.update(b"signet/session/v1/id");
        hash.update(&*self.0);
        SessionIdHash(hash.finish())
    }

    fn key(&self) -> Zeroizing<[u8; 32]> {
        hkdf_sha256(&*self.0, b"", &context(&[b"signet/session/v1/key"]))
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret(…)")
    }
}

/// The key of a session's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionIdHash([u8; 32]);

impl SessionIdHash {
    /// As it was stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As it is stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

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

/// How far the person at the browser has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStage {
    /// Nothing is known.
    Visitor,
    /// Signing up: the password is chosen; a second factor is to be set up.
    ChoosingMethods,
    /// The password was right; the second factor is to follow.
    PasswordProved,
    /// Signed in with two factors.
    SignedIn,
    /// Came by a mailed link to take up a password that has ended: the second factor is to follow, then that password.
    TakingUp,
}

/// What a session knows, sealed in its record.
#[derive(Clone, Serialize, Deserialize)]
pub struct SessionState {
    /// How far the person has come.
    pub stage: SessionStage,
    /// Whose session, from the chosen or the right password on.
    #[serde(with = "stored_subscriber")]
    pub subscriber: Option<SubscriberId>,
    /// The vault's key, when it was opened.
    #[serde(with = "stored_vault_key")]
    pub vault_key: Option<VaultKey>,
    /// What was proved in this session, oldest first.
    pub events: Vec<AuthenticationEvent>,
    /// The secret behind the tokens of this session's forms.
    pub csrf: [u8; 32],
    /// What is being set up or asked right now.
    pub pending: Pending,
    /// Shown once on the next page, then forgotten: a key of the locale files.
    pub notice: Option<String>,
    /// The logout that this browser is in the middle of, since its session before this one ended by it.
    pub logout: Option<[u8; 16]>,
}

/// A service's request that waits, as a mailed link takes it along into another browser.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingRequest {
    /// By which it is stored.
    pub id: [u8; 16],
    /// The entityID of the service that asks. The request was verified before it was stored, so it is no mere claim.
    pub service: String,
    /// The value of the cookie by which a browser shows that the request waits for it. Links of versions before have none;
    /// their request stays with the browser that asked for the link.
    #[serde(default)]
    pub cookie: Option<String>,
}

impl fmt::Debug for WaitingRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitingRequest").field("id", &self.id).field("service", &self.service).finish_non_exhaustive()
    }
}

/// What is being set up or asked: kept here, on the server, and never in a form.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Pending {
    /// The secret of an app that is being added, until its first code is right.
    pub totp_secret: Option<[u8; 20]>,
    /// The state of a WebAuthn ceremony, as the library keeps it: valid once, for five minutes.
    pub webauthn: Option<PendingCeremony>,
    /// A phone that is being added, until its code is right; or the one that a code for signing in was sent to.
    pub phone: Option<PendingPhone>,
    /// The recovery key that was just made, until its person says that it is written down.
    pub recovery_key: Option<[u8; 16]>,
    /// The key of the password's slot, from signing in while the vault is sealed until the recovery key opens it: so that
    /// the password opens it again.
    pub password_slot_key: Option<[u8; 32]>,
    /// The link by which an ended password is being taken up: the hash of its token. It is used up when that is done.
    pub taking_up: Option<[u8; 32]>,
}

/// A WebAuthn ceremony that waits for the browser's answer.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingCeremony {
    /// The library's state, and what we keep beside it.
    pub state: String,
    /// The answer is refused from this moment on.
    #[serde(with = "stored_time")]
    pub expires_at: UtcDateTime,
}

/// A phone that a code was sent to.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingPhone {
    /// E.164.
    pub e164: String,
    /// The authenticator, when it is one already.
    pub authenticator: Option<[u8; 16]>,
    /// What its person calls it.
    pub name: String,
}

impl SessionState {
    /// The state of a browser that was never here.
    #[must_use]
    pub fn visitor(entropy: &dyn Entropy) -> Self {
        Self {
            stage: SessionStage::Visitor,
            subscriber: None,
            vault_key: None,
            events: Vec::new(),
            csrf: random_bytes(entropy),
            pending: Pending::default(),
            notice: None,
            logout: None,
        }
    }

    /// The signed-in person, if there is one.
    #[must_use]
    pub fn signed_in(&self) -> Option<SubscriberId> {
        self.subscriber.filter(|_| self.stage == SessionStage::SignedIn)
    }

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
        let text = Zeroizing::new(serde_json::to_vec(self).map_err(|_| SessionError::UnknownForm)?);
        let id = secret.id_hash();
        let inner = Envelope::seal(&secret.key(), 0, id.as_bytes(), &text, entropy)?;
        Ok(keys.seal(Purpose::Session, &frame.octets(id), &inner)?)
    }

    /// Opens the record of `secret`, which says `frame` in clear.
    ///
    /// # Errors
    /// [`SessionError::Keys`] when it or what it says in clear was altered, or it belongs to another secret; [`SessionError::UnknownForm`] when it
    /// was written by another version. Either way the browser has no session.
    pub fn open(
        sealed: &[u8],
        secret: &SessionSecret,
        frame: &SessionFrame,
        keys: &dyn ServiceKeys,
    ) -> Result<Self, SessionError> {
        let id = secret.id_hash();
        let inner = keys.open(Purpose::Session, &frame.octets(id), sealed)?;
        let text = Envelope::parse(&inner)?.open(&secret.key(), id.as_bytes())?;
        serde_json::from_slice(&text).map_err(|_| SessionError::UnknownForm)
    }
}

impl fmt::Debug for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionState({:?}, {:?}, {} events)", self.stage, self.subscriber, self.events.len())
    }
}

impl Drop for SessionState {
    fn drop(&mut self) {
        self.csrf.zeroize();
        self.pending.totp_secret.zeroize();
        self.pending.recovery_key.zeroize();
        self.pending.password_slot_key.zeroize();
    }
}

/// How long a session lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without a request.
    pub idle: Duration,
    /// In all, whatever happens.
    pub absolute: Duration,
}

impl SessionLimits {
    /// 15 minutes and 12 hours (5.2; 2.2.3). Settings may shorten them.
    pub const DEFAULT: Self = Self { idle: Duration::minutes(15), absolute: Duration::hours(12) };
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// When a session ends. Stored in clear beside the sealed record, so that the server ends it without the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimes {
    /// When it ends unless it is used.
    pub idle_until: UtcDateTime,
    /// When it ends in any case.
    pub absolute_until: UtcDateTime,
}

impl SessionTimes {
    /// The times of a session that begins now.
    #[must_use]
    pub fn begin(limits: SessionLimits, now: UtcDateTime) -> Self {
        let absolute_until = now + limits.absolute;
        Self { idle_until: (now + limits.idle).min(absolute_until), absolute_until }
    }

    /// The times after a request. The end in any case does not move.
    #[must_use]
    pub fn used(self, limits: SessionLimits, now: UtcDateTime) -> Self {
        Self { idle_until: (now + limits.idle).min(self.absolute_until), ..self }
    }

    /// Whether the session still lives.
    #[must_use]
    pub fn alive(self, now: UtcDateTime) -> bool {
        now < self.idle_until && now < self.absolute_until
    }
}

/// Why a session's record does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Altered, another's, or the service's keys are unavailable.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Written by another version.
    #[error("a session record of unknown form")]
    UnknownForm,
}

mod stored_subscriber {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::SubscriberId;

    pub(super) fn serialize<S: Serializer>(id: &Option<SubscriberId>, serializer: S) -> Result<S::Ok, S::Error> {
        id.map(|id| *id.as_bytes()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SubscriberId>, D::Error> {
        Ok(Option::<[u8; 16]>::deserialize(deserializer)?.map(SubscriberId::from_bytes))
    }
}

mod stored_vault_key {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::VaultKey;

    pub(super) fn serialize<S: Serializer>(key: &Option<VaultKey>, serializer: S) -> Result<S::Ok, S::Error> {
        key.as_ref().map(VaultKey::to_session).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<VaultKey>, D::Error> {
        Ok(Option::<[u8; 32]>::deserialize(deserializer)?.map(VaultKey::from_session))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::utc_datetime;

    use super::super::{AuthenticatorKind, Proved};
    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::services::keys::keys_for_tests;

    const NOW: UtcDateTime = utc_datetime!(2026-11-24 12:00);

    fn signed_in() -> SessionState {
        let mut state = SessionState::visitor(&SystemEntropy);
        state.stage = SessionStage::SignedIn;
        state.subscriber = Some(SubscriberId::from_bytes([1; 16]));
        state.vault_key = Some(VaultKey::from_session([9; 32]));
        state.events = vec![AuthenticationEvent::supposed(AuthenticatorKind::Password, None, NOW, Proved::default())];
        state
    }

    fn frame() -> SessionFrame {
        let times = SessionTimes::begin(SessionLimits::DEFAULT, NOW);
        SessionFrame { subscriber: Some(SubscriberId::from_bytes([1; 16])), created_at: NOW, times }
    }

    #[test]
    fn nothing_that_stands_in_clear_beside_a_session_can_be_exchanged() {
        let (keys, secret) = (keys_for_tests(), SessionSecret::random(&SystemEntropy));
        let sealed = signed_in().seal(&secret, &frame(), &keys, &SystemEntropy).unwrap();
        let later = |at: UtcDateTime| at + Duration::MILLISECOND;
        let SessionTimes { idle_until, absolute_until } = frame().times;
        for altered in [
            SessionFrame { subscriber: None, ..frame() },
            SessionFrame { subscriber: Some(SubscriberId::from_bytes([2; 16])), ..frame() },
            SessionFrame { created_at: later(NOW), ..frame() },
            SessionFrame { times: SessionTimes { idle_until: later(idle_until), absolute_until }, ..frame() },
            SessionFrame { times: SessionTimes { idle_until, absolute_until: later(absolute_until) }, ..frame() },
        ] {
            assert!(SessionState::open(&sealed, &secret, &altered, &keys).is_err(), "{altered:?}");
        }
        // Times are kept in whole milliseconds.
        let finer = SessionFrame { created_at: NOW + Duration::MICROSECOND, ..frame() };
        assert!(SessionState::open(&sealed, &secret, &finer, &keys).is_ok());
    }

    #[test]
    fn the_browser_that_has_the_secret_has_the_session() {
        let (keys, secret) = (keys_for_tests(), SessionSecret::random(&SystemEntropy));
        let sealed = signed_in().seal(&secret, &frame(), &keys, &SystemEntropy).unwrap();
        let again = SessionSecret::from_cookie(&secret.to_cookie()).unwrap();
        assert_eq!(again.id_hash(), secret.id_hash());
        let opened = SessionState::open(&sealed, &again, &frame(), &keys).unwrap();
        assert_eq!(opened.signed_in(), Some(SubscriberId::from_bytes([1; 16])));
        assert_eq!(
            opened.events,
            vec![AuthenticationEvent::supposed(AuthenticatorKind::Password, None, NOW, Proved::default())]
        );
        assert_eq!(opened.vault_key.as_ref().map(VaultKey::to_session), Some([9; 32]));
    }

    #[test]
    fn the_record_alone_or_with_the_service_keys_opens_nothing() {
        let (keys, secret) = (keys_for_tests(), SessionSecret::random(&SystemEntropy));
        let sealed = signed_in().seal(&secret, &frame(), &keys, &SystemEntropy).unwrap();
        assert!(SessionState::open(&sealed, &SessionSecret::random(&SystemEntropy), &frame(), &keys).is_err());
        let other = keys_for_tests();
        assert!(SessionState::open(&sealed, &secret, &frame(), &other).is_err());
        // The thief of both takes off the outer seal and finds the vault's key nowhere.
        let inner = keys.open(Purpose::Session, &frame().octets(secret.id_hash()), &sealed).unwrap();
        assert!(!inner.windows(8).any(|window| window == [9; 8]));
    }

    #[test]
    fn a_record_moved_to_another_session_is_refused() {
        let (keys, one, other) =
            (keys_for_tests(), SessionSecret::random(&SystemEntropy), SessionSecret::random(&SystemEntropy));
        let sealed = signed_in().seal(&one, &frame(), &keys, &SystemEntropy).unwrap();
        assert!(SessionState::open(&sealed, &other, &frame(), &keys).is_err());
    }

    #[test]
    fn what_is_not_exactly_a_cookie_of_ours_is_none() {
        let good = SessionSecret::random(&SystemEntropy).to_cookie();
        assert_eq!(good.len(), 43);
        for bad in ["", "x", &good[1..], &format!("{good}A"), &format!("{good}="), &format!(" {good}")] {
            assert!(SessionSecret::from_cookie(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_the_last_stage_is_signed_in() {
        let mut state = signed_in();
        for stage in
            [SessionStage::Visitor, SessionStage::ChoosingMethods, SessionStage::PasswordProved, SessionStage::TakingUp]
        {
            state.stage = stage;
            assert_eq!(state.signed_in(), None, "{stage:?}");
        }
    }

    #[test]
    fn a_session_ends_when_idle_and_in_any_case() {
        let limits = SessionLimits::DEFAULT;
        let begun = SessionTimes::begin(limits, NOW);
        assert!(begun.alive(NOW + Duration::minutes(15) - Duration::milliseconds(1)));
        assert!(!begun.alive(NOW + Duration::minutes(15)));
        let mut times = begun;
        let mut now = NOW;
        while times.alive(now) {
            times = times.used(limits, now);
            now += Duration::minutes(14);
        }
        assert!(now >= NOW + limits.absolute && now < NOW + limits.absolute + Duration::minutes(14));
    }
}
