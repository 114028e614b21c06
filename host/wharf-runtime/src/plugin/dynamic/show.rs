//! A value without static type as JSON.

use serde_json::{Map, Number, Value};
use wasmtime::component::Val;

/// `member` is the name the value stands under: some members hold JSON in a string.
pub(super) fn value(value: Val, member: &str) -> Value {
    match value {
        Val::Bool(value) => value.into(),
        Val::S8(number) => number.into(),
        Val::U8(number) => number.into(),
        Val::S16(number) => number.into(),
        Val::U16(number) => number.into(),
        Val::S32(number) => number.into(),
        Val::U32(number) => number.into(),
        Val::S64(number) => number.into(),
        Val::U64(number) => number.into(),
        Val::Float32(number) => float(number.into()),
        Val::Float64(number) => float(number),
        Val::Char(character) => character.to_string().into(),
        Val::String(text) => wharf_cases::show_text(member, text),
        Val::List(elements) => list(elements),
        Val::FixedLengthList(elements) | Val::Tuple(elements) => elements
            .into_iter()
            .map(|element| self::value(element, ""))
            .collect(),
        Val::Record(fields) => record(fields),
        Val::Variant(case, None) => case.into(),
        Val::Variant(case, Some(payload)) => {
            let payload = self::value(*payload, &case);
            Value::Object(Map::from_iter([(case, payload)]))
        }
        Val::Enum(case) => case.into(),
        Val::Option(None) => Value::Null,
        Val::Option(Some(value)) => self::value(*value, member),
        Val::Flags(flags) => flags.into_iter().collect(),
        // The interface has none of these.
        Val::Map(_)
        | Val::Result(_)
        | Val::Resource(_)
        | Val::Future(_)
        | Val::Stream(_)
        | Val::ErrorContext(_) => Value::Null,
    }
}

/// JSON has no number for infinity.
fn float(number: f64) -> Value {
    Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
}

fn list(elements: Vec<Val>) -> Value {
    let is_bytes = matches!(elements.first(), Some(Val::U8(_)));
    if !is_bytes {
        return elements
            .into_iter()
            .map(|element| value(element, ""))
            .collect();
    }
    let bytes = elements.into_iter().filter_map(|element| match element {
        Val::U8(byte) => Some(byte),
        _ => None,
    });
    wharf_cases::show_bytes(bytes.collect())
}

/// What is empty or false is left out, so that a case shows what matters.
fn record(fields: Vec<(String, Val)>) -> Value {
    let mut members = Map::new();
    for (name, field) in fields {
        let shown = value(field, &name);
        if !wharf_cases::is_left_out(&name, &shown) {
            members.insert(name, shown);
        }
    }
    Value::Object(members)
}

/// As the canonical ABI lays it out on a 32-bit guest, without padding.
pub(super) fn size(value: &Val) -> usize {
    /// A pointer and a length.
    const SPAN: usize = 8;
    /// Which case a variant has.
    const CASE: usize = 4;
    match value {
        Val::Bool(_) | Val::S8(_) | Val::U8(_) | Val::Enum(_) => 1,
        Val::S16(_) | Val::U16(_) => 2,
        Val::S64(_) | Val::U64(_) | Val::Float64(_) => 8,
        Val::String(text) => SPAN + text.len(),
        Val::List(elements) => SPAN + elements.iter().map(size).sum::<usize>(),
        Val::Tuple(elements) | Val::FixedLengthList(elements) => elements.iter().map(size).sum(),
        Val::Record(fields) => fields.iter().map(|(_, field)| size(field)).sum(),
        Val::Variant(_, payload) | Val::Option(payload) => {
            CASE + payload.as_deref().map_or(0, size)
        }
        Val::Result(Ok(payload) | Err(payload)) => CASE + payload.as_deref().map_or(0, size),
        _ => 4,
    }
}
