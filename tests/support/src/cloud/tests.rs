//! What the reading of messages takes and refuses, by the published limits.

use serde_json::{Value, json};

use super::message::{self, Call, Door};
use super::{PhoneNumber, SendRequest, Template, template_match, template_send};

fn read(body: &Value) -> Result<SendRequest, u32> {
    let door = Door {
        version: "v24.0",
        is_marketing: false,
    };
    match message::read(body, &PhoneNumber::default(), door) {
        Ok(Call::Send(send)) => Ok(*send),
        Ok(Call::MarkRead { .. }) => Err(0),
        Err(error) => Err(error.code),
    }
}

fn of_kind(kind: &str, content: Value) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "to": "+16505551234",
        "type": kind,
        kind: content,
    })
}

fn interactive(content: Value) -> Value {
    of_kind("interactive", content)
}

fn buttons(count: usize) -> Value {
    let buttons: Vec<Value> = (0..count)
        .map(|at| json!({ "type": "reply", "reply": { "id": format!("b{at}"), "title": "Yes" } }))
        .collect();
    json!({ "type": "button", "body": { "text": "?" }, "action": { "buttons": buttons } })
}

fn list(rows: &[usize]) -> Value {
    let mut next = 0;
    let sections: Vec<Value> = rows
        .iter()
        .map(|count| {
            let rows: Vec<Value> = (0..*count)
                .map(|_| {
                    next += 1;
                    json!({ "id": format!("r{next}"), "title": "A row" })
                })
                .collect();
            json!({ "title": "Section", "rows": rows })
        })
        .collect();
    json!({
        "type": "list",
        "body": { "text": "Choose" },
        "action": { "button": "Open", "sections": sections },
    })
}

fn carousel(count: usize) -> Value {
    let cards: Vec<Value> = (0..count)
        .map(|at| {
            json!({
                "card_index": at,
                "type": "cta_url",
                "header": { "type": "image", "image": { "link": "https://example.com/a.png" } },
                "body": { "text": "A card" },
                "action": {
                    "name": "cta_url",
                    "parameters": { "display_text": "Go", "url": "https://example.com" },
                },
            })
        })
        .collect();
    json!({ "type": "carousel", "body": { "text": "Look" }, "action": { "cards": cards } })
}

