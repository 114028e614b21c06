//! The same request twice, on purpose and by accident.

use std::time::Duration;

use serde_json::json;
use wharf_test_support::eventually;
use wharf_test_support::graph::Fault;

use super::quiet;
use crate::harness::{GLOBEX, TO, WAIT, each, each_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_gets_the_first_ones_message_and_says_so() {
    each(async |gateway| {
        let body = json!({ "to": TO, "text": { "body": "Hello" } });
        let send = || gateway.call("POST", "/v1/messages").once("order-7");
        let first = send().json(&body).await;
        assert_eq!((first.status, first.is_replay()), (202, false), "{first:?}");
        gateway.wait_status(&first.id(), "read").await;
        let again = send().json(&body).await;
        assert_eq!((again.status, again.is_replay()), (202, true), "{again:?}");
        assert_eq!(
            (again.id(), &again.body["status"]),
            (first.id(), &json!("read"))
        );

        let other = json!({ "to": TO, "text": { "body": "Something else" } });
        send()
            .json(&other)
            .await
            .assert_problem(422, "idempotency-mismatch");
        let elsewhere = "/api/whatsapp/official/send/text";
        let elsewhere = gateway.call("POST", elsewhere).once("order-7").json(&body);
        elsewhere.await.assert_problem(422, "idempotency-mismatch");
        assert_eq!(gateway.rows("message").await, 1);
        assert_eq!(gateway.effects(&first.id()), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tenants_key_is_another_key() {
    each(async |gateway| {
        let body = json!({ "to": TO, "text": { "body": "Hello" } });
        let ours = gateway
            .call("POST", "/v1/messages")
            .once("order-7")
            .json(&body)
            .await;
        let theirs = gateway
            .call("POST", "/v1/messages")
            .by(GLOBEX)
            .once("order-7")
            .json(&body)
            .await;
        for answer in [&ours, &theirs] {
            assert_eq!(
                (answer.status, answer.is_replay()),
                (202, false),
                "{answer:?}"
            );
        }
        assert_ne!(ours.id(), theirs.id());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_requests_at_once_make_one_message() {
    each(async |gateway| {
        let body = json!({ "to": TO, "text": { "body": "Hello" } });
        let sends = (0..20).map(|_| {
            gateway
                .call("POST", "/v1/messages")
                .once("order-7")
                .json(&body)
        });
        let answers = futures_util::future::join_all(sends).await;
        let id = answers[0].id();
        for answer in &answers {
            assert_eq!(
                (answer.status, answer.id()),
                (202, id.clone()),
                "{answer:?}"
            );
        }
        assert_eq!(
            answers.iter().filter(|answer| !answer.is_replay()).count(),
            1
        );
        gateway.wait_status(&id, "read").await;
        assert_eq!(
            (gateway.rows("message").await, gateway.effects(&id)),
            (1, 1)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_immediate_send_still_running_is_told_apart_from_one_that_ended() {
    each_with(quiet, async |gateway| {
        gateway
            .graph
            .fail_next(1, Fault::Slow(Duration::from_secs(3)));
        let body = json!({ "to": TO, "message": "Hello" });
        let path = "/api/whatsapp/official/send/immediate";
        let send = || gateway.call("POST", path).once("order-7").json(&body);
        let meanwhile = async {
            let arrived = || async { (gateway.graph.requests_count() == 1).then_some(()) };
            eventually(WAIT, arrived).await.unwrap();
            send().await.assert_problem(409, "idempotency-in-progress");
        };
        let (first, ()) = tokio::join!(send(), meanwhile);
        assert_eq!((first.status, first.is_replay()), (200, false), "{first:?}");
        let again = send().await;
        assert_eq!((again.status, again.is_replay()), (200, true), "{again:?}");
        assert_eq!(again.id(), first.id());
        assert_eq!(gateway.arrivals(&first.id()), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_immediate_send_fails_alike_when_repeated() {
    each_with(quiet, async |gateway| {
        gateway.graph.fail_next(1, Fault::GraphError(131_030));
        let body = json!({ "to": TO, "message": "Hello" });
        let path = "/api/whatsapp/official/send/immediate";
        for replay in [false, true] {
            let answer = gateway.call("POST", path).once("order-7").json(&body).await;
            answer.assert_problem(422, "provider-rejected");
            assert_eq!(answer.is_replay(), replay);
        }
        assert_eq!(gateway.graph.requests_count(), 1);
        gateway.expect_dead_letters(1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_none_is_refused() {
    each(async |gateway| {
        let body = json!({ "to": TO, "text": { "body": "Hello" } });
        for key in ["", "two words", &"x".repeat(256)] {
            let answer = gateway
                .call("POST", "/v1/messages")
                .once(key)
                .json(&body)
                .await;
            answer.assert_problem(422, "invalid-request");
        }
        assert_eq!(gateway.rows("message").await, 0);
    })
    .await;
}
