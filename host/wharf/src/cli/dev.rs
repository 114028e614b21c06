//! `wharf dev`: everything needed to send a first message, thrown away at the end.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use secrecy::ExposeSecret;
use wharf_config::{Config, ConfigFile, Sources};
use wharf_core::api_key::{self, NewKey};

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
    /// Address of a stand-in for graph.facebook.com; adds a channel named graph
    #[arg(long, value_name = "URL", requires_all = ["graph_app_secret", "graph_verify_token", "graph_token", "graph_phone_number_id"])]
    graph_fake: Option<String>,
    #[arg(long, hide = true)]
    graph_app_secret: Option<String>,
    #[arg(long, hide = true)]
    graph_verify_token: Option<String>,
    #[arg(long, hide = true)]
    graph_token: Option<String>,
    #[arg(long, hide = true)]
    graph_phone_number_id: Option<String>,
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
        let starting = signals.unless_told_to_stop(Box::pin(Gateway::start(config)));
        let Some(gateway) = starting.await? else {
            return Ok(());
        };
        if gateway.app().plugins.all().is_empty() {
            anyhow::bail!(
                "no plugin could be loaded from {}",
                options.plugins.display()
            );
        }
        print(&banner(
            gateway.address(),
            key.key.expose_secret(),
            options.graph_fake.is_some(),
        ));
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
    if let (Some(url), Some(app_secret), Some(verify), Some(token), Some(phone)) = (
        &options.graph_fake,
        &options.graph_app_secret,
        &options.graph_verify_token,
        &options.graph_token,
        &options.graph_phone_number_id,
    ) {
        write!(
            main,
            "\n[egress.connect_to]\n\"graph.facebook.com\" = {}\n\n[apps.meta]\nplugin = \"graph\"\nsettings = {{ app_id = \"1\" }}\n\
             secrets = {{ app_secret = {}, verify_token = {} }}\n",
            text(url),
            text(app_secret),
            text(verify)
        )?;
        write!(
            tenant,
            "\n[channels.graph]\nplugin = \"graph\"\napp = \"meta\"\nsettings = {{ phone_number_id = {}, waba_id = \"102290129340398\" }}\n\
             secrets = {{ access_token = {} }}\n",
            text(phone),
            text(token)
        )?;
    }
    std::fs::create_dir(folder.join("tenants"))?;
    std::fs::write(folder.join("wharf.toml"), main)?;
    std::fs::write(
        folder.join("tenants").join(format!("{TENANT}.toml")),
        tenant,
    )?;
    Ok(())
}

/// A TOML basic string; JSON's escapes are a subset of TOML's.
fn toml_string(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

fn banner(address: SocketAddr, key: &str, with_graph: bool) -> String {
    let send = |channel: &str| {
        format!(
            "curl -sS http://{address}/v1/messages -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \
             -d '{{\"channel\":\"{channel}\",\"to\":\"+4915112345678\",\"text\":{{\"body\":\"Hello from Wharf\"}}}}'"
        )
    };
    let mut text = format!(
        "\nWharf is running at http://{address}\nAPI key  {key}\n\nSend a text through the sandbox provider:\n\n  {}\n",
        send("sandbox")
    );
    if with_graph {
        let _ = write!(
            text,
            "\nThe same through the graph plugin and a local stand-in of Meta's Graph API:\n\n  {}\n",
            send("graph")
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
