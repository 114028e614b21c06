//! The simple surface: the same message in fewer words.

use super::*;
use crate::request::{SimpleKind, parse_simple};

const TO: &str = "+4915112345678";

fn with_to(mut body: Value) -> Value {
    body["to"] = TO.into();
    body
}

#[test]
fn flat_fields_become_the_same_message() {
    let cases = [
        (
            SimpleKind::Text,
            json!({ "message": "Hi", "preview_url": true }),
            json!({ "text": { "body": "Hi", "preview_url": true } }),
        ),
        (
            SimpleKind::Image,
            json!({ "link": "https://example.com/a.png", "caption": "c" }),
            json!({ "type": "image", "image": { "link": "https://example.com/a.png", "caption": "c" } }),
        ),
        (
            SimpleKind::Audio,
            json!({ "id": "1", "voice": true }),
            json!({ "type": "audio", "audio": { "id": "1", "voice": true } }),
        ),
        (
            SimpleKind::Document,
            json!({ "id": "1", "filename": "a.pdf" }),
            json!({ "type": "document", "document": { "id": "1", "filename": "a.pdf" } }),
        ),
        (
            SimpleKind::Video,
            json!({ "id": "1" }),
            json!({ "type": "video", "video": { "id": "1" } }),
        ),
        (
            SimpleKind::Location,
            json!({ "latitude": 1.5, "longitude": 2, "name": "n", "address": "a" }),
            json!({ "type": "location", "location": { "latitude": 1.5, "longitude": 2, "name": "n", "address": "a" } }),
        ),
        (
            SimpleKind::Template,
            json!({ "name": "t", "language": "en_US", "parameters": ["a", "b"] }),
            json!({ "type": "template", "template": { "name": "t", "language": { "code": "en_US" }, "components": [
                { "type": "body", "parameters": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }] },
            ] } }),
        ),
        (
            SimpleKind::Template,
            json!({ "name": "t", "language": { "code": "de" }, "parameters": { "who": "Ada" } }),
            json!({ "type": "template", "template": { "name": "t", "language": { "code": "de" }, "components": [
                { "type": "body", "parameters": [{ "type": "text", "parameter_name": "who", "text": "Ada" }] },
            ] } }),
        ),
        (
            SimpleKind::Buttons,
            json!({ "message": "Well?", "header": "H", "footer": "F", "buttons": [{ "id": "y", "title": "Yes" }] }),
            json!({ "type": "interactive", "interactive": {
                "type": "button", "body": { "text": "Well?" }, "header": { "type": "text", "text": "H" }, "footer": { "text": "F" },
                "action": { "buttons": [{ "reply": { "id": "y", "title": "Yes" } }] },
            } }),
        ),
        (
            SimpleKind::List,
            json!({ "message": "Which?", "button": "Open", "rows": [{ "id": "1", "title": "One" }] }),
            json!({ "type": "interactive", "interactive": {
                "type": "list", "body": { "text": "Which?" },
                "action": { "button": "Open", "sections": [{ "rows": [{ "id": "1", "title": "One" }] }] },
            } }),
        ),
    ];
    for (kind, simple, whole) in cases {
        let whole = with_to(whole);
        let wanted = parse_message(&whole).unwrap();
        assert_eq!(parse_simple(kind, &with_to(simple)).unwrap(), wanted);
        assert_eq!(parse_simple(kind, &whole).unwrap(), wanted);
    }
}

/// A request, and the fields that are named.
type Wrong = (SimpleKind, Value, &'static [(&'static str, &'static str)]);

fn plain() -> Vec<Wrong> {
    vec![
        (SimpleKind::Text, json!({}), &[("/message", "missing")]),
        (
            SimpleKind::Text,
            json!({ "message": 1 }),
            &[("/message", "wrong-type")],
        ),
        (SimpleKind::Image, json!({}), &[("/link", "missing")]),
        (
            SimpleKind::Image,
            json!({ "link": "http://example.com", "caption": "" }),
            &[("/caption", "invalid"), ("/link", "invalid")],
        ),
        (
            SimpleKind::Image,
            json!({ "id": "1", "message": "x" }),
            &[("/message", "unknown")],
        ),
        (
            SimpleKind::Location,
            json!({ "latitude": 91 }),
            &[("/latitude", "invalid"), ("/longitude", "missing")],
        ),
    ]
}

fn built() -> Vec<Wrong> {
    vec![
        (
            SimpleKind::Template,
            json!({ "parameters": ["", "b"] }),
            &[
                ("/name", "missing"),
                ("/language", "missing"),
                ("/parameters/0", "invalid"),
            ],
        ),
        (
            SimpleKind::Template,
            json!({ "name": "a", "language": "x y", "parameters": "a" }),
            &[("/language", "invalid"), ("/parameters", "wrong-type")],
        ),
        (
            SimpleKind::Template,
            json!({ "name": "a", "language": "de", "components": [], "parameters": [] }),
            &[("/parameters", "unknown")],
        ),
        (
            SimpleKind::Buttons,
            json!({ "buttons": [{ "id": "1", "title": "x".repeat(21) }] }),
            &[("/message", "missing"), ("/buttons/0/title", "too-long")],
        ),
        (
            SimpleKind::List,
            json!({ "message": "x", "button": "b", "rows": [{ "id": "1" }] }),
            &[("/rows/0/title", "missing")],
        ),
        (
            SimpleKind::Image,
            json!({ "type": "text", "text": { "body": "x" } }),
            &[("/type", "invalid")],
        ),
    ]
}

#[test]
fn what_is_wrong_is_named_as_it_was_written() {
    for (kind, body, wanted) in plain().into_iter().chain(built()) {
        let errors = parse_simple(kind, &with_to(body.clone())).unwrap_err();
        let found: Vec<_> = errors
            .iter()
            .map(|it| (it.pointer.as_str(), it.code))
            .collect();
        assert_eq!(found, wanted, "{body}");
    }
    let errors =
        parse_simple(SimpleKind::Text, &json!({ "phone": "12", "message": "x" })).unwrap_err();
    assert_eq!(errors[0].pointer, "/phone");
    assert_eq!(
        parse_simple(SimpleKind::Text, &json!([])).unwrap_err()[0].code,
        "wrong-type"
    );
}
