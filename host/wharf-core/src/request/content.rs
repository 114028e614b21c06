//! The content of a request, kind by kind, in the Cloud API's shapes.

use serde_json::Value;

use super::media::{self, MediaRole};
use super::reader::{Object, Reader};
use super::{contacts, interactive, limits, template};
use crate::provider::{Content, Location, Raw, Reaction, ReadReceipt, Text};

/// Every kind, by the name that `type` gives it.
pub(super) const KINDS: [&str; 13] = [
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "interactive",
    "template",
    "read",
    "other",
];

/// The kind that a request names. Absent means text, as in the Cloud API.
pub(super) fn kind(read: &mut Reader, envelope: &Object<'_>) -> Option<&'static str> {
    if !envelope.has("type") {
        let mut others = KINDS.into_iter().filter(|kind| envelope.has(kind));
        if let (Some(only), None) = (others.next(), others.next())
            && only != "text"
        {
            let give = format!("give `type`, here \"{only}\"; without it a text is meant");
            return read.missing(envelope, "type", &give);
        }
        return Some("text");
    }
    let named = read.string(envelope, "type")?;
    let found = KINDS.into_iter().find(|kind| *kind == named);
    if found.is_none() {
        let detail = format!(
            "{named:?} is no kind of message; there is {}",
            KINDS.join(", ")
        );
        read.error(&envelope.pointer("type"), "unsupported", detail);
    }
    found
}

/// The member of that name, as the content it describes.
pub(super) fn content(
    read: &mut Reader,
    envelope: &Object<'_>,
    kind: &'static str,
) -> Option<Content> {
    if kind == "contacts" {
        return contacts::contacts(read, envelope).map(|contacts| Content::Contacts { contacts });
    }
    let give = match kind {
        "text" => "give `text` as {\"body\": \"...\"}",
        "read" => "give `read` as {\"message_id\": \"...\"}",
        "other" => "give `other` as {\"document\": {...}}",
        "reaction" => "give `reaction` as {\"message_id\": \"...\", \"emoji\": \"...\"}",
        _ => "give the member that `type` names",
    };
    let object = read.needed_object(envelope, kind, give)?;
    Some(match kind {
        "text" => Content::Text {
            text: text(read, &object)?,
        },
        "image" => Content::Image {
            image: media::media(read, &object, kind)?,
        },
        "video" => Content::Video {
            video: media::media(read, &object, kind)?,
        },
        "audio" => Content::Audio {
            audio: media::media(read, &object, kind)?,
        },
        "document" => Content::Document {
            document: media::media(read, &object, kind)?,
        },
        "sticker" => Content::Sticker {
            sticker: media::media(read, &object, kind)?,
        },
        "location" => Content::Location {
            location: location(read, &object)?,
        },
        "reaction" => Content::Reaction {
            reaction: reaction(read, &object)?,
        },
        "interactive" => Content::Interactive {
            interactive: Box::new(interactive::interactive(read, &object)?),
        },
        "template" => Content::Template {
            template: Box::new(template::template(read, &object)?),
        },
        "read" => Content::Read {
            read: receipt(read, &object)?,
        },
        _ => Content::Other {
            other: other(read, &object)?,
        },
    })
}

fn text(read: &mut Reader, object: &Object<'_>) -> Option<Text> {
    read.only(object, &["body", "preview_url"]);
    let preview_url = read.flag(object, "preview_url");
    let body = read.needed_text(object, "body", &limits::TEXT)?;
    Some(Text { body, preview_url })
}

/// A place: degrees as numbers or, as the Cloud API's own examples have them, as texts.
pub(super) fn location(read: &mut Reader, object: &Object<'_>) -> Option<Location> {
    read.only(object, &["latitude", "longitude", "name", "address"]);
    let latitude = degrees(read, object, "latitude", 90.0);
    let longitude = degrees(read, object, "longitude", 180.0);
    let name = read.text(object, "name", &limits::PLACE);
    let address = read.text(object, "address", &limits::PLACE);
    Some(Location {
        latitude: latitude?,
        longitude: longitude?,
        name,
        address,
    })
}

fn degrees(read: &mut Reader, object: &Object<'_>, name: &str, max: f64) -> Option<f64> {
    let give = format!("give degrees from -{max} to {max}");
    let found = match object.get(name) {
        None => return read.missing(object, name, &give),
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => {
            read.error(&object.pointer(name), "wrong-type", give);
            return None;
        }
    };
    let found = found.filter(|degrees: &f64| (-max..=max).contains(degrees));
    if found.is_none() {
        read.error(&object.pointer(name), "invalid", give);
    }
    found
}

fn reaction(read: &mut Reader, object: &Object<'_>) -> Option<Reaction> {
    read.only(object, &["message_id", "emoji"]);
    let target = read.id(object, "message_id", &limits::MESSAGE_ID);
    if !object.has("emoji") {
        let give = "give `emoji`, or \"\" to take the reaction back";
        return read.missing(object, "emoji", give);
    }
    let emoji = match object.get("emoji") {
        Some(Value::String(empty)) if empty.is_empty() => None,
        _ => Some(read.text(object, "emoji", &limits::EMOJI)?),
    };
    Some(Reaction {
        target: target?,
        emoji,
    })
}

fn receipt(read: &mut Reader, object: &Object<'_>) -> Option<ReadReceipt> {
    read.only(object, &["message_id", "typing"]);
    let typing = read.flag(object, "typing");
    let message = read.id(object, "message_id", &limits::MESSAGE_ID)?;
    Some(ReadReceipt { message, typing })
}

/// A provider's own message, and the stored media that belong into it.
fn other(read: &mut Reader, object: &Object<'_>) -> Option<Raw> {
    read.only(object, &["document", "media"]);
    let placed = placed(read, object);
    let give = "give the provider's own message, a JSON object";
    let inner = read.needed_object(object, "document", give)?;
    let pointer = object.pointer("document");
    if inner.map.is_empty() {
        read.error(&pointer, "invalid", "the document is empty");
        return None;
    }
    let document = read.document(object.get("document")?, &pointer)?;
    Some(Raw {
        document,
        media: placed,
    })
}

/// `[{"pointer": "/image", "id": "med_..."}]`: where a medium belongs, and which.
pub(super) fn placed(
    read: &mut Reader,
    object: &Object<'_>,
) -> Vec<(String, crate::provider::MediaSource)> {
    if !object.has("media") {
        return Vec::new();
    }
    let entries = read
        .needed_objects(object, "media", &limits::PLACED_MEDIA)
        .unwrap_or_default();
    let mut placed = Vec::new();
    for entry in &entries {
        read.only(entry, &["pointer", "id", "link"]);
        let pointer = read.string(entry, "pointer");
        if !entry.has("pointer") {
            read.error(
                &entry.pointer("pointer"),
                "missing",
                "give the RFC 6901 pointer of the place in `document`",
            );
        }
        let pointer = pointer.filter(|pointer| {
            let is_pointer = is_json_pointer(pointer);
            if !is_pointer {
                let detail = "a JSON pointer (RFC 6901) begins with `/` and writes `~` as `~0`";
                read.error(&entry.pointer("pointer"), "invalid", detail);
            }
            is_pointer
        });
        let source = media::source(read, entry, MediaRole::Placed);
        placed.extend(pointer.zip(source));
    }
    placed
}

fn is_json_pointer(text: &str) -> bool {
    let mut escapes = text.split('~').skip(1);
    text.starts_with('/')
        && text.len() <= crate::provider::POINTER_BYTES_MAX
        && !text.chars().any(char::is_control)
        && escapes.all(|rest| rest.starts_with(['0', '1']))
}
