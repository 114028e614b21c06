//! 360dialog as a Wharf provider: Meta's Cloud API under 360dialog's hosts, keys and words.
//!
//! Messages, media and webhooks are those of `wharf-cloud-api`. What is 360dialog's own stands here: where
//! requests go and what proves them, the three shapes of its refusals, its partner's onboarding, its
//! templates and its health.

mod address;
mod descriptor;
mod failure;
mod health;
mod kinds;
mod media;
mod number;
mod onboarding;
mod partner;
mod profile;
mod templates;

use wharf_cloud_api::outbound;
use wharf_cloud_api::webhook::{self, Dialect};
use wharf_plugin::prelude::*;

use crate::number::Number;

/// The provider.
pub struct Dialog360;

impl Provider for Dialog360 {
    fn describe() -> Descriptor {
        descriptor::descriptor()
    }

    fn start(_: &Context, message: &Message) -> Result<Progress, Error> {
        outbound::start(&Number, message)
    }

    fn resume(
        _: &Context,
        message: &Message,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        outbound::resume(&Number, message, state, outcome)
    }

    fn parse(_: &Context, webhook: &Webhook, skip: u32) -> Result<Parsed, Error> {
        match webhook.name.as_str() {
            descriptor::PARTNER => partner::parse(webhook, skip),
            _ => webhook::parse(webhook, skip, &Dialect::META),
        }
    }
}

wharf_plugin::export_provider!(Dialog360, media, onboarding, templates, health, profile);
