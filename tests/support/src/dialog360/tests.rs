//! The fake of 360dialog over real sockets: paths, keys, errors, media, webhooks, partner.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::ask::{Answer, Ask};
use crate::eventually;

const WAIT: Duration = Duration::from_secs(10);
const HOST: &str = "waba-v2.360dialog.io";
const HUB: &str = "hub.360dialog.io";
const TO: &str = "16505551234";

async fn fake(change: impl FnOnce(&mut FakeDialog360Config)) -> FakeDialog360 {
    let mut config = FakeDialog360Config::default();
    change(&mut config);
    FakeDialog360::start(config).await.unwrap()
}

fn number(fake: &FakeDialog360) -> PhoneNumber {
    fake.config().numbers[0].clone()
}

fn ask(fake: &FakeDialog360, method: &'static str, path: &str) -> Ask {
    Ask::new(method, HOST, path).header("d360-api-key", &number(fake).token)
}

fn hub(fake: &FakeDialog360, method: &'static str, path: &str) -> Ask {
    let partner = &fake.config().partner;
    Ask::new(
        method,
        HUB,
        &format!("/api/v2/partners/{}/{path}", partner.id),
    )
    .header("x-api-key", &partner.api_key)
}

fn text() -> Value {
    json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": TO,
        "type": "text",
        "text": { "body": "Ahoj" },
        "biz_opaque_callback_data": "msg_1",
    })
}

async fn send(fake: &FakeDialog360, body: Value) -> Answer {
    ask(fake, "POST", "/messages")
        .json(body)
        .send(fake.address())
        .await
}

type Posts = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A receiver that keeps what it gets.
async fn receiver() -> (Server, Posts) {
    async fn keep(State(posts): State<Posts>, headers: HeaderMap, body: Bytes) {
        posts.lock().unwrap().push((headers, body));
    }
    let posts = Posts::default();
    let router = axum::Router::new()
        .fallback(keep)
        .with_state(Arc::clone(&posts));
    (Server::start(0, router).await.unwrap(), posts)
}

#[tokio::test]
async fn messages_go_by_key_and_metas_errors_come_through() {
    let fake = fake(|config| config.accepted_status = 201).await;
    let accepted = send(&fake, text()).await;
    assert_eq!(accepted.status, 201);
    assert_eq!(accepted.json()["contacts"][0]["wa_id"], TO);
    assert_eq!(fake.accepted_by_callback_data()["msg_1"].len(), 1);
    let mut long = text();
    long["text"]["body"] = json!("x".repeat(4097));
    assert_eq!(send(&fake, long).await.code(), 100);
    let receipt = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x",
                          "typing_indicator": { "type": "text" } });
    assert_eq!(
        send(&fake, receipt).await.json(),
        json!({ "success": true })
    );
    let versioned = ask(&fake, "POST", "/v24.0/106540352242922/messages").json(text());
    assert_eq!(versioned.send(fake.address()).await.status, 404);
    assert!(!format!("{:?}", fake.requests()).contains(&number(&fake).token));
}

#[tokio::test]
async fn own_refusals_come_in_three_forms() {
    let fake = fake(|_| {}).await;
    let bad_key = || {
        Ask::new("POST", HOST, "/messages")
            .header("d360-api-key", "wrong")
            .json(text())
            .send(fake.address())
    };
    let answer = bad_key().await;
    assert_eq!(answer.status, 401);
    assert!(answer.json()["error"].is_string());
    fake.set_own_errors(OwnErrors::Meta);
    assert_eq!(bad_key().await.json()["meta"]["http_code"], 401);
    fake.set_own_errors(OwnErrors::List);
    assert_eq!(bad_key().await.json()["errors"][0]["code"], 401);
    let channel = fake.channels()[0].id.clone();
    fake.change_channel(&channel, |channel| channel.is_unpaid = true);
    assert_eq!(send(&fake, text()).await.status, 400);
    fake.change_channel(&channel, |channel| channel.is_disabled = true);
    assert_eq!(send(&fake, text()).await.status, 400);
    assert_eq!(fake.refusals().len(), 5);
}

