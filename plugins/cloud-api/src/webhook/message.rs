//! One element of `messages`: who wrote what. A kind that is not known, or known but of another shape,
//! keeps its envelope and carries its raw text as content.

use wharf_plugin::inbound::{Content, Message};
use wharf_plugin::prelude::{Event, Party};

use super::{Atom, Setting, content, people, word};
use crate::json::Object;
use wharf_plugin::document;

/// None when there is no id: without one it is not a message.
pub(super) fn read(raw: &str, setting: &Setting<'_>) -> Option<Atom> {
    let message = Object::read(raw)?;
    let key = key("message", &message)?;
    // Somebody opened the chat and wrote nothing.
    if message.text("type").as_deref() == Some("request_welcome") {
        return Some((key, Event::Other(document(raw))));
    }
    if let Some(change) = people::identity(&message, setting) {
        return Some((key, Event::Identity(change)));
    }
    let sender = setting.party(message.person("from"), message.person("from_user_id"));
    Some((
        key,
        Event::Message(inbound(raw, &message, sender, setting)?),
    ))
}

/// An edit or a revocation with the id of the message that it changes is still an atom of its own.
pub(super) fn key(prefix: &str, message: &Object<'_>) -> Option<String> {
    let id = message.id("id")?;
    let kind = message.text("type").unwrap_or_default();
    let changed = message
        .object(&kind)
        .and_then(|change| change.id("original_message_id"));
    if changed.as_deref() != Some(id.as_str()) {
        return Some(format!("{prefix}:{id}"));
    }
    let time = message.text("timestamp").unwrap_or_default();
    Some(format!("{prefix}:{id}:{}:{}", word(&kind), word(&time)))
}

/// The message, whoever wrote it.
pub(super) fn inbound(
    raw: &str,
    message: &Object<'_>,
    sender: Party,
    setting: &Setting<'_>,
) -> Option<Message> {
    let context = message.object("context").unwrap_or_default();
    let forwarded = |member| context.flag(member) == Some(true);
    Some(Message {
        provider_message_id: message.id("id")?,
        sender,
        group: message.id("group_id"),
        at: message.time_ms("timestamp").unwrap_or(setting.received_at),
        reply_to: context.id("id"),
        forwarded: forwarded("forwarded") || forwarded("frequently_forwarded"),
        content: content::read(message).unwrap_or_else(|| Content::Other(document(raw))),
        referral: referral(message, &context),
    })
}

/// The advertisement, or the product of the catalogue that the message asks about.
fn referral(message: &Object<'_>, context: &Object<'_>) -> Option<String> {
    message.document("referral").or_else(|| {
        let product = context.document("referred_product")?;
        Some(format!(r#"{{"referred_product":{product}}}"#))
    })
}
