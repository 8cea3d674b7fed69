//! Work that waits (the outbox), rates that are limited, and each person's history.

use diesel::prelude::*;
use time::UtcDateTime;

use super::schema::{history, outbox, throttle};
use super::{AnyConnection, StoreError, Transaction, instant, milliseconds, on_each, typed};
use crate::authentication::throttle::{RateLimit, RateVerdict, WindowCount};

use crate::services::message::OutboxId;
use crate::subscriber::SubscriberId;

/// A mail or text message that waits to be sent, written in the same transaction as what caused it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Which.
    pub id: OutboxId,
    /// `mail` or `sms`.
    pub kind: String,
    /// What is sent to whom, sealed with the service's keys.
    pub sealed: Vec<u8>,
    /// Not before.
    pub run_at: UtcDateTime,
    /// How often it was tried.
    pub attempts: u32,
    /// It is dropped from this moment on: a late code helps nobody.
    pub expires_at: UtcDateTime,
}

/// How the work on a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxOutcome {
    /// Dropped: too late, or tried too often.
    Dropped,
    /// Refused for good by the provider.
    Refused,
    /// Handed over.
    Sent,
}

impl OutboxOutcome {
    /// The word that is stored and counted.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Refused => "refused",
            Self::Sent => "sent",
        }
    }
}

/// One line of a person's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// When.
    pub at: UtcDateTime,
    /// What happened: the name of the event.
    pub kind: String,
    /// The event's fields as JSON; by type, none is personal.
    pub told: String,
}

// The outbox.
impl Transaction<'_> {
    /// Puts a message into the outbox.
    ///
    /// # Errors
    /// When the database fails.
    pub fn enqueue(&mut self, entry: &OutboxEntry) -> Result<(), StoreError> {
        diesel::insert_into(outbox::table)
            .values((
                outbox::id.eq(entry.id.as_bytes().to_vec()),
                outbox::kind.eq(entry.kind.as_str()),
                outbox::sealed.eq(Some(entry.sealed.clone())),
                outbox::run_at.eq(milliseconds(entry.run_at)),
                outbox::attempts.eq(0),
                outbox::expires_at.eq(milliseconds(entry.expires_at)),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// Takes up to `most` messages of a kind that are due, until `lease_until`: no other worker gets them before that, and if
    /// this one dies, another gets them after it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn claim_outbox(
        &mut self,
        kind: &str,
        most: i64,
        now: UtcDateTime,
        lease_until: UtcDateTime,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        let at = milliseconds(now);
        // Typed for each database, since only one of them has row locks.
        macro_rules! due {
            () => {
                outbox::table
                    .filter(outbox::finished_at.is_null())
                    .filter(outbox::kind.eq(kind))
                    .filter(outbox::run_at.le(at))
                    .filter(outbox::lease_until.is_null().or(outbox::lease_until.le(at)))
                    .order(outbox::run_at)
                    .limit(most)
                    .select(OutboxRow::as_select())
            };
        }
        let rows: Vec<OutboxRow> = match self.connection {
            AnyConnection::Postgresql(inner) => due!().for_update().skip_locked().load(inner)?,
            AnyConnection::Sqlite(inner) => due!().load(inner)?,
        };
        let ids: Vec<Vec<u8>> = rows.iter().map(|row| row.id.clone()).collect();
        diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
            .set((outbox::lease_until.eq(Some(milliseconds(lease_until))), outbox::attempts.eq(outbox::attempts + 1)))
            .execute(self.connection)?;
        rows.into_iter().map(OutboxEntry::try_from).collect()
    }

    /// Ends the work on a message and forgets what was in it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn finish_outbox(&mut self, id: OutboxId, outcome: OutboxOutcome, now: UtcDateTime) -> Result<(), StoreError> {
        diesel::update(outbox::table.find(id.as_bytes().to_vec()))
            .set((
                outbox::sealed.eq(None::<Vec<u8>>),
                outbox::finished_at.eq(Some(milliseconds(now))),
                outbox::outcome.eq(Some(outcome.as_str())),
                outbox::lease_until.eq(None::<i64>),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// Gives a message back, to be tried again at `run_at`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn retry_outbox(&mut self, id: OutboxId, run_at: UtcDateTime) -> Result<(), StoreError> {
        diesel::update(outbox::table.find(id.as_bytes().to_vec()))
            .set((outbox::run_at.eq(milliseconds(run_at)), outbox::lease_until.eq(None::<i64>)))
            .execute(self.connection)?;
        Ok(())
    }

    /// How many messages of a kind wait.
    ///
    /// # Errors
    /// When the database fails.
    pub fn outbox_length_of(&mut self, kind: &str) -> Result<u64, StoreError> {
        let waiting = outbox::table.filter(outbox::finished_at.is_null()).filter(outbox::kind.eq(kind));
        let count: i64 = waiting.count().get_result(self.connection)?;
        typed(count, "outbox", "count")
    }

    /// How many messages wait.
    ///
    /// # Errors
    /// When the database fails.
    pub fn outbox_length(&mut self) -> Result<u64, StoreError> {
        let count: i64 = outbox::table.filter(outbox::finished_at.is_null()).count().get_result(self.connection)?;
        typed(count, "outbox", "count")
    }
}

// Rates.
impl Transaction<'_> {
    /// Counts one more try of whoever has this fingerprint, and says whether it may be made, and how the count stands now. Of
    /// any number that arrive at once, exactly as many as the limit says are allowed, on however many nodes.
    ///
    /// # Errors
    /// When the database fails: then nothing is allowed.
    pub fn count_try(
        &mut self,
        limit: &RateLimit,
        fingerprint: &[u8; 32],
        now: UtcDateTime,
    ) -> Result<(WindowCount, RateVerdict), StoreError> {
        let key = fingerprint.to_vec();
        let first =
            (throttle::key_hash.eq(key.clone()), throttle::tries.eq(0), throttle::ends_at.eq(milliseconds(now)));
        // The row is made first, so that there is something to hold; its window has ended, so it counts as none.
        on_each!(self.connection, inner => diesel::insert_into(throttle::table)
            .values(first)
            .on_conflict_do_nothing()
            .execute(inner))?;
        let row = throttle::table.find(key.clone()).select((throttle::tries, throttle::ends_at));
        let (tries, ends_at): (i32, i64) = match self.connection {
            AnyConnection::Postgresql(inner) => row.for_update().first(inner)?,
            AnyConnection::Sqlite(inner) => row.first(inner)?,
        };
        let before = WindowCount {
            tries: typed(tries, "throttle", "tries")?,
            ends_at: instant(ends_at, "throttle", "ends_at")?,
        };
        let (after, verdict) = limit.count(Some(before), now);
        diesel::update(throttle::table.find(key))
            .set((
                throttle::tries.eq(i32::try_from(after.tries).unwrap_or(i32::MAX)),
                throttle::ends_at.eq(milliseconds(after.ends_at)),
            ))
            .execute(self.connection)?;
        Ok((after, verdict))
    }

    /// Gives back a try that turned out right, if the window in which it was counted still runs: that is known by its end.
    ///
    /// # Errors
    /// When the database fails.
    pub fn give_back_try(&mut self, fingerprint: &[u8; 32], ends_at: UtcDateTime) -> Result<(), StoreError> {
        diesel::update(
            throttle::table
                .filter(throttle::key_hash.eq(fingerprint.to_vec()))
                .filter(throttle::ends_at.eq(milliseconds(ends_at)))
                .filter(throttle::tries.gt(0)),
        )
        .set(throttle::tries.eq(throttle::tries - 1))
        .execute(self.connection)?;
        Ok(())
    }
}

// Rates, forgotten.
impl Transaction<'_> {
    /// Forgets the tries of whoever has this fingerprint, as after a right one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_tries(&mut self, fingerprint: &[u8; 32]) -> Result<(), StoreError> {
        diesel::delete(throttle::table.find(fingerprint.to_vec())).execute(self.connection)?;
        Ok(())
    }

    /// Forgets the tries of whoever has this fingerprint, unless there are `at_least` so many.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_fewer_tries(&mut self, fingerprint: &[u8; 32], at_least: u32) -> Result<(), StoreError> {
        let at_least = i32::try_from(at_least).unwrap_or(i32::MAX);
        let fewer = throttle::key_hash.eq(fingerprint.to_vec()).and(throttle::tries.lt(at_least));
        diesel::delete(throttle::table.filter(fewer)).execute(self.connection)?;
        Ok(())
    }

    /// How many tries whoever has this fingerprint has made in the window of now, counting none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn tries_of(&mut self, fingerprint: &[u8; 32], now: UtcDateTime) -> Result<u32, StoreError> {
        let tries: Option<i32> = throttle::table
            .find(fingerprint.to_vec())
            .filter(throttle::ends_at.gt(milliseconds(now)))
            .select(throttle::tries)
            .first(self.connection)
            .optional()?;
        typed(tries.unwrap_or(0), "throttle", "tries")
    }
}

