//! Builds the example providers in other languages, each by the command that its README gives, and runs
//! their own tests. What they need must be there: this installs nothing but what `build.sh` does.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::run;

/// The npm modules of the JavaScript example, where they are not beside it.
const NODE_MODULES: &str = "WHARF_EXAMPLE_NODE_MODULES";

/// Each example's name with its component, copied to `target_dir/plugins/examples/<name>.wasm`.
pub(crate) fn build(root: &Path, target_dir: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let folder = root.join("plugins/examples");
    let javascript = folder.join("javascript");
    npm(&javascript, &["test"])?;
    npm(&javascript, &["run", "build"])?;
    let python = folder.join("python");
    build_sh(&python, &["test"])?;
    build_sh(&python, &[])?;
    let dist = target_dir.join("plugins/examples");
    fs::create_dir_all(&dist).with_context(|| format!("cannot create {}", dist.display()))?;
    [("parrot-js", javascript), ("parrot-python", python)]
        .into_iter()
        .map(|(name, from)| {
            let built = from.join(format!("dist/{name}.wasm"));
            let kept = dist.join(format!("{name}.wasm"));
            fs::copy(&built, &kept).with_context(|| format!("cannot copy {}", built.display()))?;
            Ok((name.to_owned(), kept))
        })
        .collect()
}

fn npm(folder: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("npm");
    command
        .args(["--silent", "--prefix"])
        .arg(folder)
        .args(arguments)
        .current_dir(folder);
    if let Some(modules) = node_modules() {
        let mut path = modules.join(".bin").into_os_string();
        path.push(":");
        path.push(env::var_os("PATH").unwrap_or_default());
        command.env("PATH", path);
    }
    run(&mut command).with_context(|| {
        format!(
            "run `npm install` in {}, or name its node_modules in {NODE_MODULES}",
            folder.display()
        )
    })
}

fn node_modules() -> Option<PathBuf> {
    let named = env::var_os(NODE_MODULES).filter(|value| !value.is_empty());
    named
        .map(PathBuf::from)
        .or_else(|| crate::test::in_cache("npm-example/node_modules"))
}

fn build_sh(folder: &Path, arguments: &[&str]) -> Result<()> {
    const VENV: &str = "WHARF_PYTHON_EXAMPLE_VENV";
    let mut command = Command::new("./build.sh");
    command.args(arguments).current_dir(folder);
    if env::var_os(VENV).is_none()
        && let Some(kept) = crate::test::in_cache("python-example")
    {
        command.env(VENV, kept);
    }
    run(&mut command)
}

/// Whether building can be tried at all; `Err` says what is missing.
pub(crate) fn can_build(root: &Path) -> Result<(), &'static str> {
    let succeeds = |program: &str| {
        Command::new(program)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let beside = root.join("plugins/examples/javascript/node_modules");
    if !succeeds("npm") || !(beside.is_dir() || node_modules().is_some()) {
        return Err("run `npm install` in plugins/examples/javascript, which needs Node.js");
    }
    if !succeeds("python3") {
        return Err("install Python 3 with its venv module");
    }
    Ok(())
}
