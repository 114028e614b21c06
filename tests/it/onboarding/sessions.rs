//! Sessions as a resource: whose they are, their list, their end, and what is refused.

use serde_json::json;
use sqlx::{AssertSqlSafe, query};
use wharf_store::{Context, on_db};

use super::Run;
use super::graph::{app, customer, signup};
use crate::harness::{ACME, GLOBEX, PLAYGROUND, Setup, TestGateway, each, each_with};
use wharf_test_support::graph::SignUp;

async fn manual(gateway: &TestGateway) -> Run<'_> {
    Run::begin(gateway, json!({ "plugin": "graph", "flow": "manual" })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tenants_session_is_not_there() {
    each(async |gateway| {
        let run = manual(gateway).await;
        let path = format!("/v1/onboarding/{}", run.id);
        let answers = format!("{path}/answers");
        let body = json!({ "answers": {} });
        for tenant in [GLOBEX, PLAYGROUND] {
            let call = |method: &str, path: &str| gateway.call(method, path).by(tenant);
            call("GET", &path)
                .empty()
                .await
                .assert_problem(404, "not-found");
            call("DELETE", &path)
                .empty()
                .await
                .assert_problem(404, "not-found");
            call("POST", &answers)
                .json(&body)
                .await
                .assert_problem(404, "not-found");
            let listed = call("GET", "/v1/onboarding").empty().await;
            assert_eq!(listed.body["data"], json!([]));
        }
        for path in ["/v1/onboarding", "/v1/plugins", &path] {
            let unknown = gateway.call("GET", path).without_key().empty().await;
            unknown.assert_problem(401, "unauthorized");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_goes_page_by_page_newest_first() {
    each(async |gateway| {
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(manual(gateway).await.id);
        }
        ids.reverse();
        let first = gateway.call("GET", "/v1/onboarding?limit=2").empty().await;
        let of = |body: &serde_json::Value| -> Vec<String> {
            let data = body["data"].as_array().unwrap().iter();
            data.map(|it| it["id"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(of(&first.body), ids[..2]);
        let cursor = first.body["next_cursor"].as_str().unwrap();
        let path = format!("/v1/onboarding?limit=2&cursor={cursor}");
        let second = gateway.call("GET", &path).empty().await;
        assert_eq!(of(&second.body), ids[2..]);
        assert_eq!(second.body["next_cursor"], json!(null));
        for wrong in ["?limit=0", "?limit=x", "?cursor=msg_1", "?page=1"] {
            let refused = gateway
                .call("GET", &format!("/v1/onboarding{wrong}"))
                .empty()
                .await;
            refused.assert_problem(400, "invalid-query");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_session_cannot_be_begun_with_is_named() {
    each(async |gateway| {
        let begin = async |body: serde_json::Value| {
            gateway.call("POST", "/v1/onboarding").json(&body).await
        };
        begin(json!([])).await.assert_problem(400, "invalid-json");
        let nothing = begin(json!({})).await;
        nothing.assert_fields(&[("/plugin", "invalid"), ("/flow", "invalid")]);
        let strange = json!({ "plugin": "graph", "flow": "manual", "secret": "x", "inputs": [] });
        let strange = begin(strange).await;
        strange.assert_fields(&[("/secret", "unknown"), ("/inputs", "invalid")]);
        let plugin = begin(json!({ "plugin": "nobody", "flow": "manual" })).await;
        plugin.assert_problem(403, "plugin-not-allowed");
        let flow = begin(json!({ "plugin": "graph", "flow": "nothing" })).await;
        flow.assert_fields(&[("/flow", "invalid")]);
        let of_app = begin(json!({ "plugin": "graph", "flow": "manual", "app": "other" })).await;
        of_app.assert_problem(403, "plugin-not-allowed");
        let input = json!({ "plugin": "graph", "flow": "manual", "inputs": { "app_secret": "x" } });
        begin(input)
            .await
            .assert_fields(&[("/inputs/app_secret", "unknown")]);
        let name = json!({ "plugin": "graph", "flow": "manual", "channel": "No Name" });
        begin(name).await.assert_fields(&[("/channel", "invalid")]);
        let taken = json!({ "plugin": "graph", "flow": "manual", "channel": "main" });
        begin(taken).await.assert_problem(409, "channel-taken");
        let none = json!({ "plugin": "graph", "flow": "disconnect" });
        begin(none).await.assert_fields(&[("/channel", "invalid")]);
        let unknown = json!({ "plugin": "graph", "flow": "disconnect", "channel": "nobody" });
        begin(unknown).await.assert_problem(422, "channel-unknown");
        let shared = json!({ "plugin": "graph", "flow": "webhooks", "channel": "main" });
        begin(shared)
            .await
            .assert_problem(403, "plugin-not-allowed");
        assert_eq!(gateway.rows("onboarding").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plugins_and_apps_are_open_to_whom_the_operator_says() {
    let adjust = |setup: &mut Setup| {
        setup.main = format!("tenants = [\"{ACME}\"]\n{}", setup.main);
        app(setup);
    };
    each_with(adjust, async |gateway| {
        let listed = gateway.call("GET", "/v1/plugins").empty().await;
        let all = listed.body["data"].as_array().unwrap();
        let graph = all.iter().find(|it| it["name"] == "graph").unwrap();
        assert_eq!(graph["apps"], json!(["meta"]));
        let flows = graph["flows"].as_array().unwrap();
        let signup = flows.iter().find(|it| it["id"] == "signup").unwrap();
        assert_eq!(signup["launch"]["kind"], "embedded_signup");
        assert_eq!(
            signup["launch"]["apps"]["meta"]["app_id"],
            super::graph::APP_ID
        );
        assert_eq!(
            listed.body["return_url"],
            "https://wharf.example.com/onboarding/return"
        );
        let own = graph["own_app_inputs"].as_array().unwrap();
        let secret = own.iter().find(|it| it["name"] == "app_secret").unwrap();
        assert_eq!(
            (&secret["secret"], &secret["required"]),
            (&json!(true), &json!(true))
        );
        assert!(!listed.text.contains(&gateway.credentials.app_secret));

        let other = gateway.call("GET", "/v1/plugins").by(GLOBEX).empty().await;
        let all = other.body["data"].as_array().unwrap();
        let graph = all.iter().find(|it| it["name"] == "graph").unwrap();
        assert_eq!(graph["apps"], json!([]));
        let begin = json!({ "plugin": "graph", "flow": "manual", "app": "meta" });
        let refused = gateway
            .call("POST", "/v1/onboarding")
            .by(GLOBEX)
            .json(&begin)
            .await;
        refused.assert_problem(403, "plugin-not-allowed");
    })
    .await;
    each_with(
        |setup: &mut Setup| setup.set("onboarding.enabled", false),
        async |gateway| {
            let listed = gateway.call("GET", "/v1/plugins").empty().await;
            assert_eq!(listed.body["data"], json!([]));
            let begin = json!({ "plugin": "graph", "flow": "manual" });
            let refused = gateway.call("POST", "/v1/onboarding").json(&begin).await;
            refused.assert_problem(403, "plugin-not-allowed");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_in_time_and_holds_nothing_afterwards() {
    each_with(app, async |gateway| {
        let number = customer("706540352242922");
        let code = gateway
            .graph
            .sign_up(&SignUp::new(vec![number.clone()]).with_pin("121212"));
        let mut run = Run::begin(gateway, signup(&code, &number)).await;
        run.assert_status("question");
        let away = json!({ "plugin": "graph", "flow": "signup-browser" });
        let mut away = Run::begin(gateway, away).await;
        let token = super::of(&away.visit().1, "state").to_owned();
        expire(gateway).await;
        run.look().await;
        run.assert_status("expired");
        let late = run.try_answer(json!({ "decision": "replace" })).await;
        late.assert_problem(409, "onboarding-not-waiting");
        let home = format!("/onboarding/return?code=1&state={token}");
        assert_eq!(super::come_back(gateway, &home).await.status, 410);
        assert_eq!(wharf::sweep_onboarding(gateway.app()).await.unwrap(), 2);
        away.look().await;
        away.assert_status("expired");
        let kept = "onboarding where saved is not null or length(private) > 0";
        assert_eq!(gateway.rows(kept).await, 0);
        let routes = "webhook_route where owner like 'account:%'";
        assert_eq!(gateway.rows(routes).await, 0);
        gateway.graph.clear_requests();
    })
    .await;
}

async fn expire(gateway: &TestGateway) {
    let expired = gateway.db().write(|tx| {
        Box::pin(async move {
            let sql = "update onboarding set expires_at = created_at";
            on_db!(&mut **tx, |c| query(AssertSqlSafe(sql.to_owned()))
                .execute(c)
                .await
                .map(drop))
            .doing("let sessions expire")
        })
    });
    expired.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_sessions_have_a_limit() {
    each_with(
        |setup: &mut Setup| setup.set("onboarding.open_max", 2),
        async |gateway| {
            let first = manual(gateway).await;
            manual(gateway).await;
            let begin = json!({ "plugin": "graph", "flow": "manual" });
            let third = gateway.call("POST", "/v1/onboarding").json(&begin).await;
            third.assert_problem(429, "too-many-requests");
            assert!(third.headers.contains_key("retry-after"));
            let path = format!("/v1/onboarding/{}", first.id);
            assert_eq!(gateway.call("DELETE", &path).empty().await.status, 204);
            manual(gateway).await;
            // Each tenant has its own.
            let begin = json!({ "plugin": "graph", "flow": "manual" });
            Run::begin_by(gateway, GLOBEX, begin).await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_held_against_what_was_asked() {
    each(async |gateway| {
        let mut run = manual(gateway).await;
        let wrong = |answers: serde_json::Value| run.try_answer(answers);
        let strange = wrong(json!({ "pin": "1", "waba_id": "12x" })).await;
        strange.assert_fields(&[("/answers/pin", "unknown"), ("/answers/waba_id", "invalid")]);
        let many = wrong(json!({ "waba_id": ["1", "2"] })).await;
        many.assert_fields(&[("/answers/waba_id", "invalid")]);
        let shape = wrong(json!({ "waba_id": { "a": 1 } })).await;
        shape.assert_fields(&[("/answers/waba_id", "invalid")]);
        let long = wrong(json!({ "access_token": "x".repeat(20_000) })).await;
        long.assert_fields(&[("/answers/access_token", "invalid")]);
        let control = wrong(json!({ "access_token": "a\u{0}b" })).await;
        control.assert_fields(&[("/answers/access_token", "invalid")]);
        run.look().await;
        run.assert_asks(&["access_token", "waba_id"]);
        let path = format!("/v1/onboarding/{}/answers", run.id);
        let body = gateway
            .call("POST", &path)
            .json(&json!({ "answer": {} }))
            .await;
        body.assert_fields(&[("/answer", "unknown")]);
    })
    .await;
}
