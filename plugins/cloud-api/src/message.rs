//! One element of `messages`: who wrote what. A kind that is not known, or known but of another shape,
//! keeps its envelope and carries its raw text as content.

use wharf_plugin::inbound::{Choice, Content, Media, MediaKind, Message};
use wharf_plugin::messages::Location;
use wharf_plugin::prelude::{Event, Party};

use crate::json::Object;
use crate::webhook::Setting;

/// None when there is no id: without one it is not a message.
pub(crate) fn read(raw: &str, setting: &Setting) -> Option<(String, Event)> {
    let message = Object::read(raw)?;
    let sender = setting.party(message.text("from"), message.text("from_user_id"));
    let message = inbound(raw, &message, sender, setting)?;
    Some((
        format!("message:{}", message.provider_message_id),
        Event::Message(message),
    ))
}

/// The message, whoever wrote it.
pub(crate) fn inbound(
    raw: &str,
    message: &Object<'_>,
    sender: Party,
    setting: &Setting,
) -> Option<Message> {
    let context = message.object("context").unwrap_or_default();
    let forwarded = |member| context.flag(member) == Some(true);
    Some(Message {
        provider_message_id: message.text("id")?,
        sender,
        group: message.text("group_id"),
        at: message.time_ms("timestamp").unwrap_or(setting.received_at),
        reply_to: context.text("id"),
        forwarded: forwarded("forwarded") || forwarded("frequently_forwarded"),
        content: content(message).unwrap_or_else(|| Content::Other(raw.to_owned())),
        referral: message.raw("referral").map(str::to_owned),
    })
}

fn content(message: &Object<'_>) -> Option<Content> {
    let kind = message.text("type")?;
    let object = || message.object(&kind);
    let raw = || message.raw(&kind).map(str::to_owned);
    match kind.as_str() {
        "text" => Some(Content::Text(object()?.text("body")?)),
        "image" => media(MediaKind::Image, &object()?),
        "video" => media(MediaKind::Video, &object()?),
        "audio" => {
            let audio = object()?;
            let is_voice = audio.flag("voice") == Some(true);
            media(
                if is_voice {
                    MediaKind::Voice
                } else {
                    MediaKind::Audio
                },
                &audio,
            )
        }
        "document" => media(MediaKind::Document, &object()?),
        "sticker" => media(MediaKind::Sticker, &object()?),
        "location" => location(&object()?),
        "contacts" => message
            .list("contacts")
            .and_then(|_| raw())
            .map(Content::Contacts),
        "reaction" => {
            let reaction = object()?;
            // Taking a reaction back comes as an empty emoji or none.
            Some(Content::Reaction((
                reaction.text("message_id")?,
                reaction.text("emoji"),
            )))
        }
        "interactive" => interactive(&object()?),
        "button" => {
            let button = object()?;
            let title = button.text("text")?;
            let id = button.text("payload").unwrap_or_else(|| title.clone());
            Some(Content::Button(Choice {
                id,
                title,
                description: None,
            }))
        }
        "order" => raw().map(Content::Order),
        "system" => raw().map(Content::System),
        "edit" => {
            let edit = object()?;
            let original = edit.text("original_message_id")?;
            Some(Content::Edited((original, edit.raw("message")?.to_owned())))
        }
        "revoke" => Some(Content::Revoked(object()?.text("original_message_id")?)),
        "unsupported" => Some(Content::Unsupported(unsupported(message))),
        _ => None,
    }
}

fn media(kind: MediaKind, media: &Object<'_>) -> Option<Content> {
    Some(Content::Media(Media {
        kind,
        locator: media.text("id")?,
        content_type: media.text("mime_type"),
        sha256: media.text("sha256"),
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
        "nfm_reply" => interactive
            .raw(&kind)
            .map(|raw| Content::FlowResponse(raw.to_owned())),
        _ => None,
    }
}

/// What Meta says about a message it will not show: its errors and the kind it was.
fn unsupported(message: &Object<'_>) -> String {
    let member = |name| message.raw(name).unwrap_or("null");
    format!(
        r#"{{"errors":{},"unsupported":{}}}"#,
        member("errors"),
        member("unsupported")
    )
}
