//! The ledger: disclosure records, each in its place in this node's chain, and the writer that commits them in groups.
//!
//! Many sign-ins that wait share one transaction; each goes on when the transaction that holds its own record is
//! durable. The hash of a record is the core's ([`crate::federation::disclosure`]); this file gives the number.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::prelude::*;
use time::UtcDateTime;
use tokio::sync::{mpsc, oneshot};

use super::schema::disclosure;
use super::standing::Standing;
use super::{Participant, Store, StoreError, Transaction, instant, milliseconds, on_each, typed};
use crate::authentication::session::SessionIdHash;
use crate::federation::agreement::AgencyId;
use crate::federation::assurance::{Ial, Level, aal_from_number, aal_number};
use crate::federation::attribute::AttributeName;
use crate::federation::consent::{ContentDigest, ScopeDigest};
use crate::federation::disclosure::{BEFORE_THE_FIRST, ChainId, DisclosureDraft, DisclosureRecord, RevisionId};
use crate::federation::identifier::NameIdFormat;
use crate::saml::EntityId;
use crate::subscriber::SubscriberId;

/// At most so many records share a commit.
const GROUP: usize = 256;
/// Where several wait, others are on their way: a commit costs a sync of the disk and the same pages of the indexes each time,
/// however many records share it. Somebody who comes alone does not wait.
const GATHERING: Duration = Duration::from_millis(10);

/// What is made durable together before a response leaves.
#[derive(Debug, Clone)]
pub struct Issuance {
    /// What is released.
    pub disclosure: DisclosureDraft,
    /// The keyed digest of the consent's row, as the gate saw it. `None` where there is no consent (tests and benches).
    pub consent_mac: Option<Vec<u8>>,
    /// The request that it answers: answered once. `None` where nothing waits (tests and benches).
    pub answers: Option<[u8; 16]>,
    /// The session that the service joins.
    pub joins: Option<(SessionIdHash, Participant)>,
}

/// What became of an issuance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedDisclosure {
    /// The request was answered before, in another tab: nothing was recorded, and nothing may be sent.
    AnsweredBefore,
    /// The session, the account or the consent was ended since it was looked at: nothing was recorded, and nothing may be
    /// sent.
    EndedMeanwhile,
    /// The record is durable.
    Durable {
        /// Its number in this node's chain.
        seq: i64,
    },
}

/// Commits issuances in groups. A clone writes to the same chain.
#[derive(Clone)]
pub struct DisclosureWriter {
    waiting: mpsc::Sender<Waiting>,
}

struct Waiting {
    issuance: Issuance,
    done: oneshot::Sender<Result<RecordedDisclosure, StoreError>>,
}

impl DisclosureWriter {
    /// Starts the writer of this node's chain on the current runtime. It stops when the last clone is dropped.
    #[must_use]
    pub fn start(store: Store, chain: ChainId) -> Self {
        let (waiting, mut queue) = mpsc::channel::<Waiting>(4 * GROUP);
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(GROUP);
            let mut crowded = false;
            // While one group is being synced to the disk, the next one gathers.
            while queue.recv_many(&mut group, GROUP).await > 0 {
                crowded |= group.len() > 1;
                if crowded {
                    tokio::time::sleep(GATHERING).await;
                    let more = std::iter::from_fn(|| queue.try_recv().ok());
                    group.extend(more.take(GROUP.saturating_sub(group.len())));
                }
                crowded = group.len() > 1;
                let (issuances, answers): (Vec<_>, Vec<_>) =
                    group.drain(..).map(|one| (one.issuance, one.done)).unzip();
                let outcomes = match record_together(&store, chain, issuances.clone()).await {
                    Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
                    // One record that the database refuses must not hold up the others that waited with it.
                    Err(_) if issuances.len() > 1 => record_one_by_one(&store, chain, issuances).await,
                    Err(error) => vec![Err(error)],
                };
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    // Whoever asked may be gone; the record stays.
                    drop(answer.send(outcome));
                }
            }
        });
        Self { waiting }
    }

    /// Records an issuance; returns when it is durable.
    ///
    /// # Errors
    /// When the database fails: then nothing may be sent.
    pub async fn record(&self, issuance: Issuance) -> Result<RecordedDisclosure, StoreError> {
        let (done, answer) = oneshot::channel();
        self.waiting.send(Waiting { issuance, done }).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }
}

async fn record_together(
    store: &Store,
    chain: ChainId,
    issuances: Vec<Issuance>,
) -> Result<Vec<RecordedDisclosure>, StoreError> {
    store.transaction(move |tx| tx.record_issuances(chain, issuances)).await
}

async fn record_one_by_one(
    store: &Store,
    chain: ChainId,
    issuances: Vec<Issuance>,
) -> Vec<Result<RecordedDisclosure, StoreError>> {
    let mut outcomes = Vec::with_capacity(issuances.len());
    for one in issuances {
        let recorded = store.transaction(move |tx| tx.record_issuances(chain, vec![one]));
        outcomes.push(recorded.await.and_then(|mut recorded| recorded.pop().ok_or(StoreError::Stopped)));
    }
    outcomes
}

