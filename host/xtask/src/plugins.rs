//! Builds every provider plugin to a component. Must not know what the plugins do.

mod toolchain;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use self::toolchain::Toolchain;

/// Package names are this plus the plugin's short name, which is also its file's name.
const PACKAGE_PREFIX: &str = "wharf-plugin-";
/// Everything a component may import. A guest has no WASI: the host offers a log and nothing else.
const IMPORTS_ALLOWED: &str = "wharf:provider/";

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
    let names = plugin_names(manifest)?;
    let toolchain = Toolchain::find()?;
    let build_dir = target_dir.join("plugins/build");
    let dist = target_dir.join("plugins").join(dist);
    fs::create_dir_all(&dist).with_context(|| format!("cannot create {}", dist.display()))?;

    let mut components = BTreeMap::new();
    for name in names {
        let core = toolchain.compile(manifest, &build_dir, &name)?;
        let component = dist.join(format!("{name}.wasm"));
        encode(&core, &component).with_context(|| format!("plugin `{name}` is not a component"))?;
        components.insert(name, component);
    }
    Ok(components)
}

/// Short names of the workspace's packages that build a cdylib.
fn plugin_names(manifest: &Path) -> Result<Vec<String>> {
    let out = output(
        Command::new(cargo())
            .args([
                "metadata",
                "--no-deps",
                "--format-version=1",
                "--manifest-path",
            ])
            .arg(manifest),
    )?;
    let metadata: serde_json::Value =
        serde_json::from_str(&out).context("`cargo metadata` printed no JSON")?;
    let packages = metadata["packages"]
        .as_array()
        .context("`cargo metadata` lists no packages")?;
    let is_plugin = |package: &&serde_json::Value| {
        package["targets"].as_array().is_some_and(|targets| {
            targets.iter().any(|target| {
                target["crate_types"]
                    .as_array()
                    .is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
            })
        })
    };
    packages
        .iter()
        .filter(is_plugin)
        .map(|package| {
            let name = package["name"].as_str().unwrap_or_default();
            name.strip_prefix(PACKAGE_PREFIX)
                .map(str::to_owned)
                .with_context(|| {
                    format!("package `{name}` builds a plugin, so it must be called `{PACKAGE_PREFIX}<name>`")
                })
        })
        .collect()
}

/// Turns a core module into a component, unless that was done with this very module. A note beside the
/// module says which one it was: an older build that cargo brings back is not newer than the component.
fn encode(core: &Path, component: &Path) -> Result<()> {
    let meta = fs::metadata(core).with_context(|| format!("cargo made no {}", core.display()))?;
    let identity = format!("{} bytes of {:?}", meta.len(), meta.modified()?);
    let note = core.with_extension("encoded");
    if component.exists() && fs::read_to_string(&note).is_ok_and(|noted| noted == identity) {
        return Ok(());
    }
    let module = fs::read(core).with_context(|| format!("cannot read {}", core.display()))?;
    let bytes = wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&module)?
        .encode()?;
    check_imports(&bytes)?;
    // Renamed into place, so that a host that watches the folder never reads half of it.
    let partial = component.with_extension("partial");
    fs::write(&partial, bytes).with_context(|| format!("cannot write {}", partial.display()))?;
    fs::rename(&partial, component)
        .with_context(|| format!("cannot write {}", component.display()))?;
    fs::write(&note, identity).with_context(|| format!("cannot write {}", note.display()))
}

fn check_imports(component: &[u8]) -> Result<()> {
    let decoded = wit_component::decode(component)?;
    let wit_component::DecodedWasm::Component(resolve, world) = decoded else {
        bail!("the encoder made a WIT package");
    };
    for key in resolve.worlds[world].imports.keys() {
        let name = resolve.name_world_key(key);
        ensure!(
            name.starts_with(IMPORTS_ALLOWED),
            "it imports `{name}`; a plugin may import `{IMPORTS_ALLOWED}*` only: look for a dependency that uses clocks, files or randomness"
        );
    }
    Ok(())
}

fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

fn output(command: &mut Command) -> Result<String> {
    let out = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    ensure!(
        out.status.success(),
        "{command:?} ended with {}: {}",
        out.status,
        String::from_utf8_lossy(&out.stderr).trim()
    );
    String::from_utf8(out.stdout).with_context(|| format!("{command:?} printed no UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_component_is_refused_and_leaves_no_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let core = folder.path().join("core.wasm");
        let component = folder.path().join("plugin.wasm");
        let missing = encode(&core, &component).expect_err("there is no module");
        assert!(missing.to_string().contains("cargo made no"), "{missing}");
        fs::write(&core, b"\0asm\x01\0\0\0trailing").expect("the folder is writable");
        encode(&core, &component).expect_err("the module is broken");
        assert!(!component.exists());
    }

    #[test]
    fn a_component_is_encoded_again_only_for_another_module() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let core = folder.path().join("core.wasm");
        let component = folder.path().join("plugin.wasm");
        // The smallest module: it exports nothing and says nothing of a world.
        fs::write(&core, b"\0asm\x01\0\0\0").expect("the folder is writable");
        encode(&core, &component).expect("an empty module is a component");
        fs::write(&component, "kept").expect("the folder is writable");
        encode(&core, &component).expect("nothing to do");
        assert_eq!(fs::read(&component).expect("it exists"), b"kept");

        let with_custom_section = b"\0asm\x01\0\0\0\0\x02\x01x";
        fs::write(&core, with_custom_section).expect("the folder is writable");
        encode(&core, &component).expect("an empty module is a component");
        assert_ne!(fs::read(&component).expect("it exists"), b"kept");
    }
}
