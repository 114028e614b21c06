//! Calls other than sends, and the limits of sends, over real sockets.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::ask::{Answer, Ask};
use crate::eventually;
use crate::server::Server;

pub(super) const WAIT: Duration = Duration::from_secs(10);
pub(super) const HOST: &str = "graph.facebook.com";
const MEDIA_HOST: &str = "lookaside.fbsbx.com";
pub(super) const TO: &str = "16505551234";

pub(super) async fn fake(change: impl FnOnce(&mut FakeGraphConfig)) -> FakeGraph {
    let mut config = FakeGraphConfig::default();
    change(&mut config);
    FakeGraph::start(config).await.unwrap()
}

/// A receiver that says 200 to everything, and yes to challenges.
pub(super) async fn receiver() -> (Server, String) {
    let echo = |axum::extract::RawQuery(query): axum::extract::RawQuery| async move {
        query
            .unwrap_or_default()
            .split('&')
            .find_map(|pair| pair.strip_prefix("hub.challenge=").map(str::to_owned))
            .unwrap_or_default()
    };
    let server = Server::start(0, axum::Router::new().fallback(echo))
        .await
        .unwrap();
    let url = format!("http://{}/hook", server.address());
    (server, url)
}

fn ask(fake: &FakeGraph, method: &'static str, path: &str) -> Ask {
    Ask::new(method, HOST, &format!("/v24.0/{path}")).bearer(&fake.number().token)
}

pub(super) async fn post(fake: &FakeGraph, path: &str, body: Value) -> Answer {
    ask(fake, "POST", path)
        .json(body)
        .send(fake.address())
        .await
}

pub(super) async fn get(fake: &FakeGraph, path: &str) -> Answer {
    ask(fake, "GET", path).send(fake.address()).await
}

pub(super) fn of_kind(kind: &str, content: Value) -> Value {
    json!({ "messaging_product": "whatsapp", "to": TO, "type": kind, kind: content })
}

pub(super) async fn send(fake: &FakeGraph, body: Value) -> Answer {
    post(fake, &format!("{}/messages", fake.number().id), body).await
}

pub(super) fn text() -> Value {
    of_kind("text", json!({ "body": "Ahoj" }))
}

#[tokio::test]
async fn media_are_uploaded_sent_linked_downloaded_and_end() {
    let fake = fake(|_| {}).await;
    fake.stop_clock();
    let upload = |content_type: &str, bytes: &str| {
        let path = format!("{}/media", fake.number().id);
        ask(&fake, "POST", &path)
            .file(content_type, bytes)
            .send(fake.address())
    };
    let id = upload("image/png", "pixels").await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(upload("image/gif", "pixels").await.code(), 100);
    assert_eq!(upload("image/png", "").await.code(), 131_053);
    assert_eq!(
        upload("image/webp", &"x".repeat(500 * 1024 + 1))
            .await
            .code(),
        131_053
    );
    assert_eq!(
        send(&fake, of_kind("image", json!({ "id": id })))
            .await
            .status,
        200
    );
    assert_eq!(
        send(&fake, of_kind("image", json!({ "id": "1" })))
            .await
            .code(),
        100
    );

    let shown = get(&fake, &format!("{id}?phone_number_id={}", fake.number().id))
        .await
        .json();
    assert_eq!(shown["mime_type"], "image/png");
    let url = shown["url"].as_str().unwrap();
    let path = url.strip_prefix("https://lookaside.fbsbx.com").unwrap();
    let download = || Ask::new("GET", MEDIA_HOST, path);
    let with_token = || download().bearer(&fake.number().token).send(fake.address());
    assert_eq!(with_token().await.body, "pixels");
    assert_eq!(download().send(fake.address()).await.status, 401);
    let forged = path.replace("hash=", "hash=0");
    let forged = Ask::new("GET", MEDIA_HOST, &forged).bearer(&fake.number().token);
    assert_eq!(forged.send(fake.address()).await.status, 404);

    fake.advance(Duration::from_secs(5 * 60 + 1));
    assert_eq!(with_token().await.status, 404);
    assert_eq!(get(&fake, &id).await.status, 200, "the id lives on");
    fake.advance(Duration::from_secs(30 * 24 * 60 * 60));
    assert_eq!(get(&fake, &id).await.code(), 100);

    let second = upload("audio/ogg", "sound").await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let delete = || ask(&fake, "DELETE", &second).send(fake.address());
    assert_eq!(delete().await.json(), json!({ "success": true }));
    assert_eq!(delete().await.code(), 100);
}

