//! Which key signs for which service, and how the next key takes over while people go on signing in.
//!
//! ```text
//! Generated ──publish──▶ Published ──sign with──▶ Signing ──retire──▶ Retired
//!   in the key folder      in metadata      for one service, some, all     the private key is erased
//! ```
//!
//! A [`SigningPlan`] says which keys stand in our metadata and which of them signs for whom. It is a document with a number,
//! kept in the database, so that all nodes follow the same one; a keyed digest says that this service wrote it
//! ([`StoredSigningPlan`]). It holds names of keys, never keys: certificates and private keys come from where the service's
//! keys are kept, so nobody who writes to the database can bring in a key of their own.
//!
//! [`SigningKeys`] is the plan with the keys that it names, as one snapshot. [`SigningKeys::signer`] is the one place where
//! the key for a service is picked. The plan also says which key our metadata offers for encrypting to us ([`OpenerState`]).

mod another_kind;
pub mod certificate_ends;
mod decryption;
mod evidence;
mod plan;
mod refused;
mod snapshot;
mod stored;
mod trial;

use std::fmt;

use time::Duration;

use crate::saml::EntityId;
use crate::sealing::{KeysError, Purpose, ServiceKeys};

pub use another_kind::{KindHistory, KindRisk};
pub use decryption::{OpenerState, PlannedOpener};
pub use evidence::{MetadataFetch, NodeSeen, Readiness};
pub use plan::{At, KeyState, PlannedKey, SigningPlan, TrialOutcome, Wave, WavePercent, Whom};
pub use refused::PlanRefused;
pub use snapshot::{KeyUnusable, SharedSigningKeys, SigningKeys};
pub use stored::StoredSigningPlan;
pub use trial::{TRIAL_LASTS, Trial, TrialTicket};

/// For how long a copy of our metadata may be relied on (SAML V2.0 Metadata Interoperability Profile §2.4): after that,
/// nobody who follows the standard has a copy without the key that was published before.
pub const METADATA_VALID_FOR: Duration = Duration::days(14);
/// After how long a service looks for new metadata, if it follows our `cacheDuration`.
pub const METADATA_LOOK_AGAIN: Duration = Duration::hours(6);
/// How long after a key stopped signing its last messages may still be on their way: each node has taken the change over
/// within a minute, and what was signed until then is good for five.
pub const LAST_MESSAGES_ARRIVE: Duration = Duration::minutes(10);

/// The last part of the address at which one service fetches our metadata: the document is the same, and we know who fetched
/// it. It stays while the root keys that it was made with are kept.
///
/// # Errors
/// When the service's keys are unavailable.
pub fn metadata_address(service: &EntityId, keys: &dyn ServiceKeys) -> Result<String, KeysError> {
    let made = keys.fingerprint(Purpose::MetadataAddress, service.as_str().as_bytes())?;
    Ok(hex::encode(made.first_chunk::<ADDRESS_BYTES>().copied().unwrap_or_default()))
}

/// Whether this is the address of this service, made with whichever root key.
///
/// # Errors
/// When the service's keys are unavailable.
pub fn is_metadata_address(address: &str, service: &EntityId, keys: &dyn ServiceKeys) -> Result<bool, KeysError> {
    let mut named = [0; ADDRESS_BYTES];
    if hex::decode_to_slice(address, &mut named).is_err() {
        return Ok(false);
    }
    let made = keys.fingerprints(Purpose::MetadataAddress, service.as_str().as_bytes())?;
    Ok(made.iter().any(|made| made.starts_with(&named)))
}

/// 80 bits: nobody meets another's by guessing.
const ADDRESS_BYTES: usize = 10;

/// The name of a key pair that signs, or to which services encrypt: the first 16 hex digits of the SHA-256 of its public half.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SigningKeyId(String);

impl SigningKeyId {
    /// Reads a name: 16 lower-case hex digits.
    ///
    /// # Errors
    /// The text is none.
    pub fn parse(text: &str) -> Result<Self, MalformedKeyId> {
        let hex = |octet: u8| octet.is_ascii_digit() || matches!(octet, b'a'..=b'f');
        if text.len() == 16 && text.bytes().all(hex) { Ok(Self(text.to_owned())) } else { Err(MalformedKeyId) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SigningKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no name of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is named by 16 hex digits")]
pub struct MalformedKeyId;

#[cfg(test)]
mod tests;
