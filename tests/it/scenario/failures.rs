//! A provider that fails in every way it can: nothing is lost, nothing is sent twice.

use std::time::Duration;

use serde_json::{Value, json};
use wharf_test_support::graph::{Fault, FaultRule};

use super::quiet;
use crate::harness::{TO, each, each_with, timeline, told};

/// How the attempts of a message ended, in order.
fn outcomes(message: &Value) -> Vec<&str> {
    timeline(message, "attempt_ended")
        .map(|entry| entry["outcome"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_much_for_one_recipient_is_tried_again_and_sent_once() {
    each(async |gateway| {
        gateway.graph.fail_next(1, Fault::GraphError(131_056));
        let id = gateway.send_text("Hello").await;
        let message = gateway.wait_read(&id).await;
        assert_eq!(outcomes(&message), ["retry", "accepted"]);
        let first = timeline(&message, "attempt_ended").next().unwrap();
        assert_eq!(first["error"]["code"], "pair-rate-limited");
        assert_eq!(first["error"]["provider_code"], "131056");
        assert!(first["retry_at"].is_string());
        assert_eq!((gateway.arrivals(&id), gateway.effects(&id)), (2, 1));
        assert!(!told(&message).contains(&"failed".to_owned()));
        // The plugin asks for six seconds for this recipient, however short the backoff is.
        let sends = gateway.graph.requests();
        assert!(sends[1].at_ms - sends[0].at_ms >= 6_000, "{sends:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttled_number_pauses_and_recovers() {
    each(async |gateway| {
        // Meta says 400, not 429.
        gateway.graph.fail_next(1, Fault::GraphError(130_429));
        let id = gateway.send_text("Hello").await;
        let message = gateway.wait_read(&id).await;
        assert_eq!(outcomes(&message), ["retry", "accepted"]);
        let answer = &timeline(&message, "exchange").next().unwrap()["answer"];
        assert_eq!(answer["response"]["status"], 400);
        assert_eq!(gateway.effects(&id), 1);
        // The plugin asks for a second, so both sends are at least that far apart.
        let sends = gateway.graph.requests();
        assert!(sends[1].at_ms - sends[0].at_ms >= 1_000, "{sends:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_token_fails_at_once_with_a_remedy() {
    each(async |gateway| {
        gateway.graph.fail_next(9, Fault::GraphError(190));
        let id = gateway.send_text("Hello").await;
        let message = gateway.wait_status(&id, "failed").await;
        assert_eq!(outcomes(&message), ["failed"]);
        assert_eq!(message["error"]["code"], "auth-failed");
        assert_eq!(message["error"]["provider_code"], "190");
        assert!(message["error"]["trace_id"].is_string());
        assert!(
            message["error"]["remedy"]
                .as_str()
                .unwrap()
                .contains("token")
        );
        let event = gateway.wait_delivered(1).await.remove(0);
        assert_eq!(event["data"]["status"], "failed");
        assert_eq!(event["data"]["error"], message["error"]);
        gateway.wait_idle().await;
        assert_eq!(gateway.arrivals(&id), 1);
        gateway.expect_dead_letters(1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_down_is_tried_until_it_is_up() {
    each(async |gateway| {
        gateway.graph.fail_next(3, Fault::Unavailable);
        let id = gateway.send_text("Hello").await;
        let message = gateway.wait_read(&id).await;
        assert_eq!(outcomes(&message), ["retry", "retry", "retry", "accepted"]);
        assert_eq!(gateway.effects(&id), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_end_in_a_dead_letter_that_says_why() {
    each_with(
        |setup| setup.set("send.attempts_max", 3),
        async |gateway| {
            gateway.graph.add_fault(FaultRule::new(Fault::Unavailable));
            let id = gateway.send_text("Hello").await;
            let message = gateway.wait_status(&id, "failed").await;
            assert_eq!(outcomes(&message), ["retry", "retry", "failed"]);
            assert_eq!(message["error"]["code"], "provider-unavailable");
            gateway.wait_idle().await;
            assert_eq!(gateway.arrivals(&id), 3);
            let mut conn = gateway.db().read().await.unwrap();
            let dead = wharf_queue::failed(&mut conn, None, None, None, 10)
                .await
                .unwrap();
            let reason = dead[0].reason.as_deref().unwrap();
            assert!(reason.starts_with("provider-unavailable: "), "{reason}");
            assert_eq!((dead.len(), dead[0].queue.as_str()), (1, "send"));
            gateway.expect_dead_letters(1);
        },
    )
    .await;
}

/// Failures after which nobody can know, and whether the message went out all the same.
const AMBIGUOUS: [(Fault, usize); 7] = [
    (Fault::Reset, 0),
    (Fault::Drop, 0),
    (Fault::InternalServerError, 0),
    (Fault::AcceptAndReset, 1),
    (Fault::AcceptAndDrop, 1),
    (Fault::AcceptAndTruncate, 1),
    (Fault::AcceptAndGarble, 1),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_send_nobody_can_know_about_is_unknown_until_a_status_settles_it() {
    each_with(quiet, async |gateway| {
        for (fault, effects) in AMBIGUOUS {
            gateway.graph.fail_next(1, fault.clone());
            let id = gateway.send_text("Hello").await;
            let message = gateway.wait_status(&id, "unknown").await;
            assert_eq!(outcomes(&message), ["unknown"], "{fault:?}");
            assert!(message["error"]["detail"].is_string(), "{fault:?}");
            gateway.wait_idle().await;
            assert_eq!(
                (gateway.arrivals(&id), gateway.effects(&id)),
                (1, effects),
                "{fault:?}"
            );
            if effects == 0 {
                continue;
            }
            gateway.report(&id, "delivered");
            let message = gateway.wait_status(&id, "delivered").await;
            assert!(message["error"].is_null(), "{message}");
            assert!(message["provider_message_id"].is_string());
            assert_eq!(told(&message), ["unknown", "delivered"], "{fault:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_comes_too_late_leaves_the_send_unknown() {
    let adjust = |setup: &mut crate::harness::Setup| {
        quiet(setup);
        setup.set("send.exchange_timeout_ms", 300);
    };
    each_with(adjust, async |gateway| {
        gateway
            .graph
            .fail_next(1, Fault::Slow(Duration::from_secs(20)));
        let id = gateway.send_text("Hello").await;
        let message = gateway.wait_status(&id, "unknown").await;
        assert_eq!(outcomes(&message), ["unknown"]);
        gateway.wait_idle().await;
        assert_eq!(gateway.arrivals(&id), 1);
        gateway.report(&id, "read");
        gateway.wait_read(&id).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_least_once_sends_again_after_the_wait() {
    each(async |gateway| {
        gateway.graph.fail_next(1, Fault::Reset);
        let body = json!({ "to": TO, "text": { "body": "Hello" }, "policy": "at_least_once" });
        let id = gateway.send(body).await.id();
        let message = gateway.wait_read(&id).await;
        assert_eq!(outcomes(&message), ["unknown", "accepted"]);
        assert_eq!((gateway.arrivals(&id), gateway.effects(&id)), (2, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_least_once_sends_no_more_once_a_status_came() {
    each_with(
        |setup| setup.set("send.unknown_wait_ms", 4_000),
        async |gateway| {
            gateway.graph.fail_next(1, Fault::AcceptAndReset);
            let body = json!({ "to": TO, "text": { "body": "Hello" }, "policy": "at_least_once" });
            let id = gateway.send(body).await.id();
            gateway.wait_read(&id).await;
            gateway.wait_idle().await;
            assert_eq!((gateway.arrivals(&id), gateway.effects(&id)), (1, 1));
        },
    )
    .await;
}
