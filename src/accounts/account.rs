//! A person's account, as it is stored.

use crate::accounts::site::Site;
use crate::accounts::{Trouble, believed};
use crate::event::AlteredRecord;
use crate::storage::Transaction;
use crate::subscriber::{StoredAccount, SubscriberAccount, SubscriberId};

/// Adds an account.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn add_account(tx: &mut Transaction<'_>, site: &Site, account: &SubscriberAccount) -> Result<(), Trouble> {
    Ok(tx.add_subscriber(&StoredAccount::new(account, &*site.keys)?)?)
}

/// A person's account; nothing where there is none, or a row that we did not write: that is reported.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn account_of(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
) -> Result<Option<SubscriberAccount>, Trouble> {
    let Some(stored) = tx.subscriber(of)? else {
        return Ok(None);
    };
    believed(site, of, &stored, (), AlteredRecord::Account)
}

/// Changes an account's state. Of two that do so at once, one does it after the other.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn change_account(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: SubscriberId,
    change: impl FnOnce(&mut SubscriberAccount),
) -> Result<(), Trouble> {
    tx.lock_subscriber(of)?;
    if let Some(mut account) = account_of(tx, site, of)? {
        change(&mut account);
        tx.save_subscriber(&StoredAccount::new(&account, &*site.keys)?)?;
    }
    Ok(())
}
