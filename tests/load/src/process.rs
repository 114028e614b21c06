//! The gateway as its own process: the program as it ships, asked from outside.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::Bench;
use crate::gateway::Files;

const START_MAX: Duration = Duration::from_secs(60);
/// Short against any start, and rare enough not to slow it.
const LOOK: Duration = Duration::from_millis(1);

/// A gateway of its own process; killed when dropped.
pub(crate) struct Running(Child);

impl Running {
    /// Returns once it serves.
    pub(crate) fn start(bench: &Bench, files: &Files, address: SocketAddr) -> anyhow::Result<Self> {
        let child = Command::new(&bench.options.wharf)
            .arg("--config")
            .arg(files.main_file())
            .args(["--insecure-connect-to", "serve"])
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("could not start {}", bench.options.wharf.display()))?;
        let mut running = Self(child);
        let started = Instant::now();
        while !is_ready(address) {
            if let Some(ended) = running.0.try_wait()? {
                anyhow::bail!("the gateway ended with {ended} instead of serving");
            }
            ensure!(
                started.elapsed() < START_MAX,
                "the gateway was not ready within {START_MAX:?}"
            );
            std::thread::sleep(LOOK);
        }
        Ok(running)
    }

    /// Tells it to look at its plugins now.
    pub(crate) fn hang_up(&self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.0.id())?;
        let pid = Pid::from_raw(pid).context("a process without a number")?;
        kill_process(pid, Signal::HUP).context("could not signal the gateway")
    }

    pub(crate) fn resident_mib(&self) -> anyhow::Result<f64> {
        let file = format!("/proc/{}/status", self.0.id());
        let status =
            std::fs::read_to_string(&file).with_context(|| format!("could not read {file}"))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.trim().strip_suffix("kB"))
            .with_context(|| format!("{file} names no VmRSS"))?;
        Ok(kib.trim().parse::<f64>()? / 1024.0)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It ends either way: its database is thrown away.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream
            .write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
