//! The row of an account: whether it can be used, and whether its vault is open. Both stand in clear and decide who gets in: an
//! account that is still signing up has no second factor. So the row carries a keyed digest over all of it.

use super::{SubscriberAccount, SubscriberId, SubscriberStatus, VaultState};
use crate::sealing::{
    KeysError, Purpose, ServiceKeys, Vouched, VouchedRow, context, instant, mac_column, milliseconds,
};

/// What a row says of an account, as plain words and numbers: nobody vouches for it before [`StoredAccount::authenticate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAccount {
    /// Whose account.
    pub id: SubscriberId,
    /// The word of the status.
    pub status: String,
    /// The word of the vault's state.
    pub vault: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970.
    pub rules_accepted_at: i64,
    /// The keyed digest, as [`Mac::to_bytes`](crate::sealing::Mac::to_bytes) writes it.
    pub mac: Vec<u8>,
}

impl StoredAccount {
    /// What to store of an account.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn new(account: &SubscriberAccount, keys: &dyn ServiceKeys) -> Result<Self, KeysError> {
        let stored = Self {
            id: account.id,
            status: account.status.as_str().to_owned(),
            vault: account.vault.as_str().to_owned(),
            created_at: milliseconds(account.created_at),
            rules_accepted_at: milliseconds(account.rules_accepted_at),
            mac: Vec::new(),
        };
        stored.vouched((), keys)
    }
}

/// One that was altered is no account.
impl VouchedRow for StoredAccount {
    type Context<'c> = ();
    type Meaning = SubscriberAccount;
    const PURPOSE: Purpose = Purpose::Account;
    mac_column!();

    /// {label, subscriber, status, vault, created, rules accepted}.
    fn octets(&self, (): ()) -> Vec<u8> {
        context(&[
            b"signet/account/v1",
            self.id.as_bytes(),
            self.status.as_bytes(),
            self.vault.as_bytes(),
            &self.created_at.to_be_bytes(),
            &self.rules_accepted_at.to_be_bytes(),
        ])
    }

    fn meaning(row: Vouched<'_, Self>, (): ()) -> Option<SubscriberAccount> {
        Some(SubscriberAccount {
            id: row.id,
            status: SubscriberStatus::from_stored(&row.status)?,
            vault: VaultState::from_stored(&row.vault)?,
            created_at: instant(row.created_at)?,
            rules_accepted_at: instant(row.rules_accepted_at)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::utc_datetime;

    use super::*;
    use crate::sealing::NotVouched;
    use crate::services::keys::keys_for_tests;

    #[test]
    fn no_field_of_an_account_can_be_exchanged() {
        let keys = keys_for_tests();
        let account = SubscriberAccount {
            id: SubscriberId::from_bytes([1; 16]),
            status: SubscriberStatus::Suspended,
            created_at: utc_datetime!(2026-11-24 12:00),
            rules_accepted_at: utc_datetime!(2026-11-24 12:00),
            vault: VaultState::Sealed,
        };
        let stored = StoredAccount::new(&account, &keys).unwrap();
        assert_eq!(stored.authenticate((), &keys), Ok(account));
        for altered in [
            StoredAccount { id: SubscriberId::from_bytes([2; 16]), ..stored.clone() },
            StoredAccount { status: "active".to_owned(), ..stored.clone() },
            StoredAccount { vault: "open".to_owned(), ..stored.clone() },
            StoredAccount { created_at: stored.created_at + 1, ..stored.clone() },
            StoredAccount { rules_accepted_at: stored.rules_accepted_at + 1, ..stored.clone() },
            StoredAccount { mac: Vec::new(), ..stored },
        ] {
            assert_eq!(altered.authenticate((), &keys), Err(NotVouched::Altered), "{altered:?}");
        }
    }
}
