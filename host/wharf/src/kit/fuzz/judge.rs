//! Makes one call as the gateway makes it, and says what came of it.

use wharf_core::provider::{
    CatchUp, Exchange, FlowNext, FlowProgress, HealthReport, Json, MediaAnswer, PageStep, Parsed,
    Progress, Reconciled, Step, TemplatesStep,
};
use wharf_runtime::{CallError, LimitKind, Plugin};

use super::input::{Asked, Seed, Told};

/// A webhook of 4 MiB with fewer than 40 bytes an atom has fewer pages of 2,000 items; more is a `next` that never
/// ends.
pub(super) const PAGES_MAX: usize = 64;
/// Calls again of one that got no turn: there is nobody else who could want it.
const TRIES_MAX: usize = 20;
/// Calls of one that ran out of processor time, which is read off the clock: on a busy machine another
/// program's. What runs out each time does so by itself.
const SLOW_TRIES: usize = 3;

/// What a function gave back. The gateway's own checks have passed.
#[derive(Debug)]
pub(super) enum Answer {
    Parsed(Parsed),
    Sent(Progress),
    Media(Step<MediaAnswer>),
    Templates(TemplatesStep),
    Profile(Step<Json>),
    Health(Step<HealthReport>),
    Reconciled(Step<Reconciled>),
    CatchUp(CatchUp),
    Flow(Box<FlowProgress>),
}

/// Why a call is a failure of the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    Trap,
    CpuLimit,
    MemoryLimit,
    OutputLimit,
    /// The host refused what came back.
    Refused,
    /// The same input gave something else.
    Unequal,
    /// An atom of a webhook is in no item.
    Dropped,
    /// The pages of a webhook have no end.
    Endless,
}

impl Fault {
    pub const ALL: [Self; 8] = [
        Self::Trap,
        Self::CpuLimit,
        Self::MemoryLimit,
        Self::OutputLimit,
        Self::Refused,
        Self::Unequal,
        Self::Dropped,
        Self::Endless,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::CpuLimit => "cpu-limit",
            Self::MemoryLimit => "memory-limit",
            Self::OutputLimit => "output-limit",
            Self::Refused => "refused",
            Self::Unequal => "unequal",
            Self::Dropped => "dropped",
            Self::Endless => "endless",
        }
    }

    /// `None` for an end that is no fault of the plugin.
    pub(super) fn of(error: &CallError) -> Option<Self> {
        Some(match error {
            CallError::Fault { .. } => Self::Trap,
            CallError::Limit { which, .. } => match which {
                LimitKind::Cpu => Self::CpuLimit,
                LimitKind::Memory => Self::MemoryLimit,
                LimitKind::Output => Self::OutputLimit,
            },
            CallError::Invalid { .. } => Self::Refused,
            CallError::Guest(_)
            | CallError::CircuitOpen { .. }
            | CallError::Overloaded { .. }
            | CallError::NoInterface { .. }
            | CallError::Unavailable { .. } => return None,
        })
    }
}

