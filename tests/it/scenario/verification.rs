//! Who may call our webhooks: everything that is not proven leaves no trace.

use serde_json::{Value, json};
use wharf_test_support::graph::payload::{self, signature};

use crate::harness::{SENDER, Setup, TestGateway, each, each_with};

/// A webhook in which nothing happened.
const NOTHING: &[u8] = br#"{"object":"whatsapp_business_account","entry":[]}"#;

/// The address that Meta is given for `acme`: its own path, on this machine.
async fn own_path(gateway: &TestGateway) -> String {
    let channels = gateway.call("GET", "/v1/channels").empty().await;
    let url = channels.body["data"][0]["webhook_urls"]["main"]
        .as_str()
        .unwrap()
        .to_owned();
    url.strip_prefix("https://wharf.example.com")
        .unwrap()
        .to_owned()
}

async fn both_paths(gateway: &TestGateway) -> [String; 2] {
    ["/api/whatsapp/webhook".to_owned(), own_path(gateway).await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_without_the_right_signature_is_refused_and_leaves_no_row() {
    each(async |gateway| {
        let body = payload::to_bytes(&payload::inbound_text(
            gateway.graph.number(),
            SENDER,
            "wamid.X",
            "Hi",
        ));
        let right = gateway.graph.signature(&body);
        let digits = right.strip_prefix("sha256=").unwrap();
        let other = signature("another secret", &body);
        let of_nothing = gateway.graph.signature(NOTHING);
        let wrong = [
            None,
            Some(""),
            Some("sha256="),
            Some(&right[..right.len() - 1]),
            Some(&right[..right.len() - 2]),
            Some(&other),
            Some(&of_nothing),
        ];
        let sha1 = format!("sha1={digits}");
        let doubled = format!("{right}00");
        for path in both_paths(gateway).await {
            gateway.graph.set_callback_url(gateway.url(&path));
            for signature in wrong.into_iter().chain([Some(&*sha1), Some(&*doubled)]) {
                let answer = gateway
                    .graph
                    .post_forged(body.clone(), signature)
                    .await
                    .unwrap();
                let problem: Value = serde_json::from_slice(&answer.body).unwrap();
                assert_eq!(
                    (answer.status, &problem["code"]),
                    (401, &json!("signature-invalid")),
                    "{signature:?}"
                );
            }
            let mut changed = body.clone();
            *changed.last_mut().unwrap() = b' ';
            let answer = gateway
                .graph
                .post_forged(changed, Some(&right))
                .await
                .unwrap();
            assert_eq!(answer.status, 401);
        }
        assert_eq!(gateway.rows("webhook").await, 0);
        assert_eq!(gateway.rows("job where queue = 'webhook'").await, 0);
        assert_eq!(gateway.rows("message").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_signatures_prove_nothing() {
    each(async |gateway| {
        for path in both_paths(gateway).await {
            let right = gateway.graph.signature(NOTHING);
            let call = gateway
                .call("POST", &path)
                .without_key()
                .header("x-hub-signature-256", &right);
            let answer = call
                .header("x-hub-signature-256", &right)
                .bytes("application/json", NOTHING)
                .await;
            answer.assert_problem(401, "signature-invalid");
        }
        assert_eq!(gateway.rows("webhook").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_is_nobodys_is_not_there() {
    each(async |gateway| {
        let own = own_path(gateway).await;
        let token = own.rsplit('/').next().unwrap();
        let paths = [
            "/webhooks/graph/guess".to_owned(),
            format!("/webhooks/sandbox/{token}"),
            format!("{own}x"),
        ];
        for path in paths {
            gateway.graph.set_callback_url(gateway.url(&path));
            assert_eq!(
                gateway.graph.post_signed(NOTHING).await.unwrap().status,
                404
            );
            let token = &gateway.credentials.verify_token;
            assert_eq!(
                gateway.graph.challenge(token, "1").await.unwrap().status,
                404
            );
        }
        assert_eq!(gateway.rows("webhook").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_is_confirmed_with_the_right_token_only() {
    each(async |gateway| {
        for path in both_paths(gateway).await {
            gateway.graph.set_callback_url(gateway.url(&path));
            gateway.graph.verify_subscription().await.unwrap();
            let right = gateway.credentials.verify_token.clone();
            for token in [
                "",
                "wrong",
                &right[1..],
                &format!("{right} "),
                &gateway.credentials.app_secret,
            ] {
                let answer = gateway.graph.challenge(token, "1158201444").await.unwrap();
                assert_eq!(answer.status, 401, "{token:?}");
                assert!(!String::from_utf8_lossy(&answer.body).contains("1158201444"));
            }
            let query = format!("?hub.mode=unsubscribe&hub.challenge=1&hub.verify_token={right}");
            let answer = gateway
                .call("GET", &format!("{path}{query}"))
                .without_key()
                .empty()
                .await;
            answer.assert_problem(401, "signature-invalid");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn during_a_rotation_both_secrets_are_believed() {
    each_with(
        |setup| setup.rotate_app_secret("the new secret of the app"),
        async |gateway| {
            let new = signature("the new secret of the app", NOTHING);
            for signature in [gateway.graph.signature(NOTHING), new] {
                let answer = gateway
                    .graph
                    .post_forged(NOTHING, Some(&signature))
                    .await
                    .unwrap();
                assert_eq!(answer.status, 200);
            }
            let third = signature("a third secret", NOTHING);
            assert_eq!(
                gateway
                    .graph
                    .post_forged(NOTHING, Some(&third))
                    .await
                    .unwrap()
                    .status,
                401
            );
            assert_eq!(gateway.rows("webhook").await, 2);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_apps_the_one_that_signed_is_found() {
    let second = |setup: &mut Setup| {
        setup.main = "[apps.second]\nplugin = \"graph\"\nsecrets = { app_secret = \"the second app's\", verify_token = \"the second token\" }\n".to_owned();
    };
    each_with(second, async |gateway| {
        assert_eq!(
            gateway.graph.post_signed(NOTHING).await.unwrap().status,
            200
        );
        let theirs = signature("the second app's", NOTHING);
        assert_eq!(
            gateway
                .graph
                .post_forged(NOTHING, Some(&theirs))
                .await
                .unwrap()
                .status,
            200
        );
        for app in ["meta", "second"] {
            assert_eq!(
                gateway
                    .rows(&format!("webhook where owner = 'app:{app}'"))
                    .await,
                1
            );
        }
        // The path of one app does not take the calls of the other.
        gateway
            .graph
            .set_callback_url(gateway.url(&own_path(gateway).await));
        assert_eq!(
            gateway
                .graph
                .post_forged(NOTHING, Some(&theirs))
                .await
                .unwrap()
                .status,
            401
        );
        gateway
            .graph
            .set_callback_url(gateway.url("/api/whatsapp/webhook"));
        let answer = gateway
            .graph
            .challenge("the second token", "17")
            .await
            .unwrap();
        assert_eq!((answer.status, &answer.body[..]), (200, &b"17"[..]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_beyond_the_limit_is_refused_and_leaves_no_row() {
    each_with(
        |setup| setup.set("http.webhook_body_bytes_max", 2_048),
        async |gateway| {
            for path in both_paths(gateway).await {
                gateway.graph.set_callback_url(gateway.url(&path));
                let mut body = NOTHING.to_vec();
                body.resize(2_048, b' ');
                assert_eq!(
                    gateway
                        .graph
                        .post_signed(body.clone())
                        .await
                        .unwrap()
                        .status,
                    200
                );
                body.push(b' ');
                let answer = gateway.graph.post_signed(body).await.unwrap();
                let problem: Value = serde_json::from_slice(&answer.body).unwrap();
                assert_eq!(
                    (answer.status, &problem["code"]),
                    (413, &json!("body-too-large"))
                );
            }
            assert_eq!(gateway.rows("webhook").await, 2);
        },
    )
    .await;
}
