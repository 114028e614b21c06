//! What Meta says of the account: its token, its number, the account itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wharf_cloud_api::health::Health;
use wharf_plugin::HealthProvider;
use wharf_plugin::flow::Flow;
use wharf_plugin::health::{Finding, Progress, Verdict};
use wharf_plugin::prelude::{Code, Context, Error, Outcome, Replay};

use crate::Graph;
use crate::call::{Calls, id_setting, read};
use crate::token::{self, Token};

/// Raise the version when a step changes.
const FLOW: Flow<Asked> = Flow::new("health", 1);
const NUMBER_FIELDS: &str = "id,display_phone_number,verified_name,name_status,quality_rating,code_verification_status,status,platform_type,throughput,account_mode,health_status,whatsapp_business_manager_messaging_limit,is_on_biz_app";
const ACCOUNT_FIELDS: &str = "id,name,account_review_status,business_verification_status";
/// A week to replace a token in.
const EXPIRES_SOON_MS: u64 = 7 * 24 * 3_600 * 1_000;
const NEW_TOKEN: &str =
    "Run the connection flow again, or make a system user's token that does not expire.";

/// What was asked last, and what came before it.
#[derive(Serialize, Deserialize)]
struct Asked {
    step: Step,
    said: Vec<Said>,
    token_expires: Option<u64>,
    quality: Option<String>,
    limit: Option<String>,
    per_second: Option<u32>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Step {
    Token,
    Number,
    Account,
}

/// A finding as the state holds it.
#[derive(Serialize, Deserialize)]
struct Said(u8, String, String, Option<String>);

impl HealthProvider for Graph {
    fn health_start(ctx: &Context) -> Result<Progress, Error> {
        let calls = Calls::of(ctx)?;
        let mut health = Health::default();
        if ctx.setting("app_id").is_some() {
            let exchange = token::inspect(&calls, id_setting(ctx, "app_id")?);
            return Ok(FLOW.ask(exchange, &asked(Step::Token, health)).into());
        }
        health.say(
            Verdict::Unknown,
            "The token is not looked at",
            "The setting `app_id` is empty.",
            Some("Fill in the app's ID, so that the token's rights and end are checked."),
        );
        account(ctx, &calls, health)
    }

