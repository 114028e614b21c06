//! Answers on their way into the media store: capped, counted, hashed, or not there at all.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wharf_core::provider::{Exchange, Outcome, Sink, StoredResponse, TransportFailure};
use wharf_egress::{
    Answered, BoxFuture, Egress, EgressConfig, LocalService, MediaStore, NoMedia, Withheld,
};

use super::peer::{Manner, Peer, answer};
use super::store::{Account, Store};
use super::{HOST, TOKEN, egress_to, failure, prepare_with, reading, response};

fn fetch() -> Exchange {
    let mut exchange = reading(HOST);
    exchange.sink = Sink::Store;
    // However slow the machine: what is measured here is not time.
    exchange.request.timeout_ms = None;
    exchange
}

async fn into_store(manner: Manner) -> (Answered, Arc<Account>) {
    let peer = Peer::start(manner).await;
    let origin = url::Url::parse(&peer.http()).unwrap();
    let egress = Egress::new(EgressConfig {
        media_bytes_max: 1_000,
        connect_to: [(HOST.to_owned(), origin)].into(),
        ..EgressConfig::default()
    })
    .unwrap();
    let store = Arc::new(Store::default());
    let account = Arc::clone(&store.account);
    let prepared = prepare_with(&egress, &fetch(), store);
    (egress.send(prepared).await, account)
}

fn stored(answered: &Answered) -> &StoredResponse {
    match &answered.outcome {
        Outcome::Stored(stored) => stored,
        other => panic!(
            "expected a stored answer, got {other:?}: {}",
            answered.journal
        ),
    }
}

fn left_nothing(account: &Account, begun: usize) {
    assert!(account.kept.lock().unwrap().is_empty());
    assert_eq!(account.dropped.load(Ordering::SeqCst), begun);
}

#[tokio::test]
async fn a_2xx_is_kept_and_the_guest_gets_its_name_only() {
    let headers = "Content-Type: Audio/OGG; codecs=opus\r\nX-Trace: t1\r\n\
                   Content-Disposition: attachment; filename=\"../../voice\x01.ogg\"\r\n";
    let (answered, account) =
        into_store(answer("200 OK", &headers.replace('\x01', ""), "voice!")).await;
    let stored = stored(&answered);
    let kept = account.kept.lock().unwrap();
    assert_eq!((kept.len(), kept[0].size), (1, 6));
    assert_eq!(kept[0].sha256, <[u8; 32]>::from(Sha256::digest("voice!")));
    assert_eq!(kept[0].new.content_type, "audio/ogg; codecs=opus");
    assert_eq!(kept[0].new.filename.as_deref(), Some("voice.ogg"));
    assert_eq!(kept[0].new.announced_bytes, Some(6));
    assert_eq!((stored.status, stored.media.size), (200, 6));
    assert_eq!(stored.media.handle, "med_new");
    assert!(
        stored
            .headers
            .contains(&("x-trace".to_owned(), "t1".to_owned()))
    );
    assert_eq!(answered.journal["stored"]["handle"], "med_new");
    assert!(!answered.journal.to_string().contains("voice!"));
}

#[tokio::test]
async fn an_object_over_the_cap_leaves_nothing_announced_or_not() {
    let long = "x".repeat(1_001);
    let (answered, account) = into_store(answer("200 OK", "", &long)).await;
    assert_eq!(failure(&answered), TransportFailure::BodyTooLarge);
    left_nothing(&account, 0);
    let chunked =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n{long}\r\n0\r\n\r\n");
    let (answered, account) = into_store(Manner::AnswerAndHang(chunked.into_bytes())).await;
    assert_eq!(failure(&answered), TransportFailure::BodyTooLarge);
    left_nothing(&account, 1);
    let (answered, _) = into_store(answer("200 OK", "", &long[..1_000])).await;
    assert_eq!(stored(&answered).media.size, 1_000);
}

#[tokio::test]
async fn a_stream_that_breaks_off_leaves_nothing() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    let (answered, account) = into_store(Manner::AnswerAndReset(half)).await;
    assert_eq!(failure(&answered), TransportFailure::Reset);
    left_nothing(&account, 1);
    let half = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n".to_vec();
    let (answered, account) = into_store(Manner::AnswerAndReset(half)).await;
    assert_eq!(failure(&answered), TransportFailure::Reset);
    left_nothing(&account, 1);
}

