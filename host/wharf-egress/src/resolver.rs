//! Which addresses the host may connect to, and the resolver that drops all others.
//!
//! The name is resolved once, here, and the connection goes to what was vetted: there is no second
//! look-up an attacker's name server could answer differently.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A name whose every address is forbidden, or a forbidden literal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host:?} leads only to addresses that are not public ({class})")]
pub(crate) struct AddressDenied {
    pub(crate) host: String,
    pub(crate) class: &'static str,
}

/// Resolves with the system's resolver and keeps vetted addresses only.
pub(crate) struct GuardedResolver {
    pub(crate) allow: Vec<IpNet>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = self.allow.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let kept = vet(name.as_str(), found, &allow)?;
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// The addresses of a host that may be connected to; an error when none is left.
fn vet(
    host: &str,
    found: impl Iterator<Item = SocketAddr>,
    allow: &[IpNet],
) -> Result<Vec<SocketAddr>, AddressDenied> {
    let mut class = "no address";
    let kept: Vec<_> = found
        .filter(|address| match check(address.ip(), allow) {
            Ok(()) => true,
            Err(why) => {
                class = why;
                false
            }
        })
        .collect();
    match kept.is_empty() {
        false => Ok(kept),
        true => Err(AddressDenied {
            host: host.to_owned(),
            class,
        }),
    }
}

/// Global addresses pass, and those the operator allowed; the error names the address's class.
pub(crate) fn check(address: IpAddr, allow: &[IpNet]) -> Result<(), &'static str> {
    let class = match address {
        IpAddr::V4(address) => class_v4(address),
        IpAddr::V6(address) => class_v6(address),
    };
    match class {
        Some(class) if !allow.iter().any(|net| net.contains(&address)) => Err(class),
        _ => Ok(()),
    }
}

/// The IANA special-purpose registry, and the ranges that are nobody's.
const SPECIAL_V4: &[([u8; 4], u8, &str)] = &[
    ([0, 0, 0, 0], 8, "unspecified"),
    ([10, 0, 0, 0], 8, "private"),
    ([100, 64, 0, 0], 10, "shared (carrier-grade NAT)"),
    ([127, 0, 0, 0], 8, "loopback"),
    ([169, 254, 0, 0], 16, "link-local"),
    ([172, 16, 0, 0], 12, "private"),
    ([192, 0, 0, 0], 24, "protocol assignments"),
    ([192, 0, 2, 0], 24, "documentation"),
    ([192, 88, 99, 0], 24, "6to4 relay"),
    ([192, 168, 0, 0], 16, "private"),
    ([198, 18, 0, 0], 15, "benchmarking"),
    ([198, 51, 100, 0], 24, "documentation"),
    ([203, 0, 113, 0], 24, "documentation"),
    ([224, 0, 0, 0], 4, "multicast"),
    ([255, 255, 255, 255], 32, "broadcast"),
    ([240, 0, 0, 0], 4, "reserved"),
];

/// Only 2000::/3 is handed out to the public, so what is outside it needs a name, not a rule.
const SPECIAL_V6: &[([u16; 8], u8, &str)] = &[
    ([0, 0, 0, 0, 0, 0, 0, 0], 128, "unspecified"),
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback"),
    ([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, "IPv4-mapped"),
    ([0, 0, 0, 0, 0, 0, 0, 0], 96, "IPv4-compatible"),
    ([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96, "NAT64"),
    ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "NAT64"),
    ([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "discard"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "Teredo"),
    ([0x2001, 2, 0, 0, 0, 0, 0, 0], 48, "benchmarking"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "protocol assignments"),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "documentation"),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "6to4"),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "documentation"),
    ([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, "segment routing"),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "unique local"),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local"),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "site-local"),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast"),
];

fn class_v4(address: Ipv4Addr) -> Option<&'static str> {
    let bits = u32::from(address);
    SPECIAL_V4
        .iter()
        .find(|(base, length, _)| {
            (bits ^ u32::from_be_bytes(*base)) >> (32 - u32::from(*length)) == 0
        })
        .map(|(_, _, class)| *class)
}

