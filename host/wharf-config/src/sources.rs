//! What a configuration is read from. The process's environment is read here and nowhere else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a package installs the main file; it may be absent.
pub const INSTALLED_FILE: &str = "/etc/wharf/wharf.toml";

/// The prefix of every variable that sets a key.
pub const ENV_PREFIX: &str = "WHARF_";

/// Which main file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigFile {
    /// [`INSTALLED_FILE`] if it exists.
    Installed,
    /// `--config FILE`; it must exist.
    At(PathBuf),
    /// None: built-in defaults, environment and options only.
    Absent,
}

/// All layers as plain data, so that a test passes its own. No `Debug`: variables hold secrets.
#[derive(Clone)]
pub struct Sources {
    pub config_file: ConfigFile,
    /// Every variable of the environment; those without the prefix serve `{ env = "NAME" }`.
    pub env: BTreeMap<String, String>,
    /// Names of variables with the prefix whose value is not UTF-8.
    pub env_unreadable: Vec<String>,
    /// Dotted key and value, from the command line. They win over everything else.
    pub flags: Vec<(String, String)>,
    /// `--insecure-connect-to` was given, or this is `dev` or a test.
    pub allow_connect_to: bool,
    /// `wharf dev`: works without a key ring.
    pub dev: bool,
}

impl Sources {
    /// Nothing but the built-in defaults.
    #[must_use]
    pub fn defaults() -> Self {
        Self {
            config_file: ConfigFile::Absent,
            env: BTreeMap::new(),
            env_unreadable: Vec::new(),
            flags: Vec::new(),
            allow_connect_to: false,
            dev: false,
        }
    }

    /// The environment of this process, and `--config` or the installed file.
    #[must_use]
    pub fn of_process(config_file: Option<&Path>) -> Self {
        let mut sources = Self::defaults();
        sources.config_file = match config_file {
            Some(path) => ConfigFile::At(path.to_owned()),
            None => ConfigFile::Installed,
        };
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => {
                    sources.env.insert(name, value);
                }
                Err(_) if name.starts_with(ENV_PREFIX) => sources.env_unreadable.push(name),
                Err(_) => {}
            }
        }
        sources
    }

    /// Sets one key as the command line would.
    #[must_use]
    pub fn with_flag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.flags.push((key.into(), value.into()));
        self
    }
}
