//! The limits and exceptions of the way out. Reading files and variables is the config crate's work.

use std::collections::BTreeMap;

use ipnet::IpNet;
use url::Url;

use crate::{EgressError, policy};

#[derive(Clone, Debug)]
pub struct EgressConfig {
    /// Name resolution, TCP and TLS together.
    pub connect_timeout_ms: u64,
    /// A whole exchange; a plugin may ask for less.
    pub request_timeout_ms_max: u64,
    pub response_bytes_max: usize,
    pub request_bytes_max: usize,
    /// Host name to the origin that is connected to in its place, after all policy checks. The
    /// `Host` header stays the name's; with an https origin the certificate must be the origin's.
    pub connect_to: BTreeMap<String, Url>,
    /// Addresses that tenants' endpoints may have although they are not global.
    pub delivery_allow: Vec<IpNet>,
    /// Ports that tenants' endpoints may have; empty for all.
    pub delivery_ports: Vec<u16>,
    pub delivery_https_only: bool,
    /// How much of each body the journal keeps.
    pub journal_body_bytes_max: usize,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 5_000,
            request_timeout_ms_max: 30_000,
            response_bytes_max: 4 << 20,
            request_bytes_max: 4 << 20,
            connect_to: BTreeMap::new(),
            delivery_allow: Vec::new(),
            delivery_ports: Vec::new(),
            delivery_https_only: true,
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
