//! What people write: each kind reads the same from every provider, or the plugin declares what is different.
//!
//! A plugin declares what it can bring as `inbound.KIND`. Without a note the event is the canonical one; with
//! a note it is another, and a note on an event that is canonical is as wrong as a difference without one.

use serde_json::{Value, json};
use wharf_test_support::{dialog360, eventually, graph, twilio};

use super::via::Via;
use crate::harness::{SENDER, Setup, TO, TestGateway, WAIT, each_with};

const BYTES: &[u8] = b"the bytes of a medium";
const NAME: &str = "A customer";

/// What somebody writes, and how a tenant hears of it.
struct Said {
    /// As in `inbound.text`.
    name: &'static str,
    /// By the Cloud API's webhooks.
    cloud: Cloud,
    /// By Twilio's; nothing where Twilio has no such webhook.
    twilio: Option<twilio::Inbound>,
    /// Members of the event that are not as in every event.
    event: Value,
}

enum Cloud {
    Message(graph::Inbound),
    /// Kind, media type, caption, and the name of a file.
    Medium(&'static str, &'static str, Option<&'static str>, Option<&'static str>),
}

/// The message that answers name, in the provider's words.
fn quoted(via: Via) -> &'static str {
    match via {
        Via::Twilio => "SM0123456789abcdef0123456789abcdef",
        _ => "wamid.HBgLNDkxNTExMjM0NTY3OBUCABEY",
    }
}

fn cloud_answer(inbound: graph::Inbound) -> Cloud {
    Cloud::Message(inbound.reply_to("15550783881", quoted(Via::Graph)))
}

fn all() -> Vec<Said> {
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
            cloud: Cloud::Message(graph::Inbound::location(48.2, 11.5, "Office", "Main Street 1")),
            twilio: Some(twilio::Inbound::place("48.2", "11.5", "Office", "Main Street 1")),
            event: json!({ "content": {
                "type": "location", "latitude": 48.2, "longitude": 11.5, "name": "Office", "address": "Main Street 1",
            } }),
        },
    ]
}

