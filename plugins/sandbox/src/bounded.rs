//! What the host takes of a plugin: ids, words, documents. With one that is more, it would refuse everything
//! beside it.

use serde::Deserialize;
use serde_json::Value;

const ID_BYTES_MAX: usize = 512;
const LINE_BYTES_MAX: usize = 255;
const PERSON_BYTES_MAX: usize = 200;
/// Room in a dedupe key for what stands before and behind an id.
const KEYED_BYTES_MAX: usize = ID_BYTES_MAX - 32;
/// The host takes 64 levels; the rest is for the document that this one becomes a part of.
const DEPTH_MAX: usize = 60;
/// Where `serde_json` hides raw values; the host refuses an object with this key.
const RESERVED_KEY: &str = "$serde_json::private::RawValue";

/// An id in an answer; one that is none makes the answer malformed.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Id(pub(crate) String);

impl TryFrom<String> for Id {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match is_line(&text, ID_BYTES_MAX) {
            true => Ok(Self(text)),
            false => Err("no id"),
        }
    }
}

/// A word or a few in an answer.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Line(pub(crate) String);

impl TryFrom<String> for Line {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match is_line(&text, LINE_BYTES_MAX) {
            true => Ok(Self(text)),
            false => Err("no line"),
        }
    }
}

/// An id that a dedupe key is made of.
pub(crate) fn keyed(value: &Value) -> Option<&str> {
    value.as_str().filter(|id| is_line(id, KEYED_BYTES_MAX))
}

pub(crate) fn id(value: &Value) -> Option<&str> {
    value.as_str().filter(|id| is_line(id, ID_BYTES_MAX))
}

pub(crate) fn is_person(text: &str) -> bool {
    is_line(text, PERSON_BYTES_MAX)
}

fn is_line(text: &str, bytes_max: usize) -> bool {
    !text.is_empty() && text.len() <= bytes_max && !text.chars().any(char::is_control)
}

/// A document as it is, or as one string where the host would not take it.
pub(crate) fn document(value: &Value) -> String {
    let text = value.to_string();
    match is_plain(value, DEPTH_MAX) {
        true => text,
        false => Value::String(text).to_string(),
    }
}

pub(crate) fn is_document(value: &Value) -> bool {
    is_plain(value, DEPTH_MAX)
}

fn is_plain(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(elements) => {
            depth > 0 && elements.iter().all(|element| is_plain(element, depth - 1))
        }
        Value::Object(members) => {
            depth > 0
                && members
                    .iter()
                    .all(|(name, member)| name != RESERVED_KEY && is_plain(member, depth - 1))
        }
        _ => true,
    }
}
