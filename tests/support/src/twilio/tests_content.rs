//! The Content API: types, refusals, variables, approvals, pages, and messages made of it.

use std::time::Duration;

use serde_json::{Value, json};

use super::tests::{FROM, TO, ask, code, fake, send};
use super::*;
use crate::ask::Answer;
use crate::eventually;

async fn create(fake: &FakeTwilio, body: Value) -> Answer {
    let ask = ask(fake, "POST", "content.twilio.com", "/v1/Content").json(body);
    ask.send(fake.address()).await
}

async fn call(fake: &FakeTwilio, method: &'static str, path: &str) -> Answer {
    let ask = ask(fake, method, "content.twilio.com", path);
    ask.send(fake.address()).await
}

async fn created(fake: &FakeTwilio, types: Value, variables: Value) -> String {
    let body =
        json!({ "friendly_name": "n", "language": "en", "variables": variables, "types": types });
    let answer = create(fake, body).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    answer.json()["sid"].as_str().unwrap().to_owned()
}

async fn submit(fake: &FakeTwilio, sid: &str, name: &str) -> Answer {
    let path = format!("/v1/Content/{sid}/ApprovalRequests/whatsapp");
    let ask = ask(fake, "POST", "content.twilio.com", &path)
        .json(json!({ "name": name, "category": "UTILITY" }));
    ask.send(fake.address()).await
}

fn quick_reply(count: usize) -> Value {
    let actions: Vec<_> = (0..count)
        .map(|index| json!({ "type": "QUICK_REPLY", "title": format!("Yes {index}"), "id": "y" }))
        .collect();
    json!({ "twilio/quick-reply": { "body": "Is {{1}} right?", "actions": actions } })
}

#[tokio::test]
async fn the_documents_example_and_every_type_are_taken() {
    let fake = fake(|_| {}).await;
    let example = json!({
        "language": "en", "variables": { "name": "foo" },
        "types": {
            "twilio/text": { "body": "Foo Bar Co is located at 39.7392, 104.9903" },
            "twilio/location": { "longitude": 104.9903, "latitude": 39.7392, "label": "Foo Bar Co" },
        },
    });
    let shown = create(&fake, example.clone()).await.json();
    let sid = shown["sid"].as_str().unwrap();
    let url = format!("https://content.twilio.com/v1/Content/{sid}");
    assert_eq!(shown["types"], example["types"]);
    assert_eq!(shown["friendly_name"], "");
    assert_eq!(shown["url"], url);
    assert_eq!(
        shown["links"]["approval_fetch"],
        format!("{url}/ApprovalRequests")
    );
    let others = [
        json!({ "twilio/media": { "body": "Look", "media": ["https://a.example/{{1}}"] } }),
        quick_reply(3),
        json!({ "twilio/list-picker": { "body": "Which?", "button": "Choose",
            "items": [{ "item": "One", "id": "1", "description": "first" }] } }),
        json!({ "twilio/call-to-action": { "body": "Go", "actions": [
            { "type": "URL", "title": "Open", "url": "https://a.example" },
            { "type": "PHONE_NUMBER", "title": "Call", "phone": "+15551234567" }] } }),
        json!({ "twilio/card": { "title": "Card", "media": ["https://a.example/a.png"],
            "actions": [{ "type": "QUICK_REPLY", "title": "Yes", "id": "y" }] } }),
        json!({ "whatsapp/card": { "body": "Card", "footer": "f", "header_text": "h" } }),
        json!({ "twilio/carousel": { "body": "See", "cards": [{ "title": "A", "body": "a",
            "media": "https://a.example/a.png",
            "actions": [{ "type": "URL", "title": "Open", "url": "https://a.example" }] }] } }),
        json!({ "whatsapp/authentication": { "add_security_recommendation": true,
            "code_expiration_minutes": 5,
            "actions": [{ "type": "COPY_CODE", "copy_code_text": "Copy" }] } }),
        json!({ "whatsapp/flows": { "body": "Book", "button_text": "Open", "flow_id": "1" } }),
        json!({ "twilio/catalog": { "body": "See", "items": [{ "id": "1", "price": 2.5 }] } }),
    ];
    for types in others {
        created(&fake, types, json!({})).await;
    }
    assert!(fake.refusals().is_empty());
}

