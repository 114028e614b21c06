//! Meta's WhatsApp Cloud API on the Graph API, as a Wharf provider.
//!
//! Pure functions over plain data; [`Graph`] joins them. Which answer means what is the table in `codes`.

mod codes;
mod descriptor;
mod echo;
mod failure;
mod json;
mod message;
mod send;
mod status;
mod webhook;

use wharf_plugin::prelude::*;

pub use codes::{ROWS, Row, Slow};

/// The provider.
pub struct Graph;

impl Provider for Graph {
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

wharf_plugin::export_provider!(Graph);
