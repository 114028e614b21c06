//! Every event and content a webhook can bring arrives whole, from `parse` and from `catch-up` alike.

use serde_json::{Value, json};
use wharf_core::provider::{InboundEvent, InboundItem, PageStep, Route};
use wharf_runtime::Plugin;

use super::super::webhook;
use super::{answering, echo, exchange_json};

fn party() -> Value {
    json!({ "phone": "491", "user_id": null, "username": "ada", "name": "Ada" })
}

fn message(content: &Value) -> Value {
    json!({
        "provider_message_id": "wamid.1", "sender": party(), "group": "g", "at": 5, "reply_to": "wamid.0",
        "forwarded": true, "content": content, "referral": r#"{"source":"ad"}"#,
    })
}

fn item(event: &Value) -> Value {
    json!({ "route": { "Sender": "106" }, "pointer": "/entry/0", "dedupe_key": "k", "event": event })
}

async fn parsed(plugin: &Plugin, events: &[Value]) -> Vec<InboundItem> {
    let items: Vec<_> = events.iter().map(item).collect();
    let answer = answering(&json!({ "items": items, "next": 9 }));
    let parsed = plugin.parse(&answer, &webhook(b"{}"), 3).await.unwrap();
    assert_eq!(parsed.next, Some(9));

    let page = answering(&json!({ "Page": { "items": items, "next": exchange_json() } }));
    match plugin.catch_up(&page, 1).await.unwrap() {
        PageStep::Page(missed, _) => assert_eq!(missed, parsed.items),
        other => panic!("expected a page, got {other:?}"),
    }
    let last = answering(&json!({ "Page": { "items": items, "next": null } }));
    match plugin.catch_up(&last, 1).await.unwrap() {
        PageStep::Done(missed) => assert_eq!(missed, parsed.items),
        other => panic!("expected the last page, got {other:?}"),
    }
    parsed.items
}

