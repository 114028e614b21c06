//! `wharf plugin new`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{print, tell};
use crate::kit::scaffold;

#[derive(Args)]
pub(in crate::cli) struct Options {
    /// The provider's name: lower-case letters, digits and hyphens
    name: String,
    /// Where to write it; a folder of that name when absent
    #[arg(long)]
    dir: Option<PathBuf>,
    /// An SDK to use in place of the copy that is written beside the plugin
    #[arg(long, value_name = "PATH")]
    sdk: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = options
        .dir
        .clone()
        .unwrap_or_else(|| PathBuf::from(&options.name));
    scaffold::create(&options.name, &folder, options.sdk.as_deref())?;
    print(&folder.display().to_string());
    tell(&format!(
        "Next: cd {} && cargo test && wharf plugin build && wharf plugin test .",
        folder.display()
    ));
    Ok(())
}
