//! A gateway that follows a folder of plugins, and a provider that holds its answers when it is told to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use wharf::Gateway;
use wharf::plugins::install::{Candidate, put_in_service};
use wharf::plugins::lock::{Guard, Version};
use wharf::plugins::{Digest, Folder, Permissions};
use wharf_config::{Config, ConfigFile, Sources};
use wharf_core::api_key::{self, NewKey};
use wharf_runtime::{Runtime, RuntimeConfig};
use wharf_test_support::eventually;

use super::ACTOR;
use crate::harness::WAIT;
use crate::runtime::guest::{Guest, error, exchange};

/// The name of the plugin in the configuration.
pub(super) const NAME: &str = "test";
/// Where `replay` and the limit of the answer lie in an exchange.
const REPLAY: u32 = 120;
const BUFFER_BYTES: u32 = 128;
/// The cases of `replay`.
pub(super) const SAFE: u8 = 0;
pub(super) const KEYED: u8 = 1;
const UNSAFE: u8 = 2;

/// A provider plugin that sends one request; this version understands the answer.
pub(super) fn understanding(release: &'static str) -> Guest {
    understanding_as(release, UNSAFE)
}

/// With what it declares of repeating its request.
pub(super) fn understanding_as(release: &'static str, replay: u8) -> Guest {
    let mut guest = sending(release, replay);
    // `resume` stays `ok(done)`.
    guest.release = release;
    guest
}

/// As [`understanding`], but to this version every answer is a refusal.
pub(super) fn refusing(release: &'static str) -> Guest {
    let mut guest = sending(release, UNSAFE);
    let refusal = error(&mut guest.image, "this version did not begin it");
    guest.resume = format!("(i32.const {refusal})");
    guest
}

fn sending(release: &'static str, replay: u8) -> Guest {
    let mut guest = Guest::new();
    guest.release = release;
    let request = exchange(&mut guest.image, "https://api.example.com/v1/messages", 4);
    guest.image.u8(request + REPLAY, replay);
    guest.image.u32(request + BUFFER_BYTES, 1024);
    guest.start = format!("(i32.const {request})");
    guest
}

/// Answers every request with 200, after the gate is open.
pub(super) struct Provider {
    url: String,
    pub(super) arrived: Arc<AtomicUsize>,
    gate: watch::Sender<bool>,
}

#[derive(Clone)]
struct Door {
    arrived: Arc<AtomicUsize>,
    gate: watch::Receiver<bool>,
}

impl Provider {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (gate, opened) = watch::channel(true);
        let arrived = Arc::new(AtomicUsize::new(0));
        let door = Door {
            arrived: Arc::clone(&arrived),
            gate: opened,
        };
        let app = Router::new().fallback(take).with_state(door);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, arrived, gate }
    }

    pub(super) fn hold(&self) {
        self.gate.send_replace(false);
    }

    pub(super) fn release(&self) {
        self.gate.send_replace(true);
    }

    pub(super) async fn wait_arrived(&self, count: usize) {
        let all = async || (self.arrived.load(Ordering::SeqCst) >= count).then_some(());
        eventually(WAIT, all).await.unwrap();
    }
}

async fn take(State(mut door): State<Door>) -> &'static str {
    door.arrived.fetch_add(1, Ordering::SeqCst);
    let _ = door.gate.wait_for(|open| *open).await;
    ""
}

