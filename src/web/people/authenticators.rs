//! A person's authenticators: what is stored of them, opened and sealed. The secret is bound to the person, the
//! authenticator and its kind, so that a row moved to another account opens nothing there.

use time::UtcDateTime;

use super::Trouble;
use crate::authentication::throttle::FailureCount;
use crate::authentication::totp::TotpSecret;
use crate::authentication::webauthn::StoredCredential;
use crate::authentication::{AuthenticatorId, AuthenticatorKind};
use crate::services::keys::{KeysError, Purpose, context};
use crate::storage::{AuthenticatorRecord, Transaction};
use crate::subscriber::{PhoneNumber, SubscriberId};
use crate::web::site::Site;

/// The longest name that a person may give an authenticator, in characters.
const LONGEST_NAME: usize = 40;

/// An authenticator, opened.
#[derive(Debug, Clone)]
pub struct Authenticator {
    /// Which.
    pub id: AuthenticatorId,
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
                .map(|bytes| Self::Totp(TotpSecret::from_bytes(bytes)))
                .map_err(|_| malformed),
            AuthenticatorKind::Passkey | AuthenticatorKind::SecurityKey => {
                Ok(Self::Webauthn(Box::new(StoredCredential::from_bytes(bytes)?)))
            }
            AuthenticatorKind::Password => Err(malformed),
        }
    }
}

/// All authenticators of a person beside the password, the oldest first.
///
/// # Errors
/// When the database or the keys are unavailable, or a row was altered or moved.
pub fn authenticators_of(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
) -> Result<Vec<Authenticator>, Trouble> {
    tx.authenticators_of(of)?.iter().map(|record| open(site, of, record)).collect()
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
    // A credential is one account's only (WebAuthn 7.1, step 26); a phone may be shared by a family.
    let fingerprint = match secret {
        AuthenticatorSecret::Webauthn(credential) => {
            Some(site.keys.fingerprint(Purpose::WebauthnCredential, credential.credential_id())?)
        }
        // The same secret twice would let one code be taken twice.
        AuthenticatorSecret::Totp(secret) => Some(site.keys.fingerprint(Purpose::TotpSecret, secret.as_bytes())?),
        AuthenticatorSecret::Phone(_) => None,
    };
    Ok(AuthenticatorRecord {
        id,
        subscriber: of,
        kind: secret.kind(),
        name_sealed: seal_name(site, of, id, name)?,
        sealed: seal_secret(site, of, id, secret)?,
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
pub fn seal_secret(
    site: &Site,
    of: SubscriberId,
    id: AuthenticatorId,
    secret: &AuthenticatorSecret,
) -> Result<Vec<u8>, Trouble> {
    let kind = secret.kind();
    Ok(site.keys.seal(AuthenticatorSecret::purpose(kind), &place(of, id, kind), &secret.to_bytes()?)?)
}

fn open(site: &Site, of: SubscriberId, record: &AuthenticatorRecord) -> Result<Authenticator, Trouble> {
    let purpose = AuthenticatorSecret::purpose(record.kind);
    let secret = site.keys.open(purpose, &place(of, record.id, record.kind), &record.sealed)?;
    let name_place = context(&[b"signet/authenticator-name/v1", of.as_bytes(), record.id.as_bytes()]);
    let name = site.keys.open(Purpose::AuthenticatorName, &name_place, &record.name_sealed)?;
    Ok(Authenticator {
        id: record.id,
        name: String::from_utf8_lossy(&name).into_owned(),
        secret: AuthenticatorSecret::from_bytes(record.kind, &secret)?,
        counter: record.counter,
        failures: record.failures,
        created_at: record.created_at,
        last_used_at: record.last_used_at,
        disabled: record.disabled_at.is_some(),
    })
}

/// Where a sealed secret belongs: {purpose, subscriber, authenticator, kind}.
fn place(of: SubscriberId, id: AuthenticatorId, kind: AuthenticatorKind) -> Vec<u8> {
    context(&[b"signet/authenticator/v1", of.as_bytes(), id.as_bytes(), kind.as_str().as_bytes()])
}
