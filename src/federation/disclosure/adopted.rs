//! The end of what a chain held before records were keyed, as this service took it over: once, when the version before was
//! replaced (`signet migrate`, or `signet audit adopt`).
//!
//! Anybody who can write to the database can make records without a key. So they count only up to an end that carries a
//! keyed digest: a chain that is rewritten without keys, or invented, has none.

use super::ChainPosition;
use crate::sealing::Encoder;
use crate::sealing::{KeysError, NotVouched, Purpose, ServiceKeys};

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
        Ok(Self { end, mac: keys.mac(Purpose::Ledger, &octets(&end))?.to_bytes().to_vec() })
    }

    /// The end, if this service took it over.
    ///
    /// # Errors
    /// [`NotVouched::Altered`]: then no record without a key counts.
    pub fn authenticate(&self, keys: &dyn ServiceKeys) -> Result<ChainPosition, NotVouched> {
        keys.vouch(Purpose::Ledger, &octets(&self.end), &self.mac).map(|()| self.end)
    }
}

fn octets(end: &ChainPosition) -> Vec<u8> {
    Encoder::new("signet adopted chain 1").bytes(end.chain.as_bytes()).number(end.seq).bytes(&end.hash).finish()
}
