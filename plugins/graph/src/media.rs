//! The interface `media`, which is the Cloud API's.

use wharf_cloud_api::media;
use wharf_plugin::MediaProvider;
use wharf_plugin::media::{Progress, Request};
use wharf_plugin::prelude::{Context, Error, Outcome};

use crate::Graph;
use crate::api::GraphApi;

impl MediaProvider for Graph {
    fn media_start(ctx: &Context, request: &Request) -> Result<Progress, Error> {
        media::start(&GraphApi::of_channel(ctx)?, request)
    }

    fn media_resume(
        ctx: &Context,
        request: &Request,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        media::resume(&GraphApi::of_channel(ctx)?, request, state, outcome)
    }
}
