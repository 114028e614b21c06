//! Statuses in any order and number, and what becomes of a message that WhatsApp cannot deliver.

use serde_json::{Value, json};
use wharf_test_support::eventually;
use wharf_test_support::graph::{StatusPlan, payload};

use super::quiet;
use crate::harness::{SENDER, Setup, WAIT, each, each_with, told};

const ORDER: [&str; 3] = ["sent", "delivered", "read"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statuses_twice_and_backwards_end_as_read_and_each_change_is_told_once() {
    let backwards = |setup: &mut Setup| {
        setup.graph.statuses = StatusPlan::immediate().duplicated_and_reversed();
    };
    each_with(backwards, async |gateway| {
        let ids = [
            gateway.send_text("Hello").await,
            gateway.send_text("Again").await,
        ];
        let arrived = || async {
            let all = gateway.graph.webhooks().len() == 12;
            (all && gateway.graph.unacknowledged_webhooks() == 0).then_some(())
        };
        eventually(WAIT, arrived).await.unwrap();
        gateway.wait_idle().await;
        for id in &ids {
            let message = gateway.message(id).await;
            assert_eq!(message["status"], "read");
            let told = told(&message);
            let steps: Vec<_> = told
                .iter()
                .map(|status| ORDER.iter().position(|known| known == status).unwrap())
                .collect();
            assert!(steps.is_sorted_by(|a, b| a < b), "{told:?}");
            assert_eq!(told.last().unwrap(), "read");
        }
        assert_eq!(gateway.rows("webhook").await, 12);
        assert_eq!(gateway.rows("message_status").await, 6, "each report once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_status_is_never_taken_back() {
    each_with(quiet, async |gateway| {
        let id = gateway.send_text("Hello").await;
        gateway.wait_status(&id, "sent").await;
        gateway.report(&id, "read");
        gateway.wait_status(&id, "read").await;
        for late in ["delivered", "sent"] {
            let answer = gateway
                .graph
                .post_signed(payload::to_bytes(&gateway.status_webhook(&id, late)))
                .await
                .unwrap();
            assert_eq!(answer.status, 200);
        }
        gateway.wait_idle().await;
        let message = gateway.message(&id).await;
        assert_eq!(
            (&message["status"], told(&message)),
            (&json!("read"), vec!["sent".to_owned(), "read".to_owned()])
        );
        assert_eq!(
            gateway.rows("message_status").await,
            3,
            "they are kept all the same"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_cannot_be_delivered_fails_with_metas_reason() {
    each(async |gateway| {
        gateway.graph.fail_delivery_to(SENDER, 131_026);
        let id = gateway.send_text("Hello").await;
        let message = gateway.wait_status(&id, "failed").await;
        assert_eq!(message["error"]["code"], "recipient-unknown");
        assert_eq!(message["error"]["provider_code"], "131026");
        assert!(message["error"]["remedy"].is_string());
        let event = async || {
            gateway
                .delivered()
                .into_iter()
                .find(|event| event["data"]["status"] == "failed")
        };
        let event = eventually(WAIT, event).await.unwrap();
        assert_eq!(event["data"]["error"]["provider_code"], "131026");
        gateway.wait_idle().await;
        assert_eq!(gateway.arrivals(&id), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_statuses_come_in_one_webhook() {
    each_with(quiet, async |gateway| {
        // Each to somebody else: one recipient gets 45 at once, and then one in six seconds.
        let sends = (0..100).map(|number| async move {
            let body =
                json!({ "to": format!("+4915112345{number:03}"), "text": { "body": "Hello" } });
            gateway.send(body).await.id()
        });
        let ids = futures_util::future::join_all(sends).await;
        gateway.wait_idle().await;
        // Ten of each message: three different ones, the rest repetitions.
        let mut statuses = Vec::new();
        for number in 0..10 {
            for id in &ids {
                let webhook = gateway.status_webhook(id, ORDER[number % 3]);
                statuses.push(webhook["entry"][0]["changes"][0]["value"]["statuses"][0].clone());
            }
        }
        let body: Value =
            payload::envelope(gateway.graph.number(), json!({ "statuses": statuses }));
        let answer = gateway
            .graph
            .post_signed(payload::to_bytes(&body))
            .await
            .unwrap();
        assert_eq!(answer.status, 200);
        gateway.wait_idle().await;
        assert_eq!(gateway.rows("message where status = 'read'").await, 100);
        assert_eq!(gateway.number("select items from webhook").await, 1_000);
        for id in ids.iter().step_by(33) {
            assert_eq!(told(&gateway.message(id).await), ORDER);
        }
        assert_eq!(gateway.rows("event").await, 300);
        assert_eq!(gateway.sink.by_webhook_id().len(), 300);
    })
    .await;
}
