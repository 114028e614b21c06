//! The app's own subscription, and sends whose rules depend on whom they are for.

use serde_json::{Value, json};

use super::calls_tests::{HOST, TO, WAIT, fake, of_kind, post, receiver, send, text};
use super::*;
use crate::ask::Ask;
use crate::eventually;

#[tokio::test]
async fn an_app_subscribes_with_its_own_token_and_a_proven_receiver() {
    let (_receiver, url) = receiver().await;
    let fake = fake(|_| {}).await;
    let config = fake.config();
    let subscribe = |url: &str, token: String| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("object", "whatsapp_business_account")
            .append_pair("callback_url", url)
            .append_pair("verify_token", "any")
            .append_pair("fields", "messages,account_update")
            .append_pair("access_token", &token)
            .finish();
        let path = format!("/v24.0/{}/subscriptions?{query}", config.app_id);
        Ask::new("POST", HOST, &path).send(fake.address())
    };
    let app = || format!("{}|{}", config.app_id, config.app_secret);
    let by_user = subscribe(&url, fake.number().token.clone()).await;
    assert_eq!(by_user.code(), 100);
    let nobody = subscribe("http://127.0.0.1:1/nobody", app()).await;
    assert_eq!(nobody.code(), 2200);
    assert_eq!(
        subscribe(&url, app()).await.json(),
        json!({ "success": true })
    );
    let printed = format!("{:?}", fake.requests());
    assert!(!printed.contains(&config.app_secret), "{printed}");
    fake.receive(TO, &Inbound::text("hi"));
    eventually(WAIT, || async {
        (fake.unacknowledged_webhooks() == 0).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_password_does_not_go_to_a_user_id() {
    let fake = fake(|_| {}).await;
    let account = fake.number().account_id.clone();
    let body = json!({
        "name": "login", "category": "AUTHENTICATION", "language": "en",
        "components": [
            { "type": "BODY", "add_security_recommendation": true },
            { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE" }] },
        ],
    });
    let path = format!("{account}/message_templates");
    let created = post(&fake, &path, body).await.json();
    fake.decide_template(created["id"].as_str().unwrap(), &Decision::Approve);
    let code = json!([{ "type": "text", "text": "123456" }]);
    let template = json!({
        "name": "login", "language": { "code": "en" },
        "components": [
            { "type": "body", "parameters": code },
            { "type": "button", "sub_type": "url", "index": "0", "parameters": code },
        ],
    });
    let mut login = of_kind("template", template);
    assert_eq!(send(&fake, login.clone()).await.status, 200);
    login["to"] = Value::Null;
    login["recipient"] = json!("US.13491208655302741918");
    assert_eq!(send(&fake, login).await.code(), 131_062);
}

#[tokio::test]
async fn groups_must_be_known() {
    let fake = fake(|_| {}).await;
    let mut to_group = text();
    to_group["recipient_type"] = json!("group");
    to_group["to"] = json!("Y2FwaV9ncm91cDox");
    assert_eq!(send(&fake, to_group.clone()).await.code(), 131_041);
    let id = fake.number().id.clone();
    fake.change_number(&id, |number| {
        number.groups.push("Y2FwaV9ncm91cDox".to_owned());
    });
    let answer = send(&fake, to_group).await.json();
    assert_eq!(answer["messages"][0]["group_id"], "Y2FwaV9ncm91cDox");
}

#[tokio::test]
async fn a_changed_identity_stops_sends_that_name_the_old_one() {
    let fake = fake(|config| config.limits.reported = Reported::InAnswer).await;
    fake.set_identity(TO, "h4sh");
    let mut known = text();
    known["recipient_identity_key_hash"] = json!("other");
    assert_eq!(send(&fake, known.clone()).await.code(), 137_000);
    known["recipient_identity_key_hash"] = json!("h4sh");
    assert_eq!(send(&fake, known).await.status, 200);
}

#[test]
fn a_batch_holds_all_entries_in_their_order() {
    let number = PhoneNumber::default();
    let texts = ["wamid.1", "wamid.2"].map(|id| payload::inbound_text(&number, TO, id, "hi"));
    let batch = payload::batch(&texts);
    let ids: Vec<_> = batch["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["changes"][0]["value"]["messages"][0]["id"].clone())
        .collect();
    assert_eq!(ids, ["wamid.1", "wamid.2"]);
}
