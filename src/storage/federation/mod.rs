//! Service records by revision, requests that wait, identifiers by agency, and consents.

mod addresses;
mod consents;
mod requests;

use diesel::prelude::*;

pub use requests::{PendingRequest, PendingRequestId};

use super::schema::sp_revision;
use super::{AnyConnection, StoreError, Transaction};
use crate::federation::registry::StoredRevision;

/// The two files of a revision that says of itself that it counts, by its row's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpRevisionFiles {
    /// The hash over both files.
    pub sha256: Vec<u8>,
    /// Which service.
    pub entity_id: String,
    /// When it was applied, in milliseconds since 1970.
    pub applied_at: i64,
    /// `metadata.xml`.
    pub metadata: Vec<u8>,
    /// `agreement.toml`.
    pub agreement: Vec<u8>,
}

impl Transaction<'_> {
    /// What is stored of all revisions of all services, without the files.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sp_revisions(&mut self) -> Result<Vec<StoredRevision>, StoreError> {
        let rows = sp_revision::table
            .order((sp_revision::entity_id, sp_revision::sequence))
            .select(SpRevisionRow::as_select())
            .load::<SpRevisionRow>(self.connection)?;
        Ok(rows.into_iter().map(StoredRevision::from).collect())
    }

    /// The files of every revision that says of itself that it counts.
    ///
    /// # Errors
    /// When the database fails.
    pub fn current_sp_files(&mut self) -> Result<Vec<SpRevisionFiles>, StoreError> {
        let rows = sp_revision::table
            .filter(sp_revision::superseded_at.is_null())
            .select((
                sp_revision::sha256,
                sp_revision::entity_id,
                sp_revision::applied_at,
                sp_revision::metadata,
                sp_revision::agreement,
            ))
            .load::<(Vec<u8>, String, i64, Vec<u8>, Vec<u8>)>(self.connection)?;
        let files = |(sha256, entity_id, applied_at, metadata, agreement)| SpRevisionFiles {
            sha256,
            entity_id,
            applied_at,
            metadata,
            agreement,
        };
        Ok(rows.into_iter().map(files).collect())
    }

    /// Lets one node at a time decide on revisions, until the transaction ends.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lock_sp_revisions(&mut self) -> Result<(), StoreError> {
        match self.connection {
            AnyConnection::Postgresql(inner) => {
                // SHARE ROW EXCLUSIVE lets everybody read, and one write.
                diesel::sql_query("LOCK TABLE sp_revision IN SHARE ROW EXCLUSIVE MODE").execute(inner)?;
            }
            // The one writer has the lock already.
            AnyConnection::Sqlite(_) => {}
        }
        Ok(())
    }

    /// Adds a revision.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_sp_revision(
        &mut self,
        revision: &StoredRevision,
        metadata: &[u8],
        agreement: &[u8],
    ) -> Result<(), StoreError> {
        diesel::insert_into(sp_revision::table)
            .values((
                sp_revision::sha256.eq(revision.sha256.clone()),
                sp_revision::entity_id.eq(revision.entity_id.clone()),
                sp_revision::agency_id.eq(revision.agency_id.clone()),
                sp_revision::folder.eq(revision.folder.clone()),
                sp_revision::metadata.eq(metadata.to_vec()),
                sp_revision::agreement.eq(agreement.to_vec()),
                sp_revision::applied_at.eq(revision.applied_at),
                sp_revision::applied_by.eq(revision.applied_by.clone()),
                sp_revision::sequence.eq(revision.sequence),
                sp_revision::superseded_at.eq(revision.superseded_at),
                sp_revision::mac.eq(revision.mac.clone()),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// Keeps that a revision does not count any more.
    ///
    /// # Errors
    /// When the database fails.
    pub fn supersede_sp_revision(&mut self, revision: &StoredRevision) -> Result<(), StoreError> {
        let key = (revision.entity_id.clone(), revision.sha256.clone(), revision.applied_at);
        diesel::update(sp_revision::table.find(key))
            .set((sp_revision::superseded_at.eq(revision.superseded_at), sp_revision::mac.eq(revision.mac.clone())))
            .execute(self.connection)?;
        Ok(())
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sp_revision)]
struct SpRevisionRow {
    sha256: Vec<u8>,
    entity_id: String,
    agency_id: String,
    folder: String,
    applied_at: i64,
    applied_by: String,
    sequence: i64,
    superseded_at: Option<i64>,
    mac: Vec<u8>,
}

impl From<SpRevisionRow> for StoredRevision {
    fn from(row: SpRevisionRow) -> Self {
        Self {
            sha256: row.sha256,
            entity_id: row.entity_id,
            agency_id: row.agency_id,
            folder: row.folder,
            applied_at: row.applied_at,
            applied_by: row.applied_by,
            sequence: row.sequence,
            superseded_at: row.superseded_at,
            mac: row.mac,
        }
    }
}