#[tokio::test]
async fn media_links_name_another_host_and_too_many_errors_close_the_endpoint() {
    let fake = fake(|_| {}).await;
    fake.stop_clock();
    let upload = ask(&fake, "POST", "/media").file("image/png", "pixels");
    let id = upload.send(fake.address()).await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let shown = ask(&fake, "GET", &format!("/{id}"))
        .send(fake.address())
        .await;
    assert!(String::from_utf8_lossy(&shown.body).contains(r"https:\/\/lookaside.fbsbx.com\/"));
    let url = shown.json()["url"].as_str().unwrap().to_owned();
    let path = url
        .strip_prefix("https://lookaside.fbsbx.com")
        .unwrap()
        .to_owned();
    let download = || ask(&fake, "GET", &path).send(fake.address());
    assert_eq!(download().await.body, "pixels");
    let elsewhere = Ask::new("GET", "lookaside.fbsbx.com", &path).header("d360-api-key", "x");
    assert_eq!(elsewhere.send(fake.address()).await.status, 421);

    fake.advance(Duration::from_secs(301));
    for _ in 0..21 {
        assert_eq!(download().await.status, 404);
    }
    assert_eq!(download().await.status, 403);
    let get = || ask(&fake, "GET", &format!("/{id}")).send(fake.address());
    assert_eq!(get().await.status, 403);
    fake.advance(Duration::from_secs(30 * 60 + 1));
    assert_eq!(get().await.status, 200);
    let delete = || ask(&fake, "DELETE", &format!("/{id}")).send(fake.address());
    assert_eq!(delete().await.json(), json!({ "success": true }));
    assert_eq!(delete().await.status, 400);
}

#[tokio::test]
async fn webhooks_are_configured_with_headers_that_every_post_carries() {
    let (server, posts) = receiver().await;
    let fake = fake(|config| config.signs_channel_webhooks = true).await;
    fake.connect_to(
        "https://wharf.example.com",
        format!("http://{}", server.address()),
    );
    let get = || ask(&fake, "GET", "/v1/configs/webhook").send(fake.address());
    let set = |body: Value| {
        ask(&fake, "POST", "/v1/configs/webhook")
            .json(body)
            .send(fake.address())
    };
    assert_eq!(get().await.status, 404);
    assert_eq!(
        set(json!({ "url": "http://wharf.example.com/hook" }))
            .await
            .status,
        400
    );
    assert_eq!(
        set(json!({ "url": "https://wharf.example.com/hook", "secret": 1 }))
            .await
            .status,
        400
    );
    let webhook =
        json!({ "url": "https://wharf.example.com/hook", "headers": { "x-hook": "s3cret" } });
    assert_eq!(set(webhook.clone()).await.status, 200);
    assert_eq!(get().await.json(), webhook);

    let wamid = fake.receive(&number(&fake), TO, &Inbound::text("hi"));
    send(&fake, text()).await;
    eventually(WAIT, || async {
        (posts.lock().unwrap().len() == 4).then_some(())
    })
    .await
    .unwrap();
    let forged = fake
        .post_forged(&number(&fake), "{}", &[("x-hook", "guessed")])
        .await;
    assert_eq!(forged.unwrap(), 200, "this receiver checks nothing");
    let mut posts = posts.lock().unwrap();
    let (headers, _) = posts.pop().unwrap();
    assert_eq!(headers["x-hook"], "guessed");
    assert!(
        posts.iter().any(|(_, body)| {
            String::from_utf8_lossy(body).contains(&wamid.replace('/', "\\/"))
        })
    );
    for (headers, body) in posts.iter() {
        assert_eq!(headers["x-hook"], "s3cret");
        assert_eq!(
            headers["x-360dialog-signature"],
            fake.signature(body).as_str()
        );
        assert!(!headers.contains_key("x-hub-signature-256"));
    }
}

