//! Meta's WhatsApp Cloud API on the Graph API, as a Wharf provider.
//!
//! Pure functions over plain data; [`Graph`] joins them. What others that speak the Cloud API share is in
//! `wharf-cloud-api`.

mod api;
mod call;
mod descriptor;
mod health;
mod media;
mod onboarding;
mod profile;
mod templates;
mod token;
mod upload;

use api::GraphApi;
use wharf_cloud_api::outbound;
use wharf_cloud_api::webhook::{self, Dialect};
use wharf_plugin::prelude::*;

/// The provider.
pub struct Graph;

impl Provider for Graph {
    fn describe() -> Descriptor {
        descriptor::descriptor()
    }

    fn start(ctx: &Context, message: &Message) -> Result<Progress, Error> {
        outbound::start(&GraphApi::of_message(ctx, message)?, message)
    }

    fn resume(
        ctx: &Context,
        message: &Message,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        let api = GraphApi::of_message(ctx, message)?;
        outbound::resume(&api, message, state, outcome)
    }

    fn parse(_: &Context, webhook: &Webhook, skip: u32) -> Result<Parsed, Error> {
        webhook::parse(webhook, skip, &Dialect::META)
    }
}

wharf_plugin::export_provider!(Graph, media, onboarding, templates, health, profile);
