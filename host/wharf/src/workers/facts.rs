//! What a provider reported, as the events tenants receive: one type and one shape for each case, whichever
//! provider it came from.

use serde_json::{Value, json};
use wharf_core::MessageId;
use wharf_core::provider::{
    ChannelUpdate, Echo, IdentityChange, InboundEvent, InboundMessage, Preference, TemplateChange,
    TemplateUpdate,
};
use wharf_store::channels::ChannelRow;

use crate::announce::{
    ACCOUNT_UPDATE, CHANNEL_HEALTH, CONTACT_IDENTITY, CONTACT_PREFERENCE, Fact, MESSAGE_ECHO,
    MESSAGE_RECEIVED, PROVIDER_OTHER, TEMPLATE_CATEGORY, TEMPLATE_COMPONENTS, TEMPLATE_QUALITY,
    TEMPLATE_STATUS,
};
use crate::clock::rfc3339;
use crate::view;

/// A message that came in and is kept under this id.
pub(super) fn received(channel: &ChannelRow, id: MessageId, message: &InboundMessage) -> Fact {
    let mut data = said(message);
    data["message_id"] = json!(id);
    Fact {
        message: Some(id),
        ..fact(MESSAGE_RECEIVED, channel, data)
    }
}

/// Every other case but a status, which is told with its message.
pub(super) fn reported(channel: &ChannelRow, event: &InboundEvent) -> Fact {
    let (kind, data) = match event {
        InboundEvent::Template(update) => template(update),
        InboundEvent::Preference(it) => (CONTACT_PREFERENCE, preference(it)),
        InboundEvent::Identity(it) => (CONTACT_IDENTITY, identity(it)),
        InboundEvent::Channel(it) => (CHANNEL_HEALTH, health(it)),
        InboundEvent::Echo(it) => (MESSAGE_ECHO, echo(it)),
        InboundEvent::Account(document) => (ACCOUNT_UPDATE, json!({ "raw": document })),
        other => (
            PROVIDER_OTHER,
            json!({ "kind": other.kind(), "raw": other.document() }),
        ),
    };
    fact(kind, channel, data)
}

fn fact(kind: &'static str, channel: &ChannelRow, mut data: Value) -> Fact {
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

fn template(update: &TemplateUpdate) -> (&'static str, Value) {
    let mut data = json!({
        "template": { "id": update.id, "name": update.name, "language": update.language },
        "reason": update.reason,
    });
    let (kind, member, value) = match &update.change {
        TemplateChange::Status(status) => (TEMPLATE_STATUS, "status", json!(status)),
        TemplateChange::Quality(quality) => (TEMPLATE_QUALITY, "quality", json!(quality)),
        TemplateChange::Category(category) => (TEMPLATE_CATEGORY, "category", json!(category)),
        TemplateChange::Components(parts) => (TEMPLATE_COMPONENTS, "components", json!(parts)),
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
