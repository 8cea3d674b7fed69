//! The browsers that are known to accounts, and how many wrong passwords in a row came from each.

use diesel::prelude::*;

use crate::authentication::known_browser::{KnownBrowserId, StoredKnownBrowser};
use crate::storage::schema::known_browser;
use crate::storage::{StoreError, Transaction, typed};
use crate::subscriber::SubscriberId;

impl Transaction<'_> {
    /// Keeps a browser as known to its account, with no wrong passwords, and drops the account's oldest ones above `most`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_known_browser(&mut self, browser: &StoredKnownBrowser, most: usize) -> Result<(), StoreError> {
        self.lock_subscriber(browser.subscriber)?;
        diesel::insert_into(known_browser::table)
            .values((
                known_browser::id.eq(browser.id.as_bytes().to_vec()),
                known_browser::subscriber.eq(browser.subscriber.as_bytes().to_vec()),
                known_browser::made_at.eq(browser.made_at),
                known_browser::expires_at.eq(browser.expires_at),
                known_browser::failures_in_a_row.eq(0),
                known_browser::mac.eq(browser.mac.clone()),
            ))
            .execute(self.connection)?;
        let newest_first: Vec<Vec<u8>> = known_browser::table
            .filter(known_browser::subscriber.eq(browser.subscriber.as_bytes().to_vec()))
            .order((known_browser::made_at.desc(), known_browser::id))
            .select(known_browser::id)
            .load(self.connection)?;
        let too_many: Vec<Vec<u8>> = newest_first.into_iter().skip(most).collect();
        if !too_many.is_empty() {
            diesel::delete(known_browser::table.filter(known_browser::id.eq_any(too_many))).execute(self.connection)?;
        }
        Ok(())
    }

    /// The rows with these names, for [`StoredKnownBrowser::authenticate`](crate::sealing::VouchedRow::authenticate).
    ///
    /// # Errors
    /// When the database fails.
    pub fn known_browsers(&mut self, ids: &[KnownBrowserId]) -> Result<Vec<StoredKnownBrowser>, StoreError> {
        const TABLE: &str = "known_browser";
        type Row = (Vec<u8>, Vec<u8>, i64, i64, Vec<u8>);
        let wanted: Vec<Vec<u8>> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
        let rows: Vec<Row> = known_browser::table
            .filter(known_browser::id.eq_any(wanted))
            .select((
                known_browser::id,
                known_browser::subscriber,
                known_browser::made_at,
                known_browser::expires_at,
                known_browser::mac,
            ))
            .load(self.connection)?;
        rows.into_iter()
            .map(|(id, subscriber, made_at, expires_at, mac)| {
                let id = KnownBrowserId::from_bytes(typed(id.as_slice(), TABLE, "id")?);
                let subscriber = typed(subscriber.as_slice(), TABLE, "subscriber")?;
                Ok(StoredKnownBrowser { id, subscriber, made_at, expires_at, mac })
            })
            .collect()
    }

    /// Counts one try at a password from a known browser before it is judged. `false` when `most` in a row were wrong, or when
    /// the browser is not known any more: then nothing is counted. Of any number that arrive at once, exactly as many as that
    /// are allowed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn count_known_browser_try(&mut self, id: KnownBrowserId, most: u32) -> Result<bool, StoreError> {
        let most = i32::try_from(most).unwrap_or(i32::MAX);
        let counted = diesel::update(
            known_browser::table
                .filter(known_browser::id.eq(id.as_bytes().to_vec()))
                .filter(known_browser::failures_in_a_row.lt(most)),
        )
        .set(known_browser::failures_in_a_row.eq(known_browser::failures_in_a_row + 1))
        .execute(self.connection)?;
        Ok(counted == 1)
    }

    /// Sets the count of a known browser to nothing, after a right password.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_known_browser_tries(&mut self, id: KnownBrowserId) -> Result<(), StoreError> {
        diesel::update(known_browser::table.filter(known_browser::id.eq(id.as_bytes().to_vec())))
            .set(known_browser::failures_in_a_row.eq(0))
            .execute(self.connection)?;
        Ok(())
    }

    /// Forgets these browsers: they are known to nobody any more.
    ///
    /// # Errors
    /// When the database fails.
    pub fn drop_known_browsers(&mut self, ids: &[KnownBrowserId]) -> Result<(), StoreError> {
        let gone: Vec<Vec<u8>> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
        diesel::delete(known_browser::table.filter(known_browser::id.eq_any(gone))).execute(self.connection)?;
        Ok(())
    }

    /// Forgets every browser that is known to an account.
    ///
    /// # Errors
    /// When the database fails.
    pub fn drop_known_browsers_of(&mut self, of: SubscriberId) -> Result<(), StoreError> {
        diesel::delete(known_browser::table.filter(known_browser::subscriber.eq(of.as_bytes().to_vec())))
            .execute(self.connection)?;
        Ok(())
    }
}