fn class_v6(address: Ipv6Addr) -> Option<&'static str> {
    let bits = u128::from(address);
    SPECIAL_V6
        .iter()
        .find(|(base, length, _)| {
            let base = u128::from(Ipv6Addr::from(*base));
            (bits ^ base) >> (128 - u32::from(*length)) == 0
        })
        .map(|(_, _, class)| *class)
        .or_else(|| (bits >> 125 != 1).then_some("reserved"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(address: &str) -> Option<&'static str> {
        check(address.parse().unwrap(), &[]).err()
    }

    #[test]
    fn every_class_that_is_not_global_is_dropped() {
        for (address, expected) in [
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "unspecified"),
            ("10.0.0.1", "private"),
            ("10.255.255.255", "private"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.168.1.1", "private"),
            ("100.64.0.1", "shared (carrier-grade NAT)"),
            ("100.127.255.255", "shared (carrier-grade NAT)"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("169.254.169.254", "link-local"),
            ("192.0.0.8", "protocol assignments"),
            ("192.0.2.1", "documentation"),
            ("198.51.100.7", "documentation"),
            ("203.0.113.9", "documentation"),
            ("192.88.99.1", "6to4 relay"),
            ("198.18.0.1", "benchmarking"),
            ("198.19.255.255", "benchmarking"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "broadcast"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::ffff:8.8.8.8", "IPv4-mapped"),
            ("::ffff:127.0.0.1", "IPv4-mapped"),
            ("::8.8.8.8", "IPv4-compatible"),
            ("64:ff9b::7f00:1", "NAT64"),
            ("64:ff9b:1::1", "NAT64"),
            ("100::1", "discard"),
            ("2001::1", "Teredo"),
            ("2001:2::1", "benchmarking"),
            ("2001:20::1", "protocol assignments"),
            ("2001:db8::1", "documentation"),
            ("2002:7f00:1::", "6to4"),
            ("3fff::1", "documentation"),
            ("5f00::1", "segment routing"),
            ("fc00::1", "unique local"),
            ("fd12:3456::1", "unique local"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
            ("4000::1", "reserved"),
            ("1000::1", "reserved"),
            ("e000::1", "reserved"),
        ] {
            assert_eq!(class(address), Some(expected), "{address}");
        }
    }

    #[test]
    fn global_addresses_pass_up_to_the_edges() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "157.240.1.1",
            "172.15.255.255",
            "172.32.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2606:4700::1111",
            "2a03:2880:f003::1",
            "3ffe:ffff::1",
        ] {
            assert_eq!(class(address), None, "{address}");
        }
    }

    #[test]
    fn the_operators_exceptions_open_exactly_their_nets() {
        let allow = [
            "10.1.0.0/16".parse().unwrap(),
            "fd00:1::/32".parse().unwrap(),
        ];
        let open = |address: &str| check(address.parse().unwrap(), &allow).is_ok();
        assert!(open("10.1.2.3"));
        assert!(open("fd00:1::5"));
        assert!(open("8.8.8.8"));
        assert!(!open("10.2.0.1"));
        assert!(
            !open("::ffff:10.1.2.3"),
            "a mapped address is another address"
        );
        assert!(!open("fd00:2::5"));
    }

    #[test]
    fn a_name_keeps_its_global_addresses_only() {
        let found = |list: &[&str]| -> Vec<SocketAddr> {
            list.iter()
                .map(|ip| SocketAddr::new(ip.parse().unwrap(), 0))
                .collect()
        };
        let mixed = found(&["169.254.169.254", "8.8.8.8", "::1", "::ffff:10.0.0.1"]);
        assert_eq!(
            vet("mixed.example", mixed.into_iter(), &[]).unwrap(),
            found(&["8.8.8.8"])
        );
        let denied = vet("rebind.example", found(&["127.0.0.1"]).into_iter(), &[]).unwrap_err();
        assert_eq!(denied.class, "loopback");
        assert!(denied.to_string().contains("rebind.example"));
        assert!(vet("empty.example", std::iter::empty(), &[]).is_err());
    }
}