fn media() -> Vec<Said> {
    let of = |name: &'static str, kind: &'static str, content_type: &'static str, caption, filename| {
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
        of("document", "document", "application/pdf", None, Some("a.pdf")),
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
            twilio: Some(twilio::Inbound::list_reply("Large", "l", "Two litres", twilios)),
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
fn user_id() -> String {
    format!("US.9{SENDER}")
}

/// The whole event, without what is another in each: ids, times, bytes.
fn canonical(said: &Said) -> Value {
    let mut event = json!({
        "from": { "phone": TO, "user_id": user_id(), "name": NAME },
        "group": null, "reply_to": null, "forwarded": false, "referral": null,
    });
    let members = said.event.as_object().unwrap().clone();
    event.as_object_mut().unwrap().extend(members);
    event
}

/// The same of an event that came.
fn normalised(via: Via, mut data: Value) -> Value {
    for own in ["message_id", "provider_message_id", "at"] {
        assert!(data[own].is_string(), "{own} of {data:#}");
    }
    assert_eq!(data["channel"], via.channel());
    let members = data.as_object_mut().unwrap();
    for own in ["message_id", "provider_message_id", "at", "channel"] {
        members.remove(own);
    }
    if data["reply_to"] == quoted(via) {
        data["reply_to"] = "[quoted]".into();
    }
    for (pointer, stand_in) in [
        ("/content/locator", "[locator]"),
        ("/content/sha256", "[digest]"),
    ] {
        if let Some(own) = data.pointer_mut(pointer).filter(|own| own.is_string()) {
            *own = stand_in.into();
        }
    }
    if let Some(referral) = data["referral"].as_object() {
        let mut names: Vec<_> = referral.keys().cloned().collect();
        names.sort();
        data["referral"] = names.into();
    }
    data
}

/// Lets somebody write it; the provider's id of it, or nothing where the provider has no such webhook.
fn write(gateway: &TestGateway, via: Via, said: &Said) -> Option<String> {
    match (via, &said.cloud) {
        (Via::Twilio, _) => {
            let inbound = said.twilio.clone()?.profile_name(NAME);
            let inbound = match said.name {
                "user-id" => inbound,
                _ => inbound.user_id(&user_id()),
            };
            Some(gateway.twilio().receive(TO, &inbound))
        }
        (Via::Graph, Cloud::Message(message)) => Some(gateway.graph.receive(SENDER, message)),
        (Via::Graph, Cloud::Medium(kind, content_type, caption, filename)) => {
            let fake = &gateway.graph;
            let medium = fake.keep_medium(content_type, BYTES);
            Some(fake.receive(SENDER, &medium_of(kind, medium, *caption, *filename)))
        }
        (Via::Dialog360, cloud) => {
            let fake = gateway.dialog360();
            let number = fake.config().numbers[0].clone();
            let message = match cloud {
                Cloud::Message(message) => message.clone(),
                Cloud::Medium(kind, content_type, caption, filename) => {
                    let medium = fake.keep_medium(&number, content_type, BYTES);
                    medium_of(kind, medium, *caption, *filename)
                }
            };
            Some(fake.receive(&number, SENDER, &message))
        }
    }
}

fn medium_of(
    kind: &str,
    medium: Value,
    caption: Option<&str>,
    filename: Option<&str>,
) -> dialog360::Inbound {
    let inbound = dialog360::Inbound::medium(kind, medium, caption);
    match filename {
        Some(filename) => inbound.named(filename),
        None => inbound,
    }
}

/// The event of a message that came in.
async fn received(gateway: &TestGateway, what: &str, id: &str) -> Value {
    let found = eventually(WAIT, || async {
        let mut events = gateway.delivered().into_iter();
        events.find(|event| {
            event["type"] == "message.received" && event["data"]["provider_message_id"] == id
        })
    });
    let event = found.await;
    event.unwrap_or_else(|error| panic!("{what}: {error}"))["data"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_write_is_one_event_whoever_brings_it_or_declared_to_be_another() {
    each_with(Setup::with_all_providers, async |gateway| {
        for via in Via::ALL {
            for said in all() {
                let what = format!("{via:?}: {}", said.name);
                let declared = via.declared(gateway, &format!("inbound.{}", said.name));
                let Some(id) = write(gateway, via, &said) else {
                    assert_eq!(declared, None, "{what}: declared, and the provider has no such webhook");
                    continue;
                };
                let note = declared.unwrap_or_else(|| panic!("{what}: not declared"));
                let event = normalised(via, received(gateway, &what, &id).await);
                let wanted = canonical(&said);
                match note {
                    None => assert_eq!(event, wanted, "{what}: a difference that is not declared"),
                    Some(note) => {
                        assert_ne!(event, wanted, "{what}: declared as different: {note}");
                    }
                }
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_declared_to_come_in_that_is_not_tried_here() {
    each_with(Setup::with_all_providers, async |gateway| {
        let tried: Vec<_> = all()
            .iter()
            .map(|said| format!("inbound.{}", said.name))
            .collect();
        for plugin in gateway.app().plugins.all() {
            for capability in &plugin.descriptor().capabilities {
                let is_inbound = capability.name.starts_with("inbound.");
                assert!(
                    !is_inbound || tried.contains(&capability.name),
                    "{}: {}",
                    plugin.name(),
                    capability.name
                );
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_comes_twice_is_one_event_and_a_forged_one_none() {
    each_with(Setup::with_all_providers, async |gateway| {
        let fake = gateway.dialog360();
        let number = fake.config().numbers[0].clone();
        let body = graph::payload::inbound_text(&number, SENDER, "wamid.once", "Hello");
        for _ in 0..3 {
            fake.deliver(&number, body.clone());
        }
        let bytes = graph::payload::to_bytes(&body);
        for headers in [&[][..], &[("x-wharf-webhook-secret", "guessed")]] {
            let status = fake.post_forged(&number, bytes.clone(), headers).await;
            assert_eq!(status.unwrap(), 401);
        }
        let fake = gateway.twilio();
        let url = gateway.webhook_url("twilio").await;
        let form = fake.form_of(TO, &twilio::Inbound::text("Hello"));
        for _ in 0..3 {
            fake.deliver(&url, form.clone());
        }
        let right = fake.signature(&url, &form);
        let status = fake.post_forged(&url, &form, &right[1..]).await.unwrap();
        assert_eq!(status.as_u16(), 401);
        let all_in = eventually(WAIT, || async {
            (gateway.rows("webhook").await == 6).then_some(())
        });
        all_in.await.unwrap();
        gateway.wait_idle().await;
        let events = gateway.delivered();
        assert_eq!(events.len(), 2, "{events:#?}");
    })
    .await;
}
