//! `ready_ms`: from the start of the process until `/readyz` says yes, with four plugins whose native code
//! an earlier start has left in the compile cache.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use wharf_test_support::free_port;

use crate::accept::NOWHERE;
use crate::gateway::Files;
use crate::process::Running;
use crate::report::{Goal, Row};
use crate::{Bench, rounds};

/// Digests that the gateway has to load.
const PLUGINS: usize = 4;

pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Row> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let files = Files::write(bench, &address.to_string(), NOWHERE)?;
    for name in ["graph", "sandbox"] {
        let component = files.component(bench, name)?;
        files.add_plugin(&format!("{name}-2"), &another(component))?;
    }
    // Compiles all of them and leaves them in the cache.
    drop(Running::start(bench, &files, address)?);
    let cache = files.folder.path().join("cache");
    ensure_compiled(&cache)?;
    let value = rounds::alone(|| {
        let started = Instant::now();
        let running = Running::start(bench, &files, address)?;
        let took = started.elapsed();
        drop(running);
        Ok(took.as_secs_f64() * 1e3)
    })?;
    // A start that compiled again, under whatever name, would have left more behind.
    ensure_compiled(&cache)?;
    Ok(Row {
        name: "ready_ms",
        value,
        unit: "ms",
        goal: Goal::AtMost(200.0),
        counterpart: None,
    })
}

fn ensure_compiled(cache: &Path) -> anyhow::Result<()> {
    let files = std::fs::read_dir(cache).context("there is no compile cache")?;
    let compiled = files.count();
    ensure!(
        compiled == PLUGINS,
        "the compile cache holds {compiled} plugins, not {PLUGINS}"
    );
    Ok(())
}

/// The same plugin under another digest: with a custom section that nobody reads.
pub(crate) fn another(mut component: Vec<u8>) -> Vec<u8> {
    const CUSTOM: u8 = 0;
    const SECTION: &[u8] = b"\x05bench-2";
    component.push(CUSTOM);
    component.push(u8::try_from(SECTION.len()).expect("a short section"));
    component.extend(SECTION);
    component
}
