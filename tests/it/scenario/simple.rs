//! The simple surface: queued texts, and sends whose caller waits for the end.

use std::time::Duration;

use serde_json::{Value, json};
use wharf_test_support::eventually;
use wharf_test_support::graph::Fault;

use super::quiet;
use crate::harness::{Answer, TO, TestGateway, WAIT, each, each_with, told};

const IMMEDIATE: &str = "/api/whatsapp/official/send/immediate";

async fn send_now(gateway: &TestGateway) -> Answer {
    let body = json!({ "to": TO, "message": "Hello" });
    gateway.call("POST", IMMEDIATE).json(&body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simple_text_is_queued_and_sent() {
    each(async |gateway| {
        for recipient in ["to", "phone", "recipient_phone"] {
            let body = json!({ recipient: TO, "message": "Hello", "preview_url": true });
            let path = "/api/whatsapp/official/send/text";
            let answer = gateway.call("POST", path).json(&body).await;
            assert_eq!(answer.status, 202, "{answer:?}");
            assert_eq!(answer.body["status"], "queued");
            gateway.wait_status(&answer.id(), "read").await;
        }
        let sends = gateway.graph.requests();
        assert!(
            sends
                .iter()
                .all(|request| request.send.as_ref().unwrap().preview_url)
        );
        assert_eq!(sends.len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_immediate_send_answers_with_the_sent_message() {
    each_with(quiet, async |gateway| {
        let answer = send_now(gateway).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["status"], "sent");
        assert!(
            answer.body["provider_message_id"]
                .as_str()
                .unwrap()
                .starts_with("wamid.")
        );
        assert_eq!(gateway.effects(&answer.id()), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_immediate_send_that_the_provider_refuses_says_why() {
    each_with(quiet, async |gateway| {
        for (code, reason) in [(131_030, "misconfigured"), (100, "invalid-message")] {
            gateway.graph.fail_next(1, Fault::GraphError(code));
            let answer = send_now(gateway).await;
            answer.assert_problem(422, "provider-rejected");
            assert_eq!(answer.body["provider_code"], code.to_string());
            assert_eq!(answer.body["reason"], reason);
            assert!(!answer.body["detail"].as_str().unwrap().is_empty());
            let message = &answer.body["message"];
            assert_eq!(message["status"], "failed");
            let kept = gateway.message(message["id"].as_str().unwrap()).await;
            assert_eq!(kept["error"]["provider_code"], code.to_string());
            assert_eq!(told(&kept), ["failed"]);
        }
        gateway.expect_dead_letters(2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_immediate_send_makes_one_attempt_when_the_provider_is_down() {
    each_with(quiet, async |gateway| {
        gateway.graph.fail_next(9, Fault::Unavailable);
        let answer = send_now(gateway).await;
        answer.assert_problem(502, "provider-unavailable");
        let id = answer.body["message"]["id"].as_str().unwrap().to_owned();
        gateway.wait_idle().await;
        assert_eq!((gateway.arrivals(&id), gateway.effects(&id)), (1, 0));
        assert_eq!(gateway.message(&id).await["status"], "failed");
        gateway.expect_dead_letters(1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_immediate_send_whose_answer_is_lost_is_unknown_and_never_sent_again() {
    each_with(quiet, async |gateway| {
        for (fault, effects) in [(Fault::Reset, 0), (Fault::AcceptAndReset, 1)] {
            gateway.graph.fail_next(1, fault);
            let answer = send_now(gateway).await;
            assert_eq!(
                (answer.status, &answer.body["status"]),
                (202, &json!("unknown")),
                "{answer:?}"
            );
            let id = answer.id();
            gateway.wait_idle().await;
            assert_eq!((gateway.arrivals(&id), gateway.effects(&id)), (1, effects));
            assert_eq!(gateway.message(&id).await["status"], "unknown");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_immediate_send_goes_on_when_its_caller_leaves() {
    each(async |gateway| {
        gateway
            .graph
            .fail_next(1, Fault::Slow(Duration::from_secs(1)));
        let leaves = eventually(WAIT, || async {
            (gateway.graph.requests_count() == 1).then_some(())
        });
        tokio::select! {
            answer = send_now(gateway) => panic!("it was answered at once: {answer:?}"),
            arrived = leaves => arrived.unwrap(),
        }
        let page = gateway.call("GET", "/v1/messages").empty().await;
        let [message] = &page.body["data"].as_array().unwrap()[..] else {
            panic!("one message is expected: {page:?}");
        };
        let id = message["id"].as_str().unwrap();
        gateway.wait_status(id, "read").await;
        assert_eq!(gateway.arrivals(id), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_fields_are_named_as_they_were_written() {
    each(async |gateway| {
        let cases: [(Value, &[(&str, &str)]); 4] = [
            (json!({ "to": TO }), &[("/message", "missing")]),
            (
                json!({ "to": TO, "message": "" }),
                &[("/message", "invalid")],
            ),
            (
                json!({ "phone": "12", "message": "x" }),
                &[("/phone", "invalid")],
            ),
            (
                json!({ "to": TO, "message": "x", "preview_url": 1 }),
                &[("/preview_url", "wrong-type")],
            ),
        ];
        for (body, fields) in cases {
            for path in ["/api/whatsapp/official/send/text", IMMEDIATE] {
                let answer = gateway.call("POST", path).json(&body).await;
                answer
                    .assert_problem(422, "invalid-request")
                    .assert_fields(fields);
            }
        }
        assert_eq!(gateway.rows("message").await, 0);
    })
    .await;
}
