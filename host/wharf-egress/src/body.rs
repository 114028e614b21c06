//! Request bodies: JSON with inserted values, forms, multipart, bytes.
//!
//! Turns a body into bytes, once for the wire and once for people; stored media stay where they are
//! until the request is sent. Sizes are checked by the caller.

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};
use wharf_core::provider::{Body, Field, JsonBody, JsonInsert, MediaRef, Part, PartData};

use crate::Denied;
use crate::payload::{Segment, Wire};
use crate::value::{Assembly, Rendered, Signable, form_encode};

const PARTS_MAX: usize = 64;
const PART_TYPE_BYTES_MAX: usize = 255;

/// Servers take a part without a file name for a field of a form.
const FILENAME_DEFAULT: &str = "file";

pub(crate) struct RenderedBody {
    pub(crate) wire: Wire,
    /// None when it is the same.
    shown: Option<Bytes>,
    pub(crate) content_type: Option<String>,
}

impl RenderedBody {
    fn plain(wire: impl Into<Bytes>, content_type: impl Into<Option<String>>) -> Self {
        Self {
            wire: Wire::Whole(wire.into()),
            shown: None,
            content_type: content_type.into(),
        }
    }

    fn rendered(text: Rendered, content_type: String) -> Self {
        Self {
            shown: text
                .has_secret()
                .then(|| Bytes::from(text.shown().to_owned())),
            wire: Wire::Whole(text.wire.into()),
            content_type: Some(content_type),
        }
    }

    pub(crate) fn shown(&self) -> Bytes {
        let shown = self.shown.as_ref().or_else(|| self.wire.whole());
        shown.cloned().unwrap_or_default()
    }

    pub(crate) fn signable(&self) -> Signable<'_> {
        match self.wire.whole() {
            Some(bytes) => Signable::Finished(bytes),
            None => Signable::Streamed,
        }
    }
}

pub(crate) fn render(assembly: &mut Assembly<'_>, body: &Body) -> Result<RenderedBody, Denied> {
    match body {
        Body::Empty => Ok(RenderedBody::plain(Bytes::new(), None)),
        Body::Json(json) => render_json(assembly, json),
        Body::Form(fields) => render_form(assembly, fields),
        Body::Multipart(parts) => render_multipart(assembly, parts),
        Body::Bytes(content_type, bytes) => {
            Ok(RenderedBody::plain(bytes.clone(), content_type.clone()))
        }
        Body::Media(media) => Ok(RenderedBody {
            wire: Wire::Streamed(vec![Segment::Media(media.clone())]),
            shown: Some(shown_media(media).into()),
            content_type: Some(media.content_type.clone()),
        }),
    }
}

fn render_json(assembly: &mut Assembly<'_>, body: &JsonBody) -> Result<RenderedBody, Denied> {
    let content_type = "application/json".to_owned();
    let not_json = |_| Denied::Body {
        reason: "its document is not JSON",
    };
    if body.insert.is_empty() {
        serde_json::from_str::<serde::de::IgnoredAny>(&body.document).map_err(not_json)?;
        return Ok(RenderedBody::plain(body.document.clone(), content_type));
    }
    let mut wire: Value = serde_json::from_str(&body.document).map_err(not_json)?;
    let mut shown = wire.clone();
    for JsonInsert { pointer, value } in &body.insert {
        let value = assembly.render(value, Signable::Unfinished)?;
        insert(&mut shown, pointer, value.shown())?;
        insert(&mut wire, pointer, &value.wire)?;
    }
    Ok(RenderedBody {
        wire: Wire::Whole(wire.to_string().into()),
        shown: Some(shown.to_string().into()),
        content_type: Some(content_type),
    })
}

/// RFC 6901, with the last token naming what does not exist yet.
fn insert(document: &mut Value, pointer: &str, text: &str) -> Result<(), Denied> {
    let refuse = |reason| Denied::Insert {
        pointer: pointer.to_owned(),
        reason,
    };
    let (parent, last) = pointer
        .rsplit_once('/')
        .filter(|_| pointer.starts_with('/'))
        .ok_or_else(|| refuse("the pointer must begin with a slash"))?;
    let mut escapes = pointer.split('~').skip(1);
    if !escapes.all(|rest| rest.starts_with(['0', '1'])) {
        return Err(refuse("after ~ only 0 or 1 may stand"));
    }
    match document.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            let name = last.replace("~1", "/").replace("~0", "~");
            if members.contains_key(&name) {
                return Err(refuse("the member exists already"));
            }
            members.insert(name, text.into());
            Ok(())
        }
        Some(Value::Array(items)) if last == "-" => {
            items.push(text.into());
            Ok(())
        }
        Some(Value::Array(_)) => Err(refuse("into an array only `-`, its end, is allowed")),
        Some(_) => Err(refuse("the parent is neither an object nor an array")),
        None => Err(refuse("the parent does not exist")),
    }
}

