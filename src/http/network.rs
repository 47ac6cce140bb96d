//! Ranges of addresses: who is trusted, who must send a PROXY header.

use std::net::IpAddr;
use std::str::FromStr;

/// A range of addresses, as `10.0.0.0/8`; an IPv4-mapped IPv6 peer is compared as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The first address.
    pub address: IpAddr,
    /// Leading bits that count.
    pub prefix: u8,
}

impl Network {
    /// Whether `peer` is in this range.
    pub fn contains(&self, peer: IpAddr) -> bool {
        match (self.address, peer.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(peer)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                own.to_bits() & mask == peer.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(peer)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                own.to_bits() & mask == peer.to_bits() & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    /// Reads `10.0.0.0/8`, `fd00::/8` or a single address; the error says what is wrong.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address
            .trim()
            .parse()
            .map_err(|_| format!("`{text}` is not an IP address or range"))?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => most,
            Some(digits) => digits
                .trim()
                .parse()
                .ok()
                .filter(|&p| p <= most)
                .ok_or_else(|| format!("`{text}` has a prefix length outside 0 to {most}"))?,
        };
        Ok(Self { address, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a31_mapped_addresses_match_the_ipv4_range_exactly() {
        let ten: Network = "10.0.0.0/8".parse().unwrap();
        assert!(ten.contains("10.0.0.5".parse().unwrap()));
        assert!(ten.contains("::ffff:10.0.0.5".parse().unwrap()));
        assert!(!ten.contains("::ffff:11.0.0.5".parse().unwrap()));
        assert!(!ten.contains("::1".parse().unwrap()));
    }

    #[test]
    fn a_zero_prefix_is_everybody_of_that_family() {
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("192.0.2.1".parse().unwrap()));
        assert!(!all.contains("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "10.0.0.0/33", "fe80::1%lo", "10.0.0", "10.0.0.0/", "a/8"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
