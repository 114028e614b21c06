//! Accounts and senders: subaccounts, signup, codes, profiles, services.

use serde_json::{Value, json};

use super::tests::{FROM, TO, api, ask, basic, code, fake, send, with_form};
use super::*;
use crate::ask::{Answer, Ask};

const HOST: &str = "messaging.twilio.com";
const SENDERS: &str = "/v2/Channels/Senders";

/// The published example of a creation, with a number that is one.
fn example() -> Value {
    json!({
        "sender_id": "whatsapp:+15551110000",
        "configuration": { "waba_id": "1234567", "verification_method": "sms" },
        "webhook": { "callback_url": "https://callback.example.com", "callback_method": "POST",
            "fallback_url": "https://fallback.example.com", "fallback_method": "POST",
            "status_callback_url": "https://statuscallback.example.com",
            "status_callback_method": "POST" },
        "profile": { "name": "Example Profile Name", "about": "This is an example about text.",
            "address": "123 Example St", "description": "This is an example description.",
            "emails": [{ "email": "example1@example.com", "label": "Email" }],
            "logo_url": "https://logo_url.example.com", "vertical": "Automotive",
            "websites": [{ "website": "https://website1.example.com", "label": "Website1" }] },
    })
}

async fn post(fake: &FakeTwilio, path: &str, body: Value) -> Answer {
    let ask = ask(fake, "POST", HOST, path).json(body);
    ask.send(fake.address()).await
}

async fn get(fake: &FakeTwilio, path: &str) -> Answer {
    ask(fake, "GET", HOST, path).send(fake.address()).await
}

#[tokio::test]
async fn a_sender_comes_online_by_code_and_can_send_then() {
    let fake = fake(|config| {
        config.setup.needs_code = true;
        config.statuses = StatusPlan::off();
    })
    .await;
    fake.share_waba("1234567");
    let created = post(&fake, SENDERS, example()).await;
    assert_eq!(created.status, 202);
    let shown = created.json();
    assert_eq!(shown["status"], "CREATING");
    assert_eq!(shown["configuration"]["verification_code"], Value::Null);
    assert_eq!(shown["offline_reasons"], Value::Null);
    let path = format!("{SENDERS}/{}", shown["sid"].as_str().unwrap());
    let text = [("To", TO), ("From", "whatsapp:+15551110000"), ("Body", "a")];
    assert_eq!(code(&send(&fake, &text).await), 63_007);
    let states = [
        "TWILIO_REVIEW",
        "PENDING_VERIFICATION",
        "PENDING_VERIFICATION",
    ];
    for state in states {
        assert_eq!(get(&fake, &path).await.json()["status"], state);
    }
    let with_code = |code: &str| json!({ "configuration": { "verification_code": code } });
    assert_eq!(post(&fake, &path, with_code("000000")).await.status, 400);
    let verifying = post(&fake, &path, with_code(VERIFICATION_CODE)).await;
    assert_eq!(verifying.json()["status"], "VERIFYING");
    assert_eq!(get(&fake, &path).await.json()["status"], "ONLINE");
    assert_eq!(send(&fake, &text).await.status, 201);
    let profile = json!({ "profile": { "about": "Closed on Sundays" } });
    let updated = post(&fake, &path, profile).await;
    assert_eq!(updated.status, 202);
    assert_eq!(updated.json()["status"], "ONLINE:UPDATING");
    let shown = get(&fake, &path).await.json();
    assert_eq!(shown["profile"]["about"], "Closed on Sundays");
    assert_eq!(shown["profile"]["vertical"], "Automotive");
    assert_eq!(shown["status"], "ONLINE");
    let listed = get(&fake, &format!("{SENDERS}?Channel=whatsapp&PageSize=1")).await;
    assert_eq!(listed.json()["meta"]["key"], "senders");
    assert!(listed.json()["meta"]["next_page_url"].is_string());
    let delete = ask(&fake, "DELETE", HOST, &path).send(fake.address()).await;
    assert_eq!(delete.status, 204);
    assert_eq!(get(&fake, &path).await.status, 404);
}

