//! Templates: listed, changed by webhooks, made, deleted, and held against what is sent.

use serde_json::{Value, json};
use wharf_test_support::eventually;
use wharf_test_support::graph::{Decision, Fault, FaultRule, Template};

use super::{get, quiet, wait_events, wait_for};
use crate::harness::{ACME, GLOBEX, Setup, TO, TestGateway, WAIT, each_with};

fn order_update(language: &str) -> Template {
    let components = json!([
        { "type": "BODY", "text": "Order {{1}} comes on {{2}}.",
          "example": { "body_text": [["17", "Monday"]] } },
    ]);
    Template::approved("order_update", language, "UTILITY", components)
}

/// Lists the templates and waits for the end of it.
async fn synchronised(gateway: &TestGateway) -> Value {
    let path = "/v1/channels/main/templates/sync";
    let before = get(gateway, path).await["synced_at"].clone();
    let asked = gateway.call("POST", path).empty().await;
    assert_eq!(asked.status, 202, "{asked:?}");
    wait_for(gateway, path, |state| {
        state["synced_at"].is_string() && state["synced_at"] != before
    })
    .await
}

fn message(name: &str, language: &str, texts: &[&str]) -> Value {
    let parameters: Vec<Value> = texts
        .iter()
        .map(|text| json!({ "type": "text", "text": text }))
        .collect();
    json!({
        "to": TO, "type": "template",
        "template": {
            "name": name, "language": { "code": language },
            "components": [{ "type": "body", "parameters": parameters }],
        },
    })
}