#[tokio::test]
async fn proofs_tokens_and_their_ends() {
    let fake = fake(|config| config.requires_proof = true).await;
    fake.stop_clock();
    let token = fake.number().token.clone();
    let path = |proof: &str| format!("{}?fields=id{proof}", fake.number().id);
    assert_eq!(get(&fake, &path("")).await.code(), 100);
    let good = format!(
        "&appsecret_proof={}",
        access::proof(&fake.config().app_secret, &token)
    );
    assert_eq!(get(&fake, &path(&good)).await.status, 200);
    assert_eq!(get(&fake, &path("&appsecret_proof=00")).await.code(), 100);
    let stale = access::proof(&fake.config().app_secret, &format!("{token}|1700000000"));
    let stale = format!("&appsecret_proof={stale}&appsecret_time=1700000000");
    assert_eq!(get(&fake, &path(&stale)).await.code(), 100);

    fake.expire_token_in(&token, Duration::from_secs(60));
    assert_eq!(get(&fake, &path(&good)).await.status, 200);
    fake.advance(Duration::from_secs(61));
    let expired = get(&fake, &path(&good)).await;
    assert_eq!((expired.status, expired.code()), (401, 190));
    assert_eq!(expired.json()["error"]["error_subcode"], 463);
    fake.revoke_token(&token, 460);
    assert_eq!(
        get(&fake, &path(&good)).await.json()["error"]["error_subcode"],
        460
    );
}

#[tokio::test]
async fn templates_are_created_reviewed_sent_and_deleted() {
    let (_receiver, url) = receiver().await;
    let fake = fake(|config| config.callback_url = Some(url)).await;
    let account = fake.number().account_id.clone();
    let create = |name: &str, body: &str| {
        let body = json!({
            "name": name, "category": "UTILITY", "language": "en_US",
            "components": [{ "type": "BODY", "text": body, "example": { "body_text": [["42"]] } }],
        });
        let path = format!("{account}/message_templates");
        ask(&fake, "POST", &path).json(body).send(fake.address())
    };
    let created = create("order", "Order {{1}} is here").await.json();
    assert_eq!(created["status"], "PENDING");
    assert_eq!(create("order", "Order {{1}} is here").await.code(), 100);
    assert_eq!(create("Order", "Order {{1}} is here").await.code(), 100);
    assert_eq!(
        create("long", &format!("{{{{1}}}}{}", "x".repeat(1020)))
            .await
            .code(),
        2_388_040
    );
    assert_eq!(create("plain", "no variable").await.code(), 2_388_072);

    let template = |count: usize| {
        let parameters = vec![json!({ "type": "text", "text": "42" }); count];
        of_kind(
            "template",
            json!({
                "name": "order", "language": { "code": "en_US" },
                "components": [{ "type": "body", "parameters": parameters }],
            }),
        )
    };
    let pending = send(&fake, template(1)).await;
    assert_eq!((pending.status, pending.code()), (404, 132_001));
    let id = created["id"].as_str().unwrap();
    fake.decide_template(id, &Decision::Approve).unwrap();
    assert_eq!(send(&fake, template(1)).await.status, 200);
    assert_eq!(send(&fake, template(2)).await.code(), 132_000);
    fake.decide_template(id, &Decision::Pause).unwrap();
    assert_eq!(send(&fake, template(1)).await.code(), 132_015);
    fake.decide_template(id, &Decision::Reject("PROMOTIONAL".to_owned()))
        .unwrap();
    eventually(WAIT, || async {
        (fake.unacknowledged_webhooks() == 0).then_some(())
    })
    .await
    .unwrap();
    let reviewed = fake.webhooks().iter().any(|webhook| {
        let text = String::from_utf8_lossy(&webhook.body).into_owned();
        text.contains("message_template_status_update") && text.contains("PROMOTIONAL")
    });
    assert!(reviewed);

    let delete = || {
        let path = format!("{account}/message_templates?name=order");
        ask(&fake, "DELETE", &path).send(fake.address())
    };
    assert_eq!(delete().await.status, 200);
    assert_eq!(delete().await.code(), 100);
}

#[tokio::test]
async fn templates_are_listed_by_pages() {
    let fake = fake(|_| {}).await;
    let account = fake.number().account_id.clone();
    let body = json!([{ "type": "BODY", "text": "Hi" }]);
    fake.add_template(
        &account,
        Template::approved("order", "en_US", "UTILITY", body),
    );
    let mut names = Vec::new();
    let mut next = Some(format!(
        "{account}/message_templates?fields=name,status&limit=1"
    ));
    while let Some(path) = next {
        let page = get(&fake, &path).await.json();
        names.push(page["data"][0]["name"].as_str().unwrap().to_owned());
        next = page["paging"]["next"].as_str().map(|next| {
            next.strip_prefix("https://graph.facebook.com/v24.0/")
                .unwrap()
                .to_owned()
        });
    }
    assert_eq!(names, ["hello_world", "order"]);
    let bad = get(&fake, &format!("{account}/message_templates?after=x")).await;
    assert_eq!(bad.code(), 131_059);
    let of_status = get(
        &fake,
        &format!("{account}/message_templates?status=REJECTED"),
    )
    .await;
    assert_eq!(of_status.json()["data"], json!([]));
}

