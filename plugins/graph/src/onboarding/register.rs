//! Registering a number: a PIN that nobody sees, the number's verification where it is due, and what to
//! do when the number has a PIN already.

use serde_json::json;
use wharf_plugin::onboarding::Progress;
use wharf_plugin::prelude::{Code, Error, Outcome, Replay, Retry, piece};

use super::flows::{ENTER, REPLACE, SKIP, SMS, STOP, VOICE};
use super::number;
use super::turn::{At, Goal, Turn, decision, question};
use crate::call::succeeded;

/// Codes of Meta's table: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
const WRONG_PIN: &str = "133005";
const NOT_VERIFIED: &str = "133006";
const DELETED_JUST_NOW: &str = "133015";
const WAITS_MAX: u8 = 2;
/// As Meta says of 133015.
const DELETED_WAIT_MS: u32 = 5 * 60_000;
/// Where the tenant's locale is none that Meta could take.
const LANGUAGE_DEFAULT: &str = "en_US";
const LANGUAGE_CHARS_MAX: usize = 16;

/// Makes the PIN, or registers with the one that was made.
pub(super) fn begin(turn: Turn<'_>) -> Progress {
    match turn.run.number.minted {
        false => turn.mint_pin(),
        true => register(turn),
    }
}

pub(super) fn minted(mut turn: Turn<'_>) -> Progress {
    turn.run.number.minted = true;
    register(turn)
}

pub(super) fn register(turn: Turn<'_>) -> Progress {
    let mut document = json!({ "messaging_product": "whatsapp" });
    if let Some(region) = turn.ctx.setting("data_localization_region") {
        document["data_localization_region"] = json!(region);
    }
    let pin = match turn.run.number.by_present_pin {
        true => "current_pin".to_owned(),
        false => turn.pin(),
    };
    // Ten registrations in 72 hours are all there are, so a lost answer is looked into first.
    let exchange = turn
        .calls
        .post(
            "number.register",
            &format!("{}/register", turn.run.number.id),
        )
        .json(document.to_string())
        .insert("/pin", vec![piece::secret(&pin)]);
    turn.send(exchange, Goal::Register)
}

pub(super) fn registered(mut turn: Turn<'_>, outcome: Outcome) -> Result<Progress, Error> {
    let error = match succeeded(outcome, Replay::Unsafe) {
        Ok(()) => {
            turn.run.number.registered = true;
            turn.run.tries = 0;
            return Ok(number::look(turn));
        }
        Err(error) => error,
    };
    Ok(match error.provider_code.as_deref() {
        Some(WRONG_PIN) => {
            turn.run.number.by_present_pin = false;
            say(
                &mut turn,
                "The number has another PIN",
                &error,
                "Enter the number's present PIN, or set a new one.",
            );
            ask_pin(turn)
        }
        Some(NOT_VERIFIED) => {
            say(
                &mut turn,
                "The number must be verified first",
                &error,
                "Have a code sent to the number, and enter it.",
            );
            ask_method(turn)
        }
        Some(DELETED_JUST_NOW) if turn.run.tries < WAITS_MAX => {
            turn.run.tries += 1;
            turn.say(
                "register",
                wharf_plugin::onboarding::Verdict::Waiting,
                "The number was deleted a moment ago",
                "It is tried again in five minutes.",
                None,
            );
            turn.wait(DELETED_WAIT_MS, Goal::Register)
        }
        _ if error.retry == Retry::Uncertain
            && error.code != Code::MalformedResponse
            && turn.run.tries == 0 =>
        {
            turn.run.tries = 1;
            number::look(turn)
        }
        _ => turn.fail(Goal::Register, &error),
    })
}

fn say(turn: &mut Turn<'_>, title: &str, error: &Error, remedy: &str) {
    let code = error.provider_code.as_deref().unwrap_or_default();
    turn.failed(
        "register",
        title,
        &format!("{} ({code})", error.detail),
        remedy,
    );
}

fn ask_pin(turn: Turn<'_>) -> Progress {
    let how = decision(&[
        (ENTER, "Register with the PIN that I enter"),
        (REPLACE, "Set a new PIN, then register"),
        (SKIP, "Leave this number out"),
        (STOP, "End here, with what is connected"),
    ]);
    let title = format!(
        "{} has a PIN. How is it to be registered?",
        turn.run.number.title
    );
    turn.ask(&title, vec![how, question("current_pin")], At::Pin)
}

pub(super) fn pin_answered(
    mut turn: Turn<'_>,
    choice: &str,
    has_pin: bool,
) -> Result<Progress, Error> {
    Ok(match choice {
        ENTER if has_pin => {
            turn.run.number.by_present_pin = true;
            register(turn)
        }
        REPLACE => replace_pin(turn, Goal::ReplacePin),
        SKIP => number::skipped(turn),
        STOP => turn.done(),
        _ => {
            turn.failed(
                "register",
                "No PIN was entered",
                "It has six digits.",
                "Enter the number's PIN, or have a new one set.",
            );
            ask_pin(turn)
        }
    })
}

