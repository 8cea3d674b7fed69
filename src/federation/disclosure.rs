//! The disclosure record: what was released to whom, when and with which consent, chained so that a record that is
//! changed, taken out or put in shows (`signet audit verify`).
//!
//! Each writing node has a chain of its own, so that no lock is global. A record's hash covers its chain, its number in
//! it, the hash of the record before, and every field; the first record of a chain follows 32 zero bytes. No record
//! holds a value of a person: digests of values are keyed ([`ContentKey`](super::consent::ContentKey)).
//!
//! Numbers and hashes are given by `storage`, which alone knows what the last record of a chain is.

use std::collections::BTreeSet;
use std::fmt;

use time::UtcDateTime;

use super::agreement::AgencyId;
use super::assurance::{Level, aal_number};
use super::attribute::AttributeName;
use super::consent::{ConsentId, ContentDigest, ScopeDigest};
use super::encoding::Encoder;
use super::identifier::NameIdFormat;
use crate::id::define_id;
use crate::saml::EntityId;
use crate::subscriber::SubscriberId;

define_id! {
    /// One disclosure.
    DisclosureId
}

define_id! {
    /// One chain of disclosure records: those of one writing node.
    ChainId
}

/// The SHA-256 of a service's record as it stood when something was decided: the two files of its folder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RevisionId(pub [u8; 32]);

impl fmt::Display for RevisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for RevisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RevisionId({self})")
    }
}

/// What is about to be released, before it has its place in a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisclosureDraft {
    /// Its name.
    pub id: DisclosureId,
    /// When, in whole milliseconds.
    pub at: UtcDateTime,
    /// About whom.
    pub subscriber: SubscriberId,
    /// To which service.
    pub entity_id: EntityId,
    /// Of which agency.
    pub agency_id: AgencyId,
    /// Under which revision of the service's record.
    pub sp_revision: RevisionId,
    /// With which consent.
    pub consent: ConsentId,
    /// The digest of the names and purposes that were agreed to.
    pub scope_digest: ScopeDigest,
    /// The keyed digest of the names and values that are sent.
    pub content_digest: ContentDigest,
    /// Which key the two keyed digests were made with.
    pub content_key_id: String,
    /// The attributes that are sent.
    pub names: BTreeSet<AttributeName>,
    /// The levels that are stated.
    pub level: Level,
    /// The `AuthnContextClassRef` that is stated.
    pub class_ref: String,
    /// The NameID format.
    pub name_id_format: NameIdFormat,
    /// The ID of the Assertion.
    pub assertion_id: String,
    /// Its SessionIndex.
    pub session_index: String,
    /// The ID of the request that it answers.
    pub in_response_to: String,
    /// The keyed digest of the Assertion as it is signed.
    pub assertion_digest: [u8; 32],
    /// The name of the signing key.
    pub signing_key_id: String,
}

/// A record in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisclosureRecord {
    /// The chain.
    pub chain: ChainId,
    /// Its number in the chain, from 1.
    pub seq: i64,
    /// The hash of the record before.
    pub prev_hash: [u8; 32],
    /// Its own hash.
    pub hash: [u8; 32],
    /// What was released.
    pub disclosure: DisclosureDraft,
}

/// What the first record of a chain follows.
pub const BEFORE_THE_FIRST: [u8; 32] = [0; 32];

impl DisclosureDraft {
    /// The record after `prev_hash` in a chain.
    #[must_use]
    pub fn chained(self, chain: ChainId, seq: i64, prev_hash: [u8; 32]) -> DisclosureRecord {
        let hash = self.hash(chain, seq, &prev_hash);
        DisclosureRecord { chain, seq, prev_hash, hash, disclosure: self }
    }

    fn hash(&self, chain: ChainId, seq: i64, prev_hash: &[u8; 32]) -> [u8; 32] {
        let milliseconds = i64::try_from(self.at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX);
        let start = Encoder::new("signet disclosure 1")
            .bytes(chain.as_bytes())
            .number(seq)
            .bytes(prev_hash)
            .bytes(self.id.as_bytes())
            .number(milliseconds)
            .bytes(self.subscriber.as_bytes())
            .text(self.entity_id.as_str())
            .text(self.agency_id.as_str())
            .bytes(&self.sp_revision.0)
            .bytes(self.consent.as_bytes())
            .bytes(&self.scope_digest.0)
            .bytes(&self.content_digest.0)
            .text(&self.content_key_id)
            .count(self.names.len());
        self.names
            .iter()
            .fold(start, |encoder, name| encoder.text(name.as_str()))
            .number(i64::from(self.level.ial.number()))
            .number(i64::from(aal_number(self.level.aal)))
            .text(&self.class_ref)
            .text(self.name_id_format.uri())
            .text(&self.assertion_id)
            .text(&self.session_index)
            .text(&self.in_response_to)
            .bytes(&self.assertion_digest)
            .text(&self.signing_key_id)
            .sha256()
    }
}

/// Follows one chain, record by record.
#[derive(Debug, Clone)]
pub struct ChainVerifier {
    chain: ChainId,
    seq: i64,
    hash: [u8; 32],
}

/// A chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// The record was changed after it was written.
    #[error("record {seq} of chain {chain} was changed after it was written")]
    Changed {
        /// The chain.
        chain: ChainId,
        /// The record.
        seq: i64,
    },
    /// A record is missing, or one was put in.
    #[error("chain {chain}: record {expected} was expected and {found} was found")]
    Gap {
        /// The chain.
        chain: ChainId,
        /// The number that comes next.
        expected: i64,
        /// The number that came.
        found: i64,
    },
    /// The record does not follow the one before.
    #[error("record {seq} of chain {chain} does not follow the record before it")]
    Unlinked {
        /// The chain.
        chain: ChainId,
        /// The record.
        seq: i64,
    },
    /// The record is of another chain.
    #[error("a record of chain {found} stands in chain {chain}")]
    WrongChain {
        /// The chain.
        chain: ChainId,
        /// The chain that the record names.
        found: ChainId,
    },
}

impl ChainVerifier {
    /// Begins before the first record.
    #[must_use]
    pub const fn new(chain: ChainId) -> Self {
        Self { chain, seq: 0, hash: BEFORE_THE_FIRST }
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// Where and how the chain is broken.
    pub fn follow(&mut self, record: &DisclosureRecord) -> Result<(), BrokenChain> {
        let (chain, seq) = (self.chain, record.seq);
        if record.chain != chain {
            return Err(BrokenChain::WrongChain { chain, found: record.chain });
        }
        if seq != self.seq + 1 {
            return Err(BrokenChain::Gap { chain, expected: self.seq + 1, found: seq });
        }
        if record.prev_hash != self.hash {
            return Err(BrokenChain::Unlinked { chain, seq });
        }
        if record.disclosure.hash(chain, seq, &record.prev_hash) != record.hash {
            return Err(BrokenChain::Changed { chain, seq });
        }
        self.seq = seq;
        self.hash = record.hash;
        Ok(())
    }

    /// The number of the last record, 0 when there was none. A chain that was cut at its end still holds, so keep this
    /// and the hash elsewhere and compare.
    #[must_use]
    pub const fn length(&self) -> i64 {
        self.seq
    }
}
