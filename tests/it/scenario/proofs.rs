//! Webhooks of every level that are proven by something else than a MAC, over real HTTP.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wharf_core::AppId;
use wharf_store::Owner;
use wharf_test_support::graph::payload::signature;

use crate::harness::{Answer, Setup, TestGateway, each_with};
use crate::runtime::guest::{Guest, Input, Proof, Webhook};

const PUBLIC_KEYS: &str = include_str!("../../fixtures/signatures/public-keys.json");
/// The address that every path is below.
const PUBLIC_URL: &str = "https://wharf.example.com";
const TOLD: &str = "only they know this header";
const TOKEN_KEY: &str = "the key of their tokens";
const NEXT_TOKEN_KEY: &str = "and the one that follows it";
const HANDSHAKE: &str = "what we told them to say";
const OPERATORS: &str = "told to the operator's partner app";

/// A provider with a webhook of each level, and an app and a channel of it.
fn provider(setup: &mut Setup) {
    let mut guest = Guest::new();
    for name in ["header_secret", "token_key", "verify_token"] {
        guest.inputs.push(Input { name, secret: true });
    }
    guest.inputs.push(Input {
        name: "public_key",
        secret: false,
    });
    guest.webhooks = vec![
        Webhook::new("partner", 0, Proof::Header("x-partner", "header_secret")),
        Webhook::new("account", 1, Proof::Ed25519("x-ed25519", "public_key")),
        Webhook {
            challenge: Some("verify_token"),
            ..Webhook::new("main", 2, Proof::Token("authorization", "token_key"))
        },
        Webhook::new("open", 0, Proof::PathToken),
    ];
    setup.plugins.push(("various", guest.build()));
    setup.main += &format!(
        "[apps.partner]\nplugin = \"various\"\nsecrets = {{ header_secret = \"{OPERATORS}\" }}\n"
    );
    setup.acme += &format!(
        "[channels.various]\nplugin = \"various\"\nsettings = {{ sender = \"x\", public_key = \"{}\" }}\n\
         secrets = {{ header_secret = \"{TOLD}\", token_key = [\"{NEXT_TOKEN_KEY}\", \"{TOKEN_KEY}\"], verify_token = \"{HANDSHAKE}\" }}\n",
        known()["keys"]["base64"].as_str().unwrap()
    );
}

/// RFC 8032, 7.1, test 2: a signature over the one byte `r`.
fn known() -> Value {
    let all: Vec<Value> = serde_json::from_str(PUBLIC_KEYS).unwrap();
    let found = all.into_iter().find(|v| v["message_hex"] == "72");
    found.unwrap()
}

/// Where the provider reaches a webhook of the channel, as its tenant reads it.
async fn url_of(gateway: &TestGateway, webhook: &str) -> Option<String> {
    let channels = gateway.call("GET", "/v1/channels").empty().await;
    let channels = channels.body["data"].as_array().unwrap().clone();
    let channel = channels.into_iter().find(|c| c["id"] == "various").unwrap();
    channel["webhook_urls"][webhook].as_str().map(str::to_owned)
}

async fn post(gateway: &TestGateway, url: &str, header: (&str, &str), body: &str) -> Answer {
    let path = url.strip_prefix(PUBLIC_URL).unwrap();
    gateway
        .call("POST", path)
        .without_key()
        .header(header.0, header.1)
        .bytes("application/json", body.to_owned())
        .await
}

#[track_caller]
fn assert_acknowledged(answer: &Answer) {
    assert_eq!((answer.status, answer.text.as_str()), (202, "<Response/>"));
    assert_eq!(answer.headers["content-type"], "text/xml");
}

