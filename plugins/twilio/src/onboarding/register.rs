//! Registering numbers: each is looked for, made a sender, verified where Meta asks for a code, and waited
//! for until it is online.
//! Facts: <https://www.twilio.com/docs/whatsapp/isv/register-senders>.

use serde_json::json;
use wharf_plugin::onboarding::{Finding, Progress, Verdict};
use wharf_plugin::prelude::{Code, Context, Error, Exchange, Outcome, Replay, Retry, piece};

use super::run::{
    Kind, Known, Run, Step, failed, finding, is_passing, is_refused, question, value,
};
use super::{accounts, credentials, existing};
use crate::account::{authorize, is_sid};
use crate::ask;
use crate::senders::{self, Sender};

const STEP: &str = "register";
const VERIFY: &str = "verify";
const TRIES_MAX: u8 = 5;
const AGAIN_MS: u32 = 5_000;
/// Between looks at a sender: from five seconds to ten minutes, some 150 of them are a day.
const LOOK_FIRST_MS: u32 = 5_000;
const LOOK_LAST_MS: u32 = 10 * 60 * 1_000;
const LOOKS_MAX: u8 = 150;
/// Meta's limit on one account, which passes.
const LIMITED: &str = "63119";
const LIMITED_MS: u32 = 60 * 60 * 1_000;

/// What is missing is asked for; then the account comes, then the numbers.
pub(super) fn begin(ctx: &Context, mut run: Run) -> Result<Progress, Error> {
    let in_subaccount = run.kind == Kind::Subaccount;
    if in_subaccount && run.draft.account.is_empty() {
        run.draft.account.clone_from(&run.draft.name);
    }
    let draft = &run.draft;
    let missing: Vec<_> = [
        ("numbers", draft.numbers.is_empty()),
        ("waba_id", draft.waba.is_empty()),
        ("display_name", draft.name.is_empty()),
        ("verification_method", draft.numbers.is_empty()),
    ]
    .into_iter()
    .filter(|(_, is_missing)| *is_missing)
    .map(|(name, _)| question(name))
    .collect();
    if !missing.is_empty() {
        return Ok(run.ask(
            "What is to be registered?",
            missing,
            Step::Details,
            Vec::new(),
        ));
    }
    if in_subaccount {
        return accounts::find(ctx, run, Vec::new());
    }
    Ok(credentials::ask(run, Vec::new()))
}

/// Goes on with the next number, or ends.
pub(super) fn next(ctx: &Context, mut run: Run, findings: Vec<Finding>) -> Result<Progress, Error> {
    if !run.draft.numbers.is_empty() {
        run.draft.numbers.remove(0);
    }
    run.losses = 0;
    if !run.draft.numbers.is_empty() {
        return look_up(ctx, run, findings);
    }
    if run.online.is_empty() {
        let reasons = run.failed.join(" ");
        return Err(Error::new(
            Code::Misconfigured,
            Retry::Never,
            format!("no number could be registered. {reasons}"),
        )
        .remedy("Do what the findings say, then start the flow again: it goes on where the numbers are."));
    }
    run.done(ctx, findings)
}

/// Is the number a sender already, from an earlier run?
pub(super) fn look_up(ctx: &Context, run: Run, findings: Vec<Finding>) -> Result<Progress, Error> {
    let exchange = senders::list(ctx, run.page.as_deref())?;
    Ok(run.exchange(exchange, Step::Lookup, findings))
}

pub(super) fn looked_up(ctx: &Context, mut run: Run, outcome: Outcome) -> Result<Progress, Error> {
    let (senders, next_page) = match senders::page(outcome) {
        Ok(page) => page,
        Err(error) => return not_looked_up(run, error),
    };
    let Some(number) = run.draft.numbers.first().cloned() else {
        return next(ctx, run, Vec::new());
    };
    if let Some(sender) = senders.iter().find(|sender| sender.number == number) {
        run.page = None;
        let known = finding(
            STEP,
            Verdict::Ok,
            "The number is known to Twilio",
            format!("Twilio says {} of {number}.", sender.status),
        );
        return look_at(ctx, run, sender, vec![known]);
    }
    run.page = next_page;
    match run.page {
        Some(_) => look_up(ctx, run, Vec::new()),
        None => register(ctx, run, &number),
    }
}

