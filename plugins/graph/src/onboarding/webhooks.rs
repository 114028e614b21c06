//! The webhook at its three levels, of which the nearest to the number wins: the app's address, the
//! account's subscription with or without an address of its own, the number's own address.
//! https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wharf_plugin::flow::Flow;
use wharf_plugin::onboarding::{Finding, Next, Progress, Prompt, Verdict};
use wharf_plugin::prelude::{Context, Error, Exchange, Outcome, Replay, piece};
use wharf_plugin::types::HttpMethod;

use super::account::own_subscription;
use super::flows::{REPLACE, RETRY, SKIP, STOP};
use super::turn::{decision, done, finding, progress};
use super::{first, misplaced};
use crate::call::{Calls, id_setting, read, succeeded};

/// Raise the version when a step changes.
const FLOW: Flow<Step> = Flow::new("webhooks", 1);
const OBJECT: &str = "whatsapp_business_account";
/// What the plugin reads; an app gets nothing that it has not asked for.
const FIELDS: &str = "messages,message_template_status_update,message_template_quality_update,message_template_components_update,template_category_update,account_update,account_alerts,account_review_update,business_capability_update,phone_number_name_update,phone_number_quality_update,security,user_preferences,flows,history,smb_app_state_sync,smb_message_echoes,calls";

/// What was asked, or is waited for.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Step {
    App,
    SetApp,
    Account,
    SetAccount,
    Number,
    SetNumber,
    /// Somebody decides about the level; true: about replacing what is there, false: about a failure.
    Decide(Level, bool),
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Level {
    App,
    Account,
    Number,
}

pub(super) fn start(ctx: &Context) -> Result<Progress, Error> {
    begin(ctx, Level::App, Vec::new())
}

pub(super) fn resume(ctx: &Context, state: &[u8], outcome: Outcome) -> Result<Progress, Error> {
    match FLOW.step(state)? {
        Step::App => app_read(ctx, outcome),
        Step::SetApp => set(ctx, Level::App, outcome),
        Step::Account => account_read(ctx, outcome),
        Step::SetAccount => set(ctx, Level::Account, outcome),
        Step::Number => number_read(ctx, outcome),
        Step::SetNumber => set(ctx, Level::Number, outcome),
        Step::Decide(..) => Err(misplaced()),
    }
}

pub(super) fn answer(
    ctx: &Context,
    state: &[u8],
    inputs: &[(String, Vec<String>)],
) -> Result<Progress, Error> {
    let Step::Decide(level, replacing) = FLOW.step(state)? else {
        return Err(misplaced());
    };
    match first(inputs, "decision") {
        REPLACE if replacing => repair(ctx, level, Vec::new()),
        RETRY if !replacing => begin(ctx, level, Vec::new()),
        SKIP => after(ctx, level, Vec::new()),
        STOP => Ok(done(Vec::new())),
        _ if replacing => Ok(ask_replace(level, Vec::new())),
        _ => Ok(ask_retry(level, Vec::new())),
    }
}

/// Reads how a level is set up.
fn begin(ctx: &Context, level: Level, findings: Vec<Finding>) -> Result<Progress, Error> {
    let calls = Calls::of(ctx)?;
    let (exchange, step) = match level {
        Level::App => {
            let app_id = id_setting(ctx, "app_id")?;
            let url = calls.url(&format!("{app_id}/subscriptions"));
            (
                calls.by_app(Exchange::get("webhooks.app", url), app_id),
                Step::App,
            )
        }
        Level::Account => {
            let path = format!("{}/subscribed_apps", id_setting(ctx, "waba_id")?);
            (calls.get("webhooks.account", &path), Step::Account)
        }
        Level::Number => {
            let exchange = calls
                .get("webhooks.number", id_setting(ctx, "phone_number_id")?)
                .query_text("fields", "webhook_configuration");
            (exchange, Step::Number)
        }
    };
    Ok(send(exchange, step, findings))
}

/// Sets a level up as it should be.
fn repair(ctx: &Context, level: Level, findings: Vec<Finding>) -> Result<Progress, Error> {
    let calls = Calls::of(ctx)?;
    let (exchange, step) = match level {
        Level::App => {
            let app_id = id_setting(ctx, "app_id")?;
            let url = calls.url(&format!("{app_id}/subscriptions"));
            // Meta calls the address while this request is on its way, and the gateway answers.
            let exchange = Exchange::new("webhooks.set-app", HttpMethod::Post, url)
                .query_text("object", OBJECT)
                .query("callback_url", vec![piece::webhook_url("main")])
                .query("verify_token", vec![piece::secret("verify_token")])
                .query_text("fields", FIELDS);
            (calls.by_app(exchange, app_id), Step::SetApp)
        }
        // Without an address the account's own one is forgotten.
        Level::Account => {
            let path = format!("{}/subscribed_apps", id_setting(ctx, "waba_id")?);
            (calls.post("webhooks.set-account", &path), Step::SetAccount)
        }
        Level::Number => {
            let document = json!({ "webhook_configuration": { "override_callback_uri": "" } });
            let exchange = calls
                .post("webhooks.set-number", id_setting(ctx, "phone_number_id")?)
                .json(document.to_string());
            (exchange, Step::SetNumber)
        }
    };
    Ok(send(exchange.replay(Replay::Safe), step, findings))
}

