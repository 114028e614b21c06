//! Template messages.

use super::*;
use crate::provider::{MediaSource, Parameter, Slot, Template};

fn shape(components: Value) -> Value {
    json!({ "name": "order_update", "language": { "code": "en_US" }, "components": components })
}

fn template(components: Value) -> Template {
    match read("template", shape(components)) {
        Content::Template { template } => *template,
        other => panic!("not a template: {other:?}"),
    }
}

#[test]
fn every_parameter() {
    let body = |parameter: Value| {
        let filled = template(json!([{ "type": "body", "parameters": [parameter] }]));
        filled.components[0].parameters[0].clone()
    };
    assert_eq!(
        body(json!({ "type": "text", "text": "Ada" })),
        Parameter::Text("Ada".into())
    );
    assert_eq!(
        body(json!({ "type": "TEXT", "text": "Ada", "parameter_name": "who" })),
        Parameter::Named("who".into(), "Ada".into())
    );
    let currency = json!({ "fallback_value": "$1.50", "code": "USD", "amount_1000": 1500 });
    assert!(matches!(
        body(json!({ "type": "currency", "currency": currency })),
        Parameter::Currency(currency) if currency.amount_1000 == 1500
    ));
    assert_eq!(
        body(json!({ "type": "date_time", "date_time": { "fallback_value": "Monday" } })),
        Parameter::DateTime("Monday".into())
    );
    for kind in ["image", "video", "document"] {
        body(json!({ "type": kind, kind: { "link": "https://example.com/a" } }));
    }
    body(json!({ "type": "location", "location": { "latitude": 1, "longitude": 2 } }));
    assert_eq!(
        body(json!({ "type": "payload", "payload": "yes" })),
        Parameter::Payload("yes".into())
    );
    for other in [
        json!({ "type": "coupon_code", "coupon_code": "SAVE10" }),
        json!({ "type": "action", "action": { "flow_token": "t" } }),
        json!({ "type": "limited_time_offer", "limited_time_offer": { "expiration_time_ms": 1 } }),
        json!({ "type": "product", "product": { "product_retailer_id": "p", "catalog_id": "c" } }),
        json!({ "type": "document", "document": { "link": "https://example.com/a", "filename": "a.pdf" } }),
    ] {
        match body(other.clone()) {
            Parameter::Other(document) => assert_eq!(document.to_value(), other),
            found => panic!("{found:?}"),
        }
    }
}

#[test]
fn parts_buttons_and_cards() {
    let filled = template(json!([
        { "type": "HEADER", "parameters": [{ "type": "image", "image": { "id": "1" } }] },
        { "type": "body", "parameters": [{ "type": "text", "text": "x" }] },
        { "type": "button", "sub_type": "URL", "index": "0", "parameters": [{ "type": "text", "text": "x" }] },
        { "type": "button", "sub_type": "quick_reply", "index": 1, "parameters": [{ "type": "payload", "payload": "p" }] },
        { "type": "limited_time_offer", "parameters": [{ "type": "limited_time_offer", "limited_time_offer": {} }] },
        { "type": "carousel", "cards": [
            { "card_index": 0, "components": [{ "type": "header", "parameters": [{ "type": "image", "image": { "id": "1" } }] }] },
            { "components": [{ "type": "body", "parameters": [{ "type": "text", "text": "y" }] }] },
        ] },
    ]));
    let slots: Vec<_> = filled.components.iter().map(|it| it.slot).collect();
    assert_eq!(
        slots,
        [
            Slot::Header,
            Slot::Body,
            Slot::Button,
            Slot::Button,
            Slot::LimitedTimeOffer
        ]
    );
    assert_eq!(filled.components[2].sub_type.as_deref(), Some("url"));
    assert_eq!(filled.components[2].index, Some(0));
    assert_eq!(filled.cards.len(), 2);
    let bare = read(
        "template",
        json!({ "name": "hello_world", "language": { "code": "en", "policy": "deterministic" } }),
    );
    assert_eq!(bare.kind(), "template");
    read(
        "template",
        json!({ "name": "a", "language": { "code": "de" }, "id": "HX0123" }),
    );
}

#[test]
fn a_stored_document_takes_the_name_that_is_given() {
    let document = json!({ "id": "med_01ARZ3NDEKTSV4RRFFQ69G5FAV", "filename": "Bill.pdf" });
    let body = of(
        "template",
        shape(
            json!([{ "type": "header", "parameters": [{ "type": "document", "document": document }] }]),
        ),
    );
    let request = parse_message(&body).unwrap();
    assert_eq!(
        request.stored[0].pointer,
        "/template/components/0/parameters/0/document/id"
    );
    let Content::Template { template } = request.content else {
        panic!("a template");
    };
    match &template.components[0].parameters[0] {
        Parameter::Document(MediaSource::Stored(object)) => {
            assert_eq!(object.filename.as_deref(), Some("Bill.pdf"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn templates_that_are_refused() {
    refused(
        "template",
        json!({}),
        &[("/name", "missing"), ("/language", "missing")],
    );
    refused(
        "template",
        json!({ "name": "a", "language": "en_US" }),
        &[("/language", "wrong-type")],
    );
    refused(
        "template",
        json!({ "name": "a", "language": { "code": "en US", "policy": "fallback" } }),
        &[
            ("/language/policy", "invalid"),
            ("/language/code", "invalid"),
        ],
    );
    refused(
        "template",
        shape(json!([
            { "type": "footer" },
            { "parameters": [] },
            { "type": "button", "parameters": [] },
            { "type": "button", "sub_type": "url", "index": 10 },
            { "type": "body", "parameters": [{ "text": "x" }, { "type": "text" }, { "type": "text", "text": "x", "extra": 1 }] },
            { "type": "body" },
        ])),
        &[
            ("/components/0/type", "invalid"),
            ("/components/1/type", "missing"),
            ("/components/2/sub_type", "missing"),
            ("/components/2/index", "missing"),
            ("/components/3/index", "invalid"),
            ("/components/4/parameters/0/type", "missing"),
            ("/components/4/parameters/1/text", "missing"),
            ("/components/4/parameters/2/extra", "unknown"),
            ("/components/5", "duplicate"),
        ],
    );
    let currency = json!({ "fallback_value": "x", "code": "usd", "amount_1000": 1.5 });
    refused(
        "template",
        shape(
            json!([{ "type": "body", "parameters": [{ "type": "currency", "currency": currency }] }]),
        ),
        &[
            ("/components/0/parameters/0/currency/code", "invalid"),
            ("/components/0/parameters/0/currency/amount_1000", "invalid"),
        ],
    );
    let long = json!({ "type": "coupon_code", "coupon_code": "x".repeat(21) });
    refused(
        "template",
        shape(
            json!([{ "type": "button", "sub_type": "copy_code", "index": 0, "parameters": [long, { "type": "gadget" }] }]),
        ),
        &[
            ("/components/0/parameters/0/coupon_code", "too-long"),
            ("/components/0/parameters/1/gadget", "missing"),
        ],
    );
    refused(
        "template",
        shape(json!([{ "type": "carousel", "cards": [{ "components": [] }] }])),
        &[("/components/0/cards", "invalid")],
    );
}
