//! Twilio's WhatsApp API, as a Wharf provider.
//!
//! Pure functions over plain data; [`Twilio`] joins them. Messages are forms to the Messages resource; what
//! WhatsApp calls interactive, and every template, is a resource of the Content API first.

mod account;
mod admin;
mod ask;
mod codes;
mod content;
mod definition;
mod descriptor;
mod failure;
mod form;
mod health;
mod inbound;
mod interactive;
mod media;
mod moment;
mod onboarding;
mod other;
mod plain;
mod profile;
mod reconcile;
mod send;
mod senders;
mod template;
mod templates;
mod variables;

use wharf_plugin::prelude::*;

/// The provider.
pub struct Twilio;

impl Provider for Twilio {
    fn describe() -> Descriptor {
        admin::extend(descriptor::descriptor())
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

    fn parse(_: &Context, webhook: &Webhook, skip: u32) -> Result<Parsed, Error> {
        inbound::parse(webhook, skip)
    }
}

wharf_plugin::export_provider!(
    Twilio, media, onboarding, templates, health, reconcile, profile
);
