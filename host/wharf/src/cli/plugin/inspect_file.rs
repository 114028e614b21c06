//! `wharf plugin inspect` of a component file.

use super::inspect::Options;
use crate::cli::print;
use crate::kit::facts;

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let file = options
        .file()
        .ok_or_else(|| anyhow::anyhow!("{} is no file", options.what))?;
    let facts = facts::of(&file, options.class.limits())?;
    match options.json {
        true => print(&format!("{:#}", facts.to_json())),
        false => print(&facts.to_text(true)),
    }
    Ok(())
}
