//! By which name an agency knows a person, and what the person agreed to.

use diesel::prelude::*;
use time::UtcDateTime;

use crate::federation::agreement::AgencyId;
use crate::federation::consent::StoredConsent;
use crate::federation::identifier::StoredPairwiseId;
use crate::storage::schema::{consent, pairwise_identifier};
use crate::storage::{StoreError, Transaction, milliseconds, on_each, typed};
use crate::subscriber::SubscriberId;

impl Transaction<'_> {
    /// By which name an agency knows a person: `proposed` when there is none yet. It never changes afterwards; of two
    /// first sign-ins at once, both get the same.
    ///
    /// # Errors
    /// When the database fails.
    pub fn settle_pairwise_id(
        &mut self,
        of: SubscriberId,
        agency: &AgencyId,
        proposed: &StoredPairwiseId,
    ) -> Result<StoredPairwiseId, StoreError> {
        if let Some(known) = self.pairwise_id(of, agency)? {
            return Ok(known);
        }
        let values = (
            pairwise_identifier::subscriber.eq(of.as_bytes().to_vec()),
            pairwise_identifier::agency_id.eq(agency.as_str()),
            pairwise_identifier::value.eq(proposed.value.clone()),
            pairwise_identifier::created_at.eq(proposed.created_at),
            pairwise_identifier::mac.eq(proposed.mac.clone()),
        );
        on_each!(self.connection, inner => diesel::insert_into(pairwise_identifier::table)
            .values(values)
            .on_conflict_do_nothing()
            .execute(inner))?;
        self.pairwise_id(of, agency)?
            .ok_or(StoreError::InconsistentRow { table: "pairwise_identifier", column: "value" })
    }

    /// What is stored of the name by which an agency knows a person, if it does.
    ///
    /// # Errors
    /// When the database fails.
    pub fn pairwise_id(&mut self, of: SubscriberId, agency: &AgencyId) -> Result<Option<StoredPairwiseId>, StoreError> {
        let row = pairwise_identifier::table
            .find((of.as_bytes().to_vec(), agency.as_str()))
            .select((pairwise_identifier::value, pairwise_identifier::created_at, pairwise_identifier::mac))
            .first::<(Vec<u8>, i64, Vec<u8>)>(self.connection)
            .optional()?;
        Ok(row.map(|(value, created_at, mac)| StoredPairwiseId { value, created_at, mac }))
    }

    /// Keeps a consent.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_consent(&mut self, of: SubscriberId, stored: &StoredConsent) -> Result<(), StoreError> {
        diesel::insert_into(consent::table)
            .values((
                consent::id.eq(stored.id.as_bytes().to_vec()),
                consent::subscriber.eq(of.as_bytes().to_vec()),
                consent::entity_id.eq(stored.entity_id.clone()),
                consent::scope.eq(stored.scope.clone()),
                consent::given_at.eq(stored.given_at),
                consent::revoked_at.eq(stored.revoked_at),
                consent::mac.eq(stored.mac.clone()),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// The row of a person's last consent for a service, taken back or not.
    ///
    /// # Errors
    /// When the database fails.
    pub fn last_consent(&mut self, of: SubscriberId, entity_id: &str) -> Result<Option<StoredConsent>, StoreError> {
        let row = consent::table
            .filter(consent::subscriber.eq(of.as_bytes().to_vec()))
            .filter(consent::entity_id.eq(entity_id))
            .order((consent::given_at.desc(), consent::id.desc()))
            .select(ConsentRow::as_select())
            .first::<ConsentRow>(self.connection)
            .optional()?;
        row.map(StoredConsent::try_from).transpose()
    }

    /// The rows of all consents of a person that were not taken back, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn unrevoked_consents_of(&mut self, of: SubscriberId) -> Result<Vec<StoredConsent>, StoreError> {
        consent::table
            .filter(consent::subscriber.eq(of.as_bytes().to_vec()))
            .filter(consent::revoked_at.is_null())
            .order(consent::given_at.desc())
            .select(ConsentRow::as_select())
            .load::<ConsentRow>(self.connection)?
            .into_iter()
            .map(StoredConsent::try_from)
            .collect()
    }

    /// Takes back all that a person agreed to at a service, the older consents too; says whether there was anything. The keyed
    /// digests are erased, so that no row can be made to count again.
    ///
    /// # Errors
    /// When the database fails.
    pub fn revoke_consents(&mut self, of: SubscriberId, entity_id: &str, now: UtcDateTime) -> Result<bool, StoreError> {
        self.hold_consents(of, entity_id)?;
        let revoked = diesel::update(
            consent::table
                .filter(consent::subscriber.eq(of.as_bytes().to_vec()))
                .filter(consent::entity_id.eq(entity_id))
                .filter(consent::revoked_at.is_null()),
        )
        .set((consent::revoked_at.eq(Some(milliseconds(now))), consent::mac.eq(Vec::<u8>::new())))
        .execute(self.connection)?;
        Ok(revoked > 0)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = consent)]
struct ConsentRow {
    id: Vec<u8>,
    entity_id: String,
    scope: Vec<u8>,
    given_at: i64,
    revoked_at: Option<i64>,
    mac: Vec<u8>,
}

impl TryFrom<ConsentRow> for StoredConsent {
    type Error = StoreError;

    fn try_from(row: ConsentRow) -> Result<Self, StoreError> {
        let ConsentRow { id, entity_id, scope, given_at, revoked_at, mac } = row;
        Ok(Self { id: typed(id.as_slice(), "consent", "id")?, entity_id, scope, given_at, revoked_at, mac })
    }
}
