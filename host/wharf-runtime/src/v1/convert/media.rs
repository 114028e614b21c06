//! The interface `media`.

use wharf_core::provider::{MediaAnswer, MediaRequest, Step};

use super::super::bindings::exports::wharf::provider::media as guest;
use super::exchange::boxed;
use super::media_ref;
use super::message::media_ref_to_guest;

pub(in super::super) fn to_guest(request: &MediaRequest) -> guest::Request<'_> {
    match request {
        MediaRequest::Fetch(locator) => guest::Request::Fetch(locator),
        MediaRequest::Upload(media) => guest::Request::Upload(media_ref_to_guest(media)),
        MediaRequest::Delete(id) => guest::Request::Delete(id),
    }
}

pub(in super::super) fn from_guest(progress: guest::Progress) -> Step<MediaAnswer> {
    match progress {
        guest::Progress::Exchange(exchange) => Step::Exchange(boxed(exchange)),
        guest::Progress::Done(answer) => Step::Done(match answer {
            guest::Answer::Fetched(media) => MediaAnswer::Fetched(media_ref(media)),
            guest::Answer::Uploaded(id) => MediaAnswer::Uploaded(id),
            guest::Answer::Deleted => MediaAnswer::Deleted,
        }),
    }
}
