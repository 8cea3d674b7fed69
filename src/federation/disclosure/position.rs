//! A place in the ledger, as the log, a checkpoint and `signet audit verify --expect` write it.

use std::fmt;
use std::str::FromStr;

use super::{BEFORE_THE_FIRST, ChainId};

/// One record of the ledger by its place and its hash: `CHAIN:SEQ:HASH`, where chain and hash are hexadecimal. Who keeps it
/// apart from the database can tell later whether the record is still there and still the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChainPosition {
    /// The chain.
    pub chain: ChainId,
    /// The record's number in the chain; 0 before the first.
    pub seq: i64,
    /// The record's hash.
    pub hash: [u8; 32],
}

impl ChainPosition {
    /// Before the first record of a chain.
    #[must_use]
    pub const fn beginning(chain: ChainId) -> Self {
        Self { chain, seq: 0, hash: BEFORE_THE_FIRST }
    }
}

impl fmt::Display for ChainPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.chain, self.seq, hex::encode(self.hash))
    }
}

impl fmt::Debug for ChainPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainPosition({self})")
    }
}

/// The text is no place in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place in the ledger: CHAIN:SEQ:HASH is expected, as the log line of a disclosure has it")]
pub struct MalformedPosition;

impl FromStr for ChainPosition {
    type Err = MalformedPosition;

    fn from_str(text: &str) -> Result<Self, MalformedPosition> {
        let mut parts = text.split(':');
        let (Some(chain), Some(seq), Some(hash), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(MalformedPosition);
        };
        let mut octets = [0; 32];
        hex::decode_to_slice(hash, &mut octets).map_err(|_| MalformedPosition)?;
        Ok(Self {
            chain: chain.parse().map_err(|_| MalformedPosition)?,
            seq: seq.parse().map_err(|_| MalformedPosition)?,
            hash: octets,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_is_written() {
        let place = ChainPosition { chain: ChainId::from_bytes([3; 16]), seq: 17, hash: [0xab; 32] };
        assert_eq!(place.to_string().parse(), Ok(place));
        for malformed in ["", "03:1:ab", &format!("{place}:"), &place.to_string().replace(":17:", ":x:")] {
            assert_eq!(malformed.parse::<ChainPosition>(), Err(MalformedPosition), "{malformed}");
        }
    }
}
