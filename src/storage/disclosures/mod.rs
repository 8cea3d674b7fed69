//! The ledger: disclosure records, each in its place in this node's chain. The hash of a record is the core's
//! ([`crate::federation::disclosure`]); this file gives the number, and [`writer`] commits in groups.

mod writer;

use std::collections::BTreeSet;

use diesel::prelude::*;
use time::UtcDateTime;

use super::schema::{adopted_chain, disclosure};
use super::standing::Standing;
use super::{Participant, PendingRequestId, StoreError, Transaction, instant, milliseconds, on_each, typed};
use crate::authentication::session::SessionIdHash;
use crate::federation::agreement::AgencyId;
use crate::federation::assurance::{Level, aal_from_number, aal_number};
use crate::federation::attribute::AttributeName;
use crate::federation::consent::{ContentDigest, ScopeDigest};
use crate::federation::disclosure::adopted::StoredAdoptedEnd;
use crate::federation::disclosure::{
    ChainId, ChainPosition, ChainVerifier, DisclosureDraft, DisclosureRecord, RevisionId,
};
use crate::federation::identifier::NameIdFormat;
use crate::proofing::Ial;
use crate::saml::EntityId;
use crate::sealing::{KeyId, ServiceKeys};
use crate::subscriber::SubscriberId;

pub use writer::DisclosureWriter;

/// What is made durable together before a response leaves.
#[derive(Debug, Clone)]
pub struct Issuance {
    /// What is released.
    pub disclosure: DisclosureDraft,
    /// The keyed digest of the consent's row, as the gate saw it. `None` where there is no consent (tests and benches).
    pub consent_mac: Option<Vec<u8>>,
    /// The request that it answers: answered once. `None` where there is none (tests and benches).
    pub answers: Option<AnsweredRequest>,
    /// The session that the service joins.
    pub joins: Option<(SessionIdHash, Participant)>,
}

/// Which request an issuance answers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnsweredRequest {
    /// One that is answered in the very reply to it. It is remembered with the answer, and must not have been seen before.
    Arriving {
        /// The service that sent it.
        entity_id: String,
        /// Its ID.
        request_id: String,
        /// Until then it is remembered.
        forget_at: UtcDateTime,
    },
    /// One that waits.
    Waiting(PendingRequestId),
}

/// What became of an issuance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedDisclosure {
    /// The request was answered before, in another tab: nothing was recorded, and nothing may be sent.
    AnsweredBefore,
    /// The session, the account or the consent was ended since it was looked at: nothing was recorded, and nothing may be
    /// sent.
    EndedMeanwhile,
    /// The record is durable, in this place.
    Durable(ChainPosition),
    /// The request that arrives was seen before: nothing was recorded, and nothing may be sent.
    SeenBefore,
}

/// The last record of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ChainEnd {
    position: ChainPosition,
    /// The root key under which it was hashed.
    hash_key: Option<KeyId>,
}

