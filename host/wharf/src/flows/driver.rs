//! What every flow shares: its plugin, its actor, its limits, and the way an exchange is performed.

use std::time::Duration;

use tokio::time::Instant;
use wharf_core::provider::{CallContext, Exchange, Outcome, TransportFailure};
use wharf_runtime::{Interface, Plugin};

use super::FlowError;
use crate::app::App;
use crate::exchange::{self, Actor, NotPerformed, Unwritten};

/// What one flow may come to, with the keys of the configuration that say so.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    steps_max: u32,
    steps_key: &'static str,
    time_max: Duration,
    time_key: &'static str,
    delay_max: Duration,
}

impl Limits {
    pub(super) fn of_flow(app: &App) -> Self {
        let exchanges = &app.config.exchanges;
        Self {
            steps_max: exchanges.flow_steps_max,
            steps_key: "exchanges.flow_steps_max",
            time_max: Duration::from_millis(exchanges.flow_ms_max),
            time_key: "exchanges.flow_ms_max",
            delay_max: Duration::from_millis(exchanges.delay_ms_max),
        }
    }

    /// For what may need many pages.
    pub(super) fn of_sync(app: &App) -> Self {
        let exchanges = &app.config.exchanges;
        Self {
            steps_max: exchanges.sync_exchanges_max,
            steps_key: "exchanges.sync_exchanges_max",
            time_max: Duration::from_millis(exchanges.sync_ms_max),
            time_key: "exchanges.sync_ms_max",
            delay_max: Duration::from_millis(exchanges.delay_ms_max),
        }
    }
}

/// How far a flow has come.
#[derive(Clone, Copy)]
pub(super) struct Progress {
    steps: u32,
    began: Instant,
    /// When the last outcome came: pauses count from here.
    last: Instant,
}

impl Progress {
    pub(super) fn begin() -> Self {
        let now = Instant::now();
        Self {
            steps: 0,
            began: now,
            last: now,
        }
    }
}

pub(super) struct Driver<'a> {
    pub(super) app: &'a App,
    pub(super) plugin: &'a Plugin,
    pub(super) actor: &'a Actor,
    limits: Limits,
    progress: Progress,
}

impl<'a> Driver<'a> {
    /// Refuses at once when the plugin has not got the interface.
    pub(super) fn new(
        app: &'a App,
        plugin: &'a Plugin,
        actor: &'a Actor,
        interface: Interface,
        limits: Limits,
    ) -> Result<Self, FlowError> {
        if !plugin.has(interface) {
            return Err(FlowError::Unsupported {
                plugin: plugin.name().to_owned(),
                interface,
            });
        }
        Ok(Self::resumed(app, plugin, actor, limits, Progress::begin()))
    }

    /// Goes on where a flow is, for an actor whose settings have changed since.
    pub(super) fn resumed(
        app: &'a App,
        plugin: &'a Plugin,
        actor: &'a Actor,
        limits: Limits,
        progress: Progress,
    ) -> Self {
        Self {
            app,
            plugin,
            actor,
            limits,
            progress,
        }
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress
    }

    pub(super) fn context(&self) -> CallContext {
        self.actor.context(self.app)
    }

    /// Counts one step, of whatever kind.
    pub(super) fn step(&mut self) -> Result<(), FlowError> {
        self.progress.steps += 1;
        if self.progress.steps > self.limits.steps_max {
            return Err(FlowError::Steps {
                max: self.limits.steps_max,
                key: self.limits.steps_key,
            });
        }
        self.within(Duration::ZERO)
    }

    /// Performs one exchange. An exchange that began is never cut off by the flow's own time: it may
    /// bring a secret that is given out once.
    pub(super) async fn exchange(&mut self, exchange: &Exchange) -> Result<Outcome, FlowError> {
        self.step()?;
        let wished = Duration::from_millis(exchange.delay_ms.into()).min(self.limits.delay_max);
        let delay = wished.saturating_sub(self.progress.last.elapsed());
        self.within(delay)?;
        let performed = loop {
            let performed = exchange::perform(self.app, self.actor, exchange, delay, &Unwritten);
            match performed.await? {
                Ok(performed) => break performed,
                Err(NotPerformed::Closed { until_ms }) => {
                    let wait_ms = until_ms.saturating_sub(self.app.now_ms());
                    let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
                    self.within(wait)?;
                    tokio::time::sleep(wait).await;
                }
                Err(NotPerformed::Denied(source)) => {
                    tracing::warn!(plugin.name = self.plugin.name(), reason = %source, "an exchange of a flow was denied");
                    return Err(FlowError::Denied {
                        label: exchange.label.clone(),
                        source,
                    });
                }
            }
        };
        self.progress.last = Instant::now();
        if performed.outcome == Outcome::Failed(TransportFailure::BodyTooLarge) {
            self.actor.note_too_large();
        }
        Ok(performed.outcome)
    }

    fn within(&self, delay: Duration) -> Result<(), FlowError> {
        if self.progress.began.elapsed() + delay <= self.limits.time_max {
            return Ok(());
        }
        Err(FlowError::Time {
            max: u64::try_from(self.limits.time_max.as_millis()).unwrap_or(u64::MAX),
            key: self.limits.time_key,
        })
    }
}
