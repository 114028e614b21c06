//! Fetching for the operator's commands: a plugin from a web server or a registry.
//!
//! Other rules than for a plugin's exchanges: the operator typed the address, so private addresses are
//! allowed; what comes back is a file of some MiB, so its size is capped while it streams. No request
//! of the gateway comes this way, and nothing here knows what the bytes are.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, StatusCode, header};
use thiserror::Error;
use url::{Host, Url};

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
    client: reqwest::Client,
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
    #[error("{url} is larger than the {bytes_max} bytes that are allowed here")]
    TooLarge { url: String, bytes_max: usize },
}

impl Downloader {
    /// `ca_pem`: authorities that are trusted besides the system's.
    pub fn new(ca_pem: Option<&[u8]>) -> Result<Self, DownloadError> {
        // An error says that a provider is installed already, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authorities = match ca_pem {
            Some(pem) => reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|source| DownloadError::CaFile { source })?,
            None => Vec::new(),
        };
        let client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .tls_certs_merge(authorities)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .build()
            .map_err(|source| DownloadError::Client { source })?;
        Ok(Self { client })
    }

    /// GETs a file of at most `bytes_max`. A redirect never leads from https to http, and credentials
    /// stay with the origin they were given for.
    pub async fn get(
        &self,
        url: &Url,
        headers: &HeaderMap,
        bytes_max: usize,
    ) -> Result<Download, DownloadError> {
        let (mut at, mut headers) = (url.clone(), headers.clone());
        for _ in 0..=REDIRECTS_MAX {
            check(&at)?;
            let response = self.client.get(at.clone()).headers(headers.clone());
            let response = response
                .send()
                .await
                .map_err(|source| failed(&at, source))?;
            let Some(next) = redirect(&at, &response)? else {
                return read(&at, response, bytes_max).await;
            };
            if next.origin() != at.origin() {
                headers.remove(header::AUTHORIZATION);
            }
            if at.scheme() == "https" && next.scheme() != "https" {
                return Err(DownloadError::Insecure { url: shown(&next) });
            }
            at = next;
        }
        Err(DownloadError::Redirects { url: shown(url) })
    }
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
