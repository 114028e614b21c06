//! The operator's apps: where their providers must call, and the flows that tell them.

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use wharf_core::api_key::{self, NewKey};

use super::graph::app;
use crate::harness::{PUBLIC_URL, Setup, TestGateway, each_with};

/// Runs against a gateway with an operator's key and the app `meta`.
async fn as_operator(test: impl AsyncFn(&TestGateway, &NewKey)) {
    let operator = api_key::create(&rand::random());
    let entry = format!(
        "\n[operator_keys.ops]\nhash = \"sha256:{}\"\n",
        operator.hash
    );
    let adjust = |setup: &mut Setup| {
        app(setup);
        setup.main.push_str(&entry);
    };
    each_with(adjust, async |gateway| test(gateway, &operator).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_has_the_shared_apps_webhook_set_up() {
    as_operator(async |gateway, operator| {
        let key = operator.key.expose_secret();
        let listed = gateway.call("GET", "/v1/apps").key(key).empty().await;
        assert_eq!(listed.status, 200, "{listed:?}");
        let meta = &listed.body["data"][0];
        assert_eq!(
            (&meta["id"], &meta["plugin"]),
            (&json!("meta"), &json!("graph"))
        );
        let url = meta["webhook_urls"]["main"].as_str().unwrap();
        assert!(url.starts_with(PUBLIC_URL), "{url}");
        let flows = meta["flows"].as_array().unwrap().iter();
        let flows: Vec<_> = flows.map(|flow| &flow["id"]).collect();
        assert_eq!(flows, ["webhooks"]);

        gateway.graph.connect_to(PUBLIC_URL, gateway.url(""));
        let run = async |body: Value| {
            let path = "/v1/apps/meta/flows/webhooks";
            let answer = gateway.call("POST", path).key(key).json(&body).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.body
        };
        // The app has a webhook already, so nothing is changed unasked.
        let asked = run(json!({})).await;
        assert_eq!(asked["status"], "question", "{asked:#}");
        assert_eq!(asked["findings"][0]["verdict"], "warning");
        let field = &asked["question"]["fields"][0];
        assert_eq!(field["name"], "decision");
        assert_eq!(field["choices"][0]["value"], "replace");
        let odd = run(json!({ "answers": { "decision": "perhaps" } })).await;
        assert_eq!(odd["status"], "question", "{odd:#}");

        let done = run(json!({ "answers": { "decision": "replace" } })).await;
        assert_eq!(
            (&done["status"], &done["question"]),
            (&json!("done"), &Value::Null)
        );
        let last = done["findings"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&last["step"], &last["verdict"]),
            (&json!("app"), &json!("ok"))
        );
        // Statuses come by the address that the provider was just told.
        let id = gateway.send_text("Hello").await;
        gateway.wait_read(&id).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_cannot_reach_us_is_a_finding_with_a_remedy() {
    as_operator(async |gateway, operator| {
        let call = gateway.call("POST", "/v1/apps/meta/flows/webhooks");
        let body = json!({ "answers": { "decision": "replace" } });
        // Nobody answers there.
        gateway.graph.connect_to(PUBLIC_URL, "http://127.0.0.1:1");
        let answer = call.key(operator.key.expose_secret()).json(&body).await;
        assert_eq!(
            (answer.status, &answer.body["status"]),
            (200, &json!("question"))
        );
        let last = answer.body["findings"].as_array().unwrap().last().unwrap();
        assert_eq!(last["verdict"], "failed", "{last:#}");
        assert!(last["remedy"].as_str().unwrap().contains("public address"));
        // The fake refused it, as it should.
        assert_eq!(gateway.graph.refusals().len(), 1);
        gateway.graph.clear_requests();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_operators_run_flows_of_apps_and_only_those_that_are_an_apps() {
    as_operator(async |gateway, operator| {
        let run = async |path: &str, body: Value| {
            let call = gateway.call("POST", path).key(operator.key.expose_secret());
            call.json(&body).await
        };
        for missing in ["nobody/flows/webhooks", "meta/flows/signup", "meta/flows/x"] {
            let answer = run(&format!("/v1/apps/{missing}"), json!({})).await;
            answer.assert_problem(404, "not-found");
        }
        let path = "/v1/apps/meta/flows/webhooks";
        let refused = run(path, json!({ "input": {} })).await;
        refused.assert_fields(&[("/input", "invalid")]);
        let refused = run(path, json!({ "inputs": [] })).await;
        refused.assert_fields(&[("/inputs", "invalid")]);
        let refused = run(path, json!({ "inputs": { "app_secret": "x" } })).await;
        refused.assert_fields(&[("/inputs/app_secret", "unknown")]);
        let tenants = gateway.call("POST", path).json(&json!({})).await;
        tenants.assert_problem(403, "forbidden");
        let tenants = gateway.call("GET", "/v1/apps").empty().await;
        tenants.assert_problem(403, "forbidden");
        assert_eq!(gateway.graph.requests_count(), 0);
    })
    .await;
}
