//! Components from files and web servers, with a certificate authority of the test's own.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wharf::plugins::source::{Access, Fetched, RegistryAuth, Source, SourceError};
use wharf::plugins::{Digest, Folder};

use crate::authority::Authority;

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::of_server(&["localhost"]));

/// Answers each path with the bytes given for it, over TLS.
struct WebServer {
    address: SocketAddr,
}

impl WebServer {
    async fn start(answers: HashMap<&'static str, String>) -> Self {
        // An error says that a provider is installed already, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![AUTHORITY.certificate()], AUTHORITY.key())
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Arc::new(answers);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, answers) = (acceptor.clone(), Arc::clone(&answers));
                tokio::spawn(async move {
                    // A client that does not trust us ends the handshake.
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        match stream.read_u8().await {
                            Ok(byte) => head.push(byte),
                            Err(_) => return,
                        }
                    }
                    let head = String::from_utf8(head).unwrap();
                    let path = head.split(' ').nth(1).unwrap().to_owned();
                    let missing = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned();
                    let answer = answers.get(path.as_str()).unwrap_or(&missing);
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { address }
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn endless(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}")
}

fn moved(location: &str) -> String {
    format!(
        "HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
}

async fn fetch(
    source: &str,
    digest: Option<Digest>,
    ca: Option<&str>,
) -> Result<Fetched, SourceError> {
    let dir = tempfile::tempdir().unwrap();
    let access = Access {
        ca_pem: ca.map(str::as_bytes),
        auth: &RegistryAuth::Anonymous,
        proxy: None,
        no_proxy: &[],
    };
    let source = Source::parse(source, digest)?;
    source.fetch(&Folder::new(dir.path(), 64), &access).await
}

/// The error with its causes, as a command prints them.
fn told(error: &SourceError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn a_file_is_taken_as_it_is_or_by_its_digest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("graph.wasm");
    std::fs::write(&path, b"component").unwrap();
    let text = path.display().to_string();
    for written in [text.clone(), format!("path:{text}")] {
        let fetched = fetch(&written, None, None).await.unwrap();
        assert_eq!(
            (fetched.bytes.as_slice(), fetched.source),
            (&b"component"[..], format!("path:{text}"))
        );
        assert_eq!(
            Source::parse(&written, None).unwrap().default_name(),
            "graph"
        );
    }
    fetch(&text, Some(Digest::of(b"component")), None)
        .await
        .unwrap();
    let other = fetch(&text, Some(Digest::of(b"other")), None)
        .await
        .unwrap_err();
    assert!(matches!(other, SourceError::Mismatch { .. }), "{other}");
    let missing = fetch("path:/none/graph.wasm", None, None)
        .await
        .unwrap_err();
    assert!(
        told(&missing).contains("/none/graph.wasm"),
        "{}",
        told(&missing)
    );
    std::fs::write(&path, [0; 65]).unwrap();
    let large = fetch(&text, None, None).await.unwrap_err();
    assert!(
        told(&large).contains("component_bytes_max"),
        "{}",
        told(&large)
    );
}

#[tokio::test]
async fn an_address_needs_tls_and_a_digest() {
    let hex = Digest::of(b"component").hex();
    for (wrong, what) in [
        ("http://example.com/a.wasm".to_owned(), "plain http"),
        ("https://example.com/a.wasm".to_owned(), "--digest"),
        (
            format!("https://me:pw@example.com/a.wasm#sha256={hex}"),
            "user or password",
        ),
        (
            "https://example.com/a.wasm#sha256=12".to_owned(),
            "64 hex digits",
        ),
        (format!("https://#sha256={hex}"), "no address"),
    ] {
        let error = Source::parse(&wrong, None).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
    let two = Source::parse(
        &format!("https://example.com/a.wasm#sha256={hex}"),
        Some(Digest::of(b"x")),
    );
    assert!(matches!(two, Err(SourceError::TwoDigests)));
    let secret = Source::parse("https://example.com/a.wasm?signature=s3cret", None).unwrap_err();
    assert!(!secret.to_string().contains("s3cret"), "{secret}");
}

#[tokio::test]
async fn a_download_is_what_its_digest_says_and_no_larger_than_a_component() {
    let server = WebServer::start(HashMap::from([
        ("/a.wasm?key=s3cret", ok("component")),
        ("/long.wasm", ok(&"x".repeat(65))),
        ("/endless.wasm", endless(&"x".repeat(65))),
        ("/moved.wasm", moved("/a.wasm?key=s3cret")),
        ("/open.wasm", moved("http://localhost:1/a.wasm")),
        ("/away.wasm", moved("http://example.com/a.wasm")),
        ("/round.wasm", moved("/round.wasm")),
    ]))
    .await;
    let digest = Some(Digest::of(b"component"));
    let ca = Some(AUTHORITY.pem.as_str());
    for path in ["/a.wasm?key=s3cret", "/moved.wasm"] {
        let fetched = fetch(&server.url(path), digest, ca).await.unwrap();
        assert_eq!(fetched.bytes, b"component");
        assert!(!fetched.source.contains("s3cret"), "{}", fetched.source);
    }
    let other = fetch(
        &server.url("/a.wasm?key=s3cret"),
        Some(Digest::of(b"other")),
        ca,
    )
    .await
    .unwrap_err();
    assert!(
        other.to_string().contains("nothing was installed"),
        "{other}"
    );
    for (path, what) in [
        ("/long.wasm", "larger than the 64 bytes"),
        ("/endless.wasm", "larger than the 64 bytes"),
        ("/open.wasm", "is not https"),
        ("/away.wasm", "is not https"),
        ("/round.wasm", "more than 5 times"),
        ("/none.wasm", "404"),
    ] {
        let error = fetch(&server.url(path), digest, ca).await.unwrap_err();
        assert!(told(&error).contains(what), "{path}: {}", told(&error));
    }
    let stranger = fetch(&server.url("/moved.wasm"), digest, None)
        .await
        .unwrap_err();
    assert!(
        told(&stranger).contains("could not fetch"),
        "{}",
        told(&stranger)
    );
    let nonsense = fetch(
        &server.url("/moved.wasm"),
        digest,
        Some("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"),
    )
    .await;
    assert!(nonsense.is_err());
}
