//! Keys made, shown once, replaced and ended over the API.

use serde_json::{Value, json};
use wharf_test_support::eventually;

use crate::harness::{ACME, Answer, GLOBEX, TO, TestGateway, WAIT, each};

async fn create(gateway: &TestGateway, body: Value) -> Answer {
    gateway.call("POST", "/v1/keys").json(&body).await
}

fn secret(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body["key"].as_str().unwrap().to_owned()
}

/// What a key opens: the status of a look at the channels.
async fn opens(gateway: &TestGateway, key: &str) -> u16 {
    let look = gateway.call("GET", "/v1/channels").key(key);
    look.empty().await.status
}

async fn listed(gateway: &TestGateway, id: &str) -> Value {
    let list = gateway.call("GET", "/v1/keys").empty().await;
    assert_eq!(list.status, 200, "{list:?}");
    let keys = list.body["data"].as_array().unwrap();
    let found = keys.iter().find(|key| key["id"] == id);
    found.cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_shown_once_works_at_once_and_ends_at_once() {
    each(async |gateway| {
        let made = create(gateway, json!({"name": "shop"})).await;
        let key = secret(&made);
        assert_eq!(made.headers["cache-control"], "no-store");
        let id = made.body["id"].as_str().unwrap().to_owned();
        assert!(
            key.starts_with(made.body["prefix"].as_str().unwrap()),
            "{made:?}"
        );
        assert_eq!(opens(gateway, &key).await, 200);

        let list = gateway.call("GET", "/v1/keys").empty().await;
        assert!(!list.text.contains(&key));
        let shown = listed(gateway, &id).await;
        assert_eq!(
            (&shown["name"], &shown["state"]),
            (&json!("shop"), &json!("live"))
        );
        assert_eq!(shown["scopes"], json!(["*"]));
        // The hash is not the key, and even the hash is nobody's business.
        assert!(shown.get("hash").is_none() && shown.get("key").is_none());
        // Written aside, now and then.
        let used = eventually(WAIT, || async {
            let shown = listed(gateway, &id).await;
            shown["last_used_at"].is_string().then_some(())
        });
        used.await.unwrap();

        let path = format!("/v1/keys/{id}");
        let other = gateway.call("DELETE", &path).by(GLOBEX).empty().await;
        other.assert_problem(404, "not-found");
        assert_eq!(opens(gateway, &key).await, 200);
        let ended = gateway.call("DELETE", &path).empty().await;
        assert_eq!(ended.status, 204, "{ended:?}");
        assert_eq!(opens(gateway, &key).await, 401);
        assert_eq!(listed(gateway, &id).await["state"], "revoked");
        let again = gateway.call("DELETE", &path).empty().await;
        again.assert_problem(404, "not-found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_key_works_on_for_a_while_and_only_as_long() {
    each(async |gateway| {
        let body = json!({"name": "shop", "scopes": ["channels:read", "messages:write"], "requests_per_minute": 500});
        let made = create(gateway, body).await;
        let old = secret(&made);
        let id = made.body["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/keys/{id}/rotate");
        let other = gateway.call("POST", &path).by(GLOBEX).empty().await;
        other.assert_problem(404, "not-found");

        let first = gateway.call("POST", &path).json(&json!({"overlap_s": 600})).await;
        let new = secret(&first);
        assert_eq!(first.body["replaces"], json!(id));
        for member in ["name", "scopes", "requests_per_minute"] {
            assert_eq!(first.body[member], made.body[member], "{member}");
        }
        assert_eq!(opens(gateway, &old).await, 200);
        assert_eq!(opens(gateway, &new).await, 200);
        assert!(listed(gateway, &id).await["expires_at"].is_string());

        // Without an overlap the old one ends at once.
        let path = format!("/v1/keys/{}/rotate", first.body["id"].as_str().unwrap());
        let second = gateway.call("POST", &path).json(&json!({"overlap_s": 0})).await;
        assert_eq!(opens(gateway, &new).await, 401);
        assert_eq!(opens(gateway, &secret(&second)).await, 200);
        let again = gateway.call("POST", &path).empty().await;
        again.assert_problem(404, "not-found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_wishes_are_all_named_and_nothing_is_made() {
    each(async |gateway| {
        let before = gateway.rows("api_key").await;
        let cases: [(Value, &[(&str, &str)]); 8] = [
            (json!([]), &[("", "wrong-type")]),
            (json!({}), &[("/name", "missing")]),
            (json!({"name": " "}), &[("/name", "invalid")]),
            (json!({"name": "a", "scope": "*"}), &[("/scope", "unknown")]),
            (
                json!({"name": "a", "scopes": ["messages:send", "*", "toys:read"]}),
                &[("/scopes/0", "invalid"), ("/scopes/2", "invalid")],
            ),
            (
                json!({"name": "a", "scopes": [], "channels": ["main", "support"]}),
                &[("/scopes", "invalid"), ("/channels/1", "invalid")],
            ),
            (
                json!({"name": "a", "expires_at": "2001-01-01T00:00:00Z", "requests_per_minute": 0}),
                &[("/expires_at", "invalid"), ("/requests_per_minute", "invalid")],
            ),
            (
                json!({"name": "a", "expires_at": "tomorrow", "requests_per_minute": 1.5}),
                &[("/expires_at", "invalid"), ("/requests_per_minute", "invalid")],
            ),
        ];
        for (body, fields) in cases {
            create(gateway, body)
                .await
                .assert_problem(422, "invalid-request")
                .assert_fields(fields);
        }
        let made = create(gateway, json!({"name": "a"})).await;
        let path = format!("/v1/keys/{}/rotate", made.body["id"].as_str().unwrap());
        for body in [json!({"overlap_s": -1}), json!({"overlap_s": 9e9}), json!({"overlap_s": 2_592_001})] {
            gateway
                .call("POST", &path)
                .json(&body)
                .await
                .assert_problem(422, "invalid-request")
                .assert_fields(&[("/overlap_s", "invalid")]);
        }
        assert_eq!(gateway.rows("api_key").await, before + 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_a_file_is_changed_there() {
    each(async |gateway| {
        let list = gateway.call("GET", "/v1/keys").empty().await;
        let key = &list.body["data"][0];
        assert_eq!(
            (&key["origin"], &key["prefix"]),
            (&json!("file"), &Value::Null)
        );
        let id = key["id"].as_str().unwrap().replace('/', "%2F");
        let ended = gateway
            .call("DELETE", &format!("/v1/keys/{id}"))
            .empty()
            .await;
        ended.assert_problem(409, "key-of-file");
        let path = format!("/v1/keys/{id}/rotate");
        let rotated = gateway.call("POST", &path).empty().await;
        rotated.assert_problem(409, "key-of-file");
        assert_eq!(opens(gateway, &gateway.credentials.key_of(ACME)).await, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_key_opens_nothing() {
    each(async |gateway| {
        let soon = jiff_in(gateway, 700);
        let made = create(gateway, json!({"name": "short", "expires_at": soon})).await;
        let key = secret(&made);
        let ended = eventually(WAIT, || async {
            (opens(gateway, &key).await == 401).then_some(())
        });
        ended.await.unwrap();
        let id = made.body["id"].as_str().unwrap();
        assert_eq!(listed(gateway, id).await["state"], "expired");
    })
    .await;
}

/// A time to come, as people write it.
fn jiff_in(gateway: &TestGateway, ms: i64) -> String {
    wharf::clock::rfc3339(gateway.app().now_ms() + ms)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_come_in_pages() {
    each(async |gateway| {
        for number in 0..3 {
            secret(&create(gateway, json!({"name": format!("k{number}")})).await);
        }
        let mut seen = Vec::new();
        let mut path = "/v1/keys?limit=2".to_owned();
        loop {
            let page = gateway.call("GET", &path).empty().await;
            assert_eq!(page.status, 200, "{page:?}");
            let keys = page.body["data"].as_array().unwrap();
            assert!(keys.len() <= 2);
            seen.extend(keys.iter().map(|key| key["id"].clone()));
            let Some(next) = page.body["next_cursor"].as_str() else {
                break;
            };
            path = format!("/v1/keys?limit=2&cursor={next}");
        }
        assert_eq!(seen.len(), 4, "{seen:?}");
        seen.sort_by_key(ToString::to_string);
        seen.dedup();
        assert_eq!(seen.len(), 4);
        let body = json!({"to": TO, "text": {"body": "Hello"}});
        assert_eq!(gateway.send(body).await.status, 202);
    })
    .await;
}
