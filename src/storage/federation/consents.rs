//! By which name an agency knows a person, and what the person agreed to.

use diesel::prelude::*;
use time::UtcDateTime;

use crate::federation::agreement::AgencyId;
use crate::federation::consent::{ConsentId, ConsentRecord, ConsentScope};
use crate::federation::identifier::StoredPairwiseId;
use crate::storage::schema::{consent, pairwise_identifier};
use crate::storage::{StoreError, Transaction, instant, maybe_instant, milliseconds, on_each, typed};
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
    pub fn record_consent(&mut self, record: &ConsentRecord) -> Result<(), StoreError> {
        diesel::insert_into(consent::table)
            .values((
                consent::id.eq(record.id.as_bytes().to_vec()),
                consent::subscriber.eq(record.subscriber.as_bytes().to_vec()),
                consent::entity_id.eq(record.scope.entity_id().as_str()),
                consent::scope.eq(record.scope.to_bytes()),
                consent::given_at.eq(milliseconds(record.given_at)),
                consent::revoked_at.eq(record.revoked_at.map(milliseconds)),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// The last consent of a person for a service, taken back or not.
    ///
    /// # Errors
    /// When the database fails.
    pub fn last_consent(&mut self, of: SubscriberId, entity_id: &str) -> Result<Option<ConsentRecord>, StoreError> {
        let row = consent::table
            .filter(consent::subscriber.eq(of.as_bytes().to_vec()))
            .filter(consent::entity_id.eq(entity_id))
            .order((consent::given_at.desc(), consent::id.desc()))
            .select((consent::id, consent::scope, consent::given_at, consent::revoked_at))
            .first::<ConsentRow>(self.connection)
            .optional()?;
        row.map(|row| consent_of(of, row)).transpose()
    }

    /// Every consent of a person, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn consents_of(&mut self, of: SubscriberId) -> Result<Vec<ConsentRecord>, StoreError> {
        consent::table
            .filter(consent::subscriber.eq(of.as_bytes().to_vec()))
            .order(consent::given_at.desc())
            .select((consent::id, consent::scope, consent::given_at, consent::revoked_at))
            .load::<ConsentRow>(self.connection)?
            .into_iter()
            .map(|row| consent_of(of, row))
            .collect()
    }

    /// Takes back what a person agreed to at a service; says whether there was anything.
    ///
    /// # Errors
    /// When the database fails.
    pub fn revoke_consents(&mut self, of: SubscriberId, entity_id: &str, now: UtcDateTime) -> Result<bool, StoreError> {
        let revoked = diesel::update(
            consent::table
                .filter(consent::subscriber.eq(of.as_bytes().to_vec()))
                .filter(consent::entity_id.eq(entity_id))
                .filter(consent::revoked_at.is_null()),
        )
        .set(consent::revoked_at.eq(Some(milliseconds(now))))
        .execute(self.connection)?;
        Ok(revoked > 0)
    }
}

type ConsentRow = (Vec<u8>, Vec<u8>, i64, Option<i64>);

fn consent_of(of: SubscriberId, row: ConsentRow) -> Result<ConsentRecord, StoreError> {
    let (id, scope, given_at, revoked_at) = row;
    Ok(ConsentRecord {
        id: typed::<ConsentId, _>(id.as_slice(), "consent", "id")?,
        subscriber: of,
        scope: ConsentScope::from_bytes(&scope)
            .ok_or(StoreError::InconsistentRow { table: "consent", column: "scope" })?,
        given_at: instant(given_at, "consent", "given_at")?,
        revoked_at: maybe_instant(revoked_at, "consent", "revoked_at")?,
    })
}
