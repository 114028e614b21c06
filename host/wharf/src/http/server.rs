//! The accept loop: caps on connections, in all and of one address, time and room for headers, TLS, and a
//! graceful end, which `axum::serve` lacks.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::address;
use super::tls::Tls;

/// Limits on connections, from the configuration.
#[derive(Clone)]
pub struct ServerLimits {
    pub connections_max: usize,
    pub connections_per_address_max: usize,
    /// A client must have sent its headers by then: otherwise idle connections pile up.
    pub header_timeout: Duration,
    pub header_bytes_max: usize,
    /// How long requests under way may go on once the end was asked for.
    pub drain_timeout: Duration,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Arc<[IpNet]>,
    pub tls: Option<Arc<Tls>>,
}

/// A failed accept is nearly always a shortage of file descriptors; asking again at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop`, then lets requests under way finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ServerLimits,
    stop: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(limits.connections_max));
    let graceful = GracefulShutdown::new();
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_header_size(limits.header_bytes_max);
    let server = Server {
        router,
        builder,
        open: Arc::default(),
        limits,
    };
    loop {
        let permit = tokio::select! {
            () = stop.cancelled() => break,
            permit = Arc::clone(&permits).acquire_owned() => permit.expect("the semaphore is never closed"),
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => server.take(stream, peer, permit, graceful.watcher()),
            Err(error) => {
                tracing::warn!(error = %error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(server.limits.drain_timeout) => {
            tracing::warn!("requests were still under way when the time to drain was over");
        }
    }
}

struct Server {
    router: Router,
    builder: Builder,
    open: Arc<Open>,
    limits: ServerLimits,
}

impl Server {
    /// Serves one connection aside, or closes it at once.
    fn take(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        permit: OwnedSemaphorePermit,
        watcher: Watcher,
    ) {
        let proxies = &self.limits.trusted_proxies;
        let address = address::counted(peer.ip());
        let place = match address::is_trusted(proxies, peer.ip()) {
            true => None,
            false => {
                let Some(place) = self
                    .open
                    .enter(address, self.limits.connections_per_address_max)
                else {
                    tracing::debug!("a connection was closed: its address has as many as it may");
                    return;
                };
                Some(place)
            }
        };
        // Small answers must not wait for Nagle's timer.
        let _ = stream.set_nodelay(true);
        let (router, builder) = (self.router.clone(), self.builder.clone());
        let limits = self.limits.clone();
        let ends = (permit, place);
        tokio::spawn(async move {
            match &limits.tls {
                None => {
                    let serving = Serving {
                        router,
                        peer,
                        limits: &limits,
                    };
                    serving.run(stream, &builder, watcher).await;
                }
                // A handshake is slow before it is anything else: it has as long as headers have.
                Some(tls) => {
                    match tokio::time::timeout(limits.header_timeout, tls.accept(stream)).await {
                        Ok(Ok(stream)) => {
                            let serving = Serving {
                                router,
                                peer,
                                limits: &limits,
                            };
                            serving.run(stream, &builder, watcher).await;
                        }
                        Ok(Err(error)) => tracing::debug!(error = %error, "a TLS handshake failed"),
                        Err(_) => tracing::debug!("a TLS handshake took too long"),
                    }
                }
            }
            drop(ends);
        });
    }
}

/// One connection being served.
struct Serving<'a> {
    router: Router,
    peer: SocketAddr,
    limits: &'a ServerLimits,
}

impl Serving<'_> {
    async fn run<S>(self, stream: S, builder: &Builder, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (router, peer) = (self.router, self.peer);
        let proxies = Arc::clone(&self.limits.trusted_proxies);
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let router = router.clone();
            let mut request = request.map(axum::body::Body::new);
            let client = address::client(&proxies, peer.ip(), request.headers());
            request.extensions_mut().insert(client);
            async move {
                Ok::<_, Infallible>(
                    router
                        .oneshot(request)
                        .await
                        .unwrap_or_else(|never| match never {}),
                )
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(error = %error, "a connection ended badly");
        }
    }
}

/// Open connections by address.
#[derive(Default)]
struct Open(Mutex<HashMap<IpAddr, usize>>);

/// One open connection.
struct Place {
    open: Arc<Open>,
    address: IpAddr,
}

impl Open {
    fn enter(self: &Arc<Self>, address: IpAddr, max: usize) -> Option<Place> {
        let mut open = self.0.lock().expect("no panic holds this lock");
        let count = open.entry(address).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Place {
            open: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.0.lock().expect("no panic holds this lock");
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}
