//! What people write to us, one of each kind, in the words of both kinds of providers.

use serde_json::{Value, json};
use wharf_test_support::{graph, twilio};

use super::via::Via;
use crate::harness::SENDER;

pub(super) const BYTES: &[u8] = b"the bytes of a medium";
pub(super) const NAME: &str = "A customer";

/// What somebody writes, and how a tenant hears of it.
pub(super) struct Said {
    /// As in `inbound.text`.
    pub(super) name: &'static str,
    /// By the Cloud API's webhooks.
    pub(super) cloud: Cloud,
    /// By Twilio's; nothing where Twilio has no such webhook.
    pub(super) twilio: Option<twilio::Inbound>,
    /// Members of the event that are not as in every event.
    pub(super) event: Value,
}

pub(super) enum Cloud {
    Message(graph::Inbound),
    /// Kind, media type, caption, and the name of a file.
    Medium(
        &'static str,
        &'static str,
        Option<&'static str>,
        Option<&'static str>,
    ),
}

/// The message that answers name, in the provider's words.
pub(super) fn quoted(via: Via) -> &'static str {
    match via {
        Via::Twilio => "SM0123456789abcdef0123456789abcdef",
        _ => "wamid.HBgLNDkxNTExMjM0NTY3OBUCABEY",
    }
}

fn cloud_answer(inbound: graph::Inbound) -> Cloud {
    Cloud::Message(inbound.reply_to("15550783881", quoted(Via::Graph)))
}

pub(super) fn all() -> Vec<Said> {
    let mut all = words();
    all.extend(media());
    all.extend(choices());
    all.extend(strange());
    all
}

fn words() -> Vec<Said> {
    let text = || graph::Inbound::text("Grüße 😀");
    let form = || twilio::Inbound::text("Grüße 😀");
    let said = json!({ "type": "text", "body": "Grüße 😀" });
    vec![
        Said {
            name: "text",
            cloud: Cloud::Message(text()),
            twilio: Some(form()),
            event: json!({ "content": said }),
        },
        Said {
            name: "reply",
            cloud: cloud_answer(text()),
            twilio: Some(form().replying_to(quoted(Via::Twilio), "whatsapp:+15550783881")),
            event: json!({ "content": said, "reply_to": "[quoted]" }),
        },
        Said {
            name: "forwarded",
            cloud: Cloud::Message(text().forwarded()),
            twilio: Some(form().forwarded(false)),
            event: json!({ "content": said, "forwarded": true }),
        },
        Said {
            name: "referral",
            cloud: Cloud::Message(text().from_advertisement()),
            twilio: Some(form().referred("ad", "120226305854810726", "Chat with us")),
            event: json!({ "content": said, "referral": [
                "body", "ctwa_clid", "headline", "image_url", "media_type", "source_id", "source_type", "source_url",
                "welcome_message",
            ] }),
        },
        Said {
            name: "location",
            cloud: Cloud::Message(graph::Inbound::location(
                48.2,
                11.5,
                "Office",
                "Main Street 1",
            )),
            twilio: Some(twilio::Inbound::place(
                "48.2",
                "11.5",
                "Office",
                "Main Street 1",
            )),
            event: json!({ "content": {
                "type": "location", "latitude": 48.2, "longitude": 11.5, "name": "Office", "address": "Main Street 1",
            } }),
        },
    ]
}

fn media() -> Vec<Said> {
    let of =
        |name: &'static str, kind: &'static str, content_type: &'static str, caption, filename| {
            let text = Option::<&str>::unwrap_or_default(caption);
            Said {
                name,
                cloud: Cloud::Medium(kind, content_type, caption, filename),
                twilio: Some(twilio::Inbound::medium(kind, content_type, BYTES, text)),
                event: json!({ "content": {
                "type": "media", "kind": name, "locator": "[locator]", "content_type": content_type,
                "sha256": "[digest]", "caption": caption, "filename": filename,
            } }),
            }
        };
    vec![
        of("image", "image", "image/jpeg", Some("Look"), None),
        of("video", "video", "video/mp4", Some("Look"), None),
        of("audio", "audio", "audio/mpeg", None, None),
        of("voice", "audio", "audio/ogg; codecs=opus", None, None),
        of(
            "document",
            "document",
            "application/pdf",
            None,
            Some("a.pdf"),
        ),
        of("sticker", "sticker", "image/webp", None, None),
    ]
}

