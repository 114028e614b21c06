//! From a token to its account: what the token may do, which account it is for, and the subscription to
//! the account's webhooks.

use serde_json::Value;
use wharf_plugin::onboarding::{Progress, Question};
use wharf_plugin::prelude::{Error, Outcome, Replay};

use super::turn::{At, Goal, Turn, Way, question};
use super::{first, login, numbers};
use crate::call::{is_id, read, succeeded};
use crate::token::{self, Token, id_of};

/// A token that ends within this time is exchanged, and one that cannot be is warned of.
const EXTEND_MS: u64 = 30 * DAY_MS;
const DAY_MS: u64 = 24 * 3_600 * 1_000;
const SCOPES_REMEDY: &str = "Give the token both permissions of WhatsApp: tick them in the login's configuration, or on the system user's token.";

pub(super) fn inspected(mut turn: Turn<'_>, outcome: Outcome) -> Result<Progress, Error> {
    let token = match token::inspected(outcome) {
        Ok(token) => token,
        Err(mut error) => {
            if error.code == wharf_plugin::errors::Code::AuthFailed {
                error.remedy = Some("Check the app's ID and secret.".to_owned());
            }
            return Ok(turn.fail(Goal::Inspect, &error));
        }
    };
    if let Some((title, detail, remedy)) = problem_of(&turn, &token) {
        turn.failed("token", title, &detail, remedy);
        return Ok(turn.decide(Goal::Inspect));
    }
    let left_ms = token.expires_at.map(|at| at.saturating_sub(turn.ctx.now));
    let is_system_user = token.kind == "SYSTEM_USER";
    if left_ms.is_some_and(|left| left < EXTEND_MS) && !turn.run.extended {
        return login::extend(turn, is_system_user);
    }
    match left_ms {
        None => turn.ok(
            "token",
            "The token is good",
            "It has both permissions and does not expire.",
        ),
        Some(left) => turn.warn(
            "token",
            "The token expires",
            &format!("It ends in {} days.", left / DAY_MS),
            "Run this flow again before, or use a system user's token that does not expire.",
        ),
    }
    turn.run.accounts = token.accounts;
    choose(turn)
}

/// Why a token is of no use, if it is.
fn problem_of(turn: &Turn<'_>, token: &Token) -> Option<(&'static str, String, &'static str)> {
    if !token.is_valid {
        let reason = match token.reason.as_str() {
            "" => "Meta no longer takes it.",
            reason => reason,
        };
        return Some((
            "The token is not valid",
            reason.to_owned(),
            "Log in again, or make a new token.",
        ));
    }
    let own = turn.ctx.setting("app_id").unwrap_or_default();
    if !token.app_id.is_empty() && token.app_id != own {
        return Some((
            "The token belongs to another app",
            format!("It was made for the app {}, not {own}.", token.app_id),
            "Use a token of this app: webhooks and the app secret's proof are the app's.",
        ));
    }
    if !token.missing.is_empty() {
        return Some((
            "The token lacks a permission",
            format!("It has not got {}.", token.missing.join(" and ")),
            SCOPES_REMEDY,
        ));
    }
    None
}

/// Which account: what the token was given counts, not what a browser says.
pub(super) fn choose(mut turn: Turn<'_>) -> Result<Progress, Error> {
    let hint = std::mem::take(&mut turn.run.hint_account);
    let given = turn.run.accounts.clone();
    let known = given.contains(&hint);
    if !hint.is_empty() && (known || given.is_empty()) {
        return chosen(turn, &hint);
    }
    if !hint.is_empty() {
        let detail = format!(
            "The account {hint} was named, but the token is for {}.",
            given.join(", ")
        );
        let remedy = "Connect an account of the token, or give the token access to the other one.";
        match turn.run.way {
            Way::Manual => turn.failed(
                "account",
                "The token is for another account",
                &detail,
                remedy,
            ),
            Way::Popup | Way::Browser => {
                turn.warn(
                    "account",
                    "The browser named another account",
                    &detail,
                    remedy,
                );
            }
        }
    }
    match (given.as_slice(), turn.run.way) {
        ([only], Way::Popup | Way::Browser) => chosen(turn, only),
        ([], _) => Ok(turn.ask(
            "Which WhatsApp Business account?",
            vec![question("waba_id")],
            At::Account,
        )),
        (several, _) => {
            let own = |id: &String| (id.clone(), format!("Account {id}"));
            let choices = several.iter().map(own).collect();
            let question = Question {
                input: "waba_id".to_owned(),
                choices,
                many: false,
            };
            Ok(turn.ask(
                "Which WhatsApp Business account?",
                vec![question],
                At::Account,
            ))
        }
    }
}

