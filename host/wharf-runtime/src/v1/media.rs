//! `media`: media fetched, uploaded and deleted.

use bumpalo::Bump;
use wharf_core::provider::{CallContext, MediaAnswer, MediaRequest, Outcome, Step};

use super::bindings::exports::wharf::provider::media as guest;
use super::bindings::wharf::provider::errors::Error;
use super::bindings::wharf::provider::types::{Context, Outcome as GuestOutcome};
use super::convert::media::{from_guest, to_guest};
use super::convert::message::{context_to_guest, outcome_to_guest};
use super::exports::Pair;
use super::function::{Signature, signature};
use crate::call::Call;
use crate::error::CallError;
use crate::interface::Interface;

pub(super) const NAME: &str = "wharf:provider/media@1.0.0";

pub(crate) type Functions = Pair<Start, Resume>;

signature!(Start, "start", <'a>(Context<'a>, guest::Request<'a>) -> Result<guest::Progress, Error>);
signature!(Resume, "resume", <'a>(Context<'a>, guest::Request<'a>, &'a [u8], GuestOutcome<'a>) -> Result<guest::Progress, Error>);

fn functions<'a>(call: &Call<'a>) -> Option<&'a Functions> {
    call.code.exports.media.as_ref()
}

pub(crate) async fn start(
    call: &Call<'_>,
    context: &CallContext,
    request: &MediaRequest,
) -> Result<Step<MediaAnswer>, CallError> {
    let functions = functions(call).ok_or_else(|| call.missing(Interface::Media))?;
    let arena = Bump::new();
    let params: <Start as Signature>::Params<'_> =
        (context_to_guest(&arena, context), to_guest(request));
    super::ask(call, &functions.start, params)
        .await
        .map(from_guest)
}

pub(crate) async fn resume(
    call: &Call<'_>,
    context: &CallContext,
    request: &MediaRequest,
    state: &[u8],
    outcome: &Outcome,
) -> Result<Step<MediaAnswer>, CallError> {
    let functions = functions(call).ok_or_else(|| call.missing(Interface::Media))?;
    let arena = Bump::new();
    let params: <Resume as Signature>::Params<'_> = (
        context_to_guest(&arena, context),
        to_guest(request),
        state,
        outcome_to_guest(&arena, outcome),
    );
    super::ask(call, &functions.resume, params)
        .await
        .map(from_guest)
}
