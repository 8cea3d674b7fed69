//! Follows a chain of disclosure records from one to the next, and says where and how it does not hold.
//!
//! Keys only grow along a chain: a plain record never follows a keyed one, and a record under an older key never follows
//! one under a newer. So nobody who has only an old key, or none, can add a record at the end.

use super::{ChainId, ChainPosition, DisclosureRecord};
use crate::sealing::{KeyId, ServiceKeys};

/// Follows one chain, record by record.
#[derive(Debug, Clone)]
pub struct ChainVerifier {
    last: ChainPosition,
    /// The key of the last record; `None` where that record, or no record yet, has one.
    last_key: Option<KeyId>,
    /// The last record without a key.
    unkeyed: Option<ChainPosition>,
}

/// A chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// Records without a key that were taken over once are not there as they were.
    #[error("chain {chain}: the records without a key, up to {seq}, are not those that this service adopted")]
    AdoptedChanged {
        /// The chain.
        chain: ChainId,
        /// The last one that was adopted.
        seq: i64,
    },
    /// The record was changed after it was written, or another hand wrote it.
    #[error("record {seq} of chain {chain} was changed after it was written, or was not written by this service")]
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
    /// Records have no key, and this service did not take them over.
    #[error(
        "chain {chain}: its first {seq} records have no key and were not adopted, so anybody may have written them; \
         after an upgrade from a version without keys, `signet audit adopt` takes them over once"
    )]
    NotAdopted {
        /// The chain.
        chain: ChainId,
        /// The last record without a key.
        seq: i64,
    },
    /// The record was hashed with an older key than the one before it.
    #[error(
        "record {seq} of chain {chain} was hashed with key {key}, which was replaced before the record ahead of it"
    )]
    OlderKey {
        /// The chain.
        chain: ChainId,
        /// The record.
        seq: i64,
        /// Its key.
        key: KeyId,
    },
    /// The record was hashed with a key that is not here.
    #[error("record {seq} of chain {chain} was hashed with key {key}, which is not in the key folder")]
    UnknownKey {
        /// The chain.
        chain: ChainId,
        /// The record.
        seq: i64,
        /// Its key.
        key: KeyId,
    },
    /// The record has no key although the one before it has.
    #[error("record {seq} of chain {chain} has no key, and follows one that has: this service did not write it")]
    Unkeyed {
        /// The chain.
        chain: ChainId,
        /// The record.
        seq: i64,
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
        Self::after(ChainPosition::beginning(chain), None)
    }

    /// Begins after a record that is known.
    #[must_use]
    pub const fn after(last: ChainPosition, last_key: Option<KeyId>) -> Self {
        Self { last, last_key, unkeyed: None }
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// Where and how the chain is broken.
    pub fn follow(&mut self, record: &DisclosureRecord, keys: &dyn ServiceKeys) -> Result<(), BrokenChain> {
        let (chain, seq) = (self.last.chain, record.seq);
        if record.chain != chain {
            return Err(BrokenChain::WrongChain { chain, found: record.chain });
        }
        let expected = self.last.seq.saturating_add(1);
        if seq != expected {
            return Err(BrokenChain::Gap { chain, expected, found: seq });
        }
        if record.prev_hash != self.last.hash {
            return Err(BrokenChain::Unlinked { chain, seq });
        }
        match (self.last_key, record.hash_key) {
            (Some(_), None) => return Err(BrokenChain::Unkeyed { chain, seq }),
            (Some(before), Some(key)) if key < before => return Err(BrokenChain::OlderKey { chain, seq, key }),
            _ => {}
        }
        match (record.is_as_hashed(keys), record.hash_key) {
            (Ok(true), _) => {}
            (Err(_), Some(key)) => return Err(BrokenChain::UnknownKey { chain, seq, key }),
            (Ok(false), _) | (Err(_), None) => return Err(BrokenChain::Changed { chain, seq }),
        }
        self.last = record.position();
        self.last_key = record.hash_key;
        if record.hash_key.is_none() {
            self.unkeyed = Some(self.last);
        }
        Ok(())
    }

    /// Takes the end of the chain: records without a key count only up to the end that was adopted.
    ///
    /// # Errors
    /// [`BrokenChain::NotAdopted`], [`BrokenChain::AdoptedChanged`].
    pub fn finish(&self, adopted: Option<ChainPosition>) -> Result<(), BrokenChain> {
        let chain = self.last.chain;
        match (self.unkeyed, adopted) {
            (unkeyed, adopted) if unkeyed == adopted => Ok(()),
            (Some(unkeyed), None) => Err(BrokenChain::NotAdopted { chain, seq: unkeyed.seq }),
            (Some(unkeyed), Some(adopted)) if unkeyed.seq > adopted.seq => {
                Err(BrokenChain::NotAdopted { chain, seq: unkeyed.seq })
            }
            (_, adopted) => Err(BrokenChain::AdoptedChanged { chain, seq: adopted.map_or(0, |end| end.seq) }),
        }
    }

    /// The last record that was followed. A chain that was cut at its end still holds, so keep this elsewhere and compare.
    #[must_use]
    pub const fn end(&self) -> ChainPosition {
        self.last
    }

    /// The key of the last record; `None` when that record has none, or there is no record.
    #[must_use]
    pub const fn end_key(&self) -> Option<KeyId> {
        self.last_key
    }

    /// The last record without a key; `None` when every record has one.
    #[must_use]
    pub const fn unkeyed_end(&self) -> Option<ChainPosition> {
        self.unkeyed
    }

    /// How many records were followed from the beginning of the chain.
    #[must_use]
    pub const fn length(&self) -> i64 {
        self.last.seq
    }
}
