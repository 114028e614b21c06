//! `idle_rss_mib`: what the real program holds while nobody asks it anything, with both shipped plugins
//! loaded from a compile cache that an earlier start has filled.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::ensure;
use wharf_test_support::free_port;

use crate::Bench;
use crate::accept::NOWHERE;
use crate::gateway::Files;
use crate::process::Running;
use crate::report::{Goal, Row};

/// Idle means: the work of starting is over, and the schedules have ticked.
const SETTLE: Duration = Duration::from_secs(5);

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Row> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let files = Files::write(bench, &address.to_string(), NOWHERE)?;
    // Compiles both plugins and leaves them in the cache.
    drop(Running::start(bench, &files, address)?);
    let compiled = std::fs::read_dir(files.folder.path().join("cache"))?.count();
    ensure!(
        compiled >= 2,
        "the compile cache holds {compiled} plugins, not both"
    );
    let running = Running::start(bench, &files, address)?;
    std::thread::sleep(SETTLE);
    let value = running.resident_mib()?;
    Ok(Row {
        name: "idle_rss_mib",
        value,
        unit: "MiB",
        goal: Goal::AtMost(100.0),
        counterpart: None,
    })
}
