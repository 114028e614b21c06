//! Every refusal says what is wrong, where, and what to do; and nothing is stored.

use serde_json::{Value, json};
use wharf_core::MessageId;
use wharf_core::api_key;
use wharf_core::scope::Scope;
use wharf_store::Origin;
use wharf_store::keys::{self, KeyRow};

use secrecy::ExposeSecret;

use crate::harness::{ACME, GLOBEX, TO, TestGateway, each, each_with};

async fn assert_nothing_stored(gateway: &TestGateway) {
    for table in [
        "message",
        "idempotency",
        "event",
        "job where queue <> 'maintenance'",
    ] {
        assert_eq!(gateway.rows(table).await, 0, "rows of {table}");
    }
    assert_eq!(gateway.graph.requests_count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_cannot_be_read_is_refused() {
    each_with(
        |setup| setup.set("http.body_bytes_max", 16_384),
        async |gateway| {
            let cases: [(&str, Vec<u8>, u16, &str); 7] = [
                ("application/json", b"{".to_vec(), 400, "invalid-json"),
                ("application/json", Vec::new(), 400, "invalid-json"),
                (
                    "application/json",
                    b"{\"to\": \"\xff\"}".to_vec(),
                    400,
                    "invalid-json",
                ),
                (
                    "application/json",
                    "[".repeat(10_000).into(),
                    400,
                    "invalid-json",
                ),
                (
                    "application/json",
                    vec![b' '; 20_000],
                    413,
                    "body-too-large",
                ),
                ("text/plain", b"{}".to_vec(), 415, "unsupported-media-type"),
                ("", b"{}".to_vec(), 415, "unsupported-media-type"),
            ];
            for path in [
                "/v1/messages",
                "/api/whatsapp/official/send/text",
                "/api/whatsapp/official/send/immediate",
            ] {
                for (media_type, body, status, code) in cases.clone() {
                    let answer = gateway
                        .call("POST", path)
                        .once("k")
                        .bytes(media_type, body)
                        .await;
                    answer.assert_problem(status, code);
                }
            }
            assert_nothing_stored(gateway).await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_fields_are_all_named_at_once() {
    each(async |gateway| {
        let text = json!({ "body": "Hello" });
        let cases: [(Value, &[(&str, &str)]); 8] = [
            (json!([]), &[("", "wrong-type")]),
            (
                json!({ "to": TO, "text": text, "txet": 1 }),
                &[("/txet", "unknown")],
            ),
            (
                json!({ "to": "call me", "text": text }),
                &[("/to", "invalid")],
            ),
            (json!({ "text": text }), &[("/to", "missing")]),
            (
                json!({ "to": TO, "text": { "body": "x".repeat(4097) } }),
                &[("/text/body", "too-long")],
            ),
            (
                json!({ "to": TO, "type": "hologram" }),
                &[("/type", "unsupported")],
            ),
            (
                json!({ "to": TO, "type": "image", "image": {} }),
                &[("/image", "missing")],
            ),
            (
                json!({ "to": TO, "text": {}, "ttl_s": 0, "priority": "now" }),
                &[
                    ("/text/body", "missing"),
                    ("/priority", "invalid"),
                    ("/ttl_s", "invalid"),
                ],
            ),
        ];
        for (body, fields) in cases {
            let answer = gateway
                .call("POST", "/v1/messages")
                .once("k")
                .json(&body)
                .await;
            answer
                .assert_problem(422, "invalid-request")
                .assert_fields(fields);
        }
        assert_nothing_stored(gateway).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_channel_is_refused_and_not_guessed() {
    each(async |gateway| {
        // `sandbox` is a channel, of another tenant.
        for channel in ["support", "sandbox"] {
            let body = json!({ "channel": channel, "to": TO, "text": { "body": "Hello" } });
            let answer = gateway.send(body).await;
            answer
                .assert_problem(422, "channel-unknown")
                .assert_fields(&[("/channel", "invalid")]);
        }
        assert_nothing_stored(gateway).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_paths_and_methods_that_do_not_exist_are_refused() {
    each(async |gateway| {
        let body = json!({ "to": TO, "text": { "body": "Hello" } });
        for query in [
            "dry-run=true",
            "dry_run=yes",
            "dry_run=true&dry_run=true",
            "dry_run=true&x=1",
        ] {
            let answer = gateway
                .call("POST", &format!("/v1/messages?{query}"))
                .json(&body)
                .await;
            answer.assert_problem(400, "invalid-query");
        }
        for query in ["limit=0", "limit=201", "limit=x", "cursor=1", "page=2"] {
            let answer = gateway
                .call("GET", &format!("/v1/messages?{query}"))
                .empty()
                .await;
            answer.assert_problem(400, "invalid-query");
        }
        gateway
            .call("GET", "/v2/messages")
            .empty()
            .await
            .assert_problem(404, "not-found");
        gateway
            .call("DELETE", "/v1/messages")
            .empty()
            .await
            .assert_problem(405, "method-not-allowed");
        assert_nothing_stored(gateway).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_live_key_nobody_gets_in() {
    each(async |gateway| {
        let ours = gateway.credentials.key_of(ACME);
        let foreign = api_key::create(&rand::random());
        let mut typo = ours.clone();
        typo.replace_range(20..21, if &ours[20..21] == "x" { "y" } else { "x" });
        let wrong = ["", "x", &typo, foreign.key.expose_secret()];
        for path in [
            "/v1/messages",
            "/api/whatsapp/official/send/text",
            "/api/whatsapp/official/send/immediate",
        ] {
            let body = json!({ "to": TO, "text": { "body": "Hello" } });
            let call = || gateway.call("POST", path).without_key();
            let mut answers = vec![
                call().json(&body).await,
                call()
                    .header("authorization", &format!("Basic {ours}"))
                    .json(&body)
                    .await,
                call().header("authorization", &ours).json(&body).await,
            ];
            for key in wrong {
                answers.push(call().key(key).json(&body).await);
            }
            for answer in answers {
                answer.assert_problem(401, "unauthorized");
                assert_eq!(answer.headers["www-authenticate"], "Bearer");
            }
        }
        for path in ["/v1/messages", "/v1/channels", "/v1/messages/latest"] {
            gateway
                .call("GET", path)
                .without_key()
                .empty()
                .await
                .assert_problem(401, "unauthorized");
        }
        assert_nothing_stored(gateway).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_ends_when_it_is_revoked_or_expires() {
    each(async |gateway| {
        for expires_in_ms in [None, Some(-1_000)] {
            let new = api_key::create(&rand::random());
            let now = gateway.app().now_ms();
            let row = KeyRow {
                id: new.id.clone(),
                tenant: ACME.parse().unwrap(),
                name: "second".to_owned(),
                hash: new.hash.clone(),
                origin: Origin::Api,
                scopes: vec![Scope::ALL],
                channels: None,
                requests_per_minute: None,
                replaces: None,
                last_used_at: None,
                created_at: now,
                expires_at: expires_in_ms.map(|ms| now + ms),
                revoked_at: None,
            };
            let insert = gateway
                .db()
                .write(move |tx| Box::pin(async move { keys::insert(tx, &row).await }));
            insert.await.unwrap();
            let look = || {
                gateway
                    .call("GET", "/v1/channels")
                    .key(new.key.expose_secret())
                    .empty()
            };
            if expires_in_ms.is_none() {
                assert_eq!(look().await.status, 200);
                let id = new.id.clone();
                let revoke = gateway.db().write(move |tx| {
                    Box::pin(
                        async move { keys::revoke(tx, &ACME.parse().unwrap(), &id, now).await },
                    )
                });
                assert!(revoke.await.unwrap());
                gateway.app().directory.forget_all();
            }
            look().await.assert_problem(401, "unauthorized");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_nobody_and_one_of_another_tenant_look_alike() {
    each(async |gateway| {
        let id = gateway.send_text("Hello").await;
        gateway.wait_status(&id, "read").await;
        let unknown = MessageId::new(&wharf::clock::RandomIds).to_string();
        for (tenant, id) in [
            (GLOBEX, &id),
            (ACME, &unknown),
            (ACME, &"msg_x".to_owned()),
            (GLOBEX, &"latest".to_owned()),
        ] {
            let answer = gateway
                .call("GET", &format!("/v1/messages/{id}"))
                .by(tenant)
                .empty()
                .await;
            answer.assert_problem(404, "not-found");
        }
        let theirs = gateway.call("GET", "/v1/messages").by(GLOBEX).empty().await;
        assert_eq!(theirs.body["data"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_shows_the_request_and_stores_nothing() {
    each(async |gateway| {
        let body = json!({ "to": TO, "text": { "body": "Hello" } });
        let answer = gateway
            .call("POST", "/v1/messages?dry_run=true")
            .once("k")
            .json(&body)
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let request = &answer.body["exchange"];
        assert_eq!(request["method"], "POST");
        assert_eq!(
            request["url"],
            "https://graph.facebook.com/v26.0/106540352242922/messages"
        );
        assert!(
            request["headers"]
                .as_array()
                .unwrap()
                .contains(&json!(["authorization", "Bearer [secret access_token]"])),
            "{request}"
        );
        assert!(request["body"].as_str().unwrap().contains("Hello"));
        assert!(!answer.text.contains(&gateway.credentials.tokens[0]));
        assert_nothing_stored(gateway).await;
    })
    .await;
}
