//! The account's own credentials: asked for, then tried.

use wharf_plugin::onboarding::{Finding, Progress, Verdict};
use wharf_plugin::prelude::{Context, Error, Exchange, Outcome, Replay};

use super::run::{Kind, Run, Step, failed, finding, is_passing, is_refused, question, value};
use super::{existing, register};
use crate::account::{API, account_sid, is_sid};
use crate::ask;

const STEP: &str = "account";
/// Tries of a question that Twilio does not answer for the moment.
const TRIES_MAX: u8 = 5;
const AGAIN_MS: u32 = 5_000;

pub(super) fn ask(run: Run, findings: Vec<Finding>) -> Progress {
    let questions = ["account_sid", "auth_token", "api_key_sid", "api_key_secret"];
    run.ask(
        "The account that has the numbers. An API key may stand beside the auth token.",
        questions.map(question).to_vec(),
        Step::Credentials,
        findings,
    )
}

pub(super) fn given(
    ctx: &Context,
    run: Run,
    inputs: &[(String, Vec<String>)],
) -> Result<Progress, Error> {
    let again = |run: Run, title: &str, detail: &str| {
        let mut finding = finding(STEP, Verdict::Failed, title, detail);
        finding.remedy = Some("Copy it from the dashboard of Twilio's console.".to_owned());
        Ok(ask(run, vec![finding]))
    };
    let Some(sid) = value(inputs, "account_sid").filter(|sid| is_sid(sid, "AC")) else {
        return again(
            run,
            "The account SID is none",
            "It has AC and 32 hexadecimal digits.",
        );
    };
    if value(inputs, "auth_token").is_none() {
        return again(
            run,
            "The auth token is missing",
            "Webhooks are signed with it, so it is needed beside an API key too.",
        );
    }
    let mut settings = vec![("account_sid".to_owned(), sid.to_owned())];
    if let Some(key) = value(inputs, "api_key_sid") {
        if !is_sid(key, "SK") || value(inputs, "api_key_secret").is_none() {
            return again(
                run,
                "The API key is incomplete",
                "It has a SID, SK and 32 hexadecimal digits, and a secret.",
            );
        }
        settings.push(("api_key_sid".to_owned(), key.to_owned()));
    }
    let mut progress = check(&with(ctx, &settings), run)?;
    progress.settings = settings;
    Ok(progress)
}

/// The context that holds from here on.
pub(super) fn with(ctx: &Context, settings: &[(String, String)]) -> Context {
    let mut ctx = ctx.clone();
    for (name, value) in settings {
        ctx.settings.retain(|(known, _)| known != name);
        ctx.settings.push((name.clone(), value.clone()));
    }
    ctx
}

/// Accounts are shown to their own token, which proves it too: an API key would not.
pub(super) fn check(ctx: &Context, run: Run) -> Result<Progress, Error> {
    let sid = account_sid(ctx)?;
    let url = format!("https://{API}/2010-04-01/Accounts/{sid}.json");
    let exchange = Exchange::get("connect.account", url).basic(sid, "auth_token");
    Ok(run.exchange(exchange, Step::Account, Vec::new()))
}

pub(super) fn checked(ctx: &Context, run: Run, outcome: Outcome) -> Result<Progress, Error> {
    let account = match ask::answer(outcome, Replay::Safe) {
        Ok(account) => account,
        Err(error) if is_passing(&error) && run.tries < TRIES_MAX => {
            let waiting = failed(
                STEP,
                Verdict::Waiting,
                "Twilio does not answer for the moment",
                &error,
            );
            return Ok(run.wait(AGAIN_MS, Step::Account, vec![waiting]));
        }
        Err(error) if is_refused(&error) || error.provider_code.as_deref() == Some("20404") => {
            let refused = failed(
                STEP,
                Verdict::Failed,
                "Twilio refuses the credentials",
                &error,
            );
            return Ok(ask(run, vec![refused]));
        }
        Err(error) => return Err(error),
    };
    let status = account["status"].as_str().unwrap_or("unknown");
    if status != "active" {
        let mut finding = finding(
            STEP,
            Verdict::Failed,
            "The account is not active",
            format!("Twilio says that it is {status}."),
        );
        finding.remedy =
            Some("Settle what Twilio's console asks for, or give another account.".to_owned());
        return Ok(ask(run, vec![finding]));
    }
    let name: String = account["friendly_name"]
        .as_str()
        .unwrap_or_default()
        .chars()
        .take(64)
        .collect();
    let ok = finding(
        STEP,
        Verdict::Ok,
        "The credentials work",
        format!("The account is {name:?}."),
    );
    let mut progress = match run.kind {
        Kind::Register => register::look_up(ctx, run, Vec::new())?,
        _ => existing::list(ctx, run)?,
    };
    progress.findings.insert(0, ok);
    Ok(progress)
}
