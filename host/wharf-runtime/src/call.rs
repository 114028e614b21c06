//! One call of one export: permits, a fresh instance under limits, and the name of its end.
//!
//! Whatever goes wrong inside wasmtime ends the store: it is dropped here and never entered again.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, Func, Instance, InstancePre, Lift, Lower, Val,
};
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};
use wharf_core::provider::PlatformError;

use crate::engine::Runtime;
use crate::error::{CallError, FaultKind, LimitKind, Origin};
use crate::interface::Interface;
use crate::limits::{CallLimits, Export, HANDLES_MAX, LimitHit, MemoryLimiter, spend_tick};
use crate::log::{self, LogQuota};
use crate::v1;

/// Text of a crash as it is kept and shown.
const DETAIL_BYTES_MAX: usize = 1024;
/// Guest functions named in it, innermost first.
const DETAIL_FRAMES_MAX: usize = 8;
/// wasmtime's error for a value over `hostcall_fuel` has no type of its own. The output limit's test
/// fails when this text changes.
const OUTPUT_LIMIT_TEXT: &str = "fuel allocated for hostcalls";

/// wasmtime charges 40 bytes for each element of a list that has no static type, and most are bytes.
const VALUE_FACTOR: usize = 48;

/// What a call with values used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    /// How long it had the thread, without what it waited.
    pub(crate) cpu: Duration,
    pub(crate) memory_bytes: usize,
    pub(crate) log_lines: u64,
}

/// A compiled component, ready to be instantiated. Shared by all plugins with its digest.
pub(crate) struct Code {
    pub(crate) digest: [u8; 32],
    pub(crate) exports: v1::Exports,
    pub(crate) counters: Arc<Counters>,
    pre: InstancePre<CallState>,
    permits: Semaphore,
    permits_max: usize,
}

impl Code {
    pub(crate) fn new(
        digest: [u8; 32],
        pre: InstancePre<CallState>,
        exports: v1::Exports,
        permits_max: usize,
    ) -> Self {
        Self {
            digest,
            exports,
            counters: Arc::default(),
            pre,
            permits: Semaphore::new(permits_max.min(Semaphore::MAX_PERMITS)),
            permits_max,
        }
    }
}

/// What a digest's calls came to.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) calls: AtomicU64,
    pub(crate) faults: AtomicU64,
    pub(crate) log_lines_dropped: AtomicU64,
}

/// What errors and log lines call the plugin. Made once, so that a call copies three pointers.
pub(crate) struct Identity {
    pub(crate) plugin: Arc<str>,
    pub(crate) version: Arc<str>,
    pub(crate) digest: Arc<str>,
}

impl Identity {
    pub(crate) fn new(plugin: &str, version: &str, digest: &[u8; 32]) -> Self {
        Self {
            plugin: plugin.into(),
            version: version.into(),
            digest: hex::encode(&digest[..6]).into(),
        }
    }
}

/// What wasmtime hands to the limiter and to the log.
pub(crate) struct CallState {
    memory: MemoryLimiter,
    pub(crate) log: LogQuota,
}

pub(crate) struct Call<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) code: &'a Code,
    identity: &'a Arc<Identity>,
    export: Export,
    limits: CallLimits,
}

