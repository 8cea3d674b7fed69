//! Sessions, and the services that take part in them. What a session knows is sealed under the browser's cookie; clear
//! are only the times and whose it is, so that sessions can be listed and ended without the browser.

use diesel::prelude::*;
use time::UtcDateTime;

use super::schema::{session, session_participant};
use super::{StoreError, Transaction, instant, milliseconds, on_each, typed};
use crate::authentication::session::{SessionIdHash, SessionTimes};
use crate::subscriber::SubscriberId;

/// A session as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// By which it is found: the hash of the cookie's secret.
    pub id_hash: SessionIdHash,
    /// Whose, once that is known.
    pub subscriber: Option<SubscriberId>,
    /// When it began.
    pub created_at: UtcDateTime,
    /// When it ends.
    pub times: SessionTimes,
    /// What it knows.
    pub sealed: Vec<u8>,
}

/// A session, for the person's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSummary {
    /// Which.
    pub id_hash: SessionIdHash,
    /// When it began.
    pub created_at: UtcDateTime,
    /// When it ends unless it is used.
    pub idle_until: UtcDateTime,
}

/// A service that a session signed in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// As whom: a browser's session may be another person's by now.
    pub subscriber: SubscriberId,
    /// Which service.
    pub entity_id: String,
    /// The assertion that it received.
    pub assertion_id: String,
    /// Its SessionIndex.
    pub session_index: String,
    /// The NameID, sealed with the service's keys.
    pub name_id_sealed: Vec<u8>,
    /// When.
    pub joined_at: UtcDateTime,
}

