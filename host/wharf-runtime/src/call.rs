//! One call of one export: circuit, permits, a fresh instance under limits, and the name of its end.
//!
//! Whatever goes wrong inside wasmtime ends the store: it is dropped here and never entered again.

mod circuit;
mod values;

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, SemaphorePermit};
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Store, UpdateDeadline};
use wharf_core::provider::PlatformError;

use crate::breaker::{Breaker, Ticket};
use crate::config::RuntimeConfig;
use crate::credit::Share;
use crate::ends::{DETAIL_BYTES_MAX, Ends};
use crate::engine::Runtime;
use crate::error::{CallError, Origin};
use crate::identity::{Flight, Identity};
use crate::interface::Interface;
use crate::limits::{CallLimits, Export, HANDLES_MAX, MemoryLimiter};
use crate::log::{self, LogQuota, LogRate};
use crate::metrics::Meter;
use crate::permits::Permits;
use crate::turns::{Rest, Tick, Turns};
use crate::usage::{Usage, timed};
use crate::v1::{self, Function, Signature};

/// A compiled component, ready to be instantiated. Shared by all plugins with its digest.
pub(crate) struct Code {
    pub(crate) digest: [u8; 32],
    pub(crate) exports: v1::Exports,
    pub(crate) meter: Arc<Meter>,
    pub(crate) breaker: Mutex<Breaker>,
    log_rate: Arc<LogRate>,
    pre: InstancePre<CallState>,
    permits: Permits,
    share: Share,
}

impl Code {
    pub(crate) fn new(
        digest: [u8; 32],
        pre: InstancePre<CallState>,
        exports: v1::Exports,
        config: &RuntimeConfig,
        now_ms: i64,
    ) -> Self {
        Self {
            digest,
            exports,
            meter: Arc::default(),
            breaker: Mutex::new(Breaker::new(config.breaker)),
            log_rate: Arc::new(LogRate::new(
                config.log_lines_per_s_max,
                config.log_burst_lines_max,
            )),
            pre,
            permits: Permits::new(config.plugin_permits_max),
            share: Share::new(config.plugin_cpu_ms_per_s, now_ms),
        }
    }

    pub(crate) fn component(&self) -> &wasmtime::component::Component {
        self.pre.component()
    }

