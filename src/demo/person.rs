//! The demonstration's person: somebody invented whose identity is proofed already, so that proofed attributes can be seen
//! to be released and withheld.
//!
//! The account is made and stored as everybody's is. Its secrets are shown on purpose.

use time::{Duration, UtcDateTime};

use super::DemoPerson;
use crate::accounts;
use crate::accounts::site::Site;
use crate::accounts::{AuthenticatorSecret, Trouble};
use crate::authentication::look_up_secret::RecoveryKey;
use crate::authentication::password::{
    Argon2Memory, Argon2Parameters, Password, PasswordError, PasswordVerifier, StretchedPassword,
};
use crate::entropy::Entropy;
use crate::federation::attribute::AttributeName;
use crate::proofing::{Ial, Proofing, StoredProofing};
use crate::sealing::{KeysError, ServiceKeys};
use crate::storage::Transaction;
use crate::subscriber::vault::{Pii, Profile, ProfileRow, SealedSlot, SlotId, VaultError, VaultKey};
use crate::subscriber::{
    EmailAddress, EmailAddressError, PhoneNumber, PhoneNumberError, SubscriberAccount, SubscriberId, SubscriberStatus,
    VaultState,
};

/// Sign-in address.
pub const EMAIL: &str = "pat.sample@demo.example";
/// Password. Known to everybody who reads this: the demonstration listens on loopback alone.
pub const PASSWORD: &str = "quiet heron over the lower harbour";
/// Number for text messages, of the range that is kept for fiction.
pub const PHONE: &str = "+1 202 555 0142";

/// What proofing established. The social security number is one that is never given out (area 9xx).
const PROFILE: [(AttributeName, &str); 9] = [
    (AttributeName::FirstName, "Pat"),
    (AttributeName::LastName, "Sample"),
    (AttributeName::Dob, "1980-02-29"),
    (AttributeName::Ssn, "900-12-3456"),
    (AttributeName::Address1, "12 Example Street"),
    (AttributeName::City, "Springfield"),
    (AttributeName::State, "VA"),
    (AttributeName::Zipcode, "22150"),
    (AttributeName::Phone, PHONE),
];

/// Everything that is to be stored of the person.
#[derive(Debug)]
pub struct InventedPerson {
    /// Whose.
    pub subscriber: SubscriberId,
    /// Sign-in address.
    pub email: EmailAddress,
    /// Number for text messages.
    pub phone: PhoneNumber,
    /// The password's verifier.
    pub password: PasswordVerifier,
    /// The vault's slots: password and recovery key.
    pub slots: [SealedSlot; 2],
    /// The profile, sealed as a whole.
    pub profile: Vec<ProfileRow>,
    /// That the profile was proofed, at level 2.
    pub proofing: StoredProofing,
    /// What the start page shows.
    pub shown: DemoPerson,
}

/// Why there is no such person.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// The address is none.
    #[error(transparent)]
    Email(#[from] EmailAddressError),
    /// The service's keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The password cannot be worked on.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The number is none.
    #[error(transparent)]
    Phone(#[from] PhoneNumberError),
    /// The vault cannot be made.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Stores the person as an account that is signed up, with text messages as the second factor. Nothing is stored, and the
/// answer is no, if the address is somebody's already: then the demonstration was started before.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn store(
    tx: &mut Transaction<'_>,
    site: &Site,
    person: &InventedPerson,
    now: UtcDateTime,
) -> Result<bool, Trouble> {
    let id = person.subscriber;
    if accounts::find_address(tx, &*site.keys, &person.email)?.is_some() {
        return Ok(false);
    }
    let account = SubscriberAccount {
        id,
        status: SubscriberStatus::Active,
        created_at: now,
        rules_accepted_at: now,
        vault: VaultState::Open,
    };
    accounts::add_account(tx, site, &account)?;
    if accounts::add_address(tx, site, id, &person.email, now)? != accounts::AddedAddress::Added {
        return Ok(false);
    }
    accounts::set_password(tx, site, id, &person.password, now)?;
    let phone = AuthenticatorSecret::Phone(person.phone.clone());
    tx.add_authenticator(&accounts::new_authenticator(site, id, "Phone", &phone, 0, now)?)?;
    for slot in &person.slots {
        tx.put_slot(id, slot, None, now)?;
    }
    tx.replace_profile(id, &person.profile, Some(&person.proofing), now)?;
    Ok(true)
}

/// Invents the person: a new vault, sealed as everybody's is.
///
/// # Errors
/// [`PersonError`].
pub fn invent(
    keys: &dyn ServiceKeys,
    cost: Argon2Parameters,
    now: UtcDateTime,
    entropy: &dyn Entropy,
) -> Result<InventedPerson, PersonError> {
    invent_as(EMAIL, PHONE, keys, cost, now, entropy)
}

/// Invents the same person under another address and with another phone.
///
/// # Errors
/// [`PersonError`].
pub fn invent_as(
    email: &str,
    phone: &str,
    keys: &dyn ServiceKeys,
    cost: Argon2Parameters,
    now: UtcDateTime,
    entropy: &dyn Entropy,
) -> Result<InventedPerson, PersonError> {
    let subscriber = SubscriberId::random(entropy);
    let stretched = StretchedPassword::new(&Password::given(PASSWORD), cost, &mut Argon2Memory::default(), entropy)?;
    let recovery_key = RecoveryKey::random(entropy);
    let vault_key = VaultKey::random(entropy);
    let slot = |slot_key| SealedSlot::seal(SlotId::random(entropy), subscriber, &slot_key, &vault_key, keys, entropy);
    let profile = Profile::new(
        PROFILE.into_iter().map(|(name, value)| (name.as_str().to_owned(), Pii::new(value.as_bytes().to_vec()))),
    );
    let profile = profile.seal(subscriber, &vault_key, entropy)?;
    let proofing =
        Proofing { ial: Ial::Two, verified_at: now - Duration::days(30), current_until: None, face_was_matched: false };
    Ok(InventedPerson {
        subscriber,
        email: EmailAddress::parse(email)?,
        phone: PhoneNumber::parse(phone, "US")?,
        password: PasswordVerifier::new(&stretched, subscriber, keys)?,
        slots: [slot(stretched.slot_key())?, slot(recovery_key.slot_key())?],
        proofing: StoredProofing::new(subscriber, &proofing, &profile, keys)?,
        profile,
        shown: DemoPerson {
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
            phone: phone.to_owned(),
            recovery_key: recovery_key.for_display().to_string(),
        },
    })
}
