//! Rules of what a webhook holds.

use serde_json::{Value, json};

use super::super::super::webhook;
use super::{answering, changed, echo, refused, text_of};

fn item() -> Value {
    json!({ "route": "App", "pointer": null, "dedupe_key": "k", "event": { "Message": {
        "provider_message_id": "1",
        "sender": { "phone": "491", "user_id": null, "username": null, "name": null },
        "group": null, "at": 5, "reply_to": null, "forwarded": false, "content": { "Text": "" },
        "referral": null,
    } } })
}

fn item_rules() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("/dedupe_key", json!(""), "dedupe-key is empty"),
        ("/dedupe_key", text_of(513), "dedupe-key has 513"),
        (
            "/dedupe_key",
            json!("a\u{0}"),
            "dedupe-key has control characters",
        ),
        ("/pointer", json!("entry"), "no JSON pointer"),
        ("/route", json!({ "Sender": "" }), "route sender is empty"),
        (
            "/route",
            json!({ "Account": text_of(513) }),
            "route account has 513",
        ),
        (
            "/event/Message/provider_message_id",
            json!(""),
            "message.provider-message-id is empty",
        ),
        (
            "/event/Message/at",
            json!(253_402_300_800_000_u64),
            "message.at is after the year 9999",
        ),
        (
            "/event/Message/sender/phone",
            json!("49\n"),
            "message.sender.phone has control",
        ),
        (
            "/event/Message/reply_to",
            json!(""),
            "message.reply-to is empty",
        ),
        (
            "/event/Message/referral",
            json!("{"),
            "referral is not JSON",
        ),
        ("/event", json!({ "Account": "?" }), "account is not JSON"),
        (
            "/event",
            json!({ "Template": { "id": null, "name": "", "language": "de", "change": { "Status": "" }, "reason": null } }),
            "template.name is empty",
        ),
        (
            "/event",
            json!({ "Channel": { "verdict": null, "quality": null, "messages_per_second": null, "messaging_limit": null, "title": "", "detail": "" } }),
            "detail is not JSON",
        ),
    ]
}

fn content_rules() -> Vec<(Value, &'static str)> {
    let deep = "[".repeat(65) + &"]".repeat(65);
    let media = json!({ "Media": { "kind": "Image", "locator": "", "content_type": null, "sha256": null, "caption": null, "filename": null } });
    vec![
        (json!({ "Contacts": "" }), "contacts is not JSON"),
        (json!({ "Other": deep }), "nested more than 64 levels deep"),
        (json!({ "Order": "1e999" }), "number out of range"),
        (media, "media.locator is empty"),
        (json!({ "Reaction": ["", null] }), "reaction is empty"),
        (json!({ "Revoked": "" }), "revoked is empty"),
        (json!({ "Edited": ["a", "nul"] }), "edited is not JSON"),
    ]
}

#[tokio::test]
async fn an_atom_that_breaks_a_rule_is_refused_with_its_number() {
    let Some(plugin) = echo().await else { return };
    let contents = content_rules().into_iter();
    let contents = contents.map(|(value, rule)| ("/event/Message/content", value, rule));
    for (pointer, value, rule) in item_rules().into_iter().chain(contents) {
        let items = json!([item(), changed(item(), pointer, value)]);
        let parsed = json!({ "items": items, "next": null });
        refused(&plugin, "inbound", &parsed, rule).await;
        refused(&plugin, "inbound", &parsed, "items[1]").await;
        refused(&plugin, "catch-up", &json!({ "Page": parsed }), rule).await;
    }
    let many = json!({ "items": vec![item(); 2001], "next": null });
    refused(&plugin, "inbound", &many, "parsed.items has 2001").await;
    refused(
        &plugin,
        "catch-up",
        &json!({ "Page": many }),
        "page.items has 2001",
    )
    .await;
    let endless = json!({ "items": [], "next": 0 });
    refused(&plugin, "inbound", &endless, "which would never end").await;
}

#[tokio::test]
async fn what_people_type_is_never_a_reason_to_refuse() {
    let Some(plugin) = echo().await else { return };
    let mut item = item();
    let long = text_of(100_000);
    item["event"]["Message"]["sender"]["name"] = json!("\u{0}\u{1b}[31m");
    item["event"]["Message"]["content"] = json!({ "Media": {
        "kind": "Document", "locator": "1", "content_type": null, "sha256": null, "caption": long,
        "filename": "../\r\n\u{0}",
    } });
    let answer = answering(&json!({ "items": [item], "next": null }));
    let parsed = plugin.parse(&answer, &webhook(b""), 0).await.unwrap();
    assert_eq!(parsed.items[0].event.document()["content"]["caption"], long);
}
