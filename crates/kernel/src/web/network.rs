//! Networks of addresses.

use std::net::IpAddr;
use std::str::FromStr;

/// A network such as `10.0.0.0/8`. A single address is a network of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    base: u128,
    bits: u32,
}

impl Cidr {
    /// Does the address lie in the network? An IPv4 address and its IPv6-mapped form are the same.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let mask = if self.bits == 0 { 0 } else { u128::MAX << (128 - self.bits) };
        wide(ip) & mask == self.base & mask
    }
}

/// Every address as 128 bits, IPv4 in its mapped form.
fn wide(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

impl FromStr for Cidr {
    type Err = String;
    fn from_str(text: &str) -> Result<Cidr, String> {
        let wrong = || format!("`{text}` is not a network such as 10.0.0.0/8 or an address");
        let (ip, bits) = text.split_once('/').map_or((text, None), |(ip, bits)| (ip, Some(bits)));
        let ip: IpAddr = ip.parse().map_err(|_| wrong())?;
        let size = if ip.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(size), |bits| bits.parse::<u32>().map_err(|_| wrong()))?;
        if bits > size {
            return Err(wrong());
        }
        Ok(Cidr { base: wide(ip), bits: bits + 128 - size })
    }
}

/// The network of a client, by which it is counted: one household has a whole /64 of IPv6.
pub fn network(ip: IpAddr) -> std::net::Ipv6Addr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => {
            let mut parts = ip.segments();
            parts[4..].fill(0);
            parts.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let ten: Cidr = "10.1.0.0/16".parse().unwrap();
        assert!(ten.contains("10.1.2.3".parse().unwrap()));
        assert!(ten.contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!ten.contains("10.2.0.0".parse().unwrap()));
        let one: Cidr = "::1".parse().unwrap();
        assert!(one.contains("::1".parse().unwrap()) && !one.contains("::2".parse().unwrap()));
        let all: Cidr = "::/0".parse().unwrap();
        assert!(all.contains("192.0.2.1".parse().unwrap()));
        assert!(!"0.0.0.0/0".parse::<Cidr>().unwrap().contains("2001:db8::1".parse().unwrap()));
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/-1", "host"] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }
}
