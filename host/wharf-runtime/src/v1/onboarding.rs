//! `onboarding`: flows that connect, mend and disconnect channels.

use bumpalo::Bump;
use wharf_core::provider::{CallContext, FlowProgress, Outcome};

use super::bindings::exports::wharf::provider::onboarding as guest;
use super::bindings::wharf::provider::types::{Context, Outcome as GuestOutcome};
use super::convert::message::{context_to_guest, outcome_to_guest};
use super::convert::onboarding::{Answers, answers_to_guest, from_guest};
use super::convert::pairs;
use super::exports::{Function, InterfaceIndex, TypeCheck};
use crate::call::Call;
use crate::error::{CallError, LoadReason};
use crate::interface::Interface;

pub(super) const NAME: &str = "wharf:provider/onboarding@1.0.0";

type Start<'a> = (Context<'a>, &'a str, &'a [(&'a str, &'a str)]);
type Resume<'a> = (Context<'a>, &'a str, &'a [u8], GuestOutcome<'a>);
type Answer<'a> = (Context<'a>, &'a str, &'a [u8], Answers<'a>);

pub(crate) struct Functions {
    start: Function,
    resume: Function,
    answer: Function,
}

impl Functions {
    pub(super) fn of(interface: &InterfaceIndex<'_>) -> Result<Self, LoadReason> {
        Ok(Self {
            start: interface.function("start")?,
            resume: interface.function("resume")?,
            answer: interface.function("answer")?,
        })
    }
}

pub(super) fn check(functions: &Functions, types: &mut TypeCheck<'_>) -> Result<(), LoadReason> {
    types.fallible::<Start<'_>, guest::Progress>(&functions.start)?;
    types.fallible::<Resume<'_>, guest::Progress>(&functions.resume)?;
    types.fallible::<Answer<'_>, guest::Progress>(&functions.answer)
}

fn functions<'a>(call: &Call<'a>) -> Result<&'a Functions, CallError> {
    let found = call.code.exports.onboarding.as_ref();
    found.ok_or_else(|| call.missing(Interface::Onboarding))
}

pub(crate) async fn start(
    call: &Call<'_>,
    context: &CallContext,
    flow: &str,
    inputs: &[(String, String)],
) -> Result<FlowProgress, CallError> {
    let functions = functions(call)?;
    let arena = Bump::new();
    let params: Start<'_> = (
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
    let functions = functions(call)?;
    let arena = Bump::new();
    let params: Resume<'_> = (
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
    let functions = functions(call)?;
    let arena = Bump::new();
    let params: Answer<'_> = (
        context_to_guest(&arena, context),
        flow,
        state,
        answers_to_guest(&arena, inputs),
    );
    super::ask(call, &functions.answer, params)
        .await
        .map(from_guest)
}
