//! Sealing and vouching for every row anew with the newest root key, so that an older one can be retired.
//!
//! The work runs beside nodes that serve, a few rows a transaction. A row that was made anew says so itself by its key's id, so
//! the work can be stopped and begun again at any time. A row that is not as this service wrote it stays as it is, and is
//! counted. A sign-in that is on its way to a service in the moment in which its consent's row is made anew is asked to begin
//! again, since the ledger takes only the row that the gate looked at.
//!
//! Vouching anew blesses what stands there, also what a thief of the old key wrote. After a leak, rows are compared with
//! a backup from before first.

use std::collections::BTreeMap;

use crate::accounts::{Trouble, authenticators, contacts, is_altered};
use crate::sealing::{KeyId, KeysError, NotVouched, ServiceKeys, VouchedRow};
use crate::storage::{KEYED_COLUMNS, KeyedColumn, Renewal, ResealedTable, Store, StoreError, Transaction};
use crate::subscriber::SubscriberId;

/// How many rows share a transaction.
const BATCH: u32 = 100;
/// How many plans of signing keys there may be: one a step of an operator.
const PLANS: u32 = 100_000;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Rows that the newest key stands behind now.
    pub renewed: u64,
    /// Rows that are not as this service wrote them; they stay as they are.
    pub altered: u64,
    /// Rows that were changed at the same moment; the next run sees them.
    pub missed: u64,
}

impl Resealed {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Altered => self.altered += 1,
            Outcome::Missed => self.missed += 1,
            Outcome::Renewed => self.renewed += 1,
        }
    }
}

/// What became of a row.
#[derive(Clone, Copy)]
enum Outcome {
    Altered,
    Missed,
    Renewed,
}

/// The row that is made anew.
struct Place<'p, 't> {
    tx: &'p mut Transaction<'t>,
    keys: &'p dyn ServiceKeys,
    table: ResealedTable,
    key: &'p [u8],
}

impl Place<'_, '_> {
    /// The person whose row it is, where a table is kept by person.
    fn person(&self) -> Result<SubscriberId, Trouble> {
        let inconsistent = StoreError::InconsistentRow { table: "subscriber", column: "id" };
        SubscriberId::try_from(self.key).map_err(|_| inconsistent.into())
    }

    /// Puts a digest of the newest key in the place of the row's own.
    fn revouch<R: VouchedRow>(&mut self, stored: &R, context: R::Context<'_>) -> Result<Outcome, Trouble> {
        let mac = revouched(stored, context, self.keys)?;
        Ok(replaced(self.tx.replace_mac(self.table, self.key, stored.mac(), &mac)?))
    }
}

/// How a row of a table is made anew.
type Renew = fn(&mut Place<'_, '_>) -> Result<Outcome, Trouble>;

const fn table(name: &'static str, key: &'static str) -> ResealedTable {
    ResealedTable { name, key }
}

const TABLES: &[(ResealedTable, Renew)] = &[
    (table("authenticator", "id"), authenticator),
    (table("consent", "id"), |row| match row.tx.consent(row.key)? {
        Some((of, stored)) => row.revouch(&stored, of),
        None => Ok(Outcome::Missed),
    }),
    (table("email_address", "id"), address),
    (table("pairwise_identifier", "value"), |row| match row.tx.pairwise_id_by_value(row.key)? {
        Some((of, agency, stored)) => row.revouch(&stored, (of, &agency)),
        None => Ok(Outcome::Missed),
    }),
    (table("password_credential", "subscriber"), |row| {
        let of = row.person()?;
        match row.tx.password_of(of)? {
            Some(stored) => row.revouch(&stored, of),
            None => Ok(Outcome::Missed),
        }
    }),
    (table("proofed_profile", "subscriber"), |row| {
        let of = row.person()?;
        match row.tx.stored_proofing_of(of)? {
            Some((stored, list)) => row.revouch(&stored, (of, list.as_ref())),
            None => Ok(Outcome::Missed),
        }
    }),
    (table("service_address", "id"), |row| match row.tx.service_address_by_id(row.key)? {
        Some((of, service, stored)) => row.revouch(&stored, (of, &service)),
        None => Ok(Outcome::Missed),
    }),
    (table("subscriber", "id"), |row| match row.tx.subscriber(row.person()?)? {
        Some(stored) => row.revouch(&stored, ()),
        None => Ok(Outcome::Missed),
    }),
    (table("vault_slot", "id"), slot),
];

/// Tables whose rows are few, and found by more than one column.
const WHOLE_TABLES: &[&str] = &["signing_plan", "sp_revision"];

/// The tables whose rows are made anew.
#[must_use]
pub fn resealed_tables() -> Vec<&'static str> {
    let mut names: Vec<&str> = TABLES.iter().map(|(table, _)| table.name).chain(WHOLE_TABLES.iter().copied()).collect();
    names.sort_unstable();
    names
}

