//! Kinds of media: which types and sizes WhatsApp takes, and the object that stands for one in a document.
//! The figures are Meta's (the page `business-phone-numbers/media` of the Cloud API's documentation).

use std::fmt::Display;

use serde_json::{Map, Value};
use wharf_plugin::messages::{Media, MediaSource};
use wharf_plugin::prelude::Error;
use wharf_plugin::types::MediaRef;

use super::draft::Places;
use super::limit;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

const CAPTION_CHARS_MAX: usize = 1_024;
/// What a voice message must be; its codec, where the type names it, is `opus`.
const VOICE_TYPE: &str = "audio/ogg";

/// One kind of media.
pub(super) struct Kind {
    /// As the Cloud API spells it.
    pub(super) name: &'static str,
    types: &'static [&'static str],
    bytes_max: u64,
}

pub(super) const IMAGE: Kind = Kind {
    name: "image",
    types: &["image/jpeg", "image/png"],
    bytes_max: 5 * MIB,
};
pub(super) const VIDEO: Kind = Kind {
    name: "video",
    types: &["video/mp4", "video/3gpp"],
    bytes_max: 16 * MIB,
};
pub(super) const AUDIO: Kind = Kind {
    name: "audio",
    types: &[
        "audio/aac",
        "audio/amr",
        "audio/mpeg",
        "audio/mp4",
        VOICE_TYPE,
    ],
    bytes_max: 16 * MIB,
};
pub(super) const DOCUMENT: Kind = Kind {
    name: "document",
    types: &[
        "application/pdf",
        "text/plain",
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ],
    bytes_max: 100 * MIB,
};
/// A still one has at most 100 KB. Whether a picture moves stands in its bytes, which are not here.
pub(super) const STICKER: Kind = Kind {
    name: "sticker",
    types: &["image/webp"],
    bytes_max: 500 * KIB,
};

const KINDS: [&Kind; 5] = [&IMAGE, &VIDEO, &AUDIO, &DOCUMENT, &STICKER];

/// A message that is a medium: its object, by what its kind may have.
pub(super) fn message<'a>(
    kind: &Kind,
    media: &'a Media,
    places: &mut Places<'a>,
) -> Result<Map<String, Value>, Error> {
    let name = kind.name;
    if media.voice {
        check_voice(kind, &media.source)?;
    }
    let mut object = object(kind, &media.source, format!("/{name}"), places)?;
    if let Some(caption) = media
        .caption
        .as_deref()
        .filter(|caption| !caption.is_empty())
    {
        if !matches!(name, "image" | "video" | "document") {
            return Err(limit::no_place(
                &format!("a message of type `{name}`"),
                "caption",
            ));
        }
        limit::at_most(format_args!("{name}.caption"), caption, CAPTION_CHARS_MAX)?;
        object.insert("caption".to_owned(), caption.into());
    }
    let filename = media.filename.as_deref().filter(|name| !name.is_empty());
    if let Some(filename) = filename {
        if name != DOCUMENT.name {
            return Err(limit::no_place(
                &format!("a message of type `{name}`"),
                "filename",
            ));
        }
        object.insert("filename".to_owned(), filename.into());
    }
    if name == DOCUMENT.name && filename.is_none() {
        insert_filename(&mut object, &media.source);
    }
    if media.voice {
        object.insert("voice".to_owned(), true.into());
    }
    Ok(object)
}

/// The file's own name, where nobody gave another: without one the recipient sees `Untitled`.
pub(super) fn insert_filename(object: &mut Map<String, Value>, source: &MediaSource) {
    if let MediaSource::Stored(MediaRef {
        filename: Some(filename),
        ..
    }) = source
    {
        object.insert("filename".to_owned(), filename.as_str().into());
    }
}

/// The object for a source. A stored medium gets its id, or its link, when the message is sent.
pub(super) fn object<'a>(
    kind: &Kind,
    source: &'a MediaSource,
    pointer: String,
    places: &mut Places<'a>,
) -> Result<Map<String, Value>, Error> {
    let member = || pointer.trim_start_matches('/').replace('/', ".");
    if let Some(object) = given(source, member)? {
        return Ok(object);
    }
    if let MediaSource::Stored(media) = source {
        check(kind, member(), media)?;
        places.add(pointer, media);
    }
    Ok(Map::new())
}

