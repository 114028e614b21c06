//! The trait a plugin implements and the macro that exports it. Knows the canonical ABI only through
//! the generated bindings.

use std::marker::PhantomData;

use crate::bindings::exports::wharf::provider::{inbound, manifest, outbound};
use crate::errors::{Code, Error, Retry};
use crate::inbound::{Parsed, Webhook};
use crate::manifest::Descriptor;
use crate::messages::Message;
use crate::outbound::Progress;
use crate::types::{Context, Outcome};

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

/// Joins a [`Provider`] to the generated export traits.
#[doc(hidden)]
pub struct Adapter<P>(PhantomData<P>);

impl<P: Provider> manifest::Guest for Adapter<P> {
    fn describe() -> Descriptor {
        P::describe()
    }
}

impl<P: Provider> outbound::Guest for Adapter<P> {
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

impl<P: Provider> inbound::Guest for Adapter<P> {
    fn parse(ctx: Context, webhook: Webhook, skip: u32) -> Result<Parsed, Error> {
        P::parse(&ctx, &webhook, skip)
    }
}

/// Export a [`Provider`] from this component. Does nothing on native targets, so that the plugin's
/// tests need no wasm toolchain.
#[macro_export]
macro_rules! export_provider {
    ($provider:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::Adapter<$provider>;
    $crate::bindings::export_bindings!(Component with_types_in $crate::bindings);
        };
    };
}
