//! Where a component comes from: a file, a web server, or a registry; and the fetching of it.
//!
//! Used by commands only. The running gateway reads `plugins.dir` and nothing else.

mod auth;
mod oci;
mod reference;

use std::path::{Path, PathBuf};

use http::{HeaderMap, StatusCode};
use thiserror::Error;
use url::Url;
use wharf_egress::{DownloadError, Downloader, Proxy};

use super::digest::{Digest, DigestError};
use super::folder::{Folder, FolderError};
pub use auth::{AuthError, RegistryAuth};
pub use reference::{Reference, ReferenceError};

/// A source as an operator writes it, with the digest it must have where one was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    kind: Kind,
    digest: Option<Digest>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Path(PathBuf),
    Https(Url),
    Oci(Reference),
}

/// What was fetched.
#[derive(Debug)]
pub struct Fetched {
    pub bytes: Vec<u8>,
    pub digest: Digest,
    /// The source as the lock keeps it: without what may be secret.
    pub source: String,
    pub manifest_digest: Option<Digest>,
}

#[derive(Debug, Error)]
pub enum SourceError {
    #[error(
        "{0:?} has no digest; add #sha256=HEX or --digest sha256:HEX, as `sha256sum FILE` prints it: what a server sends today it may not send tomorrow"
    )]
    NoDigest(String),
    #[error("{0:?} is plain http; use https, path:FILE or oci:REGISTRY/REPOSITORY:TAG")]
    Http(String),
    #[error("{0:?} is no address: {1}")]
    Url(String, url::ParseError),
    #[error("the address holds a user or password, which would end in the lock file; remove it")]
    UserInfo,
    #[error("the address says one digest and --digest another; keep the right one")]
    TwoDigests,
    #[error(transparent)]
    Digest(#[from] DigestError),
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    #[error("could not read the file")]
    File(#[from] FolderError),
    #[error("the download failed")]
    Download(#[from] DownloadError),
    #[error("{url} answered {status}")]
    Status { url: String, status: StatusCode },
    #[error(
        "{from} has the digest {found}, not {wanted}; it is not what was asked for, so nothing was installed"
    )]
    Mismatch {
        from: String,
        wanted: Digest,
        found: Digest,
    },
    #[error("could not pull from the registry")]
    Registry(#[from] oci::OciError),
}

impl Source {
    /// `path:FILE` or a bare path, `https://...#sha256=HEX`, `oci:REGISTRY/REPOSITORY:TAG` or `@sha256:HEX`.
    pub fn parse(text: &str, digest: Option<Digest>) -> Result<Self, SourceError> {
        if let Some(reference) = text.strip_prefix("oci:") {
            let reference = reference.strip_prefix("//").unwrap_or(reference);
            let kind = Kind::Oci(reference.parse()?);
            return Ok(Self { kind, digest });
        }
        if text.starts_with("https:") {
            return Self::https(text, digest);
        }
        if text.starts_with("http:") {
            return Err(SourceError::Http(text.to_owned()));
        }
        let path = text.strip_prefix("path:").unwrap_or(text);
        Ok(Self {
            kind: Kind::Path(PathBuf::from(path)),
            digest,
        })
    }

    fn https(text: &str, digest: Option<Digest>) -> Result<Self, SourceError> {
        let shown = || text.split(['?', '#']).next().unwrap_or_default().to_owned();
        let mut url = Url::parse(text).map_err(|source| SourceError::Url(shown(), source))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SourceError::UserInfo);
        }
        let written = url.fragment().map(|fragment| {
            let digits = fragment.strip_prefix("sha256=").unwrap_or(fragment);
            digits.parse::<Digest>()
        });
        url.set_fragment(None);
        let digest = match (written.transpose()?, digest) {
            (Some(one), Some(other)) if one != other => return Err(SourceError::TwoDigests),
            (Some(digest), _) | (None, Some(digest)) => digest,
            (None, None) => return Err(SourceError::NoDigest(shown())),
        };
        Ok(Self {
            kind: Kind::Https(url),
            digest: Some(digest),
        })
    }

    /// The name a plugin from here gets when nobody says another: the last part without `.wasm`.
    pub fn default_name(&self) -> String {
        let last = match &self.kind {
            Kind::Path(path) => path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned()),
            Kind::Https(url) => url
                .path_segments()
                .and_then(|mut it| it.next_back())
                .map(str::to_owned),
            Kind::Oci(reference) => reference.repository().rsplit('/').next().map(str::to_owned),
        };
        let last = last.unwrap_or_default().to_ascii_lowercase();
        last.strip_suffix(".wasm").unwrap_or(&last).to_owned()
    }

    /// The registry that credentials are for; `None` for other sources.
    pub fn registry(&self) -> Option<&str> {
        match &self.kind {
            Kind::Oci(reference) => Some(reference.registry()),
            Kind::Path(_) | Kind::Https(_) => None,
        }
    }

    /// True when the bytes come over the network.
    pub fn is_remote(&self) -> bool {
        !matches!(self.kind, Kind::Path(_))
    }

    pub async fn fetch(
        &self,
        folder: &Folder,
        access: &Access<'_>,
    ) -> Result<Fetched, SourceError> {
        let bytes_max = folder.bytes_max();
        let mut manifest_digest = None;
        let (bytes, source) = match &self.kind {
            Kind::Path(path) => (folder.read(path)?, absolute(path)),
            Kind::Https(url) => (https(url, access, bytes_max).await?, plain(url)),
            Kind::Oci(reference) => {
                let client = access.downloader()?;
                let pulled = oci::pull(&client, reference, access.auth, bytes_max).await?;
                manifest_digest = Some(pulled.manifest_digest);
                (pulled.bytes, format!("oci:{reference}"))
            }
        };
        let found = Digest::of(&bytes);
        match self.digest {
            Some(wanted) if wanted != found => Err(SourceError::Mismatch {
                from: source,
                wanted,
                found,
            }),
            _ => Ok(Fetched {
                bytes,
                digest: found,
                source,
                manifest_digest,
            }),
        }
    }
}

/// What the network needs.
pub struct Access<'a> {
    /// Authorities trusted besides the system's (`plugins.ca_file`).
    pub ca_pem: Option<&'a [u8]>,
    pub auth: &'a RegistryAuth,
    /// The proxy on the way out (`egress.proxy`).
    pub proxy: Option<&'a Proxy>,
    /// Hosts that are reached without it (`egress.no_proxy`).
    pub no_proxy: &'a [String],
}

impl Access<'_> {
    fn downloader(&self) -> Result<Downloader, DownloadError> {
        Downloader::new(self.ca_pem, self.proxy, self.no_proxy)
    }
}

async fn https(url: &Url, access: &Access<'_>, bytes_max: usize) -> Result<Vec<u8>, SourceError> {
    let client = access.downloader()?;
    let answer = client.get(url, &HeaderMap::new(), bytes_max).await?;
    match answer.status {
        StatusCode::OK => Ok(answer.body),
        status => Err(SourceError::Status {
            url: plain(url),
            status,
        }),
    }
}

/// The lock is read by many: a signed address loses its signature.
fn plain(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

/// The command may be run from another folder next time.
fn absolute(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    format!("path:{}", path.display())
}