/// The object for a medium that the provider, or the web, has already; none for a stored one.
pub(super) fn given<M: Display>(
    source: &MediaSource,
    member: impl Fn() -> M,
) -> Result<Option<Map<String, Value>>, Error> {
    let (name, value) = match source {
        MediaSource::Id(id) if id.is_empty() => {
            return Err(limit::missing(format_args!("{}.id", member())));
        }
        MediaSource::Id(id) => ("id", id),
        MediaSource::Link(link) => {
            limit::url(format_args!("{}.link", member()), link)?;
            ("link", link)
        }
        MediaSource::Stored(_) => return Ok(None),
    };
    Ok(Some(Map::from_iter([(
        name.to_owned(),
        value.as_str().into(),
    )])))
}

/// Whether WhatsApp takes a stored file as this kind.
fn check(kind: &Kind, member: impl Display, media: &MediaRef) -> Result<(), Error> {
    let name = kind.name;
    let base = base_type(&media.content_type);
    if !kind.types.contains(&base.as_str()) || is_other_codec(&media.content_type) {
        return Err(wrong_type(
            format!("`{member}` is of type {}", media.content_type),
            kind,
        ));
    }
    if media.size > kind.bytes_max {
        return Err(too_large(name, kind.bytes_max, media.size));
    }
    Ok(())
}

/// Whether WhatsApp takes a file for any kind of message.
pub(crate) fn check_upload(media: &MediaRef) -> Result<(), Error> {
    let base = base_type(&media.content_type);
    let kind = KINDS
        .iter()
        .find(|kind| kind.types.contains(&base.as_str()));
    match kind {
        Some(kind) => check(kind, "file", media),
        None => Err(Error::invalid(format!(
            "the file is of type {}, which WhatsApp takes for no message",
            media.content_type
        ))
        .remedy("Convert the file, for example to JPEG, MP4, OGG with Opus, or PDF.")),
    }
}

/// A link's type is not known here, an id's neither: Meta says so if it is wrong.
fn check_voice(kind: &Kind, source: &MediaSource) -> Result<(), Error> {
    if kind.name != AUDIO.name {
        return Err(limit::no_place(
            &format!("a message of type `{}`", kind.name),
            "voice",
        ));
    }
    match source {
        MediaSource::Stored(media) if base_type(&media.content_type) != VOICE_TYPE => {
            Err(Error::invalid(format!(
                "a voice message is {VOICE_TYPE} with the codec opus, this file is {}",
                media.content_type
            ))
            .remedy("Convert the file, or send it as audio without `voice`."))
        }
        _ => Ok(()),
    }
}

fn wrong_type(what: String, kind: &Kind) -> Error {
    Error::invalid(format!(
        "{what}; WhatsApp takes {} as {}{}",
        kind.types.join(", "),
        article(kind.name),
        if kind.name == AUDIO.name {
            ", ogg with the codec opus only"
        } else {
            ""
        }
    ))
    .remedy("Convert the file, or send it as a kind that takes its type.")
}

fn too_large(name: &str, bytes_max: u64, size: u64) -> Error {
    let (number, unit) = match bytes_max {
        bytes if bytes >= MIB => (bytes / MIB, "MiB"),
        bytes => (bytes / KIB, "KiB"),
    };
    Error::invalid(format!(
        "{} has at most {number} {unit} ({bytes_max} bytes), this file has {size} bytes",
        article(name)
    ))
    .remedy("Send a smaller file.")
}

fn article(name: &str) -> String {
    let article = if name.starts_with(['a', 'i']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {name}")
}

/// The type without its parameters, in lower case.
pub(super) fn base_type(content_type: &str) -> String {
    let base = content_type.split(';').next().unwrap_or_default();
    base.trim().to_ascii_lowercase()
}

/// Ogg that says it holds something other than Opus.
fn is_other_codec(content_type: &str) -> bool {
    let lower = content_type.to_ascii_lowercase();
    base_type(content_type) == VOICE_TYPE
        && lower
            .split_once("codecs=")
            .is_some_and(|(_, codec)| !codec.trim_start_matches('"').starts_with("opus"))
}
