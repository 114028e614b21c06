//! Putting a value into a document at a pointer whose upper levels may not be there yet.

use serde_json::{Map, Value};

/// A carousel's example stands seven levels deep; more is no place of a template.
const LEVELS_MAX: usize = 16;

/// Puts `value` where the RFC 6901 pointer leads, in place of what is there. An index may name the element
/// after the last, as may `-`. False, and nothing of value changed, when the pointer leads nowhere.
pub fn put(document: &mut Value, pointer: &str, value: Value) -> bool {
    let Some(path) = pointer.strip_prefix('/') else {
        return false;
    };
    let tokens: Vec<String> = path
        .split('/')
        .map(|token| token.replace("~1", "/").replace("~0", "~"))
        .collect();
    if tokens.len() > LEVELS_MAX {
        return false;
    }
    let mut place = document;
    for token in &tokens {
        if place.is_null() {
            *place = match is_index(token) {
                true => Value::Array(Vec::new()),
                false => Value::Object(Map::new()),
            };
        }
        let next = match place {
            Value::Object(members) => Some(members.entry(token.as_str()).or_insert(Value::Null)),
            Value::Array(elements) => element(elements, token),
            _ => None,
        };
        let Some(next) = next else { return false };
        place = next;
    }
    *place = value;
    true
}

fn is_index(token: &str) -> bool {
    token == "-" || (!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit()))
}

fn element<'v>(elements: &'v mut Vec<Value>, token: &str) -> Option<&'v mut Value> {
    let index = match token {
        "-" => elements.len(),
        token => token.parse().ok()?,
    };
    if index == elements.len() {
        elements.push(Value::Null);
    }
    elements.get_mut(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn missing_levels_are_made() {
        let mut document = json!([{ "type": "HEADER" }]);
        assert!(put(&mut document, "/0/example/header_handle/0", json!("h")));
        assert_eq!(
            document,
            json!([{ "type": "HEADER", "example": { "header_handle": ["h"] } }])
        );
        assert!(put(&mut document, "/0/example/header_handle/0", json!("i")));
        assert!(put(&mut document, "/0/example/header_handle/-", json!("j")));
        assert_eq!(document[0]["example"]["header_handle"], json!(["i", "j"]));
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for pointer in [
            "",
            "0",
            "/2",
            "/0/type/x",
            "/x",
            "/99999999999999999999",
            &"/0".repeat(20),
        ] {
            assert!(
                !put(&mut json!([{ "type": "HEADER" }]), pointer, json!("h")),
                "{pointer}"
            );
        }
    }

    #[test]
    fn escapes_are_read() {
        let mut document = json!({});
        assert!(put(&mut document, "/a~1b/~0c", json!(1)));
        assert_eq!(document, json!({ "a/b": { "~c": 1 } }));
    }
}
