//! Media of a request: where their bytes are, and what WhatsApp takes of stored ones.

use serde_json::Value;

use super::limits;
use super::reader::{FieldError, Object, Reader};
use crate::MediaId;
use crate::provider::{Media, MediaRef, MediaSource};

/// What an object in the media store is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaRole {
    Image,
    Video,
    Audio,
    /// An audio shown as a voice message.
    Voice,
    Document,
    Sticker,
    /// In a document whose shape is the provider's.
    Placed,
}

/// A stored object that a request names, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredUse {
    pub pointer: String,
    pub media: MediaId,
    pub role: MediaRole,
}

const MIB: u64 = 1 << 20;

impl MediaRole {
    /// The types it may have, the most bytes, and how the limit is told:
    /// <https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media>.
    /// Documents may be of any type here: which ones is where providers differ.
    fn rule(self) -> (&'static str, &'static [&'static str], u64) {
        match self {
            Self::Image => ("an image", &["image/jpeg", "image/png"], 5 * MIB),
            Self::Video => ("a video", &["video/mp4", "video/3gpp"], 16 * MIB),
            Self::Audio => (
                "an audio",
                &[
                    "audio/aac",
                    "audio/amr",
                    "audio/mpeg",
                    "audio/mp4",
                    "audio/ogg",
                ],
                16 * MIB,
            ),
            Self::Voice => ("a voice message", &["audio/ogg"], 16 * MIB),
            // An animated one; a still one has at most 100 KB, which only its bytes tell.
            Self::Sticker => ("a sticker", &["image/webp"], 500 * 1024),
            Self::Document => ("a document", &[], 100 * MIB),
            Self::Placed => ("a medium", &[], 100 * MIB),
        }
    }

    /// Whether an object of this type and size can be sent so.
    pub fn check(
        self,
        pointer: &str,
        content_type: &str,
        size_bytes: u64,
    ) -> Result<(), FieldError> {
        let (what, types, bytes_max) = self.rule();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let fits = types.is_empty() || types.iter().any(|it| it.eq_ignore_ascii_case(essence));
        if !fits {
            let detail = format!(
                "{what} is of type {}, the stored object is {essence}",
                types.join(", ")
            );
            return Err(FieldError::new(pointer, "invalid", detail));
        }
        if size_bytes > bytes_max {
            let detail =
                format!("{what} has at most {bytes_max} bytes, the stored object has {size_bytes}");
            return Err(FieldError::new(pointer, "too-long", detail));
        }
        Ok(())
    }
}

/// The member that a kind's own object has beside the source.
pub(super) fn media(read: &mut Reader, object: &Object<'_>, kind: &str) -> Option<Media> {
    let (known, role): (&[&str], _) = match kind {
        "image" => (&["id", "link", "caption"], MediaRole::Image),
        "video" => (&["id", "link", "caption"], MediaRole::Video),
        "audio" => (&["id", "link", "voice"], MediaRole::Audio),
        "sticker" => (&["id", "link"], MediaRole::Sticker),
        _ => (&["id", "link", "caption", "filename"], MediaRole::Document),
    };
    read.only(object, known);
    let caption = read.text(object, "caption", &limits::CAPTION);
    let filename = read.text(object, "filename", &limits::FILENAME);
    let voice = kind == "audio" && read.flag(object, "voice");
    let role = if voice { MediaRole::Voice } else { role };
    let source = source(read, object, role)?;
    Some(Media {
        source,
        caption,
        filename,
        voice,
    })
}

/// The object that a member of this name is, with its source and nothing else.
pub(super) fn bare(
    read: &mut Reader,
    within: &Object<'_>,
    name: &str,
    role: MediaRole,
) -> Option<MediaSource> {
    let object = read.needed_object(within, name, GIVE)?;
    read.only(&object, &["id", "link"]);
    source(read, &object, role)
}

const GIVE: &str = "give {\"id\": ...}, an uploaded medium, or {\"link\": \"https://...\"}";

/// `id` or `link`. An id that begins with `med_` is our own store's.
pub(super) fn source(
    read: &mut Reader,
    object: &Object<'_>,
    role: MediaRole,
) -> Option<MediaSource> {
    match (object.has("id"), object.has("link")) {
        (true, true) => {
            read.error(&object.at, "invalid", "give `id` or `link`, not both");
            None
        }
        (false, false) => {
            read.error(&object.at, "missing", GIVE);
            None
        }
        (false, true) => link(read, object, "link").map(MediaSource::Link),
        (true, false) => {
            let id = read.id(object, "id", &limits::MEDIA_ID)?;
            if !id.starts_with(MediaId::PREFIX) {
                return Some(MediaSource::Id(id));
            }
            let pointer = object.pointer("id");
            let media = id.parse().map_err(|_| {
                let detail = "this is no id of a stored object: POST /v1/media gives them";
                FieldError::new(&pointer, "invalid", detail)
            });
            let media = read.keep(media)?;
            Some(read.stored(pointer, media, role))
        }
    }
}

/// A public https address, from where the provider or the recipient's phone fetches something.
pub(super) fn link(read: &mut Reader, object: &Object<'_>, name: &str) -> Option<String> {
    let link = read.needed_text(object, name, &limits::LINK)?;
    match check_link(&link) {
        Ok(()) => Some(link),
        Err(detail) => {
            read.error(&object.pointer(name), "invalid", detail);
            None
        }
    }
}

fn check_link(link: &str) -> Result<(), &'static str> {
    let scheme = link.get(..8).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("https://") {
        return Err("a link begins with https://, since others fetch it over the internet");
    }
    if link.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("a link has no spaces and no control characters; percent-encode them");
    }
    let authority = link[8..].split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("a link names no user: who receives it would read the password");
    }
    let host = authority.split(':').next().unwrap_or_default();
    if host.is_empty() || (!host.contains('.') && !authority.starts_with('[')) {
        return Err("a link names a public host, as https://www.example.com/a.jpg");
    }
    Ok(())
}

