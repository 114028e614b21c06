//! Everything that leaves the host: a plugin's exchanges and the deliveries to tenants' endpoints.
//!
//! An [`Exchange`](wharf_core::provider::Exchange) is data a plugin returned and therefore untrusted.
//! [`Egress::prepare`] holds it against the plugin's descriptor, inserts secrets last and only towards
//! hosts of their audience; [`Egress::send`] performs it and hands back no more than the guest may see.
//! This crate owns policy, address filter, assembly, capture and redaction. It must know nothing of
//! databases, queues, tenants or WebAssembly.

mod answer;
mod assemble;
mod body;
mod capture;
mod client;
mod config;
mod deliver;
mod denied;
mod download;
mod journal;
mod local;
mod policy;
mod redact;
mod resolver;
mod value;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock};

use secrecy::SecretString;
use url::Url;
use wharf_core::provider::{Descriptor, Exchange};

pub use answer::{Answered, Captured};
pub use assemble::Prepared;
pub use capture::Withheld;
pub use config::EgressConfig;
pub use deliver::{DELIVERY_BODY_BYTES_MAX, DeliveryAnswer, DeliveryFailure, DeliveryRequest};
pub use denied::Denied;
pub use download::{Download, DownloadError, Downloader, is_loopback};
pub use local::{BoxFuture, LocalService};
pub use policy::failure_slug;

/// Where secrets come from. Looked up by the name the descriptor declares.
pub trait Secrets: Send + Sync {
    fn get(&self, name: &str) -> Option<SecretString>;
}

/// What one plugin may use for one channel.
pub struct Grant<'a> {
    pub descriptor: &'a Descriptor,
    /// Non-secret settings of app, account and channel, keyed by input name.
    pub settings: &'a [(String, String)],
    pub secrets: &'a dyn Secrets,
    /// The public address of one of this account's webhooks, by the webhook's name.
    pub webhook_url: &'a dyn Fn(&str) -> Option<String>,
}

/// Why the gateway's way out could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    #[error(
        "could not build the HTTP client; check that the system's CA certificates are installed \
         (package ca-certificates)"
    )]
    Client(#[source] reqwest::Error),
    #[error("egress.connect_to {host:?}: {reason}")]
    ConnectTo { host: String, reason: &'static str },
    #[error("could not register local service {host:?}: {reason}")]
    Local { host: String, reason: &'static str },
}

/// The only way out of the host. One per process: it owns the connection pools.
pub struct Egress {
    config: EgressConfig,
    /// For providers: https, filtered addresses.
    guarded: reqwest::Client,
    /// For hosts under `connect_to`, whose address the operator chose; absent when there are none.
    redirected: Option<reqwest::Client>,
    /// For tenants' endpoints: filtered addresses, with the operator's exceptions.
    delivery: reqwest::Client,
    connect_to: BTreeMap<String, Url>,
    locals: RwLock<HashMap<String, Arc<dyn LocalService>>>,
}

impl Egress {
    pub fn new(config: EgressConfig) -> Result<Arc<Self>, EgressError> {
        // An error says that a provider is installed already, by us or by another crate: both are fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let connect_to = config.checked_connect_to()?;
        let redirected = match connect_to.is_empty() {
            true => None,
            false => Some(client::redirected(&config)?),
        };
        Ok(Arc::new(Self {
            guarded: client::guarded(&config)?,
            redirected,
            delivery: client::delivery(&config)?,
            connect_to,
            locals: RwLock::default(),
            config,
        }))
    }

    /// Lets a service inside this process answer for a host name. Exchanges reach it only through
    /// the same policy as any other host; tenants' deliveries never do.
    pub fn register_local(
        &self,
        host: &str,
        service: Arc<dyn LocalService>,
    ) -> Result<(), EgressError> {
        let host = policy::plain_host(host).map_err(|reason| EgressError::Local {
            host: host.to_owned(),
            reason,
        })?;
        self.locals
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(host, service);
        Ok(())
    }

    /// Checks and assembles a request. Pure: no network, no clock.
    pub fn prepare(&self, exchange: &Exchange, grant: &Grant<'_>) -> Result<Prepared, Denied> {
        assemble::prepare(&self.config, exchange, grant)
    }

    /// Performs a prepared request, once.
    pub async fn send(&self, prepared: Prepared) -> Answered {
        answer::send(self, prepared).await
    }

    /// Posts one event to a tenant's endpoint, once.
    pub async fn deliver(
        &self,
        request: DeliveryRequest,
    ) -> Result<DeliveryAnswer, DeliveryFailure> {
        deliver::deliver(self, request).await
    }

    fn local(&self, host: &str) -> Option<Arc<dyn LocalService>> {
        self.locals
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .get(host)
            .cloned()
    }
}
