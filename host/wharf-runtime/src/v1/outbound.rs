//! `outbound`: a message on its way.

use bumpalo::Bump;
use wharf_core::provider::{CallContext, OutboundMessage, Outcome, Progress};

use super::bindings::exports::wharf::provider::outbound as guest;
use super::bindings::wharf::provider::errors::Error;
use super::bindings::wharf::provider::messages::Message;
use super::bindings::wharf::provider::types::{Context, Outcome as GuestOutcome};
use super::convert::exchange::progress_from_guest;
use super::convert::message::{context_to_guest, outcome_to_guest, to_guest};
use super::exports::Pair;
use super::function::{Signature, signature};
use crate::call::Call;
use crate::error::CallError;

pub(super) const NAME: &str = "wharf:provider/outbound@1.0.0";

pub(crate) type Functions = Pair<Start, Resume>;

signature!(Start, "start", <'a>(Context<'a>, Message<'a>) -> Result<guest::Progress, Error>);
signature!(Resume, "resume", <'a>(Context<'a>, Message<'a>, &'a [u8], GuestOutcome<'a>) -> Result<guest::Progress, Error>);

pub(crate) async fn start(
    call: &Call<'_>,
    context: &CallContext,
    message: &OutboundMessage,
) -> Result<Progress, CallError> {
    let arena = Bump::new();
    let params: <Start as Signature>::Params<'_> =
        (context_to_guest(&arena, context), to_guest(&arena, message));
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
    let params: <Resume as Signature>::Params<'_> = (
        context_to_guest(&arena, context),
        to_guest(&arena, message),
        state,
        outcome_to_guest(&arena, outcome),
    );
    super::ask(call, &call.code.exports.outbound.resume, params)
        .await
        .map(progress_from_guest)
}
