//! Interactive messages.

use super::*;
use crate::provider::Action;

fn shape(kind: &str, action: Value) -> Value {
    json!({ "type": kind, "body": { "text": "Well?" }, "action": action })
}

fn replies(count: usize) -> Value {
    let button = |n| json!({ "type": "reply", "reply": { "id": format!("b{n}"), "title": format!("Button {n}") } });
    json!({ "buttons": (0..count).map(button).collect::<Vec<_>>() })
}

fn rows(count: usize) -> Value {
    let row = |n| json!({ "id": format!("r{n}"), "title": "Row", "description": "of many" });
    (0..count).map(row).collect()
}

fn action_of(content: Content) -> Action {
    match content {
        Content::Interactive { interactive } => interactive.action,
        other => panic!("not interactive: {other:?}"),
    }
}

#[test]
fn buttons() {
    let mut whole = shape("button", replies(3));
    whole["header"] = json!({ "type": "document", "document": { "link": "https://example.com/a.pdf", "filename": "a.pdf" } });
    whole["footer"] = json!({ "text": "Soon" });
    read("interactive", whole.clone());
    for header in [
        json!({ "type": "text", "text": "Title" }),
        json!({ "type": "image", "image": { "id": "1" } }),
        json!({ "type": "video", "video": { "link": "https://example.com/a.mp4" } }),
    ] {
        whole["header"] = header;
        read("interactive", whole.clone());
    }
    refused(
        "interactive",
        shape("button", replies(4)),
        &[("/action/buttons", "too-many")],
    );
    refused(
        "interactive",
        shape("button", replies(0)),
        &[("/action/buttons", "invalid")],
    );
    refused(
        "interactive",
        shape("button", json!({})),
        &[("/action/buttons", "missing")],
    );
    let wrong = json!({ "buttons": [
        { "type": "url", "reply": { "id": "1", "title": "x".repeat(21) } },
        { "reply": { "id": "", "title": "y" } },
        { "title": "z" },
    ] });
    refused(
        "interactive",
        shape("button", wrong),
        &[
            ("/action/buttons/0/type", "invalid"),
            ("/action/buttons/0/reply/title", "too-long"),
            ("/action/buttons/1/reply/id", "invalid"),
            ("/action/buttons/2/title", "unknown"),
            ("/action/buttons/2/reply", "missing"),
        ],
    );
    let twice = json!({ "buttons": [
        { "reply": { "id": "1", "title": "Same" } }, { "reply": { "id": "1", "title": "Same" } },
    ] });
    refused(
        "interactive",
        shape("button", twice),
        &[
            ("/action/buttons/1/reply/id", "duplicate"),
            ("/action/buttons/1/reply/title", "duplicate"),
        ],
    );
}

#[test]
fn what_stands_around_an_action() {
    let mut whole = shape("button", replies(1));
    whole["body"] = json!({ "text": "x".repeat(1025) });
    whole["footer"] = json!({ "text": "x".repeat(61) });
    whole["header"] = json!({ "type": "text", "text": "x".repeat(61) });
    whole["colour"] = json!("red");
    refused(
        "interactive",
        whole,
        &[
            ("/colour", "unknown"),
            ("/header/text", "too-long"),
            ("/body/text", "too-long"),
            ("/footer/text", "too-long"),
        ],
    );
    refused(
        "interactive",
        json!({ "type": "button", "action": replies(1) }),
        &[("/body", "missing")],
    );
    refused(
        "interactive",
        json!({ "action": replies(1) }),
        &[("/type", "missing")],
    );
    refused(
        "interactive",
        json!({ "type": "button", "body": { "text": "x" } }),
        &[("/action", "missing")],
    );
    let mut listed = shape(
        "list",
        json!({ "button": "Open", "sections": [{ "rows": rows(1) }] }),
    );
    listed["header"] = json!({ "type": "image", "image": { "id": "1" } });
    refused("interactive", listed, &[("/header/type", "invalid")]);
    let mut asked = shape(
        "location_request_message",
        json!({ "name": "send_location" }),
    );
    read("interactive", asked.clone());
    asked["header"] = json!({ "type": "text", "text": "x" });
    asked["footer"] = json!({ "text": "x" });
    refused(
        "interactive",
        asked,
        &[("/header", "invalid"), ("/footer", "invalid")],
    );
    let unnamed = shape("location_request_message", json!({}));
    refused("interactive", unnamed, &[("/action/name", "missing")]);
}