fn token(key: &str, url: &str, body: &str, exp: i64) -> String {
    let hash = |text: &str| hex::encode(Sha256::digest(text));
    let claims = json!({ "exp": exp, "body": hash(body), "url": hash(url) });
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(json!({ "alg": "HS256" })), encode(claims));
    let digest = signature(key, signed.as_bytes());
    let digest = hex::decode(digest.trim_start_matches("sha256=")).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(digest))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_of_every_level_are_proven_as_declared() {
    each_with(provider, async |gateway| {
        let partner = url_of(gateway, "partner").await.unwrap();
        let account = url_of(gateway, "account").await.unwrap();
        let main = url_of(gateway, "main").await.unwrap();
        assert!(partner != account && account != main && main != partner);

        let secret = ("x-partner", TOLD);
        assert_acknowledged(&post(gateway, &partner, secret, "{}").await);
        let (vector, name) = (known(), "x-ed25519");
        let signed = (name, vector["signature"].as_str().unwrap());
        assert_acknowledged(&post(gateway, &account, signed, "r").await);
        let later = gateway.app().now_ms() / 1000 + 60;
        // The URL with its query is part of what is proven, and either live key proves it.
        for (key, query) in [(TOKEN_KEY, "?a=1&a=%41"), (NEXT_TOKEN_KEY, "")] {
            let url = format!("{main}{query}");
            let bearer = token(key, &url, "{}", later);
            let answer = post(gateway, &url, ("authorization", &bearer), "{}").await;
            assert_acknowledged(&answer);
        }
        gateway.wait_idle().await;
        let owned = "webhook where owner = 'channel:acme/various' and webhook = ";
        for (webhook, count) in [("partner", 1), ("account", 1), ("main", 2)] {
            assert_eq!(gateway.rows(&format!("{owned}'{webhook}'")).await, count);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_proven_as_declared_leaves_no_row() {
    each_with(provider, async |gateway| {
        let partner = url_of(gateway, "partner").await.unwrap();
        let account = url_of(gateway, "account").await.unwrap();
        let main = url_of(gateway, "main").await.unwrap();
        let later = gateway.app().now_ms() / 1000 + 60;
        let vector = known();
        let signed = vector["signature"].as_str().unwrap();
        let right = token(TOKEN_KEY, &main, "{}", later);
        let none = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
            right.split('.').nth(1).unwrap()
        );
        let other_key = token(TOLD, &main, "{}", later);
        let expired = token(TOKEN_KEY, &main, "{}", later - 3_600);
        let elsewhere = token(TOKEN_KEY, &account, "{}", later);
        let query = format!("{main}?a=1");
        for (url, header, value, body) in [
            (&partner, "x-partner", OPERATORS, "{}"),
            (&partner, "x-partner", "", "{}"),
            (&partner, "x-other", TOLD, "{}"),
            // The right proof of one webhook is none of another.
            (&account, "x-partner", TOLD, "{}"),
            (&account, "x-ed25519", signed, "s"),
            (&account, "x-ed25519", "%", "r"),
            (&main, "authorization", &none, "{}"),
            (&main, "authorization", &other_key, "{}"),
            (&main, "authorization", &expired, "{}"),
            (&main, "authorization", &elsewhere, "{}"),
            (&main, "authorization", &right, "{ }"),
            (&query, "authorization", &right, "{}"),
            (&main, "x-nothing", "", "{}"),
        ] {
            let answer = post(gateway, url, (header, value), body).await;
            answer.assert_problem(401, "signature-invalid");
        }
        assert_eq!(gateway.rows("webhook").await, 0);
        // The request's own headers do not say what the URL is.
        let answer = gateway
            .call("POST", main.strip_prefix(PUBLIC_URL).unwrap())
            .without_key()
            .header("authorization", &elsewhere)
            .header("x-forwarded-host", "wharf.example.com")
            .header("x-original-url", account.strip_prefix(PUBLIC_URL).unwrap())
            .bytes("application/json", "{}")
            .await;
        answer.assert_problem(401, "signature-invalid");
        assert_eq!(gateway.rows("webhook").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_apps_webhook_is_the_apps_and_its_open_path_is_not_shown_to_tenants() {
    each_with(provider, async |gateway| {
        let app = Owner::App("partner".parse::<AppId>().unwrap());
        let directory = &gateway.app().directory;
        let route = directory.route_of_owner(&app, "partner").await.unwrap();
        let url = route.unwrap().url.clone().unwrap();
        assert_ne!(Some(&url), url_of(gateway, "partner").await.as_ref());
        assert_acknowledged(&post(gateway, &url, ("x-partner", OPERATORS), "{}").await);
        let of_a_tenant = post(gateway, &url, ("x-partner", TOLD), "{}").await;
        of_a_tenant.assert_problem(401, "signature-invalid");
        assert_eq!(gateway.rows("webhook where owner = 'app:partner'").await, 1);

        let open = directory.route_of_owner(&app, "open").await.unwrap();
        let open = open.unwrap().url.clone().unwrap();
        assert_acknowledged(&post(gateway, &open, ("x-any", "1"), "{}").await);
        // A channel without an app has its own of these, and its tenant may know it.
        assert!(url_of(gateway, "open").await.is_some_and(|own| own != open));
        // On the path that all apps share, nothing says that it was meant for this one.
        let shared = format!("{PUBLIC_URL}/api/whatsapp/webhook");
        for (header, status) in [(("x-partner", OPERATORS), 202), (("x-any", "1"), 401)] {
            assert_eq!(post(gateway, &shared, header, "{}").await.status, status);
        }
        gateway.wait_idle().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_is_answered_where_one_is_declared() {
    each_with(provider, async |gateway| {
        let main = url_of(gateway, "main").await.unwrap();
        let account = url_of(gateway, "account").await.unwrap();
        let ask = async |url: &str, token: &str| {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("token", token)
                .append_pair("echo", "<b>17</b>")
                .finish();
            let path = format!("{}?{query}", url.strip_prefix(PUBLIC_URL).unwrap());
            gateway.call("GET", &path).without_key().empty().await
        };
        let answer = ask(&main, HANDSHAKE).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "<b>17</b>"));
        assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
        ask(&main, "x")
            .await
            .assert_problem(401, "signature-invalid");
        let elsewhere = ask(&account, HANDSHAKE).await;
        elsewhere.assert_problem(401, "signature-invalid");
    })
    .await;
}
