//! What a golden case is: one call of a provider as JSON, and what must come of it.
//!
//! The same files are run natively by the SDK's test kit and inside the sandbox by `wharf plugin test`;
//! this crate owns what both must agree on: how a file is read, which values it may leave out, which
//! functions are called in which order, and how two results are compared. It must not know how a
//! function is called: that is the [`Subject`]'s.
//!
//! Values have the names of `provider.wit`: a record is an object with its fields in kebab-case, a variant
//! is `{"case": payload}` or `"case"` alone, a tuple is an array, and `list<u8>` is a text, or
//! `{"base64": "..."}` where it is none. What is empty or false is left out of a
//! result.

mod call;
mod case;
mod diff;
mod run;

pub use call::{Call, Function};
pub use case::{Case, CaseError, Defaults, Step, StepInput, files};
pub use diff::{DIFFERENCES_MAX, differences};
pub use run::{Ran, Subject, run};

/// Members whose WIT type is `json`: a document in a string, shown and written as the document itself.
/// Both sides convert by this list, so that a case reads the same everywhere.
pub const JSON_MEMBERS: [&str; 17] = [
    "account",
    "action",
    "claims",
    "components",
    "contacts",
    "definition",
    "done",
    "document",
    "flow",
    "flow-response",
    "header",
    "options",
    "order",
    "other",
    "referral",
    "system",
    "unsupported",
];

/// Numbers that a case may leave out where they are zero. Any other is written, for its absence would be
/// a mistake.
pub const ZERO_MEMBERS: [&str; 1] = ["delay-ms"];

/// Whether a record leaves this member out: what is empty or false says nothing.
#[must_use]
pub fn is_left_out(member: &str, value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => ZERO_MEMBERS.contains(&member) && number.as_u64() == Some(0),
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    }
}

/// A string that stands under `member`, as it is shown: as the document it holds, if it is meant to hold
/// one and does.
#[must_use]
pub fn show_text(member: &str, text: String) -> serde_json::Value {
    if JSON_MEMBERS.contains(&member)
        && text.starts_with(['{', '['])
        && let Ok(document) = serde_json::from_str(&text)
    {
        return document;
    }
    serde_json::Value::String(text)
}

/// Bytes as they are shown: text where they are text.
#[must_use]
pub fn show_bytes(bytes: Vec<u8>) -> serde_json::Value {
    match String::from_utf8(bytes) {
        Ok(text) => serde_json::Value::String(text),
        Err(error) => serde_json::json!({ "base64": base64_encode(error.as_bytes()) }),
    }
}

/// The bytes that a case means: a text, `{"base64": "..."}`, or any other document, written compactly.
///
/// # Errors
/// When the base64 is none.
pub fn read_bytes(value: &serde_json::Value) -> Result<Vec<u8>, String> {
    use serde_json::Value;
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(text.clone().into_bytes()),
        Value::Object(members) if members.len() == 1 && members.contains_key("base64") => {
            members["base64"]
                .as_str()
                .and_then(base64_decode)
                .ok_or_else(|| "`base64` holds no base64 (standard alphabet, padded)".to_owned())
        }
        document => Ok(document.to_string().into_bytes()),
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64_encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place > chunk.len() {
                text.push('=');
            } else {
                let index = (word >> (18 - 6 * place)) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            }
        }
    }
    text
}

fn base64_decode(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let stripped = text
        .strip_suffix("==")
        .or_else(|| text.strip_suffix('='))
        .unwrap_or(text);
    let mut bytes = Vec::with_capacity(stripped.len() / 4 * 3);
    for chunk in stripped.as_bytes().chunks(4) {
        let mut word = 0_u32;
        for symbol in chunk {
            let value = ALPHABET.iter().position(|known| known == symbol)?;
            word = word << 6 | u32::try_from(value).ok()?;
        }
        word <<= 6 * (4 - chunk.len());
        let decoded = word.to_be_bytes();
        bytes.extend_from_slice(decoded.get(1..chunk.len())?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bytes_that_are_no_text_survive_as_base64() {
        for bytes in [vec![0xff], vec![0xff, 0], vec![0xff, 0, 1], vec![0xfe; 64]] {
            let shown = show_bytes(bytes.clone());
            assert!(shown.get("base64").is_some(), "{shown}");
            assert_eq!(read_bytes(&shown), Ok(bytes));
        }
        assert_eq!(show_bytes(b"abc".to_vec()), json!("abc"));
        // Known answer, RFC 4648 section 10.
        assert_eq!(base64_encode(b"fooba"), "Zm9vYmE=");
        for wrong in ["Zm9", "Zm9v!mE=", "===="] {
            assert!(read_bytes(&json!({ "base64": wrong })).is_err(), "{wrong}");
        }
    }

    #[test]
    fn documents_are_bytes_too() {
        assert_eq!(read_bytes(&json!({"a": [1]})), Ok(br#"{"a":[1]}"#.to_vec()));
        assert_eq!(read_bytes(&serde_json::Value::Null), Ok(Vec::new()));
    }

    #[test]
    fn only_what_is_meant_as_a_document_is_shown_as_one() {
        assert_eq!(
            show_text("document", "{\"a\":1}".to_owned()),
            json!({"a": 1})
        );
        assert_eq!(
            show_text("text", "{\"a\":1}".to_owned()),
            json!("{\"a\":1}")
        );
        assert_eq!(
            show_text("document", "{broken".to_owned()),
            json!("{broken")
        );
    }
}
