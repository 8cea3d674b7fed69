//! Counting tries, durably, before any work is done for them.

use std::net::IpAddr;

use actix_web::HttpRequest;
use time::UtcDateTime;

use super::Trouble;
use crate::authentication::throttle::{RateLimit, RateVerdict};
use crate::services::keys::{Purpose, context};
use crate::storage::Transaction;
use crate::web::site::Site;

/// Too many tries: nothing is judged until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// Seconds until the next try is judged.
    pub seconds: i64,
    /// Which limit it was, for the log.
    pub limit: &'static str,
}

/// Counts one try for each of the limits, under the key given with it. The first limit that refuses is named; the others are
/// counted all the same, so that a refusal by one hides nothing from another.
///
/// # Errors
/// When the database or the keys are unavailable: then nothing is allowed.
pub fn allow(
    tx: &mut Transaction<'_>,
    site: &Site,
    tries: &[(RateLimit, &[&[u8]])],
    now: UtcDateTime,
) -> Result<Result<(), TooMany>, Trouble> {
    let mut refused = None;
    for (limit, key) in tries {
        if let RateVerdict::Refused { until } = tx.count_try(limit, &fingerprint(site, limit, key)?, now)? {
            refused = refused.or(Some(TooMany { seconds: (until - now).whole_seconds().max(1), limit: limit.name }));
        }
    }
    Ok(refused.map_or(Ok(()), Err))
}

/// Forgets the tries under a key, as after a right one.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn forget(tx: &mut Transaction<'_>, site: &Site, limit: &RateLimit, key: &[&[u8]]) -> Result<(), Trouble> {
    Ok(tx.forget_tries(&fingerprint(site, limit, key)?)?)
}

/// Whether a limit is reached already, without counting.
///
/// # Errors
/// When the database or the keys are unavailable.
pub fn is_reached(
    tx: &mut Transaction<'_>,
    site: &Site,
    limit: &RateLimit,
    key: &[&[u8]],
    now: UtcDateTime,
) -> Result<bool, Trouble> {
    Ok(tx.tries_of(&fingerprint(site, limit, key)?, now)? >= limit.at_most)
}

fn fingerprint(site: &Site, limit: &RateLimit, key: &[&[u8]]) -> Result<[u8; 32], Trouble> {
    let parts = [&[limit.name.as_bytes()], key].concat();
    Ok(site.keys.fingerprint(Purpose::Throttle, &context(&parts))?)
}

/// The network address that a request came from, as one who shares it is counted: all of an IPv4 address, the first 64 bits
/// of an IPv6 address, since one household has them all.
#[must_use]
pub fn client_address(request: &HttpRequest) -> Vec<u8> {
    match request.peer_addr().map(|peer| peer.ip()) {
        Some(IpAddr::V4(address)) => address.octets().to_vec(),
        Some(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(address) => address.octets().to_vec(),
            None => address.octets().iter().take(8).copied().collect(),
        },
        None => Vec::new(),
    }
}
