//! Numbers that stay in the WhatsApp Business app: their contacts and their history are asked for once,
//! within a day. https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/onboarding-business-app-users

use serde_json::{Value, json};
use wharf_plugin::onboarding::Progress;
use wharf_plugin::prelude::{Error, Outcome, Replay};

use super::number;
use super::turn::{Goal, Turn};
use crate::call::read;

const ALREADY: &str = "2593107";
const TOO_LATE: &str = "2593108";
const DECLINED: &str = "2593109";

pub(super) fn contacts(turn: Turn<'_>) -> Progress {
    ask(turn, "smb_app_state_sync", Goal::Contacts)
}

pub(super) fn history(turn: Turn<'_>) -> Progress {
    ask(turn, "history", Goal::History)
}

fn ask(turn: Turn<'_>, what: &str, goal: Goal) -> Progress {
    let document = json!({ "messaging_product": "whatsapp", "sync_type": what });
    let exchange = turn
        .calls
        .post(
            "number.sync",
            &format!("{}/smb_app_data", turn.run.number.id),
        )
        .json(document.to_string())
        // A second request is refused with a code of its own and does nothing.
        .replay(Replay::Safe);
    turn.send(exchange, goal)
}

pub(super) fn asked(mut turn: Turn<'_>, goal: Goal, outcome: Outcome) -> Result<Progress, Error> {
    let is_history = goal == Goal::History;
    let [on_its_way, before, too_late] = match is_history {
        true => [
            "The app's history is on its way",
            "The app's history was asked for before",
            "The app's history can no longer be asked for",
        ],
        false => [
            "The app's contacts are on their way",
            "The app's contacts were asked for before",
            "The app's contacts can no longer be asked for",
        ],
    };
    let answer = read(outcome, Replay::Safe, |response| {
        response
            .json::<Value>()
            .filter(|answer| answer.get("request_id").is_some())
    });
    match answer {
        Ok(_) => turn.ok("sync", on_its_way, "It comes by webhook."),
        Err(error) => match error.provider_code.as_deref() {
            Some(ALREADY) => turn.ok("sync", before, ""),
            Some(TOO_LATE) => turn.warn(
                "sync",
                too_late,
                &error.detail,
                "Disconnect the number in the app and sign up again: it can be had within 24 hours.",
            ),
            Some(DECLINED) => turn.warn(
                "sync",
                "The app's owner does not share the history",
                &error.detail,
                "Nothing to do; sign up again if it was not meant.",
            ),
            _ => return Ok(turn.fail(goal, &error)),
        },
    }
    Ok(match is_history {
        false => history(turn),
        true => number::connected(turn),
    })
}
