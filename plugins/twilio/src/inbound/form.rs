//! A form as Twilio posts it: pairs in their order, names it may add without notice among them.

use serde_json::{Map, Value};

/// The pairs of an `application/x-www-form-urlencoded` body, decoded. Total: what is no escape stays as it
/// is, what is no UTF-8 becomes replacement characters.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn read(body: &[u8]) -> Self {
        let pairs = body.split(|byte| *byte == b'&');
        let pairs = pairs.filter(|pair| !pair.is_empty()).map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = halves.next().unwrap_or_default();
            (decoded(name), decoded(halves.next().unwrap_or_default()))
        });
        Self(pairs.collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first value under this name; an empty one counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        let (_, value) = pairs.find(|(known, _)| known == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether the name is there, with whatever value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// The whole form as JSON; a name that comes more than once has a list of its values.
    pub(crate) fn document(&self) -> Value {
        let mut document = Map::new();
        for (name, value) in &self.0 {
            let value = Value::String(value.clone());
            match document.get_mut(name) {
                None => {
                    document.insert(name.clone(), value);
                }
                Some(Value::Array(values)) => values.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Value::Object(document)
    }
}

fn decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match (escaped, first) {
            (Some((high, low)), _) => {
                bytes.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            (None, b'+') => {
                bytes.push(b' ');
                rest = after;
            }
            (None, byte) => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|wrong| String::from_utf8_lossy(wrong.as_bytes()).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pairs_are_decoded_and_anything_is_read() {
        let form = Form::read(b"Body=a+b%2Bc%E2%82%AC&Empty=&=v&flag&&B%6fdy2=%&x=%4&y=%zz&l=%ff");
        assert_eq!(form.get("Body"), Some("a b+c\u{20ac}"));
        assert_eq!((form.get("Empty"), form.has("Empty")), (None, true));
        assert_eq!(form.get(""), Some("v"));
        assert!(form.has("flag") && !form.has("flags"));
        assert_eq!(form.get("Body2"), Some("%"));
        assert_eq!((form.get("x"), form.get("y")), (Some("%4"), Some("%zz")));
        assert_eq!(form.get("l"), Some("\u{fffd}"));
        assert!(Form::read(b"&&").is_empty() && Form::read(b"").is_empty());
    }

    #[test]
    fn a_document_keeps_every_value() {
        let form = Form::read(b"a=1&b=2&a=3&a=");
        assert_eq!(form.document(), json!({ "a": ["1", "3", ""], "b": "2" }));
        assert_eq!(form.get("a"), Some("1"));
    }
}
