//! `cargo xtask capabilities`: writes what each provider can do, as the built plugins say it themselves. A test
//! holds the file against the plugins.

use std::fs;
use std::process::Command;

use anyhow::Context;

use crate::plugins;
use crate::workspace::Workspace;

const FILE: &str = "plugins/CAPABILITIES.md";
/// What stands above the table.
const HEAD: &str = include_str!("capabilities.md");

pub(crate) fn write(workspace: &Workspace) -> anyhow::Result<()> {
    let components = plugins::build(&workspace.root, &workspace.target)?;
    let gateway = workspace.build_gateway()?;
    let out = Command::new(&gateway)
        .args(["plugin", "capabilities"])
        .args(components.values())
        .output()
        .with_context(|| format!("could not run {}", gateway.display()))?;
    anyhow::ensure!(
        out.status.success(),
        "wharf plugin capabilities: {}",
        String::from_utf8_lossy(&out.stderr).trim()
    );
    let table = String::from_utf8(out.stdout).context("the table is not UTF-8")?;
    let file = workspace.root.join(FILE);
    fs::write(&file, format!("{HEAD}\n{table}"))
        .with_context(|| format!("could not write {}", file.display()))?;
    println!("{FILE}");
    Ok(())
}
