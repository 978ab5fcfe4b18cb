//! Networks of addresses.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};

/// A network such as `10.0.0.0/8`; a single address is a network of its own. The error is a sentence.
pub fn parse(text: &str) -> Result<IpNet, String> {
    let network = text.parse().or_else(|_| text.parse().map(|ip: IpAddr| IpNet::from(ip)));
    network.map_err(|_| format!("`{text}` is not a network such as 10.0.0.0/8 or an address"))
}

/// Does the address lie in one of the networks? An IPv4 address and its IPv6-mapped form are the same.
pub fn is_in(networks: &[IpNet], ip: IpAddr) -> bool {
    let (short, wide) = (ip.to_canonical(), IpAddr::V6(wide(ip)));
    networks.iter().any(|network| network.contains(&short) || network.contains(&wide))
}

/// The network of a client, by which it is counted: one household has a whole /64 of IPv6.
pub fn network(ip: IpAddr) -> Ipv6Addr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => Ipv6Net::new_assert(ip, 64).network(),
    }
}

/// Every address as one of IPv6, those of IPv4 in their mapped form.
fn wide(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let is_in = |ip: &str, network: &str| is_in(&[parse(network).unwrap()], ip.parse().unwrap());
        assert!(is_in("10.1.2.3", "10.1.0.0/16") && is_in("::ffff:10.1.2.3", "10.1.0.0/16"));
        assert!(is_in("10.1.2.3", "::ffff:10.1.0.0/112") && !is_in("10.2.0.0", "10.1.0.0/16"));
        assert!(is_in("10.1.2.3", "10.1.255.255/16"), "what the mask leaves out does not count");
        assert!(is_in("::1", "::1") && !is_in("::2", "::1"));
        assert!(is_in("192.0.2.1", "::/0") && !is_in("2001:db8::1", "0.0.0.0/0"));
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/-1", "host"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn clients_are_counted_by_network() {
        let of = |ip: &str| network(ip.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(
            (of("192.0.2.1"), of("::ffff:192.0.2.1")),
            ("::ffff:192.0.2.1".into(), "::ffff:192.0.2.1".into())
        );
    }
}
