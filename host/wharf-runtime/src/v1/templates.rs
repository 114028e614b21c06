//! `templates`: the message templates a provider knows.

use bumpalo::Bump;
use wharf_core::provider::{CallContext, Outcome, TemplatesRequest, TemplatesStep};

use super::bindings::exports::wharf::provider::templates as guest;
use super::bindings::wharf::provider::errors::Error;
use super::bindings::wharf::provider::types::{Context, Outcome as GuestOutcome};
use super::convert::message::{context_to_guest, outcome_to_guest};
use super::convert::templates::{from_guest, to_guest};
use super::exports::Pair;
use super::function::{Signature, signature};
use crate::call::Call;
use crate::error::CallError;
use crate::interface::Interface;

pub(super) const NAME: &str = "wharf:provider/templates@1.0.0";

pub(crate) type Functions = Pair<Start, Resume>;

signature!(Start, "start", <'a>(Context<'a>, guest::Request<'a>) -> Result<guest::Progress, Error>);
signature!(Resume, "resume", <'a>(Context<'a>, guest::Request<'a>, &'a [u8], GuestOutcome<'a>) -> Result<guest::Progress, Error>);

fn functions<'a>(call: &Call<'a>) -> Option<&'a Functions> {
    call.code.exports.templates.as_ref()
}

pub(crate) async fn start(
    call: &Call<'_>,
    context: &CallContext,
    request: &TemplatesRequest,
) -> Result<TemplatesStep, CallError> {
    let functions = functions(call).ok_or_else(|| call.missing(Interface::Templates))?;
    let arena = Bump::new();
    let params: <Start as Signature>::Params<'_> =
        (context_to_guest(&arena, context), to_guest(&arena, request));
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
    let functions = functions(call).ok_or_else(|| call.missing(Interface::Templates))?;
    let arena = Bump::new();
    let params: <Resume as Signature>::Params<'_> = (
        context_to_guest(&arena, context),
        to_guest(&arena, request),
        state,
        outcome_to_guest(&arena, outcome),
    );
    let progress = super::ask(call, &functions.resume, params).await?;
    from_guest(progress).map_err(|what| call.invalid(what))
}
