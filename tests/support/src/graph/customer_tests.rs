//! What customers do to a fake, and the limits that stand between them and a sender.

use std::time::Duration;

use serde_json::{Value, json};

use super::calls_tests::{TO, WAIT, fake, get, of_kind, post, receiver, send, text};
use super::*;
use crate::eventually;

#[tokio::test]
async fn published_limits_hold() {
    let (_receiver, url) = receiver().await;
    let fake = fake(|config| {
        config.callback_url = Some(url);
        config.limits = Limits {
            reported: Reported::InAnswer,
            ..Limits::published()
        };
    })
    .await;
    fake.stop_clock();
    assert_eq!(send(&fake, text()).await.code(), 131_047);
    let hello = of_kind(
        "template",
        json!({ "name": "hello_world", "language": { "code": "en_US" } }),
    );
    assert_eq!(send(&fake, hello.clone()).await.status, 200);
    fake.receive(TO, &Inbound::text("hi"));
    assert_eq!(send(&fake, text()).await.status, 200);
    for _ in 0..42 {
        assert_eq!(send(&fake, text()).await.status, 200);
    }
    assert_eq!(
        send(&fake, text()).await.code(),
        131_056,
        "45 with the template and the refused one"
    );
    assert!(
        fake.refusals().is_empty(),
        "a limit is no mistake of the sender"
    );
    fake.advance(Duration::from_secs(6));
    assert_eq!(send(&fake, text()).await.status, 200);
    fake.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(send(&fake, text()).await.code(), 131_047);
}

#[tokio::test]
async fn a_closed_window_and_a_stop_are_told_by_status() {
    let (_receiver, url) = receiver().await;
    let fake = fake(|config| {
        config.callback_url = Some(url);
        config.limits.window = true;
    })
    .await;
    let account = fake.number().account_id.clone();
    let body = json!([{ "type": "BODY", "text": "Sale" }]);
    fake.add_template(
        &account,
        Template::approved("sale", "en", "MARKETING", body),
    );
    fake.set_marketing(TO, false);
    let sale = of_kind(
        "template",
        json!({ "name": "sale", "language": { "code": "en" } }),
    );
    assert_eq!(send(&fake, text()).await.status, 200);
    assert_eq!(send(&fake, sale).await.status, 200);
    eventually(WAIT, || async {
        let bodies: Vec<_> = fake
            .webhooks()
            .iter()
            .map(|webhook| webhook.body.clone())
            .collect();
        let has = |code: &str| {
            bodies
                .iter()
                .any(|body| String::from_utf8_lossy(body).contains(code))
        };
        (has("\"code\":131047") && has("\"code\":131050") && has("user_preferences")).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn inbound_messages_of_every_kind_are_whole_webhooks() {
    let (_receiver, url) = receiver().await;
    let fake = fake(|config| config.callback_url = Some(url)).await;
    let messages = [
        Inbound::text("hi").reply_to("15550783881", "wamid.x"),
        Inbound::text("hi").from_advertisement(),
        Inbound::text("hi").from_username("plants"),
        Inbound::text("hi").in_group("G1"),
        Inbound::location(1.0, 2.0, "Here", "There"),
        Inbound::contact("A B", "+1650"),
        Inbound::reaction("wamid.x", "👍"),
        Inbound::button_reply("b1", "Yes"),
        Inbound::list_reply("r1", "Row", "One"),
        Inbound::flow_reply(&json!({ "answer": 42 })),
        Inbound::call_permission_reply(true),
        Inbound::template_button("stop", "Stop"),
        Inbound::order("c1", "please", "p1", 2),
        Inbound::number_changed("16505550000"),
        Inbound::identity_changed("h4sh", 1_700_000_000_000),
        Inbound::unsupported("poll_creation"),
        Inbound::edit("wamid.x", "better"),
        Inbound::revoke("wamid.x"),
        Inbound::text("hi").forwarded(),
        Inbound::text("hi").about_product("c1", "p1"),
        Inbound::of_kind("hologram", json!({ "depth": 3 })),
    ];
    for message in &messages {
        fake.receive(TO, message);
    }
    for kind in ["image", "audio", "video", "document", "sticker"] {
        fake.receive_medium(TO, kind, "application/x-any", "bytes", Some("look"));
    }
    eventually(WAIT, || async {
        (fake.unacknowledged_webhooks() == 0).then_some(())
    })
    .await
    .unwrap();
    let webhooks = fake.webhooks();
    assert_eq!(webhooks.len(), messages.len() + 5);
    for webhook in webhooks {
        let body: Value = serde_json::from_slice(&webhook.body).unwrap();
        let message = &body["entry"][0]["changes"][0]["value"]["messages"][0];
        let kind = message["type"].as_str().unwrap();
        assert!(
            message[kind].is_object() || message[kind].is_array(),
            "{message}"
        );
        let is_hidden = body.to_string().contains("\"username\"");
        assert_eq!(message["from"].is_null(), is_hidden, "{message}");
        if kind == "image" {
            let id = message["image"]["id"].as_str().unwrap();
            assert_eq!(get(&fake, id).await.status, 200);
        }
    }
    fake.advance(Duration::from_secs(7 * 24 * 60 * 60));
    let id = fake.media()[0].id.clone();
    assert_eq!(
        get(&fake, &id).await.code(),
        100,
        "ids of webhooks live for seven days"
    );
}

#[tokio::test]
async fn test_numbers_write_to_their_list_and_management_calls_are_counted() {
    let fake = fake(|config| {
        config.limits.allowed_recipients = Some(vec!["16505559999".to_owned()]);
        config.limits.management_per_hour = Some(2);
    })
    .await;
    assert_eq!(send(&fake, text()).await.code(), 131_030);
    let path = format!("{}/phone_numbers", fake.number().account_id);
    assert_eq!(get(&fake, &path).await.status, 200);
    assert_eq!(get(&fake, &path).await.status, 200);
    assert_eq!(get(&fake, &path).await.code(), 80_008);
    fake.advance(Duration::from_secs(60 * 60));
    assert_eq!(get(&fake, &path).await.status, 200);
}

#[tokio::test]
async fn a_review_may_come_by_itself() {
    let fake = fake(|config| config.review = Review::ApprovedAfter(Duration::ZERO)).await;
    let body = json!({ "name": "order", "category": "UTILITY", "language": "en",
                       "components": [{ "type": "BODY", "text": "Hi" }] });
    let path = format!("{}/message_templates", fake.number().account_id);
    assert_eq!(post(&fake, &path, body).await.json()["status"], "PENDING");
    eventually(WAIT, || async {
        let templates = fake.templates();
        templates
            .iter()
            .any(|template| template.name == "order" && template.status == "APPROVED")
            .then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn unusual_changes_are_posted_as_they_are() {
    let (_receiver, url) = receiver().await;
    let fake = fake(|config| config.callback_url = Some(url)).await;
    let unusual = unusual::webhooks(fake.number());
    for (_, webhook) in &unusual {
        fake.deliver(webhook.clone());
    }
    eventually(WAIT, || async {
        (fake.unacknowledged_webhooks() == 0).then_some(())
    })
    .await
    .unwrap();
    let mut posted: Vec<Value> = fake
        .webhooks()
        .iter()
        .map(|webhook| serde_json::from_slice(&webhook.body).unwrap())
        .collect();
    for (name, webhook) in unusual {
        let at = posted.iter().position(|posted| *posted == webhook);
        posted.remove(at.unwrap_or_else(|| panic!("{name} was not posted")));
    }
}