#[tokio::test]
async fn any_other_answer_comes_to_the_guest_and_is_small() {
    for status in ["302 Found", "404 Not Found", "500 Oops"] {
        let body = format!("{{\"error\":\"no {TOKEN}\"}}");
        let (answered, account) = into_store(answer(status, "location: /x\r\n", &body)).await;
        assert_eq!(response(&answered).status.to_string(), status[..3]);
        assert_eq!(
            response(&answered).body,
            br#"{"error":"no [secret token]"}"#
        );
        left_nothing(&account, 0);
    }
    let (answered, _) = into_store(answer("404 Not Found", "", &"x".repeat(64 << 10))).await;
    assert_eq!(response(&answered).body.len(), 64 << 10);
    let (answered, _) = into_store(answer("404 Not Found", "", &"x".repeat((64 << 10) + 1))).await;
    assert_eq!(failure(&answered), TransportFailure::BodyTooLarge);
}

/// Stored, it could be uploaded to a host outside of the token's audience.
#[tokio::test]
async fn tokens_do_not_get_out_by_way_of_the_store() {
    let json = "content-type: application/json\r\n";
    for body in [
        r#"{"access_token":"EAAB-fresh"}"#.to_owned(),
        format!(r#"{{"echo":"{TOKEN}"}}"#),
    ] {
        let (answered, account) = into_store(answer("200 OK", json, &body)).await;
        assert_eq!(answered.withheld, Some(Withheld::TokensInMedia));
        assert_eq!(failure(&answered), TransportFailure::Other);
        left_nothing(&account, 1);
        assert!(!answered.journal.to_string().contains("EAA"));
    }
    let (answered, account) =
        into_store(answer("200 OK", "content-encoding: gzip\r\n", "zipped")).await;
    assert_eq!(answered.withheld, Some(Withheld::Encoded));
    left_nothing(&account, 0);
}

#[tokio::test]
async fn a_store_that_fails_is_no_reason_to_think_nothing_happened() {
    let peer = Peer::start(answer("200 OK", "", "picture")).await;
    let egress = egress_to(&peer.http());
    let refusing = Store {
        refuses: true,
        ..Store::default()
    };
    for store in [Arc::new(refusing) as Arc<dyn MediaStore>, Arc::new(NoMedia)] {
        let answered = egress.send(prepare_with(&egress, &fetch(), store)).await;
        assert_eq!(failure(&answered), TransportFailure::Other);
        assert!(failure(&answered).is_ambiguous());
        assert!(answered.journal["note"].as_str().unwrap().contains("store"));
    }
}

#[tokio::test]
async fn the_head_of_a_stored_answer_must_come_in_the_ordinary_time() {
    let peer = Peer::start(Manner::AnswerAndHang(Vec::new())).await;
    let origin = url::Url::parse(&peer.http()).unwrap();
    let egress = Egress::new(EgressConfig {
        request_timeout_ms_max: 300,
        media_timeout_ms_max: 3_600_000,
        connect_to: [(HOST.to_owned(), origin)].into(),
        ..EgressConfig::default()
    })
    .unwrap();
    let mut exchange = fetch();
    exchange.request.timeout_ms = None;
    let prepared = prepare_with(&egress, &exchange, Arc::new(Store::default()));
    let answered = egress.send(prepared).await;
    assert_eq!(failure(&answered), TransportFailure::TimeoutAfterSend);
}

struct Picture;

impl LocalService for Picture {
    fn call(&self, _: http::Request<Bytes>) -> BoxFuture<'static, http::Response<Bytes>> {
        Box::pin(async { http::Response::new(Bytes::from_static(b"picture")) })
    }
}

#[tokio::test]
async fn a_local_services_answer_is_stored_like_any_other() {
    let egress = Egress::new(EgressConfig::default()).unwrap();
    egress.register_local(HOST, Arc::new(Picture)).unwrap();
    let store = Arc::new(Store::default());
    let account = Arc::clone(&store.account);
    let answered = egress.send(prepare_with(&egress, &fetch(), store)).await;
    assert_eq!(
        stored(&answered).media.content_type,
        "application/octet-stream"
    );
    assert_eq!(account.kept.lock().unwrap()[0].size, 7);
}

#[tokio::test]
async fn a_hundred_megabytes_come_in_without_being_held() {
    const CHUNK: usize = 64 << 10;
    const CHUNKS: usize = 1_600;
    let store = Arc::new(Store::default());
    let account = Arc::clone(&store.account);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::clone(&account);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 8 << 10];
        let _ = stream.read(&mut request).await.unwrap();
        let length = CHUNK * CHUNKS;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..CHUNKS {
            stream.write_all(&[b'x'; CHUNK]).await.unwrap();
            sent.other_end_bytes
                .fetch_add(CHUNK as u64, Ordering::SeqCst);
        }
    });
    let egress = egress_to(&origin);
    let prepared = prepare_with(&egress, &fetch(), store);
    let answered = egress.send(prepared).await;
    assert_eq!(stored(&answered).media.size, (CHUNK * CHUNKS) as u64);
    let gap = account.gap_bytes_max.load(Ordering::SeqCst);
    assert!(gap < 24 << 20, "{gap} bytes were held");
}
