//! Accounts.

use diesel::prelude::*;

use crate::storage::schema::subscriber;
use crate::storage::{AnyConnection, StoreError, Transaction, on_each};
use crate::subscriber::{StoredAccount, SubscriberId};

impl Transaction<'_> {
    /// Adds an account.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_subscriber(&mut self, account: &StoredAccount) -> Result<(), StoreError> {
        diesel::insert_into(subscriber::table)
            .values((
                subscriber::id.eq(account.id.as_bytes().to_vec()),
                subscriber::status.eq(account.status.as_str()),
                subscriber::vault.eq(account.vault.as_str()),
                subscriber::created_at.eq(account.created_at),
                subscriber::rules_accepted_at.eq(account.rules_accepted_at),
                subscriber::mac.eq(account.mac.clone()),
                subscriber::failures_in_a_row.eq(0),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// What the database says of an account, for [`StoredAccount::authenticate`](crate::sealing::VouchedRow::authenticate).
    ///
    /// # Errors
    /// When the database fails.
    pub fn subscriber(&mut self, id: SubscriberId) -> Result<Option<StoredAccount>, StoreError> {
        type Row = (String, String, i64, i64, Vec<u8>);
        let found = subscriber::table.find(id.as_bytes().to_vec()).select((
            subscriber::status,
            subscriber::vault,
            subscriber::created_at,
            subscriber::rules_accepted_at,
            subscriber::mac,
        ));
        let row: Option<Row> = on_each!(self.connection, inner => found.first(inner)).optional()?;
        Ok(row.map(|(status, vault, created_at, rules_accepted_at, mac)| StoredAccount {
            id,
            status,
            vault,
            created_at,
            rules_accepted_at,
            mac,
        }))
    }

    /// Changes whether the account can be used, and whether the password opens its vault.
    ///
    /// # Errors
    /// When the database fails.
    pub fn save_subscriber(&mut self, account: &StoredAccount) -> Result<(), StoreError> {
        diesel::update(subscriber::table.find(account.id.as_bytes().to_vec()))
            .set((
                subscriber::status.eq(account.status.as_str()),
                subscriber::vault.eq(account.vault.as_str()),
                subscriber::mac.eq(account.mac.clone()),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// In which language an account reads: a tag, nothing when it is not known or there is no such account.
    ///
    /// # Errors
    /// When the database fails.
    pub fn language_of(&mut self, id: SubscriberId) -> Result<Option<String>, StoreError> {
        let found = subscriber::table.find(id.as_bytes().to_vec()).select(subscriber::language);
        let row: Option<Option<String>> = on_each!(self.connection, inner => found.first(inner)).optional()?;
        Ok(row.flatten())
    }

    /// Keeps in which language an account reads.
    ///
    /// # Errors
    /// When the database fails.
    pub fn keep_language(&mut self, id: SubscriberId, tag: &str) -> Result<(), StoreError> {
        diesel::update(subscriber::table.find(id.as_bytes().to_vec()))
            .set(subscriber::language.eq(tag))
            .execute(self.connection)?;
        Ok(())
    }

    /// Holds the account's row to the end of the transaction. SQLite's one writer holds everything already.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lock_subscriber(&mut self, id: SubscriberId) -> Result<(), StoreError> {
        if let AnyConnection::Postgresql(inner) = self.connection {
            subscriber::table
                .find(id.as_bytes().to_vec())
                .select(subscriber::status)
                .for_no_key_update()
                .first::<String>(inner)
                .optional()?;
        }
        Ok(())
    }
}