/// The next level, as far as it is known.
fn after(ctx: &Context, level: Level, findings: Vec<Finding>) -> Result<Progress, Error> {
    let has = |name: &str| ctx.setting(name).is_some();
    match level {
        Level::App if has("waba_id") => begin(ctx, Level::Account, findings),
        Level::App | Level::Account if has("phone_number_id") => {
            begin(ctx, Level::Number, findings)
        }
        _ => Ok(done(findings)),
    }
}

fn app_read(ctx: &Context, outcome: Outcome) -> Result<Progress, Error> {
    let answer = match read(outcome, Replay::Safe, |response| response.json::<Value>()) {
        Ok(answer) => answer,
        Err(error) => return Ok(failed(Level::App, &error)),
    };
    let found = answer["data"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|subscription| subscription["object"] == OBJECT);
    let Some(found) = found else {
        return repair(ctx, Level::App, Vec::new());
    };
    let host = host_of(found["callback_url"].as_str().unwrap_or_default());
    let detail = format!("Its webhooks go to {host}.");
    let said = vec![finding(
        "app",
        Verdict::Warning,
        "The app has a webhook already",
        &detail,
        None,
    )];
    Ok(ask_replace(Level::App, said))
}

/// The path of an address may hold its token.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    match rest.split(['/', '?', '#']).next() {
        None | Some("") => "an address that Meta does not show",
        Some(host) => host,
    }
}

fn account_read(ctx: &Context, outcome: Outcome) -> Result<Progress, Error> {
    let answer = match read(outcome, Replay::Safe, |response| response.json::<Value>()) {
        Ok(answer) => answer,
        Err(error) => return Ok(failed(Level::Account, &error)),
    };
    let Some(own) = own_subscription(&answer, ctx.setting("app_id")) else {
        return repair(ctx, Level::Account, Vec::new());
    };
    let Some(elsewhere) = own["override_callback_uri"]
        .as_str()
        .filter(|url| !url.is_empty())
    else {
        let said = vec![finding(
            "account",
            Verdict::Ok,
            "The app is subscribed to the account",
            "",
            None,
        )];
        return after(ctx, Level::Account, said);
    };
    let detail = format!("They go to {}.", host_of(elsewhere));
    let said = vec![finding(
        "account",
        Verdict::Warning,
        "The account's messages go elsewhere",
        &detail,
        None,
    )];
    Ok(ask_replace(Level::Account, said))
}

fn number_read(ctx: &Context, outcome: Outcome) -> Result<Progress, Error> {
    let answer = match read(outcome, Replay::Safe, |response| response.json::<Value>()) {
        Ok(answer) => answer,
        Err(error) => return Ok(failed(Level::Number, &error)),
    };
    let own = answer["webhook_configuration"]["phone_number"].as_str();
    let Some(elsewhere) = own.filter(|url| !url.is_empty()) else {
        let said = vec![finding(
            "number",
            Verdict::Ok,
            "The number has no address of its own",
            "",
            None,
        )];
        return after(ctx, Level::Number, said);
    };
    let detail = format!("They go to {}.", host_of(elsewhere));
    let said = vec![finding(
        "number",
        Verdict::Warning,
        "The number's messages go elsewhere",
        &detail,
        None,
    )];
    Ok(ask_replace(Level::Number, said))
}

fn set(ctx: &Context, level: Level, outcome: Outcome) -> Result<Progress, Error> {
    if let Err(error) = succeeded(outcome, Replay::Safe) {
        return Ok(failed(level, &error));
    }
    let (step, title) = match level {
        Level::App => ("app", "The app's webhooks come here"),
        Level::Account => ("account", "The account's webhooks go where the app's go"),
        Level::Number => ("number", "The number's webhooks go where the account's go"),
    };
    after(
        ctx,
        level,
        vec![finding(step, Verdict::Ok, title, "", None)],
    )
}

fn failed(level: Level, error: &Error) -> Progress {
    let (step, title, fallback) = match level {
        Level::App => (
            "app",
            "The app's webhook is not set up",
            "Check the app's ID and secret, and that the gateway is reached at its public address.",
        ),
        Level::Account => (
            "account",
            "The account's subscription is not set up",
            "Try again in a while.",
        ),
        Level::Number => (
            "number",
            "The number's address is not set up",
            "Try again in a while.",
        ),
    };
    let remedy = match level {
        // The table speaks of messages; here Meta could not reach the address, or does not know the app.
        Level::App => fallback,
        _ => error.remedy.as_deref().unwrap_or(fallback),
    };
    let said = finding(step, Verdict::Failed, title, &error.detail, Some(remedy));
    ask_retry(level, vec![said])
}

fn ask_retry(level: Level, findings: Vec<Finding>) -> Progress {
    let choices = [
        (RETRY, "Try again"),
        (SKIP, "Go on without"),
        (STOP, "End here"),
    ];
    ask(
        "How is it to go on?",
        &choices,
        Step::Decide(level, false),
        findings,
    )
}

fn ask_replace(level: Level, findings: Vec<Finding>) -> Progress {
    let choices = [
        (REPLACE, "Bring them here"),
        (SKIP, "Leave it as it is"),
        (STOP, "End here"),
    ];
    ask(
        "Are these webhooks to come here?",
        &choices,
        Step::Decide(level, true),
        findings,
    )
}

fn ask(title: &str, choices: &[(&str, &str)], step: Step, findings: Vec<Finding>) -> Progress {
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
