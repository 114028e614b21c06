//! What is sent: each kind of message through each provider, from the request to the event of its end.

use serde_json::{Value, json};
use wharf_test_support::eventually;

use super::via::{Via, twilio_message};
use crate::canonical::{self, Canonical};
use crate::harness::{Setup, TO, TestGateway, WAIT, each_with};

/// The canonical messages, and those that need what this gateway has and a plugin alone has not.
fn messages() -> Vec<Canonical> {
    let mut all = canonical::messages();
    all.push(Canonical {
        name: "voice",
        capabilities: &["voice"],
        body: json!({ "type": "audio", "audio": { "link": "https://example.com/a.ogg", "voice": true } }),
    });
    all.push(Canonical {
        name: "answer",
        capabilities: &["reply"],
        body: json!({ "type": "text", "text": { "body": "Yes" }, "context": { "message_id": "" } }),
    });
    all
}

/// The request as this provider's channel gets it.
fn request(via: Via, canonical: &Canonical, written: &str, template: Option<&str>) -> Value {
    let mut body = canonical::to(TO, canonical);
    body["channel"] = via.channel().into();
    body["reference"] = canonical.name.into();
    for kind in ["read", "reaction", "context"] {
        if let Some(named) = body.pointer_mut(&format!("/{kind}/message_id")) {
            *named = written.into();
        }
    }
    if let Some(whole) = body.get_mut("template").and_then(Value::as_object_mut) {
        whole.remove("id");
        if let Some(id) = template {
            whole.insert("id".to_owned(), id.into());
        }
    }
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_each_kind_goes_through_every_provider_and_its_end_is_told_alike() {
    each_with(Setup::with_all_providers, async |gateway| {
        for via in Via::ALL {
            let written = via.somebody_writes(gateway, "Is anybody there?");
            // It is in before anything is counted: until its webhook comes, the queues are idle as well.
            let heard = eventually(WAIT, || async { received_event(gateway, &written) }).await;
            heard.unwrap_or_else(|error| panic!("{via:?}: {error}"));
            gateway.wait_idle().await;
            let template = via.add_template(gateway);
            let mut sent = Vec::new();
            for canonical in messages() {
                let body = request(via, &canonical, &written, template.as_deref());
                if let Some(id) = take(gateway, via, &canonical, body).await {
                    sent.push((canonical, id));
                }
            }
            for (canonical, id) in &sent {
                ends_well(gateway, via, canonical, id).await;
            }
        }
    })
    .await;
}

/// Posts it: taken as declared, or refused by its name before anything is stored.
async fn take(
    gateway: &TestGateway,
    via: Via,
    canonical: &Canonical,
    body: Value,
) -> Option<String> {
    let what = format!("{via:?}: {}", canonical.name);
    let before = gateway.rows("message").await;
    let answer = gateway.send(body).await;
    if via.can(gateway, canonical) {
        assert_eq!(answer.status, 202, "{what}: {answer:?}");
        return Some(answer.id());
    }
    assert_eq!(answer.status, 422, "{what} is not declared: {answer:?}");
    answer.assert_problem(422, "unsupported");
    assert_eq!(gateway.rows("message").await, before, "{what}");
    None
}

/// The provider saw it as its own documentation has it; the tenant hears how it ended, as of every provider.
async fn ends_well(gateway: &TestGateway, via: Via, canonical: &Canonical, id: &str) {
    let what = format!("{via:?}: {}", canonical.name);
    // Of a reaction nothing but `sent` is reported, and a receipt has no status of its own. That a recording
    // was listened to is Meta's to tell; Twilio's note on `voice` says so.
    let last = match canonical.name {
        "reaction" | "read" | "typing" => "sent",
        "voice" if via != Via::Twilio => "played",
        _ => "read",
    };
    let message = gateway.wait_status(id, last).await;
    assert!(message["error"].is_null(), "{what}: {message:#}");
    let told = eventually(WAIT, || async { status_event(gateway, id, last) }).await;
    let told = told.unwrap_or_else(|error| panic!("{what}: {error}"));
    let has_id = !matches!(canonical.name, "read" | "typing");
    assert_eq!(told["provider_message_id"].is_string(), has_id, "{what}");
    let mut told = told;
    for own in ["provider_message_id", "at", "message_id"] {
        told.as_object_mut().unwrap().remove(own);
    }
    let wanted = json!({
        "channel": via.channel(), "to": TO, "reference": canonical.name, "status": last, "error": null,
    });
    assert_eq!(told, wanted, "{what}");
    if !has_id {
        return arrived_as_receipt(gateway, via, canonical);
    }
    assert_eq!(via.effects(gateway, id), 1, "{what}");
    match via {
        Via::Twilio => assert_twilio_saw(gateway, canonical, id),
        cloud => assert_cloud_saw(gateway, cloud, canonical, id),
    }
}

/// The data of the event with which this status was told.
pub(super) fn status_event(gateway: &TestGateway, id: &str, status: &str) -> Option<Value> {
    let mut events = gateway.delivered().into_iter();
    let found = events.find(|event| {
        event["type"] == "message.status"
            && event["data"]["message_id"] == id
            && event["data"]["status"] == status
    });
    found.map(|event| event["data"].clone())
}

/// The data of the event with which this inbound message was told.
fn received_event(gateway: &TestGateway, written: &str) -> Option<Value> {
    let mut events = gateway.delivered().into_iter();
    let found = events.find(|event| {
        event["type"] == "message.received" && event["data"]["provider_message_id"] == written
    });
    found.map(|event| event["data"].clone())
}

fn arrived_as_receipt(gateway: &TestGateway, via: Via, canonical: &Canonical) {
    let is_typing = canonical.name == "typing";
    let arrived = match via {
        Via::Twilio => {
            let requests = gateway.twilio().requests();
            requests.iter().any(|request| request.call == "typing")
        }
        cloud => {
            let requests = match cloud {
                Via::Graph => gateway.graph.requests(),
                _ => gateway.dialog360().requests(),
            };
            requests.iter().any(|request| {
                let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
                body["status"] == "read" && body["typing_indicator"].is_object() == is_typing
            })
        }
    };
    assert!(arrived, "{via:?}: {}", canonical.name);
}

/// The Cloud API's own shape is the API's: what was asked for is what arrives.
fn assert_cloud_saw(gateway: &TestGateway, via: Via, canonical: &Canonical, id: &str) {
    let what = format!("{via:?}: {}", canonical.name);
    let send = via.cloud_send(gateway, id);
    let kind = canonical.body["type"].as_str().unwrap();
    assert_eq!((send.kind.as_str(), send.recipient.key()), (kind, &TO[1..]));
    assert_eq!(
        send.reply_to.is_some(),
        canonical.name == "answer",
        "{what}"
    );
    let mut wanted = canonical.body[kind].clone();
    match kind {
        "text" => {
            assert_eq!(send.text, wanted["body"].as_str().unwrap(), "{what}");
            assert!(!send.preview_url, "{what}");
            return;
        }
        "reaction" => {
            assert_eq!(send.content["emoji"], wanted["emoji"], "{what}");
            return;
        }
        "template" => {
            wanted.as_object_mut().unwrap().remove("id");
        }
        _ => {}
    }
    assert!(
        holds(&send.content, &wanted),
        "{what}: {:#} is not {wanted:#}",
        send.content
    );
}

fn assert_twilio_saw(gateway: &TestGateway, canonical: &Canonical, id: &str) {
    let message = twilio_message(gateway, id);
    assert_eq!(message.to.key(), TO);
    let seen = json!({
        "body": message.body, "media": message.media_urls, "place": message.place, "content": message.content,
    });
    let medium = |kind: &str, body: &str| {
        let link = &canonical.body[kind]["link"];
        json!({ "media": [link], "body": body })
    };
    let wanted = match canonical.name {
        "text" => json!({ "body": "Hellö 😀", "media": [], "place": null, "content": null }),
        "location" => json!({ "place": "geo:48.2,11.5|Main Street 1", "body": "Office" }),
        "image" => medium("image", "A picture"),
        kind @ ("video" | "audio" | "document" | "sticker") => medium(kind, ""),
        "voice" => medium("audio", ""),
        "buttons" => json!({ "content": { "twilio/quick-reply": { "body": "Well?", "actions": [
            { "title": "Yes", "id": "y" }, { "title": "No", "id": "n" },
        ] } } }),
        "list" => {
            json!({ "content": { "twilio/list-picker": { "body": "Well?", "button": "Sizes", "items": [
            { "item": "Small", "id": "s" }, { "item": "Large", "id": "l", "description": "Two litres" },
        ] } } })
        }
        "link" => json!({ "content": { "twilio/call-to-action": { "body": "Well?", "actions": [
            { "type": "URL", "title": "Open", "url": "https://example.com/" },
        ] } } }),
        "flow" => json!({ "content": { "whatsapp/flows": {
            "body": "Well?", "button_text": "Book", "flow_id": "1", "flow_token": "t", "flow_first_page_id": "FIRST",
        } } }),
        "template" => {
            json!({ "content": { "twilio/text": { "body": "Ada, your order 42 is on its way." } } })
        }
        other => panic!("Twilio takes {other}, and nobody said as what"),
    };
    assert!(
        holds(&seen, &wanted),
        "Twilio: {}: {seen:#} is not {wanted:#}",
        canonical.name
    );
}

/// Whether everything that is wanted is there, and lists are as long as wanted.
fn holds(seen: &Value, wanted: &Value) -> bool {
    match (seen, wanted) {
        (Value::Object(seen), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, value)| seen.get(name).is_some_and(|seen| holds(seen, value))),
        (Value::Array(seen), Value::Array(wanted)) => {
            seen.len() == wanted.len()
                && seen
                    .iter()
                    .zip(wanted)
                    .all(|(seen, wanted)| holds(seen, wanted))
        }
        _ => seen == wanted,
    }
}
