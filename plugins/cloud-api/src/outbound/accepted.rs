//! The answer to a message that was taken.

use serde::Deserialize;
use wharf_plugin::prelude::*;

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
        .find(|message| !message.id.is_empty())?;
    let mut accepted = Accepted::id(message.id);
    // WhatsApp has it, which is what `sent` means; that status may come late or never. Only a message
    // that Meta holds back is not sent yet.
    accepted.pending =
        matches!(message.message_status.as_deref(), Some(status) if status != "accepted");
    accepted.recipient = answer
        .contacts
        .into_iter()
        .next()
        .filter(|contact| contact.wa_id.is_some() || contact.user_id.is_some())
        .map(|contact| Party {
            phone: contact.wa_id,
            user_id: contact.user_id,
            username: None,
            name: None,
        });
    Some(Progress::Done(accepted))
}
