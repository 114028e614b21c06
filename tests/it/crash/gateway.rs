//! The real binary as a process: its files, its starts, its violent ends, and its command line.
//!
//! Knows what an operator knows: configuration keys, exit codes, `wharf queue`.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::Value;
use tempfile::TempDir;
use wharf_test_support::eventually;

/// A start brings tables up to date and loads two plugins; the rest is for a busy machine.
const START_WITHIN: Duration = Duration::from_secs(60);
/// One look at whether it is ready. A look that is not answered is told and not waited for: the round
/// must end, or the traffic of one round grows without end.
const LOOK_WITHIN: Duration = Duration::from_secs(10);
/// Below the ports that the system gives to outgoing connections: a gateway that was killed must find
/// its port free, and nobody's call to the dead gateway may end up connected to itself.
const PORTS: std::ops::Range<u16> = 20_000..30_000;
const PORT_TRIES: usize = 50;
/// Sends at the same time, of which the only channel has a fifth.
const SEND_CONCURRENCY: usize = 5 * UNDER_WAY_MAX;
/// Which bounds what one kill can leave unknown.
pub(super) const UNDER_WAY_MAX: usize = 32;

/// What the test's counterparts are called and how they are reached.
pub(super) struct Surroundings<'a> {
    pub(super) database_url: &'a str,
    pub(super) plugins_dir: &'a Path,
    pub(super) graph: &'a wharf_test_support::FakeGraph,
    pub(super) sink_url: &'a str,
    pub(super) sink_secret: &'a str,
    /// SHA-256 of the tenant's API key, in hex.
    pub(super) key_hash: &'a str,
}

/// One gateway that is started and killed again and again, on the same files and the same port.
pub(super) struct Gateway {
    binary: PathBuf,
    folder: TempDir,
    port: u16,
    running: Option<Child>,
    pub(super) starts: usize,
}

