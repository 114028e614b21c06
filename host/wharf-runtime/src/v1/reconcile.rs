//! `reconcile`: what became of a message, and what was missed.

use bumpalo::Bump;
use wharf_core::provider::{CallContext, CatchUp, OutboundMessage, Outcome, Reconciled, Step};

use super::bindings::exports::wharf::provider::reconcile as guest;
use super::bindings::wharf::provider::errors::Error;
use super::bindings::wharf::provider::messages::Message;
use super::bindings::wharf::provider::types::{Context, Outcome as GuestOutcome};
use super::convert::message::{context_to_guest, outcome_to_guest, to_guest};
use super::convert::reports::{catch_up_from_guest, reconciled_from_guest};
use super::exports::{InterfaceIndex, TypeCheck};
use super::function::{Function, Signature, signature};
use crate::call::Call;
use crate::error::{CallError, LoadReason};
use crate::interface::Interface;

pub(super) const NAME: &str = "wharf:provider/reconcile@1.0.0";

signature!(Start, "start", <'a>(Context<'a>, Message<'a>, u64) -> Result<guest::Progress, Error>);
signature!(Resume, "resume", <'a>(Context<'a>, Message<'a>, u64, &'a [u8], GuestOutcome<'a>) -> Result<guest::Progress, Error>);
signature!(CatchUpStart, "catch-up", <'a>(Context<'a>, u64) -> Result<guest::CatchUpProgress, Error>);
signature!(CatchUpResume, "catch-up-resume", <'a>(Context<'a>, u64, &'a [u8], GuestOutcome<'a>) -> Result<guest::CatchUpProgress, Error>);

pub(crate) struct Functions {
    start: Function<Start>,
    resume: Function<Resume>,
    catch_up: Function<CatchUpStart>,
    catch_up_resume: Function<CatchUpResume>,
}

impl Functions {
    pub(super) fn of(interface: &InterfaceIndex<'_>) -> Result<Self, LoadReason> {
        Ok(Self {
            start: Function::find(interface)?,
            resume: Function::find(interface)?,
            catch_up: Function::find(interface)?,
            catch_up_resume: Function::find(interface)?,
        })
    }
}

pub(super) fn check(functions: &Functions, types: &mut TypeCheck<'_>) -> Result<(), LoadReason> {
    types.check(&functions.start)?;
    types.check(&functions.resume)?;
    types.check(&functions.catch_up)?;
    types.check(&functions.catch_up_resume)
}

fn functions<'a>(call: &Call<'a>) -> Option<&'a Functions> {
    call.code.exports.reconcile.as_ref()
}

pub(crate) async fn start(
    call: &Call<'_>,
    context: &CallContext,
    message: &OutboundMessage,
    sent_at_ms: u64,
) -> Result<Step<Reconciled>, CallError> {
    let functions = functions(call).ok_or_else(|| call.missing(Interface::Reconcile))?;
    let arena = Bump::new();
    let params: <Start as Signature>::Params<'_> = (
        context_to_guest(&arena, context),
        to_guest(&arena, message),
        sent_at_ms,
    );
    super::ask(call, &functions.start, params)
        .await
        .map(reconciled_from_guest)
}

pub(crate) async fn resume(
    call: &Call<'_>,
    context: &CallContext,
    message: &OutboundMessage,
    sent_at_ms: u64,
    state: &[u8],
    outcome: &Outcome,
) -> Result<Step<Reconciled>, CallError> {
    let functions = functions(call).ok_or_else(|| call.missing(Interface::Reconcile))?;
    let arena = Bump::new();
    let params: <Resume as Signature>::Params<'_> = (
        context_to_guest(&arena, context),
        to_guest(&arena, message),
        sent_at_ms,
        state,
        outcome_to_guest(&arena, outcome),
    );
    super::ask(call, &functions.resume, params)
        .await
        .map(reconciled_from_guest)
}

pub(crate) async fn catch_up(
    call: &Call<'_>,
    context: &CallContext,
    since_ms: u64,
) -> Result<CatchUp, CallError> {
    let functions = functions(call).ok_or_else(|| call.missing(Interface::Reconcile))?;
    let arena = Bump::new();
    let params: <CatchUpStart as Signature>::Params<'_> =
        (context_to_guest(&arena, context), since_ms);
    let progress = super::ask(call, &functions.catch_up, params).await?;
    catch_up_from_guest(progress).map_err(|what| call.invalid(what))
}

pub(crate) async fn catch_up_resume(
    call: &Call<'_>,
    context: &CallContext,
    since_ms: u64,
    state: &[u8],
    outcome: &Outcome,
) -> Result<CatchUp, CallError> {
    let functions = functions(call).ok_or_else(|| call.missing(Interface::Reconcile))?;
    let arena = Bump::new();
    let params: <CatchUpResume as Signature>::Params<'_> = (
        context_to_guest(&arena, context),
        since_ms,
        state,
        outcome_to_guest(&arena, outcome),
    );
    let progress = super::ask(call, &functions.catch_up_resume, params).await?;
    catch_up_from_guest(progress).map_err(|what| call.invalid(what))
}
