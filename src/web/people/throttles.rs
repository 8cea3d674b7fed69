//! Counting tries, durably, before any work is done for them.

use std::net::IpAddr;

use actix_web::HttpRequest;
use time::UtcDateTime;

use super::Trouble;
use crate::authentication::network::Network;
use crate::authentication::throttle::{RateLimit, RateVerdict};
use crate::sealing::{Purpose, context};
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

/// The network that a request comes from, as limits count it.
///
/// Each of the `proxies` in front of us adds the address that it sees to the end of `X-Forwarded-For`; what stands before
/// those was written by the browser, and is not believed.
#[must_use]
pub fn client_network(request: &HttpRequest, proxies: u8) -> Network {
    let forwarded = || {
        let lines = request.headers().get_all("x-forwarded-for").filter_map(|line| line.to_str().ok());
        let all: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        let at = all.len().checked_sub(usize::from(proxies))?;
        all.get(at)?.parse::<IpAddr>().ok()
    };
    let address = if proxies == 0 { None } else { forwarded() };
    address.or_else(|| request.peer_addr().map(|peer| peer.ip())).map_or_else(Network::unknown, Network::of)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(proxies: u8, header: &str) -> Network {
        let peer = "192.0.2.9:1234".parse().unwrap();
        client_network(
            &TestRequest::get().peer_addr(peer).insert_header(("x-forwarded-for", header)).to_http_request(),
            proxies,
        )
    }

    #[test]
    fn a_header_is_believed_as_far_as_our_own_proxies_wrote_it() {
        let is = |network: Network, address: &str| assert_eq!(network, Network::of(address.parse().unwrap()));
        is(seen(0, "198.51.100.1"), "192.0.2.9");
        is(seen(1, "198.51.100.1"), "198.51.100.1");
        is(seen(1, "203.0.113.5, 198.51.100.1"), "198.51.100.1");
        is(seen(2, "203.0.113.5, 198.51.100.1, 10.0.0.1"), "198.51.100.1");
        is(seen(2, "198.51.100.1"), "192.0.2.9");
        is(seen(1, "nonsense"), "192.0.2.9");
    }
}