/// The last record of a chain, read once for a group.
enum ChainEnd {
    Unread,
    At { seq: i64, hash: [u8; 32] },
}

impl Transaction<'_> {
    /// Records issuances: their requests are answered, each disclosure takes its place in the chain, the services join the
    /// sessions.
    fn record_issuances(
        &mut self,
        chain: ChainId,
        issuances: Vec<Issuance>,
    ) -> Result<Vec<RecordedDisclosure>, StoreError> {
        let standing = self.standing(&issuances)?;
        let borne = || issuances.iter().filter(|one| standing.bears(one));
        let answered = borne().filter_map(|one| one.answers).collect();
        let at = borne().map(|one| one.disclosure.at).max().unwrap_or(UtcDateTime::UNIX_EPOCH);
        // Of two in one group that answer the same request, the first does.
        let mut open = self.finish_pending_requests(&answered, at)?;
        let mut end = ChainEnd::Unread;
        let record = |one| self.record_issuance(chain, &mut end, &standing, &mut open, one);
        issuances.into_iter().map(record).collect()
    }

    fn record_issuance(
        &mut self,
        chain: ChainId,
        end: &mut ChainEnd,
        standing: &Standing,
        open: &mut BTreeSet<[u8; 16]>,
        issuance: Issuance,
    ) -> Result<RecordedDisclosure, StoreError> {
        if !standing.bears(&issuance) {
            return Ok(RecordedDisclosure::EndedMeanwhile);
        }
        let Issuance { disclosure, consent_mac: _, answers, joins } = issuance;
        if answers.is_some_and(|request| !open.remove(&request)) {
            return Ok(RecordedDisclosure::AnsweredBefore);
        }
        let (seq, prev_hash) = match *end {
            ChainEnd::Unread => self.end_of_chain(chain)?,
            ChainEnd::At { seq, hash } => (seq, hash),
        };
        let seq = seq + 1;
        let record = disclosure.chained(chain, seq, prev_hash);
        self.add_disclosure(&record)?;
        *end = ChainEnd::At { seq, hash: record.hash };
        if let Some((session, participant)) = joins {
            self.add_participant(session, &participant)?;
        }
        Ok(RecordedDisclosure::Durable { seq })
    }

    /// Number and hash of a chain's last record.
    fn end_of_chain(&mut self, chain: ChainId) -> Result<(i64, [u8; 32]), StoreError> {
        let last: Option<(i64, Vec<u8>)> = disclosure::table
            .filter(disclosure::chain.eq(chain.as_bytes().to_vec()))
            .order(disclosure::seq.desc())
            .select((disclosure::seq, disclosure::hash))
            .first(self.connection)
            .optional()?;
        match last {
            Some((seq, hash)) => Ok((seq, typed(hash.as_slice(), "disclosure", "hash")?)),
            None => Ok((0, BEFORE_THE_FIRST)),
        }
    }

    fn add_disclosure(&mut self, record: &DisclosureRecord) -> Result<(), StoreError> {
        let draft = &record.disclosure;
        let names: Vec<&str> = draft.names.iter().map(|name| name.as_str()).collect();
        let insertion = diesel::insert_into(disclosure::table).values((
            (
                disclosure::chain.eq(record.chain.as_bytes().to_vec()),
                disclosure::seq.eq(record.seq),
                disclosure::prev_hash.eq(record.prev_hash.to_vec()),
                disclosure::hash.eq(record.hash.to_vec()),
                disclosure::id.eq(draft.id.as_bytes().to_vec()),
                disclosure::at.eq(milliseconds(draft.at)),
                disclosure::subscriber.eq(draft.subscriber.as_bytes().to_vec()),
                disclosure::entity_id.eq(draft.entity_id.as_str()),
                disclosure::agency_id.eq(draft.agency_id.as_str()),
                disclosure::sp_revision.eq(draft.sp_revision.0.to_vec()),
                disclosure::consent.eq(draft.consent.as_bytes().to_vec()),
                disclosure::scope_digest.eq(draft.scope_digest.0.to_vec()),
            ),
            (
                disclosure::content_digest.eq(draft.content_digest.0.to_vec()),
                disclosure::content_key_id.eq(draft.content_key_id.as_str()),
                disclosure::names.eq(names.join(" ")),
                disclosure::ial.eq(i32::from(draft.level.ial.number())),
                disclosure::aal.eq(i32::from(aal_number(draft.level.aal))),
                disclosure::class_ref.eq(draft.class_ref.as_str()),
                disclosure::name_id_format.eq(draft.name_id_format.uri()),
                disclosure::assertion_id.eq(draft.assertion_id.as_str()),
                disclosure::session_index.eq(draft.session_index.as_str()),
                disclosure::in_response_to.eq(draft.in_response_to.as_str()),
                disclosure::assertion_digest.eq(draft.assertion_digest.to_vec()),
                disclosure::signing_key_id.eq(draft.signing_key_id.as_str()),
            ),
        ));
        on_each!(self.connection, inner => insertion.execute(inner))?;
        Ok(())
    }

    /// The chains that have records.
    ///
    /// # Errors
    /// When the database fails.
    pub fn disclosure_chains(&mut self) -> Result<Vec<ChainId>, StoreError> {
        disclosure::table
            .select(disclosure::chain)
            .distinct()
            .load::<Vec<u8>>(self.connection)?
            .into_iter()
            .map(|chain| typed(chain.as_slice(), "disclosure", "chain"))
            .collect()
    }

    /// The next records of a chain after number `after`, in order; at most a thousand.
    ///
    /// # Errors
    /// When the database fails, or a row was tampered with so far that it is no record any more.
    pub fn disclosures_after(&mut self, chain: ChainId, after: i64) -> Result<Vec<DisclosureRecord>, StoreError> {
        disclosure::table
            .filter(disclosure::chain.eq(chain.as_bytes().to_vec()))
            .filter(disclosure::seq.gt(after))
            .order(disclosure::seq)
            .limit(1000)
            .select(DisclosureRow::as_select())
            .load::<DisclosureRow>(self.connection)?
            .into_iter()
            .map(DisclosureRecord::try_from)
            .collect()
    }

    /// What was disclosed about a person, the newest first; at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn disclosures_about(&mut self, of: SubscriberId, limit: i64) -> Result<Vec<DisclosureRecord>, StoreError> {
        disclosure::table
            .filter(disclosure::subscriber.eq(of.as_bytes().to_vec()))
            .order(disclosure::at.desc())
            .limit(limit)
            .select(DisclosureRow::as_select())
            .load::<DisclosureRow>(self.connection)?
            .into_iter()
            .map(DisclosureRecord::try_from)
            .collect()
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = disclosure)]
struct DisclosureRow {
    chain: Vec<u8>,
    seq: i64,
    prev_hash: Vec<u8>,
    hash: Vec<u8>,
    id: Vec<u8>,
    at: i64,
    subscriber: Vec<u8>,
    entity_id: String,
    agency_id: String,
    sp_revision: Vec<u8>,
    consent: Vec<u8>,
    scope_digest: Vec<u8>,
    content_digest: Vec<u8>,
    content_key_id: String,
    names: String,
    ial: i32,
    aal: i32,
    class_ref: String,
    name_id_format: String,
    assertion_id: String,
    session_index: String,
    in_response_to: String,
    assertion_digest: Vec<u8>,
    signing_key_id: String,
}

