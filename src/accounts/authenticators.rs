//! A person's authenticators: what is stored of them, opened and sealed. The secret is sealed with the service's keys and bound
//! to everything in its row that does not change with use, so a row that was made up, altered or moved to another account is
//! not one of the person's authenticators: it is reported, and left out.

use time::UtcDateTime;

use crate::accounts::site::Site;
use crate::accounts::{Trouble, is_altered, report_altered};
use crate::authentication::throttle::FailureCount;
use crate::authentication::totp::TotpSecret;
use crate::authentication::webauthn::StoredCredential;
use crate::authentication::{AuthenticatorId, AuthenticatorKind};
use crate::event::AlteredRecord;
use crate::sealing::{KeysError, Purpose, ServiceKeys, context};
use crate::storage::{AuthenticatorRecord, Transaction};
use crate::subscriber::{PhoneNumber, SubscriberId};

/// The longest name that a person may give an authenticator, in characters.
const LONGEST_NAME: usize = 40;

/// The fields of a row that its sealed secret is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthenticatorPlace {
    /// Whose.
    pub subscriber: SubscriberId,
    /// Which.
    pub id: AuthenticatorId,
    /// Which kind.
    pub kind: AuthenticatorKind,
    /// By which it is unique among all accounts.
    pub fingerprint: Option<[u8; 32]>,
    /// When it was added.
    pub created_at: UtcDateTime,
}

impl AuthenticatorPlace {
    fn of(record: &AuthenticatorRecord) -> Self {
        let AuthenticatorRecord { id, subscriber, kind, fingerprint, created_at, .. } = *record;
        Self { subscriber, id, kind, fingerprint, created_at }
    }

    /// {label, subscriber, authenticator, kind, fingerprint, time}. No fingerprint is told from any by its length.
    fn octets(&self) -> Vec<u8> {
        let created_at = self.created_at.unix_timestamp_nanos() / 1_000_000;
        context(&[
            b"signet/authenticator/v1",
            self.subscriber.as_bytes(),
            self.id.as_bytes(),
            self.kind.as_str().as_bytes(),
            self.fingerprint.as_ref().map_or(&[], <[u8; 32]>::as_slice),
            &created_at.to_be_bytes(),
        ])
    }
}

/// An authenticator, opened.
#[derive(Debug, Clone)]
pub struct Authenticator {
    /// Which.
    pub id: AuthenticatorId,
    /// What its secret is bound to.
    pub place: AuthenticatorPlace,
    /// What its person calls it.
    pub name: String,
    /// What it is.
    pub secret: AuthenticatorSecret,
    /// The last accepted step, or the signature counter, as it is stored.
    pub counter: u64,
    /// Wrong tries at it.
    pub failures: FailureCount,
    /// When it was added.
    pub created_at: UtcDateTime,
    /// When it was last used.
    pub last_used_at: Option<UtcDateTime>,
    /// Whether it ended, after too many wrong tries.
    pub disabled: bool,
}

/// What an authenticator is made of.
#[derive(Debug, Clone)]
pub enum AuthenticatorSecret {
    /// A phone.
    Phone(PhoneNumber),
    /// An app.
    Totp(TotpSecret),
    /// A passkey or a security key.
    Webauthn(Box<StoredCredential>),
}

impl AuthenticatorSecret {
    /// Which kind of authenticator it makes.
    #[must_use]
    pub fn kind(&self) -> AuthenticatorKind {
        match self {
            Self::Phone(_) => AuthenticatorKind::OutOfBand,
            Self::Totp(_) => AuthenticatorKind::Totp,
            Self::Webauthn(credential) => credential.kind().into(),
        }
    }

    fn purpose(kind: AuthenticatorKind) -> Purpose {
        match kind {
            AuthenticatorKind::OutOfBand => Purpose::PhoneNumber,
            AuthenticatorKind::Totp | AuthenticatorKind::Password => Purpose::TotpSecret,
            AuthenticatorKind::Passkey | AuthenticatorKind::SecurityKey => Purpose::WebauthnCredential,
        }
    }

    /// By which it is unique among all accounts.
    fn fingerprint(&self, keys: &dyn ServiceKeys) -> Result<Option<[u8; 32]>, KeysError> {
        match self {
            // A credential is one account's only (WebAuthn 7.1, step 26); a phone may be shared by a family.
            Self::Webauthn(credential) => {
                keys.fingerprint(Purpose::WebauthnCredential, credential.credential_id()).map(Some)
            }
            // The same secret twice would let one code be taken twice.
            Self::Totp(secret) => keys.fingerprint(Purpose::TotpSecret, secret.as_bytes()).map(Some),
            Self::Phone(_) => Ok(None),
        }
    }

    fn to_bytes(&self) -> Result<Vec<u8>, Trouble> {
        Ok(match self {
            Self::Phone(phone) => phone.e164().as_bytes().to_vec(),
            Self::Totp(secret) => secret.as_bytes().to_vec(),
            Self::Webauthn(credential) => credential.to_bytes()?,
        })
    }

