//! A line that says how far a chain was at a time, to be kept apart from the database: `signet audit checkpoint` prints it,
//! `signet audit verify --expect-file` compares with it.
//!
//! ```text
//! CHAIN:SEQ:HASH 2026-12-01T00:00:00Z KEY:TAG
//! ```
//!
//! The tag is a keyed digest over the rest, so that a line which was changed on the way shows.

use std::fmt;
use std::str::FromStr;

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcDateTime};

use super::{ChainPosition, MalformedPosition};
use crate::sealing::Encoder;
use crate::sealing::{KeysError, Mac, Purpose, ServiceKeys};

/// How far a chain was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    end: ChainPosition,
    at: UtcDateTime,
    mac: Mac,
}

impl Checkpoint {
    /// Says that the chain ended there at `at`, in whole seconds.
    ///
    /// # Errors
    /// When the service's keys are unavailable.
    pub fn new(end: ChainPosition, at: UtcDateTime, keys: &dyn ServiceKeys) -> Result<Self, KeysError> {
        let at = UtcDateTime::from_unix_timestamp(at.unix_timestamp()).unwrap_or(at);
        Ok(Self { end, at, mac: keys.mac(Purpose::Ledger, &octets(&end, at))? })
    }

    /// Where the chain ended.
    #[must_use]
    pub const fn end(&self) -> ChainPosition {
        self.end
    }

    /// Whether this service made the line as it stands.
    ///
    /// # Errors
    /// [`KeysError::UnknownKey`] when the key that made it is not here.
    pub fn is_ours(&self, keys: &dyn ServiceKeys) -> Result<bool, KeysError> {
        keys.verify_mac(Purpose::Ledger, &octets(&self.end, self.at), &self.mac)
    }
}

fn octets(end: &ChainPosition, at: UtcDateTime) -> Vec<u8> {
    Encoder::new("signet checkpoint 1")
        .bytes(end.chain.as_bytes())
        .number(end.seq)
        .bytes(&end.hash)
        .number(at.unix_timestamp())
        .finish()
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.format(&Rfc3339).map_err(|_| fmt::Error)?;
        write!(f, "{} {at} {}:{}", self.end, self.mac.key_id, hex::encode(self.mac.tag))
    }
}

/// The text is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a checkpoint: a line of `signet audit checkpoint` is expected")]
pub struct MalformedCheckpoint;

impl From<MalformedPosition> for MalformedCheckpoint {
    fn from(_: MalformedPosition) -> Self {
        Self
    }
}

impl FromStr for Checkpoint {
    type Err = MalformedCheckpoint;

    fn from_str(text: &str) -> Result<Self, MalformedCheckpoint> {
        let mut words = text.split_whitespace();
        let (Some(end), Some(at), Some(mac), None) = (words.next(), words.next(), words.next(), words.next()) else {
            return Err(MalformedCheckpoint);
        };
        let at = OffsetDateTime::parse(at, &Rfc3339).map_err(|_| MalformedCheckpoint)?.to_utc();
        let (key_id, digits) = mac.split_once(':').ok_or(MalformedCheckpoint)?;
        let mut tag = [0; 32];
        hex::decode_to_slice(digits, &mut tag).map_err(|_| MalformedCheckpoint)?;
        let key_id = key_id.parse().map_err(|_| MalformedCheckpoint)?;
        Ok(Self { end: end.parse()?, at, mac: Mac { key_id, tag } })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::utc_datetime;

    use super::*;
    use crate::federation::disclosure::ChainId;
    use crate::services::keys::keys_for_tests;

    #[test]
    fn a_checkpoint_that_was_changed_is_not_ours() {
        let keys = keys_for_tests();
        let end = ChainPosition { chain: ChainId::from_bytes([3; 16]), seq: 9, hash: [7; 32] };
        let line = Checkpoint::new(end, utc_datetime!(2026-12-01 08:00:00.5), &keys).unwrap().to_string();
        let read: Checkpoint = line.parse().unwrap();
        assert_eq!((read.end(), read.is_ours(&keys)), (end, Ok(true)));
        for changed in [line.replace(":9:", ":8:"), line.replace("T08", "T09"), line.replace("07", "08")] {
            assert_ne!(changed, line);
            assert_eq!(changed.parse::<Checkpoint>().unwrap().is_ours(&keys), Ok(false), "{changed}");
        }
        assert_eq!("x".parse::<Checkpoint>(), Err(MalformedCheckpoint));
    }
}
