//! One message of each kind, as the API takes it: what every provider is asked to send, or has to refuse by
//! name. Whom it goes to is the test's business.

use serde_json::{Value, json};

/// A message, and the capabilities of which a provider declares one if it can send it.
pub(crate) struct Canonical {
    pub(crate) name: &'static str,
    pub(crate) capabilities: &'static [&'static str],
    /// With `type` and the member that it names, in the shape in which the API shows it again.
    pub(crate) body: Value,
}

pub(crate) fn messages() -> Vec<Canonical> {
    let mut all = plain();
    all.extend(media());
    all.extend(interactive());
    all.extend(templates());
    all
}

/// With somebody to send it to.
pub(crate) fn to(to: &str, canonical: &Canonical) -> Value {
    let mut body = canonical.body.clone();
    body["to"] = to.into();
    body
}

fn canonical(name: &'static str, capabilities: &'static [&'static str], body: Value) -> Canonical {
    Canonical {
        name,
        capabilities,
        body,
    }
}

fn plain() -> Vec<Canonical> {
    let place = json!({ "latitude": 48.2, "longitude": 11.5, "name": "Office", "address": "Main Street 1" });
    let card = json!({
        "name": { "formatted_name": "Ada Lovelace", "first_name": "Ada", "last_name": "Lovelace" },
        "phones": [{ "phone": "+4915112345678", "type": "WORK" }],
    });
    vec![
        canonical(
            "text",
            &["text"],
            json!({ "type": "text", "text": { "body": "Hellö 😀", "preview_url": false } }),
        ),
        canonical(
            "location",
            &["location"],
            json!({ "type": "location", "location": place }),
        ),
        canonical(
            "contacts",
            &["contacts"],
            json!({ "type": "contacts", "contacts": [card] }),
        ),
        canonical(
            "reaction",
            &["reaction"],
            json!({ "type": "reaction", "reaction": { "message_id": "wamid.HBgLNDkxNTEx", "emoji": "👍" } }),
        ),
        canonical(
            "read",
            &["read"],
            json!({ "type": "read", "read": { "message_id": "wamid.HBgLNDkxNTEx", "typing": false } }),
        ),
        canonical(
            "typing",
            &["typing", "read"],
            json!({ "type": "read", "read": { "message_id": "wamid.HBgLNDkxNTEx", "typing": true } }),
        ),
    ]
}

fn media() -> Vec<Canonical> {
    let of = |name: &'static str, capabilities, kind: &str, medium: Value| {
        canonical(name, capabilities, json!({ "type": kind, kind: medium }))
    };
    vec![
        of(
            "image",
            &["image"],
            "image",
            json!({ "link": "https://example.com/a.jpg", "caption": "A picture" }),
        ),
        of(
            "video",
            &["video"],
            "video",
            json!({ "link": "https://example.com/a.mp4" }),
        ),
        of(
            "audio",
            &["audio"],
            "audio",
            json!({ "link": "https://example.com/a.mp3" }),
        ),
        of(
            "document",
            &["document"],
            "document",
            json!({ "link": "https://example.com/a.pdf", "filename": "a.pdf" }),
        ),
        of(
            "sticker",
            &["sticker"],
            "sticker",
            json!({ "link": "https://example.com/a.webp" }),
        ),
    ]
}

fn interactive() -> Vec<Canonical> {
    let of = |name: &'static str, capabilities, kind: &str, action: Value| {
        let whole = json!({ "type": kind, "body": { "text": "Well?" }, "action": action });
        canonical(
            name,
            capabilities,
            json!({ "type": "interactive", "interactive": whole }),
        )
    };
    let reply =
        |id: &str, title: &str| json!({ "type": "reply", "reply": { "id": id, "title": title } });
    let rows = json!([
        { "id": "s", "title": "Small" },
        { "id": "l", "title": "Large", "description": "Two litres" },
    ]);
    let card = |index: usize| {
        let parameters = json!({ "display_text": "Buy", "url": "https://example.com/buy" });
        json!({
            "card_index": index, "type": "cta_url", "body": { "text": "One of two" },
            "header": { "type": "image", "image": { "link": "https://example.com/a.jpg" } },
            "action": { "name": "cta_url", "parameters": parameters },
        })
    };
    vec![
        of(
            "buttons",
            &["interactive.buttons", "interactive"],
            "button",
            json!({ "buttons": [reply("y", "Yes"), reply("n", "No")] }),
        ),
        of(
            "list",
            &["interactive.list", "interactive"],
            "list",
            json!({ "button": "Sizes", "sections": [{ "title": "All", "rows": rows }] }),
        ),
        of(
            "link",
            &["interactive.cta-url", "interactive"],
            "cta_url",
            json!({ "name": "cta_url", "parameters": { "display_text": "Open", "url": "https://example.com/" } }),
        ),
        of(
            "location request",
            &["interactive.location-request", "interactive"],
            "location_request_message",
            json!({ "name": "send_location" }),
        ),
        of(
            "flow",
            &["interactive.flow", "interactive"],
            "flow",
            json!({ "name": "flow", "parameters": {
                "flow_message_version": "3", "flow_id": "1", "flow_cta": "Book", "flow_token": "t",
                "flow_action": "navigate", "flow_action_payload": { "screen": "FIRST" },
            } }),
        ),
        of(
            "carousel",
            &["interactive.carousel", "interactive"],
            "carousel",
            json!({ "cards": [card(0), card(1)] }),
        ),
    ]
}

fn templates() -> Vec<Canonical> {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let body = json!({ "type": "body", "parameters": [text("Ada"), text("42")] });
    let whole = json!({
        "name": "order_update", "language": { "code": "en_US" }, "components": [body],
        "id": "HX0123456789abcdef0123456789abcdef",
    });
    vec![canonical(
        "template",
        &["template"],
        json!({ "type": "template", "template": whole }),
    )]
}