impl Answer {
    /// For the counts.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Parsed(parsed) => match parsed.items.is_empty() {
                true => "nothing",
                false => "items",
            },
            Self::Flow(progress) => match &progress.next {
                FlowNext::Exchange(_) => "exchange",
                FlowNext::Ask(_) => "ask",
                FlowNext::Visit(_) => "visit",
                FlowNext::Wait(_) => "wait",
                FlowNext::Mint(_) => "mint",
                FlowNext::Done(_) => "done",
            },
            Self::Templates(PageStep::Page(..)) | Self::CatchUp(PageStep::Page(..)) => "page",
            other if other.exchange().is_some() => "exchange",
            _ => "done",
        }
    }

    /// The exchange that comes next.
    pub(super) fn exchange(&self) -> Option<&Exchange> {
        fn of<T>(step: &Step<T>) -> Option<&Exchange> {
            match step {
                Step::Exchange(exchange) => Some(exchange),
                Step::Done(_) => None,
            }
        }
        fn of_pages<T>(step: &PageStep<T>) -> Option<&Exchange> {
            match step {
                PageStep::Exchange(exchange) | PageStep::Page(_, exchange) => Some(exchange),
                PageStep::Done(_) => None,
            }
        }
        match self {
            Self::Parsed(_) => None,
            Self::Sent(step) => of(step),
            Self::Media(step) => of(step),
            Self::Profile(step) => of(step),
            Self::Health(step) => of(step),
            Self::Reconciled(step) => of(step),
            Self::Templates(step) => of_pages(step),
            Self::CatchUp(step) => of_pages(step),
            Self::Flow(progress) => match &progress.next {
                FlowNext::Exchange(exchange) => Some(exchange),
                _ => None,
            },
        }
    }

    /// The state that a person's answer comes back with.
    pub(super) fn asked_state(&self) -> Option<&[u8]> {
        let Self::Flow(progress) = self else {
            return None;
        };
        match &progress.next {
            FlowNext::Ask(prompt) => Some(&prompt.state),
            FlowNext::Visit(visit) => Some(&visit.state),
            FlowNext::Wait(pause) => Some(&pause.state),
            FlowNext::Mint(mint) => Some(&mint.state),
            FlowNext::Exchange(_) | FlowNext::Done(_) => None,
        }
    }
}

/// What came of a call, and whether it ran out of time before it came.
pub(super) struct Ended {
    pub(super) result: Result<Answer, CallError>,
    pub(super) was_slow: bool,
}

/// Calls until there is an end that says something about the plugin.
pub(super) async fn call(plugin: &Plugin, seed: &Seed, told: &Told) -> anyhow::Result<Ended> {
    let mut slow = 0;
    for _ in 0..TRIES_MAX {
        match once(plugin, seed, told).await? {
            Err(CallError::Overloaded { .. }) => {}
            Err(CallError::Limit {
                which: LimitKind::Cpu,
                ..
            }) if slow + 1 < SLOW_TRIES => slow += 1,
            result => {
                return Ok(Ended {
                    was_slow: slow > 0,
                    result,
                });
            }
        }
    }
    anyhow::bail!(
        "{} got no turn in {TRIES_MAX} tries; run the fuzzer on a machine that is less busy, or with fewer --threads",
        seed.function
    )
}

async fn once(
    plugin: &Plugin,
    seed: &Seed,
    told: &Told,
) -> anyhow::Result<Result<Answer, CallError>> {
    let context = &seed.context;
    Ok(match (&seed.asked, told) {
        (Asked::Webhook, Told::Webhook { webhook, skip }) => plugin
            .parse(context, &webhook.request(), *skip)
            .await
            .map(Answer::Parsed),
        (Asked::Flow(flow), Told::Answer { state, inputs }) => plugin
            .onboarding_answer(context, flow, state, inputs)
            .await
            .map(|step| Answer::Flow(Box::new(step))),
        (asked, Told::Outcome { state, outcome }) => match asked {
            Asked::Message(message) => plugin
                .resume(context, message, state, outcome)
                .await
                .map(Answer::Sent),
            Asked::Media(request) => plugin
                .media_resume(context, request, state, outcome)
                .await
                .map(Answer::Media),
            Asked::Templates(request) => plugin
                .templates_resume(context, request, state, outcome)
                .await
                .map(Answer::Templates),
            Asked::Profile(request) => plugin
                .profile_resume(context, request, state, outcome)
                .await
                .map(Answer::Profile),
            Asked::Health => plugin
                .health_resume(context, state, outcome)
                .await
                .map(Answer::Health),
            Asked::Reconcile(message, sent_at_ms) => plugin
                .reconcile_resume(context, message, *sent_at_ms, state, outcome)
                .await
                .map(Answer::Reconciled),
            Asked::CatchUp(since_ms) => plugin
                .catch_up_resume(context, *since_ms, state, outcome)
                .await
                .map(Answer::CatchUp),
            Asked::Flow(flow) => plugin
                .onboarding_resume(context, flow, state, outcome)
                .await
                .map(|step| Answer::Flow(Box::new(step))),
            Asked::Webhook => anyhow::bail!("a webhook has no outcome"),
        },
        _ => anyhow::bail!("{} cannot be told this", seed.function),
    })
}
