//! One number after the other: what it is, whether it must be registered, and when it is connected.

use serde_json::Value;
use wharf_plugin::onboarding::{Progress, Verdict};
use wharf_plugin::prelude::{Error, Outcome, Replay};

use super::numbers::number_title;
use super::turn::{Goal, Number, Turn};
use super::{register, sync};
use crate::call::read;

const FIELDS: &str = "id,display_phone_number,verified_name,name_status,code_verification_status,status,platform_type,is_on_biz_app";
/// A registered number is connected within seconds; this often it is looked at again.
const LOOKS_MAX: u8 = 6;
const LOOK_AGAIN_MS: u32 = 5_000;

/// Begins with the first of those that are left.
pub(super) fn first(turn: Turn<'_>) -> Progress {
    match take(turn) {
        Ok(turn) => look(turn),
        Err(turn) => turn.done(),
    }
}

/// The number is connected. A pause lets a turn of many numbers end within the host's limit of steps.
pub(super) fn connected(mut turn: Turn<'_>) -> Progress {
    let number = std::mem::take(&mut turn.run.number);
    turn.run.made.push((number.id, number.title));
    next(turn)
}

/// The number is left out, and its PIN, if one was made, is nobody's.
pub(super) fn skipped(mut turn: Turn<'_>) -> Progress {
    let id = turn.run.number.id.clone();
    turn.warn(
        "register",
        "The number was left out",
        &id,
        "Run the flow again to connect it.",
    );
    next(turn)
}

fn next(turn: Turn<'_>) -> Progress {
    match take(turn) {
        Ok(turn) => turn.wait(0, Goal::Look),
        Err(turn) => turn.done(),
    }
}

/// The next number becomes the one that is being connected; none is left: `Err`.
fn take(mut turn: Turn<'_>) -> Result<Turn<'_>, Turn<'_>> {
    turn.run.tries = 0;
    turn.run.number = Number::default();
    if turn.run.left.is_empty() {
        return Err(turn);
    }
    turn.run.number.id = turn.run.left.remove(0);
    Ok(turn)
}

pub(super) fn look(turn: Turn<'_>) -> Progress {
    let exchange = turn
        .calls
        .get("number.look", &turn.run.number.id)
        .query_text("fields", FIELDS);
    turn.send(exchange, Goal::Look)
}

pub(super) fn looked(mut turn: Turn<'_>, outcome: Outcome) -> Result<Progress, Error> {
    let number = match read(outcome, Replay::Safe, |response| {
        response.json::<Value>().filter(Value::is_object)
    }) {
        Ok(number) => number,
        Err(error) => return Ok(turn.fail(Goal::Look, &error)),
    };
    turn.run.number.title = match number_title(&number) {
        title if title.is_empty() => turn.run.number.id.clone(),
        title => title,
    };
    let word = |name: &str| number[name].as_str().unwrap_or_default();
    let is_on_app = number["is_on_biz_app"].as_bool() == Some(true);
    let is_connected = word("platform_type") == "CLOUD_API" && word("status") == "CONNECTED";
    if is_on_app {
        return Ok(on_app(turn));
    }
    if turn.run.coexist {
        let id = turn.run.number.title.clone();
        turn.warn(
            "sync",
            "The number is not in the WhatsApp Business app",
            &id,
            "Nothing is brought in from the app; the number is registered like any other.",
        );
        turn.run.coexist = false;
    }
    if turn.run.number.registered {
        return Ok(after_registration(
            turn,
            word("status"),
            word("name_status"),
        ));
    }
    if is_connected {
        let name = turn.run.number.title.clone();
        turn.ok("register", "The number is registered already", &name);
        say_name(&mut turn, word("name_status"));
        return Ok(register::align(turn));
    }
    if word("code_verification_status") == "NOT_VERIFIED" && !turn.run.number.verified {
        return Ok(register::ask_method(turn));
    }
    Ok(register::begin(turn))
}

/// A number that stays in the app is never registered: that would take it away from there.
fn on_app(mut turn: Turn<'_>) -> Progress {
    let name = turn.run.number.title.clone();
    turn.ok(
        "register",
        "The number stays in the WhatsApp Business app",
        &name,
    );
    match turn.run.coexist {
        true => sync::contacts(turn),
        false => connected(turn),
    }
}

/// Waits until the number is connected. What cannot be seen is no reason to hold the flow up.
fn after_registration(mut turn: Turn<'_>, status: &str, name_status: &str) -> Progress {
    let name = turn.run.number.title.clone();
    match status {
        "PENDING" | "DISCONNECTED" if turn.run.tries < LOOKS_MAX => {
            turn.run.tries += 1;
            return turn.wait(LOOK_AGAIN_MS, Goal::Look);
        }
        "CONNECTED" | "" => turn.ok("register", "The number is registered", &name),
        status => turn.warn(
            "register",
            "The number is registered, but not connected",
            &format!("{name} is {status}."),
            "Look at the number in WhatsApp Manager.",
        ),
    }
    say_name(&mut turn, name_status);
    register::align(turn)
}

fn say_name(turn: &mut Turn<'_>, status: &str) {
    let name = turn.run.number.title.clone();
    match status {
        "PENDING_REVIEW" => turn.say(
            "register",
            Verdict::Waiting,
            "Meta reviews the display name",
            &name,
            Some("Nothing to do: people see the number until the name is approved."),
        ),
        "DECLINED" | "REJECTED" => turn.warn(
            "register",
            "Meta declined the display name",
            &name,
            "Choose another display name in WhatsApp Manager.",
        ),
        _ => {}
    }
}
