//! What failed for good, and went again because an operator said so.

use serde_json::{Value, json};
use wharf::workers::revive::{self, Selection};
use wharf_queue::Queue;
use wharf_test_support::graph::{Fault, FaultRule};

use super::quiet;
use crate::harness::{GLOBEX, each_with, timeline, told};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_goes_again_as_a_second_try_and_keeps_what_happened_to_the_first() {
    each_with(quiet, async |gateway| {
        gateway
            .graph
            .add_fault(FaultRule::new(Fault::GraphError(190)));
        let id = gateway.send_text("Hello").await;
        let message = gateway.wait_status(&id, "failed").await;
        assert_eq!(message["try"], 1);
        gateway.wait_idle().await;

        gateway.graph.clear_faults();
        let app = gateway.app();
        let of = |queue| Selection {
            queue: Some(queue),
            ..Selection::default()
        };
        let revived = async |queue| {
            revive::all(&app.db, &of(queue), app.now_ms())
                .await
                .unwrap()
        };
        assert_eq!(revived(Queue::Delivery).await, 0, "not what was asked for");
        assert_eq!(revived(Queue::Send).await, 1);
        let message = gateway.wait_status(&id, "sent").await;
        assert_eq!(message["try"], 2);
        assert!(message["error"].is_null(), "{message:#}");
        let tries: Vec<_> = timeline(&message, "exchange")
            .map(|exchange| exchange["try"].as_u64().unwrap())
            .collect();
        assert_eq!(tries, [1, 2]);
        gateway.report(&id, "read");
        let message = gateway.wait_status(&id, "read").await;
        assert_eq!(told(&message), ["failed", "sent", "read"]);
        assert_eq!((gateway.arrivals(&id), gateway.effects(&id)), (2, 1));
        assert_eq!(revived(Queue::Send).await, 0, "nothing is left to go again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_try_that_fails_too_is_a_dead_letter_again() {
    each_with(quiet, async |gateway| {
        gateway
            .graph
            .add_fault(FaultRule::new(Fault::GraphError(190)));
        let id = gateway.send_text("Hello").await;
        gateway.wait_status(&id, "failed").await;
        gateway.wait_idle().await;
        let app = gateway.app();
        assert_eq!(
            revive::all(&app.db, &Selection::default(), app.now_ms())
                .await
                .unwrap(),
            1
        );
        let message = gateway
            .wait_message(&id, |message| {
                message["try"] == 2 && message["status"] == "failed"
            })
            .await;
        gateway.wait_idle().await;
        assert_eq!(told(&message), ["failed", "failed"]);
        assert_eq!(gateway.arrivals(&id), 2);
        gateway.expect_dead_letters(1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_looks_at_its_dead_letters_and_sends_or_drops_those_it_names() {
    each_with(quiet, async |gateway| {
        gateway
            .graph
            .add_fault(FaultRule::new(Fault::GraphError(190)));
        let mut ids = Vec::new();
        for _ in 0..3 {
            let id = gateway.send_text("Hello").await;
            gateway.wait_status(&id, "failed").await;
            ids.push(id);
        }
        gateway.wait_idle().await;
        let get = async |path: &str| gateway.call("GET", path).empty().await;
        let post = async |path: &str, body: Value| gateway.call("POST", path).json(&body).await;

        let page = get("/v1/dead-letters?limit=2&code=auth-failed&queue=send&channel=main").await;
        let data = page.body["data"].as_array().unwrap();
        assert_eq!(data.len(), 2, "{page:?}");
        assert_eq!(data[0]["message_id"], ids[2], "newest first");
        assert_eq!(data[0]["code"], "auth-failed");
        assert!(data[0]["remedy"].as_str().unwrap().contains("token"));
        let cursor = page.body["next_cursor"].as_str().unwrap();
        let rest = get(&format!("/v1/dead-letters?cursor={cursor}")).await;
        assert_eq!(rest.body["data"].as_array().unwrap().len(), 1);
        assert!(rest.body["next_cursor"].is_null());
        let none = get("/v1/dead-letters?code=rate-limited").await;
        assert_eq!(none.body["data"], json!([]));

        let dead = data[0]["id"].as_str().unwrap().to_owned();
        let whole = get(&format!("/v1/dead-letters/{dead}")).await;
        assert_eq!(timeline(&whole.body["message"], "exchange").count(), 1);
        let path = format!("/v1/dead-letters/{dead}");
        let other = gateway.call("GET", &path).by(GLOBEX).empty().await;
        other.assert_problem(404, "not-found");
        let retry = format!("{path}/retry");
        let other = gateway
            .call("POST", &retry)
            .by(GLOBEX)
            .json(&json!({}))
            .await;
        other.assert_problem(404, "not-found");
        let all = json!({ "all": true });
        let call = gateway.call("POST", "/v1/dead-letters/flush").by(GLOBEX);
        assert_eq!(call.json(&all).await.body["flushed"], 0);

        post("/v1/dead-letters/retry", json!({}))
            .await
            .assert_fields(&[("", "missing")]);
        let wrong = json!({ "queue": "letters" });
        post("/v1/dead-letters/flush", wrong)
            .await
            .assert_fields(&[("/queue", "invalid")]);
        let wrong = json!({ "al": true });
        post("/v1/dead-letters/flush", wrong)
            .await
            .assert_fields(&[("/al", "unknown")]);

        gateway.graph.clear_faults();
        let answer = post(&retry, json!({})).await;
        assert_eq!(answer.body["retried"], 1, "{answer:?}");
        gateway.wait_status(&ids[2], "sent").await;
        post(&retry, json!({}))
            .await
            .assert_problem(404, "not-found");
        let of = json!({ "code": "auth-failed", "ids": [rest.body["data"][0]["id"]] });
        assert_eq!(post("/v1/dead-letters/retry", of).await.body["retried"], 1);
        gateway.wait_status(&ids[0], "sent").await;
        let of = json!({ "channel": "main" });
        assert_eq!(post("/v1/dead-letters/flush", of).await.body["flushed"], 1);
        assert_eq!(gateway.message(&ids[1]).await["status"], "failed");
    })
    .await;
}
