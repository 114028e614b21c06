//! Acme's messaging API as a Wharf provider.
//!
//! Pure functions over plain values: nothing here opens a connection, reads a clock or sees a secret.

mod descriptor;
mod failure;
mod send;
mod webhook;

use wharf_plugin::prelude::*;

/// The provider.
pub struct Acme;

impl Provider for Acme {
    fn describe() -> Descriptor {
        descriptor::descriptor()
    }

    fn start(ctx: &Context, message: &Message) -> Result<Progress, Error> {
        send::start(ctx, message)
    }

    fn resume(_: &Context, _: &Message, _: &[u8], outcome: Outcome) -> Result<Progress, Error> {
        send::resume(outcome)
    }

    fn parse(_: &Context, webhook: &Webhook, skip: u32) -> Result<Parsed, Error> {
        webhook::parse(webhook, skip)
    }
}

// An optional interface is added by its name: `export_provider!(Acme, health)`, and its trait.
wharf_plugin::export_provider!(Acme);
