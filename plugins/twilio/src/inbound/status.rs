//! What became of a message of ours.

use wharf_plugin::inbound::{State, Status};
use wharf_plugin::prelude::*;

use super::Call;
use super::address::{End, is_name};
use crate::failure;

/// Reads a status callback; nothing when the form is none.
pub(super) fn read(call: &Call<'_>) -> Option<Vec<Item>> {
    let form = call.form;
    let id = ["MessageSid", "SmsSid"]
        .into_iter()
        .find_map(|name| form.get(name))
        .filter(|id| is_name(id))?;
    let word = ["MessageStatus", "SmsStatus"]
        .into_iter()
        .find_map(|name| form.get(name))
        .or_else(|| form.get("EventType"))?
        .to_ascii_lowercase();
    if matches!(word.as_str(), "received" | "receiving") {
        return None;
    }
    // Read receipts have been seen with the state before in their first field.
    let is_read = form
        .get("EventType")
        .is_some_and(|kind| kind.eq_ignore_ascii_case("read"));
    let word = match state_of(&word) {
        Some(State::Sent | State::Delivered) if is_read => "read".to_owned(),
        _ => word,
    };
    let Some(state) = state_of(&word) else {
        return Some(vec![call.other()]);
    };
    let status = Status {
        recipient: form.get("To").and_then(End::read).map(End::party),
        error: (state == State::Failed).then(|| error(call)),
        message_id: call.ours.map(str::to_owned),
        ..Status::new(id, state, call.at)
    };
    Some(vec![Item::new(
        call.route("From"),
        status_key(id, &word),
        Event::Status(status),
    )])
}

/// The key of a report, the same however it came in.
pub(crate) fn status_key(id: &str, word: &str) -> String {
    format!("status:{id}:{word}")
}

/// Twilio's words, in lower case.
pub(crate) fn state_of(word: &str) -> Option<State> {
    Some(match word {
        "accepted" | "scheduled" | "queued" | "sending" => State::Queued,
        // Some parts arrived: at least it left.
        "sent" | "partially_delivered" => State::Sent,
        "delivered" => State::Delivered,
        "read" => State::Read,
        "failed" | "undelivered" => State::Failed,
        "canceled" | "cancelled" => State::Canceled,
        _ => return None,
    })
}

/// By Twilio's code, in the channel's own words where it has some: they are WhatsApp's, and say more.
fn error(call: &Call<'_>) -> Error {
    let form = call.form;
    let words = form
        .get("ChannelStatusMessage")
        .or_else(|| form.get("ErrorMessage"));
    match form.get("ErrorCode").filter(|code| is_name(code)) {
        Some(code) => failure::from_status(code, words),
        None => Error::new(
            Code::Other,
            Retry::Never,
            words.unwrap_or("Twilio reports a failure and gives no code"),
        )
        .remedy("Look the message up in the logs of Twilio's console by its SID."),
    }
}
