//! Secrets: written plainly, `{ file = "path" }` or `{ env = "NAME" }`.
//!
//! Nothing here quotes a value, and every type here hides it in `Debug`.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use figment::value::{Dict, Value};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use url::Url;
use zeroize::Zeroizing;

use crate::at::At;
use crate::read::FromConfig;

/// A file of secrets is a line; anything longer is the wrong file.
const SECRET_FILE_BYTES_MAX: u64 = 64 * 1024;

/// Bytes of a key in the ring: XChaCha20-Poly1305 takes 256 bits.
pub const KEY_BYTES: usize = 32;

/// A secret that may be in rotation: `current` is used, both are accepted.
#[derive(Clone, Debug)]
pub struct RotatingSecret {
    pub current: SecretString,
    pub previous: Option<SecretString>,
}

impl RotatingSecret {
    /// The current one first.
    pub fn all(&self) -> impl Iterator<Item = &SecretString> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

impl FromConfig for SecretString {
    fn from_config(at: &At<'_>) -> Option<Self> {
        match at.value {
            Value::String(_, text) if text.is_empty() => {
                at.refuse("the secret is empty", "write it, or remove the key")
            }
            Value::String(_, text) => Some(Self::from(text.as_str())),
            Value::Dict(_, dict) => referred(at, dict),
            _ => at.refuse(
                "a list where one secret belongs",
                "write one value, without [ ]",
            ),
        }
    }
}

impl FromConfig for RotatingSecret {
    fn from_config(at: &At<'_>) -> Option<Self> {
        let Value::Array(_, items) = at.value else {
            let current = SecretString::from_config(at)?;
            return Some(Self {
                current,
                previous: None,
            });
        };
        let items: Vec<_> = items.iter().enumerate().collect();
        let read = |(index, value): (usize, &Value)| {
            SecretString::from_config(&at.item(&index.to_string(), value))
        };
        match items[..] {
            [current] => Some(Self {
                current: read(current)?,
                previous: None,
            }),
            [current, previous] => {
                let (current, previous) = (read(current), read(previous));
                current.zip(previous).map(|(current, previous)| Self {
                    current,
                    previous: Some(previous),
                })
            }
            _ => at.refuse(
                format!("{} secrets where one or two belong", items.len()),
                "keep the current secret first and at most one previous one",
            ),
        }
    }
}

/// Resolves `{ file = ... }` and `{ env = ... }`. When two layers used one each, the higher wins.
fn referred(at: &At<'_>, dict: &Dict) -> Option<SecretString> {
    if let Some(stranger) = dict.keys().find(|key| *key != "file" && *key != "env") {
        return at.refuse(
            format!("`{stranger}` says nothing about a secret"),
            "write the secret, { file = \"path\" } or { env = \"NAME\" }",
        );
    }
    let ranked = |name: &str| {
        let value = dict.get(name)?;
        let item = at.item(name, value);
        let rank = at.cx.winner(&item.path).map(|(rank, _)| rank);
        Some((rank, item))
    };
    match (ranked("file"), ranked("env")) {
        (Some((file, _)), Some((env, _))) if file == env => {
            at.refuse("both `file` and `env` are given", "keep one of them")
        }
        (Some((file, item)), env) if env.as_ref().is_none_or(|(env, _)| file > *env) => {
            from_file(&item)
        }
        (_, Some((_, item))) => from_variable(&item),
        _ => at.refuse(
            "the secret is empty",
            "write the secret, { file = \"path\" } or { env = \"NAME\" }",
        ),
    }
}

fn from_file(at: &At<'_>) -> Option<SecretString> {
    let written = Path::new(at.text()?);
    let path = based(at, written);
    let shown = path.display();
    let size = match std::fs::metadata(&path) {
        Ok(meta) if meta.is_dir() => {
            return at.refuse(format!("{shown} is a directory"), "name a file");
        }
        Ok(meta) => meta.len(),
        Err(error) => return unreadable(at, &path, &error),
    };
    if size > SECRET_FILE_BYTES_MAX {
        return at.refuse(
            format!("{shown} has more than {SECRET_FILE_BYTES_MAX} bytes"),
            "name a file that holds the secret and nothing else",
        );
    }
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) => return unreadable(at, &path, &error),
    };
    // Editors and `echo` end a file with a line break that is not part of the secret.
    let line = text.strip_suffix('\n').unwrap_or(&text);
    match line.strip_suffix('\r').unwrap_or(line) {
        "" => at.refuse(format!("{shown} is empty"), "put the secret into it"),
        secret => Some(SecretString::from(secret)),
    }
}