/// The files of one installation.
pub(super) struct Stage {
    folder: TempDir,
    pub(super) provider: Provider,
    key: NewKey,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let stage = Self {
            folder: tempfile::tempdir().unwrap(),
            provider: Provider::start().await,
            key: api_key::create(&[7; 64]),
        };
        std::fs::create_dir(stage.plugins()).unwrap();
        std::fs::create_dir(stage.folder.path().join("tenants")).unwrap();
        stage
    }

    pub(super) fn plugins(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    pub(super) fn store(&self) -> Folder {
        Folder::new(&self.plugins(), 8 * 1024 * 1024)
    }

    /// What `wharf plugin add --yes` leaves behind. It returns the digest.
    pub(super) async fn install(&self, guest: Guest) -> Digest {
        let (id, release) = (guest.id, guest.release);
        let bytes = guest.build();
        let digest = Digest::of(&bytes);
        let exports = wharf_runtime::exports(&bytes).unwrap();
        let runtime = Runtime::new(RuntimeConfig {
            permits_max: 2,
            plugin_permits_max: 2,
            native: wharf_runtime::ClassLimits {
                describe_ms_max: 5_000,
                ..wharf_runtime::ClassLimits::native()
            },
            ..RuntimeConfig::default()
        });
        let plugin = runtime.unwrap().load(NAME, bytes.clone()).await.unwrap();
        let candidate = Candidate {
            id: id.to_owned(),
            version: Version {
                digest,
                version: release.to_owned(),
                source: "path:/test.wasm".to_owned(),
                manifest_digest: None,
                size_bytes: bytes.len() as u64,
                added_at: ACTOR.at.to_owned(),
            },
            permissions: Permissions::of(plugin.descriptor(), &exports),
        };
        self.store().put(&digest, &bytes).unwrap();
        let guard = Guard::take(&self.plugins()).unwrap();
        let mut lock = guard.read().unwrap();
        put_in_service(&mut lock, NAME, candidate, ACTOR);
        guard.write(&lock).unwrap();
        digest
    }

    pub(super) fn config(&self, more: &str) -> Config {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let main = format!(
            "[http]\nlisten = \"127.0.0.1:0\"\n[database]\nurl = \"sqlite:{}\"\n\
             [plugins]\ndir = \"{}\"\nwatch_ms = 0\ncompile_in_child = false\npermits_max = 32\nplugin_permits_max = 16\n{more}\n\
             [plugins.native]\ndescribe_ms_max = 5000\noutbound_ms_max = 5000\n\
             [queue]\npoll_ms = 25\nshutdown_ms = 0\n[send]\nbackoff_base_ms = 10\nbackoff_max_ms = 100\nunknown_wait_ms = 50\n\
             [secrets]\nactive = \"k1\"\nkeys = {{ k1 = \"{}\" }}\n\
             [egress.connect_to]\n\"api.example.com\" = \"{}\"\n",
            path("wharf.db"),
            path("plugins"),
            "01".repeat(32),
            self.provider.url,
        );
        let tenant = format!(
            "id = \"acme\"\nname = \"Acme\"\n[keys.test]\nhash = \"sha256:{}\"\n\
             [channels.main]\nplugin = \"{NAME}\"\nsettings = {{ sender = \"1\" }}\n",
            self.key.hash
        );
        std::fs::write(path("wharf.toml"), main).unwrap();
        std::fs::write(path("tenants/acme.toml"), tenant).unwrap();
        let mut sources = Sources::defaults();
        sources.config_file = ConfigFile::At(Path::new(&path("wharf.toml")).to_owned());
        sources.allow_connect_to = true;
        Config::load(&sources).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(super) async fn start(&self) -> Running<'_> {
        self.start_with("").await
    }

    /// With a watch, where the others are told to look.
    pub(super) async fn start_watching(&self) -> Running<'_> {
        let mut config = self.config("");
        config.plugins.watch_ms = 20;
        self.start_as(config).await
    }

    /// `more`: keys of `[plugins]`.
    pub(super) async fn start_with(&self, more: &str) -> Running<'_> {
        self.start_as(self.config(more)).await
    }

    pub(super) async fn start_as(&self, config: Config) -> Running<'_> {
        let gateway = Gateway::start(config).await.unwrap();
        Running {
            stage: self,
            http: reqwest::Client::builder().build().unwrap(),
            gateway,
        }
    }
}

pub(super) struct Running<'a> {
    stage: &'a Stage,
    http: reqwest::Client,
    pub(super) gateway: Gateway,
}

impl Running<'_> {
    /// What serves now.
    pub(super) fn serving(&self) -> Option<Digest> {
        let plugin = self.gateway.app().plugins.get(NAME)?;
        Some(Digest::from_bytes(*plugin.digest()))
    }

    /// Tells the gateway to look, and waits until this serves.
    pub(super) async fn reload_until(&self, digest: Digest) {
        self.gateway.app().lifecycle.reload();
        let swapped = async || (self.serving() == Some(digest)).then_some(());
        if eventually(WAIT, swapped).await.is_err() {
            panic!("{:?}", self.refused().await);
        }
    }

    /// Tells the gateway to look, and waits until it says this of the plugin.
    pub(super) async fn reload_until_refused(&self, reason: &str) {
        self.gateway.app().lifecycle.reload();
        let told = async || {
            let refused = self.refused().await;
            refused.iter().any(|it| it.contains(reason)).then_some(())
        };
        if eventually(WAIT, told).await.is_err() {
            panic!("{:?}", self.refused().await);
        }
    }

    pub(super) async fn refused(&self) -> Vec<String> {
        self.gateway.app().lifecycle.refused().await
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.gateway.address());
        self.http
            .request(method, url)
            .bearer_auth(self.stage.key.key.expose_secret())
    }

    /// The id of a text that must be accepted.
    pub(super) async fn send(&self) -> String {
        let body = json!({ "to": "+4915112345678", "text": { "body": "Hello" } });
        let answer = self
            .request(reqwest::Method::POST, "/v1/messages")
            .json(&body)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, 202, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// Waits until nothing is to be done with the message any more.
    pub(super) async fn settled(&self, id: &str) -> Value {
        let look = || async {
            let answer = self
                .request(reqwest::Method::GET, &format!("/v1/messages/{id}"))
                .send()
                .await;
            let message: Value = answer.unwrap().json().await.unwrap();
            let status = message["status"].as_str().unwrap_or_default();
            (!matches!(status, "queued" | "sending")).then_some(message)
        };
        eventually(WAIT, look).await.unwrap()
    }
}
