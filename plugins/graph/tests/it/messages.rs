//! Messages: who wrote what.

use serde_json::{Value, json};
use wharf_plugin::inbound::{Choice, Content, Media, MediaKind, Message};
use wharf_plugin::prelude::{Event, Item, Route};

use crate::fixture::{RECEIVED_AT, envelope, parse_bytes, parse_one, sender};

/// A message of `kind` from a person with a number and a name.
fn message(kind: &str, payload: &Value) -> Value {
    json!({
        "from": "16505551234", "from_user_id": "US.1349", "id": "wamid.HBgL", "timestamp": "1789000001",
        "type": kind, kind: payload,
    })
}

fn read(message: &Value) -> Message {
    let item = parse_one(&envelope(&json!({
        "contacts": [{ "profile": { "name": "Ada" }, "wa_id": "16505551234", "user_id": "US.1349" }],
        "messages": [message],
    })));
    assert_eq!(item.route, sender());
    assert_eq!(
        item.pointer.as_deref(),
        Some("/entry/0/changes/0/value/messages/0")
    );
    assert_eq!(item.dedupe_key, "message:wamid.HBgL");
    match item.event {
        Event::Message(message) => message,
        other => panic!("not a message: {other:?}"),
    }
}

fn content(kind: &str, payload: &Value) -> Content {
    read(&message(kind, payload)).content
}

#[test]
fn a_text_with_its_sender() {
    let message = read(&message("text", &json!({ "body": "Hello \u{1f600}" })));
    assert_eq!(message.provider_message_id, "wamid.HBgL");
    assert_eq!(message.at, 1_789_000_001_000);
    assert_eq!(message.content, Content::Text("Hello \u{1f600}".to_owned()));
    assert_eq!(message.sender.phone.as_deref(), Some("16505551234"));
    assert_eq!(message.sender.user_id.as_deref(), Some("US.1349"));
    assert_eq!(message.sender.name.as_deref(), Some("Ada"));
    assert_eq!(
        (
            message.group,
            message.reply_to,
            message.forwarded,
            message.referral
        ),
        (None, None, false, None)
    );
}

#[test]
fn escapes_as_meta_writes_them() {
    let raw = br#"{"object":"whatsapp_business_account","entry":[{"id":"0","changes":[{"field":"messages","value":{"messages":[{"id":"wamid.1","timestamp":"1","type":"text","text":{"body":"\u00e4\u00f6\u00e5\/\ud83d\ude00"}}]}}]}]}"#;
    let items = parse_bytes(raw).unwrap();
    let [
        Item {
            event: Event::Message(message),
            route,
            ..
        },
    ] = items.as_slice()
    else {
        panic!("{items:?}")
    };
    assert_eq!(message.content, Content::Text("äöå/😀".to_owned()));
    assert_eq!(
        *route,
        Route::Account("0".to_owned()),
        "without a number's ID the account is the route"
    );
}

#[test]
fn a_person_without_a_phone_number() {
    let body = envelope(&json!({
        "contacts": [
            { "profile": { "name": "Bob", "username": "bob" }, "user_id": "US.2" },
            { "profile": { "name": "Ada", "username": "ada" }, "user_id": "US.1" },
        ],
        "messages": [{ "from_user_id": "US.1", "id": "wamid.1", "timestamp": "1", "type": "text", "text": { "body": "x" } }],
    }));
    let Event::Message(message) = parse_one(&body).event else {
        panic!("a message")
    };
    assert_eq!(message.sender.phone, None);
    assert_eq!(message.sender.user_id.as_deref(), Some("US.1"));
    assert_eq!(
        (
            message.sender.name.as_deref(),
            message.sender.username.as_deref()
        ),
        (Some("Ada"), Some("ada"))
    );
}

#[test]
fn the_envelope_of_replies_groups_forwards_and_ads() {
    let mut reply = message("text", &json!({ "body": "x" }));
    reply["context"] = json!({ "from": "1", "id": "wamid.0" });
    reply["group_id"] = json!("group-1");
    reply["referral"] = json!({ "source_id": "1", "ctwa_clid": "c" });
    let reply = read(&reply);
    assert_eq!(
        (reply.reply_to.as_deref(), reply.group.as_deref()),
        (Some("wamid.0"), Some("group-1"))
    );
    assert_eq!(
        reply.referral,
        Some(json!({ "source_id": "1", "ctwa_clid": "c" }).to_string())
    );
    for member in ["forwarded", "frequently_forwarded"] {
        let mut forward = message("text", &json!({ "body": "x" }));
        forward["context"] = json!({ member: true });
        assert!(read(&forward).forwarded);
    }
}

#[test]
fn media_of_every_kind() {
    for (kind, extra, expected) in [
        ("image", json!({ "caption": "See" }), MediaKind::Image),
        ("video", json!({}), MediaKind::Video),
        ("audio", json!({ "voice": false }), MediaKind::Audio),
        ("audio", json!({ "voice": true }), MediaKind::Voice),
        (
            "document",
            json!({ "filename": "a.pdf" }),
            MediaKind::Document,
        ),
        ("sticker", json!({ "animated": true }), MediaKind::Sticker),
    ] {
        let mut payload = json!({ "id": "1013859600285441", "mime_type": "a/b", "sha256": "c2hh", "url": "https://lookaside.fbsbx.com/x" });
        payload
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        let text = |name: &str| extra[name].as_str().map(str::to_owned);
        assert_eq!(
            content(kind, &payload),
            Content::Media(Media {
                kind: expected,
                locator: "1013859600285441".to_owned(),
                content_type: Some("a/b".to_owned()),
                sha256: Some("c2hh".to_owned()),
                caption: text("caption"),
                filename: text("filename"),
            })
        );
    }
}

