//! `wharf webhook`: where providers call.

use clap::Subcommand;
use serde_json::json;
use wharf_config::Config;

use super::{block_on, print, tell};
use crate::directory::addresses;
use crate::gateway;

#[derive(Subcommand)]
pub(super) enum Command {
    /// The address of each webhook of each app and channel, to be given to its provider
    Urls {
        /// One JSON object a line instead of a table
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: &Command, config: Config) -> anyhow::Result<()> {
    let Command::Urls { json } = command;
    block_on(async {
        let opened = gateway::open_existing(config).await?;
        let public_url = opened.config.http.public_url.clone();
        let found = addresses(&opened.db, &opened.vault, public_url.as_ref()).await?;
        opened.db.close().await;
        if public_url.is_none() {
            tell("http.public_url is not set: these are paths, and no provider can be given them");
        }
        if !json {
            print(&format!(
                "{:<32} {:<16} {:<16} ADDRESS",
                "OWNER", "PLUGIN", "WEBHOOK"
            ));
        }
        for address in found {
            let (owner, plugin, webhook) =
                (address.owner.to_string(), address.plugin, address.webhook);
            if *json {
                let row = json!({ "owner": owner, "plugin": plugin, "webhook": webhook, "url": address.url });
                print(&row.to_string());
            } else {
                print(&format!(
                    "{owner:<32} {plugin:<16} {webhook:<16} {}",
                    address.url
                ));
            }
        }
        Ok(())
    })
}
