//! Reading JSON one level at a time. A webhook is up to 4 MiB of other people's shapes: each member stays
//! raw text until it is wanted, so one strange atom spoils nothing beside it, and what is not
//! understood can be handed on as it came. Nothing here recurses, however deep the document is.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use wharf_plugin::{document, with_whole_characters};

/// The last moment of the year 9999.
const AT_MS_MAX: u64 = 253_402_300_799_999;
/// What the host takes as an id, as a word on one line, and as a phone number or a user id. With one
/// that is longer it would refuse the whole page.
const ID_BYTES_MAX: usize = 512;
const LINE_BYTES_MAX: usize = 255;
const PERSON_BYTES_MAX: usize = 200;

/// A JSON object's members, in their order, unread.
#[derive(Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    pub fn read(raw: &'a str) -> Option<Self> {
        serde_json::from_str(raw).ok()
    }

    /// A member's own text; `null` counts as absent.
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.get())
            .filter(|text| *text != "null")
    }

    /// A string member, or a number's digits: ids come as either. Empty counts as absent.
    pub fn text(&self, name: &str) -> Option<String> {
        text(self.raw(name)?)
    }

    /// A text that the host takes as an id.
    pub fn id(&self, name: &str) -> Option<String> {
        self.line_within(name, ID_BYTES_MAX)
    }

    /// A text that the host takes as a phone number or a user id.
    pub fn person(&self, name: &str) -> Option<String> {
        self.line_within(name, PERSON_BYTES_MAX)
    }

    /// A text that the host takes where it wants a word or a few on one line.
    pub fn line(&self, name: &str) -> Option<String> {
        self.line_within(name, LINE_BYTES_MAX)
    }

    fn line_within(&self, name: &str, bytes_max: usize) -> Option<String> {
        self.text(name)
            .filter(|text| text.len() <= bytes_max && !text.chars().any(char::is_control))
    }

    /// A member as a document that the host takes.
    pub fn document(&self, name: &str) -> Option<String> {
        self.raw(name).map(document)
    }

    /// An error's number; a string of digits is understood too.
    pub fn code(&self, name: &str) -> Option<u32> {
        self.text(name)?.parse().ok()
    }

    pub fn object(&self, name: &str) -> Option<Object<'a>> {
        Object::read(self.raw(name)?)
    }

    pub fn list(&self, name: &str) -> Option<Vec<&'a str>> {
        list(self.raw(name)?)
    }

    /// A number, or a string that is one.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.text(name)?
            .trim()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        serde_json::from_str(self.raw(name)?).ok()
    }

    /// Seconds since the epoch, as a string or a number, in milliseconds. Beyond the year 9999 it is no time,
    /// and the host would refuse all items beside it.
    pub fn time_ms(&self, name: &str) -> Option<u64> {
        let seconds: u64 = self.text(name)?.parse().ok()?;
        seconds.checked_mul(1_000).filter(|at| *at <= AT_MS_MAX)
    }

    pub fn members(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_ref(), value.get()))
    }
}

/// A JSON array's elements, unread.
pub fn list(raw: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// A JSON string's text, or a number's digits. Empty counts as neither.
fn text(raw: &str) -> Option<String> {
    let text = match raw.as_bytes().first()? {
        b'"' => serde_json::from_str(raw)
            .or_else(|_| serde_json::from_str(&with_whole_characters(raw)))
            .ok()?,
        b'-' | b'0'..=b'9' => raw.to_owned(),
        _ => return None,
    };
    Some(text).filter(|text: &String| !text.is_empty())
}

/// An object key, borrowed unless it holds escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    members.push((key.0, value));
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}
