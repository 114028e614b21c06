//! What keys may do: by scope, by channel, and as the operator.

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use wharf_core::api_key;

use crate::harness::{ACME, GLOBEX, TO, TestGateway, each, each_with};

async fn key(gateway: &TestGateway, body: Value) -> String {
    let made = gateway.call("POST", "/v1/keys").json(&body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["key"].as_str().unwrap().to_owned()
}

fn text() -> Value {
    json!({ "to": TO, "text": { "body": "Hello" } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_does_what_its_scopes_say_and_nothing_else() {
    each(async |gateway| {
        let reader = key(
            gateway,
            json!({"name": "reader", "scopes": ["messages:read"]}),
        )
        .await;
        let sender = key(
            gateway,
            json!({"name": "sender", "scopes": ["messages:write"]}),
        )
        .await;
        let looks = |key: &str, path: &str| gateway.call("GET", path).key(key).empty();
        let body = text();
        let sends = |key: &str, path: &str| gateway.call("POST", path).key(key).json(&body);
        assert_eq!(looks(&reader, "/v1/messages").await.status, 200);
        assert_eq!(looks(&sender, "/v1/messages").await.status, 200);
        let simple = "/api/whatsapp/official/send/text";
        let flat = json!({"to": TO, "message": "Hello"});
        for path in ["/v1/messages", simple] {
            let refused = sends(&reader, path).await;
            refused.assert_problem(403, "forbidden");
            let detail = refused.body["detail"].as_str().unwrap();
            assert!(detail.contains("messages:write"), "{detail}");
        }
        assert_eq!(sends(&sender, "/v1/messages").await.status, 202);
        let sent = gateway.call("POST", simple).key(&sender).json(&flat).await;
        assert_eq!(sent.status, 202, "{sent:?}");
        for key in [&reader, &sender] {
            for path in ["/v1/channels", "/v1/keys", "/v1/stats", "/v1/tenants"] {
                looks(key, path).await.assert_problem(403, "forbidden");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gives_away_more_than_they_have() {
    each(async |gateway| {
        let scopes = json!(["keys:write", "messages:read"]);
        let clerk = key(gateway, json!({"name": "clerk", "scopes": scopes})).await;
        let make = async |scopes: Value| {
            let body = json!({"name": "x", "scopes": scopes});
            let call = gateway.call("POST", "/v1/keys").key(&clerk);
            call.json(&body).await
        };
        for too_much in ["*", "*:read", "messages:write", "keys:*"] {
            make(json!([too_much]))
                .await
                .assert_problem(422, "invalid-request")
                .assert_fields(&[("/scopes/0", "invalid")]);
        }
        assert_eq!(make(json!(["messages:read"])).await.status, 201);
        // What is left out is what one has oneself.
        let body = json!({"name": "like me"});
        let like = gateway
            .call("POST", "/v1/keys")
            .key(&clerk)
            .json(&body)
            .await;
        assert_eq!(like.body["scopes"], json!(["keys:write", "messages:read"]));
        // Nor does one take over a stronger key by replacing it.
        let strong = gateway
            .call("POST", "/v1/keys")
            .json(&json!({"name": "strong"}))
            .await;
        let path = format!("/v1/keys/{}/rotate", strong.body["id"].as_str().unwrap());
        let refused = gateway.call("POST", &path).key(&clerk).empty().await;
        refused.assert_problem(403, "forbidden");
    })
    .await;
}

/// The second channel of `acme`.
const SECOND: &str = "[channels.second]\nplugin = \"sandbox\"\nsettings = { sender = \"two\", script = \"sent+1\" }\n\
                      secrets = { sandbox_key = \"a key of the sandbox\" }\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_bound_to_a_channel_sees_and_uses_that_one_only() {
    each_with(
        |setup| setup.acme.push_str(SECOND),
        async |gateway| {
            let bound = key(gateway, json!({"name": "bound", "channels": ["second"]})).await;
            let send = |channel: Value| {
                let mut body = text();
                if !channel.is_null() {
                    body["channel"] = channel;
                }
                async move { gateway.call("POST", "/v1/messages").json(&body).await }
            };
            let foreign = send(json!("main")).await;
            assert_eq!(foreign.status, 202, "{foreign:?}");
            let by_bound =
                |method: &'static str, path: String| gateway.call(method, &path).key(&bound);

            // Its only channel is what is meant when none is named.
            let own = by_bound("POST", "/v1/messages".to_owned())
                .json(&text())
                .await;
            assert_eq!(
                (own.status, &own.body["channel"]),
                (202, &json!("second")),
                "{own:?}"
            );
            let mut elsewhere = text();
            elsewhere["channel"] = json!("main");
            by_bound("POST", "/v1/messages".to_owned())
                .json(&elsewhere)
                .await
                .assert_problem(403, "forbidden");

            let list = by_bound("GET", "/v1/messages".to_owned()).empty().await;
            let ids: Vec<_> = list.body["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| &it["id"])
                .collect();
            assert_eq!(ids, [&own.body["id"]], "{list:?}");
            let narrowed = by_bound("GET", "/v1/messages?channel=main".to_owned())
                .empty()
                .await;
            narrowed.assert_problem(403, "forbidden");
            let path = format!("/v1/messages/{}", foreign.id());
            by_bound("GET", path)
                .empty()
                .await
                .assert_problem(404, "not-found");
            let newest = by_bound("GET", "/v1/messages/latest".to_owned())
                .empty()
                .await;
            assert_eq!(newest.body["id"], own.body["id"]);
            let channels = by_bound("GET", "/v1/channels".to_owned()).empty().await;
            assert_eq!(
                channels.body["data"].as_array().unwrap().len(),
                1,
                "{channels:?}"
            );

            // What does not ask for channels is closed, whatever the scopes say.
            let refused = by_bound("GET", "/v1/keys".to_owned()).empty().await;
            refused.assert_problem(403, "forbidden");
            gateway.wait_status(&own.id(), "sent").await;
            let counts = by_bound("GET", "/v1/stats".to_owned()).empty().await;
            let channels: Vec<_> = counts.body["channels"]
                .as_object()
                .unwrap()
                .keys()
                .collect();
            assert_eq!(channels, ["second"]);
            assert_eq!(counts.body["outbound_total"], 1);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_sees_tenants_and_acts_for_the_one_that_is_named() {
    let operator = api_key::create(&rand::random());
    let entry = format!(
        "\n[operator_keys.ops]\nhash = \"sha256:{}\"\n",
        operator.hash
    );
    each_with(
        |setup| setup.main.push_str(&entry),
        async |gateway| {
            let call = |path: &str| gateway.call("GET", path).key(operator.key.expose_secret());
            let tenants = call("/v1/tenants").empty().await;
            assert_eq!(tenants.status, 200, "{tenants:?}");
            let ids: Vec<_> = tenants.body["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| &it["id"])
                .collect();
            assert_eq!(ids, ["acme", "globex", "playground"]);
            let of_tenant = gateway.call("GET", "/v1/tenants").empty().await;
            of_tenant.assert_problem(403, "forbidden");

            let id = gateway.send_text("Hello").await;
            let path = format!("/v1/messages/{id}");
            call(&path).empty().await.assert_problem(403, "forbidden");
            let acme = call(&path).header("wharf-tenant", ACME).empty().await;
            assert_eq!((acme.status, &acme.body["id"]), (200, &json!(id)));
            for other in [GLOBEX, "nobody", "../x"] {
                let answer = call(&path).header("wharf-tenant", other).empty().await;
                answer.assert_problem(404, "not-found");
            }
            // A tenant's key stays its tenant's, whatever it says.
            let path = "/v1/messages";
            let cheat = gateway
                .call("GET", path)
                .by(GLOBEX)
                .header("wharf-tenant", ACME);
            assert_eq!(cheat.empty().await.body["data"], json!([]));
        },
    )
    .await;
}
