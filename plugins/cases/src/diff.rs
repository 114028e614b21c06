//! Two results side by side, named by where they part.

use serde_json::Value;

/// More than these are one mistake seen many times.
pub const DIFFERENCES_MAX: usize = 20;
/// Of one value: a whole exchange, which its author must read before promising it.
const VALUE_CHARS_MAX: usize = 4000;

/// Each place where `got` is not `expected`, as `pointer: expected ..., got ...`.
#[must_use]
pub fn differences(expected: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk("", expected, got, &mut found);
    if found.len() > DIFFERENCES_MAX {
        let more = found.len() - DIFFERENCES_MAX;
        found.truncate(DIFFERENCES_MAX);
        found.push(format!("and {more} more"));
    }
    found
}

fn walk(at: &str, expected: &Value, got: &Value, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            for (name, value) in expected {
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                match got.get(name) {
                    Some(got) => walk(&at, value, got, found),
                    None => found.push(format!("{at}: expected {}, got nothing", shown(value))),
                }
            }
            for (name, value) in got.iter().filter(|(name, _)| !expected.contains_key(*name)) {
                found.push(format!(
                    "{at}/{name}: expected nothing, got {}",
                    shown(value)
                ));
            }
        }
        (Value::Array(expected), Value::Array(got)) => {
            for (index, pair) in expected.iter().zip(got).enumerate() {
                walk(&format!("{at}/{index}"), pair.0, pair.1, found);
            }
            for (index, value) in expected.iter().enumerate().skip(got.len()) {
                found.push(format!(
                    "{at}/{index}: expected {}, got nothing",
                    shown(value)
                ));
            }
            for (index, value) in got.iter().enumerate().skip(expected.len()) {
                found.push(format!(
                    "{at}/{index}: expected nothing, got {}",
                    shown(value)
                ));
            }
        }
        (expected, got) if expected == got => {}
        (expected, got) => {
            let at = if at.is_empty() { "/" } else { at };
            found.push(format!(
                "{at}: expected {}, got {}",
                shown(expected),
                shown(got)
            ));
        }
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_difference_is_named_by_its_place() {
        let expected = json!({ "a": { "b/c": 1, "gone": true }, "list": [1, 2] });
        let got = json!({ "a": { "b/c": 2 }, "list": [1, 2, 3], "new": null });
        assert_eq!(
            differences(&expected, &got),
            [
                "/a/b~1c: expected 1, got 2",
                "/a/gone: expected true, got nothing",
                "/list/2: expected nothing, got 3",
                "/new: expected nothing, got null",
            ]
        );
        assert!(differences(&expected, &expected).is_empty());
        assert_eq!(
            differences(&json!(1), &json!("1")),
            ["/: expected 1, got \"1\""]
        );
    }

    #[test]
    fn one_mistake_seen_many_times_stays_readable() {
        let found = differences(&json!([]), &json!(vec!["x".repeat(10_000); 500]));
        assert_eq!(found.len(), DIFFERENCES_MAX + 1);
        assert!(found.iter().all(|line| line.len() < VALUE_CHARS_MAX + 100));
    }
}
