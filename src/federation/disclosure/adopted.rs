//! The end of what a chain held before records were keyed, as this service took it over: once, when the version before was
//! replaced (`signet migrate`, or `signet audit adopt`).
//!
//! Anybody who can write to the database can make records without a key. So they count only up to an end that carries a
//! keyed digest: a chain that is rewritten without keys, or invented, has none.

use super::ChainPosition;
use crate::sealing::{Encoder, KeysError, Purpose, ServiceKeys, Vouched, VouchedRow, mac_column};

/// What a row says of such an end: nobody vouches for it before [`StoredAdoptedEnd::authenticate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAdoptedEnd {
    /// The last record without a key.
    pub end: ChainPosition,
    /// The keyed digest, as [`Mac::to_bytes`](crate::sealing::Mac::to_bytes) writes it.
    pub mac: Vec<u8>,
}

impl StoredAdoptedEnd {
    /// What to store when a chain is taken over up to `end`.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn new(end: ChainPosition, keys: &dyn ServiceKeys) -> Result<Self, KeysError> {
        Self { end, mac: Vec::new() }.vouched((), keys)
    }
}

/// By one that was altered, no record without a key counts.
impl VouchedRow for StoredAdoptedEnd {
    type Context<'c> = ();
    type Meaning = ChainPosition;
    const PURPOSE: Purpose = Purpose::Ledger;
    mac_column!();

    fn octets(&self, (): ()) -> Vec<u8> {
        let ChainPosition { chain, seq, hash } = &self.end;
        Encoder::new("signet adopted chain 1").bytes(chain.as_bytes()).number(*seq).bytes(hash).finish()
    }

    fn meaning(row: Vouched<'_, Self>, (): ()) -> Option<ChainPosition> {
        Some(row.end)
    }
}
