//! `onboarding`: flows that connect, mend and disconnect channels.

use bumpalo::Bump;
use wharf_core::provider::{CallContext, FlowProgress, Outcome};

use super::bindings::exports::wharf::provider::onboarding as guest;
use super::bindings::wharf::provider::errors::Error;
use super::bindings::wharf::provider::types::{Context, Outcome as GuestOutcome};
use super::convert::message::{context_to_guest, outcome_to_guest};
use super::convert::onboarding::{Answers, answers_to_guest, from_guest};
use super::convert::pairs;
use super::exports::{InterfaceIndex, TypeCheck};
use super::function::{Function, Signature, signature};
use crate::call::Call;
use crate::error::{CallError, LoadReason};
use crate::interface::Interface;

pub(super) const NAME: &str = "wharf:provider/onboarding@1.0.0";

signature!(Start, "start", <'a>(Context<'a>, &'a str, &'a [(&'a str, &'a str)]) -> Result<guest::Progress, Error>);
signature!(Resume, "resume", <'a>(Context<'a>, &'a str, &'a [u8], GuestOutcome<'a>) -> Result<guest::Progress, Error>);
signature!(Answer, "answer", <'a>(Context<'a>, &'a str, &'a [u8], Answers<'a>) -> Result<guest::Progress, Error>);

pub(crate) struct Functions {
    start: Function<Start>,
    resume: Function<Resume>,
    answer: Function<Answer>,
}

impl Functions {
    pub(super) fn of(interface: &InterfaceIndex<'_>) -> Result<Self, LoadReason> {
        Ok(Self {
            start: Function::find(interface)?,
            resume: Function::find(interface)?,
            answer: Function::find(interface)?,
        })
    }
}

pub(super) fn check(functions: &Functions, types: &mut TypeCheck<'_>) -> Result<(), LoadReason> {
    types.check(&functions.start)?;
    types.check(&functions.resume)?;
    types.check(&functions.answer)
}

fn functions<'a>(call: &Call<'a>) -> Option<&'a Functions> {
    call.code.exports.onboarding.as_ref()
}

pub(crate) async fn start(
    call: &Call<'_>,
    context: &CallContext,
    flow: &str,
    inputs: &[(String, String)],
) -> Result<FlowProgress, CallError> {
    let functions = functions(call).ok_or_else(|| call.missing(Interface::Onboarding))?;
    let arena = Bump::new();
    let params: <Start as Signature>::Params<'_> = (
        context_to_guest(&arena, context),
        flow,
        pairs(&arena, inputs),
    );
    super::ask(call, &functions.start, params)
        .await
        .map(from_guest)
}

pub(crate) async fn resume(
    call: &Call<'_>,
    context: &CallContext,
    flow: &str,
    state: &[u8],
    outcome: &Outcome,
) -> Result<FlowProgress, CallError> {
    let functions = functions(call).ok_or_else(|| call.missing(Interface::Onboarding))?;
    let arena = Bump::new();
    let params: <Resume as Signature>::Params<'_> = (
        context_to_guest(&arena, context),
        flow,
        state,
        outcome_to_guest(&arena, outcome),
    );
    super::ask(call, &functions.resume, params)
        .await
        .map(from_guest)
}

pub(crate) async fn answer(
    call: &Call<'_>,
    context: &CallContext,
    flow: &str,
    state: &[u8],
    inputs: &[(String, Vec<String>)],
) -> Result<FlowProgress, CallError> {
    let functions = functions(call).ok_or_else(|| call.missing(Interface::Onboarding))?;
    let arena = Bump::new();
    let params: <Answer as Signature>::Params<'_> = (
        context_to_guest(&arena, context),
        flow,
        state,
        answers_to_guest(&arena, inputs),
    );
    super::ask(call, &functions.answer, params)
        .await
        .map(from_guest)
}
