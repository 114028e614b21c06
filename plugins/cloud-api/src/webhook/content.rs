//! What a message says, by its kind.

use wharf_plugin::inbound::{Choice, Content, Media, MediaKind};
use wharf_plugin::messages::Location;

use crate::json::Object;
use wharf_plugin::document;

/// None for a kind that is not known, or known but of another shape.
pub(super) fn read(message: &Object<'_>) -> Option<Content> {
    let kind = message.text("type")?;
    let object = || message.object(&kind);
    let whole = || message.document(&kind);
    match kind.as_str() {
        "text" => Some(Content::Text(object()?.text("body")?)),
        "image" => media(MediaKind::Image, &object()?),
        "video" => media(MediaKind::Video, &object()?),
        "audio" => {
            let audio = object()?;
            let kind = match audio.flag("voice") {
                Some(true) => MediaKind::Voice,
                _ => MediaKind::Audio,
            };
            media(kind, &audio)
        }
        "document" => media(MediaKind::Document, &object()?),
        "sticker" => media(MediaKind::Sticker, &object()?),
        "location" => location(&object()?),
        "contacts" => message
            .list("contacts")
            .and_then(|_| whole())
            .map(Content::Contacts),
        "reaction" => {
            let reaction = object()?;
            // Taking a reaction back comes as an empty emoji or none.
            Some(Content::Reaction((
                reaction.id("message_id")?,
                reaction.text("emoji"),
            )))
        }
        "interactive" => interactive(&object()?),
        "button" => button(&object()?),
        "order" => whole().map(Content::Order),
        "system" => system(message, &object()?).map(Content::System),
        "edit" => {
            let edit = object()?;
            let original = edit.id("original_message_id")?;
            Some(Content::Edited((original, edit.document("message")?)))
        }
        "revoke" => Some(Content::Revoked(object()?.id("original_message_id")?)),
        "unsupported" => Some(Content::Unsupported(unsupported(message))),
        // Older names of the same.
        "unknown" | "ephemeral" if message.raw("errors").is_some() => {
            Some(Content::Unsupported(unsupported(message)))
        }
        _ => None,
    }
}

fn media(kind: MediaKind, media: &Object<'_>) -> Option<Content> {
    Some(Content::Media(Media {
        kind,
        locator: media.id("id")?,
        content_type: media.line("mime_type"),
        sha256: media.line("sha256"),
        caption: media.text("caption"),
        filename: media.text("filename"),
    }))
}

fn location(location: &Object<'_>) -> Option<Content> {
    Some(Content::Location(Location {
        latitude: location.number("latitude")?,
        longitude: location.number("longitude")?,
        name: location.text("name"),
        address: location.text("address"),
    }))
}

/// The quick reply of a template.
fn button(button: &Object<'_>) -> Option<Content> {
    let title = button.text("text")?;
    let id = button.text("payload").unwrap_or_else(|| title.clone());
    Some(Content::Button(Choice {
        id,
        title,
        description: None,
    }))
}

fn interactive(interactive: &Object<'_>) -> Option<Content> {
    let kind = interactive.text("type")?;
    let choice = || {
        let reply = interactive.object(&kind)?;
        Some(Choice {
            id: reply.text("id")?,
            title: reply.text("title")?,
            description: reply.text("description"),
        })
    };
    match kind.as_str() {
        "button_reply" => choice().map(Content::Button),
        "list_reply" => choice().map(Content::ListChoice),
        "nfm_reply" => interactive.document(&kind).map(Content::FlowResponse),
        _ => None,
    }
}

/// The note, with the hash of a person's new identity, which stands beside it.
fn system(message: &Object<'_>, system: &Object<'_>) -> Option<String> {
    let Some(identity) = message.document("identity") else {
        return message.document("system");
    };
    let mut note = format!(r#"{{"identity":{identity}"#);
    for (name, raw) in system.members().filter(|(name, _)| *name != "identity") {
        let name = serde_json::Value::from(name);
        note.push_str(&format!(",{name}:{}", document(raw)));
    }
    note.push('}');
    Some(note)
}

/// What Meta says about a message it will not show: its errors and the kind it was.
fn unsupported(message: &Object<'_>) -> String {
    let member = |name| message.document(name).unwrap_or_else(|| "null".to_owned());
    format!(
        r#"{{"errors":{},"unsupported":{}}}"#,
        member("errors"),
        member("unsupported")
    )
}