/// Contents as the guest gives them and as they are stored and told.
fn contents() -> Vec<(Value, Value)> {
    let media = |kind: &str| json!({ "Media": { "kind": kind, "locator": "77", "content_type": "a/b", "sha256": "x", "caption": null, "filename": "f" } });
    let stored = |kind: &str| json!({ "type": "media", "kind": kind, "locator": "77", "content_type": "a/b", "sha256": "x", "caption": null, "filename": "f" });
    let choice = json!({ "id": "1", "title": "One", "description": "First" });
    let mut contents = vec![
        (
            json!({ "Text": "hi" }),
            json!({ "type": "text", "body": "hi" }),
        ),
        (
            json!({ "Location": { "latitude": 1.5, "longitude": 2.0, "name": null, "address": "A" } }),
            json!({ "type": "location", "latitude": 1.5, "longitude": 2.0, "name": null, "address": "A" }),
        ),
        (
            json!({ "Contacts": "[1]" }),
            json!({ "type": "contacts", "contacts": [1] }),
        ),
        (
            json!({ "Reaction": ["wamid.2", null] }),
            json!({ "type": "reaction", "message_id": "wamid.2", "emoji": null }),
        ),
        (
            json!({ "Button": choice }),
            json!({ "type": "button", "id": "1", "title": "One", "description": "First" }),
        ),
        (
            json!({ "ListChoice": choice }),
            json!({ "type": "list_choice", "id": "1", "title": "One", "description": "First" }),
        ),
        (
            json!({ "FlowResponse": r#"{"a":1}"# }),
            json!({ "type": "flow_response", "response": { "a": 1 } }),
        ),
        (
            json!({ "Order": "2" }),
            json!({ "type": "order", "order": 2 }),
        ),
        (
            json!({ "System": "3" }),
            json!({ "type": "system", "system": 3 }),
        ),
        (
            json!({ "Edited": ["wamid.3", "4"] }),
            json!({ "type": "edited", "message_id": "wamid.3", "message": 4 }),
        ),
        (
            json!({ "Revoked": "wamid.4" }),
            json!({ "type": "revoked", "message_id": "wamid.4" }),
        ),
        (
            json!({ "Unsupported": "5" }),
            json!({ "type": "unsupported", "raw": 5 }),
        ),
        (
            json!({ "Other": "6" }),
            json!({ "type": "other", "raw": 6 }),
        ),
    ];
    for kind in ["Image", "Video", "Audio", "Voice", "Document", "Sticker"] {
        contents.push((media(kind), stored(&kind.to_lowercase())));
    }
    contents
}

#[tokio::test]
async fn every_content_of_an_inbound_message_arrives_as_it_is() {
    let Some(plugin) = echo().await else { return };
    let (given, expected): (Vec<_>, Vec<_>) = contents().into_iter().unzip();
    let events: Vec<_> = given
        .iter()
        .map(|content| json!({ "Message": message(content) }))
        .collect();
    let items = parsed(&plugin, &events).await;
    assert_eq!(items.len(), expected.len());
    for (item, content) in items.iter().zip(expected) {
        assert_eq!(item.route, Route::Sender("106".to_owned()));
        assert_eq!(item.pointer.as_deref(), Some("/entry/0"));
        assert_eq!(item.dedupe_key, "k");
        let InboundEvent::Message(message) = &item.event else {
            panic!("expected a message, got {item:?}");
        };
        let shown = item.event.document();
        assert_eq!(
            shown,
            json!({
                "provider_message_id": "wamid.1",
                "sender": { "phone": "491", "username": "ada", "name": "Ada" },
                "group": "g", "at_ms": 5, "reply_to": "wamid.0", "forwarded": true,
                "content": content, "referral": { "source": "ad" },
            })
        );
        let stored = serde_json::to_string(message).unwrap();
        assert_eq!(
            &serde_json::from_str::<wharf_core::provider::InboundMessage>(&stored).unwrap(),
            &**message
        );
    }
}

#[tokio::test]
async fn every_status_arrives_as_it_is() {
    let Some(plugin) = echo().await else { return };
    let states = [
        "Queued",
        "Sent",
        "Delivered",
        "Read",
        "Played",
        "Failed",
        "Canceled",
    ];
    let status = |state: &&str| {
        json!({ "Status": {
            "provider_message_id": "wamid.1", "recipient": party(), "state": state, "at": 7,
            "error": {
                "code": "Other", "retry": "Never", "provider_code": "1", "trace_id": null,
                "detail": "d", "remedy": null, "pace": [],
            },
            "pricing": { "category": "utility", "billable": true, "model": "PMP" },
            "conversation_id": "c", "message_id": "01J", "group": null,
        } })
    };
    let events: Vec<_> = states.iter().map(status).collect();
    for (item, state) in parsed(&plugin, &events).await.iter().zip(states) {
        assert_eq!(item.event.kind(), "status");
        assert_eq!(
            item.event.document(),
            json!({
                "provider_message_id": "wamid.1",
                "recipient": { "phone": "491", "username": "ada", "name": "Ada" },
                "state": state.to_lowercase(), "at_ms": 7,
                "error": {
                    "class": "other", "retry": "never", "provider_code": "1", "trace_id": null,
                    "detail": "d", "remedy": null, "pace": [],
                },
                "pricing": { "category": "utility", "billable": true, "model": "PMP" },
                "conversation_id": "c", "message_id": "01J", "group": null,
            })
        );
    }
}

/// Events as the guest gives them, their kind, and all that is told of them.
fn events() -> Vec<(Value, &'static str, Value)> {
    let shown_party = json!({ "phone": "491", "username": "ada", "name": "Ada" });
    let mut events = vec![
        (
            json!({ "Preference": { "who": party(), "category": "marketing", "opted_in": false, "at": 1 } }),
            "preference",
            json!({ "who": shown_party, "category": "marketing", "opted_in": false, "at_ms": 1 }),
        ),
        (
            json!({ "Identity": { "before": party(), "after": party(), "at": 2 } }),
            "identity",
            json!({ "before": shown_party, "after": shown_party, "at_ms": 2 }),
        ),
        (
            json!({ "Echo": { "message": message(&json!({ "Text": "hi" })), "recipient": party() } }),
            "echo",
            json!({
                "provider_message_id": "wamid.1", "sender": shown_party, "recipient": shown_party,
                "group": "g", "at_ms": 5, "reply_to": "wamid.0", "forwarded": true,
                "content": { "type": "text", "body": "hi" }, "referral": { "source": "ad" },
            }),
        ),
        (json!({ "Account": "[7]" }), "account", json!([7])),
        (json!({ "Other": "8" }), "other", json!(8)),
    ];
    let changes = [
        (
            json!({ "Status": "APPROVED" }),
            json!({ "status": "APPROVED" }),
        ),
        (json!({ "Quality": "RED" }), json!({ "quality": "RED" })),
        (
            json!({ "Category": "UTILITY" }),
            json!({ "category": "UTILITY" }),
        ),
        (json!({ "Components": "[1]" }), json!({ "components": [1] })),
    ];
    for (change, shown) in changes {
        events.push((
            json!({ "Template": { "id": "1", "name": "n", "language": "de", "change": change, "reason": null } }),
            "template",
            json!({ "id": "1", "name": "n", "language": "de", "change": shown, "reason": null }),
        ));
    }
    for verdict in ["Ok", "Degraded", "Blocked"] {
        events.push((
            json!({ "Channel": {
                "verdict": verdict, "quality": "GREEN", "messages_per_second": 80,
                "messaging_limit": "TIER_1K", "title": "T", "detail": r#"{"a":1}"#,
            } }),
            "channel",
            json!({
                "verdict": verdict.to_lowercase(), "quality": "GREEN", "messages_per_second": 80,
                "messaging_limit": "TIER_1K", "title": "T", "detail": { "a": 1 },
            }),
        ));
    }
    events
}

#[tokio::test]
async fn every_other_event_arrives_as_it_is() {
    let Some(plugin) = echo().await else { return };
    let given: Vec<_> = events().into_iter().map(|(event, ..)| event).collect();
    let items = parsed(&plugin, &given).await;
    assert_eq!(items.len(), given.len());
    for (item, (_, kind, shown)) in items.iter().zip(events()) {
        assert_eq!(item.event.kind(), kind);
        assert_eq!(item.event.document(), shown);
    }
}

#[tokio::test]
async fn every_route_arrives_as_it_is() {
    let Some(plugin) = echo().await else { return };
    let routes = [
        (json!({ "Sender": "1" }), Route::Sender("1".to_owned())),
        (json!({ "Account": "2" }), Route::Account("2".to_owned())),
        (json!("App"), Route::App),
    ];
    for (route, expected) in routes {
        let mut item = item(&json!({ "Other": "{}" }));
        item["route"] = route;
        item["pointer"] = Value::Null;
        let answer = answering(&json!({ "items": [item], "next": null }));
        let parsed = plugin.parse(&answer, &webhook(b"{}"), 0).await.unwrap();
        assert_eq!(parsed.items[0].route, expected);
        assert_eq!(parsed.items[0].pointer, None);
        assert_eq!(parsed.next, None);
    }
}
