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

/// Counts one try for each of the limits, under the key given with it, up to the first that refuses. Callers name their own
/// keys first and those that many share last: what is refused to one must not use up what others need.
///
/// # Errors
/// When the database or the keys are unavailable: then nothing is allowed.
pub fn allow(
    tx: &mut Transaction<'_>,
    site: &Site,
    tries: &[(RateLimit, &[&[u8]])],
    now: UtcDateTime,
) -> Result<Result<(), TooMany>, Trouble> {
    for (limit, key) in tries {
        if let RateVerdict::Refused { until } = tx.count_try(limit, &fingerprint(site, limit, key)?, now)? {
            return Ok(Err(TooMany { seconds: (until - now).whole_seconds().max(1), limit: limit.name }));
        }
    }
    Ok(Ok(()))
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
///
/// Each of the `proxies` in front of us adds the address that it sees to the end of `X-Forwarded-For`; what stands before
/// those was written by the browser, and is not believed.
#[must_use]
pub fn client_address(request: &HttpRequest, proxies: u8) -> Vec<u8> {
    let forwarded = || {
        let lines = request.headers().get_all("x-forwarded-for").filter_map(|line| line.to_str().ok());
        let all: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        let at = all.len().checked_sub(usize::from(proxies))?;
        all.get(at)?.parse::<IpAddr>().ok()
    };
    let address = if proxies == 0 { None } else { forwarded() };
    address.or_else(|| request.peer_addr().map(|peer| peer.ip())).map(network_of).unwrap_or_default()
}

/// The network that an address belongs to: all of an IPv4 address, the first 64 bits of an IPv6 address.
#[must_use]
pub fn network_of(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => address.octets().to_vec(),
            None => address.octets().iter().take(8).copied().collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(proxies: u8, header: &str) -> Vec<u8> {
        let peer = "192.0.2.9:1234".parse().unwrap();
        client_address(
            &TestRequest::get().peer_addr(peer).insert_header(("x-forwarded-for", header)).to_http_request(),
            proxies,
        )
    }

    #[test]
    fn a_header_is_believed_as_far_as_our_own_proxies_wrote_it() {
        assert_eq!(seen(0, "198.51.100.1"), [192, 0, 2, 9]);
        assert_eq!(seen(1, "198.51.100.1"), [198, 51, 100, 1]);
        assert_eq!(seen(1, "203.0.113.5, 198.51.100.1"), [198, 51, 100, 1]);
        assert_eq!(seen(2, "203.0.113.5, 198.51.100.1, 10.0.0.1"), [198, 51, 100, 1]);
        assert_eq!(seen(2, "198.51.100.1"), [192, 0, 2, 9]);
        assert_eq!(seen(1, "nonsense"), [192, 0, 2, 9]);
    }

    #[test]
    fn a_household_with_ipv6_is_one() {
        assert_eq!(seen(1, "2001:db8:1:2:3::4"), seen(1, "2001:db8:1:2::99"));
        assert_ne!(seen(1, "2001:db8:1:2::"), seen(1, "2001:db8:1:3::"));
        assert_eq!(seen(1, "::ffff:198.51.100.1"), [198, 51, 100, 1]);
    }
}