/// Makes every row anew that an older root key stands behind.
///
/// # Errors
/// When the database or the keys fail. What was done until then stays done.
pub fn reseal_blocking(store: &Store, keys: &dyn ServiceKeys) -> Result<Resealed, Trouble> {
    let mut done = Resealed::default();
    let Some(newest) = keys.root_keys().first().copied() else { return Ok(done) };
    for (table, renew) in TABLES {
        let mut after = Vec::new();
        loop {
            let batch = store.transaction_blocking::<_, Trouble, _>(|tx| {
                let rows = tx.rows_of_older_keys(*table, newest, &after, BATCH)?;
                let mut outcomes = Vec::with_capacity(rows.len());
                for row in &rows {
                    outcomes.push(altered_or(renew(&mut Place { tx: &mut *tx, keys, table: *table, key: row }))?);
                }
                Ok((rows.last().cloned(), outcomes))
            })?;
            batch.1.into_iter().for_each(|outcome| done.count(outcome));
            let Some(last) = batch.0 else { break };
            after = last;
        }
    }
    for outcome in store.transaction_blocking(|tx| few(tx, keys, newest))? {
        done.count(outcome);
    }
    Ok(done)
}

/// What is not ours stays; what fails otherwise ends the work.
fn altered_or(outcome: Result<Outcome, Trouble>) -> Result<Outcome, Trouble> {
    match outcome {
        Err(Trouble::Keys(fault)) if is_altered(&fault) => Ok(Outcome::Altered),
        Err(Trouble::Store(StoreError::InconsistentRow { .. })) => Ok(Outcome::Altered),
        outcome => outcome,
    }
}

/// The digest of a row made anew with the newest key.
fn revouched<R: VouchedRow>(row: &R, context: R::Context<'_>, keys: &dyn ServiceKeys) -> Result<Vec<u8>, Trouble> {
    row.revouched(context, keys).map_err(|fault| match fault {
        NotVouched::Altered => KeysError::CannotOpen.into(),
        NotVouched::Keys(fault) => fault.into(),
    })
}

fn replaced(there: bool) -> Outcome {
    if there { Outcome::Renewed } else { Outcome::Missed }
}

fn address(row: &mut Place<'_, '_>) -> Result<Outcome, Trouble> {
    let Some(stored) = row.tx.email(row.key)? else { return Ok(Outcome::Missed) };
    let new = contacts::resealed(row.keys, &stored)?;
    // Two rows of one address, of two keys, cannot be ours: one of them stays.
    if row.tx.email_by_fingerprint(&[new.fingerprint])?.is_some_and(|other| other.id != stored.id) {
        return Ok(Outcome::Altered);
    }
    Ok(replaced(row.tx.replace_email(&stored, &new)?))
}

fn authenticator(row: &mut Place<'_, '_>) -> Result<Outcome, Trouble> {
    let Some(stored) = row.tx.authenticator(row.key)? else { return Ok(Outcome::Missed) };
    let new = authenticators::resealed(row.keys, &stored)?;
    let taken = new.fingerprint.map(|print| row.tx.authenticator_by_fingerprint(&print)).transpose()?.flatten();
    if taken.is_some_and(|other| other != stored.id) {
        return Ok(Outcome::Altered);
    }
    Ok(replaced(row.tx.replace_authenticator(&stored, &new)?))
}

fn slot(row: &mut Place<'_, '_>) -> Result<Outcome, Trouble> {
    let Some((of, stored)) = row.tx.slot(row.key)? else { return Ok(Outcome::Missed) };
    let new = stored.resealed(of, row.keys)?;
    Ok(replaced(row.tx.replace_slot(&stored, &new)?))
}

/// Service records and plans of signing keys, in one transaction: there are few of them.
fn few(tx: &mut Transaction<'_>, keys: &dyn ServiceKeys, newest: KeyId) -> Result<Vec<Outcome>, Trouble> {
    let older = |mac: &[u8]| !mac.is_empty() && !mac.starts_with(&newest.to_be_bytes());
    let mut outcomes = Vec::new();
    tx.lock_sp_revisions()?;
    for stored in tx.sp_revisions()?.iter().filter(|stored| older(&stored.mac)) {
        let renewed = revouched(stored, (), keys).and_then(|mac| Ok(replaced(tx.replace_revision_mac(stored, &mac)?)));
        outcomes.push(altered_or(renewed)?);
    }
    for stored in tx.signing_plans(PLANS)?.iter().filter(|stored| older(&stored.mac)) {
        let renewed = revouched(stored, (), keys).and_then(|mac| Ok(replaced(tx.replace_plan_mac(stored, &mac)?)));
        outcomes.push(altered_or(renewed)?);
    }
    Ok(outcomes)
}

/// What an older root key still stands behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remaining {
    /// Rows that `signet keys reseal` makes anew.
    pub to_reseal: u64,
    /// Passwords that their persons have not used since.
    pub passwords: u64,
    /// Rows that end by themselves: sessions, requests, messages, codes and links.
    pub ending: u64,
}

impl Remaining {
    /// Whether nothing is left.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.to_reseal == 0 && self.passwords == 0 && self.ending == 0
    }

    fn add(&mut self, column: &KeyedColumn, rows: u64) {
        match column.renewal {
            Renewal::AtSignIn => self.passwords += rows,
            Renewal::Ends => self.ending += rows,
            Renewal::Kept | Renewal::NoRoot => {}
            Renewal::Resealed => self.to_reseal += rows,
        }
    }
}

/// What each root key stands behind, the newest included.
///
/// # Errors
/// When the database fails.
pub fn remaining(tx: &mut Transaction<'_>) -> Result<BTreeMap<KeyId, Remaining>, StoreError> {
    let mut all: BTreeMap<KeyId, Remaining> = BTreeMap::new();
    for column in KEYED_COLUMNS {
        for (key, rows) in tx.rows_by_root_key(column)? {
            all.entry(key).or_default().add(column, rows);
        }
    }
    Ok(all)
}
