//! `wharf dev`: everything needed to send a first message, thrown away at the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use secrecy::ExposeSecret;
use serde_json::json;
use wharf_config::{Config, ConfigFile, Sources};
use wharf_core::api_key::{self, NewKey};
use wharf_core::{ChannelId, TenantId};

use super::serve::start_logging;
use super::signals::Signals;
use super::{block_on, print};
use crate::clock::random;
use crate::gateway::Gateway;

#[derive(Args)]
pub(super) struct Options {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Folder with the plugins' .wasm files
    #[arg(long, default_value = "plugins")]
    plugins: PathBuf,
    /// Folder with a wharf.toml and a tenant.toml that are added to the files made here. Once the gateway serves,
    /// ready.json in it tells the address, the API key, and the channels with their webhooks
    #[arg(long, value_name = "FOLDER")]
    with: Option<PathBuf>,
}

const TENANT: &str = "demo";

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("wharf-dev-").tempdir()?;
    let key = api_key::create(&random());
    write_files(folder.path(), options, &key)?;
    let mut sources = Sources::defaults();
    sources.config_file = ConfigFile::At(folder.path().join("wharf.toml"));
    sources.allow_connect_to = true;
    sources.dev = true;
    let config = Config::load(&sources)?;
    start_logging(&config)?;
    block_on(async {
        let mut signals = Signals::listen()?;
        let starting = signals.unless_told_to_stop(Gateway::start(config));
        let Some(gateway) = Box::pin(starting).await? else {
            return Ok(());
        };
        if gateway.app().plugins.all().is_empty() {
            anyhow::bail!(
                "no plugin could be loaded from {}",
                options.plugins.display()
            );
        }
        let channels = channels(&gateway).await?;
        let key = key.key.expose_secret();
        if let Some(folder) = &options.with {
            tell_ready(folder, gateway.address(), key, &channels)?;
        }
        print(&banner(gateway.address(), key, &channels));
        signals.until_told_to_stop(gateway.app()).await;
        gateway.stop().await;
        Ok(())
    })
}

/// The same files an operator would write, so that `dev` runs nothing special.
fn write_files(folder: &Path, options: &Options, key: &NewKey) -> anyhow::Result<()> {
    let text = |value: &str| toml_string(value);
    let database = folder.join("wharf.db");
    let mut main = format!(
        "[http]\nlisten = {}\npublic_url = {}\n\n[database]\nurl = {}\n\n[plugins]\ndir = {}\n\n[log]\nlevel = \"warn,wharf=info\"\n",
        text(&options.listen.to_string()),
        text(&format!("http://{}", options.listen)),
        text(&format!("sqlite:{}", database.display())),
        text(&options.plugins.display().to_string()),
    );
    let sandbox_key = STANDARD.encode(random::<24>());
    let mut tenant = format!(
        "id = \"{TENANT}\"\nname = \"Demo\"\n\n[keys.dev]\nhash = \"sha256:{}\"\n\n[channels.sandbox]\nplugin = \"sandbox\"\n\
         settings = {{ sender = \"demo\" }}\nsecrets = {{ sandbox_key = {} }}\n",
        key.hash,
        text(&sandbox_key)
    );
    if let Some(more) = &options.with {
        main += &added(more, "wharf.toml")?;
        tenant += &added(more, "tenant.toml")?;
    }
    std::fs::create_dir(folder.join("tenants"))?;
    std::fs::write(folder.join("wharf.toml"), main)?;
    std::fs::write(
        folder.join("tenants").join(format!("{TENANT}.toml")),
        tenant,
    )?;
    Ok(())
}

/// What stands in one of the files that are added.
fn added(folder: &Path, name: &str) -> anyhow::Result<String> {
    let file = folder.join(name);
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("could not read {}", file.display()))?;
    Ok(format!("\n{text}"))
}

/// A channel to try, and where its provider calls.
struct Offered {
    id: ChannelId,
    plugin: String,
    webhook_urls: BTreeMap<String, String>,
}

/// The tenant's channels: the one that needs no provider first, then by their names.
async fn channels(gateway: &Gateway) -> anyhow::Result<Vec<Offered>> {
    let app = gateway.app();
    let tenant: TenantId = TENANT.parse()?;
    let mut found = Vec::new();
    for id in app.directory.channel_ids(&tenant).await?.iter() {
        if let Some(channel) = app.directory.channel(&tenant, id).await? {
            found.push(Offered {
                id: id.clone(),
                plugin: channel.plugin.clone(),
                webhook_urls: channel.shown_urls.clone(),
            });
        }
    }
    found.sort_by_key(|it| (it.plugin != "sandbox", it.id.to_string()));
    Ok(found)
}

/// Says to whoever gave the folder that the gateway serves; whole or not at all.
fn tell_ready(
    folder: &Path,
    address: SocketAddr,
    key: &str,
    channels: &[Offered],
) -> anyhow::Result<()> {
    let shown = |channel: &Offered| {
        let urls = &channel.webhook_urls;
        json!({ "id": channel.id, "plugin": channel.plugin, "webhook_urls": urls })
    };
    let channels: Vec<_> = channels.iter().map(shown).collect();
    let ready = json!({ "url": format!("http://{address}"), "key": key, "channels": channels });
    let begun = folder.join("ready.json.new");
    std::fs::write(&begun, ready.to_string())
        .and_then(|()| std::fs::rename(&begun, folder.join("ready.json")))
        .with_context(|| format!("could not write ready.json in {}", folder.display()))
}

/// A TOML basic string; JSON's escapes are a subset of TOML's.
fn toml_string(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

fn banner(address: SocketAddr, key: &str, channels: &[Offered]) -> String {
    let mut text = format!("\nWharf is running at http://{address}\nAPI key  {key}\n");
    for channel in channels {
        let Offered { id, plugin, .. } = channel;
        let _ = write!(
            text,
            "\nSend a text by the channel {id}, through the plugin {plugin}:\n\n  \
             curl -sS http://{address}/v1/messages -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \
             -d '{{\"channel\":\"{id}\",\"to\":\"+4915112345678\",\"text\":{{\"body\":\"Hello from Wharf\"}}}}'\n"
        );
    }
    let _ = write!(
        text,
        "\nSee what became of the newest message, exchange by exchange:\n\n  \
         curl -sS http://{address}/v1/messages/latest -H 'Authorization: Bearer {key}'\n\n\
         Everything is thrown away when it stops (Ctrl-C).\n"
    );
    text
}
