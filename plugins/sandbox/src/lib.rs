//! A provider inside the gateway: accepts whatever can be written as JSON and plays statuses by script, so
//! that anybody can try the gateway without an account anywhere. The host answers for its address.

mod account;
mod ask;
mod bounded;
mod content;
mod descriptor;
mod failure;
mod media;
mod onboarding;
mod reconcile;
mod send;
mod webhook;

use wharf_plugin::prelude::*;

/// The provider.
pub struct Sandbox;

impl Provider for Sandbox {
    fn describe() -> Descriptor {
        descriptor::descriptor()
    }

    fn start(ctx: &Context, message: &Message) -> Result<Progress, Error> {
        Ok(send::start(ctx, message))
    }

    fn resume(_: &Context, _: &Message, _: &[u8], outcome: Outcome) -> Result<Progress, Error> {
        send::resume(outcome)
    }

    fn parse(_: &Context, webhook: &Webhook, skip: u32) -> Result<Parsed, Error> {
        webhook::parse(webhook, skip)
    }
}

wharf_plugin::export_provider!(
    Sandbox, media, onboarding, templates, health, reconcile, profile
);
