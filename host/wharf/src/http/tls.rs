//! TLS of the public listener: certificate and key from files, read again when they change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at. Certificates are replaced days before they end.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The listener's identity.
pub struct Tls {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
    files: Files,
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Tls {
    /// Reads both files; a certificate and a key that do not belong together are an error.
    pub fn open(certificate: &Path, key: &Path) -> anyhow::Result<Arc<Self>> {
        let files = Files {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        let current = Arc::new(Current(ArcSwap::from_pointee(files.read()?)));
        let provider = Arc::new(ring::default_provider());
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(&current) as _;
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("could not set TLS up")?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            current,
            files,
        }))
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }

    /// Looks at the files until `stop`. What cannot be read changes nothing: the old certificate stays.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let mut seen = self.files.changed_at();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let now = self.files.changed_at();
            if now != seen {
                seen = now;
                self.reload();
            }
        }
    }

    /// Reads the files again.
    pub fn reload(&self) {
        match self.files.read() {
            Ok(read) => {
                self.current.0.store(Arc::new(read));
                tracing::info!("the TLS certificate was read again");
            }
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the new TLS certificate cannot be used; the old one stays"
                );
            }
        }
    }
}

impl Files {
    fn read(&self) -> anyhow::Result<CertifiedKey> {
        let (certificate, key) = (self.certificate.display(), self.key.display());
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("could not read {certificate} (http.tls_certificate_file)"))?;
        anyhow::ensure!(
            !chain.is_empty(),
            "there is no certificate in {certificate} (http.tls_certificate_file)"
        );
        let private = PrivateKeyDer::from_pem_file(&self.key)
            .with_context(|| format!("could not read {key} (http.tls_key_file)"))?;
        let private = ring::sign::any_supported_type(&private).with_context(|| {
            format!("the key in {key} is of no kind that TLS uses (http.tls_key_file)")
        })?;
        let certified = CertifiedKey::new(chain, private);
        certified.keys_match().with_context(|| {
            format!("{certificate} and {key} do not belong together (http.tls_certificate_file, http.tls_key_file)")
        })?;
        Ok(certified)
    }

    fn changed_at(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key].map(|file| std::fs::metadata(file).ok()?.modified().ok())
    }
}
