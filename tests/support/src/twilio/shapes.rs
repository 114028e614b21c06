//! JSON bodies checked against tables: which fields there are, which must be there, what they hold.

use serde_json::Value;

use super::error::TwilioError;

/// A field of an object.
pub(crate) struct Field {
    name: &'static str,
    kind: Kind,
    required: bool,
}

impl Field {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }
}

pub(crate) enum Kind {
    /// Of at most this many characters; 0 for no limit. A text with a variable has any length.
    Text(usize),
    Number,
    Flag,
    OneOf(&'static [&'static str]),
    /// Texts, that many at most.
    Texts(usize),
    /// Objects with these fields, that many at least and at most.
    Objects(&'static [Field], usize, usize),
    Object(&'static [Field]),
    /// Names of one's own choice, with texts.
    TextMap,
    /// Texts, or objects with these fields.
    TextsOrObjects(&'static [Field]),
}

pub(crate) const fn must(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: true,
    }
}

pub(crate) const fn may(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: false,
    }
}

/// Depth is that of the tables, whatever the body holds.
pub(crate) fn check(value: &Value, fields: &[Field], at: &str) -> Result<(), TwilioError> {
    let Value::Object(object) = value else {
        return Err(TwilioError::invalid(format_args!("{at} must be an object")));
    };
    for name in object.keys() {
        if !fields.iter().any(|field| field.name == name) {
            return Err(TwilioError::invalid(format_args!(
                "{at} has no field '{name}'"
            )));
        }
    }
    for field in fields {
        let at = format!("{at}.{}", field.name);
        match object.get(field.name) {
            None | Some(Value::Null) if field.required => {
                return Err(TwilioError::invalid(format_args!("{at} is required")));
            }
            None | Some(Value::Null) => {}
            Some(value) => check_kind(value, &field.kind, &at)?,
        }
    }
    Ok(())
}

fn check_kind(value: &Value, kind: &Kind, at: &str) -> Result<(), TwilioError> {
    let wrong =
        |wanted: &str| TwilioError::invalid(format_args!("{at} must be {wanted}, not {value}"));
    match kind {
        Kind::Text(chars_max) => {
            let text = value.as_str().ok_or_else(|| wrong("a string"))?;
            let count = text.chars().count();
            let is_long = *chars_max > 0 && count > *chars_max && !text.contains("{{");
            if is_long {
                return Err(TwilioError::invalid(format_args!(
                    "{at} has at most {chars_max} characters, this one has {count}"
                )));
            }
        }
        Kind::Number if !value.is_number() => return Err(wrong("a number")),
        Kind::Flag if !value.is_boolean() => return Err(wrong("true or false")),
        Kind::Number | Kind::Flag => {}
        Kind::OneOf(words) => {
            if !value.as_str().is_some_and(|word| words.contains(&word)) {
                return Err(wrong(&words.join(" or ")));
            }
        }
        Kind::Texts(max) => {
            let items = value.as_array().ok_or_else(|| wrong("a list"))?;
            if items.is_empty() || items.len() > *max || !items.iter().all(Value::is_string) {
                return Err(wrong(&format!("1 to {max} strings")));
            }
        }
        Kind::Objects(fields, min, max) => {
            let items = value.as_array().ok_or_else(|| wrong("a list"))?;
            if !(*min..=*max).contains(&items.len()) {
                let count = items.len();
                return Err(TwilioError::invalid(format_args!(
                    "{at} has {min} to {max} elements, this one has {count}"
                )));
            }
            for (index, item) in items.iter().enumerate() {
                check(item, fields, &format!("{at}[{index}]"))?;
            }
        }
        Kind::Object(fields) => check(value, fields, at)?,
        Kind::TextMap => {
            let object = value.as_object().ok_or_else(|| wrong("an object"))?;
            if !object.values().all(Value::is_string) {
                return Err(wrong("an object of strings"));
            }
        }
        Kind::TextsOrObjects(fields) => {
            let items = value.as_array().ok_or_else(|| wrong("a list"))?;
            for (index, item) in items.iter().enumerate() {
                if !item.is_string() {
                    check(item, fields, &format!("{at}[{index}]"))?;
                }
            }
        }
    }
    Ok(())
}
