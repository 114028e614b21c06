//! `wharf config`: what the gateway would start with.

use clap::Subcommand;
use wharf_config::{Config, Sources};

use super::{block_on, print, tell};
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
            let refused = block_on(async {
                let plugins = load_plugins(&config).await?;
                let refused = plugins.refused().await;
                for reason in &refused {
                    tell(&format!("warning: a plugin was not loaded: {reason}"));
                }
                sync::check(&config, plugins.registry())?;
                Ok(refused)
            })?;
            print(config.check_report().to_string().trim_end());
            if !refused.is_empty() {
                print(&format!(
                    "warning: {} of the files in plugins.dir cannot be used",
                    refused.len()
                ));
            }
        }
        Command::Defaults => print(wharf_config::defaults_toml().trim_end()),
    }
    Ok(())
}
