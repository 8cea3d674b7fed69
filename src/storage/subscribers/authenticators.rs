//! Passwords, and the authenticators beside them.

use diesel::prelude::*;
use time::UtcDateTime;

use super::codes::failure_count;
use crate::authentication::password::StoredPassword;
use crate::authentication::throttle::FailureCount;
use crate::authentication::{AuthenticatorId, AuthenticatorKind};
use crate::storage::schema::{authenticator, password_credential, vault_slot};
use crate::storage::{AnyConnection, StoreError, Transaction, instant, maybe_instant, milliseconds, on_each, typed};
use crate::subscriber::SubscriberId;

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

impl Transaction<'_> {
    /// Sets a password, in place of the one before.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_password(&mut self, of: SubscriberId, password: &StoredPassword) -> Result<(), StoreError> {
        let key = of.as_bytes().to_vec();
        diesel::delete(password_credential::table.find(key.clone())).execute(self.connection)?;
        diesel::insert_into(password_credential::table)
            .values((
                password_credential::subscriber.eq(key),
                password_credential::verifier.eq(password.verifier.clone()),
                password_credential::set_at.eq(password.set_at),
                password_credential::mac.eq(password.mac.clone()),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// What the database says of a person's password, for [`StoredPassword::authenticate`](crate::sealing::VouchedRow::authenticate).
    ///
    /// # Errors
    /// When the database fails.
    pub fn password_of(&mut self, of: SubscriberId) -> Result<Option<StoredPassword>, StoreError> {
        let row: Option<(Vec<u8>, i64, Vec<u8>)> = password_credential::table
            .find(of.as_bytes().to_vec())
            .select((password_credential::verifier, password_credential::set_at, password_credential::mac))
            .first(self.connection)
            .optional()?;
        Ok(row.map(|(verifier, set_at, mac)| StoredPassword { verifier, set_at, mac }))
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

    /// An authenticator by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn authenticator(&mut self, id: &[u8]) -> Result<Option<AuthenticatorRecord>, StoreError> {
        let row = authenticator::table.find(id.to_vec()).select(AuthenticatorRow::as_select());
        row.first(self.connection).optional()?.map(AuthenticatorRecord::try_from).transpose()
    }

    /// Which authenticator has this fingerprint.
    ///
    /// # Errors
    /// When the database fails.
    pub fn authenticator_by_fingerprint(&mut self, print: &[u8; 32]) -> Result<Option<AuthenticatorId>, StoreError> {
        let id: Option<Vec<u8>> = authenticator::table
            .filter(authenticator::fingerprint.eq(Some(print.to_vec())))
            .select(authenticator::id)
            .first(self.connection)
            .optional()?;
        id.map(|id| typed(id.as_slice(), "authenticator", "id")).transpose()
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

    pub(super) fn lock_authenticator(&mut self, id: AuthenticatorId) -> Result<(), StoreError> {
        if let AnyConnection::Postgresql(inner) = self.connection {
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