#[tokio::test]
async fn templates_are_paged_by_offset() {
    let fake = fake(|_| {}).await;
    let create = |name: &str| {
        let body = json!({ "name": name, "language": "en", "category": "UTILITY",
                           "components": [{ "type": "BODY", "text": "Hi" }] });
        ask(&fake, "POST", "/v1/configs/templates")
            .json(body)
            .send(fake.address())
    };
    assert_eq!(create("first").await.status, 201);
    assert_eq!(create("first").await.code(), 100);
    assert_eq!(create("second").await.status, 201);
    let list = |query: &str| {
        ask(&fake, "GET", &format!("/v1/configs/templates?{query}")).send(fake.address())
    };
    let page = list("limit=2&offset=1").await.json();
    let named: Vec<_> = page["waba_templates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|template| template["name"].as_str().unwrap())
        .collect();
    assert_eq!(named, ["first", "second"]);
    assert_eq!(
        (&page["total"], &page["count"], &page["offset"]),
        (&json!(3), &json!(2), &json!(1))
    );
    let filtered = list("filters=%7B%22name%22%3A%22second%22%7D").await.json();
    assert_eq!(filtered["total"], 1);
    assert_eq!(list("limit=x").await.status, 400);
    let delete = || ask(&fake, "DELETE", "/v1/configs/templates/first").send(fake.address());
    assert_eq!(delete().await.status, 200);
    assert_eq!(delete().await.status, 404);
}

#[tokio::test]
async fn a_partner_connects_a_channel_and_makes_its_key() {
    let (server, posts) = receiver().await;
    let fake = fake(|_| {}).await;
    fake.set_partner_webhook(format!("http://{}/partner", server.address()));
    let new = PhoneNumber {
        id: "306540352242922".to_owned(),
        display_number: "4915112345678".to_owned(),
        account_id: "302290129340398".to_owned(),
        token: String::new(),
    };
    let onboarding = Onboarding::new("CL2", vec![new.clone()])
        .not_running_yet()
        .with_state("a b");
    let query = fake.onboard(&onboarding);
    assert_eq!(query, "client=CL2&channels=[CH306540352242922]&state=a+b");
    let keys = || hub(&fake, "POST", "channels/CH306540352242922/api_keys").send(fake.address());
    assert_eq!(keys().await.status, 400, "it does not run yet");
    fake.run_channel("CH306540352242922");
    let made = keys().await;
    assert_eq!(made.status, 201);
    let first = made.json()["api_key"].as_str().unwrap().to_owned();
    assert_eq!(made.json()["address"], "https://waba-v2.360dialog.io");
    let second = keys().await.json()["api_key"].as_str().unwrap().to_owned();
    let with = |key: &str| {
        Ask::new("GET", HOST, "/health_status")
            .header("d360-api-key", key)
            .send(fake.address())
    };
    assert_eq!(with(&first).await.status, 401, "a new key ends the old one");
    let health = with(&second).await.json();
    assert_eq!(health["health_status"]["can_send_message"], "AVAILABLE");

    let filter = "channels?filters=%7B%22id%22%3A%22CH306540352242922%22%7D";
    let listed = hub(&fake, "GET", filter).send(fake.address()).await.json();
    assert_eq!(listed["total"], 1);
    assert_eq!(listed["partner_channels"][0]["client_id"], "CL2");
    fake.change_channel("CH306540352242922", |channel| channel.allows_keys = false);
    let denied = keys().await;
    assert_eq!(
        (denied.status, &denied.json()["meta"]["success"]),
        (403, &json!(false))
    );
    let stranger = Ask::new("GET", HUB, "/api/v2/partners/qE8wBxPA/channels");
    assert_eq!(stranger.send(fake.address()).await.status, 401);

    eventually(WAIT, || async {
        (posts.lock().unwrap().len() == 2).then_some(())
    })
    .await
    .unwrap();
    for (headers, body) in posts.lock().unwrap().iter() {
        assert_eq!(
            headers["x-360dialog-signature"],
            fake.signature(body).as_str()
        );
    }
}

#[tokio::test]
async fn the_older_login_gives_a_token_for_an_hour() {
    let fake = fake(|_| {}).await;
    let login = |password: &str| {
        let body = json!({ "username": "partner@example.com", "password": password });
        Ask::new("POST", HUB, "/api/v2/token")
            .json(body)
            .send(fake.address())
    };
    assert_eq!(login("wrong").await.status, 401);
    let token = login("correct horse").await.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let clients = || {
        Ask::new("GET", HUB, "/api/v2/partners/qE8wBxPA/clients")
            .bearer(&token)
            .send(fake.address())
    };
    assert_eq!(clients().await.json()["clients"][0]["id"], "CLfirst");
    fake.advance(Duration::from_secs(60 * 60 + 1));
    assert_eq!(clients().await.status, 401);
}

#[tokio::test]
async fn links_into_the_onboarding_are_checked_as_they_would_be() {
    let fake = fake(|_| {}).await;
    let partner = &fake.config().partner;
    let base = format!("https://app.360dialog.com/onboarding/{}", partner.id);
    let now = fake.shared.platform.clock.now_s().to_string();
    let signature = onboarding::sign_link(&partner.platform_secret, &partner.id, &now);
    let link = |query: &str| fake.check_link(&format!("{base}?{query}"));
    assert_eq!(link("state=x&redirect_url=https%3A%2F%2Fa.b"), Ok(()));
    assert_eq!(
        link(&format!("io_signature={signature}&io_timestamp={now}")),
        Ok(())
    );
    assert!(link(&format!("io_signature={signature}&io_timestamp=1")).is_err());
    assert!(link(&format!("io_signature={signature}")).is_err());
    assert!(link("redirect_uri=x").is_err());
    assert!(
        fake.check_link("https://app.360dialog.com/onboarding/other")
            .is_err()
    );
}

#[test]
fn headers_of_a_webhook_come_back_as_they_were_set() {
    let webhook = WebhookConfig {
        url: "https://a.b".to_owned(),
        headers: BTreeMap::from([("authorization".to_owned(), "Bearer x".to_owned())]),
    };
    assert_eq!(
        webhook.shown(),
        json!({ "url": "https://a.b", "headers": { "authorization": "Bearer x" } })
    );
}
