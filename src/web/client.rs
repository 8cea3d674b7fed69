//! Where a request comes from.

use std::net::IpAddr;

use actix_web::HttpRequest;

use crate::authentication::network::Network;

/// The network that a request comes from, as limits count it.
///
/// Each of the `proxies` in front of us adds the address that it sees to the end of `X-Forwarded-For`; what stands before
/// those was written by the browser, and is not believed.
#[must_use]
pub(super) fn client_network(request: &HttpRequest, proxies: u8) -> Network {
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
