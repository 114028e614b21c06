//! From nothing to a token: Meta's window, a browser that goes there and comes back, or a token that is
//! there already. The token itself never comes here.

use serde_json::json;
use wharf_plugin::onboarding::{Progress, Visit};
use wharf_plugin::prelude::{Error, Exchange, Outcome, Replay, piece, text};
use wharf_plugin::types::Field;

use super::first;
use super::flows::{APP_FEATURE, CREDENTIALS};
use super::turn::{At, Goal, Turn, Way, question};
use crate::call::{id_setting, is_id, read};
use crate::descriptor::LOGIN_HOST;
use crate::token;

const AGAIN: &str =
    "Log in at Meta again and finish there: a code is good once, and for 30 seconds.";
/// What is asked of Meta's page to come back with.
const RETURNS: [&str; 4] = ["code", "error", "error_reason", "error_description"];

/// What Meta's window told.
pub(super) fn from_window(
    mut turn: Turn<'_>,
    inputs: &[(String, String)],
) -> Result<Progress, Error> {
    let told = |name: &str| {
        let found = inputs.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    turn.run.hint_account = hint(told("waba_id"));
    turn.run.hint_number = hint(told("phone_number_id"));
    match told("event") {
        "CANCEL" | "ERROR" => {
            let detail = match (told("error_message"), told("current_step")) {
                ("", "") => "Meta's window was closed before its end.".to_owned(),
                ("", step) => format!("Meta's window was closed at {step}."),
                (message, _) => message.to_owned(),
            };
            turn.failed("login", "The signup was not finished", &detail, AGAIN);
            Ok(turn.decide(Goal::Login))
        }
        event => {
            turn.run.coexist |= event == "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING";
            exchange_code(turn)
        }
    }
}

/// A browser names what it likes; only what could be an id is kept, and nothing is done on its word.
fn hint(id: &str) -> String {
    match is_id(id) {
        true => id.to_owned(),
        false => String::new(),
    }
}

/// Sends the browser to Meta's page.
pub(super) fn visit(mut turn: Turn<'_>) -> Result<Progress, Error> {
    let app_id = id_setting(turn.ctx, "app_id")?;
    let config_id = id_setting(turn.ctx, "signup_config_id")?;
    let mut setup = json!({});
    if let Some(solution) = turn.ctx.setting("signup_solution_id") {
        setup = json!({ "solutionID": solution });
    }
    let mut extras = json!({ "setup": setup, "version": "v4" });
    if turn.run.coexist {
        extras["featureType"] = json!(APP_FEATURE);
    }
    turn.run.way = Way::Browser;
    let visit = Visit {
        url: format!("https://{LOGIN_HOST}/{}/dialog/oauth", turn.calls.version()),
        query: vec![
            Field::text("client_id", app_id),
            Field::new("redirect_uri", vec![piece::return_url()]),
            Field::text("config_id", config_id),
            Field::text("response_type", "code"),
            Field::text("override_default_response_type", "true"),
            Field::text("extras", extras.to_string()),
        ],
        returns: RETURNS.map(str::to_owned).to_vec(),
        state: Vec::new(),
    };
    Ok(turn.visit(visit))
}

/// What the browser came back with.
pub(super) fn returned(
    mut turn: Turn<'_>,
    inputs: &[(String, Vec<String>)],
) -> Result<Progress, Error> {
    let first = |name: &str| first(inputs, name);
    if !first("code").is_empty() {
        return exchange_code(turn);
    }
    let detail = match (
        first("error_description"),
        first("error_reason"),
        first("error"),
    ) {
        ("", "", "") => "The browser came back without a code.",
        ("", "", reason) | ("", reason, _) | (reason, _, _) => reason,
    };
    turn.failed("login", "The login was not finished", detail, AGAIN);
    Ok(turn.decide(Goal::Login))
}

/// Code to token. A code is good once, so a lost answer is never asked for again.
fn exchange_code(turn: Turn<'_>) -> Result<Progress, Error> {
    let app_id = id_setting(turn.ctx, "app_id")?;
    let mut exchange = Exchange::get("token.exchange", turn.calls.url("oauth/access_token"))
        .query_text("client_id", app_id)
        .query("client_secret", vec![piece::secret("app_secret")])
        .query("code", vec![piece::secret("code")]);
    if turn.run.way == Way::Browser {
        // The same as on the way there, or Meta refuses the code.
        exchange = exchange.query("redirect_uri", vec![piece::return_url()]);
    }
    let exchange = exchange.replay(Replay::Unsafe).capture_expiring(
        "/access_token",
        "access_token",
        "/expires_in",
    );
    Ok(turn.send(exchange, Goal::Login))
}

pub(super) fn exchanged(mut turn: Turn<'_>, outcome: Outcome) -> Result<Progress, Error> {
    match read(outcome, Replay::Unsafe, |_| Some(())) {
        Ok(()) => {
            turn.ok("login", "Meta gave a token", "It is kept by the gateway.");
            inspect(turn)
        }
        Err(mut error) => {
            // Whatever it was, this code will not work again.
            error.remedy = Some(AGAIN.to_owned());
            Ok(turn.fail(Goal::Login, &error))
        }
    }
}

/// Asks for a token and an account.
pub(super) fn ask_credentials(turn: Turn<'_>) -> Progress {
    let questions = ["access_token", "waba_id"].map(question).to_vec();
    turn.ask(
        "Which token, and which WhatsApp Business account?",
        questions,
        At::Credentials,
    )
}

pub(super) fn credentials(
    mut turn: Turn<'_>,
    inputs: &[(String, Vec<String>)],
) -> Result<Progress, Error> {
    let account = match first(inputs, "waba_id").trim() {
        "" => turn.ctx.setting("waba_id").unwrap_or_default(),
        given => given,
    };
    if !is_id(account) {
        turn.failed(
            "login",
            "The account's ID is missing",
            "It has digits only.",
            "Copy the WhatsApp Business account ID from WhatsApp > API setup in Meta's app dashboard.",
        );
        return Ok(ask_credentials(turn));
    }
    turn.run.hint_account = account.to_owned();
    turn.run.extended = false;
    inspect(turn)
}

/// Looks at the token with the app's own, where the app is known.
pub(super) fn inspect(mut turn: Turn<'_>) -> Result<Progress, Error> {
    if turn.ctx.setting("app_id").is_none() {
        turn.warn(
            "token",
            "The token was not checked",
            "The setting `app_id` is empty.",
            "Fill in the app's ID, so that the token's rights and end can be checked.",
        );
        return super::account::choose(turn);
    }
    let exchange = token::inspect(&turn.calls, id_setting(turn.ctx, "app_id")?);
    Ok(turn.send(exchange, Goal::Inspect))
}

/// A longer-lived token for one that ends.
/// https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived
pub(super) fn extend(turn: Turn<'_>, is_system_user: bool) -> Result<Progress, Error> {
    let mut exchange = Exchange::get("token.extend", turn.calls.url("oauth/access_token"))
        .query("grant_type", text("fb_exchange_token"))
        .query_text("client_id", id_setting(turn.ctx, "app_id")?)
        .query("client_secret", vec![piece::secret("app_secret")])
        .query("fb_exchange_token", vec![piece::secret("access_token")]);
    if is_system_user {
        exchange = exchange.query_text("set_token_expires_in_60_days", "true");
    }
    let exchange = exchange.capture_expiring("/access_token", "access_token", "/expires_in");
    Ok(turn.send(exchange, Goal::Extend))
}

pub(super) fn extended(mut turn: Turn<'_>, outcome: Outcome) -> Result<Progress, Error> {
    turn.run.extended = true;
    match read(outcome, Replay::Safe, |_| Some(())) {
        Ok(()) => turn.ok("token", "The token was exchanged for a longer one", ""),
        Err(error) => turn.warn(
            "token",
            "The token was not exchanged for a longer one",
            &error.detail,
            "Replace it before it expires, best by a system user's token that does not.",
        ),
    }
    inspect(turn)
}

/// Begins anew as the flow began.
pub(super) fn anew(turn: Turn<'_>, choice: &str) -> Result<Progress, Error> {
    match choice {
        CREDENTIALS => Ok(ask_credentials(turn)),
        _ => visit(turn),
    }
}
