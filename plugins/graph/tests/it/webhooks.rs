//! The walk through a body: entries, changes, atoms, and what is none of them.

use serde_json::{Value, json};
use wharf_plugin::inbound::Content;
use wharf_plugin::prelude::{Code, Event, Item, Route};

use crate::fixture::{WABA_ID, body, envelope, parse, parse_bytes, parse_one, sender};

/// The text message `wamid.HBgL`.
fn text(body: &str) -> Value {
    json!({ "from": "1", "id": "wamid.HBgL", "timestamp": "1", "type": "text", "text": { "body": body } })
}

#[test]
fn what_is_no_message_at_all_is_kept_raw() {
    for atom in [
        json!({ "type": "text", "text": { "body": "no id" } }),
        json!("x"),
        json!(null),
        json!([1]),
    ] {
        let item = parse_one(&envelope(&json!({ "messages": [atom] })));
        assert_eq!(item.event, Event::Other(atom.to_string()));
        assert!(
            item.dedupe_key.starts_with("messages:"),
            "{}",
            item.dedupe_key
        );
    }
}

#[test]
fn members_beside_messages_and_statuses_are_atoms_too() {
    let click = json!({ "action_type": "marketing_messages_link_click", "timestamp": "1" });
    let error = json!({ "code": 131_000, "title": "Something went wrong" });
    let items = parse(&envelope(&json!({
        "messages": [text("x")],
        "statuses": [{ "id": "wamid.2", "status": "sent", "timestamp": "1" }],
        "errors": [error], "user_actions": [click, click], "a/b": { "c": 1 },
    })));
    let pointers: Vec<&str> = items
        .iter()
        .filter_map(|item| item.pointer.as_deref())
        .collect();
    let base = "/entry/0/changes/0/value";
    for expected in [
        "messages/0",
        "statuses/0",
        "errors/0",
        "user_actions/0",
        "user_actions/1",
        "a~1b",
    ] {
        assert!(
            pointers.contains(&format!("{base}/{expected}").as_str()),
            "{expected} is missing in {pointers:?}"
        );
    }
    assert_eq!(items.len(), 6);
    let detail = error.to_string();
    assert!(
        items
            .iter()
            .any(|item| matches!(&item.event, Event::Channel(news) if news.detail == detail))
    );
}

#[test]
fn other_fields_are_kept_whole_and_routed_to_the_account() {
    let change = json!({ "field": "tracking_events", "value": { "event": "ACCOUNT_RESTRICTION" } });
    let entry = |time: u64| json!({ "id": WABA_ID, "time": time, "changes": [change] });
    let items = parse(&body(&json!([entry(1), entry(2), entry(1)])));
    for item in &items {
        assert_eq!(item.route, Route::Account(WABA_ID.to_owned()));
        assert_eq!(item.event, Event::Other(change.to_string()));
    }
    assert_ne!(
        items[0].dedupe_key, items[1].dedupe_key,
        "the same notice at another time is another"
    );
    assert_eq!(
        items[0].dedupe_key, items[2].dedupe_key,
        "the same notice sent again is the same"
    );
}

#[test]
fn a_change_of_messages_without_any_is_kept_whole() {
    for parts in [
        json!({}),
        json!({ "messages": [] }),
        json!({ "contacts": [{ "wa_id": "1" }] }),
        json!({ "statuses": null }),
    ] {
        let item = parse_one(&envelope(&parts));
        assert!(matches!(item.event, Event::Other(_)), "{parts}");
        assert_eq!(item.pointer.as_deref(), Some("/entry/0/changes/0"));
    }
}

#[test]
fn echoes_of_what_the_business_wrote_on_its_phone() {
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "phone_number_id": crate::fixture::PHONE_NUMBER_ID },
        "message_echoes": [{ "from": "15550783881", "to": "16505551234", "to_user_id": "US.1", "id": "wamid.9", "timestamp": "1", "type": "text", "text": { "body": "x" } }],
    });
    let item = parse_one(&body(
        &json!([{ "id": WABA_ID, "changes": [{ "field": "smb_message_echoes", "value": value }] }]),
    ));
    assert_eq!(
        (item.dedupe_key.as_str(), item.route),
        ("echo:wamid.9", sender())
    );
    let Event::Echo(echo) = item.event else {
        panic!("an echo")
    };
    assert_eq!(echo.recipient.user_id.as_deref(), Some("US.1"));
    assert_eq!(echo.message.content, Content::Text("x".to_owned()));
}

