//! Counting tries, durably, before any work is done for them.

use time::UtcDateTime;

use crate::accounts::Trouble;
use crate::accounts::site::Site;
use crate::authentication::network::Network;
use crate::authentication::throttle::{RateLimit, RateVerdict};
use crate::sealing::{Purpose, context};
use crate::storage::Transaction;

/// Too many tries: nothing is judged until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// Seconds until the next try is judged.
    pub seconds: i64,
    /// Which limit it was, for the log.
    pub limit: &'static str,
}

/// One try that a limit counts, under a key.
#[derive(Debug, Clone)]
pub struct Try {
    limit: RateLimit,
    key: Vec<Vec<u8>>,
}

impl Try {
    /// A try under a key of these parts.
    #[must_use]
    pub fn new(limit: RateLimit, key: &[&[u8]]) -> Self {
        Self { limit, key: key.iter().map(|part| part.to_vec()).collect() }
    }

    /// A try under a key of these parts and the network: one for each network that the request comes from.
    pub fn from_network(limit: RateLimit, key: &[&[u8]], network: &Network) -> Vec<Self> {
        network
            .prefixes()
            .map(|prefix| Self::new(limit.times(prefix.times), &[key, &[prefix.octets]].concat()))
            .collect()
    }
}

/// Tries that were counted before they were judged: [`give_back`] takes them back if they were right.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Counted(Vec<([u8; 32], UtcDateTime)>);

/// Counts each of the tries, up to the first that is refused. Callers name their own keys first and those that many share last:
/// what is refused to one must not use up what others need.
///
/// # Errors
/// When the database or the keys are unavailable: then nothing is allowed.
pub fn allow(
    tx: &mut Transaction<'_>,
    site: &Site,
    tries: &[Try],
    now: UtcDateTime,
) -> Result<Result<Counted, TooMany>, Trouble> {
    let mut counted = Counted::default();
    for Try { limit, key } in tries {
        let key: Vec<&[u8]> = key.iter().map(Vec::as_slice).collect();
        let fingerprint = fingerprint(site, limit, &key)?;
        match tx.count_try(limit, &fingerprint, now)? {
            (window, RateVerdict::Allowed) => counted.0.push((fingerprint, window.ends_at)),
            (_, RateVerdict::Refused { until }) => {
                // Nothing is judged, so the tries before this one were none.
                give_back(tx, &counted)?;
                return Ok(Err(TooMany { seconds: (until - now).whole_seconds().max(1), limit: limit.name }));
            }
        }
    }
    Ok(Ok(counted))
}

/// Counts one under a key, and says how many that makes in the window.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn count(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: &RateLimit,
    key: &[&[u8]],
    now: UtcDateTime,
) -> Result<u32, Trouble> {
    tx.count_try(of, &fingerprint(site, of, key)?, now)?;
    count_of(tx, site, of, key, now)
}

/// How many were counted under a key in the window.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn count_of(
    tx: &mut Transaction<'_>,
    site: &Site,
    of: &RateLimit,
    key: &[&[u8]],
    now: UtcDateTime,
) -> Result<u32, Trouble> {
    Ok(tx.tries_of(&fingerprint(site, of, key)?, now)?)
}

/// Takes back tries that were counted: they were right, or were not judged.
///
/// # Errors
/// When the database is unavailable.
pub fn give_back(tx: &mut Transaction<'_>, counted: &Counted) -> Result<(), Trouble> {
    for (fingerprint, ends_at) in &counted.0 {
        tx.give_back_try(fingerprint, *ends_at)?;
    }
    Ok(())
}

/// By which the tries under a key are found.
///
/// # Errors
/// When the keys are unavailable.
pub fn fingerprint(site: &Site, limit: &RateLimit, key: &[&[u8]]) -> Result<[u8; 32], Trouble> {
    let parts = [&[limit.name.as_bytes()], key].concat();
    Ok(site.keys.fingerprint(Purpose::Throttle, &context(&parts))?)
}
