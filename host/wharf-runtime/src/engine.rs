//! The engine of the process: its settings, its pool, and what all calls share.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};
use wharf_core::Clock;

use crate::aside::Aside;
use crate::cache::CompileCache;
use crate::call::CallState;
use crate::clock::Monotonic;
use crate::config::{ClassLimits, RuntimeConfig};
use crate::error::RuntimeError;
use crate::metrics::PoolOccupancy;
use crate::permits::Permits;
use crate::plugin::Loaded;
use crate::ticker;
use crate::v1;

/// Core instances and tables of all calls together: four for each permit, because a component is made
/// of several modules.
const PARTS_PER_CALL: u32 = 4;
/// Calls that may be of the most parts that a class allows at the same time: interpreters are linked out
/// of dozens of modules, and few calls of theirs run at once.
const LARGE_CALLS: u32 = 16;
/// Kept mapped when an instance goes: a guest's 48 KiB stack, up to 90 KB of data and the start of its heap.
/// With less, each call maps pages anew (18 µs more, measured); with more, more is cleared (20 KB cost 1 µs).
const KEEP_RESIDENT_BYTES: usize = 160 * 1024;
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
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) permits: Permits,
    /// Calls that have run long and may go on.
    pub(crate) long_calls: Arc<Semaphore>,
    /// Runs the calls of plugins that have used up their share.
    pub(crate) aside: Aside,
    /// Components being compiled.
    pub(crate) compiles: Semaphore,
    pub(crate) linker: Linker<CallState>,
    pub(crate) cache: Option<CompileCache>,
    /// What is in service by digest, so that loading the same bytes again costs nothing and
    /// `describe` runs for them once.
    pub(crate) loaded: Mutex<HashMap<[u8; 32], Weak<Loaded>>>,
}

impl Runtime {
    /// Circuits and log rates go by a clock that cannot jump.
    pub fn new(config: RuntimeConfig) -> Result<Arc<Self>, RuntimeError> {
        Self::with_clock(config, Arc::new(Monotonic::new()))
    }

    /// As [`Runtime::new`], with a clock that can be set by hand. Only differences of its time count.
    pub fn with_clock(
        config: RuntimeConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, RuntimeError> {
        refuse_zeros(&config)?;
        let engine = new_engine(&config)?;
        let cache = match &config.cache_dir {
            Some(dir) => Some(CompileCache::open(dir.clone(), &config.cache_key, &engine)?),
            None => None,
        };
        let mut linker = Linker::new(&engine);
        v1::link(&mut linker).map_err(|source| RuntimeError::Engine { source })?;
        ticker::start(engine.weak(), Duration::from_millis(config.tick_ms))
            .map_err(no_thread("interrupts"))?;
        let semaphore = |max: usize| Semaphore::new(max.min(Semaphore::MAX_PERMITS));
        Ok(Arc::new(Self {
            permits: Permits::new(config.permits_max),
            long_calls: Arc::new(semaphore(config.long_calls_max)),
            aside: Aside::start(Arc::clone(&clock)).map_err(no_thread("runs busy"))?,
            compiles: semaphore(config.compiles_max),
            config,
            engine,
            clock,
            linker,
            cache,
            loaded: Mutex::default(),
        }))
    }

    /// How full the pool is; `None` when plugins run without one.
    pub fn pool(&self) -> Option<PoolOccupancy> {
        let metrics = self.engine.pooling_allocator_metrics()?;
        let idle = metrics.unused_memory_bytes_resident()
            + metrics.unused_table_bytes_resident()
            + metrics.unused_stack_bytes_resident().unwrap_or(0);
        Some(PoolOccupancy {
            component_instances: metrics.component_instances(),
            core_instances: metrics.core_instances(),
            memories: metrics.memories(),
            tables: metrics.tables(),
            stacks: metrics.stacks(),
            idle_bytes_resident: idle,
        })
    }
}

fn no_thread(task: &'static str) -> impl Fn(std::io::Error) -> RuntimeError {
    move |source| RuntimeError::Thread { task, source }
}

/// A limit of zero would refuse every call with a message about load; say it at the start instead.
fn refuse_zeros(config: &RuntimeConfig) -> Result<(), RuntimeError> {
    let limits = [
        ("tick_ms", config.tick_ms == 0),
        ("permits_max", config.permits_max == 0),
        ("plugin_permits_max", config.plugin_permits_max == 0),
        ("parse_items_max", config.parse_items_max == 0),
        ("long_calls_max", config.long_calls_max == 0),
        ("compiles_max", config.compiles_max == 0),
        ("compile_timeout_ms", config.compile_timeout_ms == 0),
        ("compile_cpu_s_max", config.compile_cpu_s_max == 0),
        ("breaker.faults_max", config.breaker.faults_max == 0),
        ("breaker.window_ms", config.breaker.window_ms == 0),
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

/// Everything that decides about the code. The process that compiles uses these and no pool.
pub(crate) fn base_settings() -> Config {
    let mut settings = Config::new();
    settings
        .epoch_interruption(true)
        .concurrency_support(false)
        .wasm_backtrace_max_frames(NonZeroUsize::new(BACKTRACE_FRAMES_MAX))
        .wasm_memory64(false)
        // Results may differ between machines, and a plugin must be a function of its arguments.
        .wasm_relaxed_simd(false)
        .cranelift_nan_canonicalization(true);
    settings
}

/// Fits the larger of both classes: what a slot may grow to costs addresses only, and each slot
/// reserves 4 GiB of them for its memory in any case. A class is held to its own limits by the store.
fn pool(config: &RuntimeConfig) -> PoolingAllocationConfig {
    let calls = u32::try_from(config.permits_max).unwrap_or(u32::MAX);
    let most = |limit: fn(&ClassLimits) -> usize| {
        let larger = limit(&config.native).max(limit(&config.interpreter));
        u32::try_from(larger).unwrap_or(u32::MAX)
    };
    let parts_of = |per_call: u32| {
        let large = calls.min(LARGE_CALLS).saturating_mul(per_call);
        calls.saturating_mul(PARTS_PER_CALL).max(large)
    };
    let memory = |class: &ClassLimits| class.memory_bytes_max.max(class.parse_memory_bytes_max);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_memories(calls)
        .total_stacks(calls)
        .total_core_instances(parts_of(most(|class| class.core_instances_max)))
        .total_tables(parts_of(most(|class| class.tables_max)))
        .max_memory_size(memory(&config.native).max(memory(&config.interpreter)))
        .table_elements(most(|class| class.table_elements_max) as usize)
        .max_core_instances_per_component(most(|class| class.core_instances_max))
        .max_memories_per_component(most(|class| class.memories_max))
        .max_tables_per_component(most(|class| class.tables_max))
        .max_memories_per_module(most(|class| class.memories_max))
        .max_tables_per_module(most(|class| class.tables_max))
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES)
        .decommit_batch_size(DECOMMIT_BATCH)
        .max_unused_warm_slots(WARM_SLOTS_MAX)
        // With pages swapped out, 48.0 hands the next instance stale data (wasmtime pull request
        // 14357). Do not turn it on before a release of 48 says that this landed.
        .pagemap_scan(Enabled::No);
    pool
}
