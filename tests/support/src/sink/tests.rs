//! The sink against deliveries signed by hand.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;

use super::*;
use crate::http_client::HttpClient;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn deliver(sink: &Sink, id: &str, body: &'static str, secret: &str) -> Option<u16> {
    let timestamp = clock::now_s().to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&verify::key_of(secret).unwrap()).unwrap();
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let request = axum::http::Request::post(sink.url())
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signature)
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .unwrap();
    let answer = HttpClient::new(Duration::from_secs(10)).send(request).await;
    answer.ok().map(|answer| answer.status.as_u16())
}

#[tokio::test]
async fn counts_arrivals_by_id_and_fails_on_order() {
    let sink = Sink::start(SECRET).await.unwrap();
    sink.fail_next(1, SinkFault::Status(500));
    sink.fail_next(1, SinkFault::RetryAfter(7));
    sink.fail_next(1, SinkFault::Reset);
    sink.fail_next(1, SinkFault::Drop);
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(deliver(&sink, "evt_1", "{}", SECRET).await);
    }
    assert_eq!(answers, [Some(500), Some(503), None, None, Some(204)]);
    sink.fail_always(SinkFault::Status(410));
    assert_eq!(deliver(&sink, "evt_2", "{}", SECRET).await, Some(410));
    sink.recover();
    assert_eq!(deliver(&sink, "evt_2", "{}", SECRET).await, Some(204));

    let events = sink.by_webhook_id();
    assert_eq!(
        (events["evt_1"].arrivals, events["evt_1"].acknowledged),
        (5, 1)
    );
    assert_eq!(
        (events["evt_2"].arrivals, events["evt_2"].acknowledged),
        (2, 1)
    );
    assert_eq!(sink.violations(), [""; 0]);
}

#[tokio::test]
async fn a_forgery_and_a_changed_body_are_violations() {
    let sink = Sink::start(SECRET).await.unwrap();
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(deliver(&sink, "evt_1", "{}", other).await, Some(401));
    assert_eq!(sink.by_webhook_id().len(), 0);
    deliver(&sink, "evt_2", "{}", SECRET).await;
    deliver(&sink, "evt_2", "{ }", SECRET).await;
    let violations = sink.violations();
    assert_eq!(violations.len(), 2, "{violations:?}");
    assert!(violations[0].contains("no v1 signature"), "{violations:?}");
    assert!(violations[1].contains("two bodies"), "{violations:?}");
}
