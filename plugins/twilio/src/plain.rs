//! What the Messages resource takes without a content: texts, media and places.

use wharf_plugin::messages::{Location, Media, MediaSource, Text};
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Field, MediaRef, Value};

/// Error 21617 beyond it.
const BODY_CHARS_MAX: usize = 1_600;
/// WhatsApp's limit at Twilio, and that of pictures
/// (<https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages>).
const MEDIA_BYTES_MAX: u64 = 16 * 1024 * 1024;
const IMAGE_BYTES_MAX: u64 = 5 * 1024 * 1024;
/// A message may wait in Twilio's queue for 4 hours before its medium is fetched; the rest is room.
pub(crate) const MEDIA_LINK_S: u32 = 5 * 3_600;
/// Separates coordinates and label in a persistent action.
const LABEL: char = '|';

const IMAGES: &[&str] = &["image/jpeg", "image/png"];
const STICKERS: &[&str] = &["image/webp"];
const VIDEOS: &[&str] = &["video/mp4", "video/3gpp"];
const VOICE: &str = "audio/ogg";
const AUDIOS: &[&str] = &[
    VOICE,
    "audio/opus",
    "audio/amr",
    "audio/3gpp",
    "audio/aac",
    "audio/mp4",
    "audio/mpeg",
];
const DOCUMENTS: &[&str] = &[
    "application/pdf",
    "application/msword",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "text/vcard",
    "text/x-vcard",
];

pub(crate) fn text(text: &Text) -> Result<Vec<Field>, Error> {
    if text.body.trim().is_empty() {
        return Err(Error::invalid("the text is empty").remedy("Give the text a body."));
    }
    Ok(vec![body("text", &text.body)?])
}

/// `kind`: the content's own, which says what types it may have.
pub(crate) fn media(kind: &str, media: &Media) -> Result<Vec<Field>, Error> {
    if media.voice
        && let MediaSource::Stored(stored) = &media.source
        && plain_type(&stored.content_type) != VOICE
    {
        return Err(Error::new(
            Code::MediaRejected,
            Retry::Never,
            format!(
                "a voice message is {VOICE}, this one is {}",
                stored.content_type
            ),
        )
        .remedy("Convert the recording to ogg with opus, or send it as plain audio."));
    }
    let mut fields = vec![Field::new("MediaUrl", link(kind, &media.source)?)];
    match media.caption.as_deref().filter(|text| !text.is_empty()) {
        Some(_) if matches!(kind, "audio" | "sticker") => {
            return Err(Error::invalid(format!("{kind} has no caption on WhatsApp"))
                .remedy("Send the caption as a text of its own."));
        }
        Some(caption) => fields.push(body("caption", caption)?),
        None => {}
    }
    Ok(fields)
}

/// Where Twilio fetches a medium.
pub(crate) fn link(kind: &str, source: &MediaSource) -> Result<Value, Error> {
    match source {
        MediaSource::Link(url) if is_link(url) => Ok(vec![piece::text(url.as_str())]),
        MediaSource::Link(_) => Err(Error::invalid("the medium's link is no https URL")
            .remedy("Give a public https link, or upload the medium.")),
        MediaSource::Stored(stored) => {
            check(kind, stored)?;
            Ok(vec![piece::media_link(stored, MEDIA_LINK_S)])
        }
        MediaSource::Id(_) => Err(Error::new(
            Code::Unsupported,
            Retry::Never,
            "Twilio keeps no uploaded media, so none can be sent by an id (`media by id`)",
        )
        .remedy("Send the medium by a link, or upload it to the gateway.")),
    }
}

pub(crate) fn is_link(url: &str) -> bool {
    let host = url
        .strip_prefix("https://")
        .and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty())
        && !url.contains(|character: char| character.is_whitespace() || character.is_control())
}

fn check(kind: &str, stored: &MediaRef) -> Result<(), Error> {
    let (types, bytes_max) = match kind {
        "image" => (IMAGES, IMAGE_BYTES_MAX),
        "sticker" => (STICKERS, MEDIA_BYTES_MAX),
        "video" => (VIDEOS, MEDIA_BYTES_MAX),
        "audio" => (AUDIOS, MEDIA_BYTES_MAX),
        _ => (DOCUMENTS, MEDIA_BYTES_MAX),
    };
    let content_type = plain_type(&stored.content_type);
    if !types.contains(&content_type.as_str()) {
        return Err(Error::new(
            Code::MediaRejected,
            Retry::Never,
            format!(
                "Twilio takes no {} as {kind} for WhatsApp",
                stored.content_type
            ),
        )
        .remedy(match kind {
            "image" => "Send a picture as JPEG or PNG.",
            "sticker" => "Send a sticker as WebP.",
            "video" => "Send a video as MP4 or 3GP.",
            "audio" => "Send a sound as OGG, AMR, 3GP, AAC, MP4 or MP3.",
            _ => "Send a PDF, a Word, PowerPoint or Excel file, or a vCard.",
        }));
    }
    if stored.size > bytes_max {
        return Err(Error::new(
            Code::MediaRejected,
            Retry::Never,
            format!(
                "{kind} is at most {} MiB at Twilio, this one has {} bytes",
                bytes_max / (1024 * 1024),
                stored.size
            ),
        )
        .remedy("Send a smaller file."));
    }
    Ok(())
}

/// A content type without its parameters.
fn plain_type(content_type: &str) -> String {
    let name = content_type.split(';').next().unwrap_or_default();
    name.trim().to_ascii_lowercase()
}

/// A place: its name is the body, which Twilio wants, and the address the line under it.
pub(crate) fn location(location: &Location) -> Result<Vec<Field>, Error> {
    let (latitude, longitude) = (location.latitude, location.longitude);
    if !(-90.0..=90.0).contains(&latitude) || !(-180.0..=180.0).contains(&longitude) {
        return Err(Error::invalid(
            "a latitude is -90 to 90 and a longitude -180 to 180 degrees",
        ));
    }
    let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let (name, label) = match (given(&location.name), given(&location.address)) {
        (Some(name), address) => (name, address),
        (None, Some(address)) => (address, None),
        (None, None) => (format!("{latitude},{longitude}"), None),
    };
    let mut action = format!("geo:{latitude},{longitude}");
    if let Some(label) = label {
        if label.contains(LABEL) {
            return Err(
                Error::invalid("an address with `|` cannot be sent over Twilio")
                    .remedy("Write the address without `|`."),
            );
        }
        action.push(LABEL);
        action.push_str(&label);
    }
    Ok(vec![
        body("place's name", &name)?,
        Field::text("PersistentAction", action),
    ])
}

fn body(what: &str, text: &str) -> Result<Field, Error> {
    at_most(what, text, BODY_CHARS_MAX)?;
    Ok(Field::text("Body", text))
}

/// A limit of Twilio's, by its name.
pub(crate) fn at_most(what: &str, text: &str, chars_max: usize) -> Result<(), Error> {
    // Bytes first: a character has at least one, so most texts need no counting.
    if text.len() <= chars_max {
        return Ok(());
    }
    let chars = text.chars().count();
    if chars <= chars_max {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "a {what} has at most {chars_max} characters at Twilio, this one has {chars}"
    ))
    .remedy("Shorten it, or send it in parts."))
}
