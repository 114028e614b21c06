//! Pulls one component out of an OCI registry: a manifest, and its one layer.
//!
//! The layout is that of the wasm artifacts of the CNCF's working group: an image manifest whose config
//! is `application/vnd.wasm.config.v0+json` and whose single layer is `application/wasm`. Every byte
//! is checked against its digest before it is used.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use secrecy::SecretString;
use serde::Deserialize;
use thiserror::Error;
use url::Url;
use wharf_egress::{Download, DownloadError, Downloader};

use super::auth::{AuthError, RegistryAuth};
use super::reference::Reference;
use crate::plugins::digest::Digest;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The second is what artifacts with the older layer type have.
const CONFIGS: [&str; 2] = [
    "application/vnd.wasm.config.v0+json",
    "application/vnd.wasm.config.v1+json",
];
const LAYERS: [&str; 2] = [
    "application/wasm",
    "application/vnd.wasm.content.layer.v1+wasm",
];
/// What the specification asks registries to take (4 MiB); a manifest of one layer has 1 KiB.
const MANIFEST_BYTES_MAX: usize = 4 * 1024 * 1024;
const TOKEN_BYTES_MAX: usize = 256 * 1024;

pub(super) struct Pulled {
    pub(super) bytes: Vec<u8>,
    pub(super) manifest_digest: Digest,
}

#[derive(Debug, Error)]
pub enum OciError {
    #[error("the registry could not be asked")]
    Download(#[from] DownloadError),
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error("{0} is not in the registry, or these credentials may not see it")]
    NotFound(String),
    #[error(
        "the registry wants other credentials for {0}; give --auth-file, --username with --password-env, or --token-env"
    )]
    Unauthorized(String),
    #[error("the registry asks for a token in a way that is not understood: {0}")]
    Challenge(String),
    #[error("{url} answered {status}")]
    Status { url: String, status: StatusCode },
    #[error("the manifest is not one: {0}")]
    Manifest(String),
    #[error("it is an index of several artifacts; name one of them by its digest")]
    Index,
    #[error(
        "its config is {0}, not application/vnd.wasm.config.v0+json, so it is not a wasm artifact; push it with `wkg oci push` or `oras`"
    )]
    Config(String),
    #[error("it has {0} layers; a wasm artifact has exactly one")]
    Layers(usize),
    #[error("its layer is {0}, not application/wasm; push the component itself")]
    Layer(String),
    #[error(
        "the component has {size} bytes, at most {bytes_max} are allowed (component_bytes_max of its class, plugins.native or plugins.interpreter)"
    )]
    TooLarge { size: u64, bytes_max: usize },
    #[error("the {what} is not what its digest says: {found}, not {wanted}; nothing was installed")]
    Mismatch {
        what: &'static str,
        wanted: Digest,
        found: Digest,
    },
    #[error("the component has {found} bytes, its manifest says {wanted}; nothing was installed")]
    Size { wanted: u64, found: usize },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u32,
    media_type: Option<String>,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
}

pub(super) async fn pull(
    client: &Downloader,
    reference: &Reference,
    auth: &RegistryAuth,
    bytes_max: usize,
) -> Result<Pulled, OciError> {
    let mut session = Session {
        client,
        reference,
        auth,
        authorization: None,
    };
    let (manifest, manifest_digest) = session.manifest().await?;
    let layer = check(manifest)?;
    let wanted: Digest = match layer.digest.strip_prefix("sha256:").map(str::parse) {
        Some(Ok(digest)) => digest,
        _ => {
            return Err(OciError::Manifest(
                "its layer has no sha256 digest".to_owned(),
            ));
        }
    };
    if layer.size > bytes_max as u64 {
        let size = layer.size;
        return Err(OciError::TooLarge { size, bytes_max });
    }
    let answer = session
        .get(&format!("blobs/{wanted}"), None, bytes_max)
        .await?;
    let bytes = answer.body;
    if bytes.len() as u64 != layer.size {
        return Err(OciError::Size {
            wanted: layer.size,
            found: bytes.len(),
        });
    }
    same("component", wanted, &bytes)?;
    Ok(Pulled {
        bytes,
        manifest_digest,
    })
}

/// Its one layer.
fn check(manifest: Manifest) -> Result<Descriptor, OciError> {
    if manifest.schema_version != 2 {
        let version = manifest.schema_version;
        return Err(OciError::Manifest(format!(
            "its schema version is {version}, not 2"
        )));
    }
    match manifest.media_type.as_deref() {
        None | Some(MANIFEST) => {}
        Some(other) => {
            return Err(OciError::Manifest(format!(
                "its media type is {}",
                shown(other)
            )));
        }
    }
    if !CONFIGS.contains(&manifest.config.media_type.as_str()) {
        return Err(OciError::Config(shown(&manifest.config.media_type)));
    }
    let count = manifest.layers.len();
    let mut layers = manifest.layers.into_iter();
    let (Some(layer), None) = (layers.next(), layers.next()) else {
        return Err(OciError::Layers(count));
    };
    match LAYERS.contains(&layer.media_type.as_str()) {
        true => Ok(layer),
        false => Err(OciError::Layer(shown(&layer.media_type))),
    }
}

struct Session<'a> {
    client: &'a Downloader,
    reference: &'a Reference,
    auth: &'a RegistryAuth,
    /// What the registry took; found out at its first refusal.
    authorization: Option<HeaderValue>,
}