#[tokio::test]
async fn wrong_senders_are_refused_or_end_offline() {
    let fake = fake(|_| {}).await;
    let changed = |change: fn(&mut Value)| {
        let mut body = example();
        change(&mut body);
        body
    };
    for body in [
        changed(|body| body["sender_id"] = json!("+15551110000")),
        changed(|body| body["sender_id"] = json!("whatsapp:US.1")),
        changed(|body| body["profile"] = json!({})),
        changed(|body| body["phone_number_id"] = json!("1")),
        changed(|body| body["configuration"]["phone_number_id"] = json!("1")),
        changed(|body| body["profile"]["vertical"] = json!("AUTO")),
        changed(|body| body["webhook"]["callback_url"] = json!("/hook")),
        changed(|body| body["webhook"]["callback_method"] = json!("GET")),
        changed(|body| body["configuration"]["verification_method"] = json!("email")),
        changed(|body| body["sender_id"] = json!(FROM)),
    ] {
        let answer = post(&fake, SENDERS, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    assert_eq!(get(&fake, SENDERS).await.status, 400);
    let unshared = post(&fake, SENDERS, example()).await;
    assert_eq!(unshared.status, 202);
    let path = format!("{SENDERS}/{}", unshared.json()["sid"].as_str().unwrap());
    get(&fake, &path).await;
    let offline = get(&fake, &path).await.json();
    assert_eq!(offline["status"], "OFFLINE");
    assert_eq!(offline["offline_reasons"][0]["code"], "63101");
}

#[tokio::test]
async fn subaccounts_have_their_own_credentials_senders_and_contents() {
    let fake = fake(|_| {}).await;
    let create = ask(&fake, "POST", "api.twilio.com", "/2010-04-01/Accounts.json");
    let created = with_form(create, &[("FriendlyName", "Customer")])
        .send(fake.address())
        .await;
    assert_eq!(created.status, 201);
    let shown = created.json();
    let (sid, token) = (
        shown["sid"].as_str().unwrap(),
        shown["auth_token"].as_str().unwrap(),
    );
    assert_eq!(shown["owner_account_sid"], json!(fake.account().sid));
    assert_eq!(shown["status"], "active");
    let path = format!("/2010-04-01/Accounts/{sid}.json");
    let by_owner = ask(&fake, "GET", "api.twilio.com", &path);
    assert_eq!(by_owner.send(fake.address()).await.json(), shown);
    let own = |method, host, path: &str| basic(Ask::new(method, host, path), sid, token);
    let up = format!("/2010-04-01/Accounts/{}.json", fake.account().sid);
    let upwards = own("GET", "api.twilio.com", &up).send(fake.address()).await;
    assert_eq!(upwards.status, 404);
    let nested = own("POST", "api.twilio.com", "/2010-04-01/Accounts.json");
    assert_eq!(nested.send(fake.address()).await.status, 403);
    let senders = own("GET", HOST, &format!("{SENDERS}?Channel=whatsapp"));
    let senders = senders.send(fake.address()).await.json();
    assert_eq!(senders["senders"], json!([]));
    let message = with_form(
        own(
            "POST",
            "api.twilio.com",
            &format!("/2010-04-01/Accounts/{sid}/Messages.json"),
        ),
        &[("To", TO), ("From", FROM), ("Body", "a")],
    );
    assert_eq!(code(&message.send(fake.address()).await), 63_007);

    let suspend = ask(&fake, "POST", "api.twilio.com", &path);
    let suspended = with_form(suspend, &[("Status", "suspended")])
        .send(fake.address())
        .await;
    assert_eq!(suspended.json()["status"], "suspended");
    let refused = own("GET", HOST, &format!("{SENDERS}?Channel=whatsapp"));
    let refused = refused.send(fake.address()).await;
    assert_eq!((refused.status, code(&refused)), (403, 20_003));
    let listed = ask(
        &fake,
        "GET",
        "api.twilio.com",
        "/2010-04-01/Accounts.json?Status=suspended",
    );
    let listed = listed.send(fake.address()).await.json();
    assert_eq!(listed["accounts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_waba_belongs_to_one_account() {
    let fake = fake(|config| {
        config.wabas = vec![SharedWaba {
            id: "1234567".to_owned(),
            account_sid: Some("ACbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb".to_owned()),
        }];
        config.setup.polls = 0;
    })
    .await;
    let created = post(&fake, SENDERS, example()).await.json();
    let path = format!("{SENDERS}/{}", created["sid"].as_str().unwrap());
    let offline = get(&fake, &path).await.json();
    assert_eq!(offline["offline_reasons"][0]["code"], "63101");
}

#[tokio::test]
async fn senders_join_services_and_messages_show_typing() {
    let service = "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let fake = fake(|config| {
        config.statuses = StatusPlan::off();
        config.services = vec![MessagingService {
            sid: service.to_owned(),
            account_sid: config.accounts[0].sid.clone(),
            numbers: Vec::new(),
        }];
    })
    .await;
    let text = [("To", TO), ("MessagingServiceSid", service), ("Body", "a")];
    assert_eq!(code(&send(&fake, &text).await), 21_703);
    let path = format!("/v1/Services/{service}/ChannelSenders");
    let join = || {
        let sid = fake.sender().sid;
        with_form(ask(&fake, "POST", HOST, &path), &[("Sid", sid.as_str())]).send(fake.address())
    };
    assert_eq!(join().await.status, 201);
    assert_eq!(join().await.status, 400);
    assert_eq!(send(&fake, &text).await.status, 201);
    let pinned = [
        ("To", TO),
        ("MessagingServiceSid", service),
        ("From", FROM),
        ("Body", "a"),
    ];
    assert_eq!(send(&fake, &pinned).await.json()["status"], "queued");
    fake.change_sender(&fake.sender().sid, |sender| {
        sender.status = "OFFLINE".to_owned()
    });
    assert_eq!(code(&send(&fake, &pinned).await), 63_007);
    assert_eq!(fake.sent()[0].from.as_ref().unwrap().to_string(), FROM);

    let inbound = fake.receive_silently("+16505551234", &Inbound::text("hi"));
    let typing = with_form(
        ask(&fake, "POST", HOST, "/v2/Indicators/Typing.json"),
        &[("channel", "whatsapp"), ("messageId", inbound.as_str())],
    );
    assert_eq!(
        typing.send(fake.address()).await.json(),
        json!({ "success": true })
    );
    let typing = ask(&fake, "POST", HOST, "/v3/Indicators/Typing.json");
    let typing = typing.json(json!({ "channel": "WHATSAPP", "messageId": inbound }));
    assert_eq!(
        typing.send(fake.address()).await.json(),
        json!({ "success": true })
    );
    let mine = fake.sent()[0].sid.clone();
    let typing = ask(&fake, "POST", HOST, "/v3/Indicators/Typing.json");
    let typing = typing.json(json!({ "channel": "WHATSAPP", "messageId": mine }));
    assert_eq!(typing.send(fake.address()).await.status, 400);
    let feedback = with_form(
        api(&fake, "POST", &format!("Messages/{mine}/Feedback.json")),
        &[("Outcome", "confirmed")],
    );
    assert_eq!(
        feedback.send(fake.address()).await.json()["outcome"],
        "confirmed"
    );
}
