//! Rates of keys and tenants.

use serde_json::json;

use crate::harness::{ACME, GLOBEX, each, each_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_has_a_rate_of_its_own_and_says_what_is_left() {
    each(async |gateway| {
        let body = json!({"name": "slow", "requests_per_minute": 3});
        let made = gateway.call("POST", "/v1/keys").json(&body).await;
        let key = made.body["key"].as_str().unwrap();
        let look = || gateway.call("GET", "/v1/channels").key(key).empty();
        let mut statuses = Vec::new();
        for left in [2, 1, 0] {
            let answer = look().await;
            statuses.push(answer.status);
            let policy = &answer.headers["ratelimit-policy"];
            assert!(
                policy.starts_with("\"key\";q=3;w=60, \"tenant\";q="),
                "{policy}"
            );
            let rate = &answer.headers["ratelimit"];
            assert!(rate.starts_with(&format!("\"key\";r={left};t=")), "{rate}");
        }
        assert_eq!(statuses, [200; 3]);
        let refused = look().await;
        refused.assert_problem(429, "too-many-requests");
        let wait: u64 = refused.headers["retry-after"].parse().unwrap();
        assert!((1..=20).contains(&wait), "{wait}");
        assert!(refused.headers["ratelimit"].starts_with("\"key\";r=0;t="));
        // Others of the tenant go on.
        let others = gateway.call("GET", "/v1/channels").empty().await;
        assert_eq!(others.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_rate_is_shared_by_its_keys_and_by_no_other_tenant() {
    each_with(
        |setup| setup.set("http.tenant_requests_per_minute", 5),
        async |gateway| {
            let made = gateway
                .call("POST", "/v1/keys")
                .by(GLOBEX)
                .json(&json!({"name": "second"}))
                .await;
            let second = made.body["key"].as_str().unwrap();
            let first = gateway.credentials.key_of(GLOBEX);
            let mut refused = 0;
            for _ in 0..4 {
                for key in [&first[..], second] {
                    let answer = gateway.call("GET", "/v1/channels").key(key).empty().await;
                    match answer.status {
                        200 => {}
                        _ => {
                            answer.assert_problem(429, "too-many-requests");
                            refused += 1;
                        }
                    }
                }
            }
            // Five a minute, one of them was the key's making; one more may have come free meanwhile.
            assert!((3..=4).contains(&refused), "{refused} were refused");
            let other = gateway.call("GET", "/v1/channels").by(ACME).empty().await;
            assert_eq!(other.status, 200, "{other:?}");
        },
    )
    .await;
}
