//! What people write: each kind reads the same from every provider, or the plugin declares what is different.
//!
//! A plugin declares what it can bring as `inbound.KIND`. Without a note the event is the canonical one; with
//! a note it is another, and a note on an event that is canonical is as wrong as a difference without one.

use serde_json::{Value, json};
use wharf_test_support::{dialog360, eventually, graph, twilio};

use super::said::{BYTES, Cloud, NAME, Said, all, quoted, user_id};
use super::via::Via;
use crate::harness::{SENDER, Setup, TO, TestGateway, WAIT, each_with};

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
                    assert_eq!(
                        declared, None,
                        "{what}: declared, and the provider has no such webhook"
                    );
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_cannot_be_read_is_kept_and_one_beyond_every_measure_refused() {
    each_with(Setup::with_all_providers, async |gateway| {
        let secret = gateway.credentials.dialog360_webhook_secret.clone();
        let right = [("x-wharf-webhook-secret", secret.as_str())];
        let fake = gateway.dialog360();
        let number = fake.config().numbers[0].clone();
        let whole = graph::payload::inbound_text(&number, SENDER, "wamid.whole", "Hello");
        let whole = graph::payload::to_bytes(&whole);
        let half = whole[..whole.len() / 2].to_vec();
        for body in [b"not json".to_vec(), Vec::new(), b"\xff\xfe".to_vec(), half] {
            let status = fake.post_forged(&number, body, &right).await.unwrap();
            assert_eq!(status, 200);
        }
        gateway.wait_idle().await;
        let kept = "webhook where parsed_at is not null and error is not null";
        assert_eq!(gateway.rows(kept).await, 4);
        let enormous = vec![b' '; 5 * 1024 * 1024];
        let status = fake.post_forged(&number, enormous, &right).await.unwrap();
        assert_eq!(status, 413);

        let fake = gateway.twilio();
        let url = gateway.webhook_url("twilio").await;
        let form = |name: &str, value: String| vec![(name.to_owned(), value)];
        let strange = form("Brand\u{fffd}New", "\u{0}\u{feff}".to_owned());
        let signature = fake.signature(&url, &strange);
        let status = fake.post_forged(&url, &strange, &signature).await.unwrap();
        assert_eq!(status.as_u16(), 204, "any form of Twilio's is taken");
        let enormous = form("Body", "x".repeat(2 * 1024 * 1024));
        let signature = fake.signature(&url, &enormous);
        let status = fake.post_forged(&url, &enormous, &signature).await.unwrap();
        assert_eq!(status.as_u16(), 413);
        gateway.wait_idle().await;
        assert_eq!(gateway.rows("webhook").await, 5);
        let events = gateway.delivered();
        assert!(
            events.iter().all(|event| event["type"] == "provider.other"),
            "{events:#?}"
        );
    })
    .await;
}
