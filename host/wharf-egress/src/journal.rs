//! What is kept of an exchange for people: the request with secrets named, the answer as the guest saw it.
//!
//! It is given redacted material only.

use serde_json::{Map, Value, json};
use wharf_core::provider::{MediaRef, TransportFailure};

use crate::capture::Withheld;
use crate::policy::failure_reason;

/// `{method, url, headers: [[name, value]], body, body_bytes, body_cut?}`
pub(crate) fn request(
    method: &str,
    url: &str,
    headers: &[(String, String)],
    body: &[u8],
    body_bytes_max: usize,
) -> Value {
    let mut entry = Map::new();
    entry.insert("method".to_owned(), method.into());
    entry.insert("url".to_owned(), url.into());
    entry.insert("headers".to_owned(), json!(headers));
    add_body(&mut entry, body, body_bytes_max);
    Value::Object(entry)
}

/// `{status, headers, body, body_bytes, body_cut?, note?, duration_ms}`
pub(crate) fn response(
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
    body_bytes_max: usize,
    withheld: Option<&Withheld>,
    duration_ms: u64,
) -> Value {
    let mut entry = Map::new();
    entry.insert("status".to_owned(), status.into());
    entry.insert("headers".to_owned(), json!(headers));
    match withheld {
        Some(reason) => {
            entry.insert("note".to_owned(), reason.to_string().into());
        }
        None => add_body(&mut entry, body, body_bytes_max),
    }
    entry.insert("duration_ms".to_owned(), duration_ms.into());
    Value::Object(entry)
}

/// `{status, headers, stored: {handle, content_type, size, sha256}, duration_ms}`
pub(crate) fn stored(
    status: u16,
    headers: &[(String, String)],
    media: &MediaRef,
    duration_ms: u64,
) -> Value {
    json!({
        "status": status,
        "headers": headers,
        "stored": {
            "handle": media.handle,
            "content_type": media.content_type,
            "size": media.size,
            "sha256": hex::encode(&media.sha256),
        },
        "duration_ms": duration_ms,
    })
}

/// `{failure, note, duration_ms}`
pub(crate) fn failure(failure: TransportFailure, note: &str, duration_ms: u64) -> Value {
    json!({ "failure": failure_reason(failure).as_str(), "note": note, "duration_ms": duration_ms })
}

fn add_body(entry: &mut Map<String, Value>, body: &[u8], body_bytes_max: usize) {
    let cut = body.len() > body_bytes_max;
    let kept = &body[..body.len().min(body_bytes_max)];
    let text = match std::str::from_utf8(kept) {
        Ok(text) => Some(text),
        // The cut may have gone through a character; anything else is not text.
        Err(error) if cut && error.error_len().is_none() => {
            std::str::from_utf8(&kept[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    let shown = match text {
        Some(text) if cut => format!("{text}… [cut]"),
        Some(text) => text.to_owned(),
        None => "[not text]".to_owned(),
    };
    entry.insert("body".to_owned(), shown.into());
    entry.insert("body_bytes".to_owned(), body.len().into());
    if cut {
        entry.insert("body_cut".to_owned(), true.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: &[u8], max: usize) -> Value {
        request("POST", "https://h/", &[], bytes, max)
    }

    #[test]
    fn bodies_are_cut_with_a_mark_between_characters() {
        let whole = body(b"hello", 5);
        assert_eq!(whole["body"], "hello");
        assert_eq!(whole["body_bytes"], 5);
        assert!(whole.get("body_cut").is_none());
        let cut = body("hell\u{f6}".as_bytes(), 5);
        assert_eq!(cut["body"], "hell… [cut]");
        assert_eq!(cut["body_bytes"], 6);
        assert_eq!(cut["body_cut"], true);
        assert_eq!(body(b"\xff\xfe", 5)["body"], "[not text]");
    }

    #[test]
    fn a_withheld_body_is_not_kept() {
        let entry = response(200, &[], b"token", 100, Some(&Withheld::Encoded), 3);
        assert!(entry.get("body").is_none());
        assert!(entry["note"].as_str().is_some_and(|note| !note.is_empty()));
    }
}
