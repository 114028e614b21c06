//! The flows that connect, step by step: which function begins a step, and which reads what came of it.

use wharf_plugin::onboarding::Progress;
use wharf_plugin::prelude::{Context, Error, Outcome};

use super::flows::{CREDENTIALS, LOGIN, MANUAL, RETRY, SIGNUP_APP, SIGNUP_BROWSER, SKIP, STOP};
use super::turn::{At, Goal, Turn, Way};
use super::{account, first, login, misplaced, number, numbers, register, sync};

pub(super) fn start(
    ctx: &Context,
    flow: &str,
    inputs: &[(String, String)],
) -> Result<Progress, Error> {
    match flow {
        MANUAL => Ok(login::ask_credentials(Turn::begin(
            ctx,
            Way::Manual,
            false,
        )?)),
        SIGNUP_BROWSER => login::visit(Turn::begin(ctx, Way::Browser, false)?),
        _ => login::from_window(Turn::begin(ctx, Way::Popup, flow == SIGNUP_APP)?, inputs),
    }
}

/// Where the flow stands. A state of another flow is none of this one's: what that one asks for, a person
/// was not asked here.
fn at<'c>(ctx: &'c Context, flow: &str, state: &[u8]) -> Result<(Turn<'c>, At), Error> {
    let (turn, at) = Turn::resume(ctx, state)?;
    // A code out of Meta's window that came too late is asked for again with a visit.
    let is_own = match flow {
        MANUAL => turn.run.way == Way::Manual,
        SIGNUP_BROWSER => turn.run.way == Way::Browser,
        _ => turn.run.way != Way::Manual,
    };
    match is_own {
        true => Ok((turn, at)),
        false => Err(misplaced()),
    }
}

pub(super) fn resume(
    ctx: &Context,
    flow: &str,
    state: &[u8],
    outcome: Outcome,
) -> Result<Progress, Error> {
    let (turn, at) = at(ctx, flow, state)?;
    let At::Outcome(goal) = at else {
        return Err(misplaced());
    };
    match goal {
        Goal::Login => login::exchanged(turn, outcome),
        Goal::Extend => login::extended(turn, outcome),
        Goal::Inspect => account::inspected(turn, outcome),
        Goal::Subscribed => account::subscriptions(turn, outcome),
        Goal::Subscribe => account::done(turn, outcome),
        Goal::Numbers => numbers::listed(turn, outcome),
        Goal::Look => number::looked(turn, outcome),
        Goal::SendCode { voice } => register::code_sent(turn, voice, outcome),
        Goal::Verify => register::verified(turn, outcome),
        Goal::Register => register::registered(turn, outcome),
        Goal::ReplacePin => register::replaced(turn, outcome),
        Goal::AlignPin => register::aligned(turn, outcome),
        Goal::Contacts | Goal::History => sync::asked(turn, goal, outcome),
    }
}

pub(super) fn answer(
    ctx: &Context,
    flow: &str,
    state: &[u8],
    inputs: &[(String, Vec<String>)],
) -> Result<Progress, Error> {
    let (turn, at) = at(ctx, flow, state)?;
    let choice = first(inputs, "decision");
    match at {
        At::Outcome(_) => Err(misplaced()),
        At::Decide(goal) => decided(turn, goal, choice),
        At::Away => login::returned(turn, inputs),
        At::Credentials => login::credentials(turn, inputs),
        At::Account => account::answered(turn, inputs),
        At::Chosen => numbers::chosen(turn, inputs),
        At::Pin => {
            let has_pin = !first(inputs, "current_pin").is_empty();
            register::pin_answered(turn, choice, has_pin)
        }
        At::Method => register::method(turn, choice),
        At::Code => {
            let has_code = !first(inputs, "verification_code").is_empty();
            register::code_answered(turn, choice, has_code)
        }
        At::Minted => Ok(register::minted(turn)),
        At::Later(goal) => begin(turn, goal),
    }
}

fn decided(turn: Turn<'_>, goal: Goal, choice: &str) -> Result<Progress, Error> {
    match choice {
        RETRY => begin(turn, goal),
        LOGIN | CREDENTIALS => login::anew(turn, choice),
        SKIP => skip(turn, goal),
        STOP => Ok(turn.done()),
        _ => Ok(turn.decide(goal)),
    }
}

/// Begins a step, for the first time or again.
fn begin(turn: Turn<'_>, goal: Goal) -> Result<Progress, Error> {
    match goal {
        Goal::Login => login::visit(turn),
        Goal::Extend | Goal::Inspect => login::inspect(turn),
        Goal::Subscribed | Goal::Subscribe => account::subscribed(turn),
        Goal::Numbers => numbers::list(turn, None),
        Goal::Look => Ok(number::look(turn)),
        Goal::SendCode { voice } => Ok(register::send_code(turn, voice)),
        Goal::Verify => Ok(register::ask_method(turn)),
        Goal::Register => Ok(register::begin(turn)),
        Goal::ReplacePin | Goal::AlignPin => Ok(register::replace_pin(turn, goal)),
        Goal::Contacts => Ok(sync::contacts(turn)),
        Goal::History => Ok(sync::history(turn)),
    }
}

/// Goes on without what failed.
fn skip(mut turn: Turn<'_>, goal: Goal) -> Result<Progress, Error> {
    match goal {
        Goal::Subscribed | Goal::Subscribe => {
            turn.warn(
                "subscribe",
                "The app is not subscribed to the account",
                "Nothing that happens there is reported to the gateway.",
                "Run the webhooks flow later.",
            );
            numbers::list(turn, None)
        }
        Goal::Contacts => Ok(sync::history(turn)),
        Goal::History => Ok(number::connected(turn)),
        Goal::Login | Goal::Extend | Goal::Inspect | Goal::Numbers => Ok(turn.decide(goal)),
        _ => Ok(number::skipped(turn)),
    }
}
