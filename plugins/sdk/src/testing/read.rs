//! Any value of the interface from JSON, in the names of `provider.wit`.

use serde::de::value::{StrDeserializer, U8Deserializer};
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use serde_json::Value;

use super::show::kebab;

/// Reads a value as golden cases write it. Options, lists and flags may be left out.
///
/// # Errors
/// Where the value does not fit and what would.
pub fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Wrong> {
    T::deserialize(Read {
        value: Some(value),
        member: "",
    })
}

/// A value that does not fit its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    at: String,
    problem: String,
}

impl Wrong {
    fn new(problem: impl Into<String>) -> Self {
        Self {
            at: String::new(),
            problem: problem.into(),
        }
    }

    fn under(mut self, member: impl std::fmt::Display) -> Self {
        self.at = format!("/{member}{}", self.at);
        self
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = if self.at.is_empty() { "/" } else { &self.at };
        write!(f, "{at}: {}", self.problem)
    }
}
impl std::error::Error for Wrong {}
impl de::Error for Wrong {
    fn custom<T: std::fmt::Display>(problem: T) -> Self {
        Self::new(problem.to_string())
    }
}

/// One value of the document; `None` where a record leaves a member out.
#[derive(Clone, Copy)]
struct Read<'a> {
    value: Option<&'a Value>,
    member: &'a str,
}

impl<'a> Read<'a> {
    fn present(self, expected: &str) -> Result<&'a Value, Wrong> {
        self.value
            .ok_or_else(|| Wrong::new(format!("is missing: {expected}")))
    }

    fn mismatch(self, expected: &str) -> Wrong {
        match self.value {
            None => Wrong::new(format!("is missing: {expected}")),
            Some(value) => {
                let text: String = value.to_string().chars().take(80).collect();
                Wrong::new(format!("expected {expected}, got {text}"))
            }
        }
    }
}

