//! Any value of the interface as JSON, in the names of `provider.wit`.

use serde::ser::{self, Serialize};
use serde_json::{Map, Value};

/// A value as golden cases write it. What is empty or false is left out of a record.
///
/// # Panics
/// Never for values of the interface.
pub fn show<T: Serialize + ?Sized>(value: &T) -> Value {
    value
        .serialize(Show { member: "" })
        .expect("every value of the interface can be shown")
        .into_value()
}

/// `TimeoutAfterSend` and `timeout_after_send` as `timeout-after-send`.
pub(super) fn kebab(name: &str) -> String {
    let mut kebab = String::with_capacity(name.len() + 4);
    for (index, character) in name.char_indices() {
        if character == '_' {
            kebab.push('-');
            continue;
        }
        if character.is_ascii_uppercase() && index > 0 {
            kebab.push('-');
        }
        kebab.push(character.to_ascii_lowercase());
    }
    kebab
}

/// A byte is remembered as one, so that a list of them is shown as text.
#[derive(Debug)]
enum Shown {
    Byte(u8),
    Value(Value),
}

impl Shown {
    fn into_value(self) -> Value {
        match self {
            Self::Byte(byte) => byte.into(),
            Self::Value(value) => value,
        }
    }
}

/// Serialises into [`Shown`]. `member` is the name the value stands under.
struct Show<'m> {
    member: &'m str,
}

#[derive(Debug)]
struct Never;

impl std::fmt::Display for Never {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the interface has no such type")
    }
}
impl std::error::Error for Never {}
impl ser::Error for Never {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! numbers {
    ($($method:ident: $type:ty),*) => {$(
        fn $method(self, number: $type) -> Result<Shown, Never> {
            Ok(Shown::Value(number.into()))
        }
    )*};
}

impl ser::Serializer for Show<'_> {
    type Ok = Shown;
    type Error = Never;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = ser::Impossible<Shown, Never>;
    type SerializeMap = ser::Impossible<Shown, Never>;
    type SerializeStruct = Record;
    type SerializeStructVariant = ser::Impossible<Shown, Never>;

    numbers!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_f32: f32, serialize_f64: f64
    );

    fn serialize_u8(self, byte: u8) -> Result<Shown, Never> {
        Ok(Shown::Byte(byte))
    }

    fn serialize_char(self, character: char) -> Result<Shown, Never> {
        Ok(Shown::Value(character.to_string().into()))
    }

    fn serialize_str(self, text: &str) -> Result<Shown, Never> {
        Ok(Shown::Value(wharf_cases::show_text(
            self.member,
            text.to_owned(),
        )))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Shown, Never> {
        Ok(Shown::Value(wharf_cases::show_bytes(bytes.to_vec())))
    }

    fn serialize_none(self) -> Result<Shown, Never> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Shown, Never> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Shown, Never> {
        Ok(Shown::Value(Value::Null))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Shown, Never> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        case: &'static str,
    ) -> Result<Shown, Never> {
        Ok(Shown::Value(kebab(case).into()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Shown, Never> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        case: &'static str,
        value: &T,
    ) -> Result<Shown, Never> {
        let case = kebab(case);
        let payload = value.serialize(Show { member: &case })?.into_value();
        Ok(Shown::Value(Value::Object(Map::from_iter([(
            case, payload,
        )]))))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Never> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<List, Never> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, Never> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Never> {
        Err(Never)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Never> {
        Err(Never)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Record, Never> {
        Ok(Record(Map::new()))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Never> {
        Err(Never)
    }
}

/// Elements so far.
struct List(Vec<Shown>);

impl List {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
        self.0.push(value.serialize(Show { member: "" })?);
        Ok(())
    }

    fn finish(self) -> Shown {
        let is_bytes =
            !self.0.is_empty() && self.0.iter().all(|shown| matches!(shown, Shown::Byte(_)));
        if !is_bytes {
            return Shown::Value(self.0.into_iter().map(Shown::into_value).collect());
        }
        let bytes = self.0.into_iter().filter_map(|shown| match shown {
            Shown::Byte(byte) => Some(byte),
            Shown::Value(_) => None,
        });
        Shown::Value(wharf_cases::show_bytes(bytes.collect()))
    }
}

macro_rules! list {
    ($($trait:ident::$method:ident),*) => {$(
        impl ser::$trait for List {
            type Ok = Shown;
            type Error = Never;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
                self.add(value)
            }

            fn end(self) -> Result<Shown, Never> {
                Ok(self.finish())
            }
        }
    )*};
}

list!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field
);

/// Members so far.
struct Record(Map<String, Value>);

impl ser::SerializeStruct for Record {
    type Ok = Shown;
    type Error = Never;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Never> {
        let name = kebab(name);
        let value = value.serialize(Show { member: &name })?.into_value();
        if !wharf_cases::is_left_out(&name, &value) {
            self.0.insert(name, value);
        }
        Ok(())
    }

    fn end(self) -> Result<Shown, Never> {
        Ok(Shown::Value(Value::Object(self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;
    use crate::testing;
    use serde_json::json;

    #[test]
    fn names_are_those_of_the_interface() {
        for (name, shown) in [
            ("TimeoutAfterSend", "timeout-after-send"),
            ("EcdsaP256Sha256", "ecdsa-p256-sha256"),
            ("per_second", "per-second"),
            ("amount_1000", "amount-1000"),
            ("dns", "dns"),
        ] {
            assert_eq!(kebab(name), shown);
        }
    }

    #[test]
    fn an_exchange_is_shown_whole_and_short() {
        let exchange = Exchange::post_json("send", "https://a.b/", r#"{"a":1}"#)
            .bearer("key")
            .state(vec![0xff]);
        assert_eq!(
            show(&Progress::from(exchange)),
            json!({ "exchange": {
                "label": "send",
                "replay": "unsafe",
                "request": {
                    "method": "post",
                    "url": "https://a.b/",
                    "query": { "fields": [] },
                    "headers": [{ "name": "authorization", "value": [{ "text": "Bearer " }, { "secret": "key" }] }],
                    "body": { "json": { "document": { "a": 1 } } },
                },
                "sink": { "buffer": 65536 },
                "state": { "base64": "/w==" },
            }})
        );
        let failed: Outcome = Outcome::Failed(TransportFailure::TimeoutAfterSend);
        assert_eq!(show(&failed), json!({ "failed": "timeout-after-send" }));
        assert_eq!(
            show(&testing::text("{\"a\":1}").content),
            json!({ "text": { "body": "{\"a\":1}" } })
        );
    }
}
