//! Meta's WhatsApp Cloud API on the Graph API, as a Wharf provider.
//!
//! Pure functions over plain data; [`Graph`] joins them. What others that speak the Cloud API share is in
//! `wharf-cloud-api`.

mod call;
mod descriptor;
mod health;
mod onboarding;
mod profile;
mod send;
mod templates;
mod token;
mod upload;

use wharf_cloud_api::webhook;
use wharf_plugin::prelude::*;

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

wharf_plugin::export_provider!(Graph, onboarding, templates, health, profile);
