//! Every kind of message, good and bad, through a whole gateway.

use serde_json::{Value, json};
use wharf_hostile::Guest;
use wharf_test_support::eventually;
use wharf_test_support::graph::{PhoneNumber, Template};

use crate::canonical::{self, Canonical};
use crate::harness::{ACME, PLAYGROUND, Setup, TO, TestGateway, WAIT, each, each_with, timeline};

async fn wait_read(gateway: &TestGateway, tenant: &str, id: &str) -> Value {
    let path = format!("/v1/messages/{id}");
    let read = eventually(WAIT, || async {
        let answer = gateway.call("GET", &path).by(tenant).empty().await;
        (answer.body["status"] == "read").then_some(answer.body)
    });
    read.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_each_kind_is_sent_and_shown_as_it_came() {
    each(async |gateway| {
        for canonical in canonical::messages() {
            let body = canonical::to(TO, &canonical);
            let call = gateway.call("POST", "/v1/messages").by(PLAYGROUND);
            let answer = call.json(&body).await;
            assert_eq!(answer.status, 202, "{}: {answer:?}", canonical.name);
            let message = wait_read(gateway, PLAYGROUND, &answer.id()).await;
            let kind = canonical.body["type"].as_str().unwrap();
            assert_eq!(message["type"], kind);
            assert_eq!(message[kind], canonical.body[kind], "{}", canonical.name);
            let exchange = timeline(&message, "exchange").next().unwrap();
            let sent: Value =
                serde_json::from_str(exchange["request"]["body"].as_str().unwrap()).unwrap();
            assert_eq!(sent["type"], kind);
            assert!(!sent[kind].is_null(), "{sent}");
        }
    })
    .await;
}

/// Whether the plugin declares one of the capabilities that the message asks for.
fn can(gateway: &TestGateway, plugin: &str, canonical: &Canonical) -> bool {
    let plugin = gateway.app().plugins.get(plugin).unwrap();
    let declared = &plugin.descriptor().capabilities;
    canonical
        .capabilities
        .iter()
        .any(|name| declared.iter().any(|it| it.name == *name))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_declares_arrives_there_and_the_rest_is_refused_before_it_is_stored() {
    each(async |gateway| {
        let body = json!([{ "type": "BODY", "text": "{{1}}, your order {{2}} is on its way." }]);
        let template = Template::approved("order_update", "en_US", "UTILITY", body);
        let account = PhoneNumber::default().account_id;
        gateway.graph.add_template(&account, template);
        for canonical in canonical::messages() {
            let before = gateway.rows("message").await;
            let answer = gateway.send(canonical::to(TO, &canonical)).await;
            if can(gateway, "graph", &canonical) {
                assert_eq!(answer.status, 202, "{}: {answer:?}", canonical.name);
                gateway
                    .wait_message(&answer.id(), |message| {
                        !matches!(message["status"].as_str(), Some("queued" | "sending"))
                    })
                    .await;
                let message = gateway.message(&answer.id()).await;
                assert!(
                    message["error"].is_null(),
                    "{}: {message:#}",
                    canonical.name
                );
            } else {
                answer.assert_problem(422, "unsupported");
                assert_eq!(answer.body["reason"], "unsupported", "{}", canonical.name);
                assert_eq!(gateway.rows("message").await, before, "{}", canonical.name);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_is_refused_by_the_field_that_is_wrong() {
    each(async |gateway| {
        let interactive = |kind: &str, action: Value| {
            json!({ "type": "interactive", "interactive": { "type": kind, "body": { "text": "Well?" }, "action": action } })
        };
        let buttons: Vec<_> = (0..4)
            .map(|n| json!({ "reply": { "id": n.to_string(), "title": format!("Button {n}") } }))
            .collect();
        let rows: Vec<_> = (0..11).map(|n| json!({ "id": n.to_string(), "title": "Row" })).collect();
        let cases = [
            (json!({ "type": "text", "text": { "body": "x".repeat(4097) } }), "/text/body", "too-long"),
            (json!({ "type": "image", "image": { "link": "http://example.com/a.jpg" } }), "/image/link", "invalid"),
            (json!({ "type": "video", "video": {} }), "/video", "missing"),
            (json!({ "type": "audio", "audio": { "id": "1", "caption": "x" } }), "/audio/caption", "unknown"),
            (json!({ "type": "document", "document": { "id": "1", "caption": "x".repeat(1025) } }), "/document/caption", "too-long"),
            (json!({ "type": "sticker", "sticker": { "id": 7 } }), "/sticker/id", "wrong-type"),
            (json!({ "type": "location", "location": { "latitude": 91, "longitude": 0 } }), "/location/latitude", "invalid"),
            (json!({ "type": "contacts", "contacts": [{ "name": {} }] }), "/contacts/0/name/formatted_name", "missing"),
            (json!({ "type": "reaction", "reaction": { "message_id": "wamid.1" } }), "/reaction/emoji", "missing"),
            (json!({ "type": "read", "read": { "message_id": "" } }), "/read/message_id", "invalid"),
            (json!({ "type": "other", "other": { "document": [] } }), "/other/document", "wrong-type"),
            (json!({ "type": "template", "template": { "name": "a", "language": "de" } }), "/template/language", "wrong-type"),
            (interactive("button", json!({ "buttons": buttons })), "/interactive/action/buttons", "too-many"),
            (interactive("list", json!({ "button": "Open", "sections": [{ "rows": rows }] })), "/interactive/action/sections/0/rows", "too-many"),
            (interactive("carousel", json!({ "cards": [] })), "/interactive/action/cards", "invalid"),
            (interactive("flow", json!({ "name": "flow", "parameters": { "flow_id": "1" } })), "/interactive/action/parameters/flow_cta", "missing"),
        ];
        for (mut body, pointer, code) in cases {
            body["to"] = TO.into();
            let answer = gateway.send(body).await;
            answer
                .assert_problem(422, "invalid-request")
                .assert_fields(&[(pointer, code)]);
        }
        assert_eq!(gateway.rows("message").await, 0);
    })
    .await;
}

/// A guest whose first look ends in this refusal.
fn refusing(code: &str) -> Vec<u8> {
    let error = json!({
        "code": code, "retry": "never", "detail": "a list has at most 3 rows, this one has 4",
        "remedy": "Take a row away.", "provider-code": "4711",
    });
    Guest::new()
        .returning("outbound.start", &json!({ "err": error }))
        .build()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_plugin_knows_of_the_message_alone_is_refused_with_its_words() {
    let codes = [
        ("invalid", "invalid-message", "invalid-message"),
        ("unsupporting", "unsupported", "unsupported"),
        ("media", "media-rejected", "invalid-message"),
        ("unknowing", "template-unknown", "invalid-message"),
        ("counting", "template-mismatch", "invalid-message"),
    ];
    let adjust = |setup: &mut Setup| {
        for (name, reason, _) in codes {
            setup.plugins.push((name, refusing(reason)));
            setup.acme += &format!(
                "[channels.{name}]\nplugin = \"{name}\"\nsettings = {{ sender = \"x\" }}\n"
            );
        }
    };
    each_with(adjust, async |gateway| {
        for (channel, reason, code) in codes {
            let body = json!({ "channel": channel, "to": TO, "text": { "body": "Hello" } });
            for path in ["/v1/messages", "/v1/messages?dry_run=true"] {
                let answer = gateway.call("POST", path).once(channel).json(&body).await;
                answer.assert_problem(422, code);
                assert_eq!(answer.body["reason"], reason);
                assert_eq!(answer.body["provider_code"], "4711");
                assert_eq!(
                    answer.body["detail"],
                    "a list has at most 3 rows, this one has 4"
                );
            }
        }
        for table in ["message", "job where queue = 'send'", "idempotency"] {
            assert_eq!(gateway.rows(table).await, 0, "{table}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_go_to_the_plugin_and_are_shown() {
    each(async |gateway| {
        let body = json!({
            "to": TO, "text": { "body": "Hello" }, "options": { "recipient_identity_key_hash": "DF2lS5v2W6x=" },
        });
        let path = "/v1/messages?dry_run=true";
        let shown = gateway.call("POST", path).json(&body).await;
        let sent = shown.body["exchange"]["body"].as_str().unwrap();
        let sent: Value = serde_json::from_str(sent).unwrap();
        assert_eq!(sent["recipient_identity_key_hash"], "DF2lS5v2W6x=");

        let call = || gateway.call("POST", "/v1/messages").by(PLAYGROUND);
        let answer = call().json(&body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let message = wait_read(gateway, PLAYGROUND, &answer.id()).await;
        for kept in [&answer.body, &message] {
            assert_eq!(kept["options"], body["options"]);
        }
        let plain = json!({ "to": TO, "text": { "body": "Hello" } });
        assert!(call().json(&plain).await.body.get("options").is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_earlier_message_may_be_named_by_our_own_id() {
    each(async |gateway| {
        gateway
            .graph
            .deliver_text(crate::harness::SENDER, "Is anybody there?");
        let event = gateway.wait_delivered(1).await.remove(0);
        let data = &event["data"];
        let body = json!({
            "to": TO, "text": { "body": "Yes" }, "context": { "message_id": data["message_id"] },
        });
        let answer = gateway.send(body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        assert_eq!(answer.body["reply_to"], data["provider_message_id"]);
        gateway.wait_status(&answer.id(), "read").await;
        let requests = gateway.graph.requests();
        let send = requests
            .iter()
            .find_map(|request| request.send.as_ref())
            .unwrap();
        assert_eq!(
            send.reply_to.as_deref(),
            data["provider_message_id"].as_str()
        );

        // Another tenant's, one that never was, and one that is no id at all.
        let never = wharf_core::MessageId::new(&wharf::clock::RandomIds).to_string();
        let theirs = data["message_id"].as_str().unwrap();
        for (tenant, id) in [(PLAYGROUND, theirs), (ACME, &never), (ACME, "msg_1")] {
            let body =
                json!({ "to": TO, "text": { "body": "x" }, "context": { "message_id": id } });
            let answer = gateway
                .call("POST", "/v1/messages")
                .by(tenant)
                .json(&body)
                .await;
            answer
                .assert_problem(422, "invalid-request")
                .assert_fields(&[("/context/message_id", "invalid")]);
        }
    })
    .await;
}

/// Somebody writes to `playground` through the sandbox.
async fn somebody_writes(gateway: &TestGateway, id: &str) -> Value {
    let channels = gateway
        .call("GET", "/v1/channels")
        .by(PLAYGROUND)
        .empty()
        .await;
    let url = channels.body["data"][0]["webhook_urls"]["main"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = url.strip_prefix("https://wharf.example.com").unwrap();
    let body = json!({
        "sender": "play", "statuses": [],
        "messages": [{ "id": id, "from": TO, "at_ms": 1_700_000_000_000_u64, "text": "Hi" }],
    });
    let body = body.to_string().into_bytes();
    let call = gateway.call("POST", path).without_key();
    let signature = signature(&gateway.credentials.sandbox_key, &body);
    let answer = call
        .header("x-sandbox-signature", &signature)
        .bytes("application/json", body)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = eventually(WAIT, || async {
        let mut events = gateway.delivered().into_iter();
        events.find(|event| event["data"]["provider_message_id"] == id)
    });
    told.await.unwrap()["data"].clone()
}

fn signature(key: &str, body: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_goes_to_whoever_wrote_the_message() {
    each(async |gateway| {
        let written = somebody_writes(gateway, "sbx_in_1").await;
        let receipts = [
            json!({ "type": "read", "read": { "message_id": "sbx_in_1" } }),
            json!({ "type": "read", "read": { "message_id": written["message_id"], "typing": true } }),
            json!({ "status": "read", "message_id": "sbx_in_1", "typing_indicator": { "type": "text" } }),
        ];
        for receipt in receipts {
            let call = gateway.call("POST", "/v1/messages").by(PLAYGROUND);
            let answer = call.json(&receipt).await;
            assert_eq!(answer.status, 202, "{answer:?}");
            assert_eq!(answer.body["to"], TO);
            assert_eq!(answer.body["read"]["message_id"], "sbx_in_1");
            wait_read(gateway, PLAYGROUND, &answer.id()).await;
        }
        let call = || gateway.call("POST", "/v1/messages").by(PLAYGROUND);
        let unknown = json!({ "type": "read", "read": { "message_id": "sbx_in_2" } });
        call()
            .json(&unknown)
            .await
            .assert_problem(422, "invalid-request")
            .assert_fields(&[("/to", "missing")]);
        let sent = call().json(&json!({ "to": TO, "text": { "body": "x" } })).await.id();
        wait_read(gateway, PLAYGROUND, &sent).await;
        let own = json!({ "type": "read", "read": { "message_id": sent } });
        call()
            .json(&own)
            .await
            .assert_problem(422, "invalid-request")
            .assert_fields(&[("/read/message_id", "invalid")]);
    })
    .await;
}
