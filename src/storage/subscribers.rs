//! Accounts: who they are, how they are reached, how they authenticate, what their vault holds. Everything sealed comes
//! in and goes out sealed.

use diesel::prelude::*;
use time::UtcDateTime;

use super::schema::{
    authenticator, email_address, email_link, out_of_band_code, password_credential, proofed_profile, subscriber,
    vault_attribute, vault_slot,
};
use super::{StoreError, Transaction, instant, maybe_instant, milliseconds, on_each, typed};
use crate::authentication::out_of_band::{CodePurpose, IssuedCode};
use crate::authentication::recovery::LinkPurpose;
use crate::authentication::throttle::{FailureCount, FailureRule};
use crate::authentication::{AuthenticatorId, AuthenticatorKind};
use crate::services::keys::Mac;
use crate::subscriber::vault::{ProfileRow, SealedAttribute, SealedSlot, SlotId, SlotKind};
use crate::subscriber::{ContactId, SubscriberAccount, SubscriberId, SubscriberStatus, VaultState};

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

/// The record behind the link of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRecord {
    /// The hash of its token.
    pub token_hash: [u8; 32],
    /// What it allows.
    pub purpose: LinkPurpose,
    /// Whom and what it is for, sealed with the service's keys.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub made_at: UtcDateTime,
    /// It is refused from this moment on.
    pub expires_at: UtcDateTime,
    /// When it was used up.
    pub used_at: Option<UtcDateTime>,
}

/// One authenticator beside the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticatorRecord {
    /// Its name; the sealed values are bound to it.
    pub id: AuthenticatorId,
    /// Whose.
    pub subscriber: SubscriberId,
    /// Which kind.
    pub kind: AuthenticatorKind,
    /// What its person calls it, sealed with the service's keys.
    pub name_sealed: Vec<u8>,
    /// The credential, secret or phone number, sealed with the service's keys.
    pub sealed: Vec<u8>,
    /// By which it must be unique among all accounts (a credential id), when it must.
    pub fingerprint: Option<[u8; 32]>,
    /// The last accepted time step of an app, the signature counter of a key; otherwise nothing.
    pub counter: u64,
    /// Wrong tries at it.
    pub failures: FailureCount,
    /// When it was added.
    pub created_at: UtcDateTime,
    /// When it was last used.
    pub last_used_at: Option<UtcDateTime>,
    /// When it ended, after too many wrong tries.
    pub disabled_at: Option<UtcDateTime>,
}

/// Whose wrong tries are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailuresOf {
    /// Of one authenticator.
    Authenticator(AuthenticatorId),
    /// Of the account: password and all authenticators together.
    Subscriber(SubscriberId),
}

// Accounts.
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
}

