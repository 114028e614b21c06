//! Numbers that are senders already: found, chosen, told where to call.

use serde_json::json;
use wharf_plugin::onboarding::{Finding, Progress, Question, Verdict};
use wharf_plugin::prelude::{Code, Context, Error, Exchange, Outcome, Piece, Retry, piece};

use super::run::{Kind, Known, Run, Step, failed, finding, is_passing, is_refused};
use super::{credentials, register};
use crate::descriptor::WEBHOOK;
use crate::senders::{self, Found, Sender};

const STEP: &str = "senders";
const WEBHOOKS: &str = "webhooks";
/// To choose from: what a flow's state has room for.
const SENDERS_MAX: usize = 50;
const TRIES_MAX: u8 = 5;
const AGAIN_MS: u32 = 5_000;
/// Repeated at once, up to five times within Twilio's 15 seconds, on any failure
/// (<https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>). The fragment is not sent.
const OVERRIDES: &str = "#rc=5&rp=all";

/// The page of senders that the flow stands at.
pub(super) fn list(ctx: &Context, run: Run) -> Result<Progress, Error> {
    let exchange = senders::list(ctx, run.page.as_deref())?;
    Ok(run.exchange(exchange, Step::Senders, Vec::new()))
}

pub(super) fn listed(ctx: &Context, mut run: Run, outcome: Outcome) -> Result<Progress, Error> {
    let (senders, next) = match senders::page(outcome) {
        Ok(page) => page,
        Err(error) => return not_listed(run, error),
    };
    run.senders.extend(senders.iter().map(Known::of));
    let is_full = run.senders.len() > SENDERS_MAX;
    run.senders.truncate(SENDERS_MAX);
    run.page = next;
    if run.page.is_some() && !is_full {
        return list(ctx, run);
    }
    run.page = None;
    match run.senders.len() {
        0 => Err(Error::new(
            Code::Misconfigured,
            Retry::Never,
            "the account has no WhatsApp sender",
        )
        .remedy("Register a number with WhatsApp first: there is a flow for it.")),
        1 => tell(
            ctx,
            run,
            vec![finding(
                STEP,
                Verdict::Ok,
                "There is one number",
                "It is connected.",
            )],
        ),
        _ => Ok(choose(run, is_full)),
    }
}

/// A key without access is asked for again, with all the rest.
fn not_listed(run: Run, error: Error) -> Result<Progress, Error> {
    if is_passing(&error) && run.tries < TRIES_MAX {
        let waiting = failed(
            STEP,
            Verdict::Waiting,
            "Twilio does not answer for the moment",
            &error,
        );
        return Ok(run.wait(AGAIN_MS, Step::Senders, vec![waiting]));
    }
    if is_refused(&error) {
        let refused = failed(
            STEP,
            Verdict::Failed,
            "Twilio does not show the numbers to these credentials",
            &error,
        );
        return Ok(credentials::ask(Run::new(run.kind), vec![refused]));
    }
    Err(error)
}

fn choose(run: Run, is_full: bool) -> Progress {
    let label = |sender: &Known| format!("{} {}", sender.number, sender.title);
    let choices = run.senders.iter().map(|it| (it.number.clone(), label(it)));
    let question = Question {
        input: "number".to_owned(),
        choices: choices.collect(),
        many: true,
    };
    let findings = is_full.then(|| {
        finding(
            STEP,
            Verdict::Warning,
            "Not all numbers are shown",
            format!("The first {SENDERS_MAX} are; connect others through the files."),
        )
    });
    run.ask(
        "Which numbers are to be connected?",
        vec![question],
        Step::Choose,
        findings.into_iter().collect(),
    )
}

pub(super) fn chosen(
    ctx: &Context,
    mut run: Run,
    inputs: &[(String, Vec<String>)],
) -> Result<Progress, Error> {
    let values = inputs.iter().filter(|(name, _)| name == "number");
    let chosen: Vec<&String> = values.flat_map(|(_, values)| values).collect();
    if chosen.is_empty() {
        return Ok(choose(run, false));
    }
    run.senders
        .retain(|sender| chosen.contains(&&sender.number));
    tell(ctx, run, Vec::new())
}

