//! An HTTP server on loopback whose connections can be cut on purpose.
//!
//! Owns sockets and their violent ends; knows nothing of what is served.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A running server; dropping it closes the port and every idle connection.
pub(crate) struct Server {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Server {
    /// Serves `router` on 127.0.0.1; port 0 takes a free one.
    pub(crate) async fn start(port: u16, router: Router) -> anyhow::Result<Self> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(wanted)
            .await
            .with_context(|| format!("could not listen on {wanted}"))?;
        let address = listener
            .local_addr()
            .context("could not read the address that was bound")?;
        let (stop, stopped) = oneshot::channel::<()>();
        let service = router.into_make_service_with_connect_info::<Connection>();
        let serving = axum::serve(CutListener(listener), service).with_graceful_shutdown(async {
            // An error means that the sender was dropped, which is the signal.
            let _ = stopped.await;
        });
        tokio::spawn(async { serving.await });
        Ok(Self {
            address,
            _stop: stop,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// How the answer that is about to be written shall fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nothing is written and the peer gets a TCP reset.
    Reset,
    /// Nothing is written and the peer sees an orderly end of the stream.
    Close,
    /// All but this many bytes are written, then the stream ends.
    KeepBack(usize),
    /// This many bytes are written, then the peer gets a TCP reset.
    ResetAfter(usize),
}

/// The handler's hold on the connection that its request came in on.
#[derive(Clone, Default)]
pub(crate) struct Connection(Arc<Mutex<Option<Cut>>>);

impl Connection {
    /// Spoils whatever the handler returns next.
    pub(crate) fn cut(&self, how: Cut) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(how);
    }

    fn asked(&self) -> Option<Cut> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected<IncomingStream<'_, CutListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, CutListener>) -> Self {
        stream.io().connection.clone()
    }
}

pub(crate) struct CutListener(TcpListener);

impl Listener for CutListener {
    type Io = CutStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CutStream, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, peer)) => {
                    // Small answers to small requests: waiting for more to send only adds delay.
                    let _ = stream.set_nodelay(true);
                    return (
                        CutStream {
                            stream,
                            connection: Connection::default(),
                        },
                        peer,
                    );
                }
                // Out of file descriptors, or the peer left already: both pass.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A TCP stream that looks at its `Connection` before it writes.
pub(crate) struct CutStream {
    stream: TcpStream,
    connection: Connection,
}

impl AsyncRead for CutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut TaskContext<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(task, buffer)
    }
}

/// hyper hands over head and body of a small answer in one buffer, because this stream does not
/// claim vectored writes; so one write is one answer.
impl AsyncWrite for CutStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut TaskContext<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let allowed = match self.connection.asked() {
            None => bytes,
            Some(Cut::KeepBack(count)) => &bytes[..bytes.len().saturating_sub(count)],
            Some(Cut::ResetAfter(count)) if count > 0 => &bytes[..bytes.len().min(count)],
            Some(Cut::Reset | Cut::ResetAfter(_)) => {
                // Without this the close below would be orderly; if it fails, it is.
                let _ = self.stream.set_zero_linger();
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            Some(Cut::Close) => {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
        };
        let written = Pin::new(&mut self.stream).poll_write(task, allowed);
        if let Poll::Ready(Ok(count)) = &written {
            match self.connection.asked() {
                Some(Cut::KeepBack(_)) => self.connection.cut(Cut::Close),
                Some(Cut::ResetAfter(left)) => {
                    self.connection
                        .cut(Cut::ResetAfter(left.saturating_sub(*count)));
                }
                _ => {}
            }
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(task)
    }
}
