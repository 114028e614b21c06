//! What the host asks of an item before it takes the page that the item is on: written from the rules of
//! `provider.wit`, not from the parser.

use serde_json::Value;
use wharf_plugin::inbound::{Content, Message, TemplateChange};
use wharf_plugin::prelude::{Event, Item, Party, Route};

const DEPTH_MAX: usize = 64;
const ID_BYTES_MAX: usize = 512;
const LINE_BYTES_MAX: usize = 255;
const PERSON_BYTES_MAX: usize = 200;
const YEAR_10000_MS: u64 = 253_402_300_800_000;

/// Panics with the rule that the item breaks.
pub(crate) fn check(item: &Item) {
    line("dedupe key", &item.dedupe_key, ID_BYTES_MAX);
    if let Some(pointer) = &item.pointer {
        assert!(pointer.is_empty() || pointer.starts_with('/'), "{pointer}");
        assert!(pointer.len() <= ID_BYTES_MAX, "{pointer}");
    }
    if let Route::Sender(id) | Route::Account(id) = &item.route {
        line("route", id, ID_BYTES_MAX);
    }
    match &item.event {
        Event::Message(message) => self::message(message),
        Event::Status(status) => {
            line("status id", &status.provider_message_id, ID_BYTES_MAX);
            assert!(status.at < YEAR_10000_MS);
            status.recipient.iter().for_each(party);
            for id in [&status.conversation_id, &status.message_id, &status.group] {
                optional("status", id.as_ref(), ID_BYTES_MAX);
            }
            if let Some(pricing) = &status.pricing {
                line("category", &pricing.category, LINE_BYTES_MAX);
                optional("model", pricing.model.as_ref(), LINE_BYTES_MAX);
            }
        }
        Event::Template(update) => {
            optional("template id", update.id.as_ref(), ID_BYTES_MAX);
            line("template name", &update.name, ID_BYTES_MAX);
            line("language", &update.language, LINE_BYTES_MAX);
            if let TemplateChange::Components(components) = &update.change {
                document(components);
            }
        }
        Event::Preference(preference) => {
            party(&preference.who);
            line("category", &preference.category, LINE_BYTES_MAX);
            assert!(preference.at < YEAR_10000_MS);
        }
        Event::Identity(change) => {
            party(&change.before);
            party(&change.after);
            assert!(change.at < YEAR_10000_MS);
        }
        Event::Channel(update) => {
            optional("quality", update.quality.as_ref(), LINE_BYTES_MAX);
            optional("limit", update.messaging_limit.as_ref(), LINE_BYTES_MAX);
            document(&update.detail);
        }
        Event::Echo(echo) => {
            party(&echo.recipient);
            message(&echo.message);
        }
        Event::Account(raw) | Event::Other(raw) => document(raw),
    }
}

fn message(message: &Message) {
    line("message id", &message.provider_message_id, ID_BYTES_MAX);
    party(&message.sender);
    optional("group", message.group.as_ref(), ID_BYTES_MAX);
    optional("reply", message.reply_to.as_ref(), ID_BYTES_MAX);
    assert!(message.at < YEAR_10000_MS);
    message.referral.iter().for_each(|raw| document(raw));
    match &message.content {
        Content::Media(media) => {
            line("locator", &media.locator, 4_096);
            optional("type", media.content_type.as_ref(), LINE_BYTES_MAX);
            optional("sha256", media.sha256.as_ref(), LINE_BYTES_MAX);
        }
        Content::Reaction((id, _)) | Content::Revoked(id) => line("target", id, ID_BYTES_MAX),
        Content::Edited((id, raw)) => {
            line("target", id, ID_BYTES_MAX);
            document(raw);
        }
        Content::Location(location) => {
            assert!(location.latitude.is_finite() && location.longitude.is_finite());
        }
        Content::Contacts(raw)
        | Content::FlowResponse(raw)
        | Content::Order(raw)
        | Content::System(raw)
        | Content::Unsupported(raw)
        | Content::Other(raw) => document(raw),
        Content::Text(_) | Content::Button(_) | Content::ListChoice(_) => {}
    }
}

fn party(party: &Party) {
    optional("phone", party.phone.as_ref(), PERSON_BYTES_MAX);
    optional("user id", party.user_id.as_ref(), PERSON_BYTES_MAX);
}

fn optional(what: &str, text: Option<&String>, bytes_max: usize) {
    if let Some(text) = text {
        line(what, text, bytes_max);
    }
}

fn line(what: &str, text: &str, bytes_max: usize) {
    assert!(!text.is_empty(), "{what} is empty");
    assert!(text.len() <= bytes_max, "{what} is too long: {text}");
    assert!(!text.chars().any(char::is_control), "{what}: {text:?}");
}

/// A tree can be made of it, and it is not too deep.
fn document(raw: &str) {
    let tree: Value = serde_json::from_str(raw).unwrap_or_else(|why| panic!("{why}: {raw}"));
    let mut level = vec![&tree];
    let mut depth = 0;
    loop {
        let below: Vec<&Value> = level
            .iter()
            .flat_map(|value| match value {
                Value::Array(list) => list.iter().collect::<Vec<_>>(),
                Value::Object(members) => members.values().collect(),
                _ => Vec::new(),
            })
            .collect();
        let is_nested = |value: &&Value| value.is_array() || value.is_object();
        if !level.iter().any(is_nested) {
            return;
        }
        depth += 1;
        assert!(depth <= DEPTH_MAX, "nested too deeply: {raw}");
        level = below;
    }
}