/// The channel's own number, for a flow that mends it.
pub(super) fn own(ctx: &Context, run: Run) -> Result<Progress, Error> {
    Ok(run.exchange(senders::find(ctx)?, Step::Own, Vec::new()))
}

pub(super) fn found(ctx: &Context, mut run: Run, outcome: Outcome) -> Result<Progress, Error> {
    match senders::found(ctx, outcome) {
        Ok(Found::Sender(sender)) => {
            run.senders = vec![Known::of(&sender)];
            tell(ctx, run, vec![state(&sender)])
        }
        Ok(Found::More(exchange)) => Ok(run.exchange(*exchange, Step::Own, Vec::new())),
        Ok(Found::Nowhere) => Err(senders::not_registered()),
        Err(error) if is_passing(&error) && run.tries < TRIES_MAX => {
            let waiting = failed(
                STEP,
                Verdict::Waiting,
                "Twilio does not answer for the moment",
                &error,
            );
            Ok(run.wait(AGAIN_MS, Step::Own, vec![waiting]))
        }
        Err(error) => Err(error),
    }
}

/// What Twilio says of a number that is to be connected.
pub(super) fn state(sender: &Sender) -> Finding {
    let detail = format!("Twilio says {} of {}.", sender.status, sender.number);
    if sender.is_online() {
        return finding(STEP, Verdict::Ok, "The number is online", detail);
    }
    let mut finding = finding(STEP, Verdict::Warning, "The number is not online", detail);
    let reason = sender.reasons.first().map(|reason| reason.remedy());
    finding.remedy = Some(
        reason
            .unwrap_or("Open the sender in Twilio's console.")
            .to_owned(),
    );
    finding
}

/// Where Twilio calls for messages and for statuses of what was sent by other means.
fn callback() -> Vec<Piece> {
    vec![piece::webhook_url(WEBHOOK), piece::text(OVERRIDES)]
}

/// Both webhooks in a document that has an object `webhook`.
pub(super) fn with_webhooks(exchange: Exchange) -> Exchange {
    exchange
        .insert("/webhook/callback_url", callback())
        .insert("/webhook/status_callback_url", callback())
}

/// The webhooks of the next number, or the end.
pub(super) fn tell(ctx: &Context, run: Run, findings: Vec<Finding>) -> Result<Progress, Error> {
    let Some(sender) = run.senders.first() else {
        return match run.kind {
            Kind::Register | Kind::Subaccount => register::next(ctx, run, findings),
            Kind::Connect => run.done(ctx, findings),
            Kind::Webhooks => Ok(Run {
                online: Vec::new(),
                ..run
            }
            .done(ctx, findings)?),
        };
    };
    let document = json!({
        "webhook": { "callback_method": "POST", "status_callback_method": "POST" },
    });
    let exchange = with_webhooks(senders::update(ctx, &sender.sid, &document)?);
    Ok(run.exchange(exchange, Step::Webhooks, findings))
}

/// A number works without them as far as sending goes, so a refusal is a warning.
pub(super) fn told(ctx: &Context, mut run: Run, outcome: Outcome) -> Result<Progress, Error> {
    let result = crate::ask::answer(outcome, wharf_plugin::prelude::Replay::Safe);
    if let Err(error) = &result
        && is_passing(error)
        && run.tries < TRIES_MAX
    {
        let waiting = failed(
            WEBHOOKS,
            Verdict::Waiting,
            "Twilio does not answer for the moment",
            error,
        );
        return Ok(run.wait(AGAIN_MS, Step::Webhooks, vec![waiting]));
    }
    if run.senders.is_empty() {
        return tell(ctx, run, Vec::new());
    }
    let sender = run.senders.remove(0);
    let number = sender.number.clone();
    run.online.push(sender);
    run.tries = 0;
    let told = match result {
        Ok(_) => finding(
            WEBHOOKS,
            Verdict::Ok,
            "The webhooks are set",
            format!("Twilio calls for {number}."),
        ),
        Err(error) => {
            let mut warning = failed(
                WEBHOOKS,
                Verdict::Warning,
                "The webhooks could not be set",
                &error,
            );
            warning.remedy = Some(format!(
                "Set the number's webhook of messages and statuses for {number} in Twilio's console, or run the flow that sets them."
            ));
            warning
        }
    };
    tell(ctx, run, vec![told])
}
