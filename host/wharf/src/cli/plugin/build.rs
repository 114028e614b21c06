//! `wharf plugin build`.

use std::path::{Path, PathBuf};

use clap::Args;
use wharf_build::{Project, Toolchain};

use crate::cli::print;

#[derive(Args)]
pub(in crate::cli) struct Options {
    /// The plugin's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where to write the component; NAME.wasm in the plugin's folder when absent
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let file = build(&options.dir, options.out.as_deref())?;
    print(&file.display().to_string());
    Ok(())
}

/// Builds the plugin of a folder and says where its component is.
pub(super) fn build(dir: &Path, out: Option<&Path>) -> anyhow::Result<PathBuf> {
    let project = Project::of(dir)?;
    let toolchain = Toolchain::find()?;
    let core = toolchain.compile(&project.manifest, &project.target_dir, &project.package)?;
    let file = out.map_or_else(
        || dir.join(format!("{}.wasm", project.name)),
        Path::to_owned,
    );
    wharf_build::encode(&core, &file)?;
    Ok(file)
}
