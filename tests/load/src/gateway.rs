//! A gateway to measure: real configuration files, a database and a plugin folder of its own, with both
//! shipped plugins in it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use tempfile::TempDir;
use wharf::Gateway;
use wharf_config::{Config, ConfigFile, Sources};
use wharf_core::api_key::{self, NewKey};
use wharf_core::{ChannelId, TenantId};
use wharf_test_support::graph::PhoneNumber;

use crate::Bench;
use crate::client::{Target, post};

pub(crate) const TENANT: &str = "load";
pub(crate) const CHANNEL: &str = "graph";
pub(crate) const APP: &str = "meta";
pub(crate) const APP_SECRET: &str = "0123456789abcdef0123456789abcdef";
const VERIFY_TOKEN: &str = "verify-me";
/// The highest rate a channel may be given: pacing is not what is measured.
const MPS: u32 = 10_000;
/// Recipients that the messages go to in turn.
const RECIPIENTS: u32 = 20_000;

const CONNECT_TO: &str = "[egress.connect_to]\n";

/// The folder with the configuration, and what a caller of it must know.
pub(crate) struct Files {
    pub(crate) folder: TempDir,
    key: NewKey,
}

impl Files {
    /// `connect_to` is where graph.facebook.com is played; `listen` is the address to serve on.
    pub(crate) fn write(bench: &Bench, listen: &str, connect_to: &str) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("bench-")
            .tempdir_in(&bench.options.work)
            .context("could not make a folder for the gateway")?;
        let key = api_key::create(&wharf::clock::random());
        let at = folder.path();
        for folder in ["tenants", "plugins"] {
            std::fs::create_dir(at.join(folder))?;
        }
        std::fs::write(at.join("wharf.toml"), main_file(at, listen, connect_to))?;
        std::fs::write(at.join(format!("tenants/{TENANT}.toml")), tenant_file(&key))?;
        let files = Self { folder, key };
        for name in ["graph", "sandbox"] {
            files.add_plugin(name, &files.component(bench, name)?)?;
        }
        Ok(files)
    }

    /// A shipped plugin as it was built.
    pub(crate) fn component(&self, bench: &Bench, name: &str) -> anyhow::Result<Vec<u8>> {
        let file = bench.options.plugins.join(format!("{name}.wasm"));
        std::fs::read(&file).with_context(|| format!("could not read {}", file.display()))
    }

    /// Puts one more plugin beside the shipped ones.
    pub(crate) fn add_plugin(&self, name: &str, component: &[u8]) -> anyhow::Result<()> {
        let file = self.folder.path().join(format!("plugins/{name}.wasm"));
        std::fs::write(&file, component)
            .with_context(|| format!("could not write {}", file.display()))
    }

    /// Another tenant with a key of its own; `more` is the rest of its file.
    pub(crate) fn add_tenant(&self, tenant: &str, more: &str) -> anyhow::Result<NewKey> {
        let key = api_key::create(&wharf::clock::random());
        let file = self.folder.path().join(format!("tenants/{tenant}.toml"));
        let head = format!(
            "id = \"{tenant}\"\nname = \"{tenant}\"\n\n[keys.load]\nhash = \"sha256:{}\"\n\n",
            key.hash
        );
        std::fs::write(&file, head + more)
            .with_context(|| format!("could not write {}", file.display()))?;
        Ok(key)
    }

    /// One more host that is played on this machine.
    pub(crate) fn connect(&self, host: &str, url: &str) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(self.main_file())?;
        let text = text.replacen(
            CONNECT_TO,
            &format!("{CONNECT_TO}\"{host}\" = \"{url}\"\n"),
            1,
        );
        std::fs::write(self.main_file(), text).context("could not write the main file")
    }

    pub(crate) fn main_file(&self) -> std::path::PathBuf {
        self.folder.path().join("wharf.toml")
    }

    pub(crate) fn database_url(&self) -> String {
        database_url(self.folder.path())
    }

    /// Starts it in this process.
    pub(crate) async fn start(&self) -> anyhow::Result<Gateway> {
        let mut sources = Sources::defaults();
        sources.config_file = ConfigFile::At(self.main_file());
        sources.allow_connect_to = true;
        let gateway = Gateway::start(Config::load(&sources)?).await?;
        anyhow::ensure!(
            gateway.app().plugins.get("graph").is_some(),
            "the graph plugin was not loaded"
        );
        Ok(gateway)
    }

    /// Texts to send through the graph channel.
    pub(crate) fn messages(&self, gateway: &Gateway) -> Target {
        texts(gateway.address(), &self.key, CHANNEL)
    }

    /// Texts to send through the channel of the sandbox.
    pub(crate) fn sandbox_messages(&self, address: SocketAddr) -> Target {
        texts(address, &self.key, "sandbox")
    }
}

