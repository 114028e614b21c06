//! Proxies the operator chose, and the hosts that are reached without one.
//!
//! A proxy is always asked for a tunnel (`CONNECT`), so it sees names and addresses and never a
//! request. It is named in the configuration only: the environment's `HTTPS_PROXY` is not read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// An HTTP proxy that tunnels.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// `http://host:port` or `https://host:port`; with the second the way to the proxy is encrypted.
    pub url: Url,
    /// `user:password`, sent as Basic credentials to the proxy alone.
    pub credentials: Option<SecretString>,
}

impl Proxy {
    pub(crate) fn uri(&self) -> Result<Uri, &'static str> {
        if !matches!(self.url.scheme(), "http" | "https") {
            return Err("must be an http or https URL");
        }
        if self.url.path() != "/" || self.url.query().is_some() || self.url.fragment().is_some() {
            return Err("must be scheme, host and port only; remove path, query and fragment");
        }
        if !self.url.username().is_empty() || self.url.password().is_some() {
            return Err("must not carry user-info; give the credentials as a secret of their own");
        }
        self.url.as_str().parse().map_err(|_| "is not a usable URL")
    }

    pub(crate) fn authorization(&self) -> Result<Option<HeaderValue>, &'static str> {
        let Some(credentials) = &self.credentials else {
            return Ok(None);
        };
        let credentials = credentials.expose_secret();
        let clean = !credentials.chars().any(char::is_control);
        if !clean || credentials.find(':').is_none_or(|at| at == 0) {
            return Err("its credentials must be `user:password` on one line");
        }
        let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(credentials)))
            .expect("base64 is visible ASCII");
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// Hosts that are reached without a proxy.
pub(crate) struct NoProxy(Vec<String>);

impl NoProxy {
    /// `host` stands for itself, `*.suffix` and `.suffix` for every name below the suffix, `*` for all.
    pub(crate) fn new(patterns: &[String]) -> Self {
        let normal = |pattern: &String| {
            let pattern = pattern.trim().to_ascii_lowercase();
            match pattern.strip_prefix("*.") {
                Some(suffix) => format!(".{suffix}"),
                None => pattern,
            }
        };
        Self(patterns.iter().map(normal).collect())
    }

    /// `host` as the URL parser spells it: lower case, punycode, IPv6 in brackets.
    pub(crate) fn covers(&self, host: &str) -> bool {
        self.0.iter().any(|pattern| match pattern.as_str() {
            "*" => true,
            "" => false,
            suffix if suffix.starts_with('.') => {
                host.len() > suffix.len() && host.ends_with(suffix)
            }
            name => name == host,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str, credentials: Option<&str>) -> Proxy {
        Proxy {
            url: Url::parse(url).unwrap(),
            credentials: credentials.map(SecretString::from),
        }
    }

    #[test]
    fn a_proxy_is_an_origin_with_separate_credentials() {
        assert!(proxy("http://proxy.internal:3128", None).uri().is_ok());
        assert!(proxy("https://10.0.0.1:3129/", None).uri().is_ok());
        for url in [
            "socks5://proxy.internal:1080",
            "http://proxy.internal/path",
            "http://proxy.internal/?q",
            "http://user:pw@proxy.internal:3128",
        ] {
            assert!(proxy(url, None).uri().is_err(), "{url}");
        }
        let with = |credentials| {
            proxy("http://p", Some(credentials))
                .authorization()
                .map(|value| value.map(|value| value.to_str().unwrap().to_owned()))
        };
        // printf 'wharf:pa:ss' | base64
        assert_eq!(
            with("wharf:pa:ss"),
            Ok(Some("Basic d2hhcmY6cGE6c3M=".to_owned()))
        );
        for credentials in ["wharf", ":pw", "user:pw\r\nX-Evil: 1", ""] {
            assert!(with(credentials).is_err(), "{credentials:?}");
        }
        let shown = format!("{:?}", proxy("http://p", Some("user:hunter2")));
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn exceptions_are_names_and_suffixes() {
        let list = ["Graph.Example.com", "*.internal", ".corp.example", ""];
        let no_proxy = NoProxy::new(&list.map(str::to_owned));
        for host in ["graph.example.com", "a.internal", "x.y.corp.example"] {
            assert!(no_proxy.covers(host), "{host}");
        }
        for host in [
            "example.com",
            "xgraph.example.com",
            "a.graph.example.com",
            "internal",
            "corp.example",
            "xcorp.example",
            "",
        ] {
            assert!(!no_proxy.covers(host), "{host}");
        }
        assert!(NoProxy::new(&["*".to_owned()]).covers("anything.example"));
    }
}
