//! One gateway: opened, checked, served, and ended in the order that loses nothing.

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;
use wharf_config::{Config, SqliteSynchronous};
use wharf_core::{Clock, IdSource};
use wharf_egress::{Egress, EgressConfig, Proxy};
use wharf_queue::{QueueConfig, Queues};
use wharf_runtime::Registry;
use wharf_store::{Db, DbConfig, KeyRing, Synchronous, Vault};

use crate::app::{App, Gates, Settled, WEBHOOK_BODIES_KIB_MAX};
use crate::callers::Callers;
use crate::clock::{RandomIds, SystemClock, random};
use crate::directory::Directory;
use crate::exchange::Flights;
use crate::http::{ServerLimits, Tls, router, serve};
use crate::media::{self, MediaFiles};
use crate::plugin_config::runtime_config;
use crate::plugins::Lifecycle;
use crate::sandbox::{self, Sandbox};
use crate::{sync, workers};

/// Beyond the drains of requests and jobs: time to release leases and to close the database.
const STOP_MARGIN: Duration = Duration::from_secs(5);

/// A running gateway.
pub struct Gateway {
    app: Arc<App>,
    address: SocketAddr,
    stop_serving: CancellationToken,
    stop_working: CancellationToken,
    serving: JoinHandle<()>,
    working: JoinHandle<()>,
    following: JoinHandle<()>,
    beating: JoinHandle<()>,
    /// Held as long as the gateway lives.
    _lock: Option<File>,
}

/// Everything but the listener and the workers: for commands that only need the database.
pub struct Opened {
    pub config: Arc<Config>,
    pub db: Db,
    pub vault: Vault,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdSource>,
}

/// Opens the database and the key ring, and brings the tables to this version.
pub async fn open(config: Config) -> anyhow::Result<Opened> {
    let opened = open_as_is(config).await?;
    opened.db.migrate().await?;
    Ok(opened)
}

/// Opens a database that must be there and at this version: for commands that only look.
pub async fn open_existing(config: Config) -> anyhow::Result<Opened> {
    if let Some(path) = config.database.url.sqlite_path()
        && !path.exists()
    {
        anyhow::bail!(
            "there is no database at {} (database.url); `wharf migrate` makes it",
            path.display()
        );
    }
    let opened = open_as_is(config).await?;
    let pending = opened.db.pending_migrations().await?;
    if !pending.is_empty() {
        anyhow::bail!(
            "the database lacks {}; `wharf migrate` brings it to this version",
            pending.join(", ")
        );
    }
    Ok(opened)
}

async fn open_as_is(config: Config) -> anyhow::Result<Opened> {
    let config = Arc::new(config);
    let db = Db::open(&db_config(&config)).await?;
    Ok(Opened {
        vault: Vault::new(key_ring(&config)?),
        config,
        db,
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
    })
}

