//! TLS of the gateway's own listener.

use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use wharf::http::Tls;

/// Writes a fresh certificate and its key; returns the certificate.
fn issue(folder: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("chain.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.der().clone()
}

fn open(folder: &Path) -> anyhow::Result<Arc<Tls>> {
    Tls::open(&folder.join("chain.pem"), &folder.join("key.pem"))
}

/// What a client that trusts only this certificate is told.
async fn ask(
    address: std::net::SocketAddr,
    trusted: &CertificateDer<'static>,
) -> std::io::Result<String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TcpStream::connect(address).await?;
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    stream
        .write_all(b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await?;
    let mut said = String::new();
    stream.read_to_string(&mut said).await?;
    Ok(said)
}

#[tokio::test]
async fn a_new_certificate_serves_without_a_restart_and_a_wrong_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let first = issue(folder.path());
    let tls = open(folder.path()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let limits = wharf::http::ServerLimits {
        connections_max: 10,
        connections_per_address_max: 10,
        header_timeout: std::time::Duration::from_secs(10),
        header_bytes_max: 16_384,
        drain_timeout: std::time::Duration::from_secs(1),
        trusted_proxies: Arc::new([]),
        tls: Some(Arc::clone(&tls)),
    };
    let router = axum::Router::new().route("/hello", axum::routing::get(|| async { "hello" }));
    let serving = tokio::spawn(wharf::http::serve(listener, router, limits, stop.clone()));

    assert!(ask(address, &first).await.unwrap().ends_with("hello"));
    let second = issue(folder.path());
    // Not yet read.
    assert!(ask(address, &second).await.is_err());
    tls.reload();
    assert!(ask(address, &second).await.unwrap().ends_with("hello"));
    assert!(ask(address, &first).await.is_err());

    std::fs::write(folder.path().join("chain.pem"), "no certificate").unwrap();
    tls.reload();
    assert!(ask(address, &second).await.unwrap().ends_with("hello"));

    // Who speaks no TLS gets no answer in clear text.
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain
        .write_all(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said).await;
    assert!(!String::from_utf8_lossy(&said).contains("hello"));
    stop.cancel();
    serving.await.unwrap();
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let told = |result: anyhow::Result<Arc<Tls>>| format!("{:#}", result.err().unwrap());
    let missing = told(open(folder.path()));
    assert!(
        missing.contains("chain.pem") && missing.contains("http.tls_certificate_file"),
        "{missing}"
    );
    issue(folder.path());
    std::fs::write(folder.path().join("key.pem"), "").unwrap();
    let empty = told(open(folder.path()));
    assert!(
        empty.contains("key.pem") && empty.contains("http.tls_key_file"),
        "{empty}"
    );
    // A key of another certificate.
    let other = tempfile::tempdir().unwrap();
    issue(folder.path());
    issue(other.path());
    std::fs::copy(other.path().join("key.pem"), folder.path().join("key.pem")).unwrap();
    let mixed = told(open(folder.path()));
    assert!(mixed.contains("do not belong together"), "{mixed}");
}