macro_rules! numbers {
    ($($method:ident: $get:ident, $visit:ident, $name:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            match self.value.and_then(Value::$get) {
                Some(number) => visitor.$visit(number),
                None if self.value.is_none() && wharf_cases::ZERO_MEMBERS.contains(&self.member) => {
                    visitor.visit_u64(0)
                }
                None => Err(self.mismatch($name)),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Read<'_> {
    type Error = Wrong;

    numbers!(
        deserialize_u8: as_u64, visit_u64, "a number from 0 to 255";
        deserialize_u16: as_u64, visit_u64, "a whole number";
        deserialize_u32: as_u64, visit_u64, "a whole number";
        deserialize_u64: as_u64, visit_u64, "a whole number";
        deserialize_i8: as_i64, visit_i64, "a whole number";
        deserialize_i16: as_i64, visit_i64, "a whole number";
        deserialize_i32: as_i64, visit_i64, "a whole number";
        deserialize_i64: as_i64, visit_i64, "a whole number";
        deserialize_f32: as_f64, visit_f64, "a number";
        deserialize_f64: as_f64, visit_f64, "a number";
    );

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value {
            None | Some(Value::Null) => visitor.visit_bool(false),
            Some(Value::Bool(value)) => visitor.visit_bool(*value),
            Some(_) => Err(self.mismatch("true or false")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.present("a text")? {
            Value::String(text) => visitor.visit_string(text.clone()),
            // A document where the interface has one in a string.
            document @ (Value::Object(_) | Value::Array(_)) => {
                visitor.visit_string(document.to_string())
            }
            _ => Err(self.mismatch("a text")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value {
            None | Some(Value::Null) => visitor.visit_none(),
            Some(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value {
            None | Some(Value::Null) => visitor.visit_seq(Elements::none()),
            // The interface's bodies are bytes: text, base64 or a document.
            Some(value) if self.member == "body" && !value.is_array() || is_bytes(value) => {
                let bytes = wharf_cases::read_bytes(value).map_err(Wrong::new)?;
                visitor.visit_seq(Bytes(bytes.into_iter()))
            }
            Some(Value::Array(elements)) => visitor.visit_seq(Elements::of(elements)),
            // A list of pairs may be written as an object.
            Some(Value::Object(pairs)) => visitor.visit_seq(Pairs(pairs.iter())),
            Some(_) => Err(self.mismatch("a list")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Wrong> {
        match self.value {
            Some(Value::Array(elements)) if elements.len() == len => {
                visitor.visit_seq(Elements::of(elements))
            }
            _ => Err(self.mismatch(&format!("a list of {len}"))),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let Some(Value::Object(members)) = self.value else {
            return Err(self.mismatch("an object"));
        };
        let known: Vec<_> = fields.iter().map(|field| kebab(field)).collect();
        if let Some(unknown) = members.keys().find(|member| !known.contains(member)) {
            return Err(
                Wrong::new(format!("is unknown; there is {}", known.join(", "))).under(unknown),
            );
        }
        visitor.visit_map(Members {
            fields: fields.iter(),
            members,
            current: String::new(),
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        cases: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let (name, payload) = match self.present("a case")? {
            Value::String(name) => (name, None),
            Value::Object(members) if members.len() == 1 => match members.iter().next() {
                Some((name, payload)) => (name, Some(payload)),
                None => return Err(self.mismatch("a case")),
            },
            _ => return Err(self.mismatch("a case, or an object with one")),
        };
        let Some(case) = cases.iter().find(|case| kebab(case) == *name) else {
            let known: Vec<_> = cases.iter().map(|case| kebab(case)).collect();
            return Err(Wrong::new(format!(
                "`{name}` is unknown; there is {}",
                known.join(", ")
            )));
        };
        visitor.visit_enum(Case {
            case,
            name,
            payload,
        })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Wrong> {
        Err(Wrong::new("the interface has no such type"))
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit_struct tuple_struct map identifier ignored_any
    }
}

/// Whether a list can only be one of bytes.
fn is_bytes(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Object(members) => members.len() == 1 && members.contains_key("base64"),
        _ => false,
    }
}

struct Elements<'a> {
    rest: std::slice::Iter<'a, Value>,
    index: usize,
}

impl<'a> Elements<'a> {
    fn of(elements: &'a [Value]) -> Self {
        Self {
            rest: elements.iter(),
            index: 0,
        }
    }

    fn none() -> Self {
        Self::of(&[])
    }
}

impl<'de> de::SeqAccess<'de> for Elements<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        let Some(value) = self.rest.next() else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Read {
            value: Some(value),
            member: "",
        })
        .map(Some)
        .map_err(|wrong| wrong.under(index))
    }
}

struct Bytes(std::vec::IntoIter<u8>);

impl<'de> de::SeqAccess<'de> for Bytes {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        let Some(byte) = self.0.next() else {
            return Ok(None);
        };
        let byte: U8Deserializer<Wrong> = byte.into_deserializer();
        seed.deserialize(byte).map(Some)
    }
}

struct Pairs<'a>(serde_json::map::Iter<'a>);

impl<'de> de::SeqAccess<'de> for Pairs<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        let Some((name, value)) = self.0.next() else {
            return Ok(None);
        };
        let pair = Value::Array(vec![Value::String(name.clone()), value.clone()]);
        seed.deserialize(Read {
            value: Some(&pair),
            member: "",
        })
        .map(Some)
        .map_err(|wrong| wrong.under(name))
    }
}

struct Members<'a> {
    fields: std::slice::Iter<'static, &'static str>,
    members: &'a serde_json::Map<String, Value>,
    current: String,
}

impl<'de> de::MapAccess<'de> for Members<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        let Some(field) = self.fields.next() else {
            return Ok(None);
        };
        self.current = kebab(field);
        let field: StrDeserializer<'_, Wrong> = field.into_deserializer();
        seed.deserialize(field).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Wrong> {
        seed.deserialize(Read {
            value: self.members.get(&self.current),
            member: &self.current,
        })
        .map_err(|wrong| wrong.under(&self.current))
    }
}

struct Case<'a> {
    case: &'static str,
    name: &'a str,
    payload: Option<&'a Value>,
}

impl<'de> de::EnumAccess<'de> for Case<'_> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Wrong> {
        let case: StrDeserializer<'_, Wrong> = self.case.into_deserializer();
        Ok((seed.deserialize(case)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Case<'_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        match self.payload {
            None | Some(Value::Null) => Ok(()),
            Some(_) => Err(Wrong::new("takes nothing").under(self.name)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        seed.deserialize(Read {
            value: self.payload,
            member: self.name,
        })
        .map_err(|wrong| wrong.under(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Wrong> {
        Err(Wrong::new("the interface has no such type"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Wrong> {
        Err(Wrong::new("the interface has no such type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Message;
    use crate::testing::{contents, message, show};
    use crate::types::{Context, Outcome};
    use serde_json::json;

    #[test]
    fn what_is_shown_can_be_read_again() {
        for content in contents() {
            let message = message(content);
            assert_eq!(read::<Message>(&show(&message)), Ok(message));
        }
    }

    #[test]
    fn short_forms_mean_what_they_say() {
        let context: Context = read(&json!({
            "settings": { "a": "1", "b": "2" }, "now": 5, "seed": "abc",
        }))
        .expect("a context");
        assert_eq!(
            context.settings,
            [
                ("a".to_owned(), "1".to_owned()),
                ("b".to_owned(), "2".to_owned())
            ]
        );
        assert_eq!((context.seed, context.locale), (b"abc".to_vec(), None));
        let outcome: Outcome =
            read(&json!({ "response": { "status": 200, "body": { "id": "x" } } }))
                .expect("an outcome");
        let Outcome::Response(response) = outcome else {
            panic!("a response")
        };
        assert_eq!(response.body, br#"{"id":"x"}"#);
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_place() {
        for (value, part) in [
            (
                json!({ "response": { "status": "200" } }),
                "/response/status: expected a whole number",
            ),
            (json!({ "response": {} }), "/response/status: is missing"),
            (
                json!({ "response": { "status": 1, "code": 2 } }),
                "/response/code: is unknown; there is status",
            ),
            (
                json!({ "failed": "asleep" }),
                "`asleep` is unknown; there is dns",
            ),
            (json!({ "lost": 1 }), "`lost` is unknown"),
            (json!({ "failed": { "dns": 1 } }), "takes nothing"),
            (json!([]), "expected a case"),
        ] {
            let wrong = read::<Outcome>(&value)
                .expect_err("it does not fit")
                .to_string();
            assert!(wrong.contains(part), "{wrong}");
        }
    }
}
