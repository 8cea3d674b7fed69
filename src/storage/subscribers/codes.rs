//! Codes that were sent, and wrong tries at them.

use diesel::prelude::*;
use time::UtcDateTime;

use crate::authentication::AuthenticatorId;
use crate::authentication::out_of_band::{CodePurpose, IssuedCode};
use crate::authentication::throttle::{FailureCount, FailureRule};
use crate::sealing::Mac;
use crate::storage::schema::{authenticator, out_of_band_code, subscriber};
use crate::storage::{StoreError, Transaction, instant, maybe_instant, milliseconds, typed};
use crate::subscriber::SubscriberId;

/// Whose wrong tries are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailuresOf {
    /// Of one authenticator.
    Authenticator(AuthenticatorId),
    /// Of the account: password and all authenticators together.
    Subscriber(SubscriberId),
}

// Codes.
impl Transaction<'_> {
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
}

// Wrong tries.
impl Transaction<'_> {
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
}

pub(super) fn failure_count((in_a_row, locked_until): (i32, Option<i64>)) -> Result<FailureCount, StoreError> {
    Ok(FailureCount {
        in_a_row: typed(in_a_row, "failures", "failures_in_a_row")?,
        locked_until: maybe_instant(locked_until, "failures", "locked_until")?,
    })
}
