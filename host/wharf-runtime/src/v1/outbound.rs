//! `outbound`: a message on its way.

use bumpalo::Bump;
use wharf_core::provider::{CallContext, OutboundMessage, Outcome, Progress};

use super::bindings::exports::wharf::provider::outbound as guest;
use super::bindings::wharf::provider::messages::Message;
use super::bindings::wharf::provider::types::{Context, Outcome as GuestOutcome};
use super::convert::exchange::progress_from_guest;
use super::convert::message::{context_to_guest, outcome_to_guest, to_guest};
use super::exports::{Pair, TypeCheck};
use crate::call::Call;
use crate::error::{CallError, LoadReason};

pub(super) const NAME: &str = "wharf:provider/outbound@1.0.0";

type Start<'a> = (Context<'a>, Message<'a>);
type Resume<'a> = (Context<'a>, Message<'a>, &'a [u8], GuestOutcome<'a>);

pub(super) fn check(functions: &Pair, types: &mut TypeCheck<'_>) -> Result<(), LoadReason> {
    types.fallible::<Start<'_>, guest::Progress>(&functions.start)?;
    types.fallible::<Resume<'_>, guest::Progress>(&functions.resume)
}

pub(crate) async fn start(
    call: &Call<'_>,
    context: &CallContext,
    message: &OutboundMessage,
) -> Result<Progress, CallError> {
    let arena = Bump::new();
    let params: Start<'_> = (context_to_guest(&arena, context), to_guest(&arena, message));
    super::ask(call, &call.code.exports.outbound.start, params)
        .await
        .map(progress_from_guest)
}

pub(crate) async fn resume(
    call: &Call<'_>,
    context: &CallContext,
    message: &OutboundMessage,
    state: &[u8],
    outcome: &Outcome,
) -> Result<Progress, CallError> {
    let arena = Bump::new();
    let params: Resume<'_> = (
        context_to_guest(&arena, context),
        to_guest(&arena, message),
        state,
        outcome_to_guest(&arena, outcome),
    );
    super::ask(call, &call.code.exports.outbound.resume, params)
        .await
        .map(progress_from_guest)
}
