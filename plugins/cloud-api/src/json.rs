//! Reading JSON one level at a time. A webhook is up to 4 MiB of other people's shapes: each member stays
//! raw text until it is wanted, so one strange atom spoils nothing beside it, and what is not
//! understood can be handed on exactly as it came.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The last moment of the year 9999.
const AT_MS_MAX: u64 = 253_402_300_799_999;

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
        match serde_json::from_str(self.raw(name)?).ok()? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
        .filter(|text| !text.is_empty())
    }

    pub fn object(&self, name: &str) -> Option<Object<'a>> {
        Object::read(self.raw(name)?)
    }

    pub fn list(&self, name: &str) -> Option<Vec<&'a str>> {
        list(self.raw(name)?)
    }

    /// A number, or a string that is one.
    pub fn number(&self, name: &str) -> Option<f64> {
        match serde_json::from_str(self.raw(name)?).ok()? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text
                .trim()
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite()),
            _ => None,
        }
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
