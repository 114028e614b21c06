//! `profile`: the public profile of a number.

use bumpalo::Bump;
use wharf_core::provider::{CallContext, Json, Outcome, ProfileRequest, Step};

use super::bindings::exports::wharf::provider::profile as guest;
use super::bindings::wharf::provider::types::{Context, Outcome as GuestOutcome};
use super::convert::message::{context_to_guest, outcome_to_guest};
use super::convert::reports::{profile_from_guest, profile_to_guest};
use super::exports::{Pair, TypeCheck};
use crate::call::Call;
use crate::error::{CallError, LoadReason};
use crate::interface::Interface;

pub(super) const NAME: &str = "wharf:provider/profile@1.0.0";

type Start<'a> = (Context<'a>, guest::Request<'a>);
type Resume<'a> = (Context<'a>, guest::Request<'a>, &'a [u8], GuestOutcome<'a>);

pub(super) fn check(functions: &Pair, types: &mut TypeCheck<'_>) -> Result<(), LoadReason> {
    types.fallible::<Start<'_>, guest::Progress>(&functions.start)?;
    types.fallible::<Resume<'_>, guest::Progress>(&functions.resume)
}

fn functions<'a>(call: &Call<'a>) -> Result<&'a Pair, CallError> {
    let found = call.code.exports.profile.as_ref();
    found.ok_or_else(|| call.missing(Interface::Profile))
}

pub(crate) async fn start(
    call: &Call<'_>,
    context: &CallContext,
    request: &ProfileRequest,
) -> Result<Step<Json>, CallError> {
    let functions = functions(call)?;
    let arena = Bump::new();
    let params: Start<'_> = (context_to_guest(&arena, context), profile_to_guest(request));
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
    let functions = functions(call)?;
    let arena = Bump::new();
    let params: Resume<'_> = (
        context_to_guest(&arena, context),
        profile_to_guest(request),
        state,
        outcome_to_guest(&arena, outcome),
    );
    let progress = super::ask(call, &functions.resume, params).await?;
    profile_from_guest(progress).map_err(|what| call.invalid(what))
}
