//! Calls of the optional interfaces. Each ends in [`CallError::NoInterface`] when the plugin has not got
//! its interface, before an instance is made.

use wharf_core::provider::{
    CallContext, CatchUp, FlowProgress, HealthReport, Json, MediaAnswer, MediaRequest,
    OutboundMessage, Outcome, ProfileRequest, Reconciled, Step, TemplatesRequest, TemplatesStep,
};

use super::Plugin;
use crate::error::CallError;
use crate::limits::Export;
use crate::output;
use crate::v1;

impl Plugin {
    /// Fetches, uploads or deletes media.
    pub async fn media_start(
        &self,
        context: &CallContext,
        request: &MediaRequest,
    ) -> Result<Step<MediaAnswer>, CallError> {
        by_share!(self => plugin, [context, request] {
            let call = plugin.call(Export::MediaStart);
            let step = v1::media::start(&call, context, request).await?;
            output::media(&step, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(step)
        })
    }

    /// Goes on with the outcome of an exchange of [`Self::media_start`].
    pub async fn media_resume(
        &self,
        context: &CallContext,
        request: &MediaRequest,
        state: &[u8],
        outcome: &Outcome,
    ) -> Result<Step<MediaAnswer>, CallError> {
        by_share!(self => plugin, [context, request, state, outcome] {
            let call = plugin.call(Export::MediaResume);
            let step = v1::media::resume(&call, context, request, state, outcome).await?;
            output::media(&step, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(step)
        })
    }

    /// Lists, creates, edits or deletes message templates.
    pub async fn templates_start(
        &self,
        context: &CallContext,
        request: &TemplatesRequest,
    ) -> Result<TemplatesStep, CallError> {
        by_share!(self => plugin, [context, request] {
            let call = plugin.call(Export::TemplatesStart);
            let step = v1::templates::start(&call, context, request).await?;
            output::templates(&step, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(step)
        })
    }

    /// Goes on with the outcome of an exchange of [`Self::templates_start`].
    pub async fn templates_resume(
        &self,
        context: &CallContext,
        request: &TemplatesRequest,
        state: &[u8],
        outcome: &Outcome,
    ) -> Result<TemplatesStep, CallError> {
        by_share!(self => plugin, [context, request, state, outcome] {
            let call = plugin.call(Export::TemplatesResume);
            let step = v1::templates::resume(&call, context, request, state, outcome).await?;
            output::templates(&step, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(step)
        })
    }

    /// Asks how an account is.
    pub async fn health_start(
        &self,
        context: &CallContext,
    ) -> Result<Step<HealthReport>, CallError> {
        by_share!(self => plugin, [context] {
            let call = plugin.call(Export::HealthStart);
            let step = v1::health::start(&call, context).await?;
            output::health(&step, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(step)
        })
    }

    /// Goes on with the outcome of an exchange of [`Self::health_start`].
    pub async fn health_resume(
        &self,
        context: &CallContext,
        state: &[u8],
        outcome: &Outcome,
    ) -> Result<Step<HealthReport>, CallError> {
        by_share!(self => plugin, [context, state, outcome] {
            let call = plugin.call(Export::HealthResume);
            let step = v1::health::resume(&call, context, state, outcome).await?;
            output::health(&step, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(step)
        })
    }

    /// Reads or writes the public profile of a number.
    pub async fn profile_start(
        &self,
        context: &CallContext,
        request: &ProfileRequest,
    ) -> Result<Step<Json>, CallError> {
        by_share!(self => plugin, [context, request] {
            let call = plugin.call(Export::ProfileStart);
            let step = v1::profile::start(&call, context, request).await?;
            output::profile(&step, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(step)
        })
    }

    /// Goes on with the outcome of an exchange of [`Self::profile_start`].
    pub async fn profile_resume(
        &self,
        context: &CallContext,
        request: &ProfileRequest,
        state: &[u8],
        outcome: &Outcome,
    ) -> Result<Step<Json>, CallError> {
        by_share!(self => plugin, [context, request, state, outcome] {
            let call = plugin.call(Export::ProfileResume);
            let step = v1::profile::resume(&call, context, request, state, outcome).await?;
            output::profile(&step, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(step)
        })
    }

    /// Asks what became of a message whose answer was lost.
    pub async fn reconcile_start(
        &self,
        context: &CallContext,
        message: &OutboundMessage,
        sent_at_ms: u64,
    ) -> Result<Step<Reconciled>, CallError> {
        by_share!(self => plugin, [context, message] {
            let call = plugin.call(Export::ReconcileStart);
            let step = v1::reconcile::start(&call, context, message, sent_at_ms).await?;
            output::reconciled(&step, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(step)
        })
    }

    /// Goes on with the outcome of an exchange of [`Self::reconcile_start`].
    pub async fn reconcile_resume(
        &self,
        context: &CallContext,
        message: &OutboundMessage,
        sent_at_ms: u64,
        state: &[u8],
        outcome: &Outcome,
    ) -> Result<Step<Reconciled>, CallError> {
        by_share!(self => plugin, [context, message, state, outcome] {
            let call = plugin.call(Export::ReconcileResume);
            let step =
                v1::reconcile::resume(&call, context, message, sent_at_ms, state, outcome).await?;
            output::reconciled(&step, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(step)
        })
    }

    /// Brings in what the provider received since then, page by page.
    pub async fn catch_up(
        &self,
        context: &CallContext,
        since_ms: u64,
    ) -> Result<CatchUp, CallError> {
        by_share!(self => plugin, [context] {
            let call = plugin.call(Export::CatchUp);
            let step = v1::reconcile::catch_up(&call, context, since_ms).await?;
            output::catch_up(&step, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(step)
        })
    }

    /// Goes on with the outcome of an exchange of [`Self::catch_up`].
    pub async fn catch_up_resume(
        &self,
        context: &CallContext,
        since_ms: u64,
        state: &[u8],
        outcome: &Outcome,
    ) -> Result<CatchUp, CallError> {
        by_share!(self => plugin, [context, state, outcome] {
            let call = plugin.call(Export::CatchUpResume);
            let step = v1::reconcile::catch_up_resume(&call, context, since_ms, state, outcome).await?;
            output::catch_up(&step, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(step)
        })
    }

    /// Begins a flow of the description with the inputs it asks for; secrets are not among them.
    pub async fn onboarding_start(
        &self,
        context: &CallContext,
        flow: &str,
        inputs: &[(String, String)],
    ) -> Result<FlowProgress, CallError> {
        by_share!(self => plugin, [context, flow, inputs] {
            let call = plugin.call(Export::OnboardingStart);
            let step = v1::onboarding::start(&call, context, flow, inputs).await?;
            output::onboarding(&step, flow, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(step)
        })
    }

    /// Goes on with the outcome of an exchange of a flow.
    pub async fn onboarding_resume(
        &self,
        context: &CallContext,
        flow: &str,
        state: &[u8],
        outcome: &Outcome,
    ) -> Result<FlowProgress, CallError> {
        by_share!(self => plugin, [context, flow, state, outcome] {
            let call = plugin.call(Export::OnboardingResume);
            let step = v1::onboarding::resume(&call, context, flow, state, outcome).await?;
            output::onboarding(&step, flow, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(step)
        })
    }

    /// Goes on after a question or a visit with what came back, or after a wait or a mint with nothing.
    pub async fn onboarding_answer(
        &self,
        context: &CallContext,
        flow: &str,
        state: &[u8],
        inputs: &[(String, Vec<String>)],
    ) -> Result<FlowProgress, CallError> {
        by_share!(self => plugin, [context, flow, state, inputs] {
            let call = plugin.call(Export::OnboardingAnswer);
            let step = v1::onboarding::answer(&call, context, flow, state, inputs).await?;
            output::onboarding(&step, flow, &plugin.rules()).map_err(|what| call.invalid(what))?;
            Ok(step)
        })
    }
}
