//! `cargo xtask openapi`: writes the description of the API, as the gateway itself gives it. A test holds the
//! file against the gateway.

use std::fs;
use std::process::Command;

use anyhow::Context;

use crate::workspace::Workspace;

const FILE: &str = "host/wharf/openapi.json";

pub(crate) fn write(workspace: &Workspace) -> anyhow::Result<()> {
    let gateway = workspace.build_gateway()?;
    let out = Command::new(&gateway)
        .arg("openapi")
        .output()
        .with_context(|| format!("could not run {}", gateway.display()))?;
    anyhow::ensure!(
        out.status.success(),
        "wharf openapi: {}",
        String::from_utf8_lossy(&out.stderr).trim()
    );
    let file = workspace.root.join(FILE);
    fs::write(&file, out.stdout).with_context(|| format!("could not write {}", file.display()))?;
    println!("{FILE}");
    Ok(())
}
