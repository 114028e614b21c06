//! Where the checkout and its build folder are, and how cargo is called in them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde::Deserialize;

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Cargo's build folder, wherever the environment or a config file put it.
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev`, `build`, or nothing for an ordinary one.
    pub(crate) kind: Option<String>,
    /// Set for crates of this workspace only.
    pub(crate) path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
    packages: Vec<Package>,
}

impl Workspace {
    pub(crate) fn load() -> anyhow::Result<Self> {
        let here = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let output = cargo(&here)
            .args(["metadata", "--format-version=1", "--no-deps"])
            .output()
            .context("could not run cargo metadata")?;
        anyhow::ensure!(
            output.status.success(),
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let metadata: Metadata = serde_json::from_slice(&output.stdout)
            .context("could not read what cargo metadata printed")?;
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            packages: metadata.packages,
        })
    }

    /// A cargo command in the host's workspace.
    pub(crate) fn cargo(&self) -> Command {
        cargo(&self.root)
    }

    /// A cargo command in the plugins' workspace, built natively and apart from the components.
    pub(crate) fn cargo_plugins(&self, subcommand: &str) -> Command {
        let mut command = cargo(&self.root);
        command
            .arg(subcommand)
            .arg("--manifest-path")
            .arg(self.root.join("plugins/Cargo.toml"))
            .arg("--target-dir")
            .arg(self.target.join("plugins/native"));
        command
    }

    /// Builds the gateway and returns its program file.
    pub(crate) fn build_gateway(&self) -> anyhow::Result<PathBuf> {
        // The whole workspace, so that dependencies get the features they have in tests and are not
        // built a second time for them.
        run(self.cargo().args(["build", "--workspace", "--bins"]))
            .context("the gateway does not build")?;
        let program = self.target.join("debug").join("wharf");
        anyhow::ensure!(
            program.is_file(),
            "cargo built the gateway, but not to {}: unset CARGO_BUILD_TARGET and the like",
            program.display()
        );
        Ok(program)
    }

    /// A program that cargo built in the release profile.
    pub(crate) fn release_program(&self, name: &str) -> anyhow::Result<PathBuf> {
        let file = self.target.join("release").join(name);
        anyhow::ensure!(
            file.is_file(),
            "cargo built {name}, but not to {}: unset CARGO_BUILD_TARGET and the like",
            file.display()
        );
        Ok(file)
    }
}

/// The cargo that runs this program, else the one in the search path.
fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    // What `cargo run` said of xtask itself. Build scripts that look at it (ring's does) would run again, with
    // everything that depends on them, each time after a cargo command of one's own.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a command whose output goes where ours goes.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_owned();
    let status = command
        .status()
        .with_context(|| format!("could not run {}", program.display()))?;
    anyhow::ensure!(
        status.success(),
        "{} ended with {status}",
        program.display()
    );
    Ok(())
}
