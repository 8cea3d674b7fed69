//! Requests that wait for their person, and those that were seen.

use std::collections::BTreeSet;

use diesel::prelude::*;
use time::UtcDateTime;

use crate::authentication::session::SessionIdHash;
use crate::id::define_id;
use crate::storage::schema::{pending_request, seen_request};
use crate::storage::{StoreError, Transaction, instant, maybe_instant, milliseconds, on_each, typed};

define_id! {
    /// A request that waits.
    PendingRequestId
}

/// A request that waits while its person visits pages: the message as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRequest {
    /// Its name: the first half of what `/saml/continue/{address}` says.
    pub id: PendingRequestId,
    /// The cookie that it is bound to, by its hash.
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
            pending_request::id.eq(request.id.as_bytes().to_vec()),
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
    pub fn pending_request(
        &mut self,
        id: &PendingRequestId,
        now: UtcDateTime,
    ) -> Result<Option<PendingRequest>, StoreError> {
        const TABLE: &str = "pending_request";
        type Row = (Vec<u8>, String, String, Vec<u8>, i64, i64, Option<i64>);
        let unexpired = pending_request::table
            .find(id.as_bytes().to_vec())
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
    pub fn finish_pending_request(&mut self, id: &PendingRequestId, now: UtcDateTime) -> Result<bool, StoreError> {
        let change = diesel::update(
            pending_request::table
                .filter(pending_request::id.eq(id.as_bytes().to_vec()))
                .filter(pending_request::finished_at.is_null()),
        )
        .set(pending_request::finished_at.eq(Some(milliseconds(now))));
        let finished = on_each!(self.connection, inner => change.execute(inner))?;
        Ok(finished == 1)
    }

    /// Marks requests as answered, and tells which of them were not answered before: one statement for a group, since Diesel
    /// has every UPDATE prepared anew.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::storage) fn finish_pending_requests(
        &mut self,
        ids: &BTreeSet<PendingRequestId>,
        now: UtcDateTime,
    ) -> Result<BTreeSet<PendingRequestId>, StoreError> {
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let change = diesel::update(
            pending_request::table
                .filter(pending_request::id.eq_any(ids.iter().map(|id| id.as_bytes().to_vec()).collect::<Vec<_>>()))
                .filter(pending_request::finished_at.is_null()),
        )
        .set(pending_request::finished_at.eq(Some(milliseconds(now))))
        .returning(pending_request::id);
        let finished: Vec<Vec<u8>> = on_each!(self.connection, inner => change.load(inner))?;
        finished.iter().map(|id| typed(id.as_slice(), "pending_request", "id")).collect()
    }
}
