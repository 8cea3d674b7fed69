//! Which root key stands behind which rows, and putting new octets in the place of old ones: what `signet keys reseal`,
//! `status` and `rotate --retire` need of the database.
//!
//! [`KEYED_COLUMNS`] lists every column that holds something sealed, or a keyed digest. A test compares it with what the
//! migrations say of each column, so that a new one cannot be forgotten.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text};

use super::schema::{
    authenticator, consent, email_address, pairwise_identifier, signing_plan, sp_revision, vault_slot,
};
use super::{AnyConnection, EmailRecord, StoreError, Transaction, typed};
use crate::federation::agreement::AgencyId;
use crate::federation::consent::StoredConsent;
use crate::federation::identifier::StoredPairwiseId;
use crate::federation::registry::StoredRevision;
use crate::rollover::StoredSigningPlan;
use crate::sealing::KeyId;
use crate::storage::AuthenticatorRecord;
use crate::subscriber::SubscriberId;
use crate::subscriber::vault::{SealedSlot, SlotId, SlotKind};

/// What becomes of a column when the root key is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The next sign-in of the row's person makes it anew.
    AtSignIn,
    /// The row ends by itself: most within a day, a known browser in half a year, or with the next sign-in there.
    Ends,
    /// It stays: the key that it needs outlives its root.
    Kept,
    /// No root key is behind it: a hash of a random secret, or what lies under a key of the person's.
    NoRoot,
    /// Made anew with the row's other columns.
    Resealed,
}

/// Where the id of the root key stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyIdAt {
    /// In its first four bytes: a keyed digest.
    Mac,
    /// Nowhere: a fingerprint, or nothing of a root.
    Nowhere,
    /// Behind the mark and the scheme: a sealed value.
    Sealed,
    /// In the keyed digest at the end of a password's verifier.
    Verifier,
}

impl KeyIdAt {
    /// The first byte, counted from 1 as SQL does.
    const fn offset(self) -> Option<u32> {
        match self {
            Self::Mac => Some(1),
            Self::Nowhere => None,
            Self::Sealed => Some(5),
            Self::Verifier => Some(30),
        }
    }
}

/// A column that holds something sealed, or a keyed digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyedColumn {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// What becomes of it.
    pub renewal: Renewal,
    /// Where it names its root key.
    pub key_id: KeyIdAt,
}

const fn column(table: &'static str, column: &'static str, renewal: Renewal, key_id: KeyIdAt) -> KeyedColumn {
    KeyedColumn { table, column, renewal, key_id }
}

/// Every column of the schema that is said to be keyed, sealed or sealed twice.
pub const KEYED_COLUMNS: &[KeyedColumn] = {
    use KeyIdAt::{Mac, Nowhere, Sealed, Verifier};
    use Renewal::{AtSignIn, Ends, Kept, NoRoot, Resealed};
    &[
        column("address_name", "fingerprint", Kept, Nowhere),
        column("adopted_chain", "mac", Kept, Mac),
        column("artifact", "response_sealed", Ends, Sealed),
        column("authenticator", "fingerprint", Resealed, Nowhere),
        column("authenticator", "name_sealed", Resealed, Sealed),
        column("authenticator", "sealed", Resealed, Sealed),
        column("consent", "mac", Resealed, Mac),
        column("disclosure", "assertion_digest", Kept, Nowhere),
        column("disclosure", "content_digest", Kept, Nowhere),
        column("email_address", "fingerprint", Resealed, Nowhere),
        column("email_address", "sealed", Resealed, Sealed),
        column("email_link", "sealed", Ends, Sealed),
        column("email_link", "token_hash", NoRoot, Nowhere),
        column("known_browser", "id", Ends, Nowhere),
        column("known_browser", "mac", Ends, Mac),
        column("logout", "relay_state_sealed", Ends, Sealed),
        column("logout_session", "session", NoRoot, Nowhere),
        column("logout_step", "name_id_sealed", Ends, Sealed),
        column("out_of_band_code", "mac", Ends, Mac),
        column("outbox", "sealed", Ends, Sealed),
        column("pairwise_identifier", "mac", Resealed, Mac),
        column("password_credential", "mac", Resealed, Mac),
        column("password_credential", "verifier", AtSignIn, Verifier),
        column("pending_request", "received_sealed", Ends, Sealed),
        column("pending_request", "session", NoRoot, Nowhere),
        column("proofed_profile", "mac", Resealed, Mac),
        column("service_address", "mac", Resealed, Mac),
        column("session", "id_hash", NoRoot, Nowhere),
        column("session", "sealed", Ends, Sealed),
        column("session_participant", "name_id_sealed", Ends, Sealed),
        column("session_participant", "session", NoRoot, Nowhere),
        column("signing_plan", "mac", Resealed, Mac),
        column("sp_revision", "mac", Resealed, Mac),
        column("subscriber", "mac", Resealed, Mac),
        column("throttle", "key_hash", Ends, Nowhere),
        column("vault_attribute", "sealed", NoRoot, Nowhere),
        column("vault_slot", "sealed", Resealed, Sealed),
    ]
};

