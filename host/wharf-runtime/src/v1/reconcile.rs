//! `reconcile`: what became of a message, and what was missed.

use bumpalo::Bump;
use wharf_core::provider::{CallContext, CatchUp, OutboundMessage, Outcome, Reconciled, Step};

use super::bindings::exports::wharf::provider::reconcile as guest;
use super::bindings::wharf::provider::messages::Message;
use super::bindings::wharf::provider::types::{Context, Outcome as GuestOutcome};
use super::convert::message::{context_to_guest, outcome_to_guest, to_guest};
use super::convert::reports::{catch_up_from_guest, reconciled_from_guest};
use super::exports::{Function, InterfaceIndex, TypeCheck};
use crate::call::Call;
use crate::error::{CallError, LoadReason};
use crate::interface::Interface;

pub(super) const NAME: &str = "wharf:provider/reconcile@1.0.0";

type Start<'a> = (Context<'a>, Message<'a>, u64);
type Resume<'a> = (Context<'a>, Message<'a>, u64, &'a [u8], GuestOutcome<'a>);
type CatchUpStart<'a> = (Context<'a>, u64);
type CatchUpResume<'a> = (Context<'a>, u64, &'a [u8], GuestOutcome<'a>);

pub(crate) struct Functions {
    start: Function,
    resume: Function,
    catch_up: Function,
    catch_up_resume: Function,
}

impl Functions {
    pub(super) fn of(interface: &InterfaceIndex<'_>) -> Result<Self, LoadReason> {
        Ok(Self {
            start: interface.function("start")?,
            resume: interface.function("resume")?,
            catch_up: interface.function("catch-up")?,
            catch_up_resume: interface.function("catch-up-resume")?,
        })
    }
}

pub(super) fn check(functions: &Functions, types: &mut TypeCheck<'_>) -> Result<(), LoadReason> {
    types.fallible::<Start<'_>, guest::Progress>(&functions.start)?;
    types.fallible::<Resume<'_>, guest::Progress>(&functions.resume)?;
    types.fallible::<CatchUpStart<'_>, guest::CatchUpProgress>(&functions.catch_up)?;
    types.fallible::<CatchUpResume<'_>, guest::CatchUpProgress>(&functions.catch_up_resume)
}

fn functions<'a>(call: &Call<'a>) -> Result<&'a Functions, CallError> {
    let found = call.code.exports.reconcile.as_ref();
    found.ok_or_else(|| call.missing(Interface::Reconcile))
}

pub(crate) async fn start(
    call: &Call<'_>,
    context: &CallContext,
    message: &OutboundMessage,
    sent_at_ms: u64,
) -> Result<Step<Reconciled>, CallError> {
    let functions = functions(call)?;
    let arena = Bump::new();
    let params: Start<'_> = (
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
    let functions = functions(call)?;
    let arena = Bump::new();
    let params: Resume<'_> = (
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
    let functions = functions(call)?;
    let arena = Bump::new();
    let params: CatchUpStart<'_> = (context_to_guest(&arena, context), since_ms);
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
    let functions = functions(call)?;
    let arena = Bump::new();
    let params: CatchUpResume<'_> = (
        context_to_guest(&arena, context),
        since_ms,
        state,
        outcome_to_guest(&arena, outcome),
    );
    let progress = super::ask(call, &functions.catch_up_resume, params).await?;
    catch_up_from_guest(progress).map_err(|what| call.invalid(what))
}