impl TryFrom<DisclosureRow> for DisclosureRecord {
    type Error = StoreError;

    fn try_from(row: DisclosureRow) -> Result<Self, StoreError> {
        const TABLE: &str = "disclosure";
        let broken = |column| StoreError::InconsistentRow { table: TABLE, column };
        let names = row
            .names
            .split_whitespace()
            .map(str::parse::<AttributeName>)
            .collect::<Result<BTreeSet<_>, _>>()
            .map_err(|_| broken("names"))?;
        let level = |column: &'static str, number: i32| typed::<u8, _>(number, TABLE, column);
        Ok(Self {
            chain: typed(row.chain.as_slice(), TABLE, "chain")?,
            seq: row.seq,
            prev_hash: typed(row.prev_hash.as_slice(), TABLE, "prev_hash")?,
            hash: typed(row.hash.as_slice(), TABLE, "hash")?,
            disclosure: DisclosureDraft {
                id: typed(row.id.as_slice(), TABLE, "id")?,
                at: instant(row.at, TABLE, "at")?,
                subscriber: typed(row.subscriber.as_slice(), TABLE, "subscriber")?,
                entity_id: EntityId::parse(&row.entity_id).map_err(|_| broken("entity_id"))?,
                agency_id: AgencyId::parse(&row.agency_id).map_err(|_| broken("agency_id"))?,
                sp_revision: RevisionId(typed(row.sp_revision.as_slice(), TABLE, "sp_revision")?),
                consent: typed(row.consent.as_slice(), TABLE, "consent")?,
                scope_digest: ScopeDigest(typed(row.scope_digest.as_slice(), TABLE, "scope_digest")?),
                content_digest: ContentDigest(typed(row.content_digest.as_slice(), TABLE, "content_digest")?),
                content_key_id: row.content_key_id,
                names,
                level: Level {
                    ial: Ial::from_number(level("ial", row.ial)?).ok_or_else(|| broken("ial"))?,
                    aal: aal_from_number(level("aal", row.aal)?).ok_or_else(|| broken("aal"))?,
                },
                class_ref: row.class_ref,
                name_id_format: NameIdFormat::from_uri(&row.name_id_format).ok_or_else(|| broken("name_id_format"))?,
                assertion_id: row.assertion_id,
                session_index: row.session_index,
                in_response_to: row.in_response_to,
                assertion_digest: typed(row.assertion_digest.as_slice(), TABLE, "assertion_digest")?,
                signing_key_id: row.signing_key_id,
            },
        })
    }
}
