//! The account's numbers: all of them, and which are wanted.

use serde_json::Value;
use wharf_plugin::onboarding::{Progress, Question};
use wharf_plugin::prelude::{Error, Outcome, Replay};

use super::account::of_account;
use super::number;
use super::turn::{At, Goal, Turn, title};
use crate::call::read;
use crate::token::id_of;

const NUMBER_FIELDS: &str = "id,display_phone_number,verified_name,quality_rating,code_verification_status,platform_type,throughput,is_on_biz_app,status";
const PAGE_NUMBERS: &str = "100";
const PAGE_BYTES_MAX: u32 = 512 * 1024;
/// What a state can carry with titles. Meta lets a business have 20 numbers, 50 on request.
const FOUND_MAX: usize = 120;
/// The host takes this many channels of one flow.
const CHANNELS_MAX: usize = 100;

/// The account's numbers, from a cursor on.
pub(super) fn list(turn: Turn<'_>, after: Option<&str>) -> Result<Progress, Error> {
    let path = format!("{}/phone_numbers", turn.run.account);
    let mut exchange = turn
        .calls
        .get("account.numbers", &path)
        .query_text("fields", NUMBER_FIELDS)
        .query_text("limit", PAGE_NUMBERS)
        .answer_bytes_max(PAGE_BYTES_MAX);
    if let Some(after) = after {
        exchange = exchange.query_text("after", after);
    }
    Ok(turn.send(exchange, Goal::Numbers))
}

pub(super) fn listed(mut turn: Turn<'_>, outcome: Outcome) -> Result<Progress, Error> {
    let answer = read(outcome, Replay::Safe, |response| {
        response
            .json::<Value>()
            .filter(|answer| answer["data"].is_array())
    });
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            turn.run.found.clear();
            return Ok(turn.fail(Goal::Numbers, &of_account(error)));
        }
    };
    let before = turn.run.found.len();
    for number in answer["data"].as_array().into_iter().flatten() {
        let Some(id) = id_of(&number["id"]) else {
            continue;
        };
        let is_new = turn.run.found.iter().all(|(known, _)| *known != id);
        if is_new && turn.run.found.len() < FOUND_MAX {
            turn.run.found.push((id, number_title(number)));
        }
    }
    let next = answer["paging"]["next"]
        .as_str()
        .and(answer["paging"]["cursors"]["after"].as_str());
    let is_full = turn.run.found.len() >= FOUND_MAX;
    match next {
        // A page that brings nothing new is the last, whatever it says.
        Some(after) if !is_full && turn.run.found.len() > before => list(turn, Some(after)),
        Some(_) if is_full => {
            turn.warn(
                "numbers",
                "The account has more numbers",
                &format!("The first {FOUND_MAX} can be chosen here."),
                "Connect the others by their phone number ID in the configuration.",
            );
            Ok(ask(turn))
        }
        _ => Ok(ask(turn)),
    }
}

/// `+49 30 1 · Ada's shop`.
pub(super) fn number_title(number: &Value) -> String {
    let word = |name: &str| number[name].as_str().unwrap_or_default();
    let both = match (word("display_phone_number"), word("verified_name")) {
        ("", "") => id_of(&number["id"]).unwrap_or_default(),
        ("", one) | (one, "") => one.to_owned(),
        (phone, name) => format!("{phone} · {name}"),
    };
    match title(&both) {
        title if title.trim().is_empty() => id_of(&number["id"]).unwrap_or_default(),
        title => title,
    }
}

/// Which of the numbers are wanted. A single one needs no question.
fn ask(mut turn: Turn<'_>) -> Progress {
    let hint = std::mem::take(&mut turn.run.hint_number);
    let mut found = std::mem::take(&mut turn.run.found);
    if found.is_empty() {
        turn.failed(
            "numbers",
            "The account has no number",
            "There is nothing to connect yet.",
            "Add a number to the account in WhatsApp Manager, then try again.",
        );
        return turn.decide(Goal::Numbers);
    }
    // The one that Meta's window was about comes first.
    if let Some(at) = found.iter().position(|(id, _)| *id == hint) {
        found.swap(0, at);
    } else if !hint.is_empty() {
        turn.warn(
            "numbers",
            "The account has not got the number that was named",
            &hint,
            "Choose one of the account's own numbers.",
        );
    }
    if let [(only, _)] = found.as_slice() {
        turn.run.left = vec![only.clone()];
        turn.ok(
            "numbers",
            "The account has one number",
            "It is being connected.",
        );
        return number::first(turn);
    }
    let question = Question {
        input: "phone_number_id".to_owned(),
        choices: found.clone(),
        many: true,
    };
    turn.run.found = found;
    turn.ask(
        "Which numbers are to be connected?",
        vec![question],
        At::Chosen,
    )
}

pub(super) fn chosen(
    mut turn: Turn<'_>,
    inputs: &[(String, Vec<String>)],
) -> Result<Progress, Error> {
    let values = inputs
        .iter()
        .filter(|(name, _)| name == "phone_number_id")
        .flat_map(|(_, values)| values);
    let mut wanted: Vec<String> = Vec::new();
    for id in values {
        let is_known = turn.run.found.iter().any(|(known, _)| known == id);
        if is_known && !wanted.contains(id) {
            wanted.push(id.clone());
        }
    }
    if wanted.is_empty() {
        turn.failed(
            "numbers",
            "No number was chosen",
            "At least one is needed.",
            "Choose the numbers to connect.",
        );
        return Ok(ask(turn));
    }
    if wanted.len() > CHANNELS_MAX {
        turn.warn(
            "numbers",
            "More numbers were chosen than one flow connects",
            &format!(
                "The first {CHANNELS_MAX} of {} are connected.",
                wanted.len()
            ),
            "Run the flow again for the others.",
        );
        wanted.truncate(CHANNELS_MAX);
    }
    turn.run.found.clear();
    turn.run.left = wanted;
    Ok(number::first(turn))
}
