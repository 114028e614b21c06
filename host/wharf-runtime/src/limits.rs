//! What one call may use, and the limiter wasmtime asks.
//!
//! CPU time is counted in ticks in which the guest itself ran, not on the wall clock: a guest that
//! waited while others had the thread, or while the machine was busy, is not charged for it.

use wasmtime::{ResourceLimiter, UpdateDeadline};

use crate::config::RuntimeConfig;
use crate::error::LimitKind;

/// Core instances of one call: a component of `wit-component` has three, a composed one a few more.
pub(crate) const INSTANCES_MAX: usize = 16;
/// Tables of one call.
pub(crate) const TABLES_MAX: usize = 16;
/// Linear memories of one call.
pub(crate) const MEMORIES_MAX: usize = 4;
/// Elements of one table. Debug builds of interpreters need more; they get a class of their own.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 20_000;
/// Handles of one call. The interface has no resources, so this is only a bound.
pub(crate) const HANDLES_MAX: usize = 64;

/// The functions of the interface the host calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Export {
    Describe,
    Start,
    Resume,
    Parse,
    MediaStart,
    MediaResume,
    OnboardingStart,
    OnboardingResume,
    OnboardingAnswer,
    TemplatesStart,
    TemplatesResume,
    HealthStart,
    HealthResume,
    ReconcileStart,
    ReconcileResume,
    CatchUp,
    CatchUpResume,
    ProfileStart,
    ProfileResume,
}

impl Export {
    pub(crate) const ALL: [Self; 19] = [
        Self::Describe,
        Self::Start,
        Self::Resume,
        Self::Parse,
        Self::MediaStart,
        Self::MediaResume,
        Self::OnboardingStart,
        Self::OnboardingResume,
        Self::OnboardingAnswer,
        Self::TemplatesStart,
        Self::TemplatesResume,
        Self::HealthStart,
        Self::HealthResume,
        Self::ReconcileStart,
        Self::ReconcileResume,
        Self::CatchUp,
        Self::CatchUpResume,
        Self::ProfileStart,
        Self::ProfileResume,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Describe => "manifest.describe",
            Self::Start => "outbound.start",
            Self::Resume => "outbound.resume",
            Self::Parse => "inbound.parse",
            Self::MediaStart => "media.start",
            Self::MediaResume => "media.resume",
            Self::OnboardingStart => "onboarding.start",
            Self::OnboardingResume => "onboarding.resume",
            Self::OnboardingAnswer => "onboarding.answer",
            Self::TemplatesStart => "templates.start",
            Self::TemplatesResume => "templates.resume",
            Self::HealthStart => "health.start",
            Self::HealthResume => "health.resume",
            Self::ReconcileStart => "reconcile.start",
            Self::ReconcileResume => "reconcile.resume",
            Self::CatchUp => "reconcile.catch-up",
            Self::CatchUpResume => "reconcile.catch-up-resume",
            Self::ProfileStart => "profile.start",
            Self::ProfileResume => "profile.resume",
        }
    }

    pub(crate) fn limits(self, config: &RuntimeConfig) -> CallLimits {
        let (cpu_ms, memory_bytes, output_bytes) = match self {
            Self::Describe => (
                config.describe_ms_max,
                config.memory_bytes_max,
                config.output_bytes_max,
            ),
            // Part of one message's way, out or in.
            Self::Start
            | Self::Resume
            | Self::MediaStart
            | Self::MediaResume
            | Self::ReconcileStart
            | Self::ReconcileResume => (
                config.outbound_ms_max,
                config.memory_bytes_max,
                config.output_bytes_max,
            ),
            Self::OnboardingStart
            | Self::OnboardingResume
            | Self::OnboardingAnswer
            | Self::TemplatesStart
            | Self::TemplatesResume
            | Self::HealthStart
            | Self::HealthResume
            | Self::ProfileStart
            | Self::ProfileResume => (
                config.flow_ms_max,
                config.memory_bytes_max,
                config.output_bytes_max,
            ),
            // A page of what was missed is what a webhook would have brought.
            Self::Parse | Self::CatchUp | Self::CatchUpResume => (
                config.inbound_ms_max,
                config.parse_memory_bytes_max,
                config.parse_output_bytes_max,
            ),
        };
        CallLimits {
            cpu_ms,
            // The first tick may come at once, so one more is granted than the budget holds.
            cpu_ticks: cpu_ms.div_ceil(config.tick_ms.max(1)) + 1,
            memory_bytes,
            output_bytes,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct CallLimits {
    pub(crate) cpu_ms: u64,
    pub(crate) cpu_ticks: u64,
    pub(crate) memory_bytes: usize,
    pub(crate) output_bytes: usize,
}

/// A limit was met. Travels through wasmtime as the error of the call.
#[derive(Debug, thiserror::Error)]
#[error("{0} limit reached")]
pub(crate) struct LimitHit(pub(crate) LimitKind);

/// Counts memories and tables of one call together.
#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    bytes_used: usize,
    bytes_max: usize,
}

impl MemoryLimiter {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_used: 0,
            bytes_max,
        }
    }

    /// Neither memories nor tables ever shrink, so what is used at the end was the most.
    pub(crate) fn bytes_used(&self) -> usize {
        self.bytes_used
    }

    fn grow(&mut self, by: usize) -> wasmtime::Result<bool> {
        let used = self.bytes_used.saturating_add(by);
        if used > self.bytes_max {
            // An error and not a refusal: a guest that gets -1 aborts with `unreachable`, and the
            // operator would read of a trap instead of a limit.
            return Err(LimitHit(LimitKind::Memory).into());
        }
        self.bytes_used = used;
        Ok(true)
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.grow(desired.saturating_sub(current))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > TABLE_ELEMENTS_MAX {
            return Err(LimitHit(LimitKind::Memory).into());
        }
        self.grow(desired.saturating_sub(current) * size_of::<usize>())
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

/// What happens at each tick in which the guest runs: it gives its thread back, until its ticks are spent.
pub(crate) fn spend_tick(ticks_left: &mut u64) -> wasmtime::Result<UpdateDeadline> {
    if *ticks_left == 0 {
        return Err(LimitHit(LimitKind::Cpu).into());
    }
    *ticks_left -= 1;
    Ok(UpdateDeadline::Yield(1))
}
