//! Webhooks: callbacks of statuses, messages that come in, signatures, repetition.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;

use super::tests::{FROM, Parameters, TO, WAIT, fake, send};
use super::*;
use crate::eventually;

const HOOK: &str = "https://wharf.example.com/hooks/twilio?c=ch_1";

/// One post: its path with query, its headers and its form.
type Post = (String, HeaderMap, Vec<(String, String)>);

#[derive(Clone)]
struct Receiver {
    posts: Arc<Mutex<Vec<Post>>>,
    /// Answers of the next posts; then 204.
    answers: Arc<Mutex<Vec<u16>>>,
}

async fn keep(
    State(receiver): State<Receiver>,
    uri: axum::http::Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let form = url::form_urlencoded::parse(&body).into_owned().collect();
    receiver
        .posts
        .lock()
        .unwrap()
        .push((uri.to_string(), headers, form));
    let mut answers = receiver.answers.lock().unwrap();
    match answers.pop() {
        Some(status) => StatusCode::from_u16(status).unwrap(),
        None => StatusCode::NO_CONTENT,
    }
}

/// A receiver that stands behind `https://wharf.example.com`, and a fake that knows it.
async fn connected(change: impl FnOnce(&mut FakeTwilioConfig)) -> (Server, Receiver, FakeTwilio) {
    let receiver = Receiver {
        posts: Arc::default(),
        answers: Arc::default(),
    };
    let router = axum::Router::new()
        .fallback(keep)
        .with_state(receiver.clone());
    let server = Server::start(0, router).await.unwrap();
    let fake = fake(|config| {
        config.senders[0].callback_url = Some(HOOK.to_owned());
        change(config);
    })
    .await;
    fake.connect_to(
        "https://wharf.example.com",
        format!("http://{}", server.address()),
    );
    (server, receiver, fake)
}

async fn posts(receiver: &Receiver, count: usize) -> Vec<Post> {
    let look = || async {
        let posts = receiver.posts.lock().unwrap().clone();
        (posts.len() >= count).then_some(posts)
    };
    eventually(WAIT, look).await.unwrap()
}

#[tokio::test]
async fn statuses_are_called_back_signed_in_order() {
    let (_server, receiver, fake) = connected(|_| {}).await;
    let url = "https://wharf.example.com/hooks/twilio?m=msg_1";
    let callback = format!("{url}#rc=2&rp=all");
    let pairs = [
        ("To", TO),
        ("From", FROM),
        ("Body", "a"),
        ("StatusCallback", &*callback),
    ];
    let sid = send(&fake, &pairs).await.json()["sid"]
        .as_str()
        .unwrap()
        .to_owned();
    let posts = posts(&receiver, 3).await;
    let mut statuses = Vec::new();
    for (uri, headers, form) in posts {
        assert_eq!(uri, "/hooks/twilio?m=msg_1");
        assert_eq!(
            headers["x-twilio-signature"],
            fake.signature(url, &form)[..]
        );
        assert!(headers.contains_key("i-twilio-idempotency-token"));
        let form = Parameters(form);
        assert_eq!(form.get("MessageSid"), sid);
        assert_eq!(form.get("MessageStatus"), form.get("SmsStatus"));
        assert_eq!(form.get("ChannelPrefix"), "whatsapp");
        assert_eq!(form.get("ChannelToAddress"), "+1650555XXXX");
        assert_eq!(form.get("ErrorCode"), "");
        statuses.push(form.get("MessageStatus").to_owned());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, ["delivered", "read", "sent"]);
    assert_eq!(fake.sent()[0].status, "read");
    assert_eq!(fake.sent_by_callback()[&callback].len(), 1);
}

#[tokio::test]
async fn failures_say_why_and_keep_the_resource_failed() {
    let (_server, receiver, fake) = connected(|config| {
        config.senders[0].status_callback_url = Some(HOOK.to_owned());
    })
    .await;
    fake.fail_delivery_to("+16505551234", 63_024);
    send(&fake, &[("To", TO), ("From", FROM), ("Body", "a")]).await;
    let form = Parameters(posts(&receiver, 1).await.remove(0).2);
    assert_eq!(form.get("MessageStatus"), "undelivered");
    assert_eq!(form.get("ErrorCode"), "63024");
    assert_eq!(form.get("EventType"), "UNDELIVERED");
    assert_eq!(
        form.get("ChannelStatusMessage"),
        "Invalid message recipient"
    );
    let sent = fake.sent().remove(0);
    assert_eq!(
        (sent.status.as_str(), sent.error_code),
        ("undelivered", Some(63_024))
    );
}

