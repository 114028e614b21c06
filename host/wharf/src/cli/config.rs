//! `wharf config`: what the gateway would start with.

use clap::Subcommand;
use wharf_config::{Config, Sources};

use super::{block_on, print};
use crate::gateway::load_plugins;
use crate::sync;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Check everything, plugins included, and start nothing; exit code 78 when something is wrong
    Check,
    /// Print every key with its default and its reason
    Defaults,
}

pub(super) fn run(command: &Command, sources: &Sources) -> anyhow::Result<()> {
    match command {
        Command::Check => {
            let config = Config::load(sources)?;
            block_on(async {
                let plugins = load_plugins(&config).await?;
                Ok(sync::check(&config, &plugins)?)
            })?;
            print(config.check_report().to_string().trim_end());
        }
        Command::Defaults => print(wharf_config::defaults_toml().trim_end()),
    }
    Ok(())
}
