//! Connecting numbers. By an API key, one number; as a partner, all that a customer grants; and three small
//! flows that mend what is connected. Every step may be repeated: keys are created anew, webhooks set again.

mod finish;
mod listing;
mod number;
mod partner_webhook;
mod signup;
mod work;

use wharf_plugin::OnboardingProvider;
use wharf_plugin::manifest::{FlowInfo, Input, Kind, Purpose};
use wharf_plugin::onboarding::{Finding, Mint, Next, Pause, Progress, Prompt, Question, Verdict};
use wharf_plugin::prelude::*;
use wharf_plugin::types::Level;

use crate::Dialog360;
use crate::address::{API_KEY, WEBHOOK_SECRET};
use crate::descriptor::{CHANNEL_ID, PARTNER_ID};
use work::{FLOW, Number, Stage, Step, Work};

/// Flows by their ids.
const CONNECT: &str = "connect";
const PARTNER: &str = "partner";
const RECONNECT: &str = "reconnect";
const WEBHOOKS: &str = "webhooks";
const PARTNER_WEBHOOK: &str = "partner-webhook";
/// Fields of the partner's flow.
const CLIENT: &str = "client";
const NUMBERS: &str = "numbers";
const EMAIL: &str = "customer_email";
/// As many characters of 6 bits each: 258 bits.
const SECRET_CHARS: u8 = 43;

const KEY_STEP: (&str, &str) = ("key", "API key");
const NUMBER_STEP: (&str, &str) = ("number", "The number answers");
const WEBHOOK_STEP: (&str, &str) = ("webhook", "Webhook");

pub(crate) fn flows() -> Vec<FlowInfo> {
    let small = |id, title, purpose, steps: &[(&str, &str)]| {
        steps
            .iter()
            .fold(FlowInfo::form(id, title, purpose), |flow, (id, title)| {
                flow.step(id, title)
            })
    };
    let field =
        |name, title, help| Input::new(name, Kind::Text, Level::Channel, title, help).optional();
    vec![
        small(
            CONNECT,
            "Connect a number by its API key",
            Purpose::Connect,
            &[KEY_STEP, NUMBER_STEP, WEBHOOK_STEP],
        ),
        small(
            PARTNER,
            "Sign a customer up as a partner",
            Purpose::Connect,
            &[
                ("signup", "Sign up at 360dialog"),
                ("channels", "Numbers that were granted"),
                KEY_STEP,
                NUMBER_STEP,
                WEBHOOK_STEP,
            ],
        )
        .input(field(
            EMAIL,
            "Customer's e-mail",
            "Filled in for the customer at 360dialog.",
        ))
        .input(field(
            CLIENT,
            "Client ID",
            "Of a customer who has signed up already: no visit to 360dialog is needed then.",
        ))
        .input(field(
            NUMBERS,
            "Channel IDs",
            "Of that customer, separated by commas; leave it empty to choose from a list.",
        )),
        small(
            RECONNECT,
            "Renew a number's API key",
            Purpose::Reconnect,
            &[KEY_STEP, NUMBER_STEP, WEBHOOK_STEP],
        ),
        small(
            WEBHOOKS,
            "Set a number's webhook again",
            Purpose::Webhooks,
            &[WEBHOOK_STEP],
        ),
        small(
            PARTNER_WEBHOOK,
            "Set the partner's webhook",
            Purpose::Webhooks,
            &[WEBHOOK_STEP],
        ),
    ]
}

impl OnboardingProvider for Dialog360 {
    fn onboarding_start(
        ctx: &Context,
        flow: &str,
        inputs: &[(String, String)],
    ) -> Result<Progress, Error> {
        match flow {
            CONNECT => Ok(ask_key(Work::connect(), Vec::new())),
            PARTNER => signup::start(ctx, inputs),
            RECONNECT => reconnect(ctx),
            WEBHOOKS => number::go_on(ctx, Work::mend(Number::unnamed(Stage::Hook)), Vec::new()),
            PARTNER_WEBHOOK => partner_webhook::start(ctx),
            flow => Err(unknown(flow)),
        }
    }

    fn onboarding_resume(
        ctx: &Context,
        flow: &str,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        known(flow)?;
        match FLOW.step(state)? {
            Step::List(work) => listing::listed(ctx, work, outcome),
            Step::Run(work) => number::ran(ctx, work, outcome),
            Step::PartnerWebhook => partner_webhook::set(outcome),
            _ => Err(no_exchange()),
        }
    }

