//! A JSON document whose shape belongs to somebody else, kept as the text it came as.
//!
//! A webhook may bring thousands of them, so none is turned into a tree before somebody looks inside.
//! What is let in can always become a tree later: [`Json::parse`] refuses all that would not.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use thiserror::Error;

/// Arrays and objects inside each other. serde_json reads 128; the rest is for the documents of ours
/// that this one becomes a part of.
pub const JSON_DEPTH_MAX: usize = 64;
/// Where `serde_json` hides raw values. It treats an object with this key as something else.
const RESERVED_KEY: &str = "$serde_json::private::RawValue";

/// Why a text is no document that may come in.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct JsonError(serde_json::Error);

/// A valid JSON document, as its text.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Takes the text as it is, when it is one JSON document that is not nested too deeply and whose
    /// numbers a double can hold. Builds no tree.
    ///
    /// # Errors
    /// Says what is wrong with the text and where.
    pub fn parse(text: String) -> Result<Self, JsonError> {
        let mut reader = serde_json::Deserializer::from_str(&text);
        Checked { depth: 0 }
            .deserialize(&mut reader)
            .and_then(|()| reader.end())
            .map_err(JsonError)?;
        RawValue::from_string(text).map(Self).map_err(JsonError)
    }

    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The document as a tree, for those who look inside.
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::from_str(self.as_str()).expect("it was read when it came in")
    }
}

impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        Self(serde_json::value::to_raw_value(&value).expect("a tree of values has a text"))
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for Json {
    /// The same text: `1.0` and `1` are different documents.
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Json {}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Json {
    /// By way of a tree: inside a tagged enum nothing else can be had. Only what we stored is read so.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        serde_json::Value::deserialize(from).map(Self::from)
    }
}

/// Reads a document like a tree would be read, and keeps nothing.
#[derive(Clone, Copy)]
struct Checked {
    depth: usize,
}

impl Checked {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == JSON_DEPTH_MAX {
            return Err(E::custom(format_args!(
                "nested more than {JSON_DEPTH_MAX} levels deep"
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Checked {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while let Some(reserved) = members.next_key_seed(IsReserved)? {
            if reserved {
                return Err(A::Error::custom(format_args!(
                    "the key `{RESERVED_KEY}` is reserved"
                )));
            }
            members.next_value_seed(inner)?;
        }
        Ok(())
    }
}

struct IsReserved;

impl<'de> DeserializeSeed<'de> for IsReserved {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for IsReserved {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == RESERVED_KEY)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Json, String> {
        Json::parse(text.to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_document_keeps_its_text() {
        for text in [
            "null",
            " [1, 2.50, -3e2] ",
            r#"{"a":{"b":[true,"\u0000\ud83d\ude00"]},"a":12345678901234567890123}"#,
        ] {
            let document = parse(text).unwrap();
            assert_eq!(document.as_str(), text.trim());
            assert_eq!(serde_json::to_string(&document).unwrap(), text.trim());
            // Inside a document of ours it must never fail to become a tree.
            assert_eq!(json!({ "raw": document })["raw"], document.to_value());
        }
    }

    #[test]
    fn what_could_not_become_a_tree_later_is_refused() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(parse(&deep(JSON_DEPTH_MAX)).is_ok());
        let refused = [
            (deep(JSON_DEPTH_MAX + 1), "nested more than 64"),
            ("[".repeat(100_000), "nested more than 64"),
            (String::new(), "EOF"),
            ("{} {}".to_owned(), "trailing"),
            ("{'a':1}".to_owned(), "key must be a string"),
            ("1e999".to_owned(), "number out of range"),
            (r#""\ud800""#.to_owned(), "surrogate"),
            (format!(r#"[{{"{RESERVED_KEY}":1,"b":2}}]"#), "reserved"),
        ];
        for (text, reason) in refused {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn it_comes_back_out_of_a_tagged_enum() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type")]
        enum Tagged {
            Raw { document: Json },
        }
        let stored = Tagged::Raw {
            document: parse(r#"{"a":[1,null]}"#).unwrap(),
        };
        let text = serde_json::to_string(&stored).unwrap();
        assert_eq!(text, r#"{"type":"Raw","document":{"a":[1,null]}}"#);
        assert_eq!(serde_json::from_str::<Tagged>(&text).unwrap(), stored);
    }
}