fn render_form(assembly: &mut Assembly<'_>, fields: &[Field]) -> Result<RenderedBody, Denied> {
    let mut out = Rendered::default();
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.text("&");
        }
        out.text(&form_encode(&field.name));
        out.text("=");
        out.encoded(
            &assembly.render(&field.value, Signable::Unfinished)?,
            form_encode,
        );
    }
    let content_type = "application/x-www-form-urlencoded".to_owned();
    Ok(RenderedBody::rendered(out, content_type))
}

fn render_multipart(assembly: &mut Assembly<'_>, parts: &[Part]) -> Result<RenderedBody, Denied> {
    if parts.is_empty() || parts.len() > PARTS_MAX {
        return Err(Denied::Body {
            reason: "a multipart body needs 1 to 64 parts",
        });
    }
    let mut contents = Vec::with_capacity(parts.len());
    // No part can hold a digest over all of them; of an object, the store's own handle stands for
    // the bytes. It is taken over what is shown, because the journal keeps the boundary and a short
    // secret could be guessed from a digest.
    let mut hash = Sha256::new();
    for part in parts {
        let content = match &part.data {
            PartData::Value(value) => Content::Value(assembly.render(value, Signable::Unfinished)?),
            PartData::Media(media) => Content::Media(media),
        };
        hash.update(content.shown().as_bytes());
        hash.update([0]);
        contents.push(content);
    }
    let boundary = format!("wharf-{}", hex::encode(&hash.finalize()[..16]));
    let mut out = Multipart::default();
    for (part, content) in parts.iter().zip(contents) {
        out.text(&part_head(part, &boundary)?);
        out.content(content);
        out.text("\r\n");
    }
    out.text(&format!("--{boundary}--\r\n"));
    Ok(out.finish(format!("multipart/form-data; boundary={boundary}")))
}

enum Content<'a> {
    Value(Rendered),
    Media(&'a MediaRef),
}

impl Content<'_> {
    fn shown(&self) -> String {
        match self {
            Self::Value(value) => value.shown().to_owned(),
            Self::Media(media) => shown_media(media),
        }
    }
}

fn shown_media(media: &MediaRef) -> String {
    format!("[media {}]", media.handle)
}

/// A body whose parts are text or stored objects, for the wire and for people.
#[derive(Default)]
struct Multipart {
    segments: Vec<Segment>,
    /// What comes after the last segment.
    text: String,
    shown: String,
}

impl Multipart {
    fn text(&mut self, text: &str) {
        self.text.push_str(text);
        self.shown.push_str(text);
    }

    fn content(&mut self, content: Content<'_>) {
        self.shown.push_str(&content.shown());
        match content {
            Content::Value(value) => self.text.push_str(&value.wire),
            Content::Media(media) => {
                let before = std::mem::take(&mut self.text);
                self.segments.push(Segment::Bytes(before.into()));
                self.segments.push(Segment::Media(media.clone()));
            }
        }
    }

    fn finish(mut self, content_type: String) -> RenderedBody {
        let text = Bytes::from(self.text);
        RenderedBody {
            wire: match self.segments.is_empty() {
                true => Wire::Whole(text),
                false => {
                    self.segments.push(Segment::Bytes(text));
                    Wire::Streamed(self.segments)
                }
            },
            shown: Some(self.shown.into()),
            content_type: Some(content_type),
        }
    }
}

fn part_head(part: &Part, boundary: &str) -> Result<String, Denied> {
    let (filename, content_type) = match &part.data {
        PartData::Value(_) => (part.filename.as_deref(), part.content_type.as_deref()),
        PartData::Media(media) => {
            let own = part.filename.as_deref().or(media.filename.as_deref());
            let content_type = part.content_type.as_deref().unwrap_or(&media.content_type);
            (own.or(Some(FILENAME_DEFAULT)), Some(content_type))
        }
    };
    let mut head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"",
        quoted(&part.name)?
    );
    if let Some(filename) = filename {
        head.push_str(&format!("; filename=\"{}\"", quoted(filename)?));
    }
    if let Some(content_type) = content_type {
        let visible = content_type.bytes().all(|b| (b' '..0x7f).contains(&b));
        if !visible || content_type.len() > PART_TYPE_BYTES_MAX {
            return Err(Denied::Body {
                reason: "a part's content type must be visible ASCII of at most 255 bytes",
            });
        }
        head.push_str("\r\nContent-Type: ");
        head.push_str(content_type);
    }
    head.push_str("\r\n\r\n");
    Ok(head)
}

/// Names in a part's head as browsers write them.
fn quoted(name: &str) -> Result<String, Denied> {
    if name.contains('\0') {
        return Err(Denied::Body {
            reason: "a part's name must not contain NUL",
        });
    }
    Ok(name
        .replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A"))
}
