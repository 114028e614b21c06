//! The limits and exceptions of the way out. Reading files and variables is the config crate's work.

use std::collections::BTreeMap;

use ipnet::IpNet;
use url::Url;

use crate::{EgressError, Proxy, policy};

#[derive(Clone, Debug)]
pub struct EgressConfig {
    /// Name resolution, TCP and TLS together.
    pub connect_timeout_ms: u64,
    /// A whole exchange; a plugin may ask for less.
    pub request_timeout_ms_max: u64,
    /// An exchange that uploads stored media or stores an answer, from its first byte to its last.
    pub media_timeout_ms_max: u64,
    pub response_bytes_max: usize,
    /// Names and values of an answer's headers together. At most 100 headers are read.
    pub response_header_bytes_max: usize,
    /// What is held in memory of a request's body; stored media are not.
    pub request_bytes_max: usize,
    /// A body with stored media, and an answer that is stored.
    pub media_bytes_max: u64,
    /// Host name to the origin that is connected to in its place, after all policy checks. The
    /// `Host` header stays the name's; with an https origin the certificate must be the origin's.
    pub connect_to: BTreeMap<String, Url>,
    /// Addresses that tenants' endpoints may have although they are not global.
    pub delivery_allow: Vec<IpNet>,
    /// Ports that tenants' endpoints may have; empty for all.
    pub delivery_ports: Vec<u16>,
    pub delivery_https_only: bool,
    /// The way to providers. The proxy resolves their names itself: the descriptor's endpoints still
    /// say which hosts may be asked for, but which address that is, the proxy decides.
    pub proxy: Option<Proxy>,
    /// The way to tenants' endpoints. Their names are resolved and vetted here all the same, and the
    /// proxy is asked for the vetted address, unless `delivery_proxy_resolves`.
    pub delivery_proxy: Option<Proxy>,
    /// The proxy is asked for the endpoint's name and must itself refuse what is not public. Only
    /// literal addresses are still vetted here.
    pub delivery_proxy_resolves: bool,
    /// Hosts that are reached without a proxy: `host`, `*.suffix`, or `*` for all.
    pub no_proxy: Vec<String>,
    /// Certificate authorities to trust besides the system's, in PEM.
    pub ca_pem: Option<String>,
    /// How much of each body the journal keeps.
    pub journal_body_bytes_max: usize,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 5_000,
            request_timeout_ms_max: 30_000,
            media_timeout_ms_max: 120_000,
            response_bytes_max: 4 << 20,
            response_header_bytes_max: 32 << 10,
            request_bytes_max: 4 << 20,
            media_bytes_max: 100 << 20,
            connect_to: BTreeMap::new(),
            delivery_allow: Vec::new(),
            delivery_ports: Vec::new(),
            delivery_https_only: true,
            proxy: None,
            delivery_proxy: None,
            delivery_proxy_resolves: false,
            no_proxy: Vec::new(),
            ca_pem: None,
            journal_body_bytes_max: 16 << 10,
        }
    }
}

impl EgressConfig {
    /// The redirections with normalised host names; an entry that could not work is an error at start.
    pub(crate) fn checked_connect_to(&self) -> Result<BTreeMap<String, Url>, EgressError> {
        self.connect_to
            .iter()
            .map(|(host, origin)| {
                let refuse = |reason| EgressError::ConnectTo {
                    host: host.clone(),
                    reason,
                };
                check_origin(origin).map_err(refuse)?;
                Ok((policy::plain_host(host).map_err(refuse)?, origin.clone()))
            })
            .collect()
    }
}

fn check_origin(origin: &Url) -> Result<(), &'static str> {
    if !matches!(origin.scheme(), "http" | "https") {
        return Err("the target must be an http or https URL");
    }
    if origin.path() != "/" || origin.query().is_some() || origin.fragment().is_some() {
        return Err(
            "the target must be scheme, host and port only; remove path, query and fragment",
        );
    }
    if !origin.username().is_empty() || origin.password().is_some() {
        return Err("the target must not carry user-info");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(host: &str, origin: &str) -> Result<BTreeMap<String, Url>, EgressError> {
        let origin = Url::parse(origin).unwrap();
        EgressConfig {
            connect_to: BTreeMap::from([(host.to_owned(), origin)]),
            ..EgressConfig::default()
        }
        .checked_connect_to()
    }

    #[test]
    fn redirections_are_normalised_and_checked() {
        let checked = with("Graph.Facebook.COM", "http://127.0.0.1:9000").unwrap();
        assert!(checked.contains_key("graph.facebook.com"));
        for (host, origin) in [
            ("graph.facebook.com", "ftp://127.0.0.1/"),
            ("graph.facebook.com", "http://127.0.0.1/path"),
            ("graph.facebook.com", "http://127.0.0.1/?q=1"),
            ("graph.facebook.com", "http://user@127.0.0.1/"),
            ("10.0.0.1", "http://127.0.0.1/"),
            ("https://graph.facebook.com", "http://127.0.0.1/"),
            ("*.facebook.com", "http://127.0.0.1/"),
            ("", "http://127.0.0.1/"),
        ] {
            assert!(with(host, origin).is_err(), "{host} -> {origin}");
        }
    }
}