/// Bodies, and the code of what is wrong with each.
fn wrong_contents() -> Vec<(Value, u64)> {
    let text = json!({ "twilio/text": { "body": "Hi" } });
    let item = json!({ "item": "One", "id": "1" });
    let items = |count: usize| {
        json!({ "twilio/list-picker":
        { "body": "b", "button": "b", "items": vec![item.clone(); count] } })
    };
    let many: serde_json::Map<_, _> = (0..101)
        .map(|index| (format!("v{index}"), json!("x")))
        .collect();
    vec![
        (json!({ "language": "en" }), 92_001),
        (json!({ "language": "en", "types": {} }), 92_001),
        (json!({ "types": text }), 92_003),
        (
            json!({ "language": "english please", "types": text }),
            92_004,
        ),
        (
            json!({ "language": "en", "types": { "twilio/buttons": {} } }),
            92_008,
        ),
        (
            json!({ "language": "en", "types": text, "variables": many }),
            92_002,
        ),
        (
            json!({ "language": "en", "types": text, "variables": { "1": 1 } }),
            20_001,
        ),
        (
            json!({ "language": "en", "types": text, "variables": { "a name too long here": "x" } }),
            20_001,
        ),
        (
            json!({ "language": "en", "types": text, "category": "UTILITY" }),
            20_001,
        ),
        (
            json!({ "language": "en", "types": { "twilio/text": { "text": "Hi" } } }),
            20_001,
        ),
        (
            json!({ "language": "en", "types": { "twilio/media": { "media": "https://a" } } }),
            20_001,
        ),
        (
            json!({ "language": "en", "types":
            { "twilio/location": { "latitude": "50", "longitude": 14 } } }),
            20_001,
        ),
        (json!({ "language": "en", "types": items(0) }), 20_001),
        (json!({ "language": "en", "types": items(11) }), 20_001),
        (
            json!({ "language": "en", "types": quick_reply(11) }),
            20_001,
        ),
        (
            json!({ "language": "en", "types": { "twilio/quick-reply": { "body": "b",
            "actions": [{ "title": "x".repeat(21) }] } } }),
            20_001,
        ),
        (
            json!({ "language": "en", "types": { "twilio/call-to-action": { "body": "b",
            "actions": [{ "type": "URL", "title": "Open" }] } } }),
            20_001,
        ),
    ]
}

#[tokio::test]
async fn wrong_contents_are_refused_with_their_codes() {
    let fake = fake(|_| {}).await;
    for (body, expected) in wrong_contents() {
        let answer = create(&fake, body.clone()).await;
        assert_eq!((answer.status, code(&answer)), (400, expected), "{body}");
    }
    assert!(fake.contents().is_empty());
}

#[tokio::test]
async fn a_content_is_sent_with_its_variables() {
    let fake = fake(|config| config.statuses = StatusPlan::off()).await;
    let sid = created(&fake, quick_reply(2), json!({ "1": "this" })).await;
    let with = |variables: &'static str| {
        let fake = &fake;
        let sid = sid.clone();
        async move {
            let pairs = [
                ("To", TO),
                ("From", FROM),
                ("ContentSid", &sid),
                ("ContentVariables", variables),
            ];
            send(fake, &pairs).await
        }
    };
    for wrong in [
        "1",
        "{",
        r#"{"1":null}"#,
        r#"{"1":""}"#,
        r#"{"1":2}"#,
        r#"{"1":"a\nb"}"#,
        r#"{"1":"a\tb"}"#,
        r#"{"1":"a     b"}"#,
    ] {
        assert_eq!(code(&with(wrong).await), 21_656, "{wrong}");
    }
    let right = with(r#"{"1":"a    b"}"#).await;
    assert_eq!(right.json()["body"], "Is a    b right?");
    let sample = send(&fake, &[("To", TO), ("From", FROM), ("ContentSid", &sid)]).await;
    assert_eq!(sample.json()["body"], "Is this right?");
    let content = fake.sent()[0].content.clone().unwrap();
    assert_eq!(
        content["twilio/quick-reply"]["actions"][1]["title"],
        "Yes 1"
    );
    let deleted = call(&fake, "DELETE", &format!("/v1/Content/{sid}")).await;
    assert_eq!(deleted.status, 204);
    let gone = send(&fake, &[("To", TO), ("From", FROM), ("ContentSid", &sid)]).await;
    assert_eq!(code(&gone), 21_655);
}

