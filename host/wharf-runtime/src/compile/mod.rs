//! From the bytes of an admitted component to native code, by way of the cache.
//!
//! A compiler is a large program that reads a stranger's input: it runs in a process of its own, with
//! limits and without secrets, wherever the host knows how to start one.

mod child;
mod worker;

use wasmtime::Engine;
use wasmtime::component::Component;

pub use self::worker::{WorkerError, WorkerLimits, compile_worker};
use crate::cache::CompileCache;
use crate::config::{LimitClass, RuntimeConfig};
use crate::ends::DETAIL_BYTES_MAX;
use crate::error::LoadReason;
use crate::log;

/// Compiles, in another process when there is a command for it, and keeps the code in the cache. A
/// cache that fails is reported and passed by: it saves time and decides nothing.
pub(crate) fn compile(
    engine: &Engine,
    config: &RuntimeConfig,
    class: LimitClass,
    cache: Option<&CompileCache>,
    digest: &[u8; 32],
    bytes: &[u8],
) -> Result<Component, LoadReason> {
    let failed = |source| LoadReason::Compile { source };
    let code = match &config.compiler {
        Some(command) => child::compile(command, config, class, engine, bytes)?,
        None => engine.precompile_component(bytes).map_err(failed)?,
    };
    if let Some(cache) = cache
        && let Err(error) = cache.write(digest, &code)
    {
        tracing::warn!(
            plugin.digest = hex::encode(digest),
            error = error.to_string(),
            "could not keep a compiled plugin, it will be compiled again at the next start"
        );
    }
    // Fresh code of the right version is refused for one reason only: the pool has no such slots.
    deserialize(engine, &code).map_err(|error| LoadReason::Shape {
        detail: log::escape(&format!("{error:#}"), DETAIL_BYTES_MAX),
    })
}

/// What an earlier run left in the cache. It was admitted then, by the rules of today.
pub(crate) fn from_cache(
    engine: &Engine,
    cache: &CompileCache,
    digest: &[u8; 32],
) -> Option<Component> {
    let code = match cache.read(digest) {
        Ok(code) => code?,
        Err(error) => {
            tracing::warn!(
                plugin.digest = hex::encode(digest),
                error = format!("{error}"),
                "did not use a cached plugin, compiling it again"
            );
            return None;
        }
    };
    match deserialize(engine, &code) {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::warn!(
                plugin.digest = hex::encode(digest),
                error = format!("{error:#}"),
                "a cached plugin does not fit this engine, compiling it again"
            );
            None
        }
    }
}

#[expect(
    unsafe_code,
    reason = "wasmtime offers no safe way to load native code; it is the host's own compiler's, fresh or with the MAC of the cache"
)]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` is what this version's own compiler made. Either it comes from it just now (from
    // this process, or through a pipe from a child that runs the same program), or `CompileCache`
    // checked a MAC with a key that only the host has over these very bytes in memory.
    unsafe { Component::deserialize(engine, code) }
}
