//! What a message says. `MessageType` decides where it is there; without it the fields that are.

use serde_json::Value;
use wharf_plugin::inbound::{Choice, Content, Media, MediaKind};
use wharf_plugin::messages::Location;

use super::address::is_name;
use super::message::Fields;

/// Far beyond what Twilio sends; a number is only a claim.
const MEDIA_MAX: usize = 32;
/// What the host takes as a locator and as a media type.
const LOCATOR_BYTES_MAX: usize = 4 * 1024;
/// A document of this many levels is shown as the text it is: the host takes 64.
const DEPTH_MAX: usize = 48;

/// At least one content; several where there are several media.
pub(super) fn read(fields: &Fields<'_>) -> Vec<Content> {
    let kind = fields.get("MessageType").map(str::to_ascii_lowercase);
    let kind = kind.as_deref();
    let special = match kind {
        Some("reaction") => reaction(fields),
        Some("unsupported") => Some(Content::Unsupported(raw(fields))),
        Some("system") => Some(Content::System(raw(fields))),
        Some("order") => Some(Content::Order(raw(fields))),
        _ => None,
    };
    if let Some(content) = special.or_else(|| flow(fields)).or_else(|| choice(fields)) {
        return vec![content];
    }
    let media = media(fields, kind);
    if !media.is_empty() {
        return media;
    }
    vec![
        location(fields)
            .or_else(|| words(fields, kind))
            .unwrap_or_else(|| Content::Other(raw(fields))),
    ]
}

/// A text is one where its type says so, or where nothing says what else it is.
fn words(fields: &Fields<'_>, kind: Option<&str>) -> Option<Content> {
    let body = fields.form().get("Body");
    match kind {
        // A template's button and a session's come with a text at least.
        Some("text" | "button" | "interactive") => {
            Some(Content::Text(body.unwrap_or_default().to_owned()))
        }
        None => body.map(|body| Content::Text(body.to_owned())),
        Some(_) => None,
    }
}

/// Not documented as delivered; if it is, this is how its neighbours look.
fn reaction(fields: &Fields<'_>) -> Option<Content> {
    let target = fields.get("OriginalRepliedMessageSid")?;
    let emoji = fields.form().get("Body").map(str::to_owned);
    is_name(target).then(|| Content::Reaction((target.to_owned(), emoji)))
}

/// What a flow was filled in with.
fn flow(fields: &Fields<'_>) -> Option<Content> {
    let data = ["InteractiveData", "FlowData"]
        .into_iter()
        .find_map(|name| fields.get(name))?;
    let document = document(data).unwrap_or_else(|| Value::from(data));
    Some(Content::FlowResponse(document.to_string()))
}

/// A row of a list where one is named; else the button, which rows look like too where it is not.
fn choice(fields: &Fields<'_>) -> Option<Content> {
    let body = fields.form().get("Body");
    if let Some(id) = fields.get("ListId") {
        let title = fields.get("ListTitle").or(body).unwrap_or(id);
        return Some(Content::ListChoice(Choice {
            id: id.to_owned(),
            title: title.to_owned(),
            description: fields.get("ListDescription").map(str::to_owned),
        }));
    }
    let (payload, text) = (fields.get("ButtonPayload"), fields.get("ButtonText"));
    // A button without an id of its own is answered with its text.
    let id = payload.or(text)?;
    Some(Content::Button(Choice {
        id: id.to_owned(),
        title: text.or(body).unwrap_or(id).to_owned(),
        description: None,
    }))
}

fn location(fields: &Fields<'_>) -> Option<Content> {
    let degrees = |name: &str, max: f64| {
        let text = fields.get(name)?.trim();
        let degrees: f64 = text.parse().ok()?;
        (degrees.abs() <= max).then_some(degrees)
    };
    Some(Content::Location(Location {
        latitude: degrees("Latitude", 90.0)?,
        longitude: degrees("Longitude", 180.0)?,
        name: fields.get("Label").map(str::to_owned),
        address: fields.get("Address").map(str::to_owned),
    }))
}

/// Every medium the form names. The text beside them is the caption of the first.
fn media(fields: &Fields<'_>, kind: Option<&str>) -> Vec<Content> {
    let form = fields.form();
    let mut caption = form.get("Body").map(str::to_owned);
    let mut found = Vec::new();
    for index in 0..MEDIA_MAX {
        // Counted by what is there, whatever NumMedia says.
        let Some(url) = form.get(&format!("MediaUrl{index}")) else {
            break;
        };
        if url.len() > LOCATOR_BYTES_MAX || url.chars().any(char::is_control) {
            return vec![Content::Other(raw(fields))];
        }
        let content_type = form.get(&format!("MediaContentType{index}"));
        let content_type = content_type.filter(|text| is_name(text));
        found.push(Content::Media(Media {
            kind: media_kind(kind, content_type),
            locator: url.to_owned(),
            content_type: content_type.map(str::to_owned),
            sha256: None,
            caption: caption.take(),
            filename: None,
        }));
    }
    found
}

/// Twilio's word for it, else its media type. A recording from the chat is Opus in Ogg, which Twilio calls
/// `audio` like every other sound; a vCard is a document here, for its people stand in the file.
pub(crate) fn media_kind(kind: Option<&str>, content_type: Option<&str>) -> MediaKind {
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned();
    match kind {
        Some("image") => return MediaKind::Image,
        Some("video") => return MediaKind::Video,
        Some("sticker") => return MediaKind::Sticker,
        Some("document" | "contacts") => return MediaKind::Document,
        Some("voice") => return MediaKind::Voice,
        _ => {}
    }
    match essence.split_once('/') {
        Some(("audio", "ogg" | "opus")) => MediaKind::Voice,
        Some(("audio", _)) => MediaKind::Audio,
        // WhatsApp's pictures are JPEG and PNG; only stickers are WebP.
        Some(("image", "webp")) => MediaKind::Sticker,
        Some(("image", _)) => MediaKind::Image,
        Some(("video", _)) => MediaKind::Video,
        _ if kind == Some("audio") => MediaKind::Audio,
        _ => MediaKind::Document,
    }
}

fn raw(fields: &Fields<'_>) -> String {
    wharf_plugin::document(&fields.form().document().to_string())
}

/// JSON within a field, where it is JSON that the host takes.
pub(super) fn document(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    (depth(&value, DEPTH_MAX) < DEPTH_MAX).then_some(value)
}

/// How deep a document goes, looking no deeper than `max`.
fn depth(value: &Value, max: usize) -> usize {
    let Some(below) = max.checked_sub(1) else {
        return 0;
    };
    let deepest = match value {
        Value::Array(elements) => elements.iter().map(|it| depth(it, below)).max(),
        Value::Object(members) => members.values().map(|it| depth(it, below)).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or(0)
}
