//! `cargo xtask dev`: a gateway to try things on, with fakes of Meta's Graph API, 360dialog and Twilio behind it.
//!
//! Owns the free port and the life of the gateway; the fakes are `fakes`' business, and the gateway prints
//! the rest.

mod fakes;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use fakes::Fakes;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::plugins;
use crate::workspace::Workspace;

const DEFAULT_PORT: u16 = 8080;
/// How many ports after the default are tried before giving up.
const PORT_TRIES: u16 = 50;
/// How often it is looked whether the gateway serves.
const READY_POLL: Duration = Duration::from_millis(50);

#[derive(Args)]
pub(crate) struct Options {
    /// Port on 127.0.0.1; without it 8080, or the next one that is free
    #[arg(long)]
    port: Option<u16>,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<ExitCode> {
    let components = plugins::build(&workspace.root, &workspace.target)?;
    let plugin_folder = components
        .values()
        .next()
        .and_then(|file| file.parent())
        .context("plugins/ holds no provider")?
        .to_owned();
    let gateway = workspace.build_gateway()?;
    let listen = choose_address(options.port)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("could not start a runtime for the fakes")?;
    runtime.block_on(serve(gateway, plugin_folder, listen))
}

async fn serve(gateway: PathBuf, plugins: PathBuf, listen: SocketAddr) -> anyhow::Result<ExitCode> {
    let fakes = Fakes::start(listen).await?;
    // Holds secrets of this run; only its owner may look into it, and it goes away with this program.
    let folder = tempfile::Builder::new().prefix("wharf-fakes-").tempdir()?;
    fakes.write_files(folder.path())?;
    // Both before the child, so that no signal can come in between and leave it behind.
    let mut interrupt = signal(SignalKind::interrupt()).context("could not catch Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("could not catch SIGTERM")?;
    let mut child = gateway_command(&gateway, &plugins, listen, folder.path())
        .spawn()
        .with_context(|| format!("could not start {}", gateway.display()))?;
    let ready_file = folder.path().join("ready.json");
    let mut is_ready = false;
    loop {
        tokio::select! {
            ended = child.wait() => {
                let status = ended.context("could not wait for the gateway")?;
                let code = status.code().and_then(|code| u8::try_from(code).ok());
                return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
            }
            ready = appears(&ready_file), if !is_ready => {
                fakes.learn_webhooks(&ready?)?;
                is_ready = true;
            }
            _ = interrupt.recv() => forward("INT", child.id()).await,
            _ = terminate.recv() => forward("TERM", child.id()).await,
        }
    }
}

/// Waits for the file in which the gateway says that it serves.
async fn appears(file: &Path) -> anyhow::Result<String> {
    loop {
        match std::fs::read_to_string(file) {
            Ok(text) => return Ok(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                tokio::time::sleep(READY_POLL).await;
            }
            Err(error) => {
                return Err(error).with_context(|| format!("could not read {}", file.display()));
            }
        }
    }
}

fn gateway_command(gateway: &Path, plugins: &Path, listen: SocketAddr, with: &Path) -> Command {
    let mut command = Command::new(gateway);
    command
        .args(["dev", "--listen", &listen.to_string(), "--plugins"])
        .arg(plugins)
        .arg("--with")
        .arg(with)
        // A group of its own: a Ctrl-C at the terminal reaches it once, through us, and not twice.
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Hands a signal to the gateway, which then ends in good order.
async fn forward(signal: &str, process: Option<u32>) {
    let Some(process) = process else { return };
    // The shell's own `kill`: a minimal system may have no other.
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{signal} {process}")])
        .status()
        .await;
    if !sent.is_ok_and(|status| status.success()) {
        eprintln!("could not hand SIG{signal} to the gateway, process {process}");
    }
}

/// The wanted port, or a free one near the default.
fn choose_address(wanted: Option<u16>) -> anyhow::Result<SocketAddr> {
    let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if let Some(port) = wanted {
        TcpListener::bind(address(port)).with_context(|| {
            format!("port {port} cannot be used; leave out --port to take a free one")
        })?;
        return Ok(address(port));
    }
    let ports = DEFAULT_PORT..DEFAULT_PORT + PORT_TRIES;
    let free = ports
        .map(address)
        .find(|address| TcpListener::bind(address).is_ok())
        .with_context(|| format!("no port from {DEFAULT_PORT} on is free; name one with --port"))?;
    if free.port() != DEFAULT_PORT {
        eprintln!("port {DEFAULT_PORT} is taken, using {}", free.port());
    }
    Ok(free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_refused_when_named_and_passed_over_when_not() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let refusal = choose_address(Some(port)).unwrap_err().to_string();
        assert!(refusal.contains("leave out --port"), "{refusal}");

        // Fails to bind when the port is taken already, which serves as well.
        let _default = TcpListener::bind((Ipv4Addr::LOCALHOST, DEFAULT_PORT));
        assert_ne!(choose_address(None).unwrap().port(), DEFAULT_PORT);
    }
}