// Addresses and the links of mails.
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

    /// Keeps the record behind a link.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_link(&mut self, link: &LinkRecord) -> Result<(), StoreError> {
        diesel::insert_into(email_link::table)
            .values((
                email_link::token_hash.eq(link.token_hash.to_vec()),
                email_link::purpose.eq(link.purpose.as_str()),
                email_link::sealed.eq(link.sealed.clone()),
                email_link::made_at.eq(milliseconds(link.made_at)),
                email_link::expires_at.eq(milliseconds(link.expires_at)),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// The record behind a link, used up or expired ones included.
    ///
    /// # Errors
    /// When the database fails.
    pub fn link(&mut self, token_hash: &[u8; 32]) -> Result<Option<LinkRecord>, StoreError> {
        type Row = (String, Vec<u8>, i64, i64, Option<i64>);
        let row: Option<Row> = email_link::table
            .find(token_hash.to_vec())
            .select((
                email_link::purpose,
                email_link::sealed,
                email_link::made_at,
                email_link::expires_at,
                email_link::used_at,
            ))
            .first(self.connection)
            .optional()?;
        row.map(|(purpose, sealed, made_at, expires_at, used_at)| {
            Ok(LinkRecord {
                token_hash: *token_hash,
                purpose: LinkPurpose::from_stored(&purpose)
                    .ok_or(StoreError::InconsistentRow { table: "email_link", column: "purpose" })?,
                sealed,
                made_at: instant(made_at, "email_link", "made_at")?,
                expires_at: instant(expires_at, "email_link", "expires_at")?,
                used_at: maybe_instant(used_at, "email_link", "used_at")?,
            })
        })
        .transpose()
    }

    /// Uses a link up; `false` when it is used, expired or unknown. Of two that try at once, one succeeds.
    ///
    /// # Errors
    /// When the database fails.
    pub fn use_link(&mut self, token_hash: &[u8; 32], now: UtcDateTime) -> Result<bool, StoreError> {
        let now = milliseconds(now);
        let used = diesel::update(
            email_link::table
                .filter(email_link::token_hash.eq(token_hash.to_vec()))
                .filter(email_link::used_at.is_null())
                .filter(email_link::expires_at.gt(now)),
        )
        .set(email_link::used_at.eq(Some(now)))
        .execute(self.connection)?;
        Ok(used == 1)
    }
}

// Authenticators.
impl Transaction<'_> {
    /// Sets the password's verifier, in place of the one before.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_password(&mut self, of: SubscriberId, verifier: &[u8], now: UtcDateTime) -> Result<(), StoreError> {
        let key = of.as_bytes().to_vec();
        diesel::delete(password_credential::table.find(key.clone())).execute(self.connection)?;
        diesel::insert_into(password_credential::table)
            .values((
                password_credential::subscriber.eq(key),
                password_credential::verifier.eq(verifier.to_vec()),
                password_credential::set_at.eq(milliseconds(now)),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// The password's verifier and when it was set.
    ///
    /// # Errors
    /// When the database fails.
    pub fn password_of(&mut self, of: SubscriberId) -> Result<Option<(Vec<u8>, UtcDateTime)>, StoreError> {
        let row: Option<(Vec<u8>, i64)> = password_credential::table
            .find(of.as_bytes().to_vec())
            .select((password_credential::verifier, password_credential::set_at))
            .first(self.connection)
            .optional()?;
        row.map(|(verifier, set_at)| Ok((verifier, instant(set_at, "password_credential", "set_at")?))).transpose()
    }

    /// Adds an authenticator; `false` when its fingerprint is taken, by this account or another.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_authenticator(&mut self, record: &AuthenticatorRecord) -> Result<bool, StoreError> {
        let values = (
            authenticator::id.eq(record.id.as_bytes().to_vec()),
            authenticator::subscriber.eq(record.subscriber.as_bytes().to_vec()),
            authenticator::kind.eq(record.kind.as_str()),
            authenticator::name_sealed.eq(record.name_sealed.clone()),
            authenticator::sealed.eq(record.sealed.clone()),
            authenticator::fingerprint.eq(record.fingerprint.map(|print| print.to_vec())),
            authenticator::counter.eq(i64::try_from(record.counter).unwrap_or(i64::MAX)),
            authenticator::failures_in_a_row.eq(0),
            authenticator::created_at.eq(milliseconds(record.created_at)),
        );
        let added = on_each!(self.connection, inner => diesel::insert_into(authenticator::table)
            .values(values)
            .on_conflict_do_nothing()
            .execute(inner))?;
        Ok(added == 1)
    }

    /// All authenticators of an account beside the password, the oldest first; ended ones included.
    ///
    /// # Errors
    /// When the database fails.
    pub fn authenticators_of(&mut self, of: SubscriberId) -> Result<Vec<AuthenticatorRecord>, StoreError> {
        authenticator::table
            .filter(authenticator::subscriber.eq(of.as_bytes().to_vec()))
            .order((authenticator::created_at, authenticator::id))
            .select(AuthenticatorRow::as_select())
            .load::<AuthenticatorRow>(self.connection)?
            .into_iter()
            .map(AuthenticatorRecord::try_from)
            .collect()
    }

    /// One authenticator of an account.
    ///
    /// # Errors
    /// When the database fails.
    pub fn authenticator(
        &mut self,
        of: SubscriberId,
        id: AuthenticatorId,
    ) -> Result<Option<AuthenticatorRecord>, StoreError> {
        Ok(self.authenticators_of(of)?.into_iter().find(|record| record.id == id))
    }

    /// Calls an authenticator something else; says whether it is there.
    ///
    /// # Errors
    /// When the database fails.
    pub fn rename_authenticator(
        &mut self,
        of: SubscriberId,
        id: AuthenticatorId,
        name_sealed: &[u8],
    ) -> Result<bool, StoreError> {
        let renamed = diesel::update(
            authenticator::table
                .filter(authenticator::id.eq(id.as_bytes().to_vec()))
                .filter(authenticator::subscriber.eq(of.as_bytes().to_vec())),
        )
        .set(authenticator::name_sealed.eq(name_sealed.to_vec()))
        .execute(self.connection)?;
        Ok(renamed == 1)
    }

    /// Takes an authenticator from an account, unless it is the last one that works; its vault slot goes with it. Of two
    /// tabs that each remove one of the last two, one succeeds.
    ///
    /// # Errors
    /// When the database fails.
    pub fn remove_authenticator(&mut self, of: SubscriberId, id: AuthenticatorId) -> Result<bool, StoreError> {
        self.lock_subscriber(of)?;
        let all = self.authenticators_of(of)?;
        let others = all.iter().filter(|record| record.id != id && record.disabled_at.is_none()).count();
        if others == 0 || !all.iter().any(|record| record.id == id) {
            return Ok(false);
        }
        let key = id.as_bytes().to_vec();
        diesel::delete(vault_slot::table.filter(vault_slot::authenticator.eq(Some(key.clone()))))
            .execute(self.connection)?;
        let removed = diesel::delete(authenticator::table.find(key)).execute(self.connection)?;
        Ok(removed == 1)
    }

    /// Ends an authenticator after too many wrong tries.
    ///
    /// # Errors
    /// When the database fails.
    pub fn disable_authenticator(&mut self, id: AuthenticatorId, now: UtcDateTime) -> Result<(), StoreError> {
        diesel::update(authenticator::table.find(id.as_bytes().to_vec()))
            .set(authenticator::disabled_at.eq(Some(milliseconds(now))))
            .execute(self.connection)?;
        Ok(())
    }

    /// Accepts the time step of an app's code, if it is later than the last one that was accepted. Of two that try the
    /// same code at once, one succeeds (SP 800-63B-4, 3.1.4: accepted once).
    ///
    /// # Errors
    /// When the database fails.
    pub fn accept_totp_step(&mut self, id: AuthenticatorId, step: u64, now: UtcDateTime) -> Result<bool, StoreError> {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let accepted = diesel::update(
            authenticator::table
                .filter(authenticator::id.eq(id.as_bytes().to_vec()))
                .filter(authenticator::counter.lt(step))
                .filter(authenticator::disabled_at.is_null()),
        )
        .set((authenticator::counter.eq(step), authenticator::last_used_at.eq(Some(milliseconds(now)))))
        .execute(self.connection)?;
        Ok(accepted == 1)
    }

    /// Keeps a WebAuthn credential as the answer left it, if the counter is still the one that it was judged by.
    ///
    /// # Errors
    /// When the database fails.
    pub fn record_webauthn_use(
        &mut self,
        id: AuthenticatorId,
        judged_by: u64,
        sealed: &[u8],
        counter: u64,
        now: UtcDateTime,
    ) -> Result<bool, StoreError> {
        let used = diesel::update(
            authenticator::table
                .filter(authenticator::id.eq(id.as_bytes().to_vec()))
                .filter(authenticator::counter.eq(i64::try_from(judged_by).unwrap_or(i64::MAX)))
                .filter(authenticator::disabled_at.is_null()),
        )
        .set((
            authenticator::sealed.eq(sealed.to_vec()),
            authenticator::counter.eq(i64::try_from(counter).unwrap_or(i64::MAX)),
            authenticator::last_used_at.eq(Some(milliseconds(now))),
        ))
        .execute(self.connection)?;
        Ok(used == 1)
    }

    /// Remembers that an authenticator without a counter was used.
    ///
    /// # Errors
    /// When the database fails.
    pub fn touch_authenticator(&mut self, id: AuthenticatorId, now: UtcDateTime) -> Result<(), StoreError> {
        diesel::update(authenticator::table.find(id.as_bytes().to_vec()))
            .set(authenticator::last_used_at.eq(Some(milliseconds(now))))
            .execute(self.connection)?;
        Ok(())
    }

    /// Keeps a code that is about to be sent, in place of an earlier one for the same purpose.
    ///
    /// # Errors
    /// When the database fails.
    pub fn put_code(&mut self, of: SubscriberId, purpose: CodePurpose, code: &IssuedCode) -> Result<(), StoreError> {
        let key = (of.as_bytes().to_vec(), purpose.as_str());
        diesel::delete(out_of_band_code::table.find(key.clone())).execute(self.connection)?;
        diesel::insert_into(out_of_band_code::table)
            .values((
                out_of_band_code::subscriber.eq(key.0),
                out_of_band_code::purpose.eq(key.1),
                out_of_band_code::mac.eq(code.mac.to_bytes().to_vec()),
                out_of_band_code::expires_at.eq(milliseconds(code.expires_at)),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// The code that was sent last for a purpose, unless it was used.
    ///
    /// # Errors
    /// When the database fails.
    pub fn code_of(&mut self, of: SubscriberId, purpose: CodePurpose) -> Result<Option<IssuedCode>, StoreError> {
        let row: Option<(Vec<u8>, i64)> = out_of_band_code::table
            .find((of.as_bytes().to_vec(), purpose.as_str()))
            .filter(out_of_band_code::consumed_at.is_null())
            .select((out_of_band_code::mac, out_of_band_code::expires_at))
            .first(self.connection)
            .optional()?;
        row.map(|(mac, expires_at)| {
            let mac = Mac::from_bytes(&mac)
                .map_err(|_| StoreError::InconsistentRow { table: "out_of_band_code", column: "mac" })?;
            Ok(IssuedCode { mac, expires_at: instant(expires_at, "out_of_band_code", "expires_at")? })
        })
        .transpose()
    }

    /// Uses a code up; `false` when it is used, replaced or expired. Of two that try at once, one succeeds.
    ///
    /// # Errors
    /// When the database fails.
    pub fn consume_code(
        &mut self,
        of: SubscriberId,
        purpose: CodePurpose,
        code: &IssuedCode,
        now: UtcDateTime,
    ) -> Result<bool, StoreError> {
        let now = milliseconds(now);
        let consumed = diesel::update(
            out_of_band_code::table
                .filter(out_of_band_code::subscriber.eq(of.as_bytes().to_vec()))
                .filter(out_of_band_code::purpose.eq(purpose.as_str()))
                .filter(out_of_band_code::mac.eq(code.mac.to_bytes().to_vec()))
                .filter(out_of_band_code::consumed_at.is_null())
                .filter(out_of_band_code::expires_at.gt(now)),
        )
        .set(out_of_band_code::consumed_at.eq(Some(now)))
        .execute(self.connection)?;
        Ok(consumed == 1)
    }

    /// The wrong tries so far.
    ///
    /// # Errors
    /// When the database fails.
    pub fn failures(&mut self, of: FailuresOf) -> Result<FailureCount, StoreError> {
        let row: Option<(i32, Option<i64>)> = match of {
            FailuresOf::Authenticator(id) => authenticator::table
                .find(id.as_bytes().to_vec())
                .select((authenticator::failures_in_a_row, authenticator::locked_until))
                .first(self.connection)
                .optional()?,
            FailuresOf::Subscriber(id) => subscriber::table
                .find(id.as_bytes().to_vec())
                .select((subscriber::failures_in_a_row, subscriber::locked_until))
                .first(self.connection)
                .optional()?,
        };
        row.map_or(Ok(FailureCount::default()), failure_count)
    }

    /// Counts a wrong try, in one step with reading the count: no two wrong tries count as one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn count_failure(
        &mut self,
        of: FailuresOf,
        rule: &FailureRule,
        now: UtcDateTime,
    ) -> Result<FailureCount, StoreError> {
        match of {
            FailuresOf::Authenticator(id) => self.lock_authenticator(id)?,
            FailuresOf::Subscriber(id) => self.lock_subscriber(id)?,
        }
        let after = rule.wrong(self.failures(of)?, now);
        self.set_failures(of, after)?;
        Ok(after)
    }

    /// Forgets the wrong tries after a right one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_failures(&mut self, of: FailuresOf) -> Result<(), StoreError> {
        self.set_failures(of, FailureCount::default())
    }

    fn set_failures(&mut self, of: FailuresOf, count: FailureCount) -> Result<(), StoreError> {
        let in_a_row = i32::try_from(count.in_a_row).unwrap_or(i32::MAX);
        let locked_until = count.locked_until.map(milliseconds);
        match of {
            FailuresOf::Authenticator(id) => diesel::update(authenticator::table.find(id.as_bytes().to_vec()))
                .set((authenticator::failures_in_a_row.eq(in_a_row), authenticator::locked_until.eq(locked_until)))
                .execute(self.connection)?,
            FailuresOf::Subscriber(id) => diesel::update(subscriber::table.find(id.as_bytes().to_vec()))
                .set((subscriber::failures_in_a_row.eq(in_a_row), subscriber::locked_until.eq(locked_until)))
                .execute(self.connection)?,
        };
        Ok(())
    }

    /// Holds the account's row to the end of the transaction. SQLite's one writer holds everything already.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lock_subscriber(&mut self, id: SubscriberId) -> Result<(), StoreError> {
        if let super::AnyConnection::Postgresql(inner) = self.connection {
            subscriber::table
                .find(id.as_bytes().to_vec())
                .select(subscriber::status)
                .for_update()
                .first::<String>(inner)
                .optional()?;
        }
        Ok(())
    }

    fn lock_authenticator(&mut self, id: AuthenticatorId) -> Result<(), StoreError> {
        if let super::AnyConnection::Postgresql(inner) = self.connection {
            authenticator::table
                .find(id.as_bytes().to_vec())
                .select(authenticator::kind)
                .for_update()
                .first::<String>(inner)
                .optional()?;
        }
        Ok(())
    }
}

// The vault.
impl Transaction<'_> {
    /// Adds a way to open the vault, in place of the one of its kind (of its passkey, for a passkey).
    ///
    /// # Errors
    /// When the database fails.
    pub fn put_slot(
        &mut self,
        of: SubscriberId,
        slot: &SealedSlot,
        passkey: Option<AuthenticatorId>,
        now: UtcDateTime,
    ) -> Result<(), StoreError> {
        let passkey = passkey.map(|id| id.as_bytes().to_vec());
        self.drop_slots(of, slot.kind, passkey.clone())?;
        diesel::insert_into(vault_slot::table)
            .values((
                vault_slot::id.eq(slot.id.as_bytes().to_vec()),
                vault_slot::subscriber.eq(of.as_bytes().to_vec()),
                vault_slot::kind.eq(slot.kind.as_str()),
                vault_slot::authenticator.eq(passkey),
                vault_slot::sealed.eq(slot.as_bytes().to_vec()),
                vault_slot::created_at.eq(milliseconds(now)),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// The ways to open a vault.
    ///
    /// # Errors
    /// When the database fails.
    pub fn slots_of(&mut self, of: SubscriberId) -> Result<Vec<SealedSlot>, StoreError> {
        vault_slot::table
            .filter(vault_slot::subscriber.eq(of.as_bytes().to_vec()))
            .select((vault_slot::id, vault_slot::kind, vault_slot::sealed))
            .load::<(Vec<u8>, String, Vec<u8>)>(self.connection)?
            .into_iter()
            .map(|(id, kind, sealed)| {
                let kind = SlotKind::from_stored(&kind)
                    .ok_or(StoreError::InconsistentRow { table: "vault_slot", column: "kind" })?;
                Ok(SealedSlot::from_stored(typed::<SlotId, _>(id.as_slice(), "vault_slot", "id")?, kind, sealed))
            })
            .collect()
    }

    /// Drops a way to open the vault.
    ///
    /// # Errors
    /// When the database fails.
    pub fn drop_slot(&mut self, of: SubscriberId, kind: SlotKind) -> Result<(), StoreError> {
        self.drop_slots(of, kind, None)
    }

    fn drop_slots(&mut self, of: SubscriberId, kind: SlotKind, passkey: Option<Vec<u8>>) -> Result<(), StoreError> {
        let mine = vault_slot::subscriber.eq(of.as_bytes().to_vec()).and(vault_slot::kind.eq(kind.as_str()));
        match passkey {
            Some(passkey) => {
                diesel::delete(vault_slot::table.filter(mine).filter(vault_slot::authenticator.eq(Some(passkey))))
                    .execute(self.connection)?
            }
            None => diesel::delete(vault_slot::table.filter(mine)).execute(self.connection)?,
        };
        Ok(())
    }

    /// Puts the rows of a profile in place of all that were there: a profile is sealed as a whole.
    ///
    /// # Errors
    /// When the database fails.
    pub fn replace_profile(
        &mut self,
        of: SubscriberId,
        rows: &[ProfileRow],
        now: UtcDateTime,
    ) -> Result<(), StoreError> {
        let key = of.as_bytes().to_vec();
        diesel::delete(vault_attribute::table.filter(vault_attribute::subscriber.eq(key.clone())))
            .execute(self.connection)?;
        for row in rows {
            diesel::insert_into(vault_attribute::table)
                .values((
                    vault_attribute::subscriber.eq(key.clone()),
                    vault_attribute::attribute.eq(row.attribute.clone()),
                    vault_attribute::version.eq(i32::try_from(row.version).unwrap_or(i32::MAX)),
                    vault_attribute::sealed.eq(row.sealed.as_bytes().to_vec()),
                    vault_attribute::created_at.eq(milliseconds(now)),
                ))
                .execute(self.connection)?;
        }
        Ok(())
    }

    /// The rows of a profile, for [`Profile::open`](crate::subscriber::vault::Profile::open).
    ///
    /// # Errors
    /// When the database fails.
    pub fn profile_of(&mut self, of: SubscriberId) -> Result<Vec<ProfileRow>, StoreError> {
        vault_attribute::table
            .filter(vault_attribute::subscriber.eq(of.as_bytes().to_vec()))
            .order(vault_attribute::attribute)
            .select((vault_attribute::attribute, vault_attribute::version, vault_attribute::sealed))
            .load::<(String, i32, Vec<u8>)>(self.connection)?
            .into_iter()
            .map(|(attribute, version, sealed)| {
                let version = typed(version, "vault_attribute", "version")?;
                Ok(ProfileRow { attribute, version, sealed: SealedAttribute::from_stored(sealed) })
            })
            .collect()
    }

    /// Says that the profile was proofed: to which identity assurance level, when, and until when that holds.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_proofed_profile(
        &mut self,
        of: SubscriberId,
        ial: u8,
        verified_at: UtcDateTime,
        expires_at: Option<UtcDateTime>,
    ) -> Result<(), StoreError> {
        let key = of.as_bytes().to_vec();
        diesel::delete(proofed_profile::table.find(key.clone())).execute(self.connection)?;
        diesel::insert_into(proofed_profile::table)
            .values((
                proofed_profile::subscriber.eq(key),
                proofed_profile::ial.eq(i32::from(ial)),
                proofed_profile::verified_at.eq(milliseconds(verified_at)),
                proofed_profile::expires_at.eq(expires_at.map(milliseconds)),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// The level to which the profile was proofed, when, and until when that holds.
    ///
    /// # Errors
    /// When the database fails.
    pub fn proofed_profile_of(
        &mut self,
        of: SubscriberId,
    ) -> Result<Option<(u8, UtcDateTime, Option<UtcDateTime>)>, StoreError> {
        let row: Option<(i32, i64, Option<i64>)> = proofed_profile::table
            .find(of.as_bytes().to_vec())
            .select((proofed_profile::ial, proofed_profile::verified_at, proofed_profile::expires_at))
            .first(self.connection)
            .optional()?;
        row.map(|(ial, verified_at, expires_at)| {
            Ok((
                typed(ial, "proofed_profile", "ial")?,
                instant(verified_at, "proofed_profile", "verified_at")?,
                maybe_instant(expires_at, "proofed_profile", "expires_at")?,
            ))
        })
        .transpose()
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

#[derive(Queryable, Selectable)]
#[diesel(table_name = authenticator)]
struct AuthenticatorRow {
    id: Vec<u8>,
    subscriber: Vec<u8>,
    kind: String,
    name_sealed: Vec<u8>,
    sealed: Vec<u8>,
    fingerprint: Option<Vec<u8>>,
    counter: i64,
    failures_in_a_row: i32,
    locked_until: Option<i64>,
    created_at: i64,
    last_used_at: Option<i64>,
    disabled_at: Option<i64>,
}

impl TryFrom<AuthenticatorRow> for AuthenticatorRecord {
    type Error = StoreError;

    fn try_from(row: AuthenticatorRow) -> Result<Self, StoreError> {
        const TABLE: &str = "authenticator";
        Ok(Self {
            id: typed(row.id.as_slice(), TABLE, "id")?,
            subscriber: typed(row.subscriber.as_slice(), TABLE, "subscriber")?,
            kind: AuthenticatorKind::from_stored(&row.kind)
                .ok_or(StoreError::InconsistentRow { table: TABLE, column: "kind" })?,
            name_sealed: row.name_sealed,
            sealed: row.sealed,
            fingerprint: row.fingerprint.map(|print| typed(print.as_slice(), TABLE, "fingerprint")).transpose()?,
            counter: typed(row.counter, TABLE, "counter")?,
            failures: failure_count((row.failures_in_a_row, row.locked_until))?,
            created_at: instant(row.created_at, TABLE, "created_at")?,
            last_used_at: maybe_instant(row.last_used_at, TABLE, "last_used_at")?,
            disabled_at: maybe_instant(row.disabled_at, TABLE, "disabled_at")?,
        })
    }
}

fn failure_count((in_a_row, locked_until): (i32, Option<i64>)) -> Result<FailureCount, StoreError> {
    Ok(FailureCount {
        in_a_row: typed(in_a_row, "failures", "failures_in_a_row")?,
        locked_until: maybe_instant(locked_until, "failures", "locked_until")?,
    })
}
