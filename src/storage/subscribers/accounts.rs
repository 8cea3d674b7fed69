//! Accounts.

use diesel::prelude::*;

use crate::storage::schema::subscriber;
use crate::storage::{AnyConnection, StoreError, Transaction, instant, milliseconds};
use crate::subscriber::{SubscriberAccount, SubscriberId, SubscriberStatus, VaultState};

impl Transaction<'_> {
    /// Adds an account.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_subscriber(&mut self, account: &SubscriberAccount) -> Result<(), StoreError> {
        diesel::insert_into(subscriber::table)
            .values((
                subscriber::id.eq(account.id.as_bytes().to_vec()),
                subscriber::status.eq(account.status.as_str()),
                subscriber::vault.eq(account.vault.as_str()),
                subscriber::created_at.eq(milliseconds(account.created_at)),
                subscriber::rules_accepted_at.eq(milliseconds(account.rules_accepted_at)),
                subscriber::failures_in_a_row.eq(0),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// The account, if there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn subscriber(&mut self, id: SubscriberId) -> Result<Option<SubscriberAccount>, StoreError> {
        let row: Option<(String, String, i64, i64)> = subscriber::table
            .find(id.as_bytes().to_vec())
            .select((subscriber::status, subscriber::vault, subscriber::created_at, subscriber::rules_accepted_at))
            .first(self.connection)
            .optional()?;
        row.map(|(status, vault, created_at, rules_accepted_at)| {
            let broken = |column| StoreError::InconsistentRow { table: "subscriber", column };
            Ok(SubscriberAccount {
                id,
                status: SubscriberStatus::from_stored(&status).ok_or_else(|| broken("status"))?,
                created_at: instant(created_at, "subscriber", "created_at")?,
                rules_accepted_at: instant(rules_accepted_at, "subscriber", "rules_accepted_at")?,
                vault: VaultState::from_stored(&vault).ok_or_else(|| broken("vault"))?,
            })
        })
        .transpose()
    }

    /// Changes whether the account can be used.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_subscriber_status(&mut self, id: SubscriberId, status: SubscriberStatus) -> Result<(), StoreError> {
        diesel::update(subscriber::table.find(id.as_bytes().to_vec()))
            .set(subscriber::status.eq(status.as_str()))
            .execute(self.connection)?;
        Ok(())
    }

    /// Says whether the password opens the vault.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_vault_state(&mut self, id: SubscriberId, state: VaultState) -> Result<(), StoreError> {
        diesel::update(subscriber::table.find(id.as_bytes().to_vec()))
            .set(subscriber::vault.eq(state.as_str()))
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
                .for_update()
                .first::<String>(inner)
                .optional()?;
        }
        Ok(())
    }
}
