//! The traits a plugin implements: one for what every provider does, one for each optional interface.

use crate::errors::{Code, Error, Retry};
use crate::inbound::{Parsed, Webhook};
use crate::manifest::Descriptor;
use crate::messages::Message;
use crate::outbound::Progress;
use crate::types::{Context, Outcome};
use crate::{health, media, onboarding, profile, reconcile, templates};

/// A provider of WhatsApp messaging, as pure functions.
///
/// Every call runs in a fresh instance: what is kept between calls is only the exchange's `state`.
pub trait Provider {
    /// What this plugin is and wants. Must be constant.
    fn describe() -> Descriptor;

    /// The first step of sending a message: usually one exchange.
    ///
    /// # Errors
    /// What this provider cannot or will not take; the message is then refused before it is stored.
    fn start(ctx: &Context, message: &Message) -> Result<Progress, Error>;

    /// Continue after the outcome of the last exchange.
    ///
    /// # Errors
    /// What the provider answered, mapped to the closed list of codes.
    fn resume(
        ctx: &Context,
        message: &Message,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        let (_, _, _, _) = (ctx, message, state, outcome);
        Err(Error::new(
            Code::Misconfigured,
            Retry::Never,
            "the plugin asked for an exchange but does not implement `resume`",
        ))
    }

    /// Read one webhook that the host has already authenticated. Must be total: what is not understood
    /// becomes `Event::Other`, and items before `skip` are left out.
    ///
    /// # Errors
    /// Only for a body that is not what the provider sends at all; the host keeps it.
    fn parse(ctx: &Context, webhook: &Webhook, skip: u32) -> Result<Parsed, Error> {
        let (_, _) = (ctx, skip);
        Err(Error::new(
            Code::Unsupported,
            Retry::Never,
            format!(
                "the plugin reads no webhooks, but `{}` was called",
                webhook.name
            ),
        ))
    }
}

/// Optional: fetch media that an inbound message names, upload and delete media.
pub trait MediaProvider: Provider {
    /// The first step.
    ///
    /// # Errors
    /// What this provider cannot do.
    fn media_start(ctx: &Context, request: &media::Request) -> Result<media::Progress, Error>;

    /// Continue after an outcome.
    ///
    /// # Errors
    /// What the provider answered.
    fn media_resume(
        ctx: &Context,
        request: &media::Request,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<media::Progress, Error>;
}

/// Optional: the message templates that the provider knows.
pub trait TemplateProvider: Provider {
    /// The first step.
    ///
    /// # Errors
    /// What this provider cannot do.
    fn templates_start(
        ctx: &Context,
        request: &templates::Request,
    ) -> Result<templates::Progress, Error>;

    /// Continue after an outcome.
    ///
    /// # Errors
    /// What the provider answered.
    fn templates_resume(
        ctx: &Context,
        request: &templates::Request,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<templates::Progress, Error>;
}

/// Optional: what the provider says of an account and its number.
pub trait HealthProvider: Provider {
    /// The first step.
    ///
    /// # Errors
    /// What keeps the question from being asked.
    fn health_start(ctx: &Context) -> Result<health::Progress, Error>;

    /// Continue after an outcome.
    ///
    /// # Errors
    /// What the provider answered, where it is no finding about the account.
    fn health_resume(
        ctx: &Context,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<health::Progress, Error>;
}

/// Optional: what became of a message whose answer was lost, and what came while nobody listened.
pub trait ReconcileProvider: Provider {
    /// Ask for one message.
    ///
    /// # Errors
    /// What keeps the question from being asked.
    fn reconcile_start(
        ctx: &Context,
        message: &Message,
        sent_at: u64,
    ) -> Result<reconcile::Progress, Error>;

    /// Continue after an outcome.
    ///
    /// # Errors
    /// What the provider answered.
    fn reconcile_resume(
        ctx: &Context,
        message: &Message,
        sent_at: u64,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<reconcile::Progress, Error>;

    /// Ask for all that happened since a moment.
    ///
    /// # Errors
    /// What keeps the question from being asked.
    fn catch_up(ctx: &Context, since: u64) -> Result<reconcile::CatchUpProgress, Error>;

    /// Continue after an outcome.
    ///
    /// # Errors
    /// What the provider answered.
    fn catch_up_resume(
        ctx: &Context,
        since: u64,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<reconcile::CatchUpProgress, Error>;
}

/// Optional: the public profile of a sending number.
pub trait ProfileProvider: Provider {
    /// The first step.
    ///
    /// # Errors
    /// What this provider cannot do.
    fn profile_start(ctx: &Context, request: &profile::Request)
    -> Result<profile::Progress, Error>;

    /// Continue after an outcome.
    ///
    /// # Errors
    /// What the provider answered.
    fn profile_resume(
        ctx: &Context,
        request: &profile::Request,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<profile::Progress, Error>;
}

/// Optional: flows that an operator starts, such as connecting a number.
pub trait OnboardingProvider: Provider {
    /// The first step of a flow that the descriptor names.
    ///
    /// # Errors
    /// What keeps the flow from beginning.
    fn onboarding_start(
        ctx: &Context,
        flow: &str,
        inputs: &[(String, String)],
    ) -> Result<onboarding::Progress, Error>;

    /// Continue after an outcome.
    ///
    /// # Errors
    /// What ends the flow.
    fn onboarding_resume(
        ctx: &Context,
        flow: &str,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<onboarding::Progress, Error>;

    /// Continue after a person's answers, a visit's return, a wait or a minted secret.
    ///
    /// # Errors
    /// What ends the flow.
    fn onboarding_answer(
        ctx: &Context,
        flow: &str,
        state: &[u8],
        inputs: &[(String, Vec<String>)],
    ) -> Result<onboarding::Progress, Error>;
}
