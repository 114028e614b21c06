//! A certificate authority that nobody trusts, made as the tests run, for servers on loopback.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The authority's certificate, and one that it gave to a server with the key that belongs to it.
pub(crate) struct Authority {
    /// What a client must trust.
    pub(crate) pem: String,
    certificate_pem: String,
    key_pem: String,
}

impl Authority {
    pub(crate) fn of_server(names: &[&str]) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let pem = authority.self_signed(&authority_key).unwrap().pem();
        let issuer = Issuer::new(authority, authority_key);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let server = CertificateParams::new(names).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = server.signed_by(&key, &issuer).unwrap();
        Self {
            pem,
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }

    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate_pem.as_bytes()).unwrap()
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).unwrap()
    }
}
