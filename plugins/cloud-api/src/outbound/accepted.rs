//! The answer to a message that was taken.

use serde::Deserialize;
use wharf_plugin::prelude::*;

/// What the host takes of an id of a provider's, and of one of a person's.
const ID_BYTES_MAX: usize = 512;
const PARTY_BYTES_MAX: usize = 200;

#[derive(Deserialize)]
struct Answer {
    messages: Vec<AnswerMessage>,
    #[serde(default)]
    contacts: Vec<AnswerContact>,
}

#[derive(Deserialize)]
struct AnswerMessage {
    id: String,
    /// Templates only: `accepted`, `held_for_quality_assessment` or `paused`.
    message_status: Option<String>,
}

#[derive(Deserialize)]
struct AnswerContact {
    wa_id: Option<String>,
    user_id: Option<String>,
}

/// None for an answer without a message id.
pub(super) fn read(response: &HttpResponse) -> Option<Progress> {
    let answer: Answer = response.json()?;
    let message = answer
        .messages
        .into_iter()
        .find(|message| is_id(&message.id))?;
    let mut accepted = Accepted::id(message.id);
    // WhatsApp has it, which is what `sent` means; that status may come late or never. Only a message
    // that Meta holds back is not sent yet.
    accepted.pending =
        matches!(message.message_status.as_deref(), Some(status) if status != "accepted");
    accepted.recipient = answer.contacts.into_iter().next().and_then(party);
    Some(Progress::Done(accepted))
}

/// Whether the host takes a text as a provider's id. Anything else is no answer of Meta's.
pub(super) fn is_id(text: &str) -> bool {
    is_line(text, ID_BYTES_MAX)
}

fn is_line(text: &str, bytes_max: usize) -> bool {
    (1..=bytes_max).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// None where the contact says nothing: a group stands there by its own id.
fn party(contact: AnswerContact) -> Option<Party> {
    let is_phone =
        |id: &String| is_line(id, PARTY_BYTES_MAX) && id.bytes().all(|byte| byte.is_ascii_digit());
    let phone = contact.wa_id.filter(is_phone);
    let user_id = contact.user_id.filter(|id| is_line(id, PARTY_BYTES_MAX));
    (phone.is_some() || user_id.is_some()).then_some(Party {
        phone,
        user_id,
        username: None,
        name: None,
    })
}
