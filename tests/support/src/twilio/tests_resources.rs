//! What was sent and received, as resources: lists, changes, media.

use std::time::Duration;

use serde_json::Value;

use super::tests::{
    FROM, Parameters, TO, api, ask, code, fake, header_of, send, send_text, with_form,
};
use super::*;
use crate::ask::{Answer, Ask};

#[tokio::test]
async fn lists_filter_page_and_follow_their_addresses() {
    let fake = fake(|config| config.statuses = StatusPlan::off()).await;
    for _ in 0..5 {
        assert_eq!(send_text(&fake).await.status, 201);
    }
    let other = "whatsapp:+16505559999";
    send(&fake, &[("To", other), ("From", FROM), ("Body", "a")]).await;
    fake.receive_silently("+16505551234", &Inbound::text("hi"));
    let get = |query: &str| {
        let path = format!("Messages.json?{query}");
        api(&fake, "GET", &path).send(fake.address())
    };
    let count = |answer: &Answer| answer.json()["messages"].as_array().unwrap().len();
    assert_eq!(count(&get("").await), 7);
    let to = "To=whatsapp%3A%2B16505551234";
    assert_eq!(count(&get(to).await), 5);
    assert_eq!(count(&get("From=whatsapp:%2B16505551234").await), 1);
    assert_eq!(
        count(&get(&format!("{to}&DateSent%3E=2026-01-01")).await),
        5
    );
    assert_eq!(
        count(&get(&format!("{to}&DateSent%3C=2020-01-01")).await),
        0
    );
    assert_eq!(get("DateSent=yesterday").await.status, 400);
    assert_eq!(get("Sent=2026-01-01").await.status, 400);
    assert_eq!(get("Page=1").await.status, 400);

    let mut sids = Vec::new();
    let mut page = get(&format!("{to}&PageSize=2")).await.json();
    let mut pages = 1;
    loop {
        for message in page["messages"].as_array().unwrap() {
            sids.push(message["sid"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["next_page_uri"].as_str() else {
            break;
        };
        let next = ask(&fake, "GET", "api.twilio.com", next);
        page = next.send(fake.address()).await.json();
        pages += 1;
    }
    assert_eq!(pages, 3);
    sids.sort_unstable();
    sids.dedup();
    assert_eq!(sids.len(), 5);
}

#[tokio::test]
async fn messages_are_deleted_redacted_and_cancelled() {
    let fake = fake(|config| {
        config.statuses = StatusPlan::off();
        config.services = vec![MessagingService {
            sid: "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned(),
            account_sid: config.accounts[0].sid.clone(),
            numbers: vec!["+15550783881".to_owned()],
        }];
    })
    .await;
    let service = ("MessagingServiceSid", "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    let accepted = send(&fake, &[("To", TO), service, ("Body", "a")])
        .await
        .json();
    assert_eq!(accepted["status"], "accepted");
    assert_eq!(accepted["from"], Value::Null);
    let later = [
        ("To", TO),
        service,
        ("Body", "a"),
        ("ScheduleType", "fixed"),
        ("SendAt", "2030-01-01T10:00:00Z"),
    ];
    let scheduled = send(&fake, &later).await.json();
    assert_eq!(scheduled["status"], "scheduled");
    let one = |method, sid: &Value| {
        let sid = sid.as_str().unwrap();
        api(&fake, method, &format!("Messages/{sid}.json"))
    };
    let cancel = |sid: &Value| with_form(one("POST", sid), &[("Status", "canceled")]);
    let cancelled = cancel(&scheduled["sid"]).send(fake.address()).await;
    assert_eq!(cancelled.json()["status"], "canceled");
    let again = cancel(&scheduled["sid"]).send(fake.address()).await;
    assert_eq!(again.status, 400);
    let redact = with_form(one("POST", &scheduled["sid"]), &[("Body", "")]);
    assert_eq!(redact.send(fake.address()).await.json()["body"], "");
    let delete = one("DELETE", &scheduled["sid"]).send(fake.address()).await;
    assert_eq!(delete.status, 204);
    assert!(delete.body.is_empty());
    let gone = one("GET", &scheduled["sid"]).send(fake.address()).await;
    assert_eq!((gone.status, code(&gone)), (404, 20_404));
}

#[tokio::test]
async fn media_are_behind_credentials_and_a_link_that_ends() {
    let fake = fake(|_| {}).await;
    fake.stop_clock();
    let image = Inbound::medium("image", "image/jpeg", "pixels", "Look");
    let form = Parameters(fake.form_of("+16505551234", &image));
    assert_eq!(form.get("MessageType"), "image");
    assert_eq!(form.get("Body"), "Look");
    let url = form.get("MediaUrl0").to_owned();
    let path = url
        .strip_prefix("https://api.twilio.com")
        .unwrap()
        .to_owned();
    let bare = Ask::new("GET", "api.twilio.com", &path);
    assert_eq!(bare.send(fake.address()).await.status, 401);
    let redirect = ask(&fake, "GET", "api.twilio.com", &path);
    assert_eq!(redirect.send(fake.address()).await.status, 307);
    let link = location(&fake, &path).await;
    let file = link.strip_prefix("https://mms.twiliocdn.com").unwrap();
    let get = || Ask::new("GET", "mms.twiliocdn.com", file);
    assert_eq!(get().send(fake.address()).await.body, "pixels");
    let leak = ask(&fake, "GET", "mms.twiliocdn.com", file);
    assert_eq!(leak.send(fake.address()).await.status, 400);
    fake.advance(Duration::from_secs(4 * 60 * 60));
    assert_eq!(get().send(fake.address()).await.status, 403);

    let resource = ask(&fake, "GET", "api.twilio.com", &format!("{path}.json"));
    let shown = resource.send(fake.address()).await.json();
    assert_eq!(shown["content_type"], "image/jpeg");
    let list = format!("Messages/{}/Media.json", form.get("MessageSid"));
    let listed = api(&fake, "GET", &list).send(fake.address()).await.json();
    assert_eq!(listed["media_list"][0], shown);
    let delete = || ask(&fake, "DELETE", "api.twilio.com", &format!("{path}.json"));
    assert_eq!(delete().send(fake.address()).await.status, 204);
    assert_eq!(delete().send(fake.address()).await.status, 404);
}

/// Where the media resource sends its reader.
async fn location(fake: &FakeTwilio, path: &str) -> String {
    header_of(fake, "GET", path, "", "location").await
}
