//! `templates`: the message templates a provider knows.

use bumpalo::Bump;
use wharf_core::provider::{CallContext, Outcome, TemplatesRequest, TemplatesStep};

use super::bindings::exports::wharf::provider::templates as guest;
use super::bindings::wharf::provider::types::{Context, Outcome as GuestOutcome};
use super::convert::message::{context_to_guest, outcome_to_guest};
use super::convert::templates::{from_guest, to_guest};
use super::exports::{Pair, TypeCheck};
use crate::call::Call;
use crate::error::{CallError, LoadReason};
use crate::interface::Interface;

pub(super) const NAME: &str = "wharf:provider/templates@1.0.0";

type Start<'a> = (Context<'a>, guest::Request<'a>);
type Resume<'a> = (Context<'a>, guest::Request<'a>, &'a [u8], GuestOutcome<'a>);

pub(super) fn check(functions: &Pair, types: &mut TypeCheck<'_>) -> Result<(), LoadReason> {
    types.fallible::<Start<'_>, guest::Progress>(&functions.start)?;
    types.fallible::<Resume<'_>, guest::Progress>(&functions.resume)
}

fn functions<'a>(call: &Call<'a>) -> Result<&'a Pair, CallError> {
    let found = call.code.exports.templates.as_ref();
    found.ok_or_else(|| call.missing(Interface::Templates))
}

pub(crate) async fn start(
    call: &Call<'_>,
    context: &CallContext,
    request: &TemplatesRequest,
) -> Result<TemplatesStep, CallError> {
    let functions = functions(call)?;
    let arena = Bump::new();
    let params: Start<'_> = (context_to_guest(&arena, context), to_guest(&arena, request));
    let progress = super::ask(call, &functions.start, params).await?;
    from_guest(progress).map_err(|what| call.invalid(what))
}

pub(crate) async fn resume(
    call: &Call<'_>,
    context: &CallContext,
    request: &TemplatesRequest,
    state: &[u8],
    outcome: &Outcome,
) -> Result<TemplatesStep, CallError> {
    let functions = functions(call)?;
    let arena = Bump::new();
    let params: Resume<'_> = (
        context_to_guest(&arena, context),
        to_guest(&arena, request),
        state,
        outcome_to_guest(&arena, outcome),
    );
    let progress = super::ask(call, &functions.resume, params).await?;
    from_guest(progress).map_err(|what| call.invalid(what))
}
