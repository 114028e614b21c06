//! From the bytes of an admitted component to native code, by way of the cache.

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::cache::CompileCache;
use crate::error::LoadReason;

/// Takes the code from the cache, or compiles and leaves it there. A cache that fails is reported and
/// passed by: it saves time and decides nothing.
pub(crate) fn compile(
    engine: &Engine,
    cache: Option<&CompileCache>,
    digest: &[u8; 32],
    bytes: &[u8],
) -> Result<Component, LoadReason> {
    if let Some(component) = cache.and_then(|cache| from_cache(engine, cache, digest)) {
        return Ok(component);
    }
    let component =
        Component::from_binary(engine, bytes).map_err(|source| LoadReason::Compile { source })?;
    if let Some(cache) = cache {
        to_cache(&component, cache, digest);
    }
    Ok(component)
}

fn from_cache(engine: &Engine, cache: &CompileCache, digest: &[u8; 32]) -> Option<Component> {
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
    reason = "wasmtime offers no safe way to load native code; the cache's MAC says that this host wrote it"
)]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` is what an earlier `Component::serialize` of this host returned: `CompileCache`
    // checked a MAC with a key that only the host has over these very bytes in memory.
    unsafe { Component::deserialize(engine, code) }
}

fn to_cache(component: &Component, cache: &CompileCache, digest: &[u8; 32]) {
    let written = match component.serialize() {
        Ok(code) => cache
            .write(digest, &code)
            .map_err(|error| error.to_string()),
        Err(error) => Err(format!("{error:#}")),
    };
    if let Err(error) = written {
        tracing::warn!(
            plugin.digest = hex::encode(digest),
            error,
            "could not keep a compiled plugin, it will be compiled again at the next start"
        );
    }
}