#[tokio::test]
async fn messages_of_every_kind_come_in_signed() {
    let (_server, receiver, fake) = connected(|_| {}).await;
    let kinds = [
        Inbound::text("Ahoj světe + & ="),
        Inbound::medium("audio", "audio/ogg", "sound", ""),
        Inbound::medium("sticker", "image/webp", "pixels", ""),
        Inbound::contact("BEGIN:VCARD\r\nEND:VCARD"),
        Inbound::place("50.09", "14.40", "Castle", "Hradčany 1"),
        Inbound::quick_reply("Yes", "yes_1", "MM0"),
        Inbound::template_button("Stop", "stop", "MM0"),
        Inbound::list_reply("One", "1", "first", "MM0"),
        Inbound::text("hi").referred("ad", "1201", "Flowers"),
        Inbound::text("hi").replying_to("SM1", FROM).forwarded(true),
        Inbound::text("hi").hidden_phone("US.13491208655302741918"),
        Inbound::text("hi").field("SomethingNew", "x"),
    ];
    let mut sids: Vec<_> = kinds
        .iter()
        .map(|kind| fake.receive("+16505551234", kind))
        .collect();
    let posts = posts(&receiver, kinds.len()).await;
    for (_, headers, form) in &posts {
        assert_eq!(
            headers["x-twilio-signature"],
            fake.signature(HOOK, form)[..]
        );
        let form = Parameters(form.clone());
        assert_eq!(form.get("SmsStatus"), "received");
        assert_eq!(form.get("To"), FROM);
        assert_eq!(form.get("MessageSid"), form.get("SmsMessageSid"));
        let metadata: serde_json::Value =
            serde_json::from_str(form.get("ChannelMetadata")).unwrap();
        assert_eq!(metadata["type"], "whatsapp");
    }
    let mut arrived: Vec<_> = posts
        .iter()
        .map(|(_, _, form)| Parameters(form.clone()).get("MessageSid").to_owned())
        .collect();
    arrived.sort_unstable();
    sids.sort_unstable();
    assert_eq!(arrived, sids);
    let of = |wanted: &str| {
        let forms = posts.iter().map(|(_, _, form)| Parameters(form.clone()));
        forms
            .into_iter()
            .find(|form| !form.get(wanted).is_empty())
            .unwrap()
    };
    assert_eq!(of("ListId").get("MessageType"), "interactive");
    assert_eq!(
        of("ExternalUserId").get("From"),
        "whatsapp:US.13491208655302741918"
    );
    assert_eq!(of("ExternalUserId").get("WaId"), "");
    assert_eq!(of("Label").get("Latitude"), "50.09");
    assert_eq!(
        of("FrequentlyForwarded").get("OriginalRepliedMessageSid"),
        "SM1"
    );
    assert_eq!(of("ReferralSourceId").get("ReferralHeadline"), "Flowers");
}

#[tokio::test]
async fn repetitions_carry_one_token_and_end() {
    let (_server, receiver, fake) = connected(|config| {
        config.webhooks = WebhookPolicy::stubborn();
    })
    .await;
    receiver.answers.lock().unwrap().extend([503, 500]);
    fake.receive("+16505551234", &Inbound::text("hi"));
    let posts = posts(&receiver, 3).await;
    let token = |at: usize| posts[at].1["i-twilio-idempotency-token"].clone();
    assert_eq!(token(0), token(1));
    assert_eq!(token(1), token(2));
    let acknowledged = || async {
        let records = fake.webhooks();
        records[0].acknowledged.then_some(records[0].posts)
    };
    assert_eq!(eventually(WAIT, acknowledged).await, Ok(3));
}

#[tokio::test]
async fn by_default_an_answer_ends_it_and_the_fallback_is_next() {
    let (_server, receiver, fake) = connected(|_| {}).await;
    let sid = fake.sender().sid;
    fake.change_sender(&sid, |sender| {
        sender.webhook["fallback_url"] = "https://wharf.example.com/fallback".into();
    });
    receiver.answers.lock().unwrap().push(500);
    fake.receive("+16505551234", &Inbound::text("hi"));
    let posts = posts(&receiver, 2).await;
    assert_eq!(posts[0].0, "/hooks/twilio?c=ch_1");
    assert_eq!(posts[1].0, "/fallback");
    let signature = fake.signature("https://wharf.example.com/fallback", &posts[1].2);
    assert_eq!(posts[1].1["x-twilio-signature"], signature[..]);
}

#[tokio::test]
async fn after_a_rotation_the_new_token_signs() {
    let (_server, receiver, fake) = connected(|_| {}).await;
    let account = fake.account();
    let second = fake.create_secondary_token(&account.sid);
    fake.receive("+16505551234", &Inbound::text("before"));
    let before = posts(&receiver, 1).await.remove(0);
    let right = signature::sign(&account.auth_token, HOOK, &before.2);
    assert_eq!(before.1["x-twilio-signature"], right[..]);
    fake.promote_secondary_token(&account.sid);
    fake.receive("+16505551234", &Inbound::text("after"));
    let after = posts(&receiver, 2).await.remove(1);
    let right = signature::sign(&second, HOOK, &after.2);
    assert_eq!(after.1["x-twilio-signature"], right[..]);
    let forged = fake.post_forged(HOOK, &after.2, "wrong").await.unwrap();
    assert_eq!(forged, StatusCode::NO_CONTENT);
}