pub(super) fn answered(
    mut turn: Turn<'_>,
    inputs: &[(String, Vec<String>)],
) -> Result<Progress, Error> {
    let account = first(inputs, "waba_id").trim();
    let is_given = turn.run.accounts.is_empty() || turn.run.accounts.iter().any(|id| id == account);
    if is_id(account) && is_given {
        return chosen(turn, account);
    }
    turn.failed(
        "account",
        "No account was chosen",
        "An account's ID has digits only.",
        "Choose one of the accounts, or copy the ID from WhatsApp Manager.",
    );
    choose(turn)
}

fn chosen(mut turn: Turn<'_>, account: &str) -> Result<Progress, Error> {
    turn.set("waba_id", account);
    turn.ok("account", "The account is chosen", account);
    account.clone_into(&mut turn.run.account);
    turn.run.accounts.clear();
    subscribed(turn)
}

/// Is the app subscribed to the account?
pub(super) fn subscribed(turn: Turn<'_>) -> Result<Progress, Error> {
    let path = format!("{}/subscribed_apps", turn.run.account);
    let exchange = turn.calls.get("account.subscriptions", &path);
    Ok(turn.send(exchange, Goal::Subscribed))
}

pub(super) fn subscriptions(mut turn: Turn<'_>, outcome: Outcome) -> Result<Progress, Error> {
    let answer = match read(outcome, Replay::Safe, |response| response.json::<Value>()) {
        Ok(answer) => answer,
        Err(error) => return Ok(turn.fail(Goal::Subscribed, &of_account(error))),
    };
    let Some(own) = own_subscription(&answer, turn.ctx.setting("app_id")) else {
        return subscribe(turn);
    };
    if own["override_callback_uri"].is_string() {
        turn.warn(
            "subscribe",
            "The account's webhooks go elsewhere",
            "The app is subscribed with an address of the account's own.",
            "Run the webhooks flow to bring them here.",
        );
    } else {
        turn.ok(
            "subscribe",
            "The app is subscribed to the account already",
            "",
        );
    }
    numbers::list(turn, None)
}

/// The app's own entry among the account's subscriptions.
pub(super) fn own_subscription<'v>(answer: &'v Value, app_id: Option<&str>) -> Option<&'v Value> {
    let app_id = app_id?;
    let entries = answer["data"].as_array()?.iter();
    entries
        .into_iter()
        .find(|entry| id_of(&entry["whatsapp_business_api_data"]["id"]).as_deref() == Some(app_id))
}

pub(super) fn subscribe(turn: Turn<'_>) -> Result<Progress, Error> {
    let path = format!("{}/subscribed_apps", turn.run.account);
    // Subscribing twice is subscribing once.
    let exchange = turn
        .calls
        .post("account.subscribe", &path)
        .replay(Replay::Safe);
    Ok(turn.send(exchange, Goal::Subscribe))
}

pub(super) fn done(mut turn: Turn<'_>, outcome: Outcome) -> Result<Progress, Error> {
    match succeeded(outcome, Replay::Safe) {
        Ok(()) => {
            turn.ok("subscribe", "The app is subscribed to the account", "");
            numbers::list(turn, None)
        }
        Err(error) => Ok(turn.fail(Goal::Subscribe, &of_account(error))),
    }
}

/// The table's words are about numbers; here it is the account that cannot be reached.
pub(super) fn of_account(mut error: Error) -> Error {
    if error.code == wharf_plugin::errors::Code::Misconfigured {
        error.remedy = Some(
            "Check the account's ID, and that the token's user has access to this account."
                .to_owned(),
        );
    }
    error
}
