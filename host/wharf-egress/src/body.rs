//! Request bodies: JSON with inserted values, forms, multipart, bytes.
//!
//! Turns a body into bytes, once for the wire and once for people. Sizes are checked by the caller.

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};
use wharf_core::provider::{Body, Field, JsonBody, JsonInsert, Part, PartData};

use crate::Denied;
use crate::value::{Assembly, Rendered, form_encode};

pub(crate) struct RenderedBody {
    pub(crate) wire: Bytes,
    /// None when it is the same.
    pub(crate) shown: Option<Bytes>,
    pub(crate) content_type: Option<String>,
}

impl RenderedBody {
    fn plain(wire: impl Into<Bytes>, content_type: impl Into<Option<String>>) -> Self {
        Self {
            wire: wire.into(),
            shown: None,
            content_type: content_type.into(),
        }
    }

    fn rendered(text: Rendered, content_type: String) -> Self {
        Self {
            shown: text
                .has_secret()
                .then(|| Bytes::from(text.shown().to_owned())),
            wire: text.wire.into(),
            content_type: Some(content_type),
        }
    }

    pub(crate) fn shown(&self) -> &Bytes {
        self.shown.as_ref().unwrap_or(&self.wire)
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
        Body::Media(_) => Err(Denied::NotYet {
            piece: "media bodies",
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
        let value = assembly.render(value, None)?;
        insert(&mut shown, pointer, value.shown())?;
        insert(&mut wire, pointer, &value.wire)?;
    }
    Ok(RenderedBody {
        wire: wire.to_string().into(),
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
        out.encoded(&assembly.render(&field.value, None)?, form_encode);
    }
    let content_type = "application/x-www-form-urlencoded".to_owned();
    Ok(RenderedBody::rendered(out, content_type))
}

fn render_multipart(assembly: &mut Assembly<'_>, parts: &[Part]) -> Result<RenderedBody, Denied> {
    if parts.is_empty() {
        return Err(Denied::Body {
            reason: "a multipart body needs at least one part",
        });
    }
    let mut values = Vec::with_capacity(parts.len());
    // No part can hold a digest over all of them. It is taken over what is shown, because the
    // journal keeps the boundary and a short secret could be guessed from a digest.
    let mut hash = Sha256::new();
    for part in parts {
        let PartData::Value(value) = &part.data else {
            return Err(Denied::NotYet {
                piece: "media parts",
            });
        };
        let value = assembly.render(value, None)?;
        hash.update(value.shown());
        hash.update([0]);
        values.push(value);
    }
    let boundary = format!("wharf-{}", hex::encode(&hash.finalize()[..16]));
    let mut out = Rendered::default();
    for (part, value) in parts.iter().zip(&values) {
        out.text(&part_head(part, &boundary)?);
        out.encoded(value, str::to_owned);
        out.text("\r\n");
    }
    out.text(&format!("--{boundary}--\r\n"));
    let content_type = format!("multipart/form-data; boundary={boundary}");
    Ok(RenderedBody::rendered(out, content_type))
}

fn part_head(part: &Part, boundary: &str) -> Result<String, Denied> {
    let mut head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"",
        quoted(&part.name)?
    );
    if let Some(filename) = &part.filename {
        head.push_str(&format!("; filename=\"{}\"", quoted(filename)?));
    }
    if let Some(content_type) = &part.content_type {
        if !content_type.bytes().all(|b| (b' '..0x7f).contains(&b)) {
            return Err(Denied::Body {
                reason: "a part's content type must be visible ASCII",
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
