//! A person's password, as it is stored.

use time::UtcDateTime;

use super::{Trouble, report_altered};
use crate::authentication::password::{KnownPassword, PasswordVerifier, StoredPassword};
use crate::event::AlteredRecord;
use crate::services::keys::NotVouched;
use crate::storage::Transaction;
use crate::subscriber::SubscriberId;
use crate::web::site::Site;

/// Sets a person's password, in place of the one before.
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
    Ok(tx.set_password(of, &StoredPassword::new(of, verifier, now, &*site.keys)?)?)
}

/// A person's password; nothing where there is none, or one that we did not set: that is reported, and no password is right.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn password_of(tx: &mut Transaction<'_>, site: &Site, of: SubscriberId) -> Result<Option<KnownPassword>, Trouble> {
    let Some(stored) = tx.password_of(of)? else {
        return Ok(None);
    };
    match stored.authenticate(of, &*site.keys) {
        Ok(known) => Ok(Some(known)),
        Err(NotVouched::Keys(fault)) => Err(fault.into()),
        Err(NotVouched::Altered) => {
            report_altered(of, AlteredRecord::Password);
            Ok(None)
        }
    }
}