fn unreadable<T>(at: &At<'_>, path: &Path, error: &std::io::Error) -> Option<T> {
    at.refuse(
        format!("cannot read {} ({error})", path.display()),
        "create the file with the secret as its only text, readable for the gateway's user",
    )
}

/// Relative to the file that names it, so that a folder of configuration can be moved as a whole.
fn based(at: &At<'_>, path: &Path) -> PathBuf {
    match at.cx.winner(&at.path) {
        Some((rank, _)) => at.cx.layers[rank].base.join(path),
        None => path.to_owned(),
    }
}

fn from_variable(at: &At<'_>) -> Option<SecretString> {
    let name = at.text()?;
    // Somebody may have written the secret itself here: then it must not be quoted.
    let plausible = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || !name.bytes().all(plausible) {
        return at.refuse(
            "not the name of a variable",
            "write the variable's name in capitals, not its value",
        );
    }
    match at.cx.variables.get(name).map(String::as_str) {
        None => at.refuse(
            "the variable it names is not set",
            format!("set {name} in the environment of the gateway"),
        ),
        Some("") => at.refuse(
            "the variable it names is empty",
            format!("give {name} a value"),
        ),
        Some(secret) => Some(SecretString::from(secret)),
    }
}

/// A key of the ring, 32 bytes.
#[derive(Clone, Debug)]
pub struct RingKey(std::sync::Arc<SecretBox<[u8; KEY_BYTES]>>);

impl RingKey {
    /// The bytes, for the sealing code only.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        self.0.expose_secret()
    }
}

impl FromConfig for RingKey {
    fn from_config(at: &At<'_>) -> Option<Self> {
        const REMEDY: &str =
            "write 32 random bytes as base64 or hex, for example from `openssl rand -base64 32`";
        let text = SecretString::from_config(at)?;
        let text = text.expose_secret().trim();
        let Some(bytes) = decode_key(text) else {
            return at.refuse("the key is neither base64 nor hex", REMEDY);
        };
        let mut key = SecretBox::new(Box::new([0u8; KEY_BYTES]));
        if bytes.len() != KEY_BYTES {
            return at.refuse(
                format!("the key has {} bytes, not {KEY_BYTES}", bytes.len()),
                REMEDY,
            );
        }
        secrecy::ExposeSecretMut::expose_secret_mut(&mut key).copy_from_slice(&bytes);
        Some(Self(std::sync::Arc::new(key)))
    }
}

/// Sixty-four hex digits are also base64, of 48 bytes, so hex is tried first.
fn decode_key(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let hex = hex::decode(text)
        .ok()
        .filter(|bytes| bytes.len() == KEY_BYTES);
    let base64 = || {
        [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
            .iter()
            .find_map(|engine| engine.decode(text).ok())
    };
    hex.or_else(base64)
        .or_else(|| hex::decode(text).ok())
        .map(Zeroizing::new)
}

/// Which database, and how to reach it. `Debug` and `Display` show no user and no password.
#[derive(Clone)]
pub struct DatabaseUrl {
    shown: String,
    sqlite_path: Option<PathBuf>,
    text: SecretString,
}

impl DatabaseUrl {
    /// The file of an SQLite database; `None` means PostgreSQL.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<&Path> {
        self.sqlite_path.as_deref()
    }

    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.sqlite_path.is_none()
    }

    /// The URL with its password, for the code that connects.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({})", self.shown)
    }
}

impl FromConfig for DatabaseUrl {
    fn from_config(at: &At<'_>) -> Option<Self> {
        let text = SecretString::from_config(at)?;
        if let Some(rest) = text.expose_secret().strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if path.is_empty() || path.starts_with(':') || path.contains('?') {
                return at.refuse(
                    "SQLite needs a file, without parameters",
                    "write sqlite:PATH, for example sqlite:/var/lib/wharf/wharf.db",
                );
            }
            return Some(Self {
                shown: format!("sqlite:{path}"),
                sqlite_path: Some(PathBuf::from(path)),
                text: text.clone(),
            });
        }
        match Url::parse(text.expose_secret()) {
            Ok(url) if matches!(url.scheme(), "postgres" | "postgresql") => Some(Self {
                shown: format!("{}://{}{}", url.scheme(), place(&url), url.path()),
                sqlite_path: None,
                text,
            }),
            _ => at.refuse(
                "neither an SQLite file nor a PostgreSQL URL",
                "write sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE",
            ),
        }
    }
}

fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or("");
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
