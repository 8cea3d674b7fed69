//! Logouts under way: who asked, how far they reach, and what became of each service's part. They outlive the session that
//! they end, and a service from which the browser never comes back.

use diesel::prelude::*;
use time::UtcDateTime;

use super::schema::{logout, logout_session, logout_step, session_participant};
use super::{Participant, StoreError, Transaction, instant, maybe_instant, milliseconds, typed};
use crate::authentication::session::LogoutId;
use crate::authentication::session::SessionIdHash;
use crate::federation::single_logout::{Extent, PartOutcome};
use crate::subscriber::SubscriberId;

/// A logout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRecord {
    /// Its name in `/saml/logout/{id}`.
    pub id: LogoutId,
    /// The service that asked; nothing when the person began it here.
    pub asked_by: Option<String>,
    /// The ID of the request that is to be answered; nothing when the service wants no answer.
    pub request_id: Option<String>,
    /// What that service wants back, sealed.
    pub relay_state_sealed: Option<Vec<u8>>,
    /// When it began.
    pub started_at: UtcDateTime,
    /// Until when it can go on.
    pub expires_at: UtcDateTime,
    /// How far it reaches.
    pub extent: Extent,
    /// When the service that asked was answered.
    pub answered_at: Option<UtcDateTime>,
    /// How many redirects the browser has followed since it last showed a page of ours, as far as we know of them.
    pub redirects: i32,
}

/// One service's part in a logout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutStep {
    /// Whose part.
    pub subscriber: SubscriberId,
    /// Its place in the order.
    pub position: i32,
    /// Which service.
    pub entity_id: String,
    /// The assertion that it received: the sealed NameID belongs to it.
    pub assertion_id: String,
    /// Its SessionIndex.
    pub session_index: String,
    /// The NameID, sealed with the service's keys.
    pub name_id_sealed: Vec<u8>,
    /// What became of it.
    pub outcome: PartOutcome,
}

/// What of a session a logout is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogoutSession {
    /// Which session.
    pub session: SessionIdHash,
    /// Whose it was when the logout began.
    pub subscriber: SubscriberId,
}

