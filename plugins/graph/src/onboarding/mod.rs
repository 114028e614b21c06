//! Flows that an operator starts: connecting numbers by Meta's signup or by hand, setting up webhooks,
//! disconnecting. Each step can be begun again after any failure, and each failure says what to do.

mod account;
mod connect;
mod disconnect;
mod flows;
mod login;
mod number;
mod numbers;
mod register;
mod sync;
mod turn;
mod webhooks;

use wharf_plugin::OnboardingProvider;
use wharf_plugin::onboarding::Progress;
use wharf_plugin::prelude::{Code, Context, Error, Outcome, Retry};

use crate::Graph;
pub(crate) use flows::flows;
use flows::{DISCONNECT, MANUAL, SIGNUP, SIGNUP_APP, SIGNUP_BROWSER, WEBHOOKS};

impl OnboardingProvider for Graph {
    fn onboarding_start(
        ctx: &Context,
        flow: &str,
        inputs: &[(String, String)],
    ) -> Result<Progress, Error> {
        match flow {
            SIGNUP | SIGNUP_APP | SIGNUP_BROWSER | MANUAL => connect::start(ctx, flow, inputs),
            WEBHOOKS => webhooks::start(ctx),
            DISCONNECT => disconnect::start(ctx),
            _ => Err(unknown(flow)),
        }
    }

    fn onboarding_resume(
        ctx: &Context,
        flow: &str,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        match flow {
            SIGNUP | SIGNUP_APP | SIGNUP_BROWSER | MANUAL => {
                connect::resume(ctx, flow, state, outcome)
            }
            WEBHOOKS => webhooks::resume(ctx, state, outcome),
            DISCONNECT => disconnect::resume(ctx, state, outcome),
            _ => Err(unknown(flow)),
        }
    }

    fn onboarding_answer(
        ctx: &Context,
        flow: &str,
        state: &[u8],
        inputs: &[(String, Vec<String>)],
    ) -> Result<Progress, Error> {
        match flow {
            SIGNUP | SIGNUP_APP | SIGNUP_BROWSER | MANUAL => {
                connect::answer(ctx, flow, state, inputs)
            }
            WEBHOOKS => webhooks::answer(ctx, state, inputs),
            DISCONNECT => disconnect::answer(ctx, state, inputs),
            _ => Err(unknown(flow)),
        }
    }
}

fn unknown(flow: &str) -> Error {
    Error::new(
        Code::Unsupported,
        Retry::Never,
        format!("there is no flow `{flow}`"),
    )
    .remedy("Start one of the flows that the plugin's description names.")
}

/// The first value of an answer; nothing for one that was not given.
fn first<'i>(inputs: &'i [(String, Vec<String>)], name: &str) -> &'i str {
    inputs
        .iter()
        .find(|(known, _)| known == name)
        .and_then(|(_, values)| values.first())
        .map_or("", String::as_str)
}

/// A step's answer that another step was waiting for.
fn misplaced() -> Error {
    Error::new(
        Code::Misconfigured,
        Retry::Never,
        "the flow waits for something else",
    )
    .remedy("Begin the flow anew.")
}