#[test]
fn documented_examples_of_every_kind_are_taken() {
    let link = json!({ "link": "https://example.com/file" });
    let examples = [
        of_kind("text", json!({ "body": "Hi", "preview_url": true })),
        of_kind(
            "image",
            json!({ "link": "https://example.com/a.png", "caption": "x" }),
        ),
        of_kind(
            "audio",
            json!({ "link": "https://example.com/a.ogg", "voice": true }),
        ),
        of_kind("video", json!({ "id": "4490709327384033", "caption": "x" })),
        of_kind(
            "document",
            json!({ "link": "https://example.com/a.pdf", "filename": "a.pdf" }),
        ),
        of_kind("sticker", link.clone()),
        of_kind(
            "location",
            json!({ "latitude": "37.4421", "longitude": -122.16, "name": "Here" }),
        ),
        of_kind(
            "contacts",
            json!([{ "name": { "formatted_name": "A B" }, "phones": [{ "phone": "+1650" }],
                     "birthday": "1999-01-23" }]),
        ),
        of_kind("reaction", json!({ "message_id": "wamid.x", "emoji": "" })),
        interactive(buttons(3)),
        interactive(list(&[4, 6])),
        interactive(carousel(2)),
        interactive(json!({
            "type": "cta_url", "body": { "text": "x" },
            "header": { "type": "document", "document": link },
            "action": { "name": "cta_url",
                        "parameters": { "display_text": "Go", "url": "https://example.com" } } })),
        interactive(json!({
            "type": "flow", "body": { "text": "x" },
            "action": { "name": "flow", "parameters": {
                "flow_message_version": "3", "flow_id": "1", "flow_cta": "Book",
                "flow_action": "navigate", "flow_action_payload": { "screen": "A" } } } })),
        interactive(json!({ "type": "product",
                            "action": { "catalog_id": "1", "product_retailer_id": "2" } })),
        interactive(
            json!({ "type": "location_request_message", "body": { "text": "Where?" },
                            "action": { "name": "send_location" } }),
        ),
        interactive(json!({ "type": "catalog_message", "body": { "text": "x" },
                            "action": { "name": "catalog_message" } })),
        interactive(
            json!({ "type": "request_contact_info", "body": { "text": "x" },
                            "action": { "name": "request_contact_info" } }),
        ),
        of_kind(
            "template",
            json!({ "name": "a", "language": { "code": "en" } }),
        ),
    ];
    for example in examples {
        assert_eq!(read(&example).err(), None, "{example}");
    }
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

fn all_refused(cases: &[(&str, Value, u32)]) {
    for (name, body, code) in cases {
        assert_eq!(read(body).map(|_| ()), Err(*code), "{name}");
    }
}

#[test]
fn interactive_messages_beyond_a_limit_are_refused() {
    all_refused(&[
        ("four buttons", interactive(buttons(4)), 131_009),
        ("no buttons", interactive(buttons(0)), 131_009),
        (
            "equal ids",
            with(
                interactive(buttons(2)),
                "/interactive/action/buttons/1/reply/id",
                json!("b0"),
            ),
            131_009,
        ),
        (
            "long title",
            with(
                interactive(buttons(1)),
                "/interactive/action/buttons/0/reply/title",
                json!("x".repeat(21)),
            ),
            131_009,
        ),
        ("eleven rows", interactive(list(&[5, 6])), 131_009),
        ("no rows", interactive(list(&[0])), 131_009),
        (
            "untitled section",
            with(
                interactive(list(&[1, 1])),
                "/interactive/action/sections/1/title",
                Value::Null,
            ),
            131_008,
        ),
        ("one card", interactive(carousel(1)), 131_009),
        ("eleven cards", interactive(carousel(11)), 131_009),
        (
            "mixed headers",
            with(
                interactive(carousel(2)),
                "/interactive/action/cards/1/header",
                json!({ "type": "video", "video": { "link": "https://example.com/a.mp4" } }),
            ),
            131_009,
        ),
    ]);
}

#[test]
fn media_places_and_people_beyond_a_limit_are_refused() {
    all_refused(&[
        ("neither id nor link", of_kind("image", json!({})), 131_008),
        (
            "both",
            of_kind("image", json!({ "id": "1", "link": "https://a.b" })),
            131_009,
        ),
        (
            "no web link",
            of_kind("image", json!({ "link": "ftp://a.b" })),
            131_009,
        ),
        (
            "captioned sticker",
            of_kind("sticker", json!({ "id": "1", "caption": "x" })),
            100,
        ),
        (
            "long caption",
            of_kind("video", json!({ "id": "1", "caption": "x".repeat(1025) })),
            131_009,
        ),
        (
            "off the Earth",
            of_kind("location", json!({ "latitude": 91, "longitude": 0 })),
            131_009,
        ),
        ("no contacts", of_kind("contacts", json!([])), 131_009),
        (
            "nameless contact",
            of_kind("contacts", json!([{ "name": {} }])),
            131_008,
        ),
        (
            "birthday",
            of_kind(
                "contacts",
                json!([{ "name": { "formatted_name": "A" }, "birthday": "23.01.1999" }]),
            ),
            131_009,
        ),
    ]);
}

#[test]
fn templates_and_parts_that_do_not_belong_together_are_refused() {
    all_refused(&[
        (
            "unknown type",
            interactive(json!({ "type": "hologram" })),
            131_009,
        ),
        (
            "template without language",
            of_kind("template", json!({ "name": "a" })),
            131_008,
        ),
        (
            "parameter of a wrong type",
            of_kind(
                "template",
                json!({ "name": "a", "language": { "code": "en" }, "components": [
                { "type": "body", "parameters": [{ "type": "image", "image": { "id": "1" } }] }] }),
            ),
            131_009,
        ),
        (
            "button without index",
            of_kind(
                "template",
                json!({ "name": "a", "language": { "code": "en" }, "components": [
                { "type": "button", "sub_type": "url", "parameters": [] }] }),
            ),
            131_008,
        ),
    ]);
    let mut reaction = of_kind(
        "reaction",
        json!({ "message_id": "wamid.x", "emoji": "👍" }),
    );
    reaction["context"] = json!({ "message_id": "wamid.y" });
    assert_eq!(read(&reaction).map(|_| ()), Err(131_009));
    let mut two = of_kind("text", json!({ "body": "x" }));
    two["image"] = json!({ "id": "1" });
    assert_eq!(read(&two).map(|_| ()), Err(100), "parts of two kinds");
}

fn template(components: Value) -> Template {
    Template::approved("order", "en", "MARKETING", components)
}

fn sent(components: Value) -> Value {
    json!({ "name": "order", "language": { "code": "en" }, "components": components })
}

fn code_of(sent: &Value, template: &Template) -> Option<u32> {
    template_send::check(sent).unwrap();
    template_match::match_template(sent, template)
        .err()
        .map(|error| error.code)
}

#[test]
fn a_template_send_must_fill_its_template() {
    let defined = template(json!([
        { "type": "HEADER", "format": "IMAGE" },
        { "type": "BODY", "text": "Hi {{1}}, your order {{2}}" },
        { "type": "BUTTONS", "buttons": [
            { "type": "QUICK_REPLY", "text": "Stop" },
            { "type": "URL", "text": "Track", "url": "https://example.com/{{1}}" },
            { "type": "COPY_CODE", "example": "SAVE" } ] },
    ]));
    let text = |text: &str| json!({ "type": "text", "text": text });
    let image = json!({ "type": "header", "parameters": [
        { "type": "image", "image": { "link": "https://example.com/a.png" } }] });
    let body = json!({ "type": "body", "parameters": [text("Ana"), text("42")] });
    let url =
        json!({ "type": "button", "sub_type": "url", "index": "1", "parameters": [text("42")] });
    let coupon = json!({ "type": "button", "sub_type": "copy_code", "index": 2,
        "parameters": [{ "type": "coupon_code", "coupon_code": "SAVE20" }] });
    let all = sent(json!([image, body, url, coupon]));
    assert_eq!(code_of(&all, &defined), None);
    for left_out in 0..4 {
        let mut less = all.clone();
        less["components"].as_array_mut().unwrap().remove(left_out);
        assert_eq!(
            code_of(&less, &defined),
            Some(132_000),
            "without component {left_out}"
        );
    }
    let with = |at: usize, component: Value| {
        let mut changed = all.clone();
        changed["components"][at] = component;
        code_of(&changed, &defined)
    };
    let video = json!({ "type": "header", "parameters": [
        { "type": "video", "video": { "link": "https://example.com/a.mp4" } }] });
    assert_eq!(with(0, video), Some(132_012));
    let one = json!({ "type": "body", "parameters": [text("Ana")] });
    assert_eq!(with(1, one), Some(132_000));
    let long = json!({ "type": "body", "parameters": [text(&"x".repeat(1020)), text("42")] });
    assert_eq!(with(1, long), Some(132_005));
    let elsewhere =
        json!({ "type": "button", "sub_type": "url", "index": "0", "parameters": [text("42")] });
    assert_eq!(with(2, elsewhere), Some(132_000));
}

#[test]
fn named_parameters_are_filled_by_name_and_passwords_stand_twice() {
    let named = template(json!([{ "type": "BODY", "text": "Hi {{first_name}}" }]));
    let by = |name: Option<&str>| {
        let mut parameter = json!({ "type": "text", "text": "Ana" });
        if let Some(name) = name {
            parameter["parameter_name"] = json!(name);
        }
        sent(json!([{ "type": "body", "parameters": [parameter] }]))
    };
    assert_eq!(code_of(&by(Some("first_name")), &named), None);
    assert_eq!(code_of(&by(Some("last_name")), &named), Some(132_000));
    assert_eq!(code_of(&by(None), &named), Some(132_000));

    let password = Template {
        category: "AUTHENTICATION".to_owned(),
        ..template(json!([
            { "type": "BODY", "text": "{{1}} is your code." },
            { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE", "text": "Copy" }] },
        ]))
    };
    let twice = |body: &str, button: &str| {
        sent(json!([
            { "type": "body", "parameters": [{ "type": "text", "text": body }] },
            { "type": "button", "sub_type": "url", "index": "0",
              "parameters": [{ "type": "text", "text": button }] },
        ]))
    };
    assert_eq!(code_of(&twice("123456", "123456"), &password), None);
    assert_eq!(
        code_of(&twice("123456", "654321"), &password),
        Some(132_012)
    );
    let only_body =
        sent(json!([{ "type": "body", "parameters": [{ "type": "text", "text": "1" }] }]));
    assert_eq!(code_of(&only_body, &password), Some(132_000));
}

#[test]
fn every_listed_field_has_a_sample() {
    for field in super::fields::FIELDS {
        let sample = super::fields::sample(field, &PhoneNumber::default());
        assert!(sample.is_some_and(|sample| sample.is_object()), "{field}");
    }
}
