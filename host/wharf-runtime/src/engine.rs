//! The engine of the process, and the way a component takes into a [`Plugin`].

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::admission;
use crate::cache::CompileCache;
use crate::call::{Call, CallState, Code, Identity};
use crate::compile;
use crate::config::RuntimeConfig;
use crate::descriptor;
use crate::error::{LoadError, LoadReason, RuntimeError};
use crate::limits::{self, Export};
use crate::plugin::{Loaded, Plugin};
use crate::ticker;
use crate::v1;

/// Core instances and tables of all calls together: four for each permit, because a component is made
/// of several modules.
const PARTS_PER_CALL: u32 = 4;
/// Kept mapped when an instance goes: a guest's 64 KiB stack and about as much data. With the stack
/// alone kept, each call maps its data anew; clearing much more costs more than that (1 MiB: 31 µs).
const KEEP_RESIDENT_BYTES: usize = 128 * 1024;
/// Freed slots are given back in batches: 40 % more calls a second than one by one, measured.
const DECOMMIT_BATCH: usize = 16;
/// Bounds the memory held by idle slots.
const WARM_SLOTS_MAX: u32 = 64;
/// Bounds the text of a crash.
const BACKTRACE_FRAMES_MAX: usize = 20;

/// One per process. Holds the engine, the linker, the permits and the cache of compiled plugins.
pub struct Runtime {
    pub(crate) config: RuntimeConfig,
    pub(crate) engine: Engine,
    pub(crate) permits: Semaphore,
    linker: Linker<CallState>,
    cache: Option<CompileCache>,
    /// What is in service by digest, so that loading the same bytes again costs nothing and
    /// `describe` runs once.
    loaded: Mutex<HashMap<[u8; 32], Weak<Loaded>>>,
}

impl Runtime {
    pub fn new(config: RuntimeConfig) -> Result<Arc<Self>, RuntimeError> {
        refuse_zeros(&config)?;
        let engine = new_engine(&config)?;
        let cache = match &config.cache_dir {
            Some(dir) => Some(CompileCache::open(dir.clone(), &config.cache_key, &engine)?),
            None => None,
        };
        let mut linker = Linker::new(&engine);
        v1::link(&mut linker).map_err(|source| RuntimeError::Engine { source })?;
        ticker::start(engine.weak(), Duration::from_millis(config.tick_ms))
            .map_err(|source| RuntimeError::Ticker { source })?;
        Ok(Arc::new(Self {
            permits: Semaphore::new(config.permits_max.min(Semaphore::MAX_PERMITS)),
            config,
            engine,
            linker,
            cache,
            loaded: Mutex::default(),
        }))
    }

