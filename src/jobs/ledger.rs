//! The ledger as a whole: its chains followed from the first record to the last, compared with places that were kept
//! elsewhere, and taken over where they were written before records had keys.

use std::collections::{BTreeMap, BTreeSet};

use crate::federation::disclosure::adopted::StoredAdoptedEnd;
use crate::federation::disclosure::{BrokenChain, ChainId, ChainPosition, ChainVerifier};
use crate::sealing::{KeysError, ServiceKeys, VouchedRow};
use crate::storage::{Store, StoreError, Transaction};

/// The migration after which records have keys. Who runs it takes over what was there before.
pub const KEYING_MIGRATION: &str = "20261201000601";

/// The ledger cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The service's keys failed.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// A record is not what it should be.
    #[error(transparent)]
    Broken(#[from] BrokenChain),
    /// A row was tampered with so far that it is no record any more.
    #[error("after record {after}: {fault}")]
    Unreadable {
        /// The last record before it.
        after: i64,
        /// What is wrong.
        fault: StoreError,
    },
}

/// A chain as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowedChain {
    /// Which.
    pub chain: ChainId,
    /// Its last record that holds.
    pub end: ChainPosition,
    /// The last record without a key.
    pub unkeyed_end: Option<ChainPosition>,
    /// What is wrong; `None` when the chain holds to its end.
    pub fault: Option<ChainFault>,
    /// Which of the expected places it has.
    pub met: BTreeSet<ChainPosition>,
}

/// Follows every chain from its first record to its last, chains that should be there and have no record included.
///
/// # Errors
/// When the database fails. What is wrong with a chain is in the chain.
pub fn follow_blocking(
    store: &Store,
    keys: &dyn ServiceKeys,
    expected: &BTreeSet<ChainPosition>,
) -> Result<Vec<FollowedChain>, StoreError> {
    let (mut chains, stored) = store.read_blocking::<_, StoreError, _>(|tx| {
        Ok((BTreeSet::from_iter(tx.disclosure_chains()?), tx.adopted_ends()?))
    })?;
    // What this service did not write adopts nothing.
    let adopted: BTreeMap<ChainId, ChainPosition> =
        stored.iter().filter_map(|row| row.authenticate((), keys).ok()).map(|end| (end.chain, end)).collect();
    chains.extend(adopted.keys());
    chains.into_iter().map(|chain| follow(store, keys, chain, adopted.get(&chain).copied(), expected)).collect()
}

fn follow(
    store: &Store,
    keys: &dyn ServiceKeys,
    chain: ChainId,
    adopted: Option<ChainPosition>,
    expected: &BTreeSet<ChainPosition>,
) -> Result<FollowedChain, StoreError> {
    let mut verifier = ChainVerifier::new(chain);
    let mut met = BTreeSet::new();
    // From the very beginning: a record that was given a number below the first must not be passed over.
    let mut after = i64::MIN;
    let fault = loop {
        let read = store.read_blocking::<_, StoreError, _>(move |tx| tx.disclosures_after(chain, after));
        let records = match read {
            Ok(records) => records,
            Err(fault @ StoreError::InconsistentRow { .. }) => break Some(ChainFault::Unreadable { after, fault }),
            Err(fault) => return Err(fault),
        };
        let Some(last) = records.last() else { break verifier.finish(adopted).err().map(ChainFault::from) };
        after = last.seq;
        let broken = records.iter().find_map(|record| {
            let followed = verifier.follow(record, keys);
            if followed.is_ok() && expected.contains(&record.position()) {
                met.insert(record.position());
            }
            followed.err()
        });
        if let Some(broken) = broken {
            break Some(broken.into());
        }
    };
    Ok(FollowedChain { chain, end: verifier.end(), unkeyed_end: verifier.unkeyed_end(), fault, met })
}

/// What became of a chain whose records have no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adoption {
    /// Its records up to there count from now on.
    Adopted(ChainPosition),
    /// It does not hold, so nothing of it counts.
    NotHolding(ChainFault),
}

/// Takes over the chains that versions without keys have written: their records count up to where they end now. A chain that
/// does not hold, or that ends before what was adopted earlier, is left as it is.
///
/// This blesses what stands there: compare the ends with what was kept elsewhere first.
///
/// # Errors
/// When the database or the keys fail.
pub fn adopt_blocking(store: &Store, keys: &dyn ServiceKeys) -> Result<Vec<Adoption>, LedgerError> {
    let mut adoptions = Vec::new();
    let adopted_before: BTreeSet<ChainPosition> =
        store.read_blocking(adopted_ends)?.iter().filter_map(|row| row.authenticate((), keys).ok()).collect();
    for chain in follow_blocking(store, keys, &adopted_before)? {
        match (chain.fault, chain.unkeyed_end) {
            (Some(ChainFault::Broken(BrokenChain::NotAdopted { .. })), Some(end)) => {
                let before = adopted_before.iter().find(|before| before.chain == chain.chain);
                if before.is_some_and(|before| !chain.met.contains(before)) {
                    let fault = BrokenChain::AdoptedChanged { chain: chain.chain, seq: end.seq };
                    adoptions.push(Adoption::NotHolding(fault.into()));
                    continue;
                }
                let stored = StoredAdoptedEnd::new(end, keys)?;
                store.transaction_blocking::<_, StoreError, _>(|tx| tx.put_adopted_end(&stored))?;
                adoptions.push(Adoption::Adopted(end));
            }
            (Some(fault), _) => adoptions.push(Adoption::NotHolding(fault)),
            (None, _) => {}
        }
    }
    Ok(adoptions)
}

fn adopted_ends(tx: &mut Transaction<'_>) -> Result<Vec<StoredAdoptedEnd>, StoreError> {
    tx.adopted_ends()
}