impl Transaction<'_> {
    /// The sessions in which a service takes part by this SessionIndex, or took part in the last day, with its part.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sessions_by_index(
        &mut self,
        entity_id: &str,
        session_index: &str,
    ) -> Result<Vec<(SessionIdHash, Participant)>, StoreError> {
        session_participant::table
            .filter(session_participant::entity_id.eq(entity_id))
            .filter(session_participant::session_index.eq(session_index))
            .select((
                session_participant::session,
                session_participant::subscriber,
                session_participant::assertion_id,
                session_participant::name_id_sealed,
                session_participant::joined_at,
            ))
            .load::<(Vec<u8>, Vec<u8>, String, Vec<u8>, i64)>(self.connection)?
            .into_iter()
            .map(|(session, subscriber, assertion_id, name_id_sealed, joined_at)| {
                let participant = Participant {
                    subscriber: typed(subscriber.as_slice(), "session_participant", "subscriber")?,
                    entity_id: entity_id.to_owned(),
                    assertion_id,
                    session_index: session_index.to_owned(),
                    name_id_sealed,
                    joined_at: instant(joined_at, "session_participant", "joined_at")?,
                };
                Ok((
                    SessionIdHash::from_bytes(typed(session.as_slice(), "session_participant", "session")?),
                    participant,
                ))
            })
            .collect()
    }

    /// A service ended what it had by this assertion.
    ///
    /// # Errors
    /// When the database fails.
    pub fn end_part(&mut self, part: &LogoutStep, now: UtcDateTime) -> Result<(), StoreError> {
        diesel::update(
            session_participant::table
                .filter(session_participant::entity_id.eq(part.entity_id.as_str()))
                .filter(session_participant::session_index.eq(part.session_index.as_str()))
                .filter(session_participant::assertion_id.eq(part.assertion_id.as_str())),
        )
        .set(session_participant::ended_at.eq(Some(milliseconds(now))))
        .execute(self.connection)?;
        Ok(())
    }

    /// A service ended all that it had in a person's session.
    ///
    /// # Errors
    /// When the database fails.
    pub fn end_parts_of_service(
        &mut self,
        of: LogoutSession,
        entity_id: &str,
        now: UtcDateTime,
    ) -> Result<(), StoreError> {
        diesel::update(
            session_participant::table
                .filter(session_participant::session.eq(of.session.as_bytes().to_vec()))
                .filter(session_participant::subscriber.eq(of.subscriber.as_bytes().to_vec()))
                .filter(session_participant::entity_id.eq(entity_id)),
        )
        .set(session_participant::ended_at.eq(Some(milliseconds(now))))
        .execute(self.connection)?;
        Ok(())
    }

    /// Whether a service has ended what it had by this assertion: another logout of the same session told it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn has_part_ended(&mut self, part: &LogoutStep) -> Result<bool, StoreError> {
        let ended: i64 = session_participant::table
            .filter(session_participant::entity_id.eq(part.entity_id.as_str()))
            .filter(session_participant::session_index.eq(part.session_index.as_str()))
            .filter(session_participant::assertion_id.eq(part.assertion_id.as_str()))
            .filter(session_participant::ended_at.is_not_null())
            .count()
            .get_result(self.connection)?;
        Ok(ended > 0)
    }

    /// Begins a logout of these sessions, each with the assertion by which the asking service knows it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_logout(
        &mut self,
        record: &LogoutRecord,
        sessions: &[(LogoutSession, String)],
    ) -> Result<(), StoreError> {
        diesel::insert_into(logout::table)
            .values((
                logout::id.eq(record.id.as_bytes().to_vec()),
                logout::asked_by.eq(record.asked_by.clone()),
                logout::request_id.eq(record.request_id.clone()),
                logout::relay_state_sealed.eq(record.relay_state_sealed.clone()),
                logout::started_at.eq(milliseconds(record.started_at)),
                logout::expires_at.eq(milliseconds(record.expires_at)),
                logout::extent.eq(record.extent.as_str()),
                logout::redirects.eq(record.redirects),
            ))
            .execute(self.connection)?;
        for (one, assertion_id) in sessions {
            diesel::insert_into(logout_session::table)
                .values((
                    logout_session::logout.eq(record.id.as_bytes().to_vec()),
                    logout_session::session.eq(one.session.as_bytes().to_vec()),
                    logout_session::subscriber.eq(one.subscriber.as_bytes().to_vec()),
                    logout_session::assertion_id.eq(assertion_id.as_str()),
                ))
                .execute(self.connection)?;
        }
        Ok(())
    }

    /// A logout that has not expired.
    ///
    /// # Errors
    /// When the database fails.
    pub fn logout(&mut self, id: &LogoutId, now: UtcDateTime) -> Result<Option<LogoutRecord>, StoreError> {
        const TABLE: &str = "logout";
        type Row = (Option<String>, Option<String>, Option<Vec<u8>>, i64, i64, String, Option<i64>, i32);
        let row: Option<Row> = logout::table
            .find(id.as_bytes().to_vec())
            .filter(logout::expires_at.gt(milliseconds(now)))
            .select((
                logout::asked_by,
                logout::request_id,
                logout::relay_state_sealed,
                logout::started_at,
                logout::expires_at,
                logout::extent,
                logout::answered_at,
                logout::redirects,
            ))
            .first(self.connection)
            .optional()?;
        row.map(|(asked_by, request_id, relay_state_sealed, started_at, expires_at, extent, answered_at, redirects)| {
            Ok(LogoutRecord {
                id: *id,
                asked_by,
                request_id,
                relay_state_sealed,
                started_at: instant(started_at, TABLE, "started_at")?,
                expires_at: instant(expires_at, TABLE, "expires_at")?,
                extent: Extent::parse(&extent).ok_or(StoreError::InconsistentRow { table: TABLE, column: "extent" })?,
                answered_at: maybe_instant(answered_at, TABLE, "answered_at")?,
                redirects,
            })
        })
        .transpose()
    }

    /// The sessions that a logout is about, each with the assertion by which the asking service knows it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sessions_of_logout(&mut self, id: &LogoutId) -> Result<Vec<(LogoutSession, String)>, StoreError> {
        const TABLE: &str = "logout_session";
        logout_session::table
            .filter(logout_session::logout.eq(id.as_bytes().to_vec()))
            .select((logout_session::session, logout_session::subscriber, logout_session::assertion_id))
            .load::<(Vec<u8>, Vec<u8>, String)>(self.connection)?
            .into_iter()
            .map(|(session, subscriber, assertion_id)| {
                let session = SessionIdHash::from_bytes(typed(session.as_slice(), TABLE, "session")?);
                let subscriber = typed(subscriber.as_slice(), TABLE, "subscriber")?;
                Ok((LogoutSession { session, subscriber }, assertion_id))
            })
            .collect()
    }

    /// Decides how far an undecided logout reaches; `false` when it was decided before, or is over.
    ///
    /// # Errors
    /// When the database fails.
    pub fn decide_logout(&mut self, id: &LogoutId, extent: Extent, now: UtcDateTime) -> Result<bool, StoreError> {
        let decided = diesel::update(
            logout::table
                .filter(logout::id.eq(id.as_bytes().to_vec()))
                .filter(logout::expires_at.gt(milliseconds(now)))
                .filter(logout::extent.eq(Extent::Undecided.as_str())),
        )
        .set(logout::extent.eq(extent.as_str()))
        .execute(self.connection)?;
        Ok(decided == 1)
    }

    /// Keeps how many redirects the browser has followed since it last showed a page of ours.
    ///
    /// # Errors
    /// When the database fails.
    pub fn count_logout_redirects(&mut self, id: &LogoutId, redirects: i32) -> Result<(), StoreError> {
        diesel::update(logout::table.find(id.as_bytes().to_vec()))
            .set(logout::redirects.eq(redirects))
            .execute(self.connection)?;
        Ok(())
    }

    /// Marks a logout as answered; `false` when it was answered before.
    ///
    /// # Errors
    /// When the database fails.
    pub fn answer_logout(&mut self, id: &LogoutId, now: UtcDateTime) -> Result<bool, StoreError> {
        let answered = diesel::update(
            logout::table.filter(logout::id.eq(id.as_bytes().to_vec())).filter(logout::answered_at.is_null()),
        )
        .set(logout::answered_at.eq(Some(milliseconds(now))))
        .execute(self.connection)?;
        Ok(answered == 1)
    }

    /// Adds a service's part.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_logout_step(&mut self, id: &LogoutId, step: &LogoutStep) -> Result<(), StoreError> {
        diesel::insert_into(logout_step::table)
            .values((
                logout_step::logout.eq(id.as_bytes().to_vec()),
                logout_step::subscriber.eq(step.subscriber.as_bytes().to_vec()),
                logout_step::position.eq(step.position),
                logout_step::entity_id.eq(step.entity_id.as_str()),
                logout_step::assertion_id.eq(step.assertion_id.as_str()),
                logout_step::session_index.eq(step.session_index.as_str()),
                logout_step::name_id_sealed.eq(step.name_id_sealed.clone()),
                logout_step::outcome.eq(step.outcome.as_str()),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// The services' parts, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub fn logout_steps(&mut self, id: &LogoutId) -> Result<Vec<LogoutStep>, StoreError> {
        logout_step::table
            .filter(logout_step::logout.eq(id.as_bytes().to_vec()))
            .order(logout_step::position)
            .select((
                logout_step::subscriber,
                logout_step::position,
                logout_step::entity_id,
                logout_step::assertion_id,
                logout_step::session_index,
                logout_step::name_id_sealed,
                logout_step::outcome,
            ))
            .load::<(Vec<u8>, i32, String, String, String, Vec<u8>, String)>(self.connection)?
            .into_iter()
            .map(|(subscriber, position, entity_id, assertion_id, session_index, name_id_sealed, outcome)| {
                let subscriber = typed(subscriber.as_slice(), "logout_step", "subscriber")?;
                let outcome = PartOutcome::parse(&outcome)
                    .ok_or(StoreError::InconsistentRow { table: "logout_step", column: "outcome" })?;
                Ok(LogoutStep { subscriber, position, entity_id, assertion_id, session_index, name_id_sealed, outcome })
            })
            .collect()
    }

    /// The turn of these steps has come: all are told by our request with this ID. `false` if the turn of one had come before, in
    /// another tab: then nothing may be kept of the transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub fn ask_logout_steps(&mut self, id: &LogoutId, positions: &[i32], request_id: &str) -> Result<bool, StoreError> {
        let asked = diesel::update(
            logout_step::table
                .filter(logout_step::logout.eq(id.as_bytes().to_vec()))
                .filter(logout_step::position.eq_any(positions))
                .filter(logout_step::outcome.eq(PartOutcome::Waiting.as_str())),
        )
        .set((logout_step::outcome.eq(PartOutcome::Asked.as_str()), logout_step::request_id.eq(Some(request_id))))
        .execute(self.connection)?;
        Ok(asked == positions.len())
    }

    /// Those that were asked and have not answered count as unreachable from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub fn give_up_asked_steps(&mut self, id: &LogoutId) -> Result<(), StoreError> {
        diesel::update(
            logout_step::table
                .filter(logout_step::logout.eq(id.as_bytes().to_vec()))
                .filter(logout_step::outcome.eq(PartOutcome::Asked.as_str())),
        )
        .set(logout_step::outcome.eq(PartOutcome::Unreachable.as_str()))
        .execute(self.connection)?;
        Ok(())
    }

    /// Says what became of these steps.
    ///
    /// # Errors
    /// When the database fails.
    pub fn close_logout_steps(
        &mut self,
        id: &LogoutId,
        positions: &[i32],
        outcome: PartOutcome,
    ) -> Result<(), StoreError> {
        diesel::update(
            logout_step::table
                .filter(logout_step::logout.eq(id.as_bytes().to_vec()))
                .filter(logout_step::position.eq_any(positions)),
        )
        .set(logout_step::outcome.eq(outcome.as_str()))
        .execute(self.connection)?;
        Ok(())
    }

    /// A service has answered our request: keeps what it says, of its part in the session too, and tells which logout that is. Nothing when no such
    /// request of ours waits for an answer of this service. One that comes late still counts, while the logout lives.
    ///
    /// # Errors
    /// When the database fails.
    pub fn settle_logout_step(
        &mut self,
        entity_id: &str,
        request_id: &str,
        outcome: PartOutcome,
        now: UtcDateTime,
    ) -> Result<Option<LogoutId>, StoreError> {
        let open = [PartOutcome::Asked.as_str(), PartOutcome::Unreachable.as_str()];
        let found: Option<Vec<u8>> = logout_step::table
            .filter(logout_step::request_id.eq(Some(request_id)))
            .filter(logout_step::entity_id.eq(entity_id))
            .filter(logout_step::outcome.eq_any(open))
            .select(logout_step::logout)
            .first(self.connection)
            .optional()?;
        let Some(found) = found else { return Ok(None) };
        let id: LogoutId = typed(found.as_slice(), "logout_step", "logout")?;
        if self.logout(&id, now)?.is_none() {
            return Ok(None);
        }
        let answered: Vec<i32> = logout_step::table
            .filter(logout_step::logout.eq(id.as_bytes().to_vec()))
            .filter(logout_step::request_id.eq(Some(request_id)))
            .select(logout_step::position)
            .load(self.connection)?;
        self.close_logout_steps(&id, &answered, outcome)?;
        if matches!(outcome, PartOutcome::Ended | PartOutcome::Partly) {
            for part in self.logout_steps(&id)?.into_iter().filter(|step| answered.contains(&step.position)) {
                self.end_part(&part, now)?;
            }
        }
        Ok(Some(id))
    }

    /// Forgets logouts that have expired; says how many.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_expired_logouts(&mut self, now: UtcDateTime) -> Result<usize, StoreError> {
        let gone: Vec<Vec<u8>> = logout::table
            .filter(logout::expires_at.lt(milliseconds(now)))
            .select(logout::id)
            .limit(500)
            .load(self.connection)?;
        diesel::delete(logout_step::table.filter(logout_step::logout.eq_any(gone.clone()))).execute(self.connection)?;
        diesel::delete(logout_session::table.filter(logout_session::logout.eq_any(gone.clone())))
            .execute(self.connection)?;
        Ok(diesel::delete(logout::table.filter(logout::id.eq_any(gone))).execute(self.connection)?)
    }
}
