//! Service records by revision, requests that wait, identifiers by agency, and consents.

mod consents;
mod requests;

use diesel::prelude::*;
use time::UtcDateTime;

pub use requests::PendingRequest;

use super::schema::sp_revision;
use super::{AnyConnection, StoreError, Transaction, instant, milliseconds, typed};

/// One revision of one service's record: the two files of its folder as they were applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpRevision {
    /// The hash over both files; the revision's name.
    pub sha256: [u8; 32],
    /// Which service.
    pub entity_id: String,
    /// Of which agency.
    pub agency_id: String,
    /// The folder it came from, below the metadata folder: `agency/service`.
    pub folder: String,
    /// `metadata.xml`.
    pub metadata: Vec<u8>,
    /// `agreement.toml`.
    pub agreement: Vec<u8>,
    /// When it was applied.
    pub applied_at: UtcDateTime,
    /// By whom: a user of the terminal, or the watcher.
    pub applied_by: String,
}

impl Transaction<'_> {
    /// The revision of every service that counts now.
    ///
    /// # Errors
    /// When the database fails.
    pub fn current_sp_revisions(&mut self) -> Result<Vec<SpRevision>, StoreError> {
        sp_revision::table
            .filter(sp_revision::superseded_at.is_null())
            .order(sp_revision::entity_id)
            .select(SpRevisionRow::as_select())
            .load::<SpRevisionRow>(self.connection)?
            .into_iter()
            .map(SpRevision::try_from)
            .collect()
    }

    /// The agency of every service that ever had a revision: it never changes, whatever becomes of the service.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sp_agencies(&mut self) -> Result<Vec<(String, String)>, StoreError> {
        let pairs = sp_revision::table.select((sp_revision::entity_id, sp_revision::agency_id)).distinct();
        Ok(pairs.load(self.connection)?)
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

    /// Makes a revision the one that counts.
    ///
    /// # Errors
    /// When the database fails.
    pub fn apply_sp_revision(&mut self, revision: &SpRevision) -> Result<(), StoreError> {
        self.retire_sp(&revision.entity_id, revision.applied_at)?;
        diesel::insert_into(sp_revision::table)
            .values((
                sp_revision::sha256.eq(revision.sha256.to_vec()),
                sp_revision::entity_id.eq(revision.entity_id.clone()),
                sp_revision::agency_id.eq(revision.agency_id.clone()),
                sp_revision::folder.eq(revision.folder.clone()),
                sp_revision::metadata.eq(revision.metadata.clone()),
                sp_revision::agreement.eq(revision.agreement.clone()),
                sp_revision::applied_at.eq(milliseconds(revision.applied_at)),
                sp_revision::applied_by.eq(revision.applied_by.clone()),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// Lets no revision of a service count any more, because its folder is gone; says whether one did.
    ///
    /// # Errors
    /// When the database fails.
    pub fn retire_sp(&mut self, entity_id: &str, now: UtcDateTime) -> Result<bool, StoreError> {
        let retired = diesel::update(
            sp_revision::table
                .filter(sp_revision::entity_id.eq(entity_id))
                .filter(sp_revision::superseded_at.is_null()),
        )
        .set(sp_revision::superseded_at.eq(Some(milliseconds(now))))
        .execute(self.connection)?;
        Ok(retired > 0)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sp_revision)]
struct SpRevisionRow {
    sha256: Vec<u8>,
    entity_id: String,
    agency_id: String,
    folder: String,
    metadata: Vec<u8>,
    agreement: Vec<u8>,
    applied_at: i64,
    applied_by: String,
}

impl TryFrom<SpRevisionRow> for SpRevision {
    type Error = StoreError;

    fn try_from(row: SpRevisionRow) -> Result<Self, StoreError> {
        Ok(Self {
            sha256: typed(row.sha256.as_slice(), "sp_revision", "sha256")?,
            entity_id: row.entity_id,
            agency_id: row.agency_id,
            folder: row.folder,
            metadata: row.metadata,
            agreement: row.agreement,
            applied_at: instant(row.applied_at, "sp_revision", "applied_at")?,
            applied_by: row.applied_by,
        })
    }
}