#[tokio::test]
async fn approvals_are_submitted_reviewed_and_burned() {
    let fake = fake(|config| {
        config.review = Review::ApprovedAfter(Duration::from_secs(60));
    })
    .await;
    fake.stop_clock();
    let sid = created(&fake, quick_reply(2), json!({ "1": "this" })).await;
    let path = format!("/v1/Content/{sid}/ApprovalRequests");
    let status = || async {
        let shown = call(&fake, "GET", &path).await.json();
        shown["whatsapp"]["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status().await, "unsubmitted");
    assert_eq!(submit(&fake, &sid, "Is It Right").await.status, 400);
    let answer = submit(&fake, &sid, "is_it_right").await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["status"], "unsubmitted");
    assert_eq!(status().await, "received");
    fake.advance(Duration::from_secs(60));
    assert_eq!(status().await, "approved");
    assert_eq!(submit(&fake, &sid, "is_it_right").await.status, 400);
    assert!(fake.decide_content(&sid, "rejected", "no"));
    assert_eq!(status().await, "rejected");

    let list = json!({ "twilio/list-picker": { "body": "b", "button": "b",
        "items": [{ "item": "One", "id": "1" }] } });
    let list = created(&fake, list, json!({})).await;
    assert_eq!(code(&submit(&fake, &list, "a_list").await), 92_008);
    for (body, variables) in [
        ("{{1}} is right", json!({ "1": "x" })),
        ("Right is {{1}}", json!({ "1": "x" })),
        ("Is {{1}}{{2}} right", json!({ "1": "x", "2": "y" })),
        ("Is {{2}} right", json!({ "2": "x" })),
        ("Is {{1}} right", json!({})),
    ] {
        let types = json!({ "twilio/text": { "body": body } });
        let sid = created(&fake, types, variables).await;
        assert_eq!(submit(&fake, &sid, "other").await.status, 400, "{body}");
    }
    let text = json!({ "twilio/text": { "body": "Hi" } });
    let again = created(&fake, text, json!({})).await;
    assert_eq!(submit(&fake, &again, "is_it_right").await.status, 400);
}

#[tokio::test]
async fn contents_and_approvals_come_in_pages() {
    let fake = fake(|_| {}).await;
    for _ in 0..3 {
        let text = json!({ "twilio/text": { "body": "Hi" } });
        created(&fake, text, json!({})).await;
    }
    for (path, approval) in [
        ("/v1/Content?PageSize=2", Value::Null),
        ("/v1/ContentAndApprovals?PageSize=2", json!("unsubmitted")),
    ] {
        let page = call(&fake, "GET", path).await.json();
        assert_eq!(page["contents"].as_array().unwrap().len(), 2);
        assert_eq!(page["meta"]["key"], "contents");
        assert_eq!(page["contents"][0]["approval_requests"]["status"], approval);
        let next = page["meta"]["next_page_url"].as_str().unwrap();
        let next = next.strip_prefix("https://content.twilio.com").unwrap();
        let last = call(&fake, "GET", next).await.json();
        assert_eq!(last["contents"].as_array().unwrap().len(), 1);
        assert_eq!(last["meta"]["next_page_url"], Value::Null);
    }
}

#[tokio::test]
async fn outside_the_window_only_what_is_approved_arrives() {
    let fake = fake(|config| config.limits.window = true).await;
    fake.stop_clock();
    let status_of = |sid: Value| {
        let fake = &fake;
        async move {
            let sid = sid.as_str().unwrap().to_owned();
            let settled = || {
                let messages = fake.messages();
                let message = messages.into_iter().find(|it| it.sid == sid)?;
                ["failed", "read"]
                    .contains(&message.status.as_str())
                    .then_some((message.status, message.error_code))
            };
            eventually(super::tests::WAIT, || async { settled() })
                .await
                .unwrap()
        }
    };
    let text = super::tests::send_text(&fake).await.json();
    let closed = ("failed".to_owned(), Some(63_016));
    assert_eq!(status_of(text["sid"].clone()).await, closed);
    fake.receive_silently("+16505551234", &Inbound::text("hi"));
    let text = super::tests::send_text(&fake).await.json();
    assert_eq!(status_of(text["sid"].clone()).await.0, "read");
    let four = created(&fake, quick_reply(4), json!({ "1": "x" })).await;
    let pairs = [("To", TO), ("From", FROM), ("ContentSid", four.as_str())];
    let many = send(&fake, &pairs).await.json();
    assert_eq!(status_of(many["sid"].clone()).await.1, Some(63_021));
    fake.advance(Duration::from_secs(24 * 60 * 60));
    submit(&fake, &four, "four").await;
    fake.decide_content(&four, "approved", "");
    let template = send(&fake, &pairs).await.json();
    assert_eq!(status_of(template["sid"].clone()).await.0, "read");
    fake.decide_content(&four, "paused", "");
    let paused = send(&fake, &pairs).await.json();
    assert_eq!(status_of(paused["sid"].clone()).await.1, Some(63_041));
}
