//! What one call may use, and the limiter wasmtime asks.
//!
//! CPU time is counted in ticks in which the guest itself ran, not on the wall clock: a guest that
//! waited while others had the thread, or while the machine was busy, is not charged for it.

use wasmtime::ResourceLimiter;

use crate::config::ClassLimits;
use crate::error::LimitKind;

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

    pub(crate) fn limits(self, class: &ClassLimits, tick_ms: u64) -> CallLimits {
        let (cpu_ms, memory_bytes, output_bytes) = match self {
            Self::Describe => (
                class.describe_ms_max,
                class.memory_bytes_max,
                class.output_bytes_max,
            ),
            // Part of one message's way, out or in.
            Self::Start
            | Self::Resume
            | Self::MediaStart
            | Self::MediaResume
            | Self::ReconcileStart
            | Self::ReconcileResume => (
                class.outbound_ms_max,
                class.memory_bytes_max,
                class.output_bytes_max,
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
                class.flow_ms_max,
                class.memory_bytes_max,
                class.output_bytes_max,
            ),
            // A page of what was missed is what a webhook would have brought.
            Self::Parse | Self::CatchUp | Self::CatchUpResume => (
                class.inbound_ms_max,
                class.parse_memory_bytes_max,
                class.parse_output_bytes_max,
            ),
        };
        CallLimits {
            cpu_ms,
            // The first tick may come at once, so one more is granted than the budget holds.
            cpu_ticks: cpu_ms.div_ceil(tick_ms.max(1)) + 1,
            memory_bytes,
            output_bytes,
            table_elements: class.table_elements_max,
            core_instances: class.core_instances_max,
            memories: class.memories_max,
            tables: class.tables_max,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct CallLimits {
    pub(crate) cpu_ms: u64,
    pub(crate) cpu_ticks: u64,
    pub(crate) memory_bytes: usize,
    pub(crate) output_bytes: usize,
    table_elements: usize,
    core_instances: usize,
    memories: usize,
    tables: usize,
}

/// A limit was met. Travels through wasmtime as the error of the call.
#[derive(Debug, thiserror::Error)]
#[error("{0} limit reached")]
pub(crate) struct LimitHit(pub(crate) LimitKind);

/// Counts memories and tables of one call together. Neither ever shrinks, so what is used at the end
/// was the most.
#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    bytes_used: usize,
    limits: CallLimits,
}

impl MemoryLimiter {
    pub(crate) fn new(limits: CallLimits) -> Self {
        Self {
            bytes_used: 0,
            limits,
        }
    }

    /// Neither memories nor tables ever shrink, so what is used at the end was the most.
    pub(crate) fn bytes_used(&self) -> usize {
        self.bytes_used
    }

    fn grow(&mut self, by: usize) -> wasmtime::Result<bool> {
        let used = self.bytes_used.saturating_add(by);
        if used > self.limits.memory_bytes {
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
        if desired > self.limits.table_elements {
            return Err(LimitHit(LimitKind::Memory).into());
        }
        self.grow(desired.saturating_sub(current) * size_of::<usize>())
    }

    fn instances(&self) -> usize {
        self.limits.core_instances
    }

    fn tables(&self) -> usize {
        self.limits.tables
    }

    fn memories(&self) -> usize {
        self.limits.memories
    }
}
