//! Exchanges that get an answer: what arrives there, what comes back to the guest.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use secrecy::ExposeSecret;
use serde_json::json;
use wharf_core::provider::{Sink, TransportFailure};
use wharf_egress::{BoxFuture, Egress, EgressConfig, LocalService, Withheld};

use super::peer::{Manner, Peer, answer};
use super::{
    HOST, TOKEN, capturing, egress_to, exchange, failure, prepare, reading, response, send,
};

#[tokio::test]
async fn a_redirected_host_keeps_its_name_and_gets_the_secret() {
    let peer = Peer::start(answer(
        "200 OK",
        "content-type: application/json\r\n",
        r#"{"id":"1"}"#,
    ))
    .await;
    let egress = egress_to(&peer.http());
    let answered = send(&egress, &exchange(HOST)).await;
    let requests = peer.requests();
    assert_eq!(requests.len(), 1);
    let request = requests[0].to_lowercase();
    assert!(
        request.starts_with("post /v1/messages?a=1 http/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nhost: graph.example.com\r\n"),
        "{request}"
    );
    assert!(requests[0].contains(&format!("Bearer {TOKEN}")));
    assert!(request.contains("\r\ncontent-length: 16\r\n"), "{request}");
    assert!(requests[0].ends_with("\r\n\r\n{\"text\":\"hello\"}"));
    assert_eq!(response(&answered).status, 200);
    assert_eq!(response(&answered).body, br#"{"id":"1"}"#);
    assert_eq!(answered.journal["status"], 200);
    assert_eq!(answered.journal["body"], r#"{"id":"1"}"#);
}

#[tokio::test]
async fn connections_are_used_again() {
    let peer = Peer::start(answer("200 OK", "", "{}")).await;
    let egress = egress_to(&peer.http());
    for _ in 0..3 {
        assert_eq!(response(&send(&egress, &reading(HOST)).await).status, 200);
    }
    assert_eq!(peer.requests().len(), 3);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let target = Peer::start(answer("200 OK", "", "reached")).await;
    let location = format!("location: {}/v1/x\r\n", target.http());
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let peer = Peer::start(answer(status, &location, "")).await;
        let answered = send(&egress_to(&peer.http()), &reading(HOST)).await;
        assert_eq!(response(&answered).status.to_string(), status[..3]);
        assert_eq!(peer.requests().len(), 1);
    }
    assert!(target.requests().is_empty());
}

#[tokio::test]
async fn guests_see_the_headers_they_declared_and_no_cookies() {
    let headers = "Content-Type: text/plain\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: 7\r\n\
                   X-Trace: t1\r\nX-Other: o\r\nSet-Cookie: s=1\r\n";
    let peer = Peer::start(answer("429 Slow", headers, "slow down")).await;
    let answered = send(&egress_to(&peer.http()), &exchange(HOST)).await;
    let mut seen = response(&answered).headers.clone();
    seen.sort();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        seen,
        [
            pair("content-type", "text/plain"),
            pair("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            pair("retry-after", "7"),
            pair("x-trace", "t1"),
        ]
    );
}

#[tokio::test]
async fn a_secret_that_is_echoed_does_not_reach_guest_or_journal() {
    let headers = format!("X-Trace: for {TOKEN}\r\n");
    let body = json!({ "error": format!("token {TOKEN} has expired") }).to_string();
    let peer = Peer::start(answer("401 Unauthorized", &headers, &body)).await;
    let egress = egress_to(&peer.http());
    let prepared = prepare(&egress, &exchange(HOST));
    let request_journal = prepared.journal().to_string();
    let answered = egress.send(prepared).await;
    let response = response(&answered);
    assert_eq!(
        response.body,
        br#"{"error":"token [secret token] has expired"}"#
    );
    assert_eq!(
        response.headers,
        [("x-trace".to_owned(), "for [secret token]".to_owned())]
    );
    assert!(!answered.journal.to_string().contains(TOKEN));
    assert!(!request_journal.contains(TOKEN));
    assert!(request_journal.contains("[secret token]"));
}

#[tokio::test]
async fn a_captured_token_goes_to_the_host_and_not_to_the_guest() {
    let body = r#"{"access_token":"EAAB-fresh-token","expires_in":3600}"#;
    let peer = Peer::start(answer("200 OK", "", body)).await;
    let answered = send(&egress_to(&peer.http()), &capturing("/access_token")).await;
    let (name, value, lifetime_s) = &answered.captured[0];
    assert_eq!((name.as_str(), *lifetime_s), ("token", Some(3600)));
    assert_eq!(value.expose_secret(), "EAAB-fresh-token");
    assert_eq!(
        response(&answered).body,
        br#"{"access_token":"[captured]","expires_in":3600}"#
    );
    assert!(!answered.journal.to_string().contains("EAAB-fresh-token"));
}

#[tokio::test]
async fn tokens_nobody_captured_are_withheld() {
    let body = r#"{"data":[{"access_token":"EAAB-page-token","id":"7"}]}"#;
    let peer = Peer::start(answer("200 OK", "", body)).await;
    let answered = send(&egress_to(&peer.http()), &reading(HOST)).await;
    assert_eq!(
        response(&answered).body,
        br#"{"data":[{"access_token":"[withheld]","id":"7"}]}"#
    );
    assert!(answered.captured.is_empty());
    assert!(!answered.journal.to_string().contains("EAAB-page-token"));
}

#[tokio::test]
async fn a_missing_capture_fails_the_step_without_its_body() {
    let peer = Peer::start(answer("200 OK", "", r#"{"token":"EAAB-elsewhere"}"#)).await;
    let answered = send(&egress_to(&peer.http()), &capturing("/access_token")).await;
    assert_eq!(failure(&answered), TransportFailure::Other);
    let pointer = "/access_token".to_owned();
    assert_eq!(
        answered.withheld,
        Some(Withheld::CaptureMissing { pointer })
    );
    assert!(answered.captured.is_empty());
    assert!(!answered.journal.to_string().contains("EAAB-elsewhere"));
    assert_eq!(answered.journal["status"], 200);
}

#[tokio::test]
async fn a_compressed_answer_is_withheld() {
    let peer = Peer::start(answer("200 OK", "content-encoding: gzip\r\n", "zipped")).await;
    let answered = send(&egress_to(&peer.http()), &reading(HOST)).await;
    assert_eq!(answered.withheld, Some(Withheld::Encoded));
    assert_eq!(failure(&answered), TransportFailure::Other);
    assert!(
        peer.requests()[0]
            .to_lowercase()
            .contains("accept-encoding: identity")
    );
    let peer = Peer::start(answer("400 Bad", "content-encoding: gzip\r\n", "zipped")).await;
    let answered = send(&egress_to(&peer.http()), &reading(HOST)).await;
    assert_eq!(response(&answered).status, 400);
    assert!(response(&answered).body.is_empty());
}

#[tokio::test]
async fn an_answer_over_the_cap_is_cut_off_announced_or_not() {
    let long = "x".repeat(5_000);
    let chunked =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1388\r\n{long}\r\n0\r\n\r\n");
    for manner in [
        answer("200 OK", "", &long),
        // The announced length alone must do: the rest of this body never comes.
        Manner::AnswerAndHang(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n".to_vec()),
        Manner::AnswerAndHang(chunked.into_bytes()),
    ] {
        let peer = Peer::start(manner).await;
        let mut exchange = reading(HOST);
        exchange.sink = Sink::Buffer(4_999);
        let answered = send(&egress_to(&peer.http()), &exchange).await;
        assert_eq!(failure(&answered), TransportFailure::BodyTooLarge);
    }
    let peer = Peer::start(answer("200 OK", "", &long)).await;
    let mut exchange = reading(HOST);
    exchange.sink = Sink::Buffer(5_000);
    let answered = send(&egress_to(&peer.http()), &exchange).await;
    assert_eq!(response(&answered).body.len(), 5_000);
}

/// Remembers what it was asked and answers with a long or a short body.
#[derive(Default)]
struct Sandbox(Mutex<Vec<(String, String, Bytes)>>);

impl LocalService for Sandbox {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, http::Response<Bytes>> {
        let authorization = request.headers()["authorization"]
            .to_str()
            .unwrap()
            .to_owned();
        self.0.lock().unwrap().push((
            request.uri().to_string(),
            authorization,
            request.body().clone(),
        ));
        Box::pin(async { http::Response::new(Bytes::from_static(br#"{"api_key":"k","id":"1"}"#)) })
    }
}

#[tokio::test]
async fn a_local_service_answers_under_the_same_rules() {
    let egress = Egress::new(EgressConfig::default()).unwrap();
    let sandbox = Arc::new(Sandbox::default());
    egress
        .register_local(
            "sandbox.wharf.internal",
            Arc::clone(&sandbox) as Arc<dyn LocalService>,
        )
        .unwrap();
    let mut exchange = exchange("sandbox.wharf.internal");
    let answered = send(&egress, &exchange).await;
    assert_eq!(
        response(&answered).body,
        br#"{"api_key":"[withheld]","id":"1"}"#
    );
    assert_eq!(
        sandbox.0.lock().unwrap()[..],
        [(
            "https://sandbox.wharf.internal/v1/messages?a=1".to_owned(),
            format!("Bearer {TOKEN}"),
            Bytes::from_static(br#"{"text":"hello"}"#),
        )]
    );
    exchange.sink = Sink::Buffer(3);
    let answered = send(&egress, &exchange).await;
    assert_eq!(failure(&answered), TransportFailure::BodyTooLarge);
    assert!(egress.register_local("10.0.0.1", sandbox).is_err());
}
