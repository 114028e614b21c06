//! A TLS server and a CONNECT proxy on plain sockets, with a certificate from an authority of our own.

use std::sync::{Arc, LazyLock, Mutex};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::authority::Authority;

pub(super) static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| {
    Authority::of_server(&["graph.example.com", "hook.example.com", "proxy.example.com"])
});

fn acceptor() -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![AUTHORITY.certificate()], AUTHORITY.key())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Reads up to the end of a request's head.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// Answers each connection once, and remembers the name it was asked for in the handshake.
pub(super) struct TlsPeer {
    pub(super) port: u16,
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl TlsPeer {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Mutex<Vec<(String, String)>>>::default();
        let record = Arc::clone(&seen);
        let acceptor = acceptor();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let name = stream.get_ref().1.server_name().unwrap_or("").to_owned();
                let Some(head) = read_head(&mut stream).await else {
                    continue;
                };
                record.lock().unwrap().push((name, head));
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { port, seen }
    }

    /// The handshake's name and the request's head, for each request.
    pub(super) fn seen(&self) -> Vec<(String, String)> {
        self.seen.lock().unwrap().clone()
    }
}

/// What the proxy does with every `CONNECT`.
#[derive(Clone, Copy)]
pub(super) enum Conduct {
    /// Connects to this port of the loopback, whatever it was asked for.
    To(u16),
    /// Answers with this status and closes.
    Refuse(u16),
}

/// Takes nothing but `CONNECT`.
pub(super) struct ProxyPeer {
    pub(super) port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl ProxyPeer {
    pub(super) async fn start(conduct: Conduct, encrypted: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let record = Arc::clone(&heads);
        let acceptor = encrypted.then(acceptor);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, record) = (acceptor.clone(), Arc::clone(&record));
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, conduct, &record).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, conduct, &record).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, heads }
    }

    /// Every request's head, in order.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// What the tunnels were asked to lead to.
    pub(super) fn targets(&self) -> Vec<String> {
        let target = |head: String| head.split(' ').nth(1).unwrap().to_owned();
        self.heads().into_iter().map(target).collect()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    conduct: Conduct,
    record: &Mutex<Vec<String>>,
) {
    let Some(head) = read_head(&mut stream).await else {
        return;
    };
    let words: Vec<_> = head.lines().next().unwrap().split(' ').collect();
    let sound = matches!(words[..], ["CONNECT", target, "HTTP/1.1"]
        if head.contains(&format!("\r\nHost: {target}\r\n")));
    record.lock().unwrap().push(head);
    let refuse = |status: u16| format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n");
    match conduct {
        _ if !sound => {
            let _ = stream.write_all(refuse(405).as_bytes()).await;
        }
        Conduct::Refuse(status) => {
            let _ = stream.write_all(refuse(status).as_bytes()).await;
        }
        Conduct::To(port) => {
            let mut upstream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 Tunnel\r\n\r\n").await;
            let _ = copy_bidirectional(&mut stream, &mut upstream).await;
        }
    }
}