impl Transaction<'_> {
    /// Begins a session.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_session(&mut self, record: &SessionRecord) -> Result<(), StoreError> {
        diesel::insert_into(session::table)
            .values((
                session::id_hash.eq(record.id_hash.as_bytes().to_vec()),
                session::subscriber.eq(record.subscriber.map(|id| id.as_bytes().to_vec())),
                session::created_at.eq(milliseconds(record.created_at)),
                session::idle_until.eq(milliseconds(record.times.idle_until)),
                session::absolute_until.eq(milliseconds(record.times.absolute_until)),
                session::sealed.eq(record.sealed.clone()),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// The session, if it lives at `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn session(&mut self, id_hash: SessionIdHash, now: UtcDateTime) -> Result<Option<SessionRecord>, StoreError> {
        const TABLE: &str = "session";
        type Row = (Option<Vec<u8>>, i64, i64, i64, Vec<u8>);
        let now = milliseconds(now);
        let living = session::table
            .find(id_hash.as_bytes().to_vec())
            .filter(session::revoked_at.is_null())
            .filter(session::idle_until.gt(now))
            .filter(session::absolute_until.gt(now))
            .select((
                session::subscriber,
                session::created_at,
                session::idle_until,
                session::absolute_until,
                session::sealed,
            ));
        let row: Option<Row> = on_each!(self.connection, inner => living.first(inner)).optional()?;
        row.map(|(subscriber, created_at, idle_until, absolute_until, sealed)| {
            Ok(SessionRecord {
                id_hash,
                subscriber: subscriber.map(|id| typed(id.as_slice(), TABLE, "subscriber")).transpose()?,
                created_at: instant(created_at, TABLE, "created_at")?,
                times: SessionTimes {
                    idle_until: instant(idle_until, TABLE, "idle_until")?,
                    absolute_until: instant(absolute_until, TABLE, "absolute_until")?,
                },
                sealed,
            })
        })
        .transpose()
    }

    /// Keeps what a session knows now; `false` when it was ended meanwhile, and then nothing is kept.
    ///
    /// # Errors
    /// When the database fails.
    pub fn save_session(&mut self, record: &SessionRecord) -> Result<bool, StoreError> {
        let change = diesel::update(
            session::table
                .filter(session::id_hash.eq(record.id_hash.as_bytes().to_vec()))
                .filter(session::revoked_at.is_null()),
        )
        .set((
            session::subscriber.eq(record.subscriber.map(|id| id.as_bytes().to_vec())),
            session::idle_until.eq(milliseconds(record.times.idle_until)),
            session::absolute_until.eq(milliseconds(record.times.absolute_until)),
            session::sealed.eq(record.sealed.clone()),
        ));
        let saved = on_each!(self.connection, inner => change.execute(inner))?;
        Ok(saved == 1)
    }

    /// Gives a session a new secret, as at each rise in privilege: the old one opens nothing from now on. What refers to
    /// the session follows. `false` when it was ended meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub fn renew_session(&mut self, old: SessionIdHash, record: &SessionRecord) -> Result<bool, StoreError> {
        use super::schema::logout_session;

        let old = old.as_bytes().to_vec();
        let ended = diesel::delete(
            session::table.filter(session::id_hash.eq(old.clone())).filter(session::revoked_at.is_null()),
        )
        .execute(self.connection)?;
        if ended != 1 {
            return Ok(false);
        }
        self.add_session(record)?;
        let new = record.id_hash.as_bytes().to_vec();
        diesel::update(session_participant::table.filter(session_participant::session.eq(old.clone())))
            .set(session_participant::session.eq(new.clone()))
            .execute(self.connection)?;
        diesel::update(logout_session::table.filter(logout_session::session.eq(old)))
            .set(logout_session::session.eq(new))
            .execute(self.connection)?;
        Ok(true)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database fails.
    pub fn end_session(&mut self, id_hash: SessionIdHash, now: UtcDateTime) -> Result<(), StoreError> {
        diesel::update(session::table.find(id_hash.as_bytes().to_vec()))
            .set((session::revoked_at.eq(Some(milliseconds(now))), session::sealed.eq(Vec::<u8>::new())))
            .execute(self.connection)?;
        Ok(())
    }

    /// Ends all sessions of an account but one; says how many.
    ///
    /// # Errors
    /// When the database fails.
    pub fn end_sessions_of(
        &mut self,
        of: SubscriberId,
        but: Option<SessionIdHash>,
        now: UtcDateTime,
    ) -> Result<usize, StoreError> {
        self.hold_sessions_of(of)?;
        let kept = but.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
        let ended = diesel::update(
            session::table
                .filter(session::subscriber.eq(Some(of.as_bytes().to_vec())))
                .filter(session::id_hash.ne(kept))
                .filter(session::revoked_at.is_null()),
        )
        .set((session::revoked_at.eq(Some(milliseconds(now))), session::sealed.eq(Vec::<u8>::new())))
        .execute(self.connection)?;
        Ok(ended)
    }

    /// The living sessions of an account, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sessions_of(&mut self, of: SubscriberId, now: UtcDateTime) -> Result<Vec<SessionSummary>, StoreError> {
        const TABLE: &str = "session";
        let now = milliseconds(now);
        session::table
            .filter(session::subscriber.eq(Some(of.as_bytes().to_vec())))
            .filter(session::revoked_at.is_null())
            .filter(session::idle_until.gt(now))
            .filter(session::absolute_until.gt(now))
            .order(session::created_at.desc())
            .select((session::id_hash, session::created_at, session::idle_until))
            .load::<(Vec<u8>, i64, i64)>(self.connection)?
            .into_iter()
            .map(|(id_hash, created_at, idle_until)| {
                Ok(SessionSummary {
                    id_hash: SessionIdHash::from_bytes(typed(id_hash.as_slice(), TABLE, "id_hash")?),
                    created_at: instant(created_at, TABLE, "created_at")?,
                    idle_until: instant(idle_until, TABLE, "idle_until")?,
                })
            })
            .collect()
    }

    /// Remembers that a service takes part in a session. Where it does already by this assertion, it does so from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_participant(&mut self, of: SessionIdHash, participant: &Participant) -> Result<(), StoreError> {
        let insertion = diesel::insert_into(session_participant::table).values((
            session_participant::session.eq(of.as_bytes().to_vec()),
            session_participant::subscriber.eq(participant.subscriber.as_bytes().to_vec()),
            session_participant::entity_id.eq(participant.entity_id.clone()),
            session_participant::assertion_id.eq(participant.assertion_id.clone()),
            session_participant::session_index.eq(participant.session_index.clone()),
            session_participant::name_id_sealed.eq(participant.name_id_sealed.clone()),
            session_participant::joined_at.eq(milliseconds(participant.joined_at)),
        ));
        let key = (session_participant::session, session_participant::entity_id, session_participant::assertion_id);
        let again = session_participant::joined_at.eq(milliseconds(participant.joined_at));
        let insertion = insertion.on_conflict(key).do_update().set(again);
        on_each!(self.connection, inner => insertion.execute(inner))?;
        Ok(())
    }

    /// The services that a person signed in to in a session and that have not ended their part, oldest sign-in first. The session
    /// may have ended long ago.
    ///
    /// # Errors
    /// When the database fails.
    pub fn participants_of(
        &mut self,
        session: SessionIdHash,
        subscriber: SubscriberId,
    ) -> Result<Vec<Participant>, StoreError> {
        let parts = session_participant::table
            .filter(session_participant::session.eq(session.as_bytes().to_vec()))
            .filter(session_participant::subscriber.eq(subscriber.as_bytes().to_vec()))
            .filter(session_participant::ended_at.is_null())
            .order(session_participant::joined_at)
            .select(PARTICIPANT);
        let rows: Vec<ParticipantRow> = on_each!(self.connection, inner => parts.load(inner))?;
        rows.into_iter().map(participant).collect()
    }

    /// What one service has or had in a session, whoever was signed in there, oldest sign-in first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn parts_of_service(
        &mut self,
        session: SessionIdHash,
        entity_id: &str,
    ) -> Result<Vec<Participant>, StoreError> {
        let parts = session_participant::table
            .filter(session_participant::session.eq(session.as_bytes().to_vec()))
            .filter(session_participant::entity_id.eq(entity_id))
            .order(session_participant::joined_at)
            .select(PARTICIPANT);
        let rows: Vec<ParticipantRow> = on_each!(self.connection, inner => parts.load(inner))?;
        rows.into_iter().map(participant).collect()
    }
}

type ParticipantRow = (Vec<u8>, String, String, String, Vec<u8>, i64);

/// The columns of a participant.
const PARTICIPANT: (
    session_participant::subscriber,
    session_participant::entity_id,
    session_participant::assertion_id,
    session_participant::session_index,
    session_participant::name_id_sealed,
    session_participant::joined_at,
) = (
    session_participant::subscriber,
    session_participant::entity_id,
    session_participant::assertion_id,
    session_participant::session_index,
    session_participant::name_id_sealed,
    session_participant::joined_at,
);

fn participant(row: ParticipantRow) -> Result<Participant, StoreError> {
    const TABLE: &str = "session_participant";
    let (subscriber, entity_id, assertion_id, session_index, name_id_sealed, joined_at) = row;
    Ok(Participant {
        subscriber: typed(subscriber.as_slice(), TABLE, "subscriber")?,
        entity_id,
        assertion_id,
        session_index,
        name_id_sealed,
        joined_at: instant(joined_at, TABLE, "joined_at")?,
    })
}
