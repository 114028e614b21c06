//! A channel's health and profile.

use std::time::Duration;

use serde_json::{Value, json};
use wharf_test_support::graph::{Fault, FaultRule};

use super::{events, get, quiet, wait_events, wait_for};
use crate::harness::{GLOBEX, PLAYGROUND, Setup, TestGateway, each_with};

fn with_app_id(setup: &mut Setup) {
    quiet(setup);
}

async fn check(gateway: &TestGateway) -> Value {
    let answer = gateway
        .call("POST", "/v1/channels/main/health/check")
        .empty()
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_is_asked_for_kept_and_told_when_it_changes() {
    each_with(with_app_id, async |gateway| {
        let path = "/v1/channels/main/health";
        let unknown = get(gateway, path).await;
        assert_eq!(
            (&unknown["verdict"], &unknown["checked_at"]),
            (&json!("unknown"), &Value::Null)
        );

        let first = check(gateway).await;
        assert!(first["checked_at"].is_string(), "{first:#}");
        assert_eq!(get(gateway, path).await, first);
        check(gateway).await;
        gateway.wait_idle().await;
        let told = events(gateway, "channel.health").len();
        assert!(told <= 1, "the same twice is no news");

        // The token is refused: that is an answer, and news.
        let token = gateway.credentials.tokens[0].clone();
        gateway.graph.revoke_token(&token, 460);
        let blocked = check(gateway).await;
        assert_eq!(blocked["verdict"], "blocked", "{blocked:#}");
        let finding = &blocked["findings"][0];
        assert!(finding["remedy"].is_string(), "{finding:#}");
        let events = wait_events(gateway, "channel.health", told + 1).await;
        let data = &events[told]["data"];
        assert_eq!(
            (&data["channel"], &data["verdict"]),
            (&json!("main"), &json!("blocked"))
        );
        // What the fake refused was the point.
        gateway.graph.clear_requests();

        for theirs in ["/v1/channels/other/health", "/v1/channels/sandbox/health"] {
            gateway
                .call("GET", theirs)
                .empty()
                .await
                .assert_problem(404, "not-found");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_brings_no_answer_keeps_what_was_known() {
    each_with(with_app_id, async |gateway| {
        let first = check(gateway).await;
        gateway
            .graph
            .add_fault(FaultRule::new(Fault::Unavailable).on("phone.get"));
        gateway
            .graph
            .add_fault(FaultRule::new(Fault::Unavailable).on("account.get"));
        let path = "/v1/channels/main/health/check";
        let failed = gateway.call("POST", path).empty().await;
        failed.assert_problem(502, "provider-failed");
        let shown = get(gateway, "/v1/channels/main/health").await;
        assert_eq!(shown["verdict"], first["verdict"]);
        assert_eq!(shown["checked_at"], first["checked_at"]);
        assert!(shown["check_failed"]["detail"].is_string(), "{shown:#}");
        gateway.graph.clear_faults();
        assert_eq!(check(gateway).await["check_failed"], Value::Null);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_channel_is_looked_at_by_the_schedule() {
    let on = |setup: &mut Setup| {
        with_app_id(setup);
        setup.set("upkeep.health_minutes", 60);
    };
    each_with(on, async |gateway| {
        wait_for(gateway, "/v1/channels/main/health", |shown| {
            shown["checked_at"].is_string()
        })
        .await;
        let theirs = || async {
            let call = gateway.call("GET", "/v1/channels/sandbox/health");
            let shown = call.by(PLAYGROUND).empty().await.body;
            (shown["messages_per_second"] == 80).then_some(())
        };
        wharf_test_support::eventually(Duration::from_secs(60), theirs)
            .await
            .unwrap();
        let other = gateway.call("GET", "/v1/channels/main/health").by(GLOBEX);
        assert_eq!(other.empty().await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_profile_is_read_and_changed() {
    each_with(quiet, async |gateway| {
        let path = "/v1/channels/main/profile";
        let shown = get(gateway, path).await;
        assert!(shown["profile"].is_object(), "{shown:#}");
        let change = json!({ "about": "Open from 9 to 5" });
        let changed = gateway.call("PATCH", path).json(&change).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        assert_eq!(changed.body["profile"]["about"], "Open from 9 to 5");
        assert_eq!(
            get(gateway, path).await["profile"]["about"],
            "Open from 9 to 5"
        );

        let refused = gateway
            .call("PATCH", path)
            .json(&json!({ "about": "x".repeat(200) }))
            .await;
        refused.assert_problem(422, "request-rejected");
        for wrong in [json!({}), json!([]), json!("about")] {
            let answer = gateway.call("PATCH", path).json(&wrong).await;
            answer.assert_problem(422, "invalid-request");
        }
        let nowhere = gateway.call("PATCH", "/v1/channels/other/profile");
        nowhere.json(&change).await.assert_problem(404, "not-found");
        let untold = gateway.call("GET", path).without_key().empty().await;
        untold.assert_problem(401, "unauthorized");
    })
    .await;
}