/// Gives the number the PIN that was made for it.
pub(super) fn replace_pin(turn: Turn<'_>, goal: Goal) -> Progress {
    let exchange = turn
        .calls
        .post("number.pin", &turn.run.number.id)
        .json("{}")
        .insert("/pin", vec![piece::secret(&turn.pin())])
        .replay(Replay::Safe);
    turn.send(exchange, goal)
}

pub(super) fn replaced(mut turn: Turn<'_>, outcome: Outcome) -> Result<Progress, Error> {
    match succeeded(outcome, Replay::Safe) {
        Ok(()) => {
            turn.ok("register", "The number has a new PIN", "");
            Ok(register(turn))
        }
        Err(error) => Ok(turn.fail(Goal::ReplacePin, &error)),
    }
}

/// After a registration with a PIN that a person knew: the number gets the one that is kept.
pub(super) fn align(turn: Turn<'_>) -> Progress {
    match turn.run.number.by_present_pin {
        true => replace_pin(turn, Goal::AlignPin),
        false => number::connected(turn),
    }
}

pub(super) fn aligned(mut turn: Turn<'_>, outcome: Outcome) -> Result<Progress, Error> {
    match succeeded(outcome, Replay::Safe) {
        Ok(()) => turn.ok(
            "register",
            "The number's PIN is kept by the gateway from now on",
            "",
        ),
        Err(error) => turn.warn(
            "register",
            "The number keeps the PIN that you entered",
            &error.detail,
            "Keep this PIN: it is asked for when the number is registered again.",
        ),
    }
    Ok(number::connected(turn))
}

/// How the code is to be sent.
pub(super) fn ask_method(turn: Turn<'_>) -> Progress {
    let how = decision(&[
        (SMS, "Send a code by SMS"),
        (VOICE, "Tell a code by a call"),
        (SKIP, "Leave this number out"),
        (STOP, "End here, with what is connected"),
    ]);
    let title = format!(
        "{} is not verified. How is it to get its code?",
        turn.run.number.title
    );
    turn.ask(&title, vec![how], At::Method)
}

pub(super) fn method(turn: Turn<'_>, choice: &str) -> Result<Progress, Error> {
    Ok(match choice {
        SMS => send_code(turn, false),
        VOICE => send_code(turn, true),
        SKIP => number::skipped(turn),
        STOP => turn.done(),
        _ => ask_method(turn),
    })
}

pub(super) fn send_code(turn: Turn<'_>, voice: bool) -> Progress {
    let exchange = turn
        .calls
        .post(
            "number.request-code",
            &format!("{}/request_code", turn.run.number.id),
        )
        .query_text("code_method", if voice { "VOICE" } else { "SMS" })
        .query_text("language", language(turn.ctx.locale.as_deref()));
    turn.send(exchange, Goal::SendCode { voice })
}

/// Meta writes languages with an underscore.
fn language(locale: Option<&str>) -> String {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    match locale {
        Some(locale)
            if (2..=LANGUAGE_CHARS_MAX).contains(&locale.len()) && locale.bytes().all(fits) =>
        {
            locale.replace('-', "_")
        }
        _ => LANGUAGE_DEFAULT.to_owned(),
    }
}

pub(super) fn code_sent(
    mut turn: Turn<'_>,
    voice: bool,
    outcome: Outcome,
) -> Result<Progress, Error> {
    match succeeded(outcome, Replay::Unsafe) {
        Ok(()) => {
            let name = turn.run.number.title.clone();
            turn.ok("register", "A code is on its way to the number", &name);
            Ok(ask_code(turn))
        }
        Err(error) => Ok(turn.fail(Goal::SendCode { voice }, &error)),
    }
}

fn ask_code(turn: Turn<'_>) -> Progress {
    let how = decision(&[
        (ENTER, "Verify with the code that I enter"),
        (SMS, "Send another code by SMS"),
        (VOICE, "Tell another code by a call"),
        (SKIP, "Leave this number out"),
        (STOP, "End here, with what is connected"),
    ]);
    let title = format!("Which code did {} get?", turn.run.number.title);
    turn.ask(&title, vec![question("verification_code"), how], At::Code)
}

/// A code that was entered says enough; a decision may be left out then.
pub(super) fn code_answered(
    turn: Turn<'_>,
    choice: &str,
    has_code: bool,
) -> Result<Progress, Error> {
    match choice {
        ENTER | "" if has_code => Ok(verify(turn)),
        ENTER | "" => Ok(ask_code(turn)),
        other => method(turn, other),
    }
}

fn verify(turn: Turn<'_>) -> Progress {
    let exchange = turn
        .calls
        .post(
            "number.verify",
            &format!("{}/verify_code", turn.run.number.id),
        )
        .query("code", vec![piece::secret("verification_code")]);
    turn.send(exchange, Goal::Verify)
}

pub(super) fn verified(mut turn: Turn<'_>, outcome: Outcome) -> Result<Progress, Error> {
    match succeeded(outcome, Replay::Unsafe) {
        Ok(()) => {
            let name = turn.run.number.title.clone();
            turn.ok("register", "The number is verified", &name);
            turn.run.number.verified = true;
            Ok(begin(turn))
        }
        Err(error) => {
            say(
                &mut turn,
                "The number was not verified",
                &error,
                "Enter the code again, or have another one sent.",
            );
            Ok(ask_code(turn))
        }
    }
}