#[tokio::test]
async fn numbers_and_profiles_are_read_by_fields_and_changed() {
    let fake = fake(|_| {}).await;
    let id = fake.number().id.clone();
    fake.change_number(&id, |number| "LIMITED".clone_into(&mut number.can_send));
    let path = format!("{id}?fields=display_phone_number,health_status,throughput");
    let shown = get(&fake, &path).await.json();
    assert_eq!(shown["display_phone_number"], "+1 555-078-3881");
    assert_eq!(shown["health_status"]["can_send_message"], "LIMITED");
    assert_eq!(shown["throughput"]["level"], "STANDARD");
    assert_eq!(get(&fake, &format!("{id}?fields=colour")).await.code(), 100);

    let profile = format!("{id}/whatsapp_business_profile");
    let set =
        json!({ "messaging_product": "whatsapp", "about": "Plants", "websites": ["https://a.b"] });
    assert_eq!(post(&fake, &profile, set).await.status, 200);
    let long = json!({ "messaging_product": "whatsapp", "about": "x".repeat(140) });
    assert_eq!(post(&fake, &profile, long).await.code(), 100);
    let shown = get(&fake, &format!("{profile}?fields=about,websites,email"))
        .await
        .json();
    assert_eq!(
        shown["data"][0],
        json!({
            "messaging_product": "whatsapp", "about": "Plants", "websites": ["https://a.b"]
        })
    );
}

#[tokio::test]
async fn overrides_are_proven_first_and_divert_messages_only() {
    let (_app, app_url) = receiver().await;
    let (own, _) = receiver().await;
    let fake = fake(|config| config.callback_url = Some(app_url)).await;
    fake.connect_to(
        "https://wharf.example.com",
        format!("http://{}", own.address()),
    );
    let override_with = |url: &str| {
        let body = json!({ "webhook_configuration": { "override_callback_uri": url, "verify_token": "x" } });
        ask(&fake, "POST", &fake.number().id)
            .json(body)
            .send(fake.address())
    };
    assert_eq!(
        override_with("http://127.0.0.1:1/nobody").await.code(),
        2200
    );
    assert_eq!(
        override_with("https://wharf.example.com/own").await.status,
        200
    );
    let state = fake.number_state(&fake.number().id).unwrap();
    assert_eq!(
        state.callback.as_deref(),
        Some("https://wharf.example.com/own")
    );
    drop(own);
    fake.announce("account_review_update", json!({ "decision": "APPROVED" }));
    eventually(WAIT, || async {
        (fake.unacknowledged_webhooks() == 0).then_some(())
    })
    .await
    .expect("account fields ignore the override");
}

#[tokio::test]
async fn uploads_are_resumed_at_their_offset() {
    let fake = fake(|_| {}).await;
    let path = format!(
        "{}/uploads?file_name=a.png&file_length=6&file_type=image/png",
        fake.config().app_id
    );
    let begun = ask(&fake, "POST", &path).send(fake.address()).await.json();
    let path = format!("/v24.0/{}", begun["id"].as_str().unwrap());
    let oauth = format!("OAuth {}", fake.number().token);
    let push = |offset: &str, bytes: &'static str| {
        Ask::new("POST", HOST, &path)
            .header("authorization", &oauth)
            .header("file_offset", offset)
            .body("application/octet-stream", bytes)
            .send(fake.address())
    };
    assert_eq!(push("0", "pix").await.json()["file_offset"], 3);
    assert_eq!(push("0", "els").await.code(), 100);
    let status = Ask::new("GET", HOST, &path).header("authorization", &oauth);
    assert_eq!(status.send(fake.address()).await.json()["file_offset"], 3);
    assert!(
        push("3", "els").await.json()["h"]
            .as_str()
            .unwrap()
            .starts_with("4::")
    );
    let bearer = Ask::new("GET", HOST, &path).bearer(&fake.number().token);
    assert_eq!(bearer.send(fake.address()).await.code(), 190);
}

#[tokio::test]
async fn faults_strike_the_call_that_they_name() {
    let fake = fake(|_| {}).await;
    let id = fake.number().id.clone();
    let answer = Fault::Answer {
        status: 429,
        content_type: "text/plain",
        body: "slow down".to_owned(),
    };
    fake.add_fault(FaultRule::new(answer).on("phone.get").times(1));
    assert_eq!(send(&fake, text()).await.status, 200);
    let struck = get(&fake, &id).await;
    assert_eq!((struck.status, &*struck.body), (429, &b"slow down"[..]));
    assert_eq!(get(&fake, &id).await.status, 200);
    let calls: Vec<_> = fake.requests().iter().map(|request| request.call).collect();
    assert_eq!(calls, ["messages.send", "phone.get", "phone.get"]);
}
