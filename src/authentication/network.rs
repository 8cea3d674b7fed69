//! The network that a request comes from, as limits count it.
//!
//! An IPv4 address counts by itself. Whoever has one IPv6 address has at least a /64, households commonly a /56, and
//! organisations a /48 (RFC 6177), so an IPv6 address counts at each of the three: a limit holds for the /64, twice as many
//! are allowed to its /56, four times as many to its /48.

// Addresses alone: nothing here opens a connection.
use core::net::IpAddr;

/// A network and the wider ones that it is part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The octets of the narrowest prefix: 4 of IPv4, 8 of IPv6, none where the address is not known.
    narrowest: Vec<u8>,
}

/// One network that a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix<'a> {
    /// Its first octets: 4 of IPv4; 8, 7 or 6 of IPv6.
    pub octets: &'a [u8],
    /// How many times as much is allowed to it as to the narrowest.
    pub times: u32,
}

impl Network {
    /// The network of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let narrowest = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(address) => address.octets().to_vec(),
                None => address.octets().iter().take(8).copied().collect(),
            },
        };
        Self { narrowest }
    }

    /// Where no address is known: all such requests share one network.
    #[must_use]
    pub const fn unknown() -> Self {
        Self { narrowest: Vec::new() }
    }

    /// The octets of the narrowest network.
    #[must_use]
    pub fn narrowest(&self) -> &[u8] {
        &self.narrowest
    }

    /// The networks that the request comes from, the narrowest first.
    pub fn prefixes(&self) -> impl Iterator<Item = Prefix<'_>> {
        let whole = self.narrowest.as_slice();
        let wider = (whole.len() == 8).then_some([(7, 2), (6, 4)]).into_iter().flatten();
        let narrowest = Prefix { octets: whole, times: 1 };
        std::iter::once(narrowest)
            .chain(wider.filter_map(move |(length, times)| Some(Prefix { octets: whole.get(..length)?, times })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes(address: &str) -> Vec<(String, u32)> {
        let network = Network::of(address.parse().unwrap());
        network.prefixes().map(|prefix| (hex::encode(prefix.octets), prefix.times)).collect()
    }

    #[test]
    fn an_ipv4_address_counts_by_itself() {
        assert_eq!(prefixes("198.51.100.1"), [("c6336401".to_owned(), 1)]);
        assert_eq!(prefixes("::ffff:198.51.100.1"), prefixes("198.51.100.1"));
    }

    #[test]
    fn an_ipv6_address_counts_as_household_site_and_organisation() {
        let expected = [("20010db8000112ab", 1), ("20010db8000112", 2), ("20010db80001", 4)];
        assert_eq!(prefixes("2001:db8:1:12ab:3::4"), expected.map(|(octets, times)| (octets.to_owned(), times)));
        assert_eq!(prefixes("2001:db8:1:12ab::99"), prefixes("2001:db8:1:12ab:3::4"));
    }

    #[test]
    fn requests_without_an_address_share_one_network() {
        assert_eq!(Network::unknown().prefixes().collect::<Vec<_>>(), [Prefix { octets: &[], times: 1 }]);
    }
}
