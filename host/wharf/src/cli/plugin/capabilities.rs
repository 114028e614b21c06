//! `wharf plugin capabilities`.

use std::path::PathBuf;

use clap::Args;

use super::Class;
use crate::cli::print;
use crate::kit::capabilities::{Column, table};

#[derive(Args)]
pub(in crate::cli) struct Options {
    /// Components
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Which limits they are to run under
    #[arg(long, value_enum, default_value_t)]
    class: Class,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let columns: anyhow::Result<Vec<_>> = options
        .files
        .iter()
        .map(|file| Column::load(file, options.class.limits()))
        .collect();
    print(table(&columns?).trim_end());
    Ok(())
}