#[test]
fn lists() {
    let list = |sections: Value| shape("list", json!({ "button": "Open", "sections": sections }));
    read("interactive", list(json!([{ "rows": rows(10) }])));
    read(
        "interactive",
        list(
            json!([{ "title": "A", "rows": rows(1) }, { "title": "B", "rows": [{ "id": "z", "title": "Z" }] }]),
        ),
    );
    refused(
        "interactive",
        list(json!([{ "rows": rows(11) }])),
        &[("/action/sections/0/rows", "too-many")],
    );
    let two = json!([{ "title": "A", "rows": rows(10) }, { "title": "B", "rows": [{ "id": "z", "title": "Z" }] }]);
    refused(
        "interactive",
        list(two),
        &[("/action/sections", "too-many")],
    );
    let wrong = json!([
        { "title": "x".repeat(25), "rows": [{ "id": "1", "title": "x".repeat(25), "description": "x".repeat(73) }] },
        { "rows": [{ "id": "2", "title": "a" }, { "id": "2", "title": "b" }] },
    ]);
    refused(
        "interactive",
        list(wrong),
        &[
            ("/action/sections/0/title", "too-long"),
            ("/action/sections/0/rows/0/title", "too-long"),
            ("/action/sections/0/rows/0/description", "too-long"),
            ("/action/sections/1/title", "missing"),
            ("/action/sections/1/rows/1/id", "duplicate"),
        ],
    );
    let mut long = list(json!([{ "rows": rows(1) }]));
    long["body"]["text"] = "x".repeat(4096).into();
    read("interactive", long);
}

#[test]
fn links_and_flows() {
    let link = |parameters: Value| {
        shape(
            "cta_url",
            json!({ "name": "cta_url", "parameters": parameters }),
        )
    };
    read(
        "interactive",
        link(json!({ "display_text": "Open", "url": "https://example.com/" })),
    );
    refused(
        "interactive",
        link(json!({ "display_text": "x".repeat(21), "url": "http://example.com/" })),
        &[
            ("/action/parameters/display_text", "too-long"),
            ("/action/parameters/url", "invalid"),
        ],
    );
    let flow =
        |parameters: Value| shape("flow", json!({ "name": "flow", "parameters": parameters }));
    let parameters = json!({
        "flow_message_version": "3", "flow_id": "1", "flow_cta": "Book", "flow_token": "t",
        "flow_action": "navigate", "flow_action_payload": { "screen": "A" },
    });
    match action_of(read("interactive", flow(parameters.clone()))) {
        Action::Flow(document) => assert_eq!(document.to_value(), parameters),
        other => panic!("{other:?}"),
    }
    refused(
        "interactive",
        flow(json!({})),
        &[
            ("/action/parameters/flow_cta", "missing"),
            ("/action/parameters/flow_id", "missing"),
        ],
    );
    let both = json!({ "flow_cta": "Book", "flow_id": "1", "flow_name": "a" });
    refused(
        "interactive",
        flow(both),
        &[("/action/parameters/flow_name", "invalid")],
    );
}

fn card(index: usize) -> Value {
    json!({
        "card_index": index, "type": "cta_url", "header": { "type": "image", "image": { "link": "https://example.com/a.jpg" } },
        "body": { "text": "One" },
        "action": { "name": "cta_url", "parameters": { "display_text": "Buy", "url": "https://example.com/1" } },
    })
}

#[test]
fn carousels() {
    let carousel = |cards: Vec<Value>| shape("carousel", json!({ "cards": cards }));
    read("interactive", carousel((0..10).map(card).collect()));
    let product = |index| {
        json!({
            "card_index": index, "type": "product", "action": { "product_retailer_id": "p", "catalog_id": "c" },
        })
    };
    read("interactive", carousel(vec![product(0), product(1)]));
    refused(
        "interactive",
        carousel(vec![card(0)]),
        &[("/action/cards", "invalid")],
    );
    refused(
        "interactive",
        carousel((0..11).map(card).collect()),
        &[("/action/cards", "too-many")],
    );
    refused(
        "interactive",
        carousel(vec![card(1), card(1)]),
        &[("/action/cards/0/card_index", "invalid")],
    );
    let mut film = card(1);
    film["header"] = json!({ "type": "video", "video": { "link": "https://example.com/a.mp4" } });
    refused(
        "interactive",
        carousel(vec![card(0), film]),
        &[("/action/cards", "invalid")],
    );
    let mut wrong = card(1);
    wrong["body"]["text"] = "a\nb\nc\nd".into();
    wrong["action"]["parameters"]["url"] = "ftp://x".into();
    refused(
        "interactive",
        carousel(vec![card(0), wrong]),
        &[
            ("/action/cards/1/body", "too-many"),
            ("/action/cards/1/action/parameters/url", "invalid"),
        ],
    );
    let mut bare = card(1);
    bare.as_object_mut().unwrap().remove("header");
    refused(
        "interactive",
        carousel(vec![card(0), bare]),
        &[("/action/cards/1/header", "missing")],
    );
}

#[test]
fn what_no_case_models_is_passed_on() {
    let action = json!({ "catalog_id": "1", "product_retailer_id": "2" });
    match action_of(read(
        "interactive",
        json!({ "type": "product", "action": action }),
    )) {
        Action::Other(raw) => {
            assert_eq!(
                raw.document.to_value(),
                json!({ "type": "product", "action": action })
            );
        }
        other => panic!("{other:?}"),
    }
    let placed = json!({
        "type": "order_details", "action": { "name": "review_and_pay", "parameters": { "image": {} } },
        "media": [{ "pointer": "/action/parameters/image", "id": "1" }],
    });
    read("interactive", placed);
    refused(
        "interactive",
        json!({ "type": "Button!", "action": {} }),
        &[("/type", "invalid")],
    );
    let mut modelled = shape("button", replies(1));
    modelled["media"] = json!([]);
    refused("interactive", modelled, &[("/media", "invalid")]);
}
