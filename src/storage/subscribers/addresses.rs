//! The confirmed addresses of accounts.

use diesel::prelude::*;
use time::UtcDateTime;

use crate::storage::schema::email_address;
use crate::storage::{StoreError, Transaction, instant, maybe_instant, milliseconds, on_each, typed};
use crate::subscriber::{ContactId, SubscriberId};

/// One confirmed address of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailRecord {
    /// Its name; the sealed value is bound to it.
    pub id: ContactId,
    /// Whose.
    pub subscriber: SubscriberId,
    /// By which it is found.
    pub fingerprint: [u8; 32],
    /// The address, sealed with the service's keys.
    pub sealed: Vec<u8>,
    /// When its person followed the link.
    pub confirmed_at: UtcDateTime,
    /// When it was last signed in with.
    pub last_sign_in_at: Option<UtcDateTime>,
}

impl Transaction<'_> {
    /// Adds an address; `false` when it is somebody's already.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_email(&mut self, email: &EmailRecord) -> Result<bool, StoreError> {
        let values = (
            email_address::id.eq(email.id.as_bytes().to_vec()),
            email_address::subscriber.eq(email.subscriber.as_bytes().to_vec()),
            email_address::fingerprint.eq(email.fingerprint.to_vec()),
            email_address::sealed.eq(email.sealed.clone()),
            email_address::confirmed_at.eq(milliseconds(email.confirmed_at)),
            email_address::last_sign_in_at.eq(email.last_sign_in_at.map(milliseconds)),
        );
        let added = on_each!(self.connection, inner => diesel::insert_into(email_address::table)
            .values(values)
            .on_conflict_do_nothing()
            .execute(inner))?;
        Ok(added == 1)
    }

    /// The address with one of these fingerprints (one for each service key that is present).
    ///
    /// # Errors
    /// When the database fails.
    pub fn email_by_fingerprint(&mut self, fingerprints: &[[u8; 32]]) -> Result<Option<EmailRecord>, StoreError> {
        let wanted: Vec<Vec<u8>> = fingerprints.iter().map(|one| one.to_vec()).collect();
        let row = email_address::table
            .filter(email_address::fingerprint.eq_any(wanted))
            .select(EMAIL_COLUMNS)
            .first::<EmailRow>(self.connection)
            .optional()?;
        row.map(email_of).transpose()
    }

    /// An address by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn email(&mut self, id: &[u8]) -> Result<Option<EmailRecord>, StoreError> {
        let row = email_address::table.find(id.to_vec()).select(EMAIL_COLUMNS);
        row.first::<EmailRow>(self.connection).optional()?.map(email_of).transpose()
    }

    /// All addresses of an account, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn emails_of(&mut self, id: SubscriberId) -> Result<Vec<EmailRecord>, StoreError> {
        email_address::table
            .filter(email_address::subscriber.eq(id.as_bytes().to_vec()))
            .order((email_address::confirmed_at, email_address::id))
            .select(EMAIL_COLUMNS)
            .load::<EmailRow>(self.connection)?
            .into_iter()
            .map(email_of)
            .collect()
    }

    /// Remembers that an address was signed in with.
    ///
    /// # Errors
    /// When the database fails.
    pub fn touch_email(&mut self, id: ContactId, now: UtcDateTime) -> Result<(), StoreError> {
        diesel::update(email_address::table.find(id.as_bytes().to_vec()))
            .set(email_address::last_sign_in_at.eq(Some(milliseconds(now))))
            .execute(self.connection)?;
        Ok(())
    }

    /// Takes an address from an account, unless it is the last one; says whether it did.
    ///
    /// # Errors
    /// When the database fails.
    pub fn remove_email(&mut self, of: SubscriberId, id: ContactId) -> Result<bool, StoreError> {
        self.lock_subscriber(of)?;
        let mine = email_address::table.filter(email_address::subscriber.eq(of.as_bytes().to_vec()));
        let count: i64 = mine.count().get_result(self.connection)?;
        if count < 2 {
            return Ok(false);
        }
        let removed = diesel::delete(
            email_address::table
                .filter(email_address::subscriber.eq(of.as_bytes().to_vec()))
                .filter(email_address::id.eq(id.as_bytes().to_vec())),
        )
        .execute(self.connection)?;
        Ok(removed == 1)
    }
}

type EmailRow = (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>, i64, Option<i64>);
const EMAIL_COLUMNS: (
    email_address::id,
    email_address::subscriber,
    email_address::fingerprint,
    email_address::sealed,
    email_address::confirmed_at,
    email_address::last_sign_in_at,
) = (
    email_address::id,
    email_address::subscriber,
    email_address::fingerprint,
    email_address::sealed,
    email_address::confirmed_at,
    email_address::last_sign_in_at,
);

fn email_of(row: EmailRow) -> Result<EmailRecord, StoreError> {
    const TABLE: &str = "email_address";
    let (id, subscriber, fingerprint, sealed, confirmed_at, last_sign_in_at) = row;
    Ok(EmailRecord {
        id: typed(id.as_slice(), TABLE, "id")?,
        subscriber: typed(subscriber.as_slice(), TABLE, "subscriber")?,
        fingerprint: typed(fingerprint.as_slice(), TABLE, "fingerprint")?,
        sealed,
        confirmed_at: instant(confirmed_at, TABLE, "confirmed_at")?,
        last_sign_in_at: maybe_instant(last_sign_in_at, TABLE, "last_sign_in_at")?,
    })
}