fn account(gateway: &TestGateway) -> String {
    gateway.graph.number().account_id.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_accounts_templates_are_listed_filtered_and_gone_when_they_are_gone() {
    each_with(quiet, async |gateway| {
        let ids = ["de", "en_US"].map(|language| {
            gateway
                .graph
                .add_template(&account(gateway), order_update(language))
        });
        let state = synchronised(gateway).await;
        assert_eq!(
            (&state["provider"], &state["failed_at"]),
            (&json!("graph"), &Value::Null)
        );
        let all = get(gateway, "/v1/templates?channel=main").await;
        let all = all["data"].as_array().unwrap().clone();
        assert!(all.len() >= 2, "{all:#?}");
        let german = get(
            gateway,
            "/v1/templates?name=order_update&language=de&status=approved",
        )
        .await;
        let [german] = &german["data"].as_array().unwrap()[..] else {
            panic!("one template is expected: {german:#}");
        };
        assert_eq!(german["provider_template_id"], ids[0].as_str());
        assert_eq!(german["components"][0]["type"], "BODY");
        let path = format!("/v1/templates/{}", german["id"].as_str().unwrap());
        assert_eq!(get(gateway, &path).await, *german);
        for other in [
            gateway.call("GET", &path).by(GLOBEX),
            gateway.call("GET", "/v1/templates/tpl_1"),
            gateway.call("POST", "/v1/channels/other/templates/sync"),
        ] {
            other.empty().await.assert_problem(404, "not-found");
        }
        // Page by page, each once.
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = get(gateway, &format!("/v1/templates?limit=1{cursor}")).await;
            seen.extend(page["data"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, all);
        let wrong = gateway.call("GET", "/v1/templates?nme=x").empty().await;
        wrong.assert_problem(400, "invalid-query");

        let deleted = gateway.call("DELETE", &path).empty().await;
        assert_eq!(deleted.status, 204, "{deleted:?}");
        gateway
            .call("GET", &path)
            .empty()
            .await
            .assert_problem(404, "not-found");
        assert!(gateway.graph.templates().iter().all(|it| it.id != ids[0]));
        synchronised(gateway).await;
        let left = get(gateway, "/v1/templates?name=order_update").await;
        assert_eq!(left["data"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_held_against_its_template_before_it_is_stored() {
    each_with(quiet, async |gateway| {
        gateway
            .graph
            .add_template(&account(gateway), order_update("en_US"));
        // Nothing is known yet: the provider decides.
        let early = gateway
            .send(message("never_heard_of", "en_US", &["a"]))
            .await;
        assert_eq!(early.status, 202, "{early:?}");
        gateway.wait_status(&early.id(), "failed").await;
        gateway.expect_dead_letters(1);

        synchronised(gateway).await;
        let rows = gateway.rows("message").await;
        let unknown = gateway
            .send(message("order_updte", "en_US", &["a", "b"]))
            .await;
        unknown
            .assert_problem(422, "invalid-message")
            .assert_fields(&[("/template/name", "unknown")]);
        assert_eq!(unknown.body["reason"], "template-unknown");
        let detail = unknown.body["detail"].as_str().unwrap();
        assert!(detail.contains("order_update"), "{detail}");
        let foreign = gateway
            .send(message("order_update", "fr", &["a", "b"]))
            .await;
        foreign
            .assert_problem(422, "invalid-message")
            .assert_fields(&[("/template/language/code", "unknown")]);
        assert!(foreign.body["detail"].as_str().unwrap().contains("en_US"));
        for texts in [&["a"][..], &["a", "b", "c"]] {
            let wrong = gateway.send(message("order_update", "en_US", texts)).await;
            wrong.assert_problem(422, "invalid-message");
            assert_eq!(wrong.body["reason"], "template-mismatch", "{wrong:?}");
        }
        assert_eq!(gateway.rows("message").await, rows);
        let right = gateway
            .send(message("order_update", "en_US", &["17", "Monday"]))
            .await;
        assert_eq!(right.status, 202, "{right:?}");
        let sent = gateway.wait_status(&right.id(), "sent").await;
        assert_eq!(sent["template"]["name"], "order_update");
        // Meta refuses what it does not know, and says so.
        gateway.graph.clear_requests();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_change_what_is_known_of_a_template() {
    each_with(quiet, async |gateway| {
        let id = gateway
            .graph
            .add_template(&account(gateway), order_update("en_US"));
        synchronised(gateway).await;
        let path = "/v1/templates?name=order_update";
        gateway.graph.decide_template(&id, &Decision::Pause);
        let paused = wait_for(gateway, path, |page| page["data"][0]["status"] == "PAUSED").await;
        assert_eq!(paused["data"].as_array().unwrap().len(), 1);
        wait_events(gateway, "template.status", 1).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_is_made_at_the_provider_and_its_refusal_names_the_reason() {
    each_with(quiet, async |gateway| {
        let draft = json!({
            "channel": "main", "name": "order_update", "language": "en_US", "category": "UTILITY",
            "components": [{ "type": "BODY", "text": "Order {{1}} is here today.",
                             "example": { "body_text": [["17"]] } }],
        });
        let made = gateway.call("POST", "/v1/templates").json(&draft).await;
        assert_eq!(made.status, 201, "{made:?}");
        assert_eq!(made.body["name"], "order_update");
        let id = made.body["provider_template_id"].as_str().unwrap();
        assert!(gateway.graph.templates().iter().any(|it| it.id == id));

        let mut wrong = draft.clone();
        wrong["name"] = "Order Update".into();
        let refused = gateway.call("POST", "/v1/templates").json(&wrong).await;
        refused.assert_problem(422, "request-rejected");
        assert!(refused.body["detail"].as_str().unwrap().contains("name"));

        let mut misspelt = draft.clone();
        misspelt["componens"] = json!([]);
        misspelt.as_object_mut().unwrap().remove("components");
        let refused = gateway.call("POST", "/v1/templates").json(&misspelt).await;
        refused
            .assert_problem(422, "invalid-request")
            .assert_fields(&[("/componens", "unknown"), ("/components", "missing")]);
        let foreign = gateway.call("POST", "/v1/templates").by(GLOBEX);
        let mut elsewhere = draft.clone();
        elsewhere["channel"] = "nowhere".into();
        foreign
            .json(&elsewhere)
            .await
            .assert_problem(422, "channel-unknown");
        let all = get(gateway, "/v1/templates").await;
        assert_eq!(all["data"].as_array().unwrap().len(), 1);
        let theirs = gateway
            .call("GET", "/v1/templates")
            .by(GLOBEX)
            .empty()
            .await;
        assert_eq!(theirs.body["data"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schedule_lists_every_account_once_and_again_after_a_failure() {
    let on = |setup: &mut Setup| {
        quiet(setup);
        setup.set("upkeep.templates_minutes", 60);
    };
    each_with(on, async |gateway| {
        let path = "/v1/channels/main/templates/sync";
        wait_for(gateway, path, |state| state["synced_at"].is_string()).await;
        let listed = "template_sync where synced_at is not null and plugin = 'graph'";
        let both = || async { (gateway.rows(listed).await == 2).then_some(()) };
        eventually(WAIT, both).await.unwrap();
        // A failure is kept beside what is known.
        gateway
            .graph
            .add_fault(FaultRule::new(Fault::Unavailable).on("templates.list"));
        let asked = gateway.call("POST", path).by(ACME).empty().await;
        assert_eq!(asked.status, 202);
        let state = wait_for(gateway, path, |state| state["failed_at"].is_string()).await;
        assert!(
            state["synced_at"].is_string() && state["error"].is_string(),
            "{state:#}"
        );
        gateway.graph.clear_faults();
        wait_for(gateway, path, |state| state["failed_at"].is_null()).await;
    })
    .await;
}
