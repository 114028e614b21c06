//! Everything that leaves the host: a plugin's exchanges and the deliveries to tenants' endpoints.
//!
//! An [`Exchange`](wharf_core::provider::Exchange) is data a plugin returned and therefore untrusted.
//! [`Egress::prepare`] holds it against the plugin's descriptor, inserts secrets last and only towards
//! hosts of their audience; [`Egress::send`] performs it and hands back no more than the guest may see.
//! Stored media are streamed through a [`MediaStore`] in both directions and never held whole.
//! This crate owns policy, address filter, proxies, assembly, capture and redaction. It must know
//! nothing of databases, queues, tenants or WebAssembly.

mod address;
mod answer;
mod assemble;
mod body;
mod capture;
mod client;
mod config;
mod connector;
mod deliver;
mod denied;
mod download;
mod journal;
mod jwt;
mod label;
mod local;
mod media;
mod payload;
mod policy;
mod proxy;
mod redact;
mod resolver;
mod source;
mod store;
mod value;
mod watch;

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
pub use label::{file_name, media_type};
pub use local::{BoxFuture, LocalService};
pub use media::{
    MEDIA_LINK_LIFETIME_S_MAX, MediaChunks, MediaError, MediaReader, MediaSink, MediaStore,
    NewMedia, NoMedia,
};
pub use policy::failure_reason;
pub use proxy::Proxy;
pub use resolver::{Resolver, SystemResolver};

use client::Client;
use connector::Builder;
use proxy::NoProxy;

/// Where secrets come from. Looked up by the name the descriptor declares.
pub trait Secrets: Send + Sync {
    /// The value to send.
    fn get(&self, name: &str) -> Option<SecretString>;

    /// Every value that is still good for something: both of a rotation, what is configured behind what
    /// was captured, and those of every `name/slot`. None of them may come back to a guest. Whoever holds
    /// more than one value of a secret must say so here.
    fn live(&self, name: &str) -> Vec<SecretString> {
        self.get(name).into_iter().collect()
    }
}

/// What one plugin may use for one channel.
pub struct Grant<'a> {
    pub descriptor: &'a Descriptor,
    /// Non-secret settings of app, account and channel, keyed by input name.
    pub settings: &'a [(String, String)],
    pub secrets: &'a dyn Secrets,
    /// The public address of one of this account's webhooks, by the webhook's name.
    pub webhook_url: &'a dyn Fn(&str) -> Option<String>,
    /// Where a browser comes back to; only a flow has such a place.
    pub return_url: Option<&'a str>,
    /// The media of the tenant the exchange is made for, and of nobody else.
    pub media: Arc<dyn MediaStore>,
}

/// Why the gateway's way out could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    #[error(
        "could not set up TLS; check that the system's CA certificates are installed \
         (package ca-certificates)"
    )]
    Tls(#[source] rustls::Error),
    #[error("egress.ca_pem cannot be used: {reason}; it must hold certificates in PEM")]
    CaPem { reason: String },
    #[error("egress.{key}: {reason}")]
    Proxy {
        key: &'static str,
        reason: &'static str,
    },
    #[error("egress.connect_to {host:?}: {reason}")]
    ConnectTo { host: String, reason: &'static str },
    #[error("could not register local service {host:?}: {reason}")]
    Local { host: String, reason: &'static str },
}

/// The only way out of the host. One per process: it owns the connection pools.
pub struct Egress {
    config: EgressConfig,
    /// For providers: https, filtered addresses.
    providers: Ways,
    /// For tenants' endpoints: filtered addresses, with the operator's exceptions.
    endpoints: Ways,
    /// For hosts under `connect_to`, whose address the operator chose; absent when there are none.
    redirected: Option<Client>,
    no_proxy: NoProxy,
    connect_to: BTreeMap<String, Url>,
    locals: RwLock<HashMap<String, Arc<dyn LocalService>>>,
}

/// Clients, and with them pools of connections, are kept apart by what was checked when connecting.
struct Ways {
    direct: Client,
    proxied: Option<Client>,
}

impl Ways {
    fn to(&self, host: &str, no_proxy: &NoProxy) -> &Client {
        match &self.proxied {
            Some(proxied) if !no_proxy.covers(host) => proxied,
            _ => &self.direct,
        }
    }
}

impl Egress {
    pub fn new(config: EgressConfig) -> Result<Arc<Self>, EgressError> {
        Self::with_resolver(config, Arc::new(SystemResolver))
    }

    /// With names looked up by somebody else than the system. What it answers is vetted just the same.
    pub fn with_resolver(
        config: EgressConfig,
        names: Arc<dyn Resolver>,
    ) -> Result<Arc<Self>, EgressError> {
        // An error says that a provider is installed already, by us or by another crate: both are fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let connect_to = config.checked_connect_to()?;
        let builder = Builder {
            config: &config,
            tls: connector::tls(config.ca_pem.as_deref())?,
            names,
        };
        Ok(Arc::new(Self {
            providers: builder.providers()?,
            endpoints: builder.endpoints()?,
            redirected: (!connect_to.is_empty()).then(|| builder.redirected()),
            no_proxy: NoProxy::new(&config.no_proxy),
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

    /// Checks and assembles a request. No network, no clock; media are opened by [`send`](Self::send).
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

    /// The client for a provider's host, and the origin that stands in for it, if one does.
    fn way_to(&self, host: &str) -> (&Client, Option<&Url>) {
        match (self.connect_to.get(host), &self.redirected) {
            (Some(origin), Some(client)) => (client, Some(origin)),
            _ => (self.providers.to(host, &self.no_proxy), None),
        }
    }

    fn local(&self, host: &str) -> Option<Arc<dyn LocalService>> {
        self.locals
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .get(host)
            .cloned()
    }
}