/// A fresh instance with the permits it holds.
pub(crate) struct Running<'a> {
    pub(crate) store: Store<CallState>,
    pub(crate) instance: Instance,
    _permits: (SemaphorePermit<'a>, SemaphorePermit<'a>),
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        runtime: &'a Runtime,
        code: &'a Code,
        identity: &'a Arc<Identity>,
        export: Export,
    ) -> Self {
        Self {
            runtime,
            code,
            identity,
            export,
            limits: export.limits(&runtime.config),
        }
    }

    /// Runs a function of a fresh instance and drops the instance.
    pub(crate) async fn run<P, R>(
        &self,
        function: ComponentExportIndex,
        params: P,
    ) -> Result<R, CallError>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: Lift + Send + Sync + 'static,
        (R,): ComponentNamedList + Lift,
    {
        let mut running = self.enter().await?;
        self.invoke(&mut running, function, params).await
    }

    pub(crate) async fn enter(&self) -> Result<Running<'a>, CallError> {
        // A circuit breaker per digest belongs here: refuse before permits are taken.
        self.code.counters.calls.fetch_add(1, Ordering::Relaxed);
        let permits = self.permits().await?;
        let mut store = self.new_store();
        match self.code.pre.instantiate_async(&mut store).await {
            Ok(instance) => Ok(Running {
                store,
                instance,
                _permits: permits,
            }),
            Err(error) => Err(self.observe(self.name_instantiation_error(&error))),
        }
    }

    pub(crate) async fn invoke<P, R>(
        &self,
        running: &mut Running<'_>,
        function: ComponentExportIndex,
        params: P,
    ) -> Result<R, CallError>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: Lift + Send + Sync + 'static,
        (R,): ComponentNamedList + Lift,
    {
        let result = async {
            let function = running
                .instance
                .get_typed_func::<P, (R,)>(&mut running.store, function)?;
            function.call_async(&mut running.store, params).await
        }
        .await;
        match result {
            Ok((value,)) => Ok(value),
            Err(error) => Err(self.observe(self.name_error(&error))),
        }
    }

    /// A function by its name, `None` when the component does not export it.
    pub(crate) fn function(
        &self,
        running: &mut Running<'_>,
        interface: &str,
        function: &str,
    ) -> Option<Func> {
        let component = self.code.pre.component();
        let interface = format!("wharf:provider/{interface}@1.0.0");
        let interface = component.get_export_index(None, &interface)?;
        let function = component.get_export_index(Some(&interface), function)?;
        running.instance.get_func(&mut running.store, function)
    }

    /// As [`Call::invoke`], with types that are looked up instead of known. Values without static types
    /// are charged several times their size, so the output limit is wider.
    pub(crate) async fn invoke_values(
        &self,
        running: &mut Running<'_>,
        function: Func,
        params: &[Val],
    ) -> Result<(Val, Spent), CallError> {
        let fuel = self.limits.output_bytes.saturating_mul(VALUE_FACTOR);
        running.store.set_hostcall_fuel(fuel);
        let mut results = [Val::Bool(false)];
        let mut spent = Spent::default();
        let called = {
            let mut call = pin!(function.call_async(&mut running.store, params, &mut results));
            poll_fn(|context| {
                let began = Instant::now();
                let polled = call.as_mut().poll(context);
                spent.cpu += began.elapsed();
                polled
            })
            .await
        };
        let state = running.store.data();
        spent.memory_bytes = state.memory.bytes_used();
        spent.log_lines = state.log.written();
        let [returned] = results;
        match called {
            Ok(()) => Ok((returned, spent)),
            Err(error) => Err(self.observe(self.name_error(&error))),
        }
    }

    /// A value that wasmtime took but the interface's rules forbid.
    pub(crate) fn invalid(&self, what: impl Into<String>) -> CallError {
        self.observe(CallError::Invalid {
            origin: self.origin(),
            what: log::escape(&what.into(), DETAIL_BYTES_MAX),
        })
    }

    /// What the checks of a returned value came to.
    pub(crate) fn checked(&self, checked: crate::output::Checked) -> Result<(), CallError> {
        checked.map_err(|what| self.invalid(what))
    }

    /// An optional interface that the component does not export.
    pub(crate) fn missing(&self, interface: Interface) -> CallError {
        CallError::NoInterface {
            origin: self.origin(),
            interface,
        }
    }

    /// The plugin's own verdict, cut to what is kept of it.
    pub(crate) fn guest(&self, error: PlatformError) -> CallError {
        CallError::Guest(crate::output::bounded_error(error))
    }

    fn origin(&self) -> Origin {
        Origin {
            plugin: Arc::clone(&self.identity.plugin),
            version: Arc::clone(&self.identity.version),
            digest: Arc::clone(&self.identity.digest),
            export: self.export.as_str(),
        }
    }

    /// The plugin's own permit first: one that hangs must not hold the host's while it waits.
    async fn permits(&self) -> Result<(SemaphorePermit<'a>, SemaphorePermit<'a>), CallError> {
        let config = &self.runtime.config;
        let wait = Duration::from_millis(config.permit_wait_ms_max);
        let own = self
            .permit(
                &self.code.permits,
                wait,
                "this plugin",
                self.code.permits_max,
            )
            .await?;
        let shared = self
            .permit(
                &self.runtime.permits,
                wait,
                "all plugins",
                config.permits_max,
            )
            .await?;
        Ok((own, shared))
    }

    async fn permit(
        &self,
        permits: &'a Semaphore,
        wait: Duration,
        scope: &'static str,
        max: usize,
    ) -> Result<SemaphorePermit<'a>, CallError> {
        // Without the timer as long as there is one to take.
        if let Ok(permit) = permits.try_acquire() {
            return Ok(permit);
        }
        match tokio::time::timeout(wait, permits.acquire()).await {
            Ok(permit) => Ok(permit.expect("the permits are never closed")),
            Err(_) => Err(CallError::Overloaded {
                origin: self.origin(),
                scope,
                max: max as u64,
            }),
        }
    }

    fn new_store(&self) -> Store<CallState> {
        let config = &self.runtime.config;
        let state = CallState {
            memory: MemoryLimiter::new(self.limits.memory_bytes),
            log: LogQuota::new(
                Arc::clone(self.identity),
                Arc::clone(&self.code.counters),
                self.export.as_str(),
                config.log_lines_max,
                config.log_line_bytes_max,
            ),
        };
        let mut store = Store::new(&self.runtime.engine, state);
        store.limiter(|state| &mut state.memory);
        // Bounds what one log line carries in, and what the export returns.
        store.set_hostcall_fuel(self.limits.output_bytes);
        store.set_max_component_handles(HANDLES_MAX);
        store.set_epoch_deadline(1);
        let mut ticks_left = self.limits.cpu_ticks;
        store.epoch_deadline_callback(move |_| spend_tick(&mut ticks_left));
        store
    }

    fn observe(&self, error: CallError) -> CallError {
        if error.is_plugin_fault() {
            self.code.counters.faults.fetch_add(1, Ordering::Relaxed);
        }
        error
    }

    fn name_instantiation_error(&self, error: &wasmtime::Error) -> CallError {
        if error.is::<PoolConcurrencyLimitError>() {
            return CallError::Overloaded {
                origin: self.origin(),
                scope: "all plugins",
                max: self.runtime.config.permits_max as u64,
            };
        }
        if error.is::<LimitHit>() || error.is::<Trap>() {
            return self.name_error(error);
        }
        CallError::Unavailable {
            origin: self.origin(),
            detail: detail(error),
        }
    }

    fn name_error(&self, error: &wasmtime::Error) -> CallError {
        if let Some(LimitHit(which)) = error.downcast_ref::<LimitHit>() {
            return self.limit(*which);
        }
        let trap = error.downcast_ref::<Trap>().copied();
        if trap.is_none() && error.root_cause().to_string().contains(OUTPUT_LIMIT_TEXT) {
            return self.limit(LimitKind::Output);
        }
        CallError::Fault {
            origin: self.origin(),
            // Without a trap the error came from reading the value that was returned or logged.
            kind: trap.map_or(FaultKind::MalformedValue, fault_kind),
            detail: detail(error),
        }
    }

    fn limit(&self, which: LimitKind) -> CallError {
        CallError::Limit {
            origin: self.origin(),
            which,
            max: match which {
                LimitKind::Cpu => self.limits.cpu_ms,
                LimitKind::Memory => self.limits.memory_bytes as u64,
                LimitKind::Output => self.limits.output_bytes as u64,
            },
        }
    }
}

