//! Exchanges without an answer. What counts is whether the provider may have acted on the request.

use std::collections::BTreeMap;

use tokio::net::TcpListener;
use wharf_core::provider::{Exchange, TransportFailure};
use wharf_egress::{Egress, EgressConfig};

use super::peer::{Manner, Peer};
use super::{HOST, egress_to, exchange, failure, reading, send};

fn both() -> [Exchange; 2] {
    [exchange(HOST), reading(HOST)]
}

fn hurried(mut exchange: Exchange) -> Exchange {
    exchange.request.timeout_ms = Some(300);
    exchange
}

#[tokio::test]
async fn a_slow_answer_is_a_timeout_after_the_send() {
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    for bytes in [Vec::new(), begun] {
        let peer = Peer::start(Manner::AnswerAndHang(bytes)).await;
        let egress = egress_to(&peer.http());
        for exchange in both() {
            let answered = send(&egress, &hurried(exchange)).await;
            assert_eq!(failure(&answered), TransportFailure::TimeoutAfterSend);
            assert!(failure(&answered).is_ambiguous());
            assert_eq!(answered.journal["failure"], "timeout-after-send");
        }
        assert_eq!(peer.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_reset_after_the_bytes_arrived_is_ambiguous() {
    let truncated = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    for bytes in [Vec::new(), truncated] {
        for exchange in both() {
            let peer = Peer::start(Manner::AnswerAndReset(bytes.clone())).await;
            let answered = send(&egress_to(&peer.http()), &exchange).await;
            assert_eq!(
                failure(&answered),
                TransportFailure::Reset,
                "{}",
                answered.journal
            );
            assert_eq!(peer.requests().len(), 1, "it must not be sent again");
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_certain_not_to_have_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for exchange in both() {
        let answered = send(&egress_to(&origin), &exchange).await;
        assert_eq!(failure(&answered), TransportFailure::Connect);
        assert!(!failure(&answered).is_ambiguous());
    }
}

#[tokio::test]
async fn a_broken_handshake_is_a_tls_failure() {
    for manner in [
        Manner::Close,
        Manner::Blurt(b"HTTP/1.1 400 Bad\r\n\r\n".to_vec()),
    ] {
        let peer = Peer::start(manner).await;
        for exchange in both() {
            let answered = send(&egress_to(&peer.https()), &exchange).await;
            assert_eq!(
                failure(&answered),
                TransportFailure::Tls,
                "{}",
                answered.journal
            );
        }
    }
}

#[tokio::test]
async fn a_handshake_without_end_is_a_timeout_before_the_send() {
    let peer = Peer::start(Manner::Hang).await;
    let origin = url::Url::parse(&peer.https()).unwrap();
    let config = |connect_timeout_ms| EgressConfig {
        connect_timeout_ms,
        connect_to: BTreeMap::from([(HOST.to_owned(), origin.clone())]),
        ..EgressConfig::default()
    };
    // First the connect timeout strikes, then the exchange's own.
    for (connect_timeout_ms, exchange) in [(200, exchange(HOST)), (20_000, hurried(reading(HOST)))]
    {
        let egress = Egress::new(config(connect_timeout_ms)).unwrap();
        let answered = send(&egress, &exchange).await;
        assert_eq!(failure(&answered), TransportFailure::TimeoutBeforeSend);
        assert!(!failure(&answered).is_ambiguous());
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_denied_at_the_address() {
    let egress = Egress::new(EgressConfig::default()).unwrap();
    let answered = send(&egress, &reading("localhost")).await;
    assert_eq!(
        failure(&answered),
        TransportFailure::Denied,
        "{}",
        answered.journal
    );
    let note = answered.journal["note"].as_str().unwrap();
    assert!(
        note.contains("localhost") && note.contains("loopback"),
        "{note}"
    );
}

#[tokio::test]
async fn an_unknown_name_is_certain_not_to_have_sent() {
    let egress = Egress::new(EgressConfig::default()).unwrap();
    let answered = send(&egress, &reading("nobody.invalid")).await;
    // Where no name server answers at all, the resolver may run into the connect timeout instead.
    let kind = failure(&answered);
    assert!(
        matches!(
            kind,
            TransportFailure::Dns | TransportFailure::TimeoutBeforeSend
        ),
        "{}",
        answered.journal
    );
}
