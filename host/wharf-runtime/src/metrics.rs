//! What the calls of a digest came to: numbers only, of a fixed number of kinds.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::breaker::CircuitState;
use crate::error::CallError;

/// Bucket `n` counts what took less than 2^n µs, and no less than the bucket before: 1 µs to 1 s, and
/// one for the rest.
const BUCKETS: usize = 22;

/// Numbers since the digest was loaded. A copy: it does not change under the reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// By function of the interface, for example `outbound.start`.
    pub exports: BTreeMap<&'static str, ExportMetrics>,
    /// Crashes by kind, for example `unreachable`.
    pub faults: BTreeMap<&'static str, u64>,
    /// Limits met, by kind: `cpu`, `memory`, `output`.
    pub limits: BTreeMap<&'static str, u64>,
    /// Values that the interface's rules forbid.
    pub invalid_values: u64,
    /// Errors that the plugin itself returned: answers, not failures.
    pub guest_errors: u64,
    /// Calls that found no permit in time.
    pub overloaded: u64,
    /// Calls that could not be set up.
    pub unavailable: u64,
    /// Calls that the circuit breaker refused.
    pub circuit_refusals: u64,
    /// Times a circuit opened: the digest's or that of one party.
    pub circuit_openings: u64,
    pub circuit_closings: u64,
    pub log_lines: u64,
    pub log_lines_dropped: u64,
    /// Calls that had to wait for a permit, and how long they waited together.
    pub permit_waits: u64,
    pub permit_wait_us: u64,
}

/// Numbers of one function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportMetrics {
    /// Calls that were asked for, however they ended.
    pub calls: u64,
    /// CPU time of making the instance.
    pub instantiate_us: Histogram,
    /// CPU time of the function itself.
    pub call_us: Histogram,
    /// The most memory and tables that one call had.
    pub memory_bytes_peak: usize,
}

/// Durations in buckets of powers of two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    pub counts: [u64; BUCKETS],
    pub sum_us: u64,
    pub max_us: u64,
}

impl Histogram {
    /// Upper bounds of all buckets but the last, in µs.
    pub fn bounds_us() -> impl Iterator<Item = u64> {
        (0..BUCKETS - 1).map(|power| 1 << power)
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn add(&mut self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = (u64::BITS - us.leading_zeros()) as usize;
        self.counts[bucket.min(BUCKETS - 1)] += 1;
        self.sum_us = self.sum_us.saturating_add(us);
        self.max_us = self.max_us.max(us);
    }
}

/// How full the pool of instances is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOccupancy {
    pub component_instances: u64,
    pub core_instances: u64,
    pub memories: usize,
    pub tables: usize,
    pub stacks: usize,
    /// Memory that idle slots keep.
    pub idle_bytes_resident: usize,
}

/// Where the calls of one digest are counted. One short lock at a call's beginning and end.
#[derive(Default)]
pub(crate) struct Meter(Mutex<Metrics>);

impl Meter {
    pub(crate) fn snapshot(&self) -> Metrics {
        self.with(|metrics| metrics.clone())
    }

    pub(crate) fn called(&self, export: &'static str) {
        self.with(|metrics| metrics.exports.entry(export).or_default().calls += 1);
    }

    pub(crate) fn waited(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.with(|metrics| {
            metrics.permit_waits += 1;
            metrics.permit_wait_us = metrics.permit_wait_us.saturating_add(us);
        });
    }

    pub(crate) fn ran(
        &self,
        export: &'static str,
        instantiate: Duration,
        call: Duration,
        memory_bytes: usize,
    ) {
        self.with(|metrics| {
            let export = metrics.exports.entry(export).or_default();
            export.instantiate_us.add(instantiate);
            export.call_us.add(call);
            export.memory_bytes_peak = export.memory_bytes_peak.max(memory_bytes);
        });
    }

    pub(crate) fn failed(&self, error: &CallError) {
        self.with(|metrics| match error {
            CallError::Guest(_) => metrics.guest_errors += 1,
            CallError::Fault { kind, .. } => *metrics.faults.entry(kind.as_str()).or_default() += 1,
            CallError::Limit { which, .. } => {
                *metrics.limits.entry(which.as_str()).or_default() += 1;
            }
            CallError::Invalid { .. } => metrics.invalid_values += 1,
            CallError::Overloaded { .. } => metrics.overloaded += 1,
            CallError::Unavailable { .. } => metrics.unavailable += 1,
            CallError::CircuitOpen { .. } => metrics.circuit_refusals += 1,
        });
    }

    pub(crate) fn circuit_changed(&self, to: CircuitState) {
        self.with(|metrics| match to {
            CircuitState::Open { .. } => metrics.circuit_openings += 1,
            CircuitState::Closed => metrics.circuit_closings += 1,
            CircuitState::HalfOpen => {}
        });
    }

    pub(crate) fn logged(&self, lines: u64, dropped: u64) {
        self.with(|metrics| {
            metrics.log_lines += lines;
            metrics.log_lines_dropped += dropped;
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Metrics) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
