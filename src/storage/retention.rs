//! How long each table's rows are kept. This list is what erases them, and what SECURITY.md says; a test walks the schema,
//! and holds that each table is in both.
//!
//! Rows are erased in batches of [`BATCH`], each in a transaction of its own, so that nobody who signs in waits long for the one
//! writer.

use diesel::RunQueryDsl as _;
use diesel::sql_types::BigInt;
use time::{Duration, UtcDateTime};

use super::{AnyConnection, StoreError, Transaction, milliseconds};
use crate::federation::single_logout::PARTICIPANTS_KEPT_FOR;

/// At most so many rows share a transaction.
pub const BATCH: usize = 500;

/// What of the list an operator sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionTerms {
    /// How long it is kept that a session was: as long as somebody may ask what happened in it. What it knew goes at its idle limit.
    pub sessions: Duration,
    /// How long finished work is kept: messages that were sent (without their contents), links, codes.
    pub work: Duration,
}

impl RetentionTerms {
    /// Where nothing else is set.
    pub const DEFAULT: Self = Self { sessions: Duration::days(30), work: Duration::days(7) };
}

/// How long after its time something is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Always so long.
    Fixed(Duration),
    /// As [`RetentionTerms::sessions`] says.
    Sessions,
    /// As [`RetentionTerms::work`] says.
    Work,
}

impl After {
    const fn under(self, terms: RetentionTerms) -> Duration {
        match self {
            Self::Fixed(duration) => duration,
            Self::Sessions => terms.sessions,
            Self::Work => terms.work,
        }
    }
}

/// What is done to a row whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erase {
    /// One column is emptied, and the row stays.
    Column(&'static str),
    /// The row goes.
    Row,
}

/// When something of a table's rows is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// The table.
    pub table: &'static str,
    /// The column that holds the time, in milliseconds since 1970.
    pub since: &'static str,
    /// How long after that time.
    pub after: After,
    /// Which rows alone, in SQL and in words; every row where there is none.
    pub only: Option<(&'static str, &'static str)>,
    /// What is done.
    pub erase: Erase,
}

/// How long a table's rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// Its rows go by these rules.
    Erased(&'static [Erasure]),
    /// Its rows have no end by time: what they stand for has not ended.
    Kept(&'static str),
    /// Its rows go with those of this table.
    With(&'static str),
}

const fn row(table: &'static str, since: &'static str, after: After) -> Erasure {
    Erasure { table, since, after, only: None, erase: Erase::Row }
}

const AT_ONCE: After = After::Fixed(Duration::ZERO);

const ACCOUNT: Retention = Retention::Kept("as long as the account");
const LEDGER: Retention = Retention::Kept("for good: the ledger");
const FEDERATION: Retention = Retention::Kept("for good: what was served when, and signed with what");

/// Each table, in the order of the alphabet.
pub const RETENTION: &[(&str, Retention)] = &[
    ("address_name", Retention::Kept("for good: no other account gets the name")),
    ("adopted_chain", LEDGER),
    ("artifact", Retention::Erased(&[row("artifact", "expires_at", AT_ONCE)])),
    ("authenticator", ACCOUNT),
    ("consent", ACCOUNT),
    ("disclosure", LEDGER),
    ("email_address", ACCOUNT),
    ("email_link", Retention::Erased(&[row("email_link", "expires_at", After::Work)])),
    ("history", ACCOUNT),
    ("known_browser", Retention::Erased(&[row("known_browser", "expires_at", AT_ONCE)])),
    ("logout", Retention::Erased(&[row("logout", "expires_at", AT_ONCE)])),
    ("logout_session", Retention::With("logout")),
    ("logout_step", Retention::With("logout")),
    ("metadata_fetch", FEDERATION),
    ("out_of_band_code", Retention::Erased(&[row("out_of_band_code", "expires_at", After::Work)])),
    ("outbox", Retention::Erased(&[row("outbox", "finished_at", After::Work)])),
    ("pairwise_identifier", ACCOUNT),
    ("password_credential", ACCOUNT),
    ("pending_request", Retention::Erased(&[row("pending_request", "expires_at", AT_ONCE)])),
    ("proofed_profile", ACCOUNT),
    ("seen_request", Retention::Erased(&[row("seen_request", "expires_at", AT_ONCE)])),
    ("service_address", ACCOUNT),
    (
        "session",
        Retention::Erased(&[
            Erasure {
                table: "session",
                since: "idle_until",
                after: AT_ONCE,
                only: Some(("subscriber IS NULL", "of a visitor who is not known")),
                erase: Erase::Row,
            },
            Erasure {
                table: "session",
                since: "idle_until",
                after: AT_ONCE,
                only: Some(("length(sealed) > 0", "what it knew, the vault's key included")),
                erase: Erase::Column("sealed"),
            },
            row("session", "idle_until", After::Sessions),
        ]),
    ),
    (
        "session_participant",
        Retention::Erased(&[row("session_participant", "joined_at", After::Fixed(PARTICIPANTS_KEPT_FOR))]),
    ),
    ("signing_node", FEDERATION),
    ("signing_plan", FEDERATION),
    ("sp_revision", FEDERATION),
    ("subscriber", ACCOUNT),
    ("throttle", Retention::Erased(&[row("throttle", "ends_at", AT_ONCE)])),
    ("vault_attribute", ACCOUNT),
    ("vault_slot", ACCOUNT),
];

impl Retention {
    /// In words, as SECURITY.md has it: where nothing else is set.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Erased(erasures) => erasures.iter().map(Erasure::in_words).collect::<Vec<_>>().join("; "),
            Self::Kept(why) => (*why).to_owned(),
            Self::With(table) => format!("goes with its row of `{table}`"),
        }
    }
}