impl Gateway {
    /// Starts everything, or nothing: a configuration that the plugins refuse is an error here.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let lifecycle = load_plugins(&config).await?;
        // Before the database is made or changed: a wrong configuration leaves nothing behind.
        sync::check(&config, lifecycle.registry())?;
        Self::start_following(open(config).await?, lifecycle).await
    }

    /// As [`Gateway::start`], with plugins loaded already, which stay as they are.
    pub async fn start_with(opened: Opened, plugins: Arc<Registry>) -> anyhow::Result<Self> {
        Self::start_following(opened, Lifecycle::fixed(plugins)).await
    }

    /// As [`Gateway::start`], with plugins loaded already, which follow `plugins.dir`.
    pub async fn start_following(
        opened: Opened,
        lifecycle: Arc<Lifecycle>,
    ) -> anyhow::Result<Self> {
        let plugins = lifecycle.registry();
        sync::check(&opened.config, plugins)?;
        // Before anything is written: a second start by mistake must change nothing.
        let lock = only_process(&opened.config)?;
        let limits = server_limits(&opened.config)?;
        let listen = opened.config.http.listen;
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("could not listen on {listen} (http.listen)"))?;
        let address = listener.local_addr()?;
        let now_ms = opened.clock.now_ms();
        sync::store(&opened.db, &opened.vault, &opened.config, plugins, now_ms).await?;
        let app = Arc::new(assemble(opened, lifecycle)?);
        app.egress
            .register_local(sandbox::HOST, Arc::new(Sandbox::new(&app)))?;
        workers::start_schedules(&app).await?;
        let (stop_serving, stop_working) = (CancellationToken::new(), CancellationToken::new());
        if let Some(tls) = limits.tls.clone() {
            tokio::spawn(tls.follow(stop_serving.clone()));
        }
        let serving = tokio::spawn(serve(
            listener,
            router(Arc::clone(&app)),
            limits,
            stop_serving.clone(),
        ));
        let working = tokio::spawn(workers::run(Arc::clone(&app), stop_working.clone()));
        let lifecycle = Arc::clone(&app.lifecycle);
        let following = tokio::spawn(lifecycle.follow(Arc::clone(&app), stop_working.clone()));
        let beating = tokio::spawn(workers::keep_heartbeat(
            Arc::clone(&app),
            stop_working.clone(),
        ));
        tracing::info!(http.listen = %address, plugins = app.plugins.all().len(), "wharf serves on {address}");
        Ok(Self {
            app,
            address,
            stop_serving,
            stop_working,
            serving,
            working,
            following,
            beating,
            _lock: lock,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Not ready, no new requests, no new jobs, what runs ends or is given back, the database closes.
    /// Ends in any case: what a part that hangs still held is taken over at the next start.
    pub async fn stop(self) {
        self.app
            .unready
            .send_replace(Some("the gateway is stopping"));
        let each_ms = self.app.config.queue.shutdown_ms;
        let time_max = Duration::from_millis(each_ms * 2) + STOP_MARGIN;
        if tokio::time::timeout(time_max, self.in_order())
            .await
            .is_err()
        {
            tracing::error!("the gateway did not end within {time_max:?}; it is ended as it is");
        }
    }

    async fn in_order(self) {
        self.stop_serving.cancel();
        let _ = self.serving.await;
        self.stop_working.cancel();
        let _ = self.working.await;
        let _ = self.following.await;
        let _ = self.beating.await;
        self.app.db.close().await;
        tracing::info!("wharf has stopped");
    }
}

fn assemble(opened: Opened, lifecycle: Arc<Lifecycle>) -> anyhow::Result<App> {
    let plugins = Arc::clone(lifecycle.registry());
    let Opened {
        config,
        db,
        vault,
        clock,
        ids,
    } = opened;
    Ok(App {
        queues: Queues::new(
            db.clone(),
            Arc::clone(&clock),
            Arc::clone(&ids),
            queue_config(&config),
        ),
        egress: Egress::new(egress_config(&config))?,
        directory: Directory::new(
            db.clone(),
            vault.clone(),
            Arc::clone(&plugins),
            config.http.public_url.clone(),
            simple_tenant(&config),
            Arc::clone(&clock),
        ),
        media: MediaFiles::new(
            db.clone(),
            Arc::clone(&clock),
            Arc::clone(&ids),
            media::limits(&config),
            media::link_keys(&config),
            config.http.public_url.clone(),
        ),
        flights: Flights::default(),
        db,
        vault,
        plugins,
        lifecycle,
        clock,
        ids,
        settled: Settled::default(),
        gates: Gates::new(&config),
        webhook_bodies: Semaphore::new(WEBHOOK_BODIES_KIB_MAX),
        callers: Callers::default(),
        unready: watch::Sender::new(None),
        config,
    })
}

fn server_limits(config: &Config) -> anyhow::Result<ServerLimits> {
    let http = &config.http;
    let tls = match (&http.tls_certificate_file, &http.tls_key_file) {
        (Some(certificate), Some(key)) => Some(Tls::open(certificate, key)?),
        _ => None,
    };
    Ok(ServerLimits {
        connections_max: http.connections_max,
        connections_per_address_max: http.connections_per_address_max,
        header_timeout: Duration::from_millis(http.header_timeout_ms),
        header_bytes_max: http.header_bytes_max,
        trusted_proxies: http.trusted_proxies.clone().into(),
        tls,
        drain_timeout: Duration::from_millis(config.queue.shutdown_ms),
    })
}

/// SQLite's jobs belong to one process: a second one would take the leases of the first.
fn only_process(config: &Config) -> anyhow::Result<Option<File>> {
    let Some(path) = config.database.url.sqlite_path() else {
        return Ok(None);
    };
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = File::create(&name).with_context(|| format!("could not open {}", name.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => anyhow::bail!(
            "another gateway runs on {} (database.url); stop it first, or use PostgreSQL for several",
            path.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("could not lock {}", name.display()))
        }
    }
}

/// Loads what `plugins.dir` names, by its lock and by the names of its files. One that cannot be loaded
/// is left out with its reason: channels that need it say so.
pub async fn load_plugins(config: &Config) -> anyhow::Result<Arc<Lifecycle>> {
    Lifecycle::open(config, runtime_config(config, cache_key(config))).await
}

fn db_config(config: &Config) -> DbConfig {
    let database = &config.database;
    DbConfig {
        url: database.url.expose().to_owned(),
        readers_max: database.readers_max,
        synchronous: match database.sqlite_synchronous {
            SqliteSynchronous::Full => Synchronous::Full,
            SqliteSynchronous::Normal => Synchronous::Normal,
        },
        writer_batch_max: database.writer_batch_max,
        writer_linger_ms: database.writer_linger_ms,
        writer_queue_max: database.writer_queue_max,
        acquire_timeout_ms: database.acquire_timeout_ms,
    }
}

fn key_ring(config: &Config) -> anyhow::Result<KeyRing> {
    Ok(match &config.secrets {
        Some(secrets) => {
            let keys = secrets
                .keys
                .iter()
                .map(|(id, key)| (id.clone(), *key.expose()))
                .collect();
            KeyRing::new(secrets.active.clone(), keys)?
        }
        // Only `dev` gets here, and its database is thrown away with the key.
        None => KeyRing::new(
            "throwaway".to_owned(),
            vec![("throwaway".to_owned(), random())],
        )?,
    })
}

fn egress_config(config: &Config) -> EgressConfig {
    let egress = &config.egress;
    EgressConfig {
        connect_timeout_ms: egress.connect_timeout_ms,
        request_timeout_ms_max: egress
            .request_timeout_ms_max
            .min(config.send.exchange_timeout_ms),
        media_timeout_ms_max: egress.media_timeout_ms_max,
        response_bytes_max: egress.response_bytes_max,
        response_header_bytes_max: egress.response_header_bytes_max,
        request_bytes_max: egress.request_bytes_max,
        media_bytes_max: egress.media_bytes_max,
        connect_to: egress.connect_to.0.clone(),
        delivery_allow: egress.delivery_allow.clone(),
        delivery_ports: egress.delivery_ports.clone(),
        delivery_https_only: egress.delivery_https_only,
        proxy: proxy(&egress.proxy, &egress.proxy_credentials),
        delivery_proxy: proxy(&egress.delivery_proxy, &egress.delivery_proxy_credentials),
        delivery_proxy_resolves: egress.delivery_proxy_resolves,
        no_proxy: egress.no_proxy.clone(),
        ca_pem: egress
            .ca_pem
            .as_ref()
            .map(|pem| pem.expose_secret().to_owned()),
        journal_body_bytes_max: egress.journal_body_bytes_max,
    }
}

pub(crate) fn proxy(url: &Option<Url>, credentials: &Option<SecretString>) -> Option<Proxy> {
    url.as_ref().map(|url| Proxy {
        url: url.clone(),
        credentials: credentials.clone(),
    })
}

/// An id that the configuration made is one.
fn simple_tenant(config: &Config) -> Option<wharf_core::TenantId> {
    config.simple_tenant.as_ref()?.parse().ok()
}

fn queue_config(config: &Config) -> QueueConfig {
    let queue = &config.queue;
    QueueConfig {
        lease_ms: i64::try_from(queue.lease_ms).unwrap_or(i64::MAX),
        poll_ms: i64::try_from(queue.poll_ms).unwrap_or(i64::MAX),
        claim_batch_max: queue.claim_batch_max,
        lanes_per_claim_max: queue.lanes_per_claim_max,
        lane_quantum: usize::try_from(queue.lane_quantum).unwrap_or(usize::MAX),
        ..QueueConfig::default()
    }
}

/// The key of the compile cache's MACs: derived, so that operators keep one ring only.
pub(crate) fn cache_key(config: &Config) -> [u8; 32] {
    let Some(secrets) = &config.secrets else {
        return random();
    };
    let Some(active) = secrets.keys.get(&secrets.active) else {
        return random();
    };
    let mut mac =
        Hmac::<Sha256>::new_from_slice(active.expose()).expect("HMAC takes any key length");
    mac.update(b"wharf plugin compile cache");
    mac.finalize().into_bytes().into()
}