    /// Admits, compiles and describes a component. Nothing of it runs before all checks on its bytes
    /// have passed, and then only `describe`, under its limits.
    pub async fn load(
        self: &Arc<Self>,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<Arc<Plugin>, LoadError> {
        let loaded = self.take_in(name, bytes).await;
        match loaded {
            Ok(loaded) => Ok(Arc::new(Plugin::new(Arc::clone(self), name, loaded))),
            Err(reason) => Err(LoadError {
                plugin: name.to_owned(),
                reason,
            }),
        }
    }

    async fn take_in(
        self: &Arc<Self>,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<Arc<Loaded>, LoadReason> {
        let (digest, component) = match self.compile(bytes).await? {
            Compiled::Known(loaded) => return Ok(loaded),
            Compiled::New(digest, component) => (digest, component),
        };
        let code = self.link(digest, &component)?;
        let identity = Arc::new(Identity::new(name, "unknown", &digest));
        let call = Call::new(self, &code, &identity, Export::Describe);
        let descriptor = v1::describe(&call).await?;
        let problems = descriptor::problems(&descriptor, &code.exports.interfaces());
        if !problems.is_empty() {
            return Err(LoadReason::Descriptor { problems });
        }
        let loaded = Arc::new(Loaded::new(code, descriptor));
        self.remember(digest, &loaded);
        Ok(loaded)
    }

    /// Hashing, validating and compiling take up to seconds, so they leave the executor's threads.
    async fn compile(self: &Arc<Self>, bytes: Vec<u8>) -> Result<Compiled, LoadReason> {
        let runtime = Arc::clone(self);
        let work = move || {
            admission::check_size(&bytes, runtime.config.component_bytes_max)?;
            let digest: [u8; 32] = Sha256::digest(&bytes).into();
            if let Some(loaded) = runtime.recall(&digest) {
                return Ok(Compiled::Known(loaded));
            }
            admission::check_bytes(&bytes)?;
            let component =
                compile::compile(&runtime.engine, runtime.cache.as_ref(), &digest, &bytes)?;
            Ok(Compiled::New(digest, component))
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(panic) => Err(LoadReason::Compile {
                source: wasmtime::Error::msg(format!("the compiler gave up: {panic}")),
            }),
        }
    }

    fn link(&self, digest: [u8; 32], component: &Component) -> Result<Code, LoadReason> {
        admission::check_resources(component, self.config.memory_bytes_max)?;
        let pre = self
            .linker
            .instantiate_pre(component)
            .map_err(|source| LoadReason::Link { source })?;
        let exports = v1::Exports::find(component)?;
        Ok(Code::new(
            digest,
            pre,
            exports,
            self.config.plugin_permits_max,
        ))
    }

    fn recall(&self, digest: &[u8; 32]) -> Option<Arc<Loaded>> {
        let known = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(digest).and_then(Weak::upgrade)
    }

    fn remember(&self, digest: [u8; 32], loaded: &Arc<Loaded>) {
        let mut known = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, loaded| loaded.strong_count() > 0);
        known.insert(digest, Arc::downgrade(loaded));
    }
}

enum Compiled {
    Known(Arc<Loaded>),
    New([u8; 32], Component),
}

/// A limit of zero would refuse every call with a message about load; say it at the start instead.
fn refuse_zeros(config: &RuntimeConfig) -> Result<(), RuntimeError> {
    let limits = [
        ("tick_ms", config.tick_ms == 0),
        ("permits_max", config.permits_max == 0),
        ("plugin_permits_max", config.plugin_permits_max == 0),
        ("parse_items_max", config.parse_items_max == 0),
    ];
    match limits.into_iter().find(|(_, zero)| *zero) {
        Some((name, _)) => Err(RuntimeError::Zero { name }),
        None => Ok(()),
    }
}

fn new_engine(config: &RuntimeConfig) -> Result<Engine, RuntimeError> {
    let mut settings = base_settings();
    settings.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config)));
    let pooled = match Engine::new(&settings) {
        Ok(engine) => return Ok(engine),
        Err(error) => error,
    };
    let engine = Engine::new(&base_settings()).map_err(|source| RuntimeError::Engine { source })?;
    // The pool reserves terabytes of addresses, which `ulimit -v` and small address spaces forbid.
    tracing::warn!(
        error = format!("{pooled:#}"),
        "plugins run without the instance pool, each call is slower; lift the limit on virtual memory"
    );
    Ok(engine)
}

fn base_settings() -> Config {
    let mut settings = Config::new();
    settings
        .epoch_interruption(true)
        .concurrency_support(false)
        .wasm_backtrace_max_frames(NonZeroUsize::new(BACKTRACE_FRAMES_MAX))
        .wasm_memory64(false)
        // Its results may differ between machines, and a plugin must be a function of its arguments.
        .wasm_relaxed_simd(false);
    settings
}

fn pool(config: &RuntimeConfig) -> PoolingAllocationConfig {
    let calls = u32::try_from(config.permits_max).unwrap_or(u32::MAX);
    let parts = calls.saturating_mul(PARTS_PER_CALL);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_memories(calls)
        .total_stacks(calls)
        .total_core_instances(parts)
        .total_tables(parts)
        .max_memory_size(config.memory_bytes_max.max(config.parse_memory_bytes_max))
        .table_elements(limits::TABLE_ELEMENTS_MAX)
        .max_core_instances_per_component(count(limits::INSTANCES_MAX))
        .max_memories_per_component(count(limits::MEMORIES_MAX))
        .max_tables_per_component(count(limits::TABLES_MAX))
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES)
        .decommit_batch_size(DECOMMIT_BATCH)
        .max_unused_warm_slots(WARM_SLOTS_MAX)
        // With pages swapped out, 48.0 hands the next instance stale data (wasmtime pull request
        // 14357). Do not turn it on before a release of 48 says that this landed.
        .pagemap_scan(Enabled::No);
    pool
}

fn count(number: usize) -> u32 {
    u32::try_from(number).expect("the limits are small constants")
}