impl Reader {
    /// Notes that a stored object is used here. What is known of it is filled in when it was looked up.
    fn stored(&mut self, pointer: String, media: MediaId, role: MediaRole) -> MediaSource {
        self.stored.push(StoredUse {
            pointer,
            media,
            role,
        });
        MediaSource::Stored(MediaRef {
            handle: media.to_string(),
            content_type: String::new(),
            size: 0,
            sha256: Vec::new(),
            filename: None,
        })
    }
}

/// A source as the Cloud API writes it; of a stored object its id.
pub(super) fn show(source: &MediaSource) -> Value {
    let (name, value) = match source {
        MediaSource::Id(id) => ("id", id),
        MediaSource::Link(link) => ("link", link),
        MediaSource::Stored(media) => ("id", &media.handle),
    };
    Value::Object(
        [(name.to_owned(), value.as_str().into())]
            .into_iter()
            .collect(),
    )
}

/// As [`show`], with what else a kind's own object says.
pub(super) fn show_media(media: &Media) -> Value {
    let mut shown = show(&media.source);
    for (name, text) in [("caption", &media.caption), ("filename", &media.filename)] {
        if let Some(text) = text {
            shown[name] = text.as_str().into();
        }
    }
    if media.voice {
        shown["voice"] = true.into();
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_public_and_https() {
        for good in [
            "https://example.com/a.jpg",
            "HTTPS://example.com",
            "https://example.com:8443/ä?x=1#y",
            "https://[2001:db8::1]/a",
        ] {
            assert_eq!(check_link(good), Ok(()), "{good}");
        }
        for bad in [
            "http://example.com/a.jpg",
            "ftp://example.com",
            "example.com/a.jpg",
            "https://",
            "https:///a",
            "https://localhost/a",
            "https://user:secret@example.com/a",
            "https://example.com/a b",
            "https://example.com/\u{7}",
            "httpß://example.com",
        ] {
            assert!(check_link(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn stored_objects_fit_their_role() {
        let fits =
            |role: MediaRole, kind: &str, size| role.check("/p", kind, size).map_err(|e| e.code);
        assert_eq!(fits(MediaRole::Image, "image/png", 5 << 20), Ok(()));
        assert_eq!(
            fits(MediaRole::Image, "image/png", (5 << 20) + 1),
            Err("too-long")
        );
        assert_eq!(fits(MediaRole::Image, "image/gif", 1), Err("invalid"));
        assert_eq!(fits(MediaRole::Audio, "Audio/Ogg; codecs=opus", 1), Ok(()));
        assert_eq!(fits(MediaRole::Voice, "audio/mpeg", 1), Err("invalid"));
        assert_eq!(fits(MediaRole::Sticker, "image/webp", 500 * 1024), Ok(()));
        assert_eq!(
            fits(MediaRole::Sticker, "image/webp", 500 * 1024 + 1),
            Err("too-long")
        );
        assert_eq!(fits(MediaRole::Document, "text/vcard", 100 << 20), Ok(()));
        assert_eq!(
            fits(MediaRole::Document, "text/vcard", (100 << 20) + 1),
            Err("too-long")
        );
        let refusal = MediaRole::Video.check("/p", "video/webm", 1).unwrap_err();
        assert_eq!(
            refusal.detail,
            "a video is of type video/mp4, video/3gpp, the stored object is video/webm"
        );
    }
}