    fn from_bytes(kind: AuthenticatorKind, bytes: &[u8]) -> Result<Self, Trouble> {
        let malformed = Trouble::Keys(KeysError::Malformed);
        match kind {
            AuthenticatorKind::OutOfBand => std::str::from_utf8(bytes)
                .ok()
                .and_then(|text| PhoneNumber::parse(text, "US").ok())
                .map(Self::Phone)
                .ok_or(malformed),
            AuthenticatorKind::Totp => <[u8; 20]>::try_from(bytes)
                .map(|bytes| Self::Totp(TotpSecret::from_bytes(&bytes)))
                .map_err(|_| malformed),
            AuthenticatorKind::Passkey | AuthenticatorKind::SecurityKey => {
                Ok(Self::Webauthn(Box::new(StoredCredential::from_bytes(bytes)?)))
            }
            AuthenticatorKind::Password => Err(malformed),
        }
    }
}

/// All authenticators of a person beside the password, the oldest first. A row that we did not write about this person is
/// none of them, and is reported.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn authenticators_of(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
) -> Result<Vec<Authenticator>, Trouble> {
    let mut opened = Vec::new();
    for record in tx.authenticators_of(of)? {
        match open(site, of, &record) {
            Ok(authenticator) => opened.push(authenticator),
            Err(Trouble::Keys(fault)) if is_altered(&fault) => {
                report_altered(of, AlteredRecord::Authenticator(record.id));
            }
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(opened)
}

/// The record of a new authenticator. Its name is cut to what fits.
///
/// # Errors
/// When the keys are unavailable.
pub fn new_authenticator(
    site: &Site,
    of: SubscriberId,
    name: &str,
    secret: &AuthenticatorSecret,
    counter: u64,
    now: UtcDateTime,
) -> Result<AuthenticatorRecord, Trouble> {
    let id = AuthenticatorId::random(&*site.entropy);
    let fingerprint = secret.fingerprint(&*site.keys)?;
    let place = AuthenticatorPlace { subscriber: of, id, kind: secret.kind(), fingerprint, created_at: now };
    Ok(AuthenticatorRecord {
        id,
        subscriber: of,
        kind: secret.kind(),
        name_sealed: seal_name(site, of, id, name)?,
        sealed: seal_secret(site, &place, secret)?,
        fingerprint,
        counter,
        failures: FailureCount::default(),
        created_at: now,
        last_used_at: None,
        disabled_at: None,
    })
}

/// A name as a person typed it: on one line, and no longer than fits; nothing when nothing is left.
#[must_use]
pub fn name_of(text: &str) -> Option<String> {
    let name: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let name: String = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    if name.is_empty() { None } else { Some(name) }
}

/// Seals what a person calls an authenticator.
///
/// # Errors
/// When the keys are unavailable.
pub fn seal_name(site: &Site, of: SubscriberId, id: AuthenticatorId, name: &str) -> Result<Vec<u8>, Trouble> {
    let place = context(&[b"signet/authenticator-name/v1", of.as_bytes(), id.as_bytes()]);
    Ok(site.keys.seal(Purpose::AuthenticatorName, &place, name.as_bytes())?)
}

/// Seals what an authenticator is made of, as after a use that changed it.
///
/// # Errors
/// When the keys are unavailable.
pub fn seal_secret(site: &Site, place: &AuthenticatorPlace, secret: &AuthenticatorSecret) -> Result<Vec<u8>, Trouble> {
    Ok(site.keys.seal(AuthenticatorSecret::purpose(place.kind), &place.octets(), &secret.to_bytes()?)?)
}

/// The record with its secret and its name sealed anew by the newest key.
///
/// # Errors
/// When the row is not ours, or the keys are unavailable.
pub(super) fn resealed(keys: &dyn ServiceKeys, record: &AuthenticatorRecord) -> Result<AuthenticatorRecord, Trouble> {
    let (of, purpose) = (record.subscriber, AuthenticatorSecret::purpose(record.kind));
    let place = AuthenticatorPlace::of(record);
    let opened = keys.open(purpose, &place.octets(), &record.sealed)?;
    let fingerprint = AuthenticatorSecret::from_bytes(record.kind, &opened)?.fingerprint(keys)?;
    // The secret is bound to its fingerprint.
    let sealed = keys.seal(purpose, &AuthenticatorPlace { fingerprint, ..place }.octets(), &opened)?;
    let name_place = context(&[b"signet/authenticator-name/v1", of.as_bytes(), record.id.as_bytes()]);
    let name_sealed = keys.reseal(Purpose::AuthenticatorName, &name_place, &record.name_sealed)?;
    Ok(AuthenticatorRecord { name_sealed, sealed, fingerprint, ..record.clone() })
}

fn open(site: &Site, of: SubscriberId, record: &AuthenticatorRecord) -> Result<Authenticator, Trouble> {
    let purpose = AuthenticatorSecret::purpose(record.kind);
    let place = AuthenticatorPlace { subscriber: of, ..AuthenticatorPlace::of(record) };
    let secret = site.keys.open(purpose, &place.octets(), &record.sealed)?;
    let name_place = context(&[b"signet/authenticator-name/v1", of.as_bytes(), record.id.as_bytes()]);
    let name = site.keys.open(Purpose::AuthenticatorName, &name_place, &record.name_sealed)?;
    Ok(Authenticator {
        id: record.id,
        place,
        name: String::from_utf8_lossy(&name).into_owned(),
        secret: AuthenticatorSecret::from_bytes(record.kind, &secret)?,
        counter: record.counter,
        failures: record.failures,
        created_at: record.created_at,
        last_used_at: record.last_used_at,
        disabled: record.disabled_at.is_some(),
    })
}