    /// Its next call will run long or stand in line.
    pub(crate) fn is_burdensome(&self, now_ms: i64) -> bool {
        self.share.habit.is_long(now_ms) || self.share.credit.is_spent(now_ms)
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
    _flight: Flight,
    /// There once the circuit let the call through.
    ticket: OnceLock<Ticket>,
    verdict: AtomicU8,
}

/// Values of [`Call::verdict`]; a fault is never taken back.
const UNKNOWN: u8 = 0;
const ANSWERED: u8 = 1;
const FAULTED: u8 = 2;

/// A fresh instance with the permits it holds.
pub(crate) struct Running<'a> {
    pub(crate) store: Store<CallState>,
    pub(crate) instance: Instance,
    instantiating: Duration,
    _permits: (SemaphorePermit<'a>, SemaphorePermit<'a>),
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        runtime: &'a Runtime,
        code: &'a Code,
        identity: &'a Arc<Identity>,
        export: Export,
    ) -> Self {
        let class = runtime.config.limits_of(identity.class);
        let mut limits = export.limits(class, runtime.config.tick_ms);
        if let Some(bytes_max) = identity.output_bytes_max {
            limits.output_bytes = bytes_max;
        }
        Self {
            runtime,
            code,
            identity,
            export,
            limits,
            _flight: identity.in_flight.enter(),
            ticket: OnceLock::new(),
            verdict: AtomicU8::new(UNKNOWN),
        }
    }

    /// Runs a function of a fresh instance and drops the instance.
    pub(crate) async fn run<S: Signature>(
        &self,
        function: &Function<S>,
        params: S::Params<'_>,
    ) -> Result<S::Answer, CallError> {
        let mut running = self.enter().await?;
        self.invoke(&mut running, function, params).await
    }

    pub(crate) async fn enter(&self) -> Result<Running<'a>, CallError> {
        self.code.meter.called(self.export.as_str());
        self.pass_circuit()?;
        // Permits first. Whoever has the place in the line needs nothing more to come to its end, so
        // those who wait for it with a permit in hand wait for work that goes on. The other way round
        // the place would be held by one that waits for the permits of those who wait for the place.
        // The wait with a permit in hand is bounded as every other.
        let permits = self.permits().await?;
        let in_line = self.stand_in_line().await?;
        let mut store = self.new_store(in_line);
        let mut instantiating = Duration::ZERO;
        let making = self.code.pre.instantiate_async(&mut store);
        match timed(making, &mut instantiating).await {
            Ok(instance) => Ok(Running {
                store,
                instance,
                instantiating,
                _permits: permits,
            }),
            Err(error) => Err(self.observe(self.ends().of_instantiation(&error))),
        }
    }

    pub(crate) async fn invoke<S: Signature>(
        &self,
        running: &mut Running<'_>,
        function: &Function<S>,
        params: S::Params<'_>,
    ) -> Result<S::Answer, CallError> {
        let mut calling = Duration::ZERO;
        let work = async {
            let function = function.typed(&mut running.store, &running.instance)?;
            function.call_async(&mut running.store, params).await
        };
        let result = timed(work, &mut calling).await;
        self.measure(running, calling);
        match result {
            Ok((value,)) => {
                self.judge(ANSWERED);
                Ok(value)
            }
            Err(error) => Err(self.observe(self.ends().of_call(&error))),
        }
    }

    /// A value that wasmtime took but the interface's rules forbid.
    pub(crate) fn invalid(&self, what: impl Into<String>) -> CallError {
        self.observe(CallError::Invalid {
            origin: self.origin(),
            what: log::escape(&what.into(), DETAIL_BYTES_MAX),
        })
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
        self.observe(CallError::Guest(Box::new(crate::output::bounded_error(
            error,
        ))))
    }

    fn origin(&self) -> Origin {
        Origin {
            plugin: Arc::clone(&self.identity.plugin),
            version: Arc::clone(&self.identity.version),
            digest: Arc::clone(&self.identity.digest),
            export: self.export.as_str(),
        }
    }

    fn ends(&self) -> Ends<'_> {
        Ends {
            origin: self.origin(),
            limits: &self.limits,
            permits_max: self.runtime.config.permits_max,
            long_calls_max: self.runtime.config.long_calls_max,
        }
    }

    /// A plugin that used more than its share waits for its long calls with every call.
    async fn stand_in_line(&self) -> Result<Option<OwnedSemaphorePermit>, CallError> {
        if self.export == Export::Describe {
            return Ok(None);
        }
        let wait_max = Duration::from_millis(self.runtime.config.permit_wait_ms_max);
        let now_ms = self.runtime.clock.now_ms();
        let place = self.code.share.place(now_ms, wait_max).await;
        place.map_err(|_| {
            self.observe(CallError::Overloaded {
                origin: self.origin(),
                scope: "this plugin, beyond its processor time",
                max: 1,
            })
        })
    }

    /// The plugin's own permit first: one that hangs must not hold the host's while it waits.
    async fn permits(&self) -> Result<(SemaphorePermit<'a>, SemaphorePermit<'a>), CallError> {
        let own = self.permit(&self.code.permits, "this plugin").await?;
        let shared = self.permit(&self.runtime.permits, "all plugins").await?;
        Ok((own, shared))
    }

    async fn permit(
        &self,
        permits: &'a Permits,
        scope: &'static str,
    ) -> Result<SemaphorePermit<'a>, CallError> {
        let wait_max = Duration::from_millis(self.runtime.config.permit_wait_ms_max);
        match permits.take(wait_max).await {
            Ok((permit, Duration::ZERO)) => Ok(permit),
            Ok((permit, waited)) => {
                self.code.meter.waited(waited);
                Ok(permit)
            }
            Err(_) => {
                self.code.meter.waited(wait_max);
                Err(self.observe(CallError::Overloaded {
                    origin: self.origin(),
                    scope,
                    max: permits.max as u64,
                }))
            }
        }
    }

    fn new_store(&self, in_line: Option<OwnedSemaphorePermit>) -> Store<CallState> {
        let config = &self.runtime.config;
        let state = CallState {
            memory: MemoryLimiter::new(self.limits),
            log: LogQuota::new(
                Arc::clone(self.identity),
                Arc::clone(&self.code.meter),
                Arc::clone(&self.code.log_rate),
                self.export.as_str(),
                log::Bounds {
                    lines_max: config.log_lines_max,
                    line_bytes_max: config.log_line_bytes_max,
                    now_ms: self.runtime.clock.now_ms(),
                },
            ),
        };
        let mut store = Store::new(&self.runtime.engine, state);
        store.limiter(|state| &mut state.memory);
        // Bounds what one log line carries in, and what the export returns.
        store.set_hostcall_fuel(self.limits.output_bytes);
        store.set_max_component_handles(HANDLES_MAX);
        store.set_epoch_deadline(1);
        let mut turns = Turns::new(
            self.limits.cpu_ticks,
            Rest {
                slice: Duration::from_millis(config.tick_ms),
                busy_slices: config.long_call_rest_ticks,
            },
            Arc::clone(&self.code.share.line),
            Arc::clone(&self.runtime.long_calls),
            in_line,
        );
        let credit = Arc::clone(&self.code.share.credit);
        let habit = Arc::clone(&self.code.share.habit);
        let clock = Arc::clone(&self.runtime.clock);
        store.epoch_deadline_callback(move |_| match turns.tick()? {
            Tick::Spent(deadline, charge) => {
                let now_ms = clock.now_ms();
                let charge_us = i64::try_from(charge.as_micros()).unwrap_or(i64::MAX);
                credit.spend(charge_us, now_ms);
                // It rests, as only long calls do.
                if matches!(deadline, UpdateDeadline::YieldCustom(..)) {
                    habit.ran_long(now_ms);
                }
                Ok(deadline)
            }
            Tick::Back(deadline) => Ok(deadline),
        });
        store
    }

    fn measure(&self, running: &Running<'_>, calling: Duration) {
        let state = running.store.data();
        let memory_bytes = state.memory.bytes_used();
        let export = self.export.as_str();
        self.code
            .meter
            .ran(export, running.instantiating, calling, memory_bytes);
        if let Some(observer) = &self.identity.observer {
            let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            observer(&Usage {
                export,
                instantiate_us: us(running.instantiating),
                call_us: us(calling),
                memory_bytes,
                log_lines: state.log.written(),
                log_lines_dropped: state.log.dropped(),
            });
        }
    }

    fn observe(&self, error: CallError) -> CallError {
        self.code.meter.failed(&error);
        if error.is_plugin_fault() {
            self.judge(FAULTED);
        }
        error
    }

    fn judge(&self, verdict: u8) {
        self.verdict.fetch_max(verdict, Ordering::Relaxed);
    }
}
