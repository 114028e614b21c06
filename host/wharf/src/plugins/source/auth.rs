//! Who a registry is told we are: nobody, a user, or the bearer of a token.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use thiserror::Error;

/// A file of credentials is a few KiB.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// How docker's file names its own hub.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// Without `Debug`: it holds a secret.
pub enum RegistryAuth {
    Anonymous,
    Basic {
        user: String,
        password: SecretString,
    },
    Bearer(SecretString),
}

#[derive(Debug, Error)]
pub enum AuthError {
    #[error("could not read the credentials in {path}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is not a docker config.json: {what}")]
    Shape { path: PathBuf, what: String },
    #[error(
        "{path} leaves the credentials of {registry} to a helper program, which is not run here; use --username with --password-env, or --token-env"
    )]
    Helper { path: PathBuf, registry: String },
    #[error("the credentials cannot be sent in a header; check them for line breaks")]
    Header,
}

impl RegistryAuth {
    /// The credentials of this registry in docker's `config.json` or podman's `auth.json`; nobody when
    /// it has none.
    pub fn from_file(path: &Path, registry: &str) -> Result<Self, AuthError> {
        let failed = |source| AuthError::Read {
            path: path.to_owned(),
            source,
        };
        let shape = |what: &str| AuthError::Shape {
            path: path.to_owned(),
            what: what.to_owned(),
        };
        if std::fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
            return Err(shape("it is larger than 1 MiB"));
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        let file: Value =
            serde_json::from_slice(&bytes).map_err(|error| shape(&error.to_string()))?;
        let entry = keys(registry)
            .into_iter()
            .find_map(|key| file["auths"].get(key).cloned());
        let auth = entry
            .as_ref()
            .and_then(|entry| entry["auth"].as_str())
            .filter(|it| !it.is_empty());
        let Some(auth) = auth else {
            let helped = entry.is_some() || file["credHelpers"].get(registry).is_some();
            return match helped {
                true => Err(AuthError::Helper {
                    path: path.to_owned(),
                    registry: registry.to_owned(),
                }),
                false => Ok(Self::Anonymous),
            };
        };
        let pair = STANDARD
            .decode(auth)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        match pair.as_deref().and_then(|pair| pair.split_once(':')) {
            Some((user, password)) => Ok(Self::Basic {
                user: user.to_owned(),
                password: SecretString::from(password.to_owned()),
            }),
            None => Err(shape("auth is not USER:PASSWORD in base64")),
        }
    }

    /// The header for the registry itself, or for the server of its tokens.
    pub(super) fn header(&self) -> Result<Option<HeaderValue>, AuthError> {
        let text = match self {
            Self::Anonymous => return Ok(None),
            Self::Basic { user, password } => {
                let pair = format!("{user}:{}", password.expose_secret());
                format!("Basic {}", STANDARD.encode(pair))
            }
            Self::Bearer(token) => format!("Bearer {}", token.expose_secret()),
        };
        let mut value = HeaderValue::try_from(text).map_err(|_| AuthError::Header)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn keys(registry: &str) -> Vec<&str> {
    match registry {
        "docker.io" => vec![DOCKER_HUB_KEY, registry],
        other => vec![other],
    }
}