// History.
impl Transaction<'_> {
    /// Adds a line to a person's history.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_history(&mut self, id: &[u8; 16], of: SubscriberId, entry: &HistoryEntry) -> Result<(), StoreError> {
        diesel::insert_into(history::table)
            .values((
                history::id.eq(id.to_vec()),
                history::subscriber.eq(of.as_bytes().to_vec()),
                history::at.eq(milliseconds(entry.at)),
                history::kind.eq(entry.kind.as_str()),
                history::told.eq(entry.told.as_str()),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// A person's history, the newest first; at most `limit` lines.
    ///
    /// # Errors
    /// When the database fails.
    pub fn history_of(&mut self, of: SubscriberId, limit: i64) -> Result<Vec<HistoryEntry>, StoreError> {
        history::table
            .filter(history::subscriber.eq(of.as_bytes().to_vec()))
            .order(history::at.desc())
            .limit(limit)
            .select((history::at, history::kind, history::told))
            .load::<(i64, String, String)>(self.connection)?
            .into_iter()
            .map(|(at, kind, told)| Ok(HistoryEntry { at: instant(at, "history", "at")?, kind, told }))
            .collect()
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
struct OutboxRow {
    id: Vec<u8>,
    kind: String,
    sealed: Option<Vec<u8>>,
    run_at: i64,
    attempts: i32,
    expires_at: i64,
}

impl TryFrom<OutboxRow> for OutboxEntry {
    type Error = StoreError;

    fn try_from(row: OutboxRow) -> Result<Self, StoreError> {
        const TABLE: &str = "outbox";
        Ok(Self {
            id: typed(row.id.as_slice(), TABLE, "id")?,
            kind: row.kind,
            sealed: row.sealed.ok_or(StoreError::InconsistentRow { table: TABLE, column: "sealed" })?,
            run_at: instant(row.run_at, TABLE, "run_at")?,
            attempts: typed(row.attempts, TABLE, "attempts")?,
            expires_at: instant(row.expires_at, TABLE, "expires_at")?,
        })
    }
}
