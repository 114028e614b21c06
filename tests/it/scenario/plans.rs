//! When a message goes out: scheduled, in order, not after its deadline, or not at all.

use serde_json::{Value, json};
use wharf::clock::rfc3339 as at;
use wharf_test_support::graph::Fault;

use super::quiet;
use crate::harness::{GLOBEX, TO, each, each_with, timeline, told};

const HOUR_MS: i64 = 3_600_000;

fn text_with(more: Value) -> Value {
    let mut body = json!({ "to": TO, "text": { "body": "Hello" } });
    let fields = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scheduled_message_waits_and_can_be_canceled_until_it_is_sent() {
    each_with(quiet, async |gateway| {
        let now = gateway.app().now_ms();
        let answer = gateway
            .send(text_with(
                json!({ "send_at": at(now + HOUR_MS), "ttl_s": 60 }),
            ))
            .await;
        assert_eq!(answer.status, 202, "{answer:?}");
        assert_eq!(answer.body["status"], "queued");
        assert_eq!(
            answer.body["expires_at"],
            at(now + HOUR_MS + 60_000),
            "its time to live begins when it may go out"
        );
        let soon = gateway
            .send(text_with(json!({ "send_at": at(now - 1_000) })))
            .await;
        gateway.wait_status(&soon.id(), "sent").await;

        let id = answer.id();
        let path = format!("/v1/messages/{id}/cancel");
        let other = gateway.call("POST", &path).by(GLOBEX).empty().await;
        other.assert_problem(404, "not-found");
        for _ in 0..2 {
            let canceled = gateway.call("POST", &path).empty().await;
            assert_eq!(
                (canceled.status, &canceled.body["status"]),
                (200, &json!("canceled"))
            );
        }
        gateway.wait_idle().await;
        let message = gateway.message(&id).await;
        assert_eq!(told(&message), ["canceled"], "once");
        assert_eq!(timeline(&message, "exchange").count(), 0);
        let late = format!("/v1/messages/{}/cancel", soon.id());
        let late = gateway.call("POST", &late).empty().await;
        late.assert_problem(409, "cancel-too-late");
        assert_eq!(late.body["message_status"], "sent");
        for id in ["msg_00000000000000000000000000", "nonsense"] {
            let call = gateway.call("POST", &format!("/v1/messages/{id}/cancel"));
            call.empty().await.assert_problem(404, "not-found");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_its_next_attempt_can_be_canceled_too() {
    let slow = |setup: &mut crate::harness::Setup| {
        quiet(setup);
        setup.set("send.backoff_base_ms", HOUR_MS);
        setup.set("send.backoff_max_ms", HOUR_MS);
    };
    each_with(slow, async |gateway| {
        gateway.graph.fail_next(1, Fault::Unavailable);
        let id = gateway.send_text("Hello").await;
        gateway
            .wait_message(&id, |message| {
                timeline(message, "attempt_ended").count() == 1
            })
            .await;
        let path = format!("/v1/messages/{id}/cancel");
        let answer = gateway.call("POST", &path).empty().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        gateway.wait_idle().await;
        assert_eq!(gateway.message(&id).await["status"], "canceled");
        assert_eq!(gateway.arrivals(&id), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_that_make_no_sense_are_refused_field_by_field() {
    each(async |gateway| {
        let now = gateway.app().now_ms();
        for (more, field, code) in [
            (json!({ "send_at": "tomorrow" }), "/send_at", "invalid"),
            (
                json!({ "send_at": at(now - HOUR_MS) }),
                "/send_at",
                "invalid",
            ),
            (
                json!({ "send_at": at(now + 91 * 24 * HOUR_MS) }),
                "/send_at",
                "invalid",
            ),
            (
                json!({ "expires_at": at(now - 1) }),
                "/expires_at",
                "invalid",
            ),
            (
                json!({ "expires_at": at(now + 31 * 24 * HOUR_MS) }),
                "/expires_at",
                "invalid",
            ),
            (
                json!({ "expires_at": at(now + HOUR_MS), "ttl_s": 5 }),
                "/expires_at",
                "invalid",
            ),
            (
                json!({ "send_at": at(now + HOUR_MS), "ordered": true }),
                "/ordered",
                "invalid",
            ),
            (json!({ "ordered": "yes" }), "/ordered", "wrong-type"),
            (json!({ "fallback": "main" }), "/fallback", "wrong-type"),
            (json!({ "fallback": ["main"] }), "/fallback/0", "duplicate"),
            (
                json!({ "fallback": ["b", "b"] }),
                "/fallback/1",
                "duplicate",
            ),
            (json!({ "fallback": ["nowhere"] }), "/fallback/0", "invalid"),
            (
                json!({ "fallback": ["a", "b", "c", "d", "e", "f"] }),
                "/fallback",
                "too-many",
            ),
        ] {
            let answer = gateway.send(text_with(more.clone())).await;
            answer.assert_problem(422, "invalid-request");
            answer.assert_fields(&[(field, code)]);
        }
        let now = text_with(json!({ "type": "text", "send_at": at(now + HOUR_MS) }));
        let path = "/api/whatsapp/official/send/immediate";
        let answer = gateway.call("POST", path).json(&now).await;
        answer.assert_fields(&[("/send_at", "unsupported")]);
        assert_eq!(gateway.rows("message").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_that_passes_while_the_provider_is_down_expires_the_message() {
    each_with(quiet, async |gateway| {
        gateway.graph.fail_next(50, Fault::Unavailable);
        let deadline = at(gateway.app().now_ms() + 400);
        let body = text_with(json!({ "expires_at": deadline }));
        let id = gateway.send(body).await.id();
        let ended =
            |message: &Value| matches!(message["status"].as_str(), Some("expired" | "failed"));
        let message = gateway.wait_message(&id, ended).await;
        gateway.wait_idle().await;
        assert_eq!(told(&message).len(), 1, "{message:#}");
        assert_eq!(gateway.effects(&id), 0);
        // Which of the two depends on whether an attempt was running at the time.
        gateway.expect_dead_letters(i64::from(message["status"] == "failed"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ordered_messages_go_one_after_another_and_hold_up_only_themselves() {
    let slow = |setup: &mut crate::harness::Setup| {
        quiet(setup);
        setup.set("send.backoff_base_ms", 300);
        setup.set("send.backoff_max_ms", 300);
    };
    each_with(slow, async |gateway| {
        gateway.graph.fail_next(1, Fault::Unavailable);
        let mut ids = Vec::new();
        for _ in 0..4 {
            let answer = gateway.send(text_with(json!({ "ordered": true }))).await;
            ids.push(answer.id());
        }
        for id in &ids {
            gateway.wait_status(id, "sent").await;
        }
        let mut seen = Vec::new();
        for request in gateway.graph.requests() {
            let id = request
                .send
                .as_ref()
                .unwrap()
                .callback_data
                .clone()
                .unwrap();
            seen.push(id);
        }
        let mut wanted: Vec<_> = ids.iter().map(|id| crate::harness::bare(id)).collect();
        wanted.insert(0, wanted[0].clone());
        assert_eq!(
            seen, wanted,
            "the first twice, then the others in their order"
        );
    })
    .await;
}
