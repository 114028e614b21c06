//! `profile`: the public profile of a number.

use bumpalo::Bump;
use wharf_core::provider::{CallContext, Json, Outcome, ProfileRequest, Step};

use super::bindings::exports::wharf::provider::profile as guest;
use super::bindings::wharf::provider::errors::Error;
use super::bindings::wharf::provider::types::{Context, Outcome as GuestOutcome};
use super::convert::message::{context_to_guest, outcome_to_guest};
use super::convert::reports::{profile_from_guest, profile_to_guest};
use super::exports::Pair;
use super::function::{Signature, signature};
use crate::call::Call;
use crate::error::CallError;
use crate::interface::Interface;

pub(super) const NAME: &str = "wharf:provider/profile@1.0.0";

pub(crate) type Functions = Pair<Start, Resume>;

signature!(Start, "start", <'a>(Context<'a>, guest::Request<'a>) -> Result<guest::Progress, Error>);
signature!(Resume, "resume", <'a>(Context<'a>, guest::Request<'a>, &'a [u8], GuestOutcome<'a>) -> Result<guest::Progress, Error>);

fn functions<'a>(call: &Call<'a>) -> Option<&'a Functions> {
    call.code.exports.profile.as_ref()
}

pub(crate) async fn start(
    call: &Call<'_>,
    context: &CallContext,
    request: &ProfileRequest,
) -> Result<Step<Json>, CallError> {
    let functions = functions(call).ok_or_else(|| call.missing(Interface::Profile))?;
    let arena = Bump::new();
    let params: <Start as Signature>::Params<'_> =
        (context_to_guest(&arena, context), profile_to_guest(request));
    let progress = super::ask(call, &functions.start, params).await?;
    profile_from_guest(progress).map_err(|what| call.invalid(what))
}

pub(crate) async fn resume(
    call: &Call<'_>,
    context: &CallContext,
    request: &ProfileRequest,
    state: &[u8],
    outcome: &Outcome,
) -> Result<Step<Json>, CallError> {
    let functions = functions(call).ok_or_else(|| call.missing(Interface::Profile))?;
    let arena = Bump::new();
    let params: <Resume as Signature>::Params<'_> = (
        context_to_guest(&arena, context),
        profile_to_guest(request),
        state,
        outcome_to_guest(&arena, outcome),
    );
    let progress = super::ask(call, &functions.resume, params).await?;
    profile_from_guest(progress).map_err(|what| call.invalid(what))
}
