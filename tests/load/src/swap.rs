//! `swap_failed_requests`: requests that failed while the plugin behind them was replaced a hundred
//! times, by 50 upgrades and 50 rollbacks, under a steady load on the program as it ships.
//!
//! A swap counts as done when the running gateway itself says that the new digest is in service. A
//! message that was taken and failed afterwards counts as a failed request too.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};
use wharf_store::{Db, DbConfig, on_db};
use wharf_test_support::free_port;

use crate::Bench;
use crate::accept::NOWHERE;
use crate::gateway::Files;
use crate::process::Running;
use crate::report::{Goal, Row};

/// Upgrades, and as many rollbacks.
const UPGRADES: u32 = 50;
const REQUESTS_PER_S: u32 = 300;
/// The plugin that is replaced: it answers in the gateway's own process, so its requests go all the way.
const PLUGIN: &str = "sandbox";
/// Longest time from a command to its effect.
const SWAP_MAX: Duration = Duration::from_secs(30);
/// Longest time that the last messages may take.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(5);

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Row> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let files = Files::write(bench, &address.to_string(), NOWHERE)?;
    let operator = Operator::new(bench, &files)?;
    let first = operator.version(0)?;
    operator.take_over(&first)?;
    let running = Running::start(bench, &files, address)?;
    operator.wait_for(&first.digest)?;
    let load = bench
        .client
        .beside(&files.sandbox_messages(address), REQUESTS_PER_S);
    let started = Instant::now();
    for number in 1..=UPGRADES {
        let next = operator.version(number)?;
        operator.plugin(&["add", &next.path(), "--name", PLUGIN])?;
        running.hang_up()?;
        operator.wait_for(&next.digest)?;
        operator.plugin(&["rollback", PLUGIN])?;
        running.hang_up()?;
        operator.wait_for(&first.digest)?;
        if number % 10 == 0 {
            eprintln!(
                "  {number} upgrades and rollbacks, {} requests, {} failed",
                load.answered(),
                load.failed()
            );
        }
    }
    let took = started.elapsed();
    let (answered, refused) = (load.answered(), load.failed());
    drop(load);
    let rate = answered as f64 / took.as_secs_f64();
    ensure!(
        rate > f64::from(REQUESTS_PER_S) * 0.9,
        "{rate:.0} requests a second were made, not {REQUESTS_PER_S}"
    );
    let lost = bench
        .host
        .block_on(failed_messages(&files, answered - refused))?;
    drop(running);
    eprintln!("  {answered} requests at {rate:.0}/s; {refused} refused, {lost} failed later");
    Ok(Row {
        name: "swap_failed_requests",
        value: (refused + lost) as f64,
        unit: "requests",
        goal: Goal::AtMost(0.0),
        counterpart: None,
    })
}

/// Who gives the commands, beside the gateway that runs.
struct Operator<'a> {
    bench: &'a Bench,
    config: PathBuf,
    plugins: PathBuf,
    versions: PathBuf,
    component: Vec<u8>,
}

struct Version {
    file: PathBuf,
    /// In hex.
    digest: String,
}

impl Version {
    fn path(&self) -> String {
        format!("path:{}", self.file.display())
    }
}

impl<'a> Operator<'a> {
    fn new(bench: &'a Bench, files: &Files) -> anyhow::Result<Self> {
        let folder = files.folder.path();
        let versions = folder.join("versions");
        std::fs::create_dir(&versions)?;
        Ok(Self {
            bench,
            config: files.main_file(),
            plugins: folder.join("plugins"),
            versions,
            component: files.component(bench, PLUGIN)?,
        })
    }

    /// The plugin as it was built, but for its version: 0.1.0, and from there on upwards.
    fn version(&self, number: u32) -> anyhow::Result<Version> {
        const BUILT: &[u8] = b"0.1.0";
        let version = format!("0.{}.{}", 1 + number / 10, number % 10);
        let mut component = self.component.clone();
        let found: Vec<usize> = memchr::memmem::find_iter(&component, BUILT).collect();
        let [at] = found[..] else {
            anyhow::bail!(
                "{} places of {PLUGIN}.wasm look like its version 0.1.0, not one",
                found.len()
            );
        };
        component[at..at + BUILT.len()].copy_from_slice(version.as_bytes());
        let file = self.versions.join(format!("{PLUGIN}-{version}.wasm"));
        std::fs::write(&file, &component)?;
        Ok(Version {
            file,
            digest: hex::encode(Sha256::digest(&component)),
        })
    }

    /// Puts the first version into the lock, in place of the file that lies in the folder.
    fn take_over(&self, first: &Version) -> anyhow::Result<()> {
        std::fs::remove_file(self.plugins.join(format!("{PLUGIN}.wasm")))?;
        self.plugin(&["add", &first.path(), "--name", PLUGIN, "--yes"])
    }

    fn plugin(&self, args: &[&str]) -> anyhow::Result<()> {
        let output = Command::new(&self.bench.options.wharf)
            .arg("--config")
            .arg(&self.config)
            .args(["--insecure-connect-to", "plugin"])
            .args(args)
            .stdin(Stdio::null())
            .output()
            .context("could not run `wharf plugin`")?;
        ensure!(
            output.status.success(),
            "`wharf plugin {}` failed: {}{}",
            args.join(" "),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// Until the gateway reports that this digest is what it calls.
    fn wait_for(&self, digest: &str) -> anyhow::Result<()> {
        let started = Instant::now();
        while in_service(&self.plugins)?.as_deref() != Some(digest) {
            ensure!(
                started.elapsed() < SWAP_MAX,
                "{digest} was not in service within {SWAP_MAX:?}"
            );
            std::thread::sleep(LOOK);
        }
        Ok(())
    }
}

/// The digest that the gateway says it calls; `None` while it says nothing.
fn in_service(plugins: &Path) -> anyhow::Result<Option<String>> {
    let file = plugins.join("wharf-plugins.state");
    let Ok(text) = std::fs::read_to_string(&file) else {
        return Ok(None);
    };
    let report: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?;
    let mut plugins = report["plugins"].as_array().into_iter().flatten();
    let found = plugins.find(|plugin| plugin["name"] == PLUGIN);
    let digest = found.and_then(|plugin| plugin["in_service"]["digest"].as_str());
    Ok(digest.map(|digest| digest.trim_start_matches("sha256:").to_owned()))
}

/// Waits until every message that was taken has come to an end, and counts those that failed.
async fn failed_messages(files: &Files, taken: u64) -> anyhow::Result<u64> {
    let db = Db::open(&DbConfig::new(files.database_url())).await?;
    let count = async |which: &str| -> anyhow::Result<u64> {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from message where {which}"));
        let mut conn = db.read().await?;
        let found: i64 = on_db!(&mut conn, |c| sqlx::query_scalar(sql).fetch_one(c).await)
            .context("could not count messages")?;
        Ok(u64::try_from(found)?)
    };
    let started = Instant::now();
    while count("status in ('queued', 'sending')").await? > 0 {
        ensure!(
            started.elapsed() < PATIENCE,
            "messages were left after {PATIENCE:?}"
        );
        tokio::time::sleep(LOOK).await;
    }
    let all = count("true").await?;
    ensure!(
        all >= taken,
        "{taken} messages were taken and {all} are stored"
    );
    let failed = count("status in ('failed', 'unknown', 'expired', 'canceled')").await?;
    db.close().await;
    Ok(failed)
}