/// A table whose rows are made anew one by one, and found by one column of octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResealedTable {
    /// The table.
    pub name: &'static str,
    /// The column by which a row is found.
    pub key: &'static str,
}

#[derive(QueryableByName)]
struct RowsOfKey {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

#[derive(QueryableByName)]
struct RowKey {
    #[diesel(sql_type = Binary)]
    key: Vec<u8>,
}

impl Transaction<'_> {
    /// How many rows each root key stands behind, in one column. Rows whose octets were emptied are behind none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn rows_by_root_key(&mut self, column: &KeyedColumn) -> Result<BTreeMap<KeyId, u64>, StoreError> {
        let KeyedColumn { table, column: name, key_id, .. } = *column;
        let Some(offset) = key_id.offset() else { return Ok(BTreeMap::new()) };
        let hex = match self.connection {
            AnyConnection::Postgresql(_) => format!("encode(substring({name} from {offset} for 4), 'hex')"),
            AnyConnection::Sqlite(_) => format!("lower(hex(substr({name}, {offset}, 4)))"),
        };
        let rows: Vec<RowsOfKey> = diesel::sql_query(format!(
            "SELECT {hex} AS key, count(*) AS rows FROM {table} WHERE length({name}) > 0 GROUP BY 1"
        ))
        .load(self.connection)?;
        // What has no key id that can be read is no work of ours.
        let counted = rows
            .into_iter()
            .filter_map(|row| Some((KeyId::from_str_radix(&row.key, 16).ok()?, u64::try_from(row.rows).ok()?)));
        Ok(counted.collect())
    }

    /// The next rows of a table, after the one with the key `after`, that hold something of another root key than `newest`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn rows_of_older_keys(
        &mut self,
        table: ResealedTable,
        newest: KeyId,
        after: &[u8],
        limit: u32,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let ResealedTable { name, key } = table;
        let newest = newest.to_be_bytes().to_vec();
        let columns = KEYED_COLUMNS
            .iter()
            .filter(|column| column.table == name && column.renewal == Renewal::Resealed)
            .filter_map(|column| Some((column.column, column.key_id.offset()?)));
        let (first, second) = match self.connection {
            AnyConnection::Postgresql(_) => ("$1", "$2"),
            AnyConnection::Sqlite(_) => ("?1", "?2"),
        };
        let older: Vec<String> = columns
            .map(|(column, offset)| match self.connection {
                AnyConnection::Postgresql(_) => {
                    format!("(length({column}) > 0 AND substring({column} from {offset} for 4) <> {second})")
                }
                AnyConnection::Sqlite(_) => {
                    format!("(length({column}) > 0 AND substr({column}, {offset}, 4) <> {second})")
                }
            })
            .collect();
        let query = diesel::sql_query(format!(
            "SELECT {key} AS key FROM {name} WHERE {key} > {first} AND ({}) ORDER BY {key} LIMIT {limit}",
            older.join(" OR ")
        ))
        .bind::<Binary, _>(after.to_vec())
        .bind::<Binary, _>(newest);
        let rows: Vec<RowKey> = match self.connection {
            AnyConnection::Postgresql(inner) => query.load(inner)?,
            AnyConnection::Sqlite(inner) => query.load(inner)?,
        };
        Ok(rows.into_iter().map(|row| row.key).collect())
    }

    /// Puts a new keyed digest in the place of an old one, if the old one is still there; says whether it was.
    ///
    /// # Errors
    /// When the database fails.
    pub fn replace_mac(
        &mut self,
        table: ResealedTable,
        key: &[u8],
        old: &[u8],
        new: &[u8],
    ) -> Result<bool, StoreError> {
        let ResealedTable { name, key: found_by } = table;
        let place = match self.connection {
            AnyConnection::Postgresql(_) => ["$1", "$2", "$3"],
            AnyConnection::Sqlite(_) => ["?1", "?2", "?3"],
        };
        let [first, second, third] = place;
        let query =
            diesel::sql_query(format!("UPDATE {name} SET mac = {first} WHERE {found_by} = {second} AND mac = {third}"))
                .bind::<Binary, _>(new.to_vec())
                .bind::<Binary, _>(key.to_vec())
                .bind::<Binary, _>(old.to_vec());
        let replaced = match self.connection {
            AnyConnection::Postgresql(inner) => query.execute(inner)?,
            AnyConnection::Sqlite(inner) => query.execute(inner)?,
        };
        Ok(replaced == 1)
    }

    /// Puts an address sealed anew in the place of the old one, if that is still there; says whether it was.
    ///
    /// # Errors
    /// When the database fails.
    pub fn replace_email(&mut self, old: &EmailRecord, new: &EmailRecord) -> Result<bool, StoreError> {
        let same = email_address::table.find(old.id.as_bytes().to_vec());
        let replaced = diesel::update(same.filter(email_address::sealed.eq(old.sealed.clone())))
            .set((
                email_address::fingerprint.eq(new.fingerprint.to_vec()),
                email_address::sealed.eq(new.sealed.clone()),
            ))
            .execute(self.connection)?;
        Ok(replaced == 1)
    }

    /// Puts an authenticator sealed anew in the place of the old one, if that is still there; says whether it was.
    ///
    /// # Errors
    /// When the database fails.
    pub fn replace_authenticator(
        &mut self,
        old: &AuthenticatorRecord,
        new: &AuthenticatorRecord,
    ) -> Result<bool, StoreError> {
        let same = authenticator::table
            .find(old.id.as_bytes().to_vec())
            .filter(authenticator::sealed.eq(old.sealed.clone()))
            .filter(authenticator::name_sealed.eq(old.name_sealed.clone()));
        let replaced = diesel::update(same)
            .set((
                authenticator::fingerprint.eq(new.fingerprint.map(|print| print.to_vec())),
                authenticator::sealed.eq(new.sealed.clone()),
                authenticator::name_sealed.eq(new.name_sealed.clone()),
            ))
            .execute(self.connection)?;
        Ok(replaced == 1)
    }

    /// A way to open a vault, by its id, and whose vault it is.
    ///
    /// # Errors
    /// When the database fails.
    pub fn slot(&mut self, id: &[u8]) -> Result<Option<(SubscriberId, SealedSlot)>, StoreError> {
        const TABLE: &str = "vault_slot";
        let row = vault_slot::table
            .find(id.to_vec())
            .select((vault_slot::subscriber, vault_slot::kind, vault_slot::sealed))
            .first::<(Vec<u8>, String, Vec<u8>)>(self.connection)
            .optional()?;
        row.map(|(of, kind, sealed)| {
            let kind =
                SlotKind::from_stored(&kind).ok_or(StoreError::InconsistentRow { table: TABLE, column: "kind" })?;
            let slot = SealedSlot::from_stored(typed::<SlotId, _>(id, TABLE, "id")?, kind, sealed);
            Ok((typed(of.as_slice(), TABLE, "subscriber")?, slot))
        })
        .transpose()
    }

    /// Puts a slot sealed anew in the place of the old one, if that is still there; says whether it was.
    ///
    /// # Errors
    /// When the database fails.
    pub fn replace_slot(&mut self, old: &SealedSlot, new: &SealedSlot) -> Result<bool, StoreError> {
        let same = vault_slot::table.find(old.id.as_bytes().to_vec());
        let replaced = diesel::update(same.filter(vault_slot::sealed.eq(old.as_bytes().to_vec())))
            .set(vault_slot::sealed.eq(new.as_bytes().to_vec()))
            .execute(self.connection)?;
        Ok(replaced == 1)
    }

    /// A consent, by its id, and whose it is.
    ///
    /// # Errors
    /// When the database fails.
    pub fn consent(&mut self, id: &[u8]) -> Result<Option<(SubscriberId, StoredConsent)>, StoreError> {
        type Row = (Vec<u8>, String, Vec<u8>, i64, Option<i64>, Vec<u8>);
        const TABLE: &str = "consent";
        let row: Option<Row> = consent::table
            .find(id.to_vec())
            .select((
                consent::subscriber,
                consent::entity_id,
                consent::scope,
                consent::given_at,
                consent::revoked_at,
                consent::mac,
            ))
            .first(self.connection)
            .optional()?;
        row.map(|(of, entity_id, scope, given_at, revoked_at, mac)| {
            let id = typed(id, TABLE, "id")?;
            let stored = StoredConsent { id, entity_id, scope, given_at, revoked_at, mac };
            Ok((typed(of.as_slice(), TABLE, "subscriber")?, stored))
        })
        .transpose()
    }

    /// By which name an agency knows a person, by that name: with the person and the agency.
    ///
    /// # Errors
    /// When the database fails.
    pub fn pairwise_id_by_value(
        &mut self,
        value: &[u8],
    ) -> Result<Option<(SubscriberId, AgencyId, StoredPairwiseId)>, StoreError> {
        const TABLE: &str = "pairwise_identifier";
        let row = pairwise_identifier::table
            .filter(pairwise_identifier::value.eq(value.to_vec()))
            .select((
                pairwise_identifier::subscriber,
                pairwise_identifier::agency_id,
                pairwise_identifier::created_at,
                pairwise_identifier::mac,
            ))
            .first::<(Vec<u8>, String, i64, Vec<u8>)>(self.connection)
            .optional()?;
        row.map(|(of, agency, created_at, mac)| {
            let agency = AgencyId::parse(&agency)
                .map_err(|_| StoreError::InconsistentRow { table: TABLE, column: "agency_id" })?;
            let stored = StoredPairwiseId { value: value.to_vec(), created_at, mac };
            Ok((typed(of.as_slice(), TABLE, "subscriber")?, agency, stored))
        })
        .transpose()
    }

    /// Puts a new keyed digest in the place of the old one of a service's record; says whether the old one was there.
    ///
    /// # Errors
    /// When the database fails.
    pub fn replace_revision_mac(&mut self, old: &StoredRevision, new: &[u8]) -> Result<bool, StoreError> {
        let key = (old.entity_id.clone(), old.sha256.clone(), old.applied_at);
        let replaced = diesel::update(sp_revision::table.find(key).filter(sp_revision::mac.eq(old.mac.clone())))
            .set(sp_revision::mac.eq(new.to_vec()))
            .execute(self.connection)?;
        Ok(replaced == 1)
    }

    /// Puts a new keyed digest in the place of the old one of a plan of signing keys; says whether the old one was there.
    ///
    /// # Errors
    /// When the database fails.
    pub fn replace_plan_mac(&mut self, old: &StoredSigningPlan, new: &[u8]) -> Result<bool, StoreError> {
        let same = signing_plan::table.find(old.version).filter(signing_plan::mac.eq(old.mac.clone()));
        let replaced = diesel::update(same).set(signing_plan::mac.eq(new.to_vec())).execute(self.connection)?;
        Ok(replaced == 1)
    }
}
