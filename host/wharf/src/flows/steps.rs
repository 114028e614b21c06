//! Flows that end in one result: media, health, profile, reconcile.

use wharf_core::provider::{
    CallContext, HealthReport, Json, MediaAnswer, MediaRequest, OutboundMessage, Outcome,
    ProfileRequest, Reconciled, Step,
};
use wharf_runtime::{CallError, Plugin};

use super::FlowError;
use super::driver::Driver;

type Stepped<T> = Result<Step<T>, CallError>;

/// The two functions of such an interface, with what both are given.
pub(super) trait Steps: Sync {
    type End: Send;

    fn start(
        &self,
        plugin: &Plugin,
        context: &CallContext,
    ) -> impl Future<Output = Stepped<Self::End>> + Send;

    fn resume(
        &self,
        plugin: &Plugin,
        context: &CallContext,
        state: &[u8],
        outcome: &Outcome,
    ) -> impl Future<Output = Stepped<Self::End>> + Send;
}

pub(super) async fn run<S: Steps>(mut driver: Driver<'_>, flow: &S) -> Result<S::End, FlowError> {
    let mut step = flow.start(driver.plugin, &driver.context()).await?;
    loop {
        let exchange = match step {
            Step::Done(end) => return Ok(end),
            Step::Exchange(exchange) => exchange,
        };
        let outcome = driver.exchange(&exchange).await?;
        let context = driver.context();
        step = flow
            .resume(driver.plugin, &context, &exchange.state, &outcome)
            .await?;
    }
}

pub(super) struct OfMedia<'a>(pub(super) &'a MediaRequest);

impl Steps for OfMedia<'_> {
    type End = MediaAnswer;

    async fn start(&self, plugin: &Plugin, context: &CallContext) -> Stepped<MediaAnswer> {
        plugin.media_start(context, self.0).await
    }

    async fn resume(
        &self,
        plugin: &Plugin,
        context: &CallContext,
        state: &[u8],
        outcome: &Outcome,
    ) -> Stepped<MediaAnswer> {
        plugin.media_resume(context, self.0, state, outcome).await
    }
}

pub(super) struct OfHealth;

impl Steps for OfHealth {
    type End = HealthReport;

    async fn start(&self, plugin: &Plugin, context: &CallContext) -> Stepped<HealthReport> {
        plugin.health_start(context).await
    }

    async fn resume(
        &self,
        plugin: &Plugin,
        context: &CallContext,
        state: &[u8],
        outcome: &Outcome,
    ) -> Stepped<HealthReport> {
        plugin.health_resume(context, state, outcome).await
    }
}

pub(super) struct OfProfile<'a>(pub(super) &'a ProfileRequest);

impl Steps for OfProfile<'_> {
    type End = Json;

    async fn start(&self, plugin: &Plugin, context: &CallContext) -> Stepped<Json> {
        plugin.profile_start(context, self.0).await
    }

    async fn resume(
        &self,
        plugin: &Plugin,
        context: &CallContext,
        state: &[u8],
        outcome: &Outcome,
    ) -> Stepped<Json> {
        plugin.profile_resume(context, self.0, state, outcome).await
    }
}

pub(super) struct OfReconcile<'a> {
    pub(super) message: &'a OutboundMessage,
    pub(super) sent_at_ms: u64,
}

impl Steps for OfReconcile<'_> {
    type End = Reconciled;

    async fn start(&self, plugin: &Plugin, context: &CallContext) -> Stepped<Reconciled> {
        plugin
            .reconcile_start(context, self.message, self.sent_at_ms)
            .await
    }

    async fn resume(
        &self,
        plugin: &Plugin,
        context: &CallContext,
        state: &[u8],
        outcome: &Outcome,
    ) -> Stepped<Reconciled> {
        plugin
            .reconcile_resume(context, self.message, self.sent_at_ms, state, outcome)
            .await
    }
}
