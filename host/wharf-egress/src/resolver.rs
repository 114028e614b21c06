//! Names to addresses, once for each connection, keeping only addresses that may be connected to.
//!
//! The connection goes to what was vetted: there is no second look-up that an attacker's name server
//! could answer differently.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use ipnet::IpNet;
use tower_service::Service;

use crate::connector::BoxError;
use crate::{BoxFuture, address};

/// Looks names up. Its answers are vetted by the caller, so it need not be trusted.
pub trait Resolver: Send + Sync {
    fn resolve(&self, host: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let host = host.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A name whose every address is forbidden, or a forbidden literal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host:?} leads only to addresses that are not public ({class})")]
pub(crate) struct AddressDenied {
    pub(crate) host: String,
    pub(crate) class: &'static str,
}

#[derive(Debug, thiserror::Error)]
#[error("could not resolve {host:?}")]
pub(crate) struct LookupFailed {
    host: String,
    #[source]
    source: io::Error,
}

/// Resolves and keeps vetted addresses only.
#[derive(Clone)]
pub(crate) struct GuardedResolver {
    names: Arc<dyn Resolver>,
    /// Nets that are allowed although they are not public; none at all lets every address pass.
    allow: Option<Arc<[IpNet]>>,
}

impl GuardedResolver {
    pub(crate) fn guarded(names: Arc<dyn Resolver>, allow: &[IpNet]) -> Self {
        Self {
            names,
            allow: Some(allow.into()),
        }
    }

    /// For hosts that the operator named: a proxy, the origin of a redirection.
    pub(crate) fn trusting(names: Arc<dyn Resolver>) -> Self {
        Self { names, allow: None }
    }

    pub(crate) async fn lookup(&self, host: &str) -> Result<Vec<IpAddr>, BoxError> {
        let found = self
            .names
            .resolve(host)
            .await
            .map_err(|source| LookupFailed {
                host: host.to_owned(),
                source,
            })?;
        match &self.allow {
            None => Ok(found),
            Some(allow) => Ok(vet(host, found, allow)?),
        }
    }

    /// A literal never gets to a resolver, so it is vetted by itself.
    pub(crate) fn literal(&self, ip: IpAddr) -> Result<IpAddr, BoxError> {
        match &self.allow {
            None => Ok(ip),
            Some(allow) => Ok(vet(&ip.to_string(), vec![ip], allow).map(|_| ip)?),
        }
    }
}

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let found = this.lookup(name.as_str()).await?;
            let addresses: Vec<_> = found.into_iter().map(|ip| (ip, 0).into()).collect();
            Ok(addresses.into_iter())
        })
    }
}

/// The addresses of a host that may be connected to; an error when none is left.
fn vet(host: &str, found: Vec<IpAddr>, allow: &[IpNet]) -> Result<Vec<IpAddr>, AddressDenied> {
    let mut class = "no address";
    let kept: Vec<_> = found
        .into_iter()
        .filter(|address| match address::check(*address, allow) {
            Ok(()) => true,
            Err(why) => {
                class = why;
                false
            }
        })
        .collect();
    match kept.is_empty() {
        false => Ok(kept),
        true => Err(AddressDenied {
            host: host.to_owned(),
            class,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|ip| ip.parse().unwrap()).collect()
    }

    #[test]
    fn a_name_keeps_its_global_addresses_only() {
        let mixed = found(&["169.254.169.254", "8.8.8.8", "::1", "::ffff:10.0.0.1"]);
        assert_eq!(
            vet("mixed.example", mixed, &[]).unwrap(),
            found(&["8.8.8.8"])
        );
        let denied = vet("rebind.example", found(&["127.0.0.1"]), &[]).unwrap_err();
        assert_eq!(denied.class, "loopback");
        assert!(denied.to_string().contains("rebind.example"));
        assert!(vet("empty.example", Vec::new(), &[]).is_err());
    }

    #[test]
    fn literals_are_vetted_where_names_are() {
        let guarded = GuardedResolver::guarded(Arc::new(SystemResolver), &[]);
        assert!(guarded.literal("10.0.0.1".parse().unwrap()).is_err());
        assert!(guarded.literal("8.8.8.8".parse().unwrap()).is_ok());
        let trusting = GuardedResolver::trusting(Arc::new(SystemResolver));
        assert!(trusting.literal("10.0.0.1".parse().unwrap()).is_ok());
    }
}
