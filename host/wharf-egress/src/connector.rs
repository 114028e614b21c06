//! Opens connections: name, vetted address, perhaps a proxy's tunnel, TLS for the name that was asked for.
//!
//! Knows nothing of requests. The address that is connected to is the one that was vetted, while
//! the certificate and the `Host` header stay the name's.

use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::client::{self, Client};
use crate::resolver::GuardedResolver;
use crate::{BoxFuture, EgressConfig, EgressError, Proxy, Resolver, Ways};

/// How many of a name's vetted addresses a proxy is asked for before giving up.
const TUNNEL_ATTEMPTS_MAX: usize = 3;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Transport = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Resolution, TCP, tunnel and TLS together took too long.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {} ms", .0.as_millis())]
pub(crate) struct ConnectTimeout(Duration);

/// The system's certificate authorities and the operator's own, HTTP/1.1 only.
pub(crate) fn tls(ca_pem: Option<&str>) -> Result<Arc<ClientConfig>, EgressError> {
    let extra = CertificateDer::pem_slice_iter(ca_pem.unwrap_or_default().as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| EgressError::CaPem {
            reason: source.to_string(),
        })?;
    if ca_pem.is_some() && extra.is_empty() {
        return Err(EgressError::CaPem {
            reason: "it holds no certificate".to_owned(),
        });
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(extra, Arc::clone(&provider))
            .map_err(EgressError::Tls)?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(EgressError::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Makes the clients of one gateway. They share the TLS configuration and nothing else.
pub(crate) struct Builder<'a> {
    pub(crate) config: &'a EgressConfig,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) names: Arc<dyn Resolver>,
}

impl Builder<'_> {
    pub(crate) fn providers(&self) -> Result<Ways, EgressError> {
        let proxied = match &self.config.proxy {
            None => None,
            Some(proxy) => Some(self.tunneled("proxy", proxy, None, true)?),
        };
        Ok(Ways {
            direct: self.direct(self.guarded(&[]), true),
            proxied,
        })
    }

    pub(crate) fn endpoints(&self) -> Result<Ways, EgressError> {
        let guarded = self.guarded(&self.config.delivery_allow);
        let https_only = self.config.delivery_https_only;
        let proxied = match &self.config.delivery_proxy {
            None => None,
            Some(proxy) => {
                let vetting = (!self.config.delivery_proxy_resolves).then(|| guarded.clone());
                Some(self.tunneled("delivery_proxy", proxy, vetting, https_only)?)
            }
        };
        Ok(Ways {
            direct: self.direct(guarded, https_only),
            proxied,
        })
    }

    pub(crate) fn redirected(&self) -> Client {
        self.direct(self.trusting(), false)
    }

    fn guarded(&self, allow: &[IpNet]) -> GuardedResolver {
        GuardedResolver::guarded(Arc::clone(&self.names), allow)
    }

    fn trusting(&self) -> GuardedResolver {
        GuardedResolver::trusting(Arc::clone(&self.names))
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(self.config.connect_timeout_ms)
    }

    fn direct(&self, resolver: GuardedResolver, https_only: bool) -> Client {
        let dial = Dial::Direct(tcp(resolver, self.timeout()));
        self.client(dial, https_only)
    }

    /// Through a proxy. With `vetting`, names are resolved and vetted here and the proxy is asked for
    /// the address; without, it is asked for the name and resolves that by its own rules.
    fn tunneled(
        &self,
        key: &'static str,
        proxy: &Proxy,
        vetting: Option<GuardedResolver>,
        https_only: bool,
    ) -> Result<Client, EgressError> {
        let refuse = |reason| EgressError::Proxy { key, reason };
        let transport = tcp(self.trusting(), self.timeout());
        let to_proxy = HttpsConnector::from((transport, Arc::clone(&self.tls)));
        let mut tunnel = Tunnel::new(proxy.uri().map_err(refuse)?, to_proxy);
        if let Some(authorization) = proxy.authorization().map_err(refuse)? {
            tunnel = tunnel.with_auth(authorization);
        }
        let proxied = Proxied { tunnel, vetting };
        Ok(self.client(Dial::Tunnel(Box::new(proxied)), https_only))
    }

    fn client(&self, dial: Dial, https_only: bool) -> Client {
        let mut https = HttpsConnector::from((dial, Arc::clone(&self.tls)));
        if https_only {
            https.enforce_https();
        }
        let connector = Connector {
            https,
            timeout: self.timeout(),
        };
        client::client(connector, self.config.response_header_bytes_max)
    }
}

/// A connector under one time limit. Each client has its own, and with it its own pool.
#[derive(Clone)]
pub(crate) struct Connector {
    https: HttpsConnector<Dial>,
    timeout: Duration,
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Transport>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.https.call(uri);
        let timeout = self.timeout;
        Box::pin(async move {
            tokio::time::timeout(timeout, connecting)
                .await
                .map_err(|_| ConnectTimeout(timeout))?
        })
    }
}

fn tcp(resolver: GuardedResolver, timeout: Duration) -> HttpConnector<GuardedResolver> {
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    // Shared among a name's addresses, so that a dead one does not use up the time of the others.
    tcp.set_connect_timeout(Some(timeout));
    tcp
}

#[derive(Clone)]
struct Proxied {
    tunnel: Tunnel<HttpsConnector<HttpConnector<GuardedResolver>>>,
    vetting: Option<GuardedResolver>,
}

/// The way to the other end, without TLS to it.
#[derive(Clone)]
enum Dial {
    Direct(HttpConnector<GuardedResolver>),
    /// Boxed, because it is cloned with the client and most gateways have none.
    Tunnel(Box<Proxied>),
}

impl Service<Uri> for Dial {
    type Response = Transport;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Transport, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Direct(tcp) => tcp.poll_ready(context).map_err(Into::into),
            Self::Tunnel(proxied) => proxied.tunnel.poll_ready(context).map_err(Into::into),
        }
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match self {
            Self::Direct(tcp) => {
                let connecting = tcp.call(uri);
                Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) })
            }
            Self::Tunnel(proxied) => Box::pin(through(proxied.as_ref().clone(), uri)),
        }
    }
}

async fn through(proxied: Proxied, uri: Uri) -> Result<Transport, BoxError> {
    let Proxied {
        mut tunnel,
        vetting,
    } = proxied;
    let host = uri.host().ok_or("the URL has no host")?;
    let port = uri.port_u16().unwrap_or(match uri.scheme_str() {
        Some("http") => 80,
        _ => 443,
    });
    let Some(resolver) = vetting else {
        return Ok(tunnel.call(target(host, port)?).await?);
    };
    let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let addresses = match literal {
        Ok(ip) => vec![resolver.literal(ip)?],
        Err(_) => resolver.lookup(host).await?,
    };
    let mut failed = None;
    for address in addresses.into_iter().take(TUNNEL_ATTEMPTS_MAX) {
        let target = match address {
            IpAddr::V4(ip) => target(&ip.to_string(), port)?,
            IpAddr::V6(ip) => target(&format!("[{ip}]"), port)?,
        };
        match tunnel.call(target).await {
            Ok(transport) => return Ok(transport),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.map_or_else(|| "the name has no address".into(), Into::into))
}

fn target(host: &str, port: u16) -> Result<Uri, BoxError> {
    Ok(format!("https://{host}:{port}/").parse()?)
}
