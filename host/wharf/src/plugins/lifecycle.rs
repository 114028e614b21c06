//! Plugins while the gateway runs: loaded at the start, and again whenever `plugins.dir` says something
//! else.
//!
//! A new version is loaded, described and held against the configuration before it takes the old
//! one's place in the [`Registry`]; one that fails any of it is refused by name and changes nothing.
//! The old version stays loaded until what it began is over: a call holds its own [`Arc`], and an
//! attempt in the journal names the digest it goes on with.

mod change;
mod round;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;
use wharf_config::Config;
use wharf_runtime::{Plugin, Registry, Runtime, RuntimeConfig};

use super::digest::Digest;
use super::folder::Folder;
use super::lock;
use super::report::{self, Reporter};
use crate::app::App;
use round::Round;

/// The plugins of one gateway.
pub struct Lifecycle {
    registry: Arc<Registry>,
    /// None for a fixed set of plugins, which nothing changes.
    loader: Option<Loader>,
    round: Mutex<Round>,
    wake: Notify,
    forced: AtomicBool,
}

struct Loader {
    runtime: Arc<Runtime>,
    folder: Folder,
    require_lock: bool,
    watch: Option<Duration>,
    reporter: Reporter,
}

/// The version that made an attempt's state cannot be had any more.
#[derive(Debug, thiserror::Error)]
#[error("version {digest} of plugin {name}, which began this, cannot be loaded any more: {reason}")]
pub struct Gone {
    pub name: String,
    pub digest: Digest,
    pub reason: String,
}

impl Lifecycle {
    /// Loads what `plugins.dir` names. A plugin that cannot be loaded is left out, with its reason in
    /// the log and in [`Lifecycle::refused`]; a lock that cannot be read is an error, for the files
    /// beside it are not what the operator approved.
    pub async fn open(config: &Config, runtime: RuntimeConfig) -> anyhow::Result<Arc<Self>> {
        let plugins = &config.plugins;
        let loader = Loader {
            runtime: Runtime::new(runtime)?,
            folder: Folder::of(config),
            require_lock: plugins.require_lock,
            watch: (plugins.watch_ms > 0).then(|| Duration::from_millis(plugins.watch_ms)),
            reporter: Reporter::new(state_file(config)),
        };
        let lifecycle = Self::new(Arc::default(), Some(loader));
        lifecycle.first().await?;
        Ok(Arc::new(lifecycle))
    }

    /// These plugins and no others, for ever.
    pub fn fixed(registry: Arc<Registry>) -> Arc<Self> {
        Arc::new(Self::new(registry, None))
    }

    fn new(registry: Arc<Registry>, loader: Option<Loader>) -> Self {
        Self {
            registry,
            loader,
            round: Mutex::default(),
            wake: Notify::new(),
            forced: AtomicBool::new(false),
        }
    }

    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Why each plugin that is not in service is not, by name.
    pub async fn refused(&self) -> Vec<String> {
        self.round.lock().await.reasons()
    }

    /// The version with this digest, in service or not: what an attempt began with. One that is loaded
    /// no more comes out of the store again.
    ///
    /// Only a version of the very plugin that has the name: a channel that was given to another plugin
    /// since has that one's secrets, and the earlier plugin's code must not get them.
    pub async fn pinned(&self, name: &str, digest: &Digest) -> Result<Arc<Plugin>, Gone> {
        let gone = |reason: String| Gone {
            name: name.to_owned(),
            digest: *digest,
            reason,
        };
        let current = self.registry.get(name);
        let current = current.as_deref().map(|it| it.descriptor().id.as_str());
        let is_own = |id: &str| current.is_none_or(|current| current == id);
        if let Some(plugin) = self.registry.by_digest(name, digest.bytes()) {
            let id = &plugin.descriptor().id;
            return match is_own(id) {
                true => Ok(plugin),
                false => Err(gone(format!("it is of the plugin {id}, {MOVED}"))),
            };
        }
        let Some(loader) = &self.loader else {
            return Err(gone("this gateway's plugins are fixed".to_owned()));
        };
        let id = loader.id_of(name, digest).await.map_err(&gone)?;
        let bytes = loader.stored(digest).await.map_err(&gone)?;
        let loaded = loader.runtime.load(name, bytes).await;
        let plugin = loaded.map_err(|error| gone(crate::http::Chain(&error).to_string()))?;
        let found = &plugin.descriptor().id;
        if *found != id || !is_own(found) {
            return Err(gone(format!("it is of the plugin {found}, {MOVED}")));
        }
        tracing::info!(
            plugin.name = name,
            plugin.digest = digest.hex(),
            "an earlier version of plugin {name} is loaded again, to finish what it began"
        );
        self.registry.retain(Arc::clone(&plugin));
        Ok(plugin)
    }

    /// Looks at `plugins.dir` now, and gives refused versions another chance: SIGHUP.
    pub fn reload(&self) {
        self.forced.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// Follows `plugins.dir` until told to stop.
    pub async fn follow(self: Arc<Self>, app: Arc<App>, stop: CancellationToken) {
        let Some(loader) = &self.loader else {
            return;
        };
        loop {
            let forced = self.forced.swap(false, Ordering::Relaxed);
            self.look(&app, forced).await;
            let tick = async {
                match loader.watch {
                    Some(every) => tokio::time::sleep(every).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = tick => {}
                () = self.wake.notified() => {}
                () = stop.cancelled() => break,
            }
        }
        loader.reporter.remove();
    }

    /// What is loaded or on its way out, and must stay in the store.
    fn in_use(&self) -> BTreeSet<Digest> {
        let loaded = self
            .registry
            .all()
            .into_iter()
            .chain(self.registry.retired());
        loaded
            .map(|plugin| Digest::from_bytes(*plugin.digest()))
            .collect()
    }
}

const MOVED: &str = "and the name stands for another one now";

impl Loader {
    /// The id of the plugin that had this version in service under this name, as the lock says.
    async fn id_of(&self, name: &str, digest: &Digest) -> Result<String, String> {
        let (folder, name, digest) = (self.folder.clone(), name.to_owned(), *digest);
        let lock = off_thread(move || lock::read(folder.dir())).await?;
        let entry = lock.plugins.get(&name);
        let entry = entry.filter(|entry| entry.served().any(|served| served == digest));
        entry.map(|entry| entry.id.clone()).ok_or_else(|| {
            "the lock does not say that it was in service under this name".to_owned()
        })
    }

    async fn stored(&self, digest: &Digest) -> Result<Vec<u8>, String> {
        let (folder, digest) = (self.folder.clone(), *digest);
        off_thread(move || folder.get(&digest)).await
    }
}

/// Disk work, away from the executor's threads; an error becomes its words.
async fn off_thread<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, String>
where
    T: Send + 'static,
    E: std::error::Error + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| crate::http::Chain(&error).to_string()),
        Err(panic) => Err(panic.to_string()),
    }
}

/// Where the report is, by this configuration.
pub fn state_file(config: &Config) -> PathBuf {
    let named = config.plugins.state_file.clone();
    named.unwrap_or_else(|| config.plugins.dir.join(report::FILE_NAME))
}
