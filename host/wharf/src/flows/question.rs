//! What a flow asks its plugin, first and after each outcome, for the interfaces that are two functions.

use wharf_core::provider::{
    CallContext, CatchUp, Exchange, HealthReport, Json, MediaAnswer, MediaRequest, OutboundMessage,
    Outcome, ProfileRequest, Reconciled, Step, TemplatesRequest, TemplatesStep,
};
use wharf_runtime::{CallError, Plugin};

/// The exchange that was performed and what became of it.
pub(super) struct After {
    pub(super) exchange: Box<Exchange>,
    pub(super) outcome: Outcome,
}

/// The two functions with what both are given: the first one begins, the other goes on `after` something.
pub(super) trait Question: Sync {
    type Answer: Send;

    fn ask(
        &self,
        plugin: &Plugin,
        context: &CallContext,
        after: Option<&After>,
    ) -> impl Future<Output = Result<Self::Answer, CallError>> + Send;
}

impl Question for MediaRequest {
    type Answer = Step<MediaAnswer>;

    async fn ask(
        &self,
        plugin: &Plugin,
        context: &CallContext,
        after: Option<&After>,
    ) -> Result<Self::Answer, CallError> {
        match after {
            None => plugin.media_start(context, self).await,
            Some(After { exchange, outcome }) => {
                let state = &exchange.state;
                plugin.media_resume(context, self, state, outcome).await
            }
        }
    }
}

impl Question for TemplatesRequest {
    type Answer = TemplatesStep;

    async fn ask(
        &self,
        plugin: &Plugin,
        context: &CallContext,
        after: Option<&After>,
    ) -> Result<Self::Answer, CallError> {
        match after {
            None => plugin.templates_start(context, self).await,
            Some(After { exchange, outcome }) => {
                let state = &exchange.state;
                plugin.templates_resume(context, self, state, outcome).await
            }
        }
    }
}

impl Question for ProfileRequest {
    type Answer = Step<Json>;

    async fn ask(
        &self,
        plugin: &Plugin,
        context: &CallContext,
        after: Option<&After>,
    ) -> Result<Self::Answer, CallError> {
        match after {
            None => plugin.profile_start(context, self).await,
            Some(After { exchange, outcome }) => {
                let state = &exchange.state;
                plugin.profile_resume(context, self, state, outcome).await
            }
        }
    }
}

/// What does the provider say of the account?
pub(super) struct Health;

impl Question for Health {
    type Answer = Step<HealthReport>;

    async fn ask(
        &self,
        plugin: &Plugin,
        context: &CallContext,
        after: Option<&After>,
    ) -> Result<Self::Answer, CallError> {
        match after {
            None => plugin.health_start(context).await,
            Some(After { exchange, outcome }) => {
                let state = &exchange.state;
                plugin.health_resume(context, state, outcome).await
            }
        }
    }
}

/// What became of a message that left then, Unix milliseconds?
pub(super) struct Lost<'a> {
    pub(super) message: &'a OutboundMessage,
    pub(super) sent_at_ms: u64,
}

impl Question for Lost<'_> {
    type Answer = Step<Reconciled>;

    async fn ask(
        &self,
        plugin: &Plugin,
        context: &CallContext,
        after: Option<&After>,
    ) -> Result<Self::Answer, CallError> {
        let (message, sent_at_ms) = (self.message, self.sent_at_ms);
        match after {
            None => plugin.reconcile_start(context, message, sent_at_ms).await,
            Some(After { exchange, outcome }) => {
                let state = &exchange.state;
                plugin
                    .reconcile_resume(context, message, sent_at_ms, state, outcome)
                    .await
            }
        }
    }
}

/// What came since then, Unix milliseconds?
pub(super) struct Missed {
    pub(super) since_ms: u64,
}

impl Question for Missed {
    type Answer = CatchUp;

    async fn ask(
        &self,
        plugin: &Plugin,
        context: &CallContext,
        after: Option<&After>,
    ) -> Result<Self::Answer, CallError> {
        match after {
            None => plugin.catch_up(context, self.since_ms).await,
            Some(After { exchange, outcome }) => {
                let state = &exchange.state;
                plugin
                    .catch_up_resume(context, self.since_ms, state, outcome)
                    .await
            }
        }
    }
}
