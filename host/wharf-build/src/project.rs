//! What there is to build: the packages of a workspace that make a plugin.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{PACKAGE_PREFIX, cargo, output};

/// A package that builds a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub manifest: PathBuf,
    /// The whole name of the package.
    pub package: String,
    /// The plugin's short name, which is also its file's.
    pub name: String,
    /// Where cargo puts what it builds of this workspace.
    pub target_dir: PathBuf,
    /// False for what says `[package.metadata.wharf] ship = false`.
    pub ships: bool,
}

impl Project {
    /// All plugins of a workspace.
    pub fn all(manifest: &Path) -> Result<Vec<Self>> {
        let metadata = metadata(manifest)?;
        let target_dir = PathBuf::from(metadata["target_directory"].as_str().unwrap_or("target"));
        let packages = metadata["packages"]
            .as_array()
            .context("`cargo metadata` lists no packages")?;
        packages
            .iter()
            .filter(|package| is_plugin(package))
            .map(|package| Self::read(package, &target_dir))
            .collect()
    }

    /// The plugin in a folder.
    pub fn of(folder: &Path) -> Result<Self> {
        let manifest = folder.join("Cargo.toml");
        if !manifest.is_file() {
            bail!(
                "{} has no Cargo.toml: name the folder of a plugin, or make one with `wharf plugin new NAME`",
                folder.display()
            );
        }
        let manifest = manifest
            .canonicalize()
            .with_context(|| format!("cannot read {}", manifest.display()))?;
        let own = Self::all(&manifest)?
            .into_iter()
            .find(|project| project.manifest == manifest);
        own.with_context(|| {
            format!(
                "{} builds no plugin: it needs `crate-type = [\"cdylib\", \"rlib\"]` under [lib]",
                manifest.display()
            )
        })
    }

    fn read(package: &Value, target_dir: &Path) -> Result<Self> {
        let name = package["name"].as_str().unwrap_or_default();
        let short = name.strip_prefix(PACKAGE_PREFIX).with_context(|| {
            format!(
                "package `{name}` makes a plugin, so it must be called `{PACKAGE_PREFIX}<name>`"
            )
        })?;
        let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap_or_default());
        Ok(Self {
            manifest: manifest.canonicalize().unwrap_or(manifest),
            package: name.to_owned(),
            name: short.to_owned(),
            target_dir: target_dir.to_owned(),
            ships: package["metadata"]["wharf"]["ship"] != Value::Bool(false),
        })
    }
}

fn metadata(manifest: &Path) -> Result<Value> {
    let mut command = Command::new(cargo());
    command
        .args([
            "metadata",
            "--no-deps",
            "--format-version=1",
            "--manifest-path",
        ])
        .arg(manifest);
    let out = output(&mut command).with_context(|| {
        format!(
            "cannot read {} with cargo; is Rust installed?",
            manifest.display()
        )
    })?;
    serde_json::from_str(&out).context("`cargo metadata` printed no JSON")
}

fn is_plugin(package: &Value) -> bool {
    let kinds = |target: &Value| {
        let kinds = target["crate_types"].as_array();
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
    };
    package["targets"]
        .as_array()
        .is_some_and(|targets| targets.iter().any(kinds))
}
