//! Twilio's WhatsApp API, as a Wharf provider.
//!
//! Pure functions over plain data; [`Twilio`] joins them. Messages are forms to the Messages resource; what
//! WhatsApp calls interactive, and every template, is a resource of the Content API first.

mod account;
mod codes;
mod content;
mod definition;
mod descriptor;
mod failure;
mod form;
mod interactive;
mod media;
mod other;
mod plain;
mod send;
mod template;
mod variables;

use wharf_plugin::prelude::*;

/// The provider.
pub struct Twilio;

impl Provider for Twilio {
    fn describe() -> Descriptor {
        descriptor::descriptor()
    }

    fn start(ctx: &Context, message: &Message) -> Result<Progress, Error> {
        send::start(ctx, message)
    }

    fn resume(
        ctx: &Context,
        message: &Message,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        send::resume(ctx, message, state, outcome)
    }
}

wharf_plugin::export_provider!(Twilio, media);
