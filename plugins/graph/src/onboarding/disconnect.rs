//! Taking a number off the Cloud API, and, where it was the account's last, the account's subscription.

use serde::{Deserialize, Serialize};
use serde_json::json;
use wharf_plugin::flow::Flow;
use wharf_plugin::onboarding::{Finding, Next, Progress, Prompt, Verdict};
use wharf_plugin::prelude::{Context, Error, Exchange, Outcome, Replay};

use super::flows::{ALL, NUMBER, RETRY, SKIP, STOP};
use super::turn::{decision, done, finding, progress};
use super::{first, misplaced};
use crate::call::{Calls, id_setting, succeeded};

/// Raise the version when a step changes.
const FLOW: Flow<Step> = Flow::new("disconnect", 1);
/// Meta's code for a number that is not registered: nothing is left to do.
const NOT_REGISTERED: &str = "133010";

/// `all`: the account's subscription goes too.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Step {
    Confirm,
    Deregister { all: bool },
    Unsubscribe,
    Decide { all: bool, number: bool },
}

pub(super) fn start(ctx: &Context) -> Result<Progress, Error> {
    id_setting(ctx, "phone_number_id")?;
    Ok(confirm())
}

pub(super) fn resume(ctx: &Context, state: &[u8], outcome: Outcome) -> Result<Progress, Error> {
    match FLOW.step(state)? {
        Step::Deregister { all } => deregistered(ctx, all, outcome),
        Step::Unsubscribe => unsubscribed(outcome),
        Step::Confirm | Step::Decide { .. } => Err(misplaced()),
    }
}

pub(super) fn answer(
    ctx: &Context,
    state: &[u8],
    inputs: &[(String, Vec<String>)],
) -> Result<Progress, Error> {
    let choice = first(inputs, "decision");
    match FLOW.step(state)? {
        Step::Confirm => match choice {
            NUMBER => deregister(ctx, false),
            ALL => deregister(ctx, true),
            STOP => Ok(done(Vec::new())),
            _ => Ok(confirm()),
        },
        Step::Decide { all, number } => match (choice, number) {
            (RETRY, true) => deregister(ctx, all),
            (RETRY, false) => unsubscribe(ctx, Vec::new()),
            (SKIP, true) if all => unsubscribe(ctx, Vec::new()),
            (SKIP | STOP, _) => Ok(done(Vec::new())),
            _ => Ok(ask(Step::Decide { all, number }, Vec::new())),
        },
        Step::Deregister { .. } | Step::Unsubscribe => Err(misplaced()),
    }
}

fn confirm() -> Progress {
    let choices = [
        (
            NUMBER,
            "Deregister the number; the account's other numbers stay",
        ),
        (
            ALL,
            "Deregister the number and unsubscribe from the whole account",
        ),
        (STOP, "Leave everything as it is"),
    ];
    prompt(
        "What is to be disconnected?",
        &choices,
        Step::Confirm,
        Vec::new(),
    )
}

fn deregister(ctx: &Context, all: bool) -> Result<Progress, Error> {
    let path = format!("{}/deregister", id_setting(ctx, "phone_number_id")?);
    // A number that is not registered is what is wanted.
    let exchange = Calls::of(ctx)?
        .post("number.deregister", &path)
        .json(json!({ "messaging_product": "whatsapp" }).to_string())
        .replay(Replay::Safe);
    Ok(send(exchange, Step::Deregister { all }, Vec::new()))
}

fn deregistered(ctx: &Context, all: bool, outcome: Outcome) -> Result<Progress, Error> {
    let title = match succeeded(outcome, Replay::Safe) {
        Ok(()) => "The number is deregistered",
        Err(error) if error.provider_code.as_deref() == Some(NOT_REGISTERED) => {
            "The number was not registered"
        }
        Err(error) => {
            let remedy = "Numbers of the WhatsApp Business app are disconnected in the app itself; otherwise try again.";
            let remedy = error.remedy.as_deref().unwrap_or(remedy);
            let said = finding(
                "number",
                Verdict::Failed,
                "The number was not deregistered",
                &error.detail,
                Some(remedy),
            );
            return Ok(ask(Step::Decide { all, number: true }, vec![said]));
        }
    };
    let said = vec![finding("number", Verdict::Ok, title, "", None)];
    match all {
        true => unsubscribe(ctx, said),
        false => Ok(done(said)),
    }
}

fn unsubscribe(ctx: &Context, findings: Vec<Finding>) -> Result<Progress, Error> {
    let path = format!("{}/subscribed_apps", id_setting(ctx, "waba_id")?);
    let exchange = Calls::of(ctx)?.delete("account.unsubscribe", &path);
    Ok(send(exchange, Step::Unsubscribe, findings))
}

fn unsubscribed(outcome: Outcome) -> Result<Progress, Error> {
    Ok(match succeeded(outcome, Replay::Safe) {
        Ok(()) => done(vec![finding(
            "account",
            Verdict::Ok,
            "The app is unsubscribed from the account",
            "",
            None,
        )]),
        Err(error) => {
            let remedy = error.remedy.as_deref().unwrap_or("Try again in a while.");
            let title = "The app was not unsubscribed from the account";
            let said = finding(
                "account",
                Verdict::Failed,
                title,
                &error.detail,
                Some(remedy),
            );
            ask(
                Step::Decide {
                    all: true,
                    number: false,
                },
                vec![said],
            )
        }
    })
}

fn ask(step: Step, findings: Vec<Finding>) -> Progress {
    let choices = [
        (RETRY, "Try again"),
        (SKIP, "Go on without"),
        (STOP, "End here"),
    ];
    prompt("How is it to go on?", &choices, step, findings)
}

fn prompt(title: &str, choices: &[(&str, &str)], step: Step, findings: Vec<Finding>) -> Progress {
    let prompt = Prompt {
        title: title.to_owned(),
        questions: vec![decision(choices)],
        state: FLOW.state(&step),
    };
    progress(findings, Next::Ask(prompt))
}

fn send(exchange: Exchange, step: Step, findings: Vec<Finding>) -> Progress {
    progress(findings, Next::Exchange(FLOW.ask(exchange, &step)))
}
