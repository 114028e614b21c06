//! Channels of files and of the API side by side: names, numbers that are taken, and their end.

use serde_json::json;
use wharf_test_support::graph::SignUp;

use super::graph::{app, customer, signup};
use super::{Run, send_through};
use crate::harness::{ACME, GLOBEX, TO, each, each_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_of_a_file_is_the_files() {
    each(async |gateway| {
        let shown = gateway.call("GET", "/v1/channels/main").empty().await;
        assert_eq!(shown.body["source"], "file");
        assert_eq!(shown.body["onboarding"], json!(null));
        let flows = shown.body["flows"].as_array().unwrap();
        assert!(flows.iter().any(|it| it["id"] == "disconnect"), "{flows:?}");
        let refused = gateway.call("DELETE", "/v1/channels/main").empty().await;
        refused.assert_problem(409, "channel-from-file");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains("acme.toml"), "{detail}");
        for id in ["nobody", "No Name"] {
            let path = format!("/v1/channels/{id}").replace(' ', "%20");
            gateway
                .call("GET", &path)
                .empty()
                .await
                .assert_problem(404, "not-found");
            gateway
                .call("DELETE", &path)
                .empty()
                .await
                .assert_problem(404, "not-found");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_of_the_api_goes_with_its_secrets() {
    each_with(app, async |gateway| {
        let number = customer("716540352242922");
        let code = gateway.graph.sign_up(&SignUp::new(vec![number.clone()]));
        let channels = Run::begin(gateway, signup(&code, &number)).await.done();
        let path = format!("/v1/channels/{}", channels[0]);
        let foreign = gateway.call("DELETE", &path).by(GLOBEX).empty().await;
        foreign.assert_problem(404, "not-found");
        send_through(gateway, &channels[0]).await;
        let secrets = format!("credential where owner = 'channel:{ACME}/{}'", channels[0]);
        assert!(gateway.rows(&secrets).await >= 2);
        assert_eq!(gateway.call("DELETE", &path).empty().await.status, 204);
        assert_eq!(gateway.rows(&secrets).await, 0);
        gateway
            .call("GET", &path)
            .empty()
            .await
            .assert_problem(404, "not-found");
        let body = json!({ "channel": channels[0], "to": TO, "text": { "body": "Too late" } });
        gateway
            .send(body)
            .await
            .assert_problem(422, "channel-unknown");

        // The number can be connected again, under the same name.
        let code = gateway.graph.sign_up(&SignUp::new(vec![number.clone()]));
        let again = Run::begin(gateway, signup(&code, &number)).await.done();
        assert_eq!(again, channels);
        send_through(gateway, &channels[0]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_connected_elsewhere_is_not_connected_twice_and_nobody_is_named() {
    each_with(app, async |gateway| {
        let number = customer("726540352242922");
        let code = gateway.graph.sign_up(&SignUp::new(vec![number.clone()]));
        let first = Run::begin_by(gateway, GLOBEX, signup(&code, &number))
            .await
            .done();
        assert_eq!(first.len(), 1);
        let code = gateway.graph.sign_up(&SignUp::new(vec![number.clone()]));
        let run = Run::begin(gateway, signup(&code, &number)).await;
        assert!(run.done().is_empty());
        let findings = run.shown["findings"].as_array().unwrap();
        let failed = findings
            .iter()
            .find(|it| it["verdict"] == "failed")
            .unwrap();
        assert_eq!(failed["title"], "The number is connected elsewhere");
        assert!(!failed["remedy"].as_str().unwrap().is_empty());
        assert!(!run.shown.to_string().contains(GLOBEX));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_of_a_file_stays_the_files_and_one_of_the_api_is_renewed() {
    each_with(app, async |gateway| {
        let of_file = gateway.graph.number().clone();
        let token = of_file.token.clone();
        let mut run = Run::begin(gateway, json!({ "plugin": "graph", "flow": "manual" })).await;
        run.answer(json!({ "access_token": token, "waba_id": of_file.account_id }))
            .await;
        if run.status() == "question" {
            run.answer(json!({ "phone_number_id": of_file.id })).await;
        }
        assert!(run.done().is_empty(), "{:#}", run.shown);
        let findings = run.shown["findings"].to_string();
        assert!(findings.contains("acme.toml"), "{findings}");

        let number = customer("736540352242922");
        let mut names = Vec::new();
        for _ in 0..2 {
            let code = gateway.graph.sign_up(&SignUp::new(vec![number.clone()]));
            names.push(Run::begin(gateway, signup(&code, &number)).await.done());
        }
        assert_eq!(names[0], names[1]);
        send_through(gateway, &names[0][0]).await;
        let channels = gateway.call("GET", "/v1/channels").empty().await;
        assert_eq!(channels.body["data"].as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_disconnected_at_the_provider_and_then_here() {
    each_with(app, async |gateway| {
        let number = customer("746540352242922");
        let code = gateway.graph.sign_up(&SignUp::new(vec![number.clone()]));
        let channels = Run::begin(gateway, signup(&code, &number)).await.done();
        let begin = json!({ "plugin": "graph", "flow": "disconnect", "channel": channels[0] });
        let mut run = Run::begin(gateway, begin).await;
        run.assert_asks(&["decision"]);
        assert_eq!(run.decide("number").await.done(), channels);
        assert!(!gateway.graph.number_state(&number.id).unwrap().registered);
        let path = format!("/v1/channels/{}", channels[0]);
        assert_eq!(gateway.call("DELETE", &path).empty().await.status, 204);
    })
    .await;
}
