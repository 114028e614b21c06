//! Providers that fail in every way they can: a typed outcome, nothing lost, nothing sent twice.

use bytes::Bytes;
use serde_json::Value;
use wharf_test_support::StatusPlan;
use wharf_test_support::graph::Fault;

use super::outbound::status_event;
use super::quiet;
use super::via::Via;
use crate::harness::{Setup, TestGateway, each_with, timeline, told};

/// How the attempts of a message ended, in order.
fn outcomes(message: &Value) -> Vec<&str> {
    timeline(message, "attempt_ended")
        .map(|entry| entry["outcome"].as_str().unwrap())
        .collect()
}

fn json_answer(status: u16, body: &str) -> Fault {
    Fault::Answer {
        status,
        content_type: "application/json",
        body: body.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_that_has_ended_fails_at_once_with_a_remedy() {
    each_with(quiet, async |gateway| {
        for via in Via::ALL {
            via.end_credential(gateway);
            let id = via.send_text(gateway, "Hello").await;
            let message = gateway.wait_status(&id, "failed").await;
            assert_eq!(outcomes(&message), ["failed"], "{via:?}");
            assert_eq!(message["error"]["code"], "auth-failed", "{via:?}");
            assert!(message["error"]["remedy"].is_string(), "{via:?}");
            gateway.wait_idle().await;
            let event = status_event(gateway, &id, "failed").unwrap();
            assert_eq!(event["error"], message["error"], "{via:?}");
            assert_eq!(via.refusals(gateway), 1, "{via:?}: asked once");
            assert_eq!(via.effects(gateway, &id), 0);
            via.forget_refusals(gateway);
        }
        gateway.expect_dead_letters(3);
    })
    .await;
}

/// How a provider says that it was too much, and as which class.
fn throttles(via: Via) -> Vec<(Fault, &'static str)> {
    const OWN: &str = r#"{"error":"You have exceeded the rate limit of this endpoint"}"#;
    const LEGACY: &str =
        r#"{"meta":{"success":false,"http_code":429,"developer_message":"Too many requests"}}"#;
    let meta = || {
        vec![
            (Fault::GraphError(130_429), "rate-limited"),
            (Fault::GraphError(131_056), "pair-rate-limited"),
        ]
    };
    match via {
        Via::Graph => meta(),
        Via::Dialog360 => {
            let mut all = meta();
            // With 400, as 360dialog does.
            all.push((json_answer(400, OWN), "rate-limited"));
            all.push((json_answer(400, LEGACY), "rate-limited"));
            all
        }
        Via::Twilio => vec![
            (Fault::GraphError(20_429), "rate-limited"),
            (Fault::GraphError(63_018), "rate-limited"),
        ],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_too_much_is_sent_once_a_little_later() {
    each_with(Setup::with_all_providers, async |gateway| {
        // One after the other at each, for the pause of one would hold the next up.
        let each = Via::ALL.map(async |via| {
            for (fault, class) in throttles(via) {
                throttled(gateway, via, fault, class).await;
            }
        });
        futures_util::future::join_all(each).await;
    })
    .await;
}

async fn throttled(gateway: &TestGateway, via: Via, fault: Fault, class: &str) {
    let what = format!("{via:?}: {fault:?}");
    via.fail_next(gateway, 1, fault);
    let id = via.send_text(gateway, "Hello").await;
    let message = gateway.wait_read(&id).await;
    assert_eq!(outcomes(&message), ["retry", "accepted"], "{what}");
    let first = timeline(&message, "attempt_ended").next().unwrap();
    assert_eq!(first["error"]["code"], class, "{what}");
    assert!(first["retry_at"].is_string(), "{what}");
    assert!(!told(&message).contains(&"failed".to_owned()), "{what}");
    let counts = (via.arrivals(gateway, &id), via.effects(gateway, &id));
    assert_eq!(counts, (2, 1), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_says_it_is_down_is_asked_until_it_is_up() {
    each_with(Setup::with_all_providers, async |gateway| {
        // Meta's and 360dialog's 503 come from before the message was taken. Twilio's may not, so nothing
        // is sent again after it; its own refusals with a code of the channel's are certain.
        let cases = [
            (Via::Graph, Fault::Unavailable),
            (Via::Dialog360, Fault::Unavailable),
            (Via::Twilio, Fault::GraphError(63_010)),
        ];
        for (via, fault) in cases {
            via.fail_next(gateway, 2, fault);
            let id = via.send_text(gateway, "Hello").await;
            let message = gateway.wait_read(&id).await;
            assert_eq!(
                outcomes(&message),
                ["retry", "retry", "accepted"],
                "{via:?}"
            );
            let first = timeline(&message, "attempt_ended").next().unwrap();
            assert_eq!(first["error"]["code"], "provider-unavailable", "{via:?}");
            let counts = (via.arrivals(gateway, &id), via.effects(gateway, &id));
            assert_eq!(counts, (3, 1), "{via:?}");
        }
    })
    .await;
}

/// Failures after which nobody can know, and whether the message went out all the same.
fn ambiguous() -> Vec<(Fault, usize)> {
    let answer = |body: Vec<u8>| Fault::AcceptAndAnswer {
        content_type: "application/json",
        body: Bytes::from(body),
    };
    let mut enormous = br#"{"sid":""#.to_vec();
    enormous.resize(6 * 1024 * 1024, b'A');
    vec![
        (Fault::Reset, 0),
        (Fault::Drop, 0),
        (Fault::InternalServerError, 0),
        (Fault::AcceptAndReset, 1),
        (Fault::AcceptAndDrop, 1),
        (Fault::AcceptAndTruncate, 1),
        (Fault::AcceptAndGarble, 1),
        (
            answer(b"{\"messages\":[{\"id\":\"\xff\xfe\"}],\"sid\":\"\xff\"}".to_vec()),
            1,
        ),
        (answer(b"[]".to_vec()), 1),
        (answer(Vec::new()), 1),
        (answer(enormous), 1),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_send_nobody_can_know_about_is_unknown_until_a_status_settles_it() {
    each_with(quiet, async |gateway| {
        for via in Via::ALL {
            for (fault, effects) in ambiguous() {
                settles(gateway, via, fault, effects).await;
            }
        }
    })
    .await;
}

async fn settles(gateway: &TestGateway, via: Via, fault: Fault, effects: usize) {
    let mut what = format!("{via:?}: {fault:?}");
    what.truncate(200);
    via.fail_next(gateway, 1, fault);
    let id = via.send_text(gateway, "Hello").await;
    let message = gateway.wait_status(&id, "unknown").await;
    assert_eq!(outcomes(&message), ["unknown"], "{what}");
    assert!(message["error"]["detail"].is_string(), "{what}");
    gateway.wait_idle().await;
    let counts = (via.arrivals(gateway, &id), via.effects(gateway, &id));
    assert_eq!(counts, (1, effects), "{what}");
    if effects == 0 {
        return;
    }
    via.report(gateway, &id, "delivered");
    let message = gateway.wait_status(&id, "delivered").await;
    assert!(message["error"].is_null(), "{what}: {message}");
    assert!(message["provider_message_id"].is_string(), "{what}");
    assert_eq!(told(&message), ["unknown", "delivered"], "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statuses_that_come_twice_and_backwards_end_in_the_same_state() {
    each_with(Setup::with_all_providers, async |gateway| {
        for via in Via::ALL {
            let plan = StatusPlan::immediate().duplicated_and_reversed();
            via.set_statuses(gateway, plan);
            let id = via.send_text(gateway, "Hello").await;
            gateway.wait_read(&id).await;
            gateway.wait_idle().await;
            let message = gateway.message(&id).await;
            assert_eq!(message["status"], "read", "{via:?}");
            let told = told(&message);
            let mut once = told.clone();
            once.dedup();
            assert_eq!(told, once, "{via:?}: each status is told once at most");
            assert_eq!(told.last().map(String::as_str), Some("read"), "{via:?}");
            assert_eq!(via.effects(gateway, &id), 1, "{via:?}");
        }
    })
    .await;
}