#[test]
fn shapes_nobody_has_described_are_kept_at_the_depth_where_they_begin() {
    for (strange, pointer) in [
        (json!([]), ""),
        (json!("text"), ""),
        (json!({ "object": "instagram", "entry": [] }), ""),
        (json!({ "object": "whatsapp_business_account" }), ""),
        (body(&json!({})), ""),
        (body(&json!([])), ""),
        (body(&json!([5])), "/entry/0"),
        (body(&json!([{ "id": "1" }])), "/entry/0"),
        (body(&json!([{ "id": "1", "changes": {} }])), "/entry/0"),
        (
            body(&json!([{ "id": "1", "changes": [null] }])),
            "/entry/0/changes/0",
        ),
        (
            body(&json!([{ "id": "1", "changes": [{ "field": "messages", "value": 1 }] }])),
            "/entry/0/changes/0",
        ),
        (
            envelope(&json!({ "messages": {} })),
            "/entry/0/changes/0/value/messages",
        ),
    ] {
        let item = parse_one(&strange);
        assert_eq!(item.pointer.as_deref(), Some(pointer), "{strange}");
        let expected = strange.pointer(pointer).unwrap().to_string();
        assert_eq!(item.event, Event::Other(expected), "{strange}");
    }
}

#[test]
fn one_strange_atom_spoils_nothing_beside_it() {
    let good = |id: &str| json!({ "from": "1", "id": id, "timestamp": "1", "type": "text", "text": { "body": "x" } });
    let items = parse(&body(&json!([
        { "id": "1", "changes": [7, { "field": "messages", "value": { "messages": [good("a"), 7, good("b")] } }] },
        7,
        { "id": "2", "changes": [{ "field": "messages", "value": { "messages": [good("c")] } }] },
    ])));
    let messages: Vec<&str> = items
        .iter()
        .filter_map(|item| match &item.event {
            Event::Message(message) => Some(message.provider_message_id.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(messages, ["a", "b", "c"]);
    assert_eq!(items.len(), 6);
}

#[test]
fn what_is_not_json_is_an_error_and_not_a_guess() {
    let whole = envelope(&json!({ "messages": [text("x")] })).to_string();
    for cut in 0..whole.len() {
        let error = parse_bytes(&whole.as_bytes()[..cut]).unwrap_err();
        assert_eq!(error.code, Code::MalformedResponse, "cut after {cut} bytes");
    }
    let trailing = format!("{whole}x");
    for wrong in [trailing.as_bytes(), b"\xff\xfe", b"\"\xc3\x28\""] {
        assert_eq!(
            parse_bytes(wrong).unwrap_err().code,
            Code::MalformedResponse
        );
    }
}

#[test]
fn depth_and_broken_surrogates_are_kept_as_a_text_that_the_host_takes() {
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let raw = format!(
        r#"{{"id":"wamid.1","type":"hologram","hologram":{deep},"text":{{"body":"\ud800"}}}}"#
    );
    let webhook = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{"messages":[{raw}]}}}}]}}]}}"#
    );
    let items = parse_bytes(webhook.as_bytes()).unwrap();
    let [
        Item {
            event: Event::Message(message),
            ..
        },
    ] = items.as_slice()
    else {
        panic!("one message")
    };
    let Content::Other(kept) = &message.content else {
        panic!("{message:?}")
    };
    let kept: String = serde_json::from_str(kept).unwrap();
    assert_eq!(kept, raw.replace("\\ud800", "\\ufffd"));
}

#[test]
fn a_full_batch_of_a_thousand_changes_with_several_atoms_each() {
    let change = |number: usize| {
        let text = |part: usize| json!({ "from": "16505551234", "id": format!("wamid.{number}.{part}"), "timestamp": "1", "type": "text", "text": { "body": "y".repeat(300) } });
        json!({ "field": "messages", "value": {
            "metadata": { "phone_number_id": format!("{}", number % 3) },
            "contacts": [{ "wa_id": "16505551234", "profile": { "name": "Ada" } }],
            "messages": [text(0), text(1)],
            "statuses": [{ "id": format!("wamid.s{number}"), "status": "read", "timestamp": "1" }],
        }})
    };
    let changes: Vec<Value> = (0..1_000).map(change).collect();
    let items = parse(&body(&json!([{ "id": WABA_ID, "changes": changes }])));
    assert_eq!(items.len(), 3_000);
    let mut keys: Vec<&str> = items.iter().map(|item| item.dedupe_key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 3_000, "every atom once");
}

#[test]
fn the_same_body_gives_the_same_items() {
    let body = envelope(&json!({ "messages": [text("x"), 5], "errors": [{}] }));
    assert_eq!(parse(&body), parse(&body));
}
