//! Joins the traits of plugins to the generated export traits. Knows the canonical ABI only through the
//! bindings.

use std::marker::PhantomData;

use crate::bindings::exports::wharf::provider as exports;
use crate::errors::Error;
use crate::inbound::{Parsed, Webhook};
use crate::manifest::Descriptor;
use crate::messages::Message;
use crate::outbound::Progress;
use crate::provider::{
    HealthProvider, MediaProvider, OnboardingProvider, ProfileProvider, Provider,
    ReconcileProvider, TemplateProvider,
};
use crate::types::{Context, Outcome};
use crate::{health, media, onboarding, profile, reconcile, templates};

/// A plugin as the bindings want it.
#[doc(hidden)]
pub struct Adapter<P>(PhantomData<P>);

/// Natively what the export macro leaves of an interface: whether the plugin implements its trait.
#[doc(hidden)]
pub mod implements {
    use super::*;

    pub fn provider<P: Provider>() {}
    pub fn media<P: MediaProvider>() {}
    pub fn onboarding<P: OnboardingProvider>() {}
    pub fn templates<P: TemplateProvider>() {}
    pub fn health<P: HealthProvider>() {}
    pub fn reconcile<P: ReconcileProvider>() {}
    pub fn profile<P: ProfileProvider>() {}
}

impl<P: Provider> exports::manifest::Guest for Adapter<P> {
    fn describe() -> Descriptor {
        P::describe()
    }
}

impl<P: Provider> exports::outbound::Guest for Adapter<P> {
    fn start(ctx: Context, message: Message) -> Result<Progress, Error> {
        P::start(&ctx, &message)
    }

    fn resume(
        ctx: Context,
        message: Message,
        state: Vec<u8>,
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        P::resume(&ctx, &message, &state, outcome)
    }
}

impl<P: Provider> exports::inbound::Guest for Adapter<P> {
    fn parse(ctx: Context, webhook: Webhook, skip: u32) -> Result<Parsed, Error> {
        P::parse(&ctx, &webhook, skip)
    }
}

/// The interfaces whose two functions take a request.
macro_rules! adapt_requests {
    ($($interface:ident: $provider:ident, $start:ident, $resume:ident;)*) => {$(
        impl<P: $provider> exports::$interface::Guest for Adapter<P> {
            fn start(
                ctx: Context,
                request: $interface::Request,
            ) -> Result<$interface::Progress, Error> {
                P::$start(&ctx, &request)
            }

            fn resume(
                ctx: Context,
                request: $interface::Request,
                state: Vec<u8>,
                outcome: Outcome,
            ) -> Result<$interface::Progress, Error> {
                P::$resume(&ctx, &request, &state, outcome)
            }
        }
    )*};
}

adapt_requests! {
    media: MediaProvider, media_start, media_resume;
    templates: TemplateProvider, templates_start, templates_resume;
    profile: ProfileProvider, profile_start, profile_resume;
}

impl<P: HealthProvider> exports::health::Guest for Adapter<P> {
    fn start(ctx: Context) -> Result<health::Progress, Error> {
        P::health_start(&ctx)
    }

    fn resume(ctx: Context, state: Vec<u8>, outcome: Outcome) -> Result<health::Progress, Error> {
        P::health_resume(&ctx, &state, outcome)
    }
}

impl<P: ReconcileProvider> exports::reconcile::Guest for Adapter<P> {
    fn start(ctx: Context, message: Message, sent_at: u64) -> Result<reconcile::Progress, Error> {
        P::reconcile_start(&ctx, &message, sent_at)
    }

    fn resume(
        ctx: Context,
        message: Message,
        sent_at: u64,
        state: Vec<u8>,
        outcome: Outcome,
    ) -> Result<reconcile::Progress, Error> {
        P::reconcile_resume(&ctx, &message, sent_at, &state, outcome)
    }

    fn catch_up(ctx: Context, since: u64) -> Result<reconcile::CatchUpProgress, Error> {
        P::catch_up(&ctx, since)
    }

    fn catch_up_resume(
        ctx: Context,
        since: u64,
        state: Vec<u8>,
        outcome: Outcome,
    ) -> Result<reconcile::CatchUpProgress, Error> {
        P::catch_up_resume(&ctx, since, &state, outcome)
    }
}

impl<P: OnboardingProvider> exports::onboarding::Guest for Adapter<P> {
    fn start(
        ctx: Context,
        flow: String,
        inputs: Vec<(String, String)>,
    ) -> Result<onboarding::Progress, Error> {
        P::onboarding_start(&ctx, &flow, &inputs)
    }

    fn resume(
        ctx: Context,
        flow: String,
        state: Vec<u8>,
        outcome: Outcome,
    ) -> Result<onboarding::Progress, Error> {
        P::onboarding_resume(&ctx, &flow, &state, outcome)
    }

    fn answer(
        ctx: Context,
        flow: String,
        state: Vec<u8>,
        inputs: Vec<(String, Vec<String>)>,
    ) -> Result<onboarding::Progress, Error> {
        P::onboarding_answer(&ctx, &flow, &state, &inputs)
    }
}