#[test]
fn locations_with_numbers_or_strings() {
    for (latitude, longitude) in [(json!(-12.5), json!(130)), (json!("-12.5"), json!("130"))] {
        let Content::Location(location) = content(
            "location",
            &json!({ "latitude": latitude, "longitude": longitude, "name": "Here" }),
        ) else {
            panic!("a location")
        };
        assert_eq!((location.latitude, location.longitude), (-12.5, 130.0));
        assert_eq!(
            (location.name.as_deref(), location.address),
            (Some("Here"), None)
        );
    }
}

#[test]
fn reactions_and_their_removal() {
    let target = "wamid.0".to_owned();
    assert_eq!(
        content(
            "reaction",
            &json!({ "message_id": "wamid.0", "emoji": "\u{1f44d}" })
        ),
        Content::Reaction((target.clone(), Some("\u{1f44d}".to_owned())))
    );
    for gone in [
        json!({ "message_id": "wamid.0", "emoji": "" }),
        json!({ "message_id": "wamid.0" }),
    ] {
        assert_eq!(
            content("reaction", &gone),
            Content::Reaction((target.clone(), None))
        );
    }
}

#[test]
fn buttons_lists_and_flows() {
    let choice = |id: &str, title: &str, description: Option<&str>| Choice {
        id: id.to_owned(),
        title: title.to_owned(),
        description: description.map(str::to_owned),
    };
    assert_eq!(
        content("button", &json!({ "payload": "p", "text": "Yes" })),
        Content::Button(choice("p", "Yes", None))
    );
    assert_eq!(
        content("button", &json!({ "text": "Yes" })),
        Content::Button(choice("Yes", "Yes", None))
    );
    assert_eq!(
        content(
            "interactive",
            &json!({ "type": "button_reply", "button_reply": { "id": "b", "title": "B" } })
        ),
        Content::Button(choice("b", "B", None))
    );
    assert_eq!(
        content(
            "interactive",
            &json!({ "type": "list_reply", "list_reply": { "id": "l", "title": "L", "description": "D" } })
        ),
        Content::ListChoice(choice("l", "L", Some("D")))
    );
    let flow = json!({ "name": "flow", "body": "Sent", "response_json": "{\"a\":1}" });
    assert_eq!(
        content(
            "interactive",
            &json!({ "type": "nfm_reply", "nfm_reply": flow })
        ),
        Content::FlowResponse(flow.to_string())
    );
}

#[test]
fn contacts_orders_and_system_notes_keep_their_json() {
    let cards = json!([{ "name": { "formatted_name": "Bob" }, "origin": "other" }]);
    assert_eq!(
        content("contacts", &cards),
        Content::Contacts(cards.to_string())
    );
    let order = json!({ "catalog_id": "1", "product_items": [] });
    assert_eq!(content("order", &order), Content::Order(order.to_string()));
    let system = json!({ "body": "changed", "type": "something_else" });
    assert_eq!(
        content("system", &system),
        Content::System(system.to_string())
    );
}

#[test]
fn edits_revocations_and_what_meta_does_not_show() {
    let edited = json!({ "type": "text", "text": { "body": "new" } });
    assert_eq!(
        content(
            "edit",
            &json!({ "original_message_id": "wamid.0", "message": edited })
        ),
        Content::Edited(("wamid.0".to_owned(), edited.to_string()))
    );
    assert_eq!(
        content("revoke", &json!({ "original_message_id": "wamid.0" })),
        Content::Revoked("wamid.0".to_owned())
    );
    let mut unsupported = message("unsupported", &json!({ "type": "poll_creation" }));
    unsupported["errors"] = json!([{ "code": 131_051, "title": "Unsupported" }]);
    let Content::Unsupported(raw) = read(&unsupported).content else {
        panic!("unsupported")
    };
    let raw: Value = serde_json::from_str(&raw).unwrap();
    assert_eq!(
        (&raw["errors"][0]["code"], &raw["unsupported"]["type"]),
        (&json!(131_051), &json!("poll_creation"))
    );
}

#[test]
fn unknown_and_broken_kinds_keep_their_sender_and_their_raw_text() {
    for (kind, payload) in [
        ("hologram", json!({ "depth": 3 })),
        ("text", json!({})),
        ("text", json!("just text")),
        ("image", json!({ "caption": "no id" })),
        ("location", json!({ "latitude": "north", "longitude": 1 })),
        ("location", json!({ "latitude": "NaN", "longitude": 1 })),
        (
            "interactive",
            json!({ "type": "call_permission_reply", "call_permission_reply": { "response": "accept" } }),
        ),
        ("contacts", json!({})),
        ("revoke", json!(null)),
    ] {
        let raw = message(kind, &payload);
        let read = read(&raw);
        assert_eq!(read.content, Content::Other(raw.to_string()), "{kind}");
        assert_eq!(read.sender.name.as_deref(), Some("Ada"));
    }
    let without_type = json!({ "from": "1", "id": "wamid.HBgL", "timestamp": "x" });
    let read = read(&without_type);
    assert_eq!(
        (read.content, read.at),
        (Content::Other(without_type.to_string()), RECEIVED_AT)
    );
}
