//! A component's own word on what it is and asks for, taken in the sandbox before anything is installed.

use std::sync::Arc;

use anyhow::Context as _;
use wharf_config::Config;
use wharf_runtime::{Plugin, Runtime, RuntimeConfig, RuntimeError};

use crate::gateway;
use crate::plugin_config::runtime_config;
use crate::plugins::Permissions;

/// One call at a time: a pool of the gateway's size would only reserve addresses.
const PERMITS: usize = 4;

pub(super) struct Probed {
    pub(super) plugin: Arc<Plugin>,
    pub(super) permissions: Permissions,
}

/// Admits, compiles and describes it under the gateway's limits. What was compiled stays in the
/// gateway's cache where this user may write it.
pub(super) async fn probe(config: &Config, name: &str, bytes: Vec<u8>) -> anyhow::Result<Probed> {
    let limits = RuntimeConfig {
        permits_max: PERMITS,
        plugin_permits_max: PERMITS,
        ..runtime_config(config, gateway::cache_key(config))
    };
    let runtime = match Runtime::new(limits.clone()) {
        // The cache belongs to the gateway's user; without it the command takes a moment longer.
        Err(RuntimeError::CacheDir { .. } | RuntimeError::CacheDirOpen { .. }) => {
            let cache_dir = None;
            Runtime::new(RuntimeConfig {
                cache_dir,
                ..limits
            })?
        }
        other => other?,
    };
    let exports = wharf_runtime::exports(&bytes);
    let plugin = runtime.load(name, bytes).await?;
    let exports = exports.context("its exports could not be read")?;
    let permissions = Permissions::of(plugin.descriptor(), &exports);
    Ok(Probed {
        plugin,
        permissions,
    })
}