fn choices() -> Vec<Said> {
    let twilios = quoted(Via::Twilio);
    let answers = json!({ "day": "monday" });
    let button = json!({ "type": "button", "id": "yes-1", "title": "Yes" });
    vec![
        Said {
            name: "button",
            cloud: cloud_answer(graph::Inbound::button_reply("yes-1", "Yes")),
            twilio: Some(twilio::Inbound::quick_reply("Yes", "yes-1", twilios)),
            event: json!({ "content": button, "reply_to": "[quoted]" }),
        },
        Said {
            name: "template-button",
            cloud: cloud_answer(graph::Inbound::template_button("yes-1", "Yes")),
            twilio: Some(twilio::Inbound::template_button("Yes", "yes-1", twilios)),
            event: json!({ "content": button, "reply_to": "[quoted]" }),
        },
        Said {
            name: "list",
            cloud: cloud_answer(graph::Inbound::list_reply("l", "Large", "Two litres")),
            twilio: Some(twilio::Inbound::list_reply(
                "Large",
                "l",
                "Two litres",
                twilios,
            )),
            event: json!({ "reply_to": "[quoted]", "content": {
                "type": "list_choice", "id": "l", "title": "Large", "description": "Two litres",
            } }),
        },
        Said {
            name: "flow",
            cloud: cloud_answer(graph::Inbound::flow_reply(&answers)),
            twilio: Some(twilio::Inbound::flow_reply(&answers, twilios)),
            event: json!({ "reply_to": "[quoted]", "content": { "type": "flow_response", "response": {
                "name": "flow", "body": "Sent", "response_json": answers.to_string(),
            } } }),
        },
    ]
}

fn strange() -> Vec<Said> {
    let of_meta = |name: &'static str, inbound: graph::Inbound, content: Value| Said {
        name,
        cloud: Cloud::Message(inbound),
        twilio: None,
        event: json!({ "content": content }),
    };
    let vcard = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada\r\nTEL:+4915112345678\r\nEND:VCARD\r\n";
    let card = json!({
        "name": { "formatted_name": "Ada", "first_name": "Ada" },
        "phones": [{ "phone": "+4915112345678", "type": "CELL" }], "origin": "other",
    });
    let order = json!({ "catalog_id": "c1", "text": "please", "product_items": [
        { "product_retailer_id": "p1", "quantity": 2, "item_price": 23.99, "currency": "USD" },
    ] });
    let wamid = quoted(Via::Graph);
    vec![
        Said {
            twilio: Some(twilio::Inbound::contact(vcard)),
            ..of_meta(
                "contacts",
                graph::Inbound::contact("Ada", "+4915112345678"),
                json!({ "type": "contacts", "contacts": [card] }),
            )
        },
        of_meta(
            "reaction",
            graph::Inbound::reaction(wamid, "👍"),
            json!({ "type": "reaction", "message_id": wamid, "emoji": "👍" }),
        ),
        of_meta(
            "order",
            graph::Inbound::order("c1", "please", "p1", 2),
            json!({ "type": "order", "order": order }),
        ),
        of_meta(
            "edit",
            graph::Inbound::edit(wamid, "better"),
            json!({ "type": "edited", "message_id": wamid, "message": { "type": "text", "text": { "body": "better" } } }),
        ),
        of_meta(
            "revoke",
            graph::Inbound::revoke(wamid),
            json!({ "type": "revoked", "message_id": wamid }),
        ),
        Said {
            name: "user-id",
            cloud: Cloud::Message(graph::Inbound::text("Hello").from_username("ada.l")),
            twilio: Some(twilio::Inbound::text("Hello").hidden_phone(&user_id())),
            event: json!({
                "content": { "type": "text", "body": "Hello" },
                "from": { "user_id": user_id(), "username": "ada.l", "name": NAME },
            }),
        },
    ]
}

/// The id that the fakes of the Cloud API give the one who writes.
pub(super) fn user_id() -> String {
    format!("US.9{SENDER}")
}
