//! A person's password, as it is stored, and how many wrong ones in a row were given for it.

use time::UtcDateTime;

use crate::accounts::site::Site;
use crate::accounts::throttles::fingerprint;
use crate::accounts::{Trouble, believed};
use crate::authentication::password::{KnownPassword, PasswordVerifier, StoredPassword};
use crate::authentication::throttle::RateLimit;
use crate::event::AlteredRecord;
use crate::storage::Transaction;
use crate::subscriber::SubscriberId;

/// Sets a person's password, in place of the one before. Wrong tries at the one before count no more, and no browser is known
/// to the account any more: one that stays known is remembered anew after this.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn set_password(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    verifier: &PasswordVerifier,
    now: UtcDateTime,
) -> Result<(), Trouble> {
    tx.lock_subscriber(of)?;
    tx.set_password(of, &StoredPassword::new(of, verifier, now, &*site.keys)?)?;
    forget_wrong_passwords(tx, site, of)?;
    Ok(tx.drop_known_browsers_of(of)?)
}

/// Keeps the same password at another cost or under another key. It is as old as it was, and what was counted for it stays.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn keep_password(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    verifier: &PasswordVerifier,
    set_at: UtcDateTime,
) -> Result<(), Trouble> {
    Ok(tx.set_password(of, &StoredPassword::new(of, verifier, set_at, &*site.keys)?)?)
}

/// A person's password; nothing where there is none, or one that we did not set: that is reported, and no password is right.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn password_of(tx: &mut Transaction<'_>, site: &Site, of: SubscriberId) -> Result<Option<KnownPassword>, Trouble> {
    let Some(stored) = tx.password_of(of)? else {
        return Ok(None);
    };
    believed(site, of, &stored, of, AlteredRecord::Password)
}

/// Whether a password has ended: a hundred wrong ones in a row were given for it (SP 800-63B-4, 3.2.2).
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn password_has_ended(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    now: UtcDateTime,
) -> Result<bool, Trouble> {
    let limit = RateLimit::PASSWORD_IN_A_ROW;
    Ok(tx.tries_of(&fingerprint(site, &limit, &[of.as_bytes()])?, now)? >= limit.at_most)
}

/// How often a password that has ended may still be tried by its person.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn tries_at_ended_password(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    now: UtcDateTime,
) -> Result<u32, Trouble> {
    let limit = RateLimit::ENDED_PASSWORD;
    let made = tx.tries_of(&fingerprint(site, &limit, &[of.as_bytes()])?, now)?;
    Ok(limit.at_most.saturating_sub(made))
}

/// Sets every count of wrong passwords of an account to nothing, so that a password that had ended is one again.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn forget_wrong_passwords(tx: &mut Transaction<'_>, site: &Site, of: SubscriberId) -> Result<(), Trouble> {
    for limit in
        [RateLimit::PASSWORD_IN_A_ROW, RateLimit::PASSWORD_ENDED_NOTICE, RateLimit::ENDED_PASSWORD, RateLimit::UNLOCK]
    {
        tx.forget_tries(&fingerprint(site, &limit, &[of.as_bytes()])?)?;
    }
    Ok(())
}

/// Sets the count of wrong passwords from browsers that are not known to nothing, unless the password has ended by it: after a
/// full sign-in in a known browser.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn forget_wrong_passwords_unless_ended(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
) -> Result<(), Trouble> {
    let limit = RateLimit::PASSWORD_IN_A_ROW;
    Ok(tx.forget_fewer_tries(&fingerprint(site, &limit, &[of.as_bytes()])?, limit.at_most)?)
}
