//! Fetching for the operator's commands: a plugin from a web server or a registry.
//!
//! Other rules than for a plugin's exchanges: the operator typed the address, so it may be a private
//! one, but a public server may not send the operator on to a private one. What comes back is a file
//! of some MiB, so its size is capped while it streams. No request of the gateway comes this way, and
//! nothing here knows what the bytes are.
//!
//! A proxy is used when the configuration names one; the environment is not read.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, StatusCode, header};
use thiserror::Error;
use url::{Host, Url};

use crate::proxy::NoProxy;
use crate::resolver::GuardedResolver;
use crate::{Proxy, SystemResolver, address};

const USER_AGENT: &str = concat!("Wharf/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Without a byte for this long, the server is gone.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// A component of 32 MiB over one Mbit/s.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(300);
/// Registries send to a store behind them once, sometimes twice.
const REDIRECTS_MAX: usize = 5;

/// Fetches files. Made for one command and dropped with it.
pub struct Downloader {
    /// To wherever the operator said.
    direct: reqwest::Client,
    /// To public addresses only.
    public: reqwest::Client,
    proxied: Option<reqwest::Client>,
    no_proxy: NoProxy,
}

/// What a server answered, whatever its status.
#[derive(Debug)]
pub struct Download {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

#[derive(Debug, Error)]
pub enum DownloadError {
    #[error("the file of certificate authorities (plugins.ca_file) is not a PEM bundle")]
    CaFile { source: reqwest::Error },
    #[error(
        "could not set up TLS; check that the system's CA certificates are installed (package ca-certificates)"
    )]
    Client { source: reqwest::Error },
    #[error("{url} is not https; plain http is only taken from this machine itself")]
    Insecure { url: String },
    #[error("could not fetch {url}")]
    Request { url: String, source: reqwest::Error },
    #[error("{url} leads from one address to the next more than {REDIRECTS_MAX} times")]
    Redirects { url: String },
    #[error("{url} leads to an address that is none: {location}")]
    Location { url: String, location: String },
    #[error("the proxy (egress.proxy) {reason}")]
    Proxy { reason: &'static str },
    #[error(
        "a redirect leads to {url}, an address that is not public ({class}); give that address itself if it is meant"
    )]
    Private { url: String, class: &'static str },
    #[error("{url} is larger than the {bytes_max} bytes that are allowed here")]
    TooLarge { url: String, bytes_max: usize },
}

impl Downloader {
    /// `ca_pem`: authorities that are trusted besides the system's. `proxy`: the way to everything but
    /// this machine and the hosts of `no_proxy`.
    pub fn new(
        ca_pem: Option<&[u8]>,
        proxy: Option<&Proxy>,
        no_proxy: &[String],
    ) -> Result<Self, DownloadError> {
        // An error says that a provider is installed already, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authorities = match ca_pem {
            Some(pem) => reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|source| DownloadError::CaFile { source })?,
            None => Vec::new(),
        };
        let build = |builder: reqwest::ClientBuilder| {
            let built = builder.tls_certs_merge(authorities.clone()).build();
            built.map_err(|source| DownloadError::Client { source })
        };
        let guarded = GuardedResolver::guarded(Arc::new(SystemResolver), &[]);
        let proxied = proxy.map(tunnel).transpose()?;
        Ok(Self {
            direct: build(plain())?,
            public: build(plain().dns_resolver(PublicNames(guarded)))?,
            proxied: proxied
                .map(|proxy| build(plain().proxy(proxy)))
                .transpose()?,
            no_proxy: NoProxy::new(no_proxy),
        })
    }

    /// GETs a file of at most `bytes_max`. A redirect never leads from https to http nor from a public
    /// server to a private address, and credentials stay with the origin they were given for.
    pub async fn get(
        &self,
        url: &Url,
        headers: &HeaderMap,
        bytes_max: usize,
    ) -> Result<Download, DownloadError> {
        let (mut at, mut headers) = (url.clone(), headers.clone());
        let mut public_only = false;
        for _ in 0..=REDIRECTS_MAX {
            check(&at)?;
            let (client, proxied) = self.client(&at, public_only);
            let response = client.get(at.clone()).headers(headers.clone());
            let response = response
                .send()
                .await
                .map_err(|source| failed(&at, source))?;
            let Some(next) = redirect(&at, &response)? else {
                return read(&at, response, bytes_max).await;
            };
            if next.origin() != at.origin() {
                headers.remove(header::AUTHORIZATION);
                // Through a proxy the other end is the proxy, which says nothing of the server.
                let server = response.remote_addr().filter(|_| !proxied);
                public_only |= !server.is_some_and(is_private);
            }
            if at.scheme() == "https" && next.scheme() != "https" {
                return Err(DownloadError::Insecure { url: shown(&next) });
            }
            if public_only {
                literal(&next)?;
            }
            at = next;
        }
        Err(DownloadError::Redirects { url: shown(url) })
    }

    /// Who fetches from there, and whether that is by the proxy. Names that the proxy resolves cannot be
    /// vetted here, like those of providers.
    fn client(&self, url: &Url, public_only: bool) -> (&reqwest::Client, bool) {
        let host = url.host_str().unwrap_or_default();
        match &self.proxied {
            Some(client) if !is_loopback(url) && !self.no_proxy.covers(host) => (client, true),
            _ if public_only => (&self.public, false),
            _ => (&self.direct, false),
        }
    }
}