/// Serves one file of each kind that a message may or may not have.
async fn file(uri: axum::http::Uri) -> impl axum::response::IntoResponse {
    let (status, content_type, size) = match uri.path() {
        "/good.pdf" => (200, "application/pdf", 6 * 1024 * 1024),
        "/large.png" => (200, "image/png", 5 * 1024 * 1024 + 1),
        "/wrong.html" => (200, "text/html", 10),
        _ => (404, "application/pdf", 10),
    };
    let disposition = "attachment; filename=\"menu.pdf\"";
    let headers = [
        ("content-type", content_type),
        ("content-disposition", disposition),
    ];
    (
        StatusCode::from_u16(status).unwrap(),
        headers,
        vec![b'x'; size],
    )
}

#[tokio::test]
async fn files_are_fetched_and_what_is_wrong_with_them_fails_the_message() {
    let server = Server::start(0, axum::Router::new().fallback(file))
        .await
        .unwrap();
    let fake = fake(|config| config.fetches_media = true).await;
    fake.connect_to(
        "https://wharf.example.com",
        format!("http://{}", server.address()),
    );
    let cases = [
        ("good.pdf", "read", None),
        ("large.png", "failed", Some(63_034)),
        ("wrong.html", "failed", Some(63_021)),
        ("gone.pdf", "failed", Some(63_019)),
    ];
    for (index, (name, status, code)) in cases.into_iter().enumerate() {
        let url = format!("https://wharf.example.com/{name}");
        send(&fake, &[("To", TO), ("From", FROM), ("MediaUrl", &url)]).await;
        let settled = || async {
            let message = fake.sent().remove(index);
            (message.status == status).then_some(message.error_code)
        };
        assert_eq!(eventually(WAIT, settled).await, Ok(code), "{name}");
    }
    let fetched = fake.fetched();
    assert_eq!(fetched.len(), 1);
    assert_eq!(fetched[0].bytes.len(), 6 * 1024 * 1024);
    let disposition = fetched[0].content_disposition.as_deref();
    assert_eq!(disposition, Some("attachment; filename=\"menu.pdf\""));
}

#[tokio::test]
async fn what_is_scheduled_goes_out_when_its_time_has_come() {
    let service = "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let fake = fake(|config| {
        config.services = vec![MessagingService {
            sid: service.to_owned(),
            account_sid: config.accounts[0].sid.clone(),
            numbers: vec!["+15550783881".to_owned()],
        }];
    })
    .await;
    let pairs = [
        ("To", TO),
        ("MessagingServiceSid", service),
        ("Body", "a"),
        ("ScheduleType", "fixed"),
        ("SendAt", "2030-01-01T10:00:00Z"),
    ];
    assert_eq!(send(&fake, &pairs).await.json()["status"], "scheduled");
    assert_eq!(fake.sent()[0].status, "scheduled");
    fake.release_scheduled();
    let is_read = || async { (fake.sent()[0].status == "read").then_some(()) };
    eventually(WAIT, is_read).await.unwrap();
}

#[tokio::test]
async fn json_is_signed_by_its_hash_in_the_url() {
    let (_server, receiver, fake) = connected(|_| {}).await;
    let body = serde_json::json!({ "property": "value", "boolean": true });
    let status = fake.post_json(HOOK, &body).await.unwrap();
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (uri, headers, _) = posts(&receiver, 1).await.remove(0);
    assert!(uri.starts_with("/hooks/twilio?c=ch_1&bodySHA256="));
    let url = format!("https://wharf.example.com{uri}");
    assert_eq!(headers["x-twilio-signature"], fake.signature(&url, &[])[..]);
}

#[tokio::test]
async fn what_is_beyond_the_senders_rate_fails_and_a_full_queue_refuses() {
    let (_server, receiver, fake) = connected(|config| {
        config.senders[0].status_callback_url = Some(HOOK.to_owned());
        config.limits.sender_per_second = Some(1);
        config.limits.sender_queue_max = Some(2);
        config.statuses = StatusPlan::off();
    })
    .await;
    fake.stop_clock();
    let pairs = [("To", TO), ("From", FROM), ("Body", "a")];
    assert_eq!(send(&fake, &pairs).await.status, 201);
    assert_eq!(send(&fake, &pairs).await.status, 201);
    let form = Parameters(posts(&receiver, 1).await.remove(0).2);
    assert_eq!(form.get("MessageStatus"), "failed");
    assert_eq!(form.get("ErrorCode"), "63018");
    fake.advance(Duration::from_secs(1));
    assert_eq!(send(&fake, &pairs).await.status, 201);
    fake.advance(Duration::from_secs(1));
    let refused = send(&fake, &pairs).await;
    assert_eq!(super::tests::code(&refused), 21_611);
    assert!(fake.refusals().is_empty());
}