impl Erasure {
    fn in_words(&self) -> String {
        let what = self.only.map_or(String::new(), |(_, words)| format!(" ({words})"));
        let done = match self.erase {
            Erase::Column(column) => format!("`{column}` emptied"),
            Erase::Row => "erased".to_owned(),
        };
        let after = self.after.under(RetentionTerms::DEFAULT);
        let days = after.whole_days();
        let after = match (days, after.whole_hours()) {
            (0, 0) => "at".to_owned(),
            (_, 24) => "24 hours after".to_owned(),
            _ => format!("{days} days after"),
        };
        format!("{done}{what} {after} `{}`", self.since)
    }
}

/// Every rule, in the order of the tables.
pub fn erasures() -> impl Iterator<Item = &'static Erasure> {
    RETENTION.iter().flat_map(|(_, retention)| match retention {
        Retention::Erased(erasures) => erasures.iter(),
        Retention::Kept(_) | Retention::With(_) => [].iter(),
    })
}

impl Transaction<'_> {
    /// Erases what a rule says, of [`BATCH`] rows at most; says of how many. Fewer than that: nothing is left for now.
    ///
    /// # Errors
    /// When the database fails.
    pub fn erase_batch(
        &mut self,
        erasure: &Erasure,
        terms: RetentionTerms,
        now: UtcDateTime,
    ) -> Result<usize, StoreError> {
        let before = now - erasure.after.under(terms);
        if erasure.table == "logout" {
            return self.forget_expired_logouts(before);
        }
        let Erasure { table, since, only, erase, .. } = *erasure;
        let only = only.map_or(String::new(), |(condition, _)| format!(" AND {condition}"));
        let (place, rows, nothing) = match self.connection {
            // What another transaction holds is erased the next time.
            AnyConnection::Postgresql(_) => (
                "ctid = ANY(ARRAY",
                format!(
                    "(SELECT ctid FROM {table} WHERE {since} < $1{only} ORDER BY {since} LIMIT {BATCH} FOR UPDATE SKIP LOCKED))"
                ),
                "''::bytea",
            ),
            AnyConnection::Sqlite(_) => (
                "rowid IN ",
                format!("(SELECT rowid FROM {table} WHERE {since} < ?1{only} ORDER BY {since} LIMIT {BATCH})"),
                "x''",
            ),
        };
        let statement = match erase {
            Erase::Column(column) => format!("UPDATE {table} SET {column} = {nothing} WHERE {place}{rows}"),
            Erase::Row => format!("DELETE FROM {table} WHERE {place}{rows}"),
        };
        let query = diesel::sql_query(statement).bind::<BigInt, _>(milliseconds(before));
        Ok(match self.connection {
            AnyConnection::Postgresql(inner) => query.execute(inner)?,
            AnyConnection::Sqlite(inner) => query.execute(inner)?,
        })
    }
}
