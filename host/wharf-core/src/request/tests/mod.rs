//! Requests, good and bad, kind by kind.

mod interactive;
mod kinds;
mod simple;
mod templates;

use serde_json::{Value, json};

use super::*;

/// A message of that kind to somebody.
fn of(kind: &str, content: Value) -> Value {
    json!({ "to": "+4915112345678", "type": kind, kind: content })
}

/// What the request becomes; what is shown of it must read as the same.
fn read(kind: &str, shape: Value) -> Content {
    let request = parse_message(&of(kind, shape)).unwrap();
    let shown = of(kind, show_content(&request.content));
    let again = parse_message(&shown).unwrap_or_else(|errors| panic!("{shown}: {errors:?}"));
    assert_eq!(again.content, request.content);
    request.content
}

/// Asserts that exactly these fields of the content are named.
fn refused(kind: &str, content: Value, wanted: &[(&str, &str)]) {
    let shown = content.to_string();
    let found = errors(of(kind, content));
    let found: Vec<_> = found
        .iter()
        .map(|(pointer, code)| (pointer.as_str(), *code))
        .collect();
    let wanted: Vec<_> = wanted
        .iter()
        .map(|(pointer, code)| (format!("/{kind}{pointer}"), *code))
        .collect();
    let wanted: Vec<_> = wanted
        .iter()
        .map(|(pointer, code)| (pointer.as_str(), *code))
        .collect();
    assert_eq!(found, wanted, "{shown}");
}

pub(super) fn errors(body: Value) -> Vec<(String, &'static str)> {
    parse_message(&body)
        .expect_err("refused")
        .into_iter()
        .map(|e| {
            assert!(!e.detail.is_empty());
            (e.pointer, e.code)
        })
        .collect()
}

#[test]
fn a_whole_request() {
    let request = parse_message(&json!({
        "channel": "support", "to": "+49 151 12345678", "type": "text",
        "text": {"body": "Hello", "preview_url": true}, "context": {"message_id": "wamid.1"},
        "reference": "order-7", "priority": "high", "policy": "at_least_once", "ttl_s": 60,
    }))
    .expect("valid");
    assert_eq!(request.to, Some(Address::Phone("4915112345678".into())));
    assert_eq!(request.reply_to.as_deref(), Some("wamid.1"));
    assert_eq!(request.priority, Some(Priority::High));
    assert_eq!(request.policy, Some(Policy::AtLeastOnce));
    assert_eq!(request.ttl_s, Some(60));
}

#[test]
fn all_errors_at_once() {
    let found = errors(json!({
        "channel": "Not A Slug", "to": 49, "text": {"body": "", "colour": 1}, "priority": "asap",
        "ttl_s": -1, "context": {}, "reference": "", "a/b": 1,
    }));
    for wanted in [
        ("/channel", "invalid"),
        ("/to", "wrong-type"),
        ("/text/colour", "unknown"),
        ("/text/body", "invalid"),
        ("/priority", "invalid"),
        ("/ttl_s", "invalid"),
        ("/context/message_id", "missing"),
        ("/reference", "invalid"),
        ("/a~1b", "unknown"),
    ] {
        assert!(
            found.iter().any(|(p, c)| (p.as_str(), *c) == wanted),
            "{wanted:?} in {found:?}"
        );
    }
}

#[test]
fn limits_count_characters() {
    let body = |n: usize| json!({"to": "+4915112345678", "text": {"body": "ä".repeat(n)}});
    assert!(parse_message(&body(limits::TEXT.max)).is_ok());
    assert_eq!(
        errors(body(limits::TEXT.max + 1)),
        [("/text/body".to_owned(), "too-long")]
    );
    assert_eq!(
        errors(json!({"to": "+4915112345678", "text": {"body": "a\u{0}b"}})),
        [("/text/body".to_owned(), "invalid")]
    );
}

