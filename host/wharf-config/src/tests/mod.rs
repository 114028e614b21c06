//! Whole configurations in a temporary folder, read as the program reads them.

mod defaults;
mod errors;
mod layers;
mod plain;
mod secrets;
mod tenants;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Config, ConfigFile, Sources};

/// 32 zero bytes as hex, enough for a key ring.
pub(super) const RING_KEY: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// A folder with `wharf.toml` and whatever else a test writes into it.
pub(super) struct Folder {
    dir: TempDir,
    sources: Sources,
}

impl Folder {
    /// With a key ring in the environment, so that a test shows only what it is about.
    pub(super) fn with(main: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut sources = Sources::defaults();
        sources.config_file = ConfigFile::At(dir.path().join("wharf.toml"));
        let folder = Self { dir, sources }
            .env("WHARF_SECRETS__ACTIVE", "k1")
            .env("WHARF_SECRETS__KEYS__K1", RING_KEY);
        folder.file("wharf.toml", main)
    }

    pub(super) fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        let parent = path.parent().unwrap_or(Path::new(""));
        std::fs::create_dir_all(parent).expect("a folder");
        std::fs::write(path, text).expect("a file");
        self
    }

    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.sources.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(super) fn without_ring(mut self) -> Self {
        self.sources
            .env
            .retain(|name, _| !name.starts_with("WHARF_SECRETS__"));
        self
    }

    pub(super) fn change(mut self, change: impl FnOnce(&mut Sources)) -> Self {
        change(&mut self.sources);
        self
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn load(&self) -> Config {
        match Config::load(&self.sources) {
            Ok(config) => config,
            Err(errors) => panic!("{errors}"),
        }
    }

    /// The problems, one a line, with the folder cut from the paths.
    pub(super) fn problems(&self) -> Vec<String> {
        let errors = match Config::load(&self.sources) {
            Ok(_) => panic!("the configuration should be refused"),
            Err(errors) => errors,
        };
        let prefix = format!("{}/", self.dir.path().display());
        let shown = |problem: &crate::Problem| problem.to_string().replace(&prefix, "");
        errors.problems().iter().map(shown).collect()
    }
}
