//! The disclosure record: what was released to whom, when and with which consent, chained so that a record that is
//! changed, taken out or put in shows (`signet audit verify`).
//!
//! Each writing node has a chain of its own, so that no lock is global. A record's hash covers its chain, its number in
//! it, the hash of the record before, and every field; the first record of a chain follows 32 zero bytes. The hash is
//! keyed with a service key ([`Purpose::Ledger`]), and the record says with which one: nobody who has the database
//! alone can make a record. No record holds a value of a person: digests of values are keyed
//! ([`ContentKey`](super::consent::ContentKey)).
//!
//! Versions before this one wrote plain SHA-256 hashes. Such a record keeps its hash; it counts only up to the end that
//! was adopted ([`adopted`]), and never after a keyed one ([`chain`]).
//!
//! Numbers are given by `storage`, which alone knows what the last record of a chain is.

pub mod adopted;
pub mod chain;
pub mod checkpoint;
mod position;

pub use chain::{BrokenChain, ChainVerifier};
pub use position::{ChainPosition, MalformedPosition};

use std::collections::BTreeSet;
use std::fmt;

use time::UtcDateTime;

use super::agreement::AgencyId;
use super::assurance::{Level, aal_number};
use super::attribute::AttributeName;
use super::consent::{ConsentId, ContentDigest, ScopeDigest};
use super::identifier::NameIdFormat;
use crate::id::define_id;
use crate::saml::EntityId;
use crate::sealing::{Encoder, KeyId, KeysError, Mac, Purpose, ServiceKeys, milliseconds};
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
    /// The root key under which the hash was made; `None` for a record of a version that had no key.
    pub hash_key: Option<KeyId>,
    /// What was released.
    pub disclosure: DisclosureDraft,
}

/// What the first record of a chain follows.
pub const BEFORE_THE_FIRST: [u8; 32] = [0; 32];

impl DisclosureDraft {
    /// The record after `prev_hash` in a chain, its hash keyed with the newest key.
    ///
    /// # Errors
    /// When the service's keys are unavailable: then nothing may be recorded, and nothing sent.
    pub fn chained(
        self,
        chain: ChainId,
        seq: i64,
        prev_hash: [u8; 32],
        keys: &dyn ServiceKeys,
    ) -> Result<DisclosureRecord, KeysError> {
        let mac = keys.mac(Purpose::Ledger, &self.encoded(KEYED, chain, seq, &prev_hash).finish())?;
        Ok(DisclosureRecord { chain, seq, prev_hash, hash: mac.tag, hash_key: Some(mac.key_id), disclosure: self })
    }

    fn encoded(&self, label: &str, chain: ChainId, seq: i64, prev_hash: &[u8; 32]) -> Encoder {
        let start = Encoder::new(label)
            .bytes(chain.as_bytes())
            .number(seq)
            .bytes(prev_hash)
            .bytes(self.id.as_bytes())
            .number(milliseconds(self.at))
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
    }
}

/// What a keyed hash is made over begins with this, and a plain one with the other.
const KEYED: &str = "signet disclosure 2";
const UNKEYED: &str = "signet disclosure 1";

impl DisclosureRecord {
    /// Where it stands in the ledger.
    #[must_use]
    pub const fn position(&self) -> ChainPosition {
        ChainPosition { chain: self.chain, seq: self.seq, hash: self.hash }
    }

    /// Whether the hash is that of the record as it stands here. A record without a key says so of itself only: anybody
    /// can hash.
    ///
    /// # Errors
    /// [`KeysError::UnknownKey`] when the key that made the hash is not here.
    pub fn is_as_hashed(&self, keys: &dyn ServiceKeys) -> Result<bool, KeysError> {
        let encoded = |label| self.disclosure.encoded(label, self.chain, self.seq, &self.prev_hash);
        match self.hash_key {
            Some(key_id) => keys.verify_mac(Purpose::Ledger, &encoded(KEYED).finish(), &Mac { key_id, tag: self.hash }),
            None => Ok(encoded(UNKEYED).sha256() == self.hash),
        }
    }
}
