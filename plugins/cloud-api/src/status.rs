//! One element of `statuses`: where an outbound message is.

use serde_json::Value;
use wharf_plugin::inbound::{Pricing, State, Status};
use wharf_plugin::prelude::{Code, Error, Event, Retry};

use crate::failure;
use crate::json::Object;
use crate::webhook::Setting;

/// None for what is not a message's status: payments and calls share the list.
pub(crate) fn read(raw: &str, setting: &Setting) -> Option<(String, Event)> {
    let status = Object::read(raw)?;
    if status.raw("type").is_some() {
        return None;
    }
    let id = status.text("id")?;
    let name = status.text("status")?;
    let state = state(&name)?;
    let in_group = status.text("recipient_type").as_deref() == Some("group");
    let participant = (
        status.text("recipient_participant_id"),
        status.text("recipient_participant_user_id"),
    );
    let person = if in_group {
        participant.clone()
    } else {
        (
            status.text("recipient_id"),
            status.text("recipient_user_id"),
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
            .and_then(|conversation| conversation.text("id")),
        message_id: status.text("biz_opaque_callback_data"),
        group: if in_group {
            status.text("recipient_id")
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
    let first = errors
        .first()
        .and_then(|raw| serde_json::from_str::<Value>(raw).ok());
    match first {
        Some(error) => Some(failure::from_webhook(&error)),
        None if state == State::Failed => {
            Some(Error::new(Code::Other, Retry::Never, "Meta gave no reason"))
        }
        None => None,
    }
}

fn pricing(pricing: &Object<'_>) -> Option<Pricing> {
    let kind = pricing.text("type");
    Some(Pricing {
        category: pricing.text("category")?,
        // Meta has announced that `billable` goes; only `regular` messages cost.
        billable: pricing
            .flag("billable")
            .unwrap_or(kind.as_deref() == Some("regular")),
        model: pricing.text("pricing_model"),
    })
}
