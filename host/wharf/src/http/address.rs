//! Whose address a request comes from: the connection's, or what a trusted proxy says.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The caller's address, among a request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientAddress(pub(super) IpAddr);

/// The caller: of a trusted proxy's list the last address that is no trusted proxy. What stands further left, the
/// caller itself may have written.
pub(super) fn client(proxies: &[IpNet], peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
    let mut caller = plain(peer);
    if !is_trusted(proxies, caller) {
        return ClientAddress(caller);
    }
    let lists: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    let named = lists.iter().rev().flat_map(|list| {
        let text = list.to_str().unwrap_or_default();
        text.rsplit(',')
    });
    for name in named {
        let Ok(address) = name.trim().parse::<IpAddr>() else {
            break;
        };
        caller = plain(address);
        if !is_trusted(proxies, caller) {
            break;
        }
    }
    ClientAddress(caller)
}

pub(super) fn is_trusted(proxies: &[IpNet], address: IpAddr) -> bool {
    let address = plain(address);
    proxies.iter().any(|net| net.contains(&address))
}

/// What connections are counted by: one subscriber has a whole /64 of IPv6.
pub(super) fn counted(address: IpAddr) -> IpAddr {
    match plain(address) {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

/// An IPv4 address in IPv6's clothes is the IPv4 address.
fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}
