//! Ports on loopback.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context;

/// A TCP port on 127.0.0.1 that nobody listens on at this moment.
///
/// Another process may take it before the caller does; a caller that can bind port 0 itself should.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .context("could not bind a free port on 127.0.0.1")?;
    let address = listener
        .local_addr()
        .context("could not read the port that was bound")?;
    Ok(address.port())
}
