//! Connecting numbers: those that are senders already, and those to register with a WhatsApp Business
//! Account, in a given account or in a subaccount of its own.
//!
//! One state goes through all flows. Before anything is made, Twilio is asked whether it is there, so that a
//! flow that broke off is begun again and goes on where it was.

mod accounts;
mod credentials;
mod existing;
mod info;
mod register;
mod run;

use wharf_plugin::OnboardingProvider;
use wharf_plugin::onboarding::Progress;
use wharf_plugin::prelude::{Code, Context, Error, Outcome, Retry};

use crate::Twilio;
pub(crate) use info::{flows, inputs};
use run::{Kind, RUN, Run, Step};

impl OnboardingProvider for Twilio {
    fn onboarding_start(
        ctx: &Context,
        flow: &str,
        inputs: &[(String, String)],
    ) -> Result<Progress, Error> {
        let kind = Kind::of(flow).ok_or_else(|| unknown(flow))?;
        let mut run = Run::new(kind);
        match kind {
            Kind::Connect => Ok(credentials::ask(run, Vec::new())),
            Kind::Webhooks => existing::own(ctx, run),
            Kind::Register | Kind::Subaccount => {
                run.draft.read(inputs)?;
                register::begin(ctx, run)
            }
        }
    }

    fn onboarding_resume(
        ctx: &Context,
        flow: &str,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        let run = of_flow(flow, state)?;
        match run.step.clone() {
            Step::Account => credentials::checked(ctx, run, outcome),
            Step::Senders => existing::listed(ctx, run, outcome),
            Step::Own => existing::found(ctx, run, outcome),
            Step::Webhooks => existing::told(ctx, run, outcome),
            Step::Subaccounts => accounts::listed(ctx, run, outcome),
            Step::Create => accounts::created(ctx, run, outcome),
            Step::Token(sid) => accounts::opened(ctx, run, &sid, outcome),
            Step::Lookup => register::looked_up(ctx, run, outcome),
            Step::Register => register::registered(ctx, run, outcome),
            Step::Poll(sid) => register::polled(ctx, run, &sid, outcome),
            Step::Verify(sid) => register::verified(run, &sid, outcome),
            Step::Credentials
            | Step::Choose
            | Step::Details
            | Step::Parent
            | Step::Which
            | Step::Code(_) => Err(misplaced()),
        }
    }

    fn onboarding_answer(
        ctx: &Context,
        flow: &str,
        state: &[u8],
        inputs: &[(String, Vec<String>)],
    ) -> Result<Progress, Error> {
        let mut run = of_flow(flow, state)?;
        match run.step.clone() {
            Step::Credentials => credentials::given(ctx, run, inputs),
            Step::Choose => existing::chosen(ctx, run, inputs),
            Step::Details => {
                run.draft.read_answers(inputs)?;
                register::begin(ctx, run)
            }
            Step::Parent => accounts::parent_given(ctx, run, inputs),
            Step::Which => accounts::chosen(ctx, run, inputs),
            Step::Code(sid) => register::code_given(ctx, run, &sid, inputs),
            // After a wait.
            Step::Account => credentials::check(ctx, run),
            Step::Subaccounts | Step::Create => accounts::find(ctx, run, Vec::new()),
            Step::Lookup | Step::Register => register::look_up(ctx, run, Vec::new()),
            Step::Poll(sid) | Step::Verify(sid) => register::poll(ctx, run, &sid),
            Step::Senders => existing::list(ctx, run),
            Step::Own => existing::own(ctx, run),
            Step::Webhooks => existing::tell(ctx, run, Vec::new()),
            Step::Token(sid) => accounts::open(ctx, run, &sid, Vec::new()),
        }
    }
}

fn of_flow(flow: &str, state: &[u8]) -> Result<Run, Error> {
    let kind = Kind::of(flow).ok_or_else(|| unknown(flow))?;
    let run = RUN.step(state)?;
    if run.kind == kind {
        return Ok(run);
    }
    Err(misplaced())
}

fn unknown(flow: &str) -> Error {
    let flow: String = flow.chars().take(64).collect();
    Error::new(
        Code::Unsupported,
        Retry::Never,
        format!("Twilio has no flow `{flow}`"),
    )
    .remedy("Start one of the flows that the plugin describes.")
}

fn misplaced() -> Error {
    Error::new(
        Code::Misconfigured,
        Retry::Never,
        "the state belongs to another step of the flow",
    )
    .remedy("Start the flow again: it goes on with what it finds at Twilio.")
}
