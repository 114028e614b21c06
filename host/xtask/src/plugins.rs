//! Builds every provider plugin to a component. Must not know what the plugins do.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wharf_build::{Project, Toolchain};

/// Builds all plugins of `root/plugins` and returns each short name with its component,
/// `target_dir/plugins/dist/<name>.wasm`. The build folder is separate from the host's, so that neither
/// build waits for the other's lock.
pub(crate) fn build(root: &Path, target_dir: &Path) -> Result<BTreeMap<String, PathBuf>> {
    build_workspace(&root.join("plugins/Cargo.toml"), target_dir, "dist")
}

/// Builds the guests of the tests, into a folder that no gateway looks into.
pub(crate) fn build_guests(root: &Path, target_dir: &Path) -> Result<BTreeMap<String, PathBuf>> {
    build_workspace(&root.join("tests/guests/Cargo.toml"), target_dir, "guests")
}

fn build_workspace(
    manifest: &Path,
    target_dir: &Path,
    dist: &str,
) -> Result<BTreeMap<String, PathBuf>> {
    let projects = Project::all(manifest)?;
    let toolchain = Toolchain::find()?;
    let build_dir = target_dir.join("plugins/build");
    let dist = target_dir.join("plugins").join(dist);
    fs::create_dir_all(&dist).with_context(|| format!("cannot create {}", dist.display()))?;

    let mut components = BTreeMap::new();
    // The template is built by its tests; nobody's gateway wants it.
    for project in projects.into_iter().filter(|project| project.ships) {
        let core = toolchain.compile(manifest, &build_dir, &project.package)?;
        let component = dist.join(format!("{}.wasm", project.name));
        wharf_build::encode(&core, &component)
            .with_context(|| format!("plugin `{}` is not a component", project.name))?;
        components.insert(project.name, component);
    }
    Ok(components)
}