/// A subaccount's token may need a moment to be known everywhere.
fn not_looked_up(run: Run, error: Error) -> Result<Progress, Error> {
    let is_new = run.kind == Kind::Subaccount && is_refused(&error);
    if (is_passing(&error) || is_new) && run.tries < TRIES_MAX {
        let waiting = failed(
            STEP,
            Verdict::Waiting,
            "Twilio does not answer for the moment",
            &error,
        );
        return Ok(run.wait(AGAIN_MS, Step::Lookup, vec![waiting]));
    }
    if is_refused(&error) && run.kind == Kind::Register {
        let refused = failed(
            "account",
            Verdict::Failed,
            "Twilio does not show the numbers to these credentials",
            &error,
        );
        return Ok(credentials::ask(run, vec![refused]));
    }
    Err(error)
}

fn register(ctx: &Context, run: Run, number: &str) -> Result<Progress, Error> {
    let method = if run.draft.by_voice { "voice" } else { "sms" };
    let document = json!({
        "sender_id": format!("whatsapp:{number}"),
        "configuration": { "waba_id": run.draft.waba, "verification_method": method },
        "webhook": { "callback_method": "POST", "status_callback_method": "POST" },
        "profile": { "name": run.draft.name },
    });
    let exchange = Exchange::post_json("senders.create", senders::list_url(), document.to_string());
    let exchange = existing::with_webhooks(authorize(ctx, exchange)?);
    Ok(run.exchange(exchange, Step::Register, Vec::new()))
}

/// A lost answer leads back to the list, so that no number is asked for twice.
pub(super) fn registered(ctx: &Context, mut run: Run, outcome: Outcome) -> Result<Progress, Error> {
    let error = match ask::answer(outcome, Replay::Unsafe) {
        Ok(answer) => match Sender::read(&answer) {
            Some(sender) => return look_at(ctx, run, &sender, Vec::new()),
            None => Error::malformed("the answer is no sender", Replay::Unsafe),
        },
        Err(error) => error,
    };
    let is_limited = error.provider_code.as_deref() == Some(LIMITED);
    if !(is_limited || is_passing(&error)) || !run.has_patience() {
        return refused(ctx, run, &error);
    }
    let (ms, title) = match is_limited {
        true => (LIMITED_MS, "Meta limits this account for the moment"),
        false => (AGAIN_MS, "Twilio did not answer; its list is asked"),
    };
    let waiting = failed(STEP, Verdict::Waiting, title, &error);
    Ok(run.wait(ms, Step::Register, vec![waiting]))
}

/// This number is left behind; the others go on.
fn refused(ctx: &Context, mut run: Run, error: &Error) -> Result<Progress, Error> {
    let number = run.draft.numbers.first().cloned().unwrap_or_default();
    let failure = failed(
        STEP,
        Verdict::Failed,
        "The number was not registered",
        error,
    );
    run.failed.push(format!("{number}: {}.", failure.detail));
    next(ctx, run, vec![failure])
}

/// What to do with a sender, by its state.
fn look_at(
    ctx: &Context,
    mut run: Run,
    sender: &Sender,
    mut findings: Vec<Finding>,
) -> Result<Progress, Error> {
    match sender.status.as_str() {
        _ if sender.is_online() => {
            findings.push(finding(
                STEP,
                Verdict::Ok,
                "The number is online",
                format!("{} can be written to.", sender.number),
            ));
            run.senders = vec![Known::of(sender)];
            existing::tell(ctx, run, findings)
        }
        "OFFLINE" => offline(ctx, run, sender),
        "PENDING_VERIFICATION" => Ok(ask_code(run, &sender.sid, findings)),
        _ if run.tries >= LOOKS_MAX => {
            let error = Error::new(
                Code::ProviderUnavailable,
                Retry::Never,
                format!("the number is still {} after a day", sender.status),
            )
            .remedy("Start the flow again later: it goes on with this number.");
            refused(ctx, run, &error)
        }
        state => {
            findings.push(finding(
                STEP,
                Verdict::Waiting,
                "The number is being registered",
                format!("Twilio says {state} of {}.", sender.number),
            ));
            let doublings = u32::from(run.tries.min(7));
            let ms = LOOK_FIRST_MS
                .saturating_mul(1 << doublings)
                .min(LOOK_LAST_MS);
            Ok(run.wait(ms, Step::Poll(sender.sid.clone()), findings))
        }
    }
}

