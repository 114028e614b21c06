//! The interface `media`: `wharf-cloud-api`'s, with 360dialog's patience.

use wharf_cloud_api::media;
use wharf_plugin::MediaProvider;
use wharf_plugin::media::{Progress, Request};
use wharf_plugin::prelude::*;
use wharf_plugin::types::Bucket;

use crate::Dialog360;
use crate::descriptor::FETCHES;
use crate::number::Number;

/// More than 20 error answers to media requests in 60 minutes block the number's media for 30 minutes. One
/// every three minutes stays below. Source: https://docs.360dialog.com/docs/messaging-api
const FETCH_PAUSE_MS: u64 = 60 * 60_000 / 20;

impl MediaProvider for Dialog360 {
    fn media_start(_: &Context, request: &Request) -> Result<Progress, Error> {
        media::start(&Number, request)
    }

    fn media_resume(
        _: &Context,
        request: &Request,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        let answered = matches!(outcome, Outcome::Response(_));
        media::resume(&Number, request, state, outcome).map_err(|error| match request {
            Request::Fetch(_) if answered => patient(error),
            _ => error,
        })
    }
}

/// An error answer to a fetch that would be repeated: not before it can do no harm.
fn patient(mut error: Error) -> Error {
    let wait_ms = match error.retry {
        Retry::Backoff => FETCH_PAUSE_MS,
        Retry::AfterMs(wait_ms) => wait_ms.max(FETCH_PAUSE_MS),
        _ => return error,
    };
    error.retry = Retry::AfterMs(wait_ms);
    error.pause(Bucket::Named(FETCHES.to_owned()), wait_ms)
}
