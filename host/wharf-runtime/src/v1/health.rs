//! `health`: what the provider says of an account.

use bumpalo::Bump;
use wharf_core::provider::{CallContext, HealthReport, Outcome, Step};

use super::bindings::exports::wharf::provider::health as guest;
use super::bindings::wharf::provider::types::{Context, Outcome as GuestOutcome};
use super::convert::message::{context_to_guest, outcome_to_guest};
use super::convert::reports::health_from_guest;
use super::exports::{Pair, TypeCheck};
use crate::call::Call;
use crate::error::{CallError, LoadReason};
use crate::interface::Interface;

pub(super) const NAME: &str = "wharf:provider/health@1.0.0";

type Start<'a> = (Context<'a>,);
type Resume<'a> = (Context<'a>, &'a [u8], GuestOutcome<'a>);

pub(super) fn check(functions: &Pair, types: &mut TypeCheck<'_>) -> Result<(), LoadReason> {
    types.fallible::<Start<'_>, guest::Progress>(&functions.start)?;
    types.fallible::<Resume<'_>, guest::Progress>(&functions.resume)
}

fn functions<'a>(call: &Call<'a>) -> Result<&'a Pair, CallError> {
    let found = call.code.exports.health.as_ref();
    found.ok_or_else(|| call.missing(Interface::Health))
}

pub(crate) async fn start(
    call: &Call<'_>,
    context: &CallContext,
) -> Result<Step<HealthReport>, CallError> {
    let functions = functions(call)?;
    let arena = Bump::new();
    let params: Start<'_> = (context_to_guest(&arena, context),);
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
    let functions = functions(call)?;
    let arena = Bump::new();
    let params: Resume<'_> = (
        context_to_guest(&arena, context),
        state,
        outcome_to_guest(&arena, outcome),
    );
    super::ask(call, &functions.resume, params)
        .await
        .map(health_from_guest)
}