fn fault_kind(trap: Trap) -> FaultKind {
    match trap {
        Trap::UnreachableCodeReached => FaultKind::Unreachable,
        Trap::StackOverflow => FaultKind::StackOverflow,
        Trap::MemoryOutOfBounds | Trap::HeapMisaligned => FaultKind::MemoryOutOfBounds,
        Trap::TableOutOfBounds | Trap::IndirectCallToNull | Trap::BadSignature => {
            FaultKind::BadCall
        }
        Trap::IntegerOverflow | Trap::IntegerDivisionByZero | Trap::BadConversionToInteger => {
            FaultKind::Arithmetic
        }
        Trap::InvalidChar
        | Trap::StringOutOfBounds
        | Trap::ListOutOfBounds
        | Trap::InvalidDiscriminant
        | Trap::UnalignedPointer => FaultKind::MalformedValue,
        _ => FaultKind::Other,
    }
}

/// The cause, and the guest's functions it happened in. Their names are the guest's, so they are escaped.
fn detail(error: &wasmtime::Error) -> String {
    let mut text = error.root_cause().to_string();
    if let Some(trace) = error.downcast_ref::<WasmBacktrace>() {
        let names = trace.frames().iter().filter_map(|frame| frame.func_name());
        for (number, name) in names.take(DETAIL_FRAMES_MAX).enumerate() {
            text.push_str(if number == 0 { " in " } else { " < " });
            text.push_str(name);
        }
    }
    log::escape(&text, DETAIL_BYTES_MAX)
}