impl Gateway {
    /// Writes its files; nothing runs yet.
    pub(super) fn new(
        binary: PathBuf,
        folder: TempDir,
        port: u16,
        around: &Surroundings<'_>,
    ) -> anyhow::Result<Self> {
        let tenants = folder.path().join("tenants");
        std::fs::create_dir(&tenants)?;
        std::fs::write(
            folder.path().join("wharf.toml"),
            main_file(folder.path(), port, around),
        )?;
        std::fs::write(tenants.join("acme.toml"), tenant_file(around))?;
        Ok(Self {
            binary,
            folder,
            port,
            running: None,
            starts: 0,
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the process and does not wait for it.
    pub(super) fn start(&mut self) -> anyhow::Result<()> {
        anyhow::ensure!(self.running.is_none(), "the gateway runs already");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file())?;
        let child = self
            .command()
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("could not start {}", self.binary.display()))?;
        self.running = Some(child);
        self.starts += 1;
        Ok(())
    }

    /// Waits until it says that it is ready.
    pub(super) async fn ready(&mut self, client: &reqwest::Client) -> anyhow::Result<()> {
        let url = format!("{}/readyz", self.url());
        let ready = eventually(START_WITHIN, || async {
            let answer = client.get(&url).timeout(LOOK_WITHIN).send().await;
            if answer.as_ref().is_err_and(reqwest::Error::is_timeout) {
                super::say(&format!("no answer from {url} within {LOOK_WITHIN:?}"));
            }
            answer.ok()?.status().is_success().then_some(())
        })
        .await;
        self.must_run()?;
        ready.with_context(|| format!("the gateway did not start\n{}", self.log_end()))
    }

    /// SIGKILL: no handler runs, no buffer is written. An end of its own before that is an error.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        self.must_run()?;
        let mut child = self.running.take().context("the gateway does not run")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    fn must_run(&mut self) -> anyhow::Result<()> {
        let child = self.running.as_mut().context("the gateway does not run")?;
        if let Some(status) = child.try_wait()? {
            self.running = None;
            anyhow::bail!("the gateway ended by itself, {status}\n{}", self.log_end());
        }
        Ok(())
    }

    /// One answer of the command line beside the running process, each line as JSON.
    pub(super) async fn ask(&self, arguments: &[&str]) -> anyhow::Result<Vec<Value>> {
        let output = tokio::process::Command::from(self.command())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .await?;
        anyhow::ensure!(
            output.status.success(),
            "wharf {arguments:?} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout)?;
        text.lines()
            .map(|line| serde_json::from_str(line).with_context(|| format!("no JSON: {line}")))
            .collect()
    }

    /// Lines of the log that no run may write, kills or not.
    pub(super) fn panics(&self) -> anyhow::Result<Vec<String>> {
        let log = String::from_utf8_lossy(&std::fs::read(self.log_file())?).into_owned();
        let panics = log.lines().filter(|line| line.contains("panicked"));
        Ok(panics.map(str::to_owned).collect())
    }

    /// Keeps the database and the log to look at, unless the test goes on to succeed.
    pub(super) fn keep_files(&mut self, keep: bool) {
        self.folder.disable_cleanup(keep);
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg("--config")
            .arg(self.folder.path().join("wharf.toml"))
            .arg("--insecure-connect-to");
        command
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("wharf.log")
    }

    fn log_end(&self) -> String {
        const LINES: usize = 20;
        let log = std::fs::read(self.log_file()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A port that stays ours while nobody listens on it.
pub(super) fn fixed_port(dice: &mut StdRng) -> anyhow::Result<u16> {
    for _ in 0..PORT_TRIES {
        let port = dice.random_range(PORTS);
        if TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("no port of {PORTS:?} is free")
}

fn main_file(folder: &Path, port: u16, around: &Surroundings<'_>) -> String {
    let config = around.graph.config();
    // 40 attempts a second apart: an endpoint that fails now and then never uses them up.
    let schedule = vec!["1"; 39].join(", ");
    format!(
        r#"[http]
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"

[database]
url = {database}

[queue]
send_concurrency = {SEND_CONCURRENCY}

[send]
backoff_base_ms = 100
backoff_max_ms = 2000
immediate_timeout_ms = 5000

[upkeep]
templates_minutes = 0
health_minutes = 0

[delivery]
schedule_s = [0, {schedule}]

[plugins]
dir = {plugins}
cache_dir = {cache}

[egress]
delivery_allow = ["127.0.0.0/8"]
delivery_https_only = false

[egress.connect_to]
"graph.facebook.com" = {graph}

[secrets]
active = "k1"

[secrets.keys]
k1 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

[log]
level = "warn,wharf=info"
format = "json"

[apps.meta]
plugin = "graph"
settings = {{ app_id = "1" }}
secrets = {{ app_secret = {app_secret}, verify_token = {verify_token} }}
"#,
        database = toml(around.database_url),
        plugins = toml(&around.plugins_dir.display().to_string()),
        cache = toml(&folder.join("cache").display().to_string()),
        graph = toml(&around.graph.url()),
        app_secret = toml(&config.app_secret),
        verify_token = toml(&config.verify_token),
    )
}

fn tenant_file(around: &Surroundings<'_>) -> String {
    let number = around.graph.number();
    format!(
        r#"id = "acme"
name = "Acme"

[keys.shop]
hash = "sha256:{hash}"

[channels.main]
plugin = "graph"
app = "meta"
mps = 1000
settings = {{ phone_number_id = {phone}, waba_id = {waba} }}
secrets = {{ access_token = {token} }}

[endpoints.shop]
url = {sink}
secret = {secret}
"#,
        hash = around.key_hash,
        phone = toml(&number.id),
        waba = toml(&number.account_id),
        token = toml(&number.token),
        sink = toml(around.sink_url),
        secret = toml(around.sink_secret),
    )
}

/// A TOML basic string; JSON's escapes are a subset of TOML's.
fn toml(text: &str) -> String {
    Value::from(text).to_string()
}
