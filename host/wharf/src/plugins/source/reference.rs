//! `REGISTRY/REPOSITORY:TAG` and `@sha256:HEX`, as registries write them.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use url::Url;
use wharf_egress::is_loopback;

use crate::plugins::digest::Digest;

const REPOSITORY_CHARS_MAX: usize = 255;
const TAG_CHARS_MAX: usize = 128;
/// The one registry whose name is not its address.
const DOCKER_HUB: &str = "docker.io";
const DOCKER_HUB_ADDRESS: &str = "registry-1.docker.io";

/// Which artifact of which registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
    base: Url,
}

#[derive(Debug, Error)]
#[error(
    "{text:?} is not an artifact: {what}; write oci:REGISTRY/REPOSITORY:TAG or oci:REGISTRY/REPOSITORY@sha256:HEX"
)]
pub struct ReferenceError {
    text: String,
    what: &'static str,
}

impl Reference {
    pub fn registry(&self) -> &str {
        &self.registry
    }

    pub fn repository(&self) -> &str {
        &self.repository
    }

    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// Https, and plain http only for a registry on this machine.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// What the manifest is asked for by: a digest says more than a tag.
    pub fn version(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.clone().unwrap_or_default(),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let wrong = |what| ReferenceError {
            text: text.chars().take(300).collect(),
            what,
        };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                let digest = digest
                    .strip_prefix("sha256:")
                    .and_then(|hex| hex.parse().ok());
                (
                    rest,
                    Some(
                        digest
                            .ok_or_else(|| wrong("the digest is not sha256: and 64 hex digits"))?,
                    ),
                )
            }
            None => (text, None),
        };
        let (registry, rest) = rest
            .split_once('/')
            .ok_or_else(|| wrong("it has no registry"))?;
        let named = registry.contains(['.', ':']) || registry == "localhost";
        if !named {
            return Err(wrong("the registry is not a host name"));
        }
        let (repository, tag) = match rest.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
            None => (rest, None),
        };
        if !is_repository(repository) {
            return Err(wrong(
                "the repository is not lower-case names with slashes between",
            ));
        }
        if tag.as_deref().is_some_and(|tag| !is_tag(tag)) {
            return Err(wrong("the tag is not one"));
        }
        if tag.is_none() && digest.is_none() {
            return Err(wrong("it has neither tag nor digest"));
        }
        Ok(Self {
            base: base(registry).ok_or_else(|| wrong("the registry is not a host name"))?,
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag,
            digest,
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

fn base(registry: &str) -> Option<Url> {
    let address = match registry {
        DOCKER_HUB => DOCKER_HUB_ADDRESS,
        other => other,
    };
    let plain = Url::parse(&format!("http://{address}/v2/")).ok()?;
    let clean = plain.username().is_empty() && plain.password().is_none() && plain.path() == "/v2/";
    if !clean {
        return None;
    }
    match is_loopback(&plain) {
        true => Some(plain),
        false => Url::parse(&format!("https://{address}/v2/")).ok(),
    }
}

/// Names of a-z, 0-9 with single separators inside, slashes between.
fn is_repository(text: &str) -> bool {
    let part = |part: &str| {
        let inside =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
        let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        part.bytes().all(inside)
            && edge(part.bytes().next())
            && edge(part.bytes().next_back())
            && !part.contains("..")
    };
    text.len() <= REPOSITORY_CHARS_MAX && text.split('/').all(part)
}

fn is_tag(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= TAG_CHARS_MAX
        && bytes
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}
