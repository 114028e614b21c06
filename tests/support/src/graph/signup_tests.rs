//! The way of a customer: from the code to a number that sends and receives.

use std::time::Duration;

use serde_json::json;

use super::calls_tests::{HOST, TO, WAIT, fake, receiver, text};
use super::*;
use crate::ask::{Answer, Ask};
use crate::eventually;

fn customer() -> PhoneNumber {
    PhoneNumber {
        id: "306540352242922".to_owned(),
        display_number: "4915112345678".to_owned(),
        account_id: "302290129340398".to_owned(),
        token: String::new(),
    }
}

async fn exchange(fake: &FakeGraph, code: &str, secret: &str) -> Answer {
    let path = format!(
        "/v24.0/oauth/access_token?client_id={}&client_secret={secret}&code={code}",
        fake.config().app_id
    );
    Ask::new("GET", HOST, &path).send(fake.address()).await
}

/// Goes through the signup with a PIN that the number has already.
async fn sign_up(fake: &FakeGraph) -> String {
    let code = fake.sign_up(&SignUp::new(vec![customer()]).with_pin("111111"));
    let answer = exchange(fake, &code, &fake.config().app_secret)
        .await
        .json();
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_code_is_exchanged_once_in_time_and_by_the_app() {
    let fake = fake(|_| {}).await;
    fake.stop_clock();
    let number = customer();
    let secret = fake.config().app_secret.clone();
    let code = fake
        .sign_up(&SignUp::new(vec![number.clone()]).with_token_lifetime(Duration::from_secs(90)));
    assert_eq!(exchange(&fake, &code, "wrong").await.status, 400);
    let answer = exchange(&fake, &code, &secret).await.json();
    assert_eq!(answer["expires_in"], 90);
    let again = exchange(&fake, &code, &secret).await.json();
    assert_eq!(again["error"]["code"], 100);
    assert_eq!(again["error"]["error_subcode"], 36_009);
    let late = fake.sign_up(&SignUp::new(vec![number.clone()]));
    fake.advance(Duration::from_secs(30));
    assert_eq!(exchange(&fake, &late, &secret).await.code(), 100);
    let redirected = SignUp::new(vec![number]).redirected_to("https://wharf.example.com/return");
    let redirected = fake.sign_up(&redirected);
    assert_eq!(
        exchange(&fake, &redirected, &secret).await.code(),
        100,
        "without redirect_uri"
    );
}

#[tokio::test]
async fn a_token_names_its_accounts_and_sees_no_others() {
    let fake = fake(|_| {}).await;
    let number = customer();
    let token = sign_up(&fake).await;
    let config = fake.config();
    let app_token = format!("{}%7C{}", config.app_id, config.app_secret);
    let path = format!("/v24.0/debug_token?input_token={token}&access_token={app_token}");
    let debugged = Ask::new("GET", HOST, &path)
        .send(fake.address())
        .await
        .json();
    assert_eq!(debugged["data"]["is_valid"], true);
    assert_eq!(
        debugged["data"]["granular_scopes"][0]["target_ids"],
        json!([number.account_id])
    );

    let call =
        |method, path: String| Ask::new(method, HOST, &format!("/v24.0/{path}")).bearer(&token);
    let listed = call(
        "GET",
        format!(
            "{}/phone_numbers?fields=id,status,platform_type",
            number.account_id
        ),
    );
    let listed = listed.send(fake.address()).await.json();
    assert_eq!(
        listed["data"],
        json!([
            { "id": number.id, "status": "PENDING", "platform_type": "NOT_APPLICABLE" }
        ])
    );
    let foreign = call("GET", format!("{}/phone_numbers", fake.number().account_id));
    assert_eq!(foreign.send(fake.address()).await.code(), 100);
    let unregistered = call("POST", format!("{}/messages", number.id)).json(text());
    assert_eq!(unregistered.send(fake.address()).await.code(), 133_010);

    let own = Ask::new(
        "GET",
        HOST,
        &format!("/v24.0/debug_token?input_token={token}"),
    );
    let foreign = own.clone().bearer(&fake.number().token);
    assert_eq!(own.bearer(&token).send(fake.address()).await.status, 200);
    assert_eq!(foreign.send(fake.address()).await.code(), 100);
}

#[tokio::test]
async fn a_number_is_registered_with_its_pin_ten_times_at_most() {
    let fake = fake(|_| {}).await;
    let number = customer();
    let token = sign_up(&fake).await;
    let call =
        |method, path: String| Ask::new(method, HOST, &format!("/v24.0/{path}")).bearer(&token);
    let register = |pin: &str| {
        call("POST", format!("{}/register", number.id))
            .json(json!({ "messaging_product": "whatsapp", "pin": pin }))
            .send(fake.address())
    };
    assert_eq!(register("222222").await.code(), 133_005);
    assert_eq!(register("111111").await.status, 200);
    for _ in 0..8 {
        register("111111").await;
    }
    assert_eq!(register("111111").await.code(), 133_016);
    fake.advance(Duration::from_secs(72 * 60 * 60 + 1));
    assert_eq!(register("111111").await.status, 200);
}

#[tokio::test]
async fn webhooks_come_once_the_account_is_subscribed() {
    let (_receiver, url) = receiver().await;
    let fake = fake(|config| config.callback_url = Some(url)).await;
    let number = customer();
    let token = sign_up(&fake).await;
    let call =
        |method, path: String| Ask::new(method, HOST, &format!("/v24.0/{path}")).bearer(&token);
    fake.receive_at(&number, TO, &Inbound::text("nobody listens yet"));
    let subscribe = call("POST", format!("{}/subscribed_apps", number.account_id));
    assert_eq!(subscribe.send(fake.address()).await.status, 200);
    let wamid = fake.receive_at(&number, TO, &Inbound::text("hello"));
    eventually(WAIT, || async {
        (fake.unacknowledged_webhooks() == 0).then_some(())
    })
    .await
    .unwrap();
    let webhooks = fake.webhooks();
    assert_eq!(webhooks.len(), 1);
    assert!(String::from_utf8_lossy(&webhooks[0].body).contains(&wamid.replace('/', "\\/")));
    assert!(fake.is_subscribed(&number.account_id));
}

#[tokio::test]
async fn a_number_of_the_business_app_is_synchronised_and_not_registered() {
    let fake = fake(|_| {}).await;
    let number = customer();
    let code = fake.sign_up(&SignUp::new(vec![number.clone()]).coexistence());
    let answer = exchange(&fake, &code, &fake.config().app_secret)
        .await
        .json();
    let token = answer["access_token"].as_str().unwrap();
    let call = |edge: &str, body: serde_json::Value| {
        Ask::new("POST", HOST, &format!("/v24.0/{}/{edge}", number.id))
            .bearer(token)
            .json(body)
            .send(fake.address())
    };
    let register = json!({ "messaging_product": "whatsapp", "pin": "123456" });
    assert_eq!(call("register", register).await.code(), 100);
    let history = || json!({ "messaging_product": "whatsapp", "sync_type": "history" });
    assert_eq!(call("smb_app_data", history()).await.status, 200);
    assert_eq!(call("smb_app_data", history()).await.code(), 2_593_107);
    assert_eq!(call("messages", text()).await.status, 200);
}
