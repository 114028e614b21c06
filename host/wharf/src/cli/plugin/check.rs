//! `wharf plugin check`.

use std::path::PathBuf;

use clap::Args;

use super::Class;
use crate::cli::print;
use crate::kit::facts;

#[derive(Args)]
pub(in crate::cli) struct Options {
    /// A component
    file: PathBuf,
    /// Which limits it is to run under
    #[arg(long, value_enum, default_value_t)]
    class: Class,
    /// For programs
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let facts = facts::of(&options.file, options.class.limits())?;
    match options.json {
        true => print(&format!("{:#}", facts.to_json())),
        false => print(&facts.to_text(false)),
    }
    match facts.problems.len() {
        0 => Ok(()),
        1 => anyhow::bail!("the gateway would not load {}", facts.file),
        many => anyhow::bail!(
            "the gateway would not load {}, for {many} reasons",
            facts.file
        ),
    }
}