impl Transaction<'_> {
    /// Records issuances: their requests are answered, each disclosure takes its place in the chain, the services join the
    /// sessions. Says how the chain ends then.
    fn record_issuances(
        &mut self,
        chain: ChainId,
        keys: &dyn ServiceKeys,
        remembered: Option<ChainEnd>,
        issuances: Vec<Issuance>,
    ) -> Result<(Vec<RecordedDisclosure>, ChainEnd), StoreError> {
        let mut end = self.confirmed_end(chain, keys, remembered)?;
        let standing = self.standing(&issuances)?;
        let borne = || issuances.iter().filter(|one| standing.bears(one));
        let answered: BTreeSet<&AnsweredRequest> = borne().filter_map(|one| one.answers.as_ref()).collect();
        let at = borne().map(|one| one.disclosure.at).max().unwrap_or(UtcDateTime::UNIX_EPOCH);
        // Of two in one group that answer the same request, the first does.
        let mut open = self.open_requests(&answered, at)?;
        let record = |one| self.record_issuance(keys, &mut end, &standing, &mut open, one);
        let recorded = issuances.into_iter().map(record).collect::<Result<_, _>>()?;
        Ok((recorded, end))
    }

    /// Which of these requests may be answered: those that wait, and are finished by this, and those that were not seen before.
    fn open_requests(
        &mut self,
        answered: &BTreeSet<&AnsweredRequest>,
        at: UtcDateTime,
    ) -> Result<BTreeSet<AnsweredRequest>, StoreError> {
        let (mut open, mut waiting) = (BTreeSet::new(), BTreeSet::new());
        // In the order of the set: of two groups that remember the same requests, neither waits for the other in a circle.
        for request in answered {
            match request {
                AnsweredRequest::Arriving { entity_id, request_id, forget_at } => {
                    if self.see_request(entity_id, request_id, *forget_at)? {
                        open.insert((*request).clone());
                    }
                }
                AnsweredRequest::Waiting(id) => {
                    waiting.insert(*id);
                }
            }
        }
        open.extend(self.finish_pending_requests(&waiting, at)?.into_iter().map(AnsweredRequest::Waiting));
        Ok(open)
    }

    fn record_issuance(
        &mut self,
        keys: &dyn ServiceKeys,
        end: &mut ChainEnd,
        standing: &Standing,
        open: &mut BTreeSet<AnsweredRequest>,
        issuance: Issuance,
    ) -> Result<RecordedDisclosure, StoreError> {
        if !standing.bears(&issuance) {
            return Ok(RecordedDisclosure::EndedMeanwhile);
        }
        let Issuance { disclosure, consent_mac: _, answers, joins } = issuance;
        match answers {
            Some(request) if open.remove(&request) => {}
            Some(AnsweredRequest::Arriving { .. }) => return Ok(RecordedDisclosure::SeenBefore),
            Some(AnsweredRequest::Waiting(_)) => return Ok(RecordedDisclosure::AnsweredBefore),
            None => {}
        }
        let ChainPosition { chain, seq, hash } = end.position;
        let record =
            disclosure.chained(chain, seq.saturating_add(1), hash, keys).map_err(|_| StoreError::KeysUnavailable)?;
        self.add_disclosure(&record)?;
        *end = ChainEnd { position: record.position(), hash_key: record.hash_key };
        if let Some((session, participant)) = joins {
            self.add_participant(session, &participant)?;
        }
        Ok(RecordedDisclosure::Durable(end.position))
    }

    /// The end of a chain, if nobody was at it: it is what the writer remembers, or keyed records follow on that (a commit
    /// whose answer was lost, another process of the same node). Where nothing is remembered yet, the last record must be
    /// as it was hashed.
    ///
    /// # Errors
    /// [`StoreError::LedgerAltered`]: nothing may be appended.
    fn confirmed_end(
        &mut self,
        chain: ChainId,
        keys: &dyn ServiceKeys,
        remembered: Option<ChainEnd>,
    ) -> Result<ChainEnd, StoreError> {
        let found = self.end_of_chain(chain)?;
        let known = remembered.map_or(ChainPosition::beginning(chain), |end| end.position);
        if known == found.position {
            return Ok(found);
        }
        let altered = StoreError::LedgerAltered {
            remembered: remembered.map(|end| Box::new(end.position)),
            found: Box::new(found.position),
        };
        // Numbers begin with 1; what stands there was written by somebody.
        if found.position.seq < 1 {
            return Err(altered);
        }
        let after = if remembered.is_some() { known.seq } else { found.position.seq - 1 };
        let mut verifier = remembered.map(|end| ChainVerifier::after(end.position, end.hash_key));
        let mut last = after;
        while last < found.position.seq {
            let records = match self.disclosures_after(chain, last) {
                Err(StoreError::InconsistentRow { .. }) => return Err(altered),
                read => read?,
            };
            let before = last;
            // On PostgreSQL another process of this node may have committed more since the end was read.
            for record in records.iter().take_while(|record| record.seq <= found.position.seq) {
                let holds = match &mut verifier {
                    Some(verifier) => record.hash_key.is_some() && verifier.follow(record, keys).is_ok(),
                    None => record.is_as_hashed(keys) == Ok(true),
                };
                if !holds {
                    return Err(altered);
                }
                last = record.seq;
            }
            if last == before {
                return Err(altered);
            }
        }
        if last == found.position.seq && found.position.seq > known.seq { Ok(found) } else { Err(altered) }
    }

    /// The last record of a chain.
    fn end_of_chain(&mut self, chain: ChainId) -> Result<ChainEnd, StoreError> {
        let last: Option<(i64, Vec<u8>, Option<i64>)> = disclosure::table
            .filter(disclosure::chain.eq(chain.as_bytes().to_vec()))
            .order(disclosure::seq.desc())
            .select((disclosure::seq, disclosure::hash, disclosure::hash_key))
            .first(self.connection)
            .optional()?;
        let Some((seq, hash, hash_key)) = last else {
            return Ok(ChainEnd { position: ChainPosition::beginning(chain), hash_key: None });
        };
        let hash = typed(hash.as_slice(), "disclosure", "hash")?;
        Ok(ChainEnd { position: ChainPosition { chain, seq, hash }, hash_key: key_of(hash_key)? })
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
                disclosure::hash_key.eq(record.hash_key.map(i64::from)),
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

// What chains held before records were keyed.
impl Transaction<'_> {
    /// Notes the end up to which a chain's records need no key, instead of one that was noted before.
    ///
    /// # Errors
    /// When the database fails.
    pub fn put_adopted_end(&mut self, stored: &StoredAdoptedEnd) -> Result<(), StoreError> {
        let ChainPosition { chain, seq, hash } = stored.end;
        let chain = chain.as_bytes().to_vec();
        diesel::delete(adopted_chain::table.find(chain.clone())).execute(self.connection)?;
        diesel::insert_into(adopted_chain::table)
            .values((
                adopted_chain::chain.eq(chain),
                adopted_chain::seq.eq(seq),
                adopted_chain::hash.eq(hash.to_vec()),
                adopted_chain::mac.eq(stored.mac.clone()),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// The ends that were noted.
    ///
    /// # Errors
    /// When the database fails, or a row was tampered with so far that it is no end any more.
    pub fn adopted_ends(&mut self) -> Result<Vec<StoredAdoptedEnd>, StoreError> {
        const TABLE: &str = "adopted_chain";
        adopted_chain::table
            .order(adopted_chain::chain)
            .select((adopted_chain::chain, adopted_chain::seq, adopted_chain::hash, adopted_chain::mac))
            .load::<(Vec<u8>, i64, Vec<u8>, Vec<u8>)>(self.connection)?
            .into_iter()
            .map(|(chain, seq, hash, mac)| {
                let chain = typed(chain.as_slice(), TABLE, "chain")?;
                Ok(StoredAdoptedEnd {
                    end: ChainPosition { chain, seq, hash: typed(hash.as_slice(), TABLE, "hash")? },
                    mac,
                })
            })
            .collect()
    }
}

fn key_of(stored: Option<i64>) -> Result<Option<KeyId>, StoreError> {
    stored.map(|id| typed(id, "disclosure", "hash_key")).transpose()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = disclosure)]
struct DisclosureRow {
    chain: Vec<u8>,
    seq: i64,
    prev_hash: Vec<u8>,
    hash: Vec<u8>,
    hash_key: Option<i64>,
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
            hash_key: key_of(row.hash_key)?,
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