#[test]
fn recipients() {
    let to = |v: Value| {
        let mut body = json!({"text": {"body": "x"}});
        body.as_object_mut()
            .expect("object")
            .extend(v.as_object().expect("object").clone());
        body
    };
    assert!(parse_message(&to(json!({"recipient": "US.13491208655302741918"}))).is_ok());
    assert_eq!(errors(to(json!({}))), [("/to".to_owned(), "missing")]);
    assert_eq!(
        errors(to(json!({"recipient": "nobody"}))),
        [("/recipient".to_owned(), "invalid")]
    );
    assert_eq!(
        errors(to(json!({"to": "+4915112345678", "recipient": "US.1"}))),
        [("/recipient".to_owned(), "invalid")]
    );
}

#[test]
fn not_an_object_and_other_kinds() {
    assert_eq!(errors(json!([])), [(String::new(), "wrong-type")]);
    assert_eq!(
        errors(json!({"to": "+4915112345678", "type": "hologram"})),
        [("/type".to_owned(), "unsupported")]
    );
}

#[test]
fn groups_options_and_what_the_cloud_api_says_besides() {
    let request = parse_message(&json!({
        "messaging_product": "whatsapp", "recipient_type": "group", "to": "Y2FwaV9ncm91cDo",
        "text": { "body": "x" }, "options": { "recipient_identity_key_hash": "abc" },
    }))
    .unwrap();
    assert_eq!(request.to, Some(Address::Group("Y2FwaV9ncm91cDo".into())));
    let options = request.options.unwrap();
    assert_eq!(options.as_str(), r#"{"recipient_identity_key_hash":"abc"}"#);

    let with = |more: Value| {
        let mut body = json!({ "to": "+4915112345678", "text": { "body": "x" } });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        errors(body)
    };
    let long = "x".repeat(limits::OPTIONS_BYTES_MAX);
    for (more, pointer, code) in [
        (
            json!({ "messaging_product": "telegram" }),
            "/messaging_product",
            "invalid",
        ),
        (
            json!({ "recipient_type": "crowd" }),
            "/recipient_type",
            "invalid",
        ),
        (
            json!({ "biz_opaque_callback_data": "x" }),
            "/biz_opaque_callback_data",
            "unknown",
        ),
        (json!({ "options": [] }), "/options", "wrong-type"),
        (
            json!({ "options": { "to": "+4915112345679" } }),
            "/options/to",
            "invalid",
        ),
        (
            json!({ "options": { "image": {} } }),
            "/options/image",
            "invalid",
        ),
        (json!({ "options": { "a": long } }), "/options", "too-long"),
        (json!({ "image": {} }), "/image", "unknown"),
    ] {
        assert_eq!(with(more), [(pointer.to_owned(), code)]);
    }
    let group = json!({ "recipient_type": "group", "recipient": "US.1", "text": { "body": "x" } });
    assert_eq!(errors(group), [("/recipient".to_owned(), "invalid")]);
}

#[test]
fn a_kind_without_its_type_is_pointed_out() {
    let body = json!({ "to": "+4915112345678", "image": { "link": "https://example.com/a.png" } });
    assert_eq!(errors(body)[..1], [("/type".to_owned(), "missing")]);
}

#[test]
fn nothing_that_can_be_said_in_json_makes_it_panic() {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z_/~]{0,8}".prop_map(Value::from),
    ];
    const WORDS: [&str; 27] = [
        "type",
        "text",
        "interactive",
        "action",
        "template",
        "components",
        "cards",
        "header",
        "body",
        "parameters",
        "buttons",
        "sections",
        "rows",
        "reply",
        "id",
        "link",
        "image",
        "name",
        "other",
        "document",
        "media",
        "pointer",
        "contacts",
        "phones",
        "location",
        "status",
        "read",
    ];
    let value = leaf.prop_recursive(6, 64, 6, |inner| {
        let named = (proptest::sample::select(&WORDS[..]), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            prop::collection::vec(named, 0..6).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    });
    let kinds = proptest::sample::select(&content::KINDS[..]);
    proptest!(|(kind in kinds, shape in value)| {
        if let Err(errors) = parse_message(&of(kind, shape)) {
            prop_assert!(!errors.is_empty());
        }
    });
}
