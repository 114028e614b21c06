//! Which addresses the host may connect to: those that the public can have, and the operator's exceptions.
//!
//! Pure. Whoever connects must ask for each address it connects to, not for a name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

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
    use proptest::prelude::*;

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

    proptest! {
        /// Every address inside a listed range is refused, whatever its other bits are.
        #[test]
        fn no_bit_pattern_leaves_its_range(row in 0..SPECIAL_V4.len(), noise: u32) {
            let (base, length, _) = SPECIAL_V4[row];
            let host_bits = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
            let address = Ipv4Addr::from(u32::from_be_bytes(base) | (noise & host_bits));
            prop_assert!(check(address.into(), &[]).is_err(), "{address}");
        }

        #[test]
        fn no_bit_pattern_leaves_its_range_v6(row in 0..SPECIAL_V6.len(), noise: u128) {
            let (base, length, _) = SPECIAL_V6[row];
            let base = u128::from(Ipv6Addr::from(base));
            let host_bits = u128::MAX.checked_shr(u32::from(length)).unwrap_or(0);
            let address = Ipv6Addr::from(base | (noise & host_bits));
            prop_assert!(check(address.into(), &[]).is_err(), "{address}");
        }

        /// No way of writing an IPv4 address in IPv6 is public, whatever the address is.
        #[test]
        fn no_embedded_address_passes(bits: u32) {
            let bits = u128::from(bits);
            for prefix in [0, 0xffff_u128 << 32, 0x64_ff9b_u128 << 96, 0x64_ff9b_0001_u128 << 80] {
                let address = Ipv6Addr::from(prefix | bits);
                prop_assert!(check(address.into(), &[]).is_err(), "{address}");
            }
            let six_to_four = Ipv6Addr::from((0x2002_u128 << 112) | (bits << 80));
            prop_assert!(check(six_to_four.into(), &[]).is_err(), "{six_to_four}");
            let teredo = Ipv6Addr::from((0x2001_u128 << 112) | !bits & 0xffff_ffff);
            prop_assert!(check(teredo.into(), &[]).is_err(), "{teredo}");
        }

        /// What the standard library calls private, loopback and so on never passes either.
        #[test]
        fn the_standard_library_agrees(bits: u32) {
            let address = Ipv4Addr::from(bits);
            let special = address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address.is_documentation()
                || address.is_unspecified();
            prop_assert!(!special || check(address.into(), &[]).is_err(), "{address}");
        }
    }
}
