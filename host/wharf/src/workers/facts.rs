//! What a provider reported, as the events tenants receive: one type and one shape for each case, whichever
//! provider it came from.

use serde_json::{Value, json};
use wharf_core::provider::{
    ChannelUpdate, Echo, IdentityChange, InboundEvent, InboundMessage, Preference, TemplateChange,
    TemplateUpdate,
};
use wharf_core::{EventType, MessageId};
use wharf_store::channels::ChannelRow;

use crate::announce::Fact;
use crate::clock::rfc3339;
use crate::view;

/// A message that came in and is kept under this id.
pub(super) fn received(channel: &ChannelRow, id: MessageId, message: &InboundMessage) -> Fact {
    let mut data = said(message);
    data["message_id"] = json!(id);
    Fact {
        message: Some(id),
        ..fact(EventType::MessageReceived, channel, data)
    }
}

/// Every other case but a status, which is told with its message.
pub(super) fn reported(channel: &ChannelRow, event: &InboundEvent) -> Fact {
    let (kind, data) = match event {
        InboundEvent::Template(update) => template(update),
        InboundEvent::Preference(it) => (EventType::ContactPreference, preference(it)),
        InboundEvent::Identity(it) => (EventType::ContactIdentity, identity(it)),
        InboundEvent::Channel(it) => (EventType::ChannelHealth, health(it)),
        InboundEvent::Echo(it) => (EventType::MessageEcho, echo(it)),
        InboundEvent::Account(document) => (EventType::AccountUpdate, json!({ "raw": document })),
        other => (
            EventType::ProviderOther,
            json!({ "kind": other.kind(), "raw": other.document() }),
        ),
    };
    fact(kind, channel, data)
}

fn fact(kind: EventType, channel: &ChannelRow, mut data: Value) -> Fact {
    data["channel"] = json!(channel.id);
    Fact {
        kind,
        channel: Some(channel.id.clone()),
        message: None,
        data,
    }
}

fn said(message: &InboundMessage) -> Value {
    json!({
        "provider_message_id": message.provider_message_id,
        "from": view::party(&message.sender),
        "group": message.group,
        "at": time(message.at_ms),
        "reply_to": message.reply_to,
        "forwarded": message.forwarded,
        "content": message.content,
        "referral": message.referral,
    })
}

/// One of our numbers said it by other means, so it is no message of ours and none that came in.
fn echo(echo: &Echo) -> Value {
    let mut data = said(&echo.message);
    data["to"] = view::party(&echo.recipient);
    data
}

fn template(update: &TemplateUpdate) -> (EventType, Value) {
    let mut data = json!({
        "template": { "id": update.id, "name": update.name, "language": update.language },
        "reason": update.reason,
    });
    let (kind, member, value) = match &update.change {
        TemplateChange::Status(status) => (EventType::TemplateStatus, "status", json!(status)),
        TemplateChange::Quality(quality) => (EventType::TemplateQuality, "quality", json!(quality)),
        TemplateChange::Category(category) => {
            (EventType::TemplateCategory, "category", json!(category))
        }
        TemplateChange::Components(parts) => {
            (EventType::TemplateComponents, "components", json!(parts))
        }
    };
    data[member] = value;
    (kind, data)
}

fn preference(preference: &Preference) -> Value {
    json!({
        "from": view::party(&preference.who),
        "category": preference.category,
        "opted_in": preference.opted_in,
        "at": time(preference.at_ms),
    })
}

fn identity(change: &IdentityChange) -> Value {
    json!({
        "before": view::party(&change.before),
        "after": view::party(&change.after),
        "at": time(change.at_ms),
    })
}

fn health(update: &ChannelUpdate) -> Value {
    json!({
        "verdict": update.verdict,
        "quality": update.quality,
        "messages_per_second": update.messages_per_second,
        "messaging_limit": update.messaging_limit,
        "title": update.title,
        "detail": update.detail,
    })
}

fn time(at_ms: u64) -> String {
    rfc3339(i64::try_from(at_ms).unwrap_or(0))
}