    fn onboarding_answer(
        ctx: &Context,
        flow: &str,
        state: &[u8],
        inputs: &[(String, Vec<String>)],
    ) -> Result<Progress, Error> {
        known(flow)?;
        match FLOW.step(state)? {
            Step::Key(work) => keyed(ctx, work, inputs),
            Step::Return { nonce } => signup::returned(ctx, &nonce, inputs),
            Step::Choose { client } => listing::chosen(ctx, client, values(inputs, NUMBERS)),
            Step::Poll(work) => listing::list(ctx, work, Vec::new()),
            Step::Go(work) => number::go_on(ctx, work, Vec::new()),
            Step::Sender(work) => {
                number::named(ctx, work, values(inputs, crate::descriptor::SENDER))
            }
            Step::Again(work) => finish::again(ctx, work, values(inputs, NUMBERS)),
            Step::List(_) | Step::Run(_) | Step::PartnerWebhook => Err(no_answer()),
        }
    }
}

/// As a partner a new key; without one the person brings it.
fn reconnect(ctx: &Context) -> Result<Progress, Error> {
    match (ctx.setting(PARTNER_ID), ctx.setting(CHANNEL_ID)) {
        (Some(_), Some(channel)) => {
            let mut number = Number::unnamed(Stage::Create);
            number.id = channel.to_owned();
            number::go_on(ctx, Work::mend(number), Vec::new())
        }
        _ => Ok(ask_key(
            Work::mend(Number::unnamed(Stage::Health)),
            Vec::new(),
        )),
    }
}

/// Asks for the API key, which only the host gets to know.
fn ask_key(work: Work, findings: Vec<Finding>) -> Progress {
    progress(
        findings,
        Next::Ask(Prompt {
            title: "The number's API key, from the 360dialog Hub".to_owned(),
            questions: vec![question(API_KEY, Vec::new(), false)],
            state: FLOW.state(&Step::Key(work)),
        }),
    )
}

fn keyed(ctx: &Context, work: Work, inputs: &[(String, Vec<String>)]) -> Result<Progress, Error> {
    if values(inputs, API_KEY).iter().all(|value| value.is_empty()) {
        return Err(Error::invalid("no API key was given")
            .remedy("Create an API key for the number in the 360dialog Hub and put it in."));
    }
    begin(ctx, work, Vec::new())
}

/// Goes through the numbers; a flow that connects makes the webhooks' secret first.
fn begin(ctx: &Context, mut work: Work, findings: Vec<Finding>) -> Result<Progress, Error> {
    if work.mends || work.minted {
        return number::go_on(ctx, work, findings);
    }
    work.minted = true;
    let mint = Mint {
        secret: WEBHOOK_SECRET.to_owned(),
        alphabet: wharf_plugin::onboarding::Alphabet::Base64url,
        length: SECRET_CHARS,
        state: FLOW.state(&Step::Go(work)),
    };
    Ok(progress(findings, Next::Mint(mint)))
}

fn progress(findings: Vec<Finding>, next: Next) -> Progress {
    Progress {
        settings: Vec::new(),
        findings,
        next,
    }
}

fn wait(findings: Vec<Finding>, ms: u32, then: &Step) -> Progress {
    let state = FLOW.state(then);
    progress(findings, Next::Wait(Pause { ms, state }))
}

fn question(input: &str, choices: Vec<(String, String)>, many: bool) -> Question {
    Question {
        input: input.to_owned(),
        choices,
        many,
    }
}

fn finding(
    step: &str,
    verdict: Verdict,
    title: impl Into<String>,
    detail: impl Into<String>,
) -> Finding {
    Finding {
        step: step.to_owned(),
        verdict,
        title: title.into(),
        detail: detail.into(),
        remedy: None,
    }
}

/// A failure as the person sees it.
fn failed(step: &str, title: impl Into<String>, error: &Error) -> Finding {
    let mut failed = finding(step, Verdict::Failed, title, error.detail.clone());
    let general = || "Try it again; when it stays, ask 360dialog's support.".to_owned();
    failed.remedy = Some(error.remedy.clone().unwrap_or_else(general));
    failed
}

/// All values of an answer with this name.
fn values<'a>(inputs: &'a [(String, Vec<String>)], name: &str) -> Vec<&'a str> {
    let named = inputs.iter().filter(|(known, _)| known == name);
    named
        .flat_map(|(_, values)| values.iter().map(String::as_str))
        .collect()
}

fn known(flow: &str) -> Result<(), Error> {
    match flow {
        CONNECT | PARTNER | RECONNECT | WEBHOOKS | PARTNER_WEBHOOK => Ok(()),
        flow => Err(unknown(flow)),
    }
}

fn unknown(flow: &str) -> Error {
    Error::new(
        Code::Unsupported,
        Retry::Never,
        format!("360dialog has no flow `{flow}`"),
    )
    .remedy("Start the flow `connect` or, as a partner, the flow `partner`.")
}

fn no_exchange() -> Error {
    Error::new(
        Code::Misconfigured,
        Retry::Never,
        "the flow waits for a person, not for an exchange",
    )
}

fn no_answer() -> Error {
    Error::new(
        Code::Misconfigured,
        Retry::Never,
        "the flow waits for an exchange, not for a person",
    )
}
