//! Service records by revision, requests that wait, identifiers by agency, and consents.

use diesel::prelude::*;
use time::UtcDateTime;

use super::schema::{consent, pairwise_identifier, pending_request, seen_request, sp_revision};
use super::{AnyConnection, StoreError, Transaction, instant, maybe_instant, milliseconds, on_each, typed};
use crate::authentication::session::SessionIdHash;
use crate::federation::consent::{ConsentId, ConsentRecord, ConsentScope};
use crate::federation::identifier::PairwiseId;
use crate::subscriber::SubscriberId;

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

/// A request that waits while its person visits pages: the message as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRequest {
    /// Its name, in `/saml/continue/{id}`.
    pub id: [u8; 16],
    /// The browser session that it is bound to.
    pub session: SessionIdHash,
    /// Who sent it.
    pub entity_id: String,
    /// Its ID.
    pub request_id: String,
    /// The message as it was received, sealed with the service's keys.
    pub received_sealed: Vec<u8>,
    /// When.
    pub received_at: UtcDateTime,
    /// It is gone from this moment on.
    pub expires_at: UtcDateTime,
    /// When it was answered.
    pub finished_at: Option<UtcDateTime>,
}

// Service records.
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

// Requests.
impl Transaction<'_> {
    /// Remembers that a request was seen; `false` when it was seen before. Of two that arrive at once, one is first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn see_request(
        &mut self,
        entity_id: &str,
        request_id: &str,
        expires_at: UtcDateTime,
    ) -> Result<bool, StoreError> {
        let values = (
            seen_request::entity_id.eq(entity_id.to_owned()),
            seen_request::request_id.eq(request_id.to_owned()),
            seen_request::expires_at.eq(milliseconds(expires_at)),
        );
        let added = on_each!(self.connection, inner => diesel::insert_into(seen_request::table)
            .values(values)
            .on_conflict_do_nothing()
            .execute(inner))?;
        Ok(added == 1)
    }

    /// Keeps a request while its person visits pages.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_pending_request(&mut self, request: &PendingRequest) -> Result<(), StoreError> {
        let insertion = diesel::insert_into(pending_request::table).values((
            pending_request::id.eq(request.id.to_vec()),
            pending_request::session.eq(request.session.as_bytes().to_vec()),
            pending_request::entity_id.eq(request.entity_id.clone()),
            pending_request::request_id.eq(request.request_id.clone()),
            pending_request::received_sealed.eq(request.received_sealed.clone()),
            pending_request::received_at.eq(milliseconds(request.received_at)),
            pending_request::expires_at.eq(milliseconds(request.expires_at)),
        ));
        on_each!(self.connection, inner => insertion.execute(inner))?;
        Ok(())
    }

    /// A request that waits, answered ones included, expired ones not. Whoever asks compares the session.
    ///
    /// # Errors
    /// When the database fails.
    pub fn pending_request(&mut self, id: &[u8; 16], now: UtcDateTime) -> Result<Option<PendingRequest>, StoreError> {
        const TABLE: &str = "pending_request";
        type Row = (Vec<u8>, String, String, Vec<u8>, i64, i64, Option<i64>);
        let unexpired = pending_request::table
            .find(id.to_vec())
            .filter(pending_request::expires_at.gt(milliseconds(now)))
            .select((
                pending_request::session,
                pending_request::entity_id,
                pending_request::request_id,
                pending_request::received_sealed,
                pending_request::received_at,
                pending_request::expires_at,
                pending_request::finished_at,
            ));
        let row: Option<Row> = on_each!(self.connection, inner => unexpired.first(inner)).optional()?;
        row.map(|(session, entity_id, request_id, received_sealed, received_at, expires_at, finished_at)| {
            Ok(PendingRequest {
                id: *id,
                session: SessionIdHash::from_bytes(typed(session.as_slice(), TABLE, "session")?),
                entity_id,
                request_id,
                received_sealed,
                received_at: instant(received_at, TABLE, "received_at")?,
                expires_at: instant(expires_at, TABLE, "expires_at")?,
                finished_at: maybe_instant(finished_at, TABLE, "finished_at")?,
            })
        })
        .transpose()
    }

    /// Marks a request as answered; `false` when it was answered before. Of two tabs that answer at once, one does.
    ///
    /// # Errors
    /// When the database fails.
    pub fn finish_pending_request(&mut self, id: &[u8; 16], now: UtcDateTime) -> Result<bool, StoreError> {
        let change = diesel::update(
            pending_request::table
                .filter(pending_request::id.eq(id.to_vec()))
                .filter(pending_request::finished_at.is_null()),
        )
        .set(pending_request::finished_at.eq(Some(milliseconds(now))));
        let finished = on_each!(self.connection, inner => change.execute(inner))?;
        Ok(finished == 1)
    }

    /// Binds a waiting request to another session of the same person: the link of a mail may be opened in a browser
    /// window that was not there when the request arrived.
    ///
    /// # Errors
    /// When the database fails.
    pub fn rebind_pending_request(&mut self, id: &[u8; 16], to: SessionIdHash) -> Result<(), StoreError> {
        diesel::update(pending_request::table.find(id.to_vec()))
            .set(pending_request::session.eq(to.as_bytes().to_vec()))
            .execute(self.connection)?;
        Ok(())
    }

    /// Forgets what has expired; says how much. A seen request is forgotten only when its message would be refused as
    /// stale.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_expired_requests(&mut self, now: UtcDateTime) -> Result<usize, StoreError> {
        let now = milliseconds(now);
        let pending = diesel::delete(pending_request::table.filter(pending_request::expires_at.lt(now)))
            .execute(self.connection)?;
        let seen =
            diesel::delete(seen_request::table.filter(seen_request::expires_at.lt(now))).execute(self.connection)?;
        Ok(pending + seen)
    }
}

// Identifiers and consents.
impl Transaction<'_> {
    /// By which name an agency knows a person: `proposed` when there is none yet. It never changes afterwards; of two
    /// first sign-ins at once, both get the same.
    ///
    /// # Errors
    /// When the database fails.
    pub fn pairwise_id(
        &mut self,
        of: SubscriberId,
        agency_id: &str,
        proposed: PairwiseId,
        now: UtcDateTime,
    ) -> Result<PairwiseId, StoreError> {
        if let Some(known) = self.known_pairwise_id(of, agency_id)? {
            return Ok(known);
        }
        let values = (
            pairwise_identifier::subscriber.eq(of.as_bytes().to_vec()),
            pairwise_identifier::agency_id.eq(agency_id.to_owned()),
            pairwise_identifier::value.eq(proposed.as_bytes().to_vec()),
            pairwise_identifier::created_at.eq(milliseconds(now)),
        );
        on_each!(self.connection, inner => diesel::insert_into(pairwise_identifier::table)
            .values(values)
            .on_conflict_do_nothing()
            .execute(inner))?;
        self.known_pairwise_id(of, agency_id)?
            .ok_or(StoreError::InconsistentRow { table: "pairwise_identifier", column: "value" })
    }

    /// By which name an agency knows a person, if it does.
    ///
    /// # Errors
    /// When the database fails.
    pub fn known_pairwise_id(&mut self, of: SubscriberId, agency_id: &str) -> Result<Option<PairwiseId>, StoreError> {
        let value: Option<Vec<u8>> = pairwise_identifier::table
            .find((of.as_bytes().to_vec(), agency_id))
            .select(pairwise_identifier::value)
            .first(self.connection)
            .optional()?;
        value
            .map(|value| Ok(PairwiseId::from_bytes(typed(value.as_slice(), "pairwise_identifier", "value")?)))
            .transpose()
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
