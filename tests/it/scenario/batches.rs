//! Many messages in one request: each with its own answer.

use serde_json::{Value, json};

use super::quiet;
use crate::harness::{Answer, TestGateway, each, each_with};

const PATH: &str = "/v1/messages/batch";

fn text(n: usize) -> Value {
    json!({ "to": format!("+49151{n:08}"), "text": { "body": format!("Hello {n}") } })
}

async fn post(gateway: &TestGateway, messages: &[Value], key: Option<&str>) -> Answer {
    let call = gateway.call("POST", PATH);
    let call = match key {
        Some(key) => call.once(key),
        None => call,
    };
    call.json(&json!({ "messages": messages })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_with_mistakes_takes_what_is_right_and_says_what_is_wrong_where() {
    each_with(quiet, async |gateway| {
        let mut messages: Vec<_> = (0..250).map(text).collect();
        messages[7] = json!({ "to": "+4915112345678", "text": { "body": "" } });
        messages[9] = json!(17);
        messages[11]["channel"] = json!("nowhere");
        let answer = post(gateway, &messages, None).await;
        assert_eq!(answer.status, 207, "{answer:?}");
        assert_eq!(answer.body["accepted"], 247);
        assert_eq!(answer.body["refused"], 3);
        let data = answer.body["data"].as_array().unwrap();
        assert_eq!(data.len(), 250);
        for (index, item) in data.iter().enumerate() {
            assert_eq!(item["index"], index);
        }
        assert_eq!(data[7]["status"], 422);
        assert_eq!(
            data[7]["error"]["errors"][0]["pointer"],
            "/messages/7/text/body"
        );
        assert_eq!(data[9]["error"]["errors"][0]["pointer"], "/messages/9");
        assert_eq!(data[11]["error"]["code"], "channel-unknown");
        assert_eq!(
            data[11]["error"]["errors"][0]["pointer"],
            "/messages/11/channel"
        );
        assert_eq!(gateway.rows("message").await, 247);
        let first = data[0]["message"]["id"].as_str().unwrap();
        let message = gateway.wait_status(first, "sent").await;
        assert_eq!(message["to"], "+4915100000000");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_batch_is_replayed_message_by_message() {
    each_with(quiet, async |gateway| {
        let mut messages: Vec<_> = (0..3).map(text).collect();
        let first = post(gateway, &messages, Some("batch-1")).await;
        assert_eq!(first.body["accepted"], 3);
        // The second is another message now, and there is one more.
        messages[1] = text(99);
        messages.push(text(3));
        let second = post(gateway, &messages, Some("batch-1")).await;
        let data = second.body["data"].as_array().unwrap();
        assert_eq!(data[0]["replayed"], true);
        assert_eq!(
            data[0]["message"]["id"],
            first.body["data"][0]["message"]["id"]
        );
        assert_eq!(data[1]["error"]["code"], "idempotency-mismatch");
        assert_eq!(data[2]["replayed"], true);
        assert!(data[3]["replayed"].is_null());
        assert_eq!(gateway.rows("message").await, 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_none_is_refused_as_a_whole() {
    each(async |gateway| {
        let many: Vec<_> = (0..1_001).map(text).collect();
        for (body, field, code) in [
            (json!([]), "", "wrong-type"),
            (json!({}), "/messages", "missing"),
            (json!({ "messages": [] }), "/messages", "invalid"),
            (json!({ "messages": {} }), "/messages", "wrong-type"),
            (json!({ "messages": [text(0)], "x": 1 }), "/x", "unknown"),
            (json!({ "messages": many }), "/messages", "too-many"),
        ] {
            let answer = gateway.call("POST", PATH).json(&body).await;
            answer.assert_problem(422, "invalid-request");
            answer.assert_fields(&[(field, code)]);
        }
        let call = gateway.call("POST", PATH).without_key();
        call.json(&json!({}))
            .await
            .assert_problem(401, "unauthorized");
        assert_eq!(gateway.rows("message").await, 0);
    })
    .await;
}