impl Session<'_> {
    /// The manifest and the digest of its bytes, which a tag is pinned to.
    async fn manifest(&mut self) -> Result<(Manifest, Digest), OciError> {
        let path = format!("manifests/{}", self.reference.version());
        let accept = format!("{MANIFEST}, {INDEX}");
        let answer = self.get(&path, Some(&accept), MANIFEST_BYTES_MAX).await?;
        let found = Digest::of(&answer.body);
        if let Some(wanted) = self.reference.digest() {
            same("manifest", wanted, &answer.body)?;
        }
        let told = answer.headers.get("docker-content-digest");
        if let Some(Ok(wanted)) = told
            .and_then(|it| it.to_str().ok())
            .map(str::parse::<Digest>)
        {
            same("manifest", wanted, &answer.body)?;
        }
        let json: serde_json::Value = serde_json::from_slice(&answer.body)
            .map_err(|error| OciError::Manifest(error.to_string()))?;
        let content_type = answer
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|it| it.to_str().ok());
        if json["mediaType"] == INDEX || content_type == Some(INDEX) || json["manifests"].is_array()
        {
            return Err(OciError::Index);
        }
        let manifest = serde_json::from_value(json);
        let manifest = manifest.map_err(|error| OciError::Manifest(error.to_string()))?;
        Ok((manifest, found))
    }

    /// GETs below the repository; a refusal is answered once with credentials.
    async fn get(
        &mut self,
        path: &str,
        accept: Option<&str>,
        bytes_max: usize,
    ) -> Result<Download, OciError> {
        let url = self.url(path)?;
        let mut answer = self.ask(&url, accept, bytes_max).await?;
        if answer.status == StatusCode::UNAUTHORIZED && self.authorization.is_none() {
            self.authorization = self.answer_to(&answer.headers).await?;
            if self.authorization.is_some() {
                answer = self.ask(&url, accept, bytes_max).await?;
            }
        }
        match answer.status {
            StatusCode::OK => Ok(answer),
            StatusCode::NOT_FOUND => Err(OciError::NotFound(self.reference.to_string())),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(OciError::Unauthorized(self.reference.to_string()))
            }
            status => Err(OciError::Status {
                url: url.to_string(),
                status,
            }),
        }
    }

    async fn ask(
        &self,
        url: &Url,
        accept: Option<&str>,
        bytes_max: usize,
    ) -> Result<Download, OciError> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept.and_then(|it| HeaderValue::try_from(it).ok()) {
            headers.insert(header::ACCEPT, accept);
        }
        if let Some(value) = &self.authorization {
            headers.insert(header::AUTHORIZATION, value.clone());
        }
        Ok(self.client.get(url, &headers, bytes_max).await?)
    }

    fn url(&self, path: &str) -> Result<Url, OciError> {
        let path = format!("{}/{path}", self.reference.repository());
        let url = self.reference.base().join(&path);
        url.map_err(|error| OciError::Challenge(error.to_string()))
    }

    /// What a challenge wants to hear: credentials as they are, or a token bought with them.
    async fn answer_to(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, OciError> {
        let challenge = headers
            .get(header::WWW_AUTHENTICATE)
            .and_then(|it| it.to_str().ok());
        let Some(challenge) = challenge else {
            return Ok(self.auth.header()?);
        };
        let (scheme, parameters) = challenge.split_once(' ').unwrap_or((challenge, ""));
        if !scheme.eq_ignore_ascii_case("bearer") || matches!(self.auth, RegistryAuth::Bearer(_)) {
            return Ok(self.auth.header()?);
        }
        let unclear = || OciError::Challenge(shown(challenge));
        let realm = parameter(parameters, "realm").ok_or_else(unclear)?;
        let mut url = Url::parse(&realm).map_err(|_| unclear())?;
        // Credentials go there: never in the open because a registry says so.
        let open = url.scheme() != "https" && self.reference.base().scheme() == "https";
        if open {
            return Err(DownloadError::Insecure { url: shown(&realm) }.into());
        }
        let scope = format!("repository:{}:pull", self.reference.repository());
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = parameter(parameters, "service") {
                query.append_pair("service", &service);
            }
            query.append_pair("scope", &scope);
        }
        self.token(&url).await.map(Some)
    }

    async fn token(&self, url: &Url) -> Result<HeaderValue, OciError> {
        #[derive(Deserialize)]
        struct Token {
            token: Option<String>,
            access_token: Option<String>,
        }
        let mut headers = HeaderMap::new();
        if let Some(value) = self.auth.header()? {
            headers.insert(header::AUTHORIZATION, value);
        }
        let answer = self.client.get(url, &headers, TOKEN_BYTES_MAX).await?;
        if answer.status != StatusCode::OK {
            return Err(OciError::Unauthorized(self.reference.to_string()));
        }
        let token: Option<Token> = serde_json::from_slice(&answer.body).ok();
        let token = token.and_then(|it| it.token.or(it.access_token));
        let Some(token) = token else {
            return Err(OciError::Challenge("the answer holds no token".to_owned()));
        };
        let header = RegistryAuth::Bearer(SecretString::from(token)).header()?;
        header.ok_or_else(|| OciError::Challenge("the answer holds no token".to_owned()))
    }
}

/// `name="value"` among the parameters of a challenge.
fn parameter(text: &str, name: &str) -> Option<String> {
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_start_matches([',', ' ']).trim();
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value.to_owned());
        }
        rest = left;
    }
    None
}

fn same(what: &'static str, wanted: Digest, bytes: &[u8]) -> Result<(), OciError> {
    let found = Digest::of(bytes);
    match found == wanted {
        true => Ok(()),
        false => Err(OciError::Mismatch {
            what,
            wanted,
            found,
        }),
    }
}

/// A registry's words in a message of ours.
fn shown(text: &str) -> String {
    text.chars()
        .take(200)
        .flat_map(char::escape_default)
        .collect()
}
