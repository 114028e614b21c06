//! What the script player posts, and what it does not.

use serde_json::{Value, json};
use wharf_plugin::inbound::{Content, State};
use wharf_plugin::prelude::{Code, Error, Event, Item, Provider, Route, Webhook};
use wharf_plugin::types::HttpMethod;
use wharf_plugin_sandbox::Sandbox;

use crate::{RECEIVED_AT, context};

fn parse(body: &Value) -> Vec<Item> {
    parse_bytes(body.to_string().as_bytes()).unwrap()
}

fn parse_bytes(body: &[u8]) -> Result<Vec<Item>, Error> {
    let webhook = Webhook {
        name: "main".to_owned(),
        method: HttpMethod::Post,
        query: Vec::new(),
        headers: Vec::new(),
        body: body.to_vec(),
        received_at: RECEIVED_AT,
    };
    let parsed = Sandbox::parse(&context(&[]), &webhook, 0)?;
    assert_eq!(parsed.next, None);
    Ok(parsed.items)
}

#[test]
fn statuses_and_messages_of_a_webhook() {
    let items = parse(&json!({
        "sender": "demo",
        "statuses": [
            { "id": "sbx_1", "message_id": "01J", "status": "delivered", "at_ms": 5 },
            { "id": "sbx_1", "message_id": "01J", "status": "failed", "at_ms": 6, "error": { "code": "recipient-unknown", "message": "Nobody." } },
        ],
        "messages": [{ "id": "sbx_2", "from": "+4915112345678", "at_ms": 7, "text": "Hi" }],
    }));
    assert!(
        items
            .iter()
            .all(|item| item.route == Route::Sender("demo".to_owned()))
    );
    let keys: Vec<&str> = items.iter().map(|item| item.dedupe_key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "status:sbx_1:delivered",
            "status:sbx_1:failed",
            "message:sbx_2"
        ]
    );
    let Event::Status(delivered) = &items[0].event else {
        panic!("a status")
    };
    assert_eq!(
        (
            delivered.state,
            delivered.at,
            delivered.message_id.as_deref()
        ),
        (State::Delivered, 5, Some("01J"))
    );
    let Event::Status(failed) = &items[1].event else {
        panic!("a status")
    };
    let error = failed.error.as_ref().unwrap();
    assert_eq!(
        (error.code, error.detail.as_str()),
        (Code::RecipientUnknown, "Nobody.")
    );
    let Event::Message(message) = &items[2].event else {
        panic!("a message")
    };
    assert_eq!(
        (message.sender.phone.as_deref(), message.at),
        (Some("4915112345678"), 7)
    );
    assert_eq!(message.content, Content::Text("Hi".to_owned()));
}

#[test]
fn what_is_not_understood_is_kept() {
    let strange = json!({ "id": "sbx_1", "status": "dancing" });
    let items = parse(&json!({ "sender": "demo", "statuses": [strange], "messages": [5] }));
    assert_eq!(items[0].event, Event::Other(strange.to_string()));
    assert_eq!(items[1].event, Event::Other("5".to_owned()));
    for body in [json!({}), json!([]), json!({ "statuses": {}, "sender": 5 })] {
        let items = parse(&body);
        assert_eq!(
            (items.len(), &items[0].event),
            (1, &Event::Other(body.to_string()))
        );
        assert_eq!(items[0].route, Route::App);
    }
    for wrong in [b"".as_slice(), b"{", b"\xff"] {
        assert_eq!(
            parse_bytes(wrong).unwrap_err().code,
            Code::MalformedResponse
        );
    }
}
