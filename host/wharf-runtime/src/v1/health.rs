//! `health`: what the provider says of an account.

use bumpalo::Bump;
use wharf_core::provider::{CallContext, HealthReport, Outcome, Step};

use super::bindings::exports::wharf::provider::health as guest;
use super::bindings::wharf::provider::errors::Error;
use super::bindings::wharf::provider::types::{Context, Outcome as GuestOutcome};
use super::convert::message::{context_to_guest, outcome_to_guest};
use super::convert::reports::health_from_guest;
use super::exports::Pair;
use super::function::{Signature, signature};
use crate::call::Call;
use crate::error::CallError;
use crate::interface::Interface;

pub(super) const NAME: &str = "wharf:provider/health@1.0.0";

pub(crate) type Functions = Pair<Start, Resume>;

signature!(Start, "start", <'a>(Context<'a>) -> Result<guest::Progress, Error>);
signature!(Resume, "resume", <'a>(Context<'a>, &'a [u8], GuestOutcome<'a>) -> Result<guest::Progress, Error>);

fn functions<'a>(call: &Call<'a>) -> Option<&'a Functions> {
    call.code.exports.health.as_ref()
}

pub(crate) async fn start(
    call: &Call<'_>,
    context: &CallContext,
) -> Result<Step<HealthReport>, CallError> {
    let functions = functions(call).ok_or_else(|| call.missing(Interface::Health))?;
    let arena = Bump::new();
    let params: <Start as Signature>::Params<'_> = (context_to_guest(&arena, context),);
    super::ask(call, &functions.start, params)
        .await
        .map(health_from_guest)
}

pub(crate) async fn resume(
    call: &Call<'_>,
    context: &CallContext,
    state: &[u8],
    outcome: &Outcome,
) -> Result<Step<HealthReport>, CallError> {
    let functions = functions(call).ok_or_else(|| call.missing(Interface::Health))?;
    let arena = Bump::new();
    let params: <Resume as Signature>::Params<'_> = (
        context_to_guest(&arena, context),
        state,
        outcome_to_guest(&arena, outcome),
    );
    super::ask(call, &functions.resume, params)
        .await
        .map(health_from_guest)
}