/// What all clients have in common. `no_proxy` also keeps the environment's proxies away.
fn plain() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
}

fn tunnel(proxy: &Proxy) -> Result<reqwest::Proxy, DownloadError> {
    let unusable = |reason| DownloadError::Proxy { reason };
    proxy.uri().map_err(unusable)?;
    let tunnel = reqwest::Proxy::all(proxy.url.clone());
    let tunnel = tunnel.map_err(|_| unusable("is not a usable URL"))?;
    Ok(match proxy.authorization().map_err(unusable)? {
        Some(value) => tunnel.custom_http_auth(value),
        None => tunnel,
    })
}

/// Resolves names to public addresses.
struct PublicNames(GuardedResolver);

impl reqwest::dns::Resolve for PublicNames {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let names = self.0.clone();
        Box::pin(async move {
            let found = names.lookup(name.as_str()).await?;
            let found: Vec<_> = found
                .into_iter()
                .map(|ip| SocketAddr::from((ip, 0)))
                .collect();
            Ok(Box::new(found.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

fn is_private(server: SocketAddr) -> bool {
    address::check(server.ip(), &[]).is_err()
}

/// An address never gets to a resolver.
fn literal(url: &Url) -> Result<(), DownloadError> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) | None => return Ok(()),
    };
    address::check(address, &[]).map_err(|class| DownloadError::Private {
        url: shown(url),
        class,
    })
}

/// True when plain http to this host leaves no machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

fn check(url: &Url) -> Result<(), DownloadError> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        _ => Err(DownloadError::Insecure { url: shown(url) }),
    }
}

fn redirect(at: &Url, response: &reqwest::Response) -> Result<Option<Url>, DownloadError> {
    let location: HeaderName = header::LOCATION;
    let Some(value) = response.headers().get(location) else {
        return Ok(None);
    };
    if !response.status().is_redirection() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(value.as_bytes());
    match at.join(&text) {
        Ok(next) => Ok(Some(next)),
        Err(_) => Err(DownloadError::Location {
            url: shown(at),
            location: text
                .chars()
                .take(200)
                .flat_map(char::escape_default)
                .collect(),
        }),
    }
}

async fn read(
    at: &Url,
    response: reqwest::Response,
    bytes_max: usize,
) -> Result<Download, DownloadError> {
    let too_large = || DownloadError::TooLarge {
        url: shown(at),
        bytes_max,
    };
    if response
        .content_length()
        .is_some_and(|length| length > bytes_max as u64)
    {
        return Err(too_large());
    }
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|source| failed(at, source))?;
        if body.len() + chunk.len() > bytes_max {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Download {
        status,
        headers,
        body,
    })
}

fn failed(url: &Url, source: reqwest::Error) -> DownloadError {
    DownloadError::Request {
        url: shown(url),
        // A signed address is a credential; the message names the address without its query.
        source: source.without_url(),
    }
}

/// The address without what may be secret in it.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Fails for addresses that cannot have either, which is what is wanted.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

#[cfg(test)]
#[path = "download_tests.rs"]
mod tests;
