//! A text on its way, from one POST to "read".

use std::collections::BTreeSet;

use serde_json::json;
use wharf_test_support::eventually;

use super::quiet;
use crate::harness::{PLAYGROUND, TO, WAIT, each, each_with, timeline, told};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_is_sent_delivered_and_read_and_every_step_can_be_read_back() {
    each_with(quiet, async |gateway| {
        let answer = gateway
            .send(json!({ "to": "+49 151 12345678", "text": { "body": "Hellö 😀", "preview_url": true }, "reference": "order-7" }))
            .await;
        assert_eq!(answer.status, 202, "{answer:?}");
        assert_eq!(answer.body["status"], "queued");
        let id = answer.id();
        for status in ["sent", "delivered", "read"] {
            if status != "sent" {
                gateway.report(&id, status);
            }
            let message = gateway.wait_status(&id, status).await;
            for (name, value) in [("reference", "order-7"), ("to", TO), ("channel", "main"), ("direction", "outbound")] {
                assert_eq!(message[name], value);
            }
            assert!(message["error"].is_null());
        }
        gateway.wait_delivered(3).await;
        let message = gateway.message(&id).await;
        assert_eq!(told(&message), ["sent", "delivered", "read"]);
        assert_eq!((gateway.arrivals(&id), gateway.effects(&id)), (1, 1));

        let steps: Vec<_> = message["timeline"].as_array().unwrap().iter().map(|entry| entry["what"].as_str().unwrap()).collect();
        for what in ["queued", "attempt_started", "exchange", "attempt_ended", "status", "event", "delivery_attempt"] {
            assert!(steps.contains(&what), "{what} is missing in {steps:?}");
        }
        let exchange = timeline(&message, "exchange").next().unwrap();
        assert_eq!(exchange["request"]["url"], "https://graph.facebook.com/v26.0/106540352242922/messages");
        assert!(exchange["request"]["body"].as_str().unwrap().contains("Hellö 😀"));
        assert_eq!(exchange["answer"]["response"]["status"], 200);
        assert_eq!(timeline(&message, "attempt_ended").next().unwrap()["outcome"], "accepted");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_is_told_each_step_once_with_what_finds_the_message() {
    each_with(quiet, async |gateway| {
        let answer = gateway
            .send(json!({ "to": TO, "text": { "body": "Hello" }, "reference": "order-7" }))
            .await;
        let id = answer.id();
        gateway.wait_status(&id, "sent").await;
        gateway.report(&id, "delivered");
        let message = gateway.wait_status(&id, "delivered").await;
        let mut events = gateway.wait_delivered(2).await;
        events.sort_by_key(|event| event["timestamp"].to_string());
        for (event, status) in events.iter().zip(["sent", "delivered"]) {
            assert_eq!(event["type"], "message.status");
            let data = &event["data"];
            assert_eq!(data["status"], status);
            assert_eq!(data["message_id"], id);
            assert_eq!(data["reference"], "order-7");
            assert_eq!(data["to"], TO);
            assert_eq!(data["channel"], "main");
            assert_eq!(data["provider_message_id"], message["provider_message_id"]);
        }
        assert_eq!(gateway.sink.by_webhook_id().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sandbox_plays_its_script_through_the_real_path() {
    each(async |gateway| {
        let answer = gateway
            .call("POST", "/v1/messages")
            .by(PLAYGROUND)
            .json(&json!({ "to": TO, "text": { "body": "Hello" } }))
            .await;
        assert_eq!(answer.status, 202, "{answer:?}");
        // Three webhooks may be read side by side, so only the last of their events is sure.
        let events = async || {
            let events = gateway.delivered();
            events
                .iter()
                .any(|event| event["data"]["status"] == "read")
                .then_some(events)
        };
        let events = eventually(WAIT, events).await.unwrap();
        assert!(
            events
                .iter()
                .all(|event| event["data"]["message_id"] == answer.id())
        );
        assert_eq!(gateway.graph.requests_count(), 0, "nothing went to Meta");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_a_number_and_an_answer_to_a_message_go_out_as_such() {
    each(async |gateway| {
        let answer = gateway
            .send(json!({
                "recipient": "DE.13491208655302741918", "text": { "body": "Hello" },
                "context": { "message_id": "wamid.HBgLNDkxNTEx" },
            }))
            .await;
        assert_eq!(answer.status, 202, "{answer:?}");
        gateway.wait_status(&answer.id(), "read").await;
        let requests = gateway.graph.requests();
        let send = requests[0].send.as_ref().unwrap();
        assert_eq!(send.recipient.key(), "DE.13491208655302741918");
        assert_eq!(send.reply_to.as_deref(), Some("wamid.HBgLNDkxNTEx"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_messages_each_have_one_effect_and_pages_show_each_once() {
    each(async |gateway| {
        // Each to somebody else: one recipient gets 45 at once, and then one in six seconds.
        let sends = (0..60).map(|number| async move {
            let body =
                json!({ "to": format!("+4915112345{number:03}"), "text": { "body": "Hello" } });
            gateway.send(body).await.id()
        });
        let ids = futures_util::future::join_all(sends).await;
        for id in &ids {
            gateway.wait_status(id, "read").await;
            assert_eq!(gateway.effects(id), 1);
        }
        let requests = gateway.graph.requests();
        let recipients: BTreeSet<_> = requests
            .iter()
            .map(|request| request.send.as_ref().unwrap().recipient.key().to_owned())
            .collect();
        assert_eq!(recipients.len(), 60);
        let (mut seen, mut path) = (Vec::new(), "/v1/messages?limit=25".to_owned());
        loop {
            let page = gateway.call("GET", &path).empty().await;
            assert_eq!(page.status, 200, "{page:?}");
            seen.extend(
                page.body["data"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|m| m["id"].as_str().unwrap().to_owned()),
            );
            let Some(cursor) = page.body["next_cursor"].as_str() else {
                break;
            };
            path = format!("/v1/messages?limit=25&cursor={cursor}");
        }
        seen.sort();
        let mut sent = ids;
        sent.sort();
        assert_eq!(seen, sent);
    })
    .await;
}
