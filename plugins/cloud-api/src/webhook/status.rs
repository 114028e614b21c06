//! One element of `statuses`: where an outbound message is.

use wharf_plugin::inbound::{Pricing, State, Status};
use wharf_plugin::prelude::{Code, Error, Event, Retry};

use super::{Atom, Setting};
use crate::failure;
use crate::json::Object;

/// None for what is not a message's status: payments and calls share the list.
pub(super) fn read(raw: &str, setting: &Setting<'_>) -> Option<Atom> {
    let status = Object::read(raw)?;
    if status.text("type").is_some_and(|kind| kind != "message") {
        return None;
    }
    let id = status.id("id")?;
    let name = status.text("status")?;
    let state = state(&name)?;
    let in_group = status.text("recipient_type").as_deref() == Some("group");
    let participant = (
        status.person("recipient_participant_id"),
        status.person("recipient_participant_user_id"),
    );
    let person = if in_group {
        participant.clone()
    } else {
        (
            status.person("recipient_id"),
            status.person("recipient_user_id"),
        )
    };
    let recipient = Some(person)
        .filter(|(phone, user_id)| phone.is_some() || user_id.is_some())
        .map(|(phone, user_id)| setting.party(phone, user_id));
    let key = dedupe_key(&id, &name, &participant);
    let status = Status {
        provider_message_id: id,
        recipient,
        state,
        at: status.time_ms("timestamp").unwrap_or(setting.received_at),
        error: error(&status, state),
        pricing: status
            .object("pricing")
            .and_then(|pricing| self::pricing(&pricing)),
        conversation_id: status
            .object("conversation")
            .and_then(|conversation| conversation.id("id")),
        // Another sender on the same number may put any text there.
        message_id: status.id("biz_opaque_callback_data"),
        group: if in_group {
            status.id("recipient_id")
        } else {
            None
        },
    };
    Some((key, Event::Status(status)))
}

fn state(name: &str) -> Option<State> {
    Some(match name {
        "sent" => State::Sent,
        "delivered" => State::Delivered,
        "read" => State::Read,
        "played" => State::Played,
        "failed" => State::Failed,
        _ => return None,
    })
}

/// One webhook tells the same status of several participants of a group; each is an atom of its own.
fn dedupe_key(id: &str, name: &str, participant: &(Option<String>, Option<String>)) -> String {
    match participant {
        (None, None) => format!("status:{id}:{name}"),
        (phone, user_id) => format!(
            "status:{id}:{name}:{}:{}",
            phone.as_deref().unwrap_or_default(),
            user_id.as_deref().unwrap_or_default()
        ),
    }
}

fn error(status: &Object<'_>, state: State) -> Option<Error> {
    let errors = status.list("errors").unwrap_or_default();
    match errors.first() {
        Some(raw) => Some(failure::from_webhook(raw)),
        None if state == State::Failed => {
            Some(Error::new(Code::Other, Retry::Never, "Meta gave no reason"))
        }
        None => None,
    }
}

fn pricing(pricing: &Object<'_>) -> Option<Pricing> {
    let kind = pricing.text("type");
    Some(Pricing {
        category: pricing.line("category")?,
        // Meta has announced that `billable` goes; only `regular` messages cost.
        billable: pricing
            .flag("billable")
            .unwrap_or(kind.as_deref() == Some("regular")),
        model: pricing.line("pricing_model"),
    })
}