fn offline(ctx: &Context, mut run: Run, sender: &Sender) -> Result<Progress, Error> {
    let reason = sender.reasons.first();
    if reason.is_some_and(|reason| reason.code == LIMITED) && run.has_patience() {
        let waiting = finding(
            STEP,
            Verdict::Waiting,
            "Meta limits this account for the moment",
            "The number is looked at again in an hour.",
        );
        return Ok(run.wait(LIMITED_MS, Step::Poll(sender.sid.clone()), vec![waiting]));
    }
    let error = match reason {
        Some(reason) => Error::new(
            Code::AccountRestricted,
            Retry::Never,
            reason.message.as_str(),
        )
        .provider_code(reason.code.as_str())
        .remedy(reason.remedy()),
        None => Error::new(
            Code::AccountRestricted,
            Retry::Never,
            "Twilio says OFFLINE and gives no reason",
        )
        .remedy("Open the sender in Twilio's console."),
    };
    refused(ctx, run, &error)
}

pub(super) fn poll(ctx: &Context, run: Run, sid: &str) -> Result<Progress, Error> {
    Ok(run.exchange(
        senders::fetch(ctx, sid)?,
        Step::Poll(sid.to_owned()),
        Vec::new(),
    ))
}

pub(super) fn polled(
    ctx: &Context,
    run: Run,
    sid: &str,
    outcome: Outcome,
) -> Result<Progress, Error> {
    match senders::one(outcome) {
        Ok(sender) => look_at(ctx, run, &sender, Vec::new()),
        Err(error) if is_passing(&error) && run.tries < LOOKS_MAX => {
            let waiting = failed(
                STEP,
                Verdict::Waiting,
                "Twilio does not answer for the moment",
                &error,
            );
            Ok(run.wait(AGAIN_MS, Step::Poll(sid.to_owned()), vec![waiting]))
        }
        Err(error) => refused(ctx, run, &error),
    }
}

fn ask_code(run: Run, sid: &str, mut findings: Vec<Finding>) -> Progress {
    let number = run.draft.numbers.first().cloned().unwrap_or_default();
    findings.push(finding(
        VERIFY,
        Verdict::Waiting,
        "A code is on its way",
        format!("Meta sends it to {number}."),
    ));
    let title = format!("The code that {number} was sent");
    run.ask(
        &title,
        vec![question("verification_code")],
        Step::Code(sid.to_owned()),
        findings,
    )
}

pub(super) fn code_given(
    ctx: &Context,
    run: Run,
    sid: &str,
    inputs: &[(String, Vec<String>)],
) -> Result<Progress, Error> {
    if value(inputs, "verification_code").is_none() || !is_sid(sid, "XE") {
        return Ok(ask_code(run, sid, Vec::new()));
    }
    let exchange = senders::update(ctx, sid, &json!({ "configuration": {} }))?.insert(
        "/configuration/verification_code",
        vec![piece::secret("verification_code")],
    );
    Ok(run.exchange(exchange, Step::Verify(sid.to_owned()), Vec::new()))
}

/// A wrong code is asked for again; Meta counts the tries, so the flow does too.
pub(super) fn verified(run: Run, sid: &str, outcome: Outcome) -> Result<Progress, Error> {
    match ask::answer(outcome, Replay::Safe) {
        Ok(_) => {
            let sent = finding(
                VERIFY,
                Verdict::Ok,
                "The code is with Meta",
                "The number is looked at until it is online.",
            );
            Ok(run.wait(LOOK_FIRST_MS, Step::Poll(sid.to_owned()), vec![sent]))
        }
        Err(error) if is_passing(&error) && run.tries < TRIES_MAX => {
            let waiting = failed(
                VERIFY,
                Verdict::Waiting,
                "Twilio does not answer for the moment",
                &error,
            );
            Ok(run.wait(AGAIN_MS, Step::Verify(sid.to_owned()), vec![waiting]))
        }
        Err(error) if is_refused(&error) => Err(error),
        Err(error) => {
            let mut wrong = failed(VERIFY, Verdict::Failed, "The code was refused", &error);
            wrong.remedy = Some("Type the newest code; an older one is no longer good.".to_owned());
            Ok(ask_code(run, sid, vec![wrong]))
        }
    }
}
