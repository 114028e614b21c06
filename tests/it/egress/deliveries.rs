//! Deliveries to tenants' endpoints.

use std::sync::Arc;

use bytes::Bytes;
use url::Url;
use wharf_core::provider::TransportFailure;
use wharf_egress::{
    BoxFuture, DELIVERY_BODY_BYTES_MAX, DeliveryFailure, DeliveryRequest, Egress, EgressConfig,
    LocalService,
};

use super::peer::{Manner, Peer, answer};

fn egress() -> Arc<Egress> {
    Egress::new(EgressConfig {
        delivery_allow: vec!["127.0.0.0/8".parse().unwrap()],
        delivery_https_only: false,
        ..EgressConfig::default()
    })
    .unwrap()
}

fn to(url: &str) -> DeliveryRequest {
    DeliveryRequest {
        url: Url::parse(url).unwrap(),
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("webhook-id".to_owned(), "evt_1".to_owned()),
        ],
        body: Bytes::from_static(br#"{"type":"message.received"}"#),
        timeout_ms: 20_000,
    }
}

#[tokio::test]
async fn an_event_is_posted_and_the_answer_read() {
    let peer = Peer::start(answer("503 Busy", "Retry-After: 30\r\n", "busy")).await;
    let answer = egress()
        .deliver(to(&format!("{}/hook?x=1", peer.http())))
        .await
        .unwrap();
    assert_eq!((answer.status, answer.retry_after_s), (503, Some(30)));
    assert_eq!(answer.body_start, b"busy");
    let requests = peer.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].starts_with("POST /hook?x=1 HTTP/1.1\r\n"));
    assert!(requests[0].contains("\r\nwebhook-id: evt_1\r\n"));
    assert!(requests[0].ends_with(r#"{"type":"message.received"}"#));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = Peer::start(answer("200 OK", "", "")).await;
    let location = format!("location: {}/\r\n", target.http());
    let peer = Peer::start(answer("307 Temporary", &location, "")).await;
    assert_eq!(
        egress().deliver(to(&peer.http())).await.unwrap().status,
        307
    );
    assert!(target.requests().is_empty());
}

#[tokio::test]
async fn only_the_start_of_an_answer_is_kept_and_its_end_not_awaited() {
    let long = "x".repeat(DELIVERY_BODY_BYTES_MAX + 5_000);
    let endless = format!("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n{long}");
    let peer = Peer::start(Manner::AnswerAndHang(endless.into_bytes())).await;
    let answer = egress().deliver(to(&peer.http())).await.unwrap();
    assert_eq!(
        (answer.status, answer.body_start.len()),
        (200, DELIVERY_BODY_BYTES_MAX)
    );
}

#[tokio::test]
async fn the_status_counts_although_the_body_never_ends_or_breaks_off() {
    let half = b"HTTP/1.1 204 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    for (manner, status) in [
        (Manner::AnswerAndHang(half), 204),
        (Manner::AnswerAndHang(begun.clone()), 200),
        (Manner::AnswerAndReset(begun), 200),
    ] {
        let peer = Peer::start(manner).await;
        let mut request = to(&peer.http());
        request.timeout_ms = 500;
        assert_eq!(egress().deliver(request).await.unwrap().status, status);
    }
}

#[tokio::test]
async fn failures_are_told_apart() {
    let peer = Peer::start(Manner::AnswerAndHang(Vec::new())).await;
    let mut request = to(&peer.http());
    request.timeout_ms = 300;
    let failed = egress().deliver(request).await.unwrap_err();
    assert_eq!(failed.slug(), "timeout-after-send");
    let peer = Peer::start(Manner::AnswerAndReset(Vec::new())).await;
    let failed = egress().deliver(to(&peer.http())).await.unwrap_err();
    assert!(
        matches!(
            failed,
            DeliveryFailure::Failed {
                kind: TransportFailure::Reset,
                ..
            }
        ),
        "{failed}"
    );
}

#[tokio::test]
async fn private_addresses_are_refused_by_name_and_by_literal() {
    let peer = Peer::start(answer("200 OK", "", "")).await;
    let strict = Egress::new(EgressConfig {
        delivery_https_only: false,
        ..EgressConfig::default()
    })
    .unwrap();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0"] {
        let url = format!("http://{host}:{}/", peer.port);
        let refused = strict.deliver(to(&url)).await.unwrap_err();
        assert_eq!(refused.slug(), "refused", "{host}: {refused}");
    }
    assert!(peer.requests().is_empty());
    let url = format!("http://localhost:{}/", peer.port);
    assert_eq!(egress().deliver(to(&url)).await.unwrap().status, 200);
}

struct Inside;

impl LocalService for Inside {
    fn call(&self, _: http::Request<Bytes>) -> BoxFuture<'static, http::Response<Bytes>> {
        Box::pin(async { http::Response::new(Bytes::new()) })
    }
}

#[tokio::test]
async fn services_inside_the_process_are_out_of_reach() {
    let egress = egress();
    egress
        .register_local("sandbox.invalid", Arc::new(Inside))
        .unwrap();
    let result = egress.deliver(to("http://sandbox.invalid/")).await;
    assert!(result.is_err(), "{result:?}");
}
