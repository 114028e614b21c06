//! A message that names other channels goes through them when it certainly was not sent, and only then.

use serde_json::{Value, json};
use wharf_test_support::graph::{Fault, FaultRule};

use super::quiet;
use crate::harness::{Setup, TO, TestGateway, each_with, timeline, told};

/// Acme has a second channel: the sandbox.
fn with_backup(setup: &mut Setup) {
    quiet(setup);
    let key = setup.credentials.sandbox_key.clone();
    setup.acme.push_str(&format!(
        "[channels.backup]\nplugin = \"sandbox\"\nsettings = {{ sender = \"backup\", script = \"sent+1\" }}\n\
         secrets = {{ sandbox_key = \"{key}\" }}\n"
    ));
}

async fn send(gateway: &TestGateway) -> String {
    let body = json!({
        "to": TO, "channel": "main", "fallback": ["backup"], "text": { "body": "Hello" },
        "reference": "order-7",
    });
    let answer = gateway.send(body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.body["fallback"], json!(["backup"]));
    answer.id()
}

fn channels(message: &Value) -> Vec<&str> {
    timeline(message, "attempt_started")
        .map(|entry| entry["channel"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_channel_refuses_for_good_goes_through_the_next() {
    each_with(with_backup, async |gateway| {
        gateway
            .graph
            .add_fault(FaultRule::new(Fault::GraphError(190)));
        let id = send(gateway).await;
        let message = gateway.wait_status(&id, "sent").await;
        assert_eq!(message["channel"], "backup");
        assert_eq!(message["try"], 2);
        assert_eq!(channels(&message), ["main", "backup"]);
        assert_eq!(told(&message), ["sent"], "it has not failed");
        let told = |event: &&Value| event["type"] == "message.fallback";
        let events = gateway.wait_delivered(2).await;
        let event = events.iter().find(told).unwrap();
        let data = &event["data"];
        assert_eq!(
            (&data["from"], &data["channel"]),
            (&json!("main"), &json!("backup"))
        );
        assert_eq!(data["error"]["code"], "auth-failed");
        assert_eq!(data["reference"], "order-7");
        assert_eq!(gateway.effects(&id), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_down_is_left_after_a_few_attempts() {
    each_with(with_backup, async |gateway| {
        gateway.graph.add_fault(FaultRule::new(Fault::Unavailable));
        let id = send(gateway).await;
        let message = gateway.wait_status(&id, "sent").await;
        assert_eq!(channels(&message), ["main", "main", "main", "backup"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_been_sent_goes_nowhere_else() {
    each_with(with_backup, async |gateway| {
        gateway.graph.fail_next(1, Fault::AcceptAndReset);
        let id = send(gateway).await;
        let message = gateway.wait_status(&id, "unknown").await;
        assert_eq!(channels(&message), ["main"]);
        assert_eq!(gateway.effects(&id), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_persons_wish_is_not_gone_around_and_the_last_channel_ends_it() {
    each_with(with_backup, async |gateway| {
        gateway.graph.fail_next(1, Fault::GraphError(131_050));
        let id = send(gateway).await;
        let message = gateway.wait_status(&id, "failed").await;
        assert_eq!(channels(&message), ["main"]);
        assert_eq!(message["error"]["code"], "recipient-opted-out");
        gateway.wait_idle().await;
        gateway.expect_dead_letters(1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_could_never_take_it_is_refused_before_anything_is_stored() {
    each_with(with_backup, async |gateway| {
        let answers = json!({
            "to": TO, "channel": "main", "fallback": ["backup"], "text": { "body": "Yes" },
            "context": { "message_id": "wamid.HBgLNDkxNTEx" },
        });
        let answer = gateway.send(answers).await;
        answer.assert_problem(422, "invalid-request");
        answer.assert_fields(&[("/fallback", "unsupported")]);
        let implied = json!({ "to": TO, "fallback": ["main"], "text": { "body": "x" } });
        let answer = gateway.send(implied).await;
        answer.assert_problem(422, "channel-unknown");
        assert_eq!(gateway.rows("message").await, 0);
    })
    .await;
}
