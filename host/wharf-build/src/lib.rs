//! Builds a provider plugin: finds a compiler for the plugins' target, compiles, and turns the module into
//! a component. Used by `cargo xtask plugins` and by `wharf plugin build`. It must not know what a plugin does
//! or where it is loaded.
#![expect(
    clippy::disallowed_methods,
    reason = "the environment of a build is this crate's configuration"
)]

mod project;
mod toolchain;

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

pub use project::Project;
pub use toolchain::Toolchain;

/// Package names are this plus the plugin's short name, which is also its file's name.
pub const PACKAGE_PREFIX: &str = "wharf-plugin-";
/// Everything a component may import. A guest has no WASI: the host offers a log and nothing else.
const IMPORTS_ALLOWED: &str = "wharf:provider/";

/// Turns a core module into a component, unless that was done with this very module. A note beside the
/// module says which one it was: an older build that cargo brings back is not newer than the component.
pub fn encode(core: &Path, component: &Path) -> Result<()> {
    let meta = fs::metadata(core).with_context(|| format!("cargo made no {}", core.display()))?;
    let identity = format!(
        "{} bytes of {:?} as {}",
        meta.len(),
        meta.modified()?,
        component.display()
    );
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
    for name in surface(component)?.imports {
        ensure!(
            name.starts_with(IMPORTS_ALLOWED),
            "it imports `{name}`; a plugin may import `{IMPORTS_ALLOWED}*` only: look for a dependency that uses clocks, files or randomness"
        );
    }
    Ok(())
}

/// What a component takes and gives, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surface {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

/// Reads the names off a component, whatever they are.
pub fn surface(component: &[u8]) -> Result<Surface> {
    let decoded = wit_component::decode(component)?;
    let wit_component::DecodedWasm::Component(resolve, world) = decoded else {
        bail!("it is a WIT package and no component");
    };
    let names = |keys: Vec<_>| {
        keys.into_iter()
            .map(|key| resolve.name_world_key(key))
            .collect()
    };
    let world = &resolve.worlds[world];
    Ok(Surface {
        imports: names(world.imports.keys().collect()),
        exports: names(world.exports.keys().collect()),
    })
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