    fn health_resume(ctx: &Context, state: &[u8], outcome: Outcome) -> Result<Progress, Error> {
        let calls = Calls::of(ctx)?;
        let asked = FLOW.step(state)?;
        let step = asked.step;
        let mut health = known(asked);
        match step {
            Step::Token => match unless_about_the_account(token::inspected(outcome))? {
                Ok(token) => {
                    token_says(ctx, &mut health, &token);
                    if !token.is_valid {
                        return Ok(Progress::Done(health.report()));
                    }
                }
                // It says that the app's own secret is wrong, not the account's token.
                Err(error) => health.say(
                    Verdict::Degraded,
                    "The token could not be looked at",
                    &error.detail,
                    Some("Check the app's ID and secret."),
                ),
            },
            Step::Account => match unless_about_the_account(node(outcome))? {
                Ok(account) => health.account(&account),
                Err(error) => health.say(
                    Verdict::Unknown,
                    "The account could not be looked at",
                    &error.detail,
                    error.remedy.as_deref(),
                ),
            },
            Step::Number => {
                match unless_about_the_account(node(outcome))? {
                    Ok(number) => {
                        health.number(&number);
                        health.entities(&number["health_status"]);
                    }
                    Err(error) => refused(&mut health, "The number cannot be reached", &error),
                }
                return Ok(Progress::Done(health.report()));
            }
        }
        match step {
            Step::Token => account(ctx, &calls, health),
            _ => number(ctx, &calls, health),
        }
    }
}

fn number(ctx: &Context, calls: &Calls, health: Health) -> Result<Progress, Error> {
    let exchange = calls
        .get("health.number", id_setting(ctx, "phone_number_id")?)
        .query_text("fields", NUMBER_FIELDS);
    Ok(FLOW.ask(exchange, &asked(Step::Number, health)).into())
}

/// The account is asked for where it is known; a channel can do without. It comes before the number, whose
/// answer may hold more than a state.
fn account(ctx: &Context, calls: &Calls, health: Health) -> Result<Progress, Error> {
    if ctx.setting("waba_id").is_none() {
        return number(ctx, calls, health);
    }
    let exchange = calls
        .get("health.account", id_setting(ctx, "waba_id")?)
        .query_text("fields", ACCOUNT_FIELDS);
    Ok(FLOW.ask(exchange, &asked(Step::Account, health)).into())
}

fn node(outcome: Outcome) -> Result<Value, Error> {
    read(outcome, Replay::Safe, |response| {
        response.json().filter(Value::is_object)
    })
}

/// Failures that pass by themselves, or come of the network, say nothing of the account: the question is
/// asked again later. The others are findings.
fn unless_about_the_account<T>(result: Result<T, Error>) -> Result<Result<T, Error>, Error> {
    match result {
        Err(error)
            if matches!(
                error.code,
                Code::ProviderUnavailable | Code::MalformedResponse | Code::RateLimited
            ) =>
        {
            Err(error)
        }
        result => Ok(result),
    }
}

fn token_says(ctx: &Context, health: &mut Health, token: &Token) {
    if !token.is_valid {
        let reason = match token.reason.as_str() {
            "" => "Meta no longer takes it.",
            reason => reason,
        };
        health.say(
            Verdict::Blocked,
            "The access token is not valid",
            reason,
            Some(NEW_TOKEN),
        );
        return;
    }
    if !token.missing.is_empty() {
        let detail = format!("It lacks {}.", token.missing.join(" and "));
        let remedy =
            "Make a token with both permissions of WhatsApp, or run the connection flow again.";
        health.say(
            Verdict::Blocked,
            "The access token lacks a permission",
            &detail,
            Some(remedy),
        );
    }
    if let (Some(waba), false) = (ctx.setting("waba_id"), token.accounts.is_empty())
        && !token.accounts.iter().any(|account| account == waba)
    {
        health.say(
            Verdict::Blocked,
            "The access token is for another account",
            &format!("It was given {}, not {waba}.", token.accounts.join(", ")),
            Some("Give the token's user access to this WhatsApp account, or correct `waba_id`."),
        );
    }
    health.token_expires = token.expires_at;
    match token.expires_at {
        None => health.say(
            Verdict::Ok,
            "The access token is valid",
            "It does not expire.",
            None,
        ),
        Some(at) if at.saturating_sub(ctx.now) < EXPIRES_SOON_MS => health.say(
            Verdict::Degraded,
            "The access token expires soon",
            "It ends within seven days.",
            Some(NEW_TOKEN),
        ),
        Some(_) => health.say(
            Verdict::Ok,
            "The access token is valid",
            "It expires later.",
            None,
        ),
    }
}

fn refused(health: &mut Health, title: &str, error: &Error) {
    let detail = match &error.provider_code {
        Some(code) => format!("{} ({code})", error.detail),
        None => error.detail.clone(),
    };
    health.say(Verdict::Blocked, title, &detail, error.remedy.as_deref());
}

fn asked(step: Step, health: Health) -> Asked {
    let said = health.findings.into_iter().map(|finding| {
        let Finding {
            verdict,
            title,
            detail,
            remedy,
        } = finding;
        let verdict = match verdict {
            Verdict::Ok => 0,
            Verdict::Degraded => 1,
            Verdict::Blocked => 2,
            Verdict::Unknown => 3,
        };
        Said(verdict, title, detail, remedy)
    });
    Asked {
        step,
        said: said.collect(),
        token_expires: health.token_expires,
        quality: health.quality,
        limit: health.messaging_limit,
        per_second: health.messages_per_second,
    }
}

fn known(asked: Asked) -> Health {
    let mut health = Health::default();
    for Said(verdict, title, detail, remedy) in asked.said {
        let verdict = match verdict {
            0 => Verdict::Ok,
            1 => Verdict::Degraded,
            2 => Verdict::Blocked,
            _ => Verdict::Unknown,
        };
        health.say(verdict, &title, &detail, remedy.as_deref());
    }
    health.token_expires = asked.token_expires;
    health.quality = asked.quality;
    health.messaging_limit = asked.limit;
    health.messages_per_second = asked.per_second;
    health
}