/// Texts to several recipients through one channel.
pub(crate) fn texts(address: SocketAddr, key: &NewKey, channel: &str) -> Target {
    let bearer = format!("Bearer {}", key.key.expose_secret());
    let requests = (0..RECIPIENTS).map(|number| {
            let to = 4_915_100_000_000_u64 + u64::from(number);
            let body = format!(
                r#"{{"channel":"{channel}","to":"+{to}","text":{{"body":"Your parcel is on its way and arrives tomorrow between 9 and 12."}}}}"#
            );
            post(
                "/v1/messages",
                &[("authorization", &bearer)],
                body.as_bytes(),
            )
        });
    Target {
        address,
        requests: requests.collect::<Vec<_>>().into(),
        status: 202,
    }
}

pub(crate) fn tenant() -> TenantId {
    TENANT.parse().expect("a well-formed id")
}

pub(crate) fn channel() -> ChannelId {
    CHANNEL.parse().expect("a well-formed id")
}

/// Stops a gateway whose lanes were paused or whose work is of no interest any more.
pub(crate) fn stop(bench: &Bench, gateway: Gateway) {
    bench.host.block_on(gateway.stop());
}

/// Writes into the gateway's database, and fails loudly.
pub(crate) fn pause(
    bench: &Bench,
    gateway: &Gateway,
    queue: wharf_queue::Queue,
    lane: String,
    owner: TenantId,
) -> anyhow::Result<()> {
    let app = Arc::clone(gateway.app());
    bench.host.block_on(async move {
        app.db
            .write(move |tx| {
                Box::pin(async move {
                    // Makes the lane, if nothing did yet.
                    let unpaced = wharf_queue::LaneRate {
                        per_second: 0,
                        burst: 1,
                        is_ceiling: false,
                        pair: None,
                    };
                    wharf_queue::set_lane_rate(tx, queue, &lane, &owner, unpaced).await?;
                    wharf_queue::pause_lane(tx, queue, &lane, i64::MAX / 4).await
                })
            })
            .await
    })?;
    Ok(())
}

fn database_url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("wharf.db").display())
}

fn main_file(folder: &Path, listen: &str, connect_to: &str) -> String {
    let text = |value: &str| serde_json::Value::from(value).to_string();
    let path = |path: &Path| text(&path.display().to_string());
    format!(
        "[http]\nlisten = {listen}\npublic_url = \"http://localhost:8080\"\n\n\
         [database]\nurl = {url}\n\n\
         [plugins]\ndir = {plugins}\ncache_dir = {cache}\n\
         compile_in_child = false\n\n\
         [upkeep]\ntemplates_minutes = 0\nhealth_minutes = 0\n\n\
         [log]\nlevel = \"warn\"\n\n\
         [secrets]\nactive = \"k1\"\n\n[secrets.keys]\nk1 = {key}\n\n\
         {CONNECT_TO}\"graph.facebook.com\" = {connect_to}\n\n\
         [apps.{APP}]\nplugin = \"graph\"\nsettings = {{ app_id = \"1\" }}\n\
         secrets = {{ app_secret = \"{APP_SECRET}\", verify_token = \"{VERIFY_TOKEN}\" }}\n",
        listen = text(listen),
        url = text(&database_url(folder)),
        plugins = path(&folder.join("plugins")),
        cache = path(&folder.join("cache")),
        key = text(&STANDARD.encode(wharf::clock::random::<32>())),
        connect_to = text(connect_to),
    )
}

fn tenant_file(key: &NewKey) -> String {
    let PhoneNumber {
        id,
        account_id,
        token,
        ..
    } = PhoneNumber::default();
    format!(
        "id = \"{TENANT}\"\nname = \"Load\"\n\n[keys.load]\nhash = \"sha256:{hash}\"\n\n\
         [channels.{CHANNEL}]\nplugin = \"graph\"\napp = \"{APP}\"\nmps = {MPS}\n\
         settings = {{ phone_number_id = \"{id}\", waba_id = \"{account_id}\" }}\n\
         secrets = {{ access_token = \"{token}\" }}\n\n\
         [channels.sandbox]\nplugin = \"sandbox\"\nmps = {MPS}\nsettings = {{ sender = \"load\" }}\n\
         secrets = {{ sandbox_key = \"{sandbox_key}\" }}\n",
        hash = key.hash,
        sandbox_key = STANDARD.encode(wharf::clock::random::<24>()),
    )
}
