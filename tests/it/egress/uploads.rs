//! Stored media on their way out: framed exactly, never held whole, never half a request called whole.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wharf_core::provider::{Body, Exchange, Part, PartData, Piece, TransportFailure};
use wharf_egress::{Egress, EgressConfig, MediaStore};

use super::peer::{Peer, answer};
use super::store::{Object, Store, named, object};
use super::{HOST, TOKEN, egress_to, exchange, failure, prepare_with, response};

fn part(name: &str, data: PartData) -> Part {
    Part {
        name: name.to_owned(),
        filename: None,
        content_type: None,
        data,
    }
}

fn upload(handle: &str) -> Exchange {
    let mut exchange = exchange(HOST);
    exchange.request.body = Body::Multipart(vec![
        part(
            "messaging_product",
            PartData::Value(vec![Piece::Text("whatsapp".to_owned())]),
        ),
        part(
            "key",
            PartData::Value(vec![Piece::Secret("token".to_owned())]),
        ),
        part("file", PartData::Media(named(handle))),
    ]);
    exchange
}

fn raw(handle: &str) -> Exchange {
    let mut exchange = exchange(HOST);
    exchange.request.body = Body::Media(named(handle));
    exchange
}

fn store(objects: Vec<Object>) -> Arc<dyn MediaStore> {
    Arc::new(Store {
        objects,
        ..Store::default()
    })
}

/// RFC 7578 and 2046, to the letter: the parts as (head, content).
fn parse_multipart(request: &str) -> Vec<(String, String)> {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let field = |name: &str| {
        let mut values = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value);
        let value = values.next();
        assert!(values.next().is_none(), "{name} must stand once: {head}");
        value
    };
    assert_eq!(field("transfer-encoding"), None, "{head}");
    assert_eq!(field("content-length"), Some(&*body.len().to_string()));
    let boundary = field("content-type")
        .and_then(|value| value.strip_prefix("multipart/form-data; boundary="))
        .expect("must be a form with a boundary");
    assert!((1..=70).contains(&boundary.len()));
    let body = body
        .strip_prefix(&format!("--{boundary}\r\n"))
        .expect("must begin with a boundary");
    let body = body
        .strip_suffix(&format!("\r\n--{boundary}--\r\n"))
        .expect("must end with the closing boundary");
    body.split(&format!("\r\n--{boundary}\r\n"))
        .map(|part| {
            assert!(!part.contains(boundary));
            let (head, content) = part.split_once("\r\n\r\n").expect("must have a head");
            assert!(head.starts_with("Content-Disposition: form-data; name=\""));
            (head.to_owned(), content.to_owned())
        })
        .collect()
}

#[tokio::test]
async fn a_multipart_upload_is_framed_exactly() {
    let content = "\u{ff}\u{d8} not really a cat\r\n--wharf-\r\n";
    let peer = Peer::start(answer("200 OK", "", r#"{"id":"media-1"}"#)).await;
    let egress = egress_to(&peer.http());
    let prepared = prepare_with(
        &egress,
        &upload("med_1"),
        store(vec![object("med_1", content)]),
    );
    assert!(!prepared.journal().to_string().contains("really a cat"));
    let answered = egress.send(prepared).await;
    assert_eq!(response(&answered).status, 200);
    let parts = parse_multipart(&peer.requests()[0]);
    let contents: Vec<_> = parts.iter().map(|(_, content)| content.as_str()).collect();
    assert_eq!(contents, ["whatsapp", TOKEN, content]);
    assert_eq!(
        parts[2].0,
        "Content-Disposition: form-data; name=\"file\"; filename=\"cat.jpg\"\r\n\
         Content-Type: image/jpeg"
    );
    assert!(!answered.journal.to_string().contains(TOKEN));
}

#[tokio::test]
async fn a_media_body_has_the_stores_length_and_not_the_guests() {
    for content in ["just bytes", ""] {
        let peer = Peer::start(answer("200 OK", "", "{}")).await;
        let egress = egress_to(&peer.http());
        let prepared = prepare_with(
            &egress,
            &raw("med_1"),
            store(vec![object("med_1", content)]),
        );
        assert_eq!(response(&egress.send(prepared).await).status, 200);
        let request = peer.requests()[0].clone();
        let length = format!("\r\ncontent-length: {}\r\n", content.len());
        assert_eq!(request.matches("content-length").count(), 1, "{request}");
        assert!(request.contains(&length), "{request}");
        assert!(request.ends_with(&format!("\r\n\r\n{content}")));
        assert!(request.contains("\r\ncontent-type: image/jpeg\r\n"));
    }
}

#[tokio::test]
async fn what_the_store_does_not_have_is_never_sent() {
    let peer = Peer::start(answer("200 OK", "", "{}")).await;
    let egress = egress_to(&peer.http());
    for exchange in [raw("med_2"), upload("med_2")] {
        let prepared = prepare_with(&egress, &exchange, store(vec![object("med_1", "x")]));
        let answered = egress.send(prepared).await;
        assert_eq!(failure(&answered), TransportFailure::Denied);
        assert!(answered.journal["note"].as_str().unwrap().contains("med_2"));
    }
    let origin = url::Url::parse(&peer.http()).unwrap();
    let small = Egress::new(EgressConfig {
        media_bytes_max: 9,
        connect_to: [(HOST.to_owned(), origin)].into(),
        ..EgressConfig::default()
    })
    .unwrap();
    let prepared = prepare_with(
        &small,
        &raw("med_1"),
        store(vec![object("med_1", "ten bytes!")]),
    );
    assert_eq!(
        failure(&small.send(prepared).await),
        TransportFailure::Denied
    );
    assert!(peer.requests().is_empty());
}

#[tokio::test]
async fn an_object_that_breaks_its_word_breaks_the_request_off() {
    let mut short = object("med_1", "only this");
    short.size = 100;
    let mut broken = short.clone();
    broken.breaks = true;
    let mut long = object("med_1", "more than it said");
    long.size = 10;
    for object in [short, broken, long] {
        let peer = Peer::start(answer("200 OK", "", "{}")).await;
        let egress = egress_to(&peer.http());
        let prepared = prepare_with(&egress, &raw("med_1"), store(vec![object]));
        let answered = egress.send(prepared).await;
        assert_eq!(failure(&answered), TransportFailure::Reset);
        assert!(peer.requests().is_empty(), "no whole request may arrive");
    }
}

#[tokio::test]
async fn a_hundred_megabytes_go_out_without_being_held() {
    const CHUNK: usize = 64 << 10;
    const CHUNKS: usize = 1_600;
    let store = Arc::new(Store {
        objects: vec![Object {
            handle: "med_big",
            size: (CHUNK * CHUNKS) as u64,
            chunks: vec![Bytes::from(vec![b'x'; CHUNK]); CHUNKS],
            breaks: false,
        }],
        ..Store::default()
    });
    let account = Arc::clone(&store.account);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let reading = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; CHUNK];
        // The head is less than a chunk; the count need not be exact to the byte.
        while account.other_end_bytes.load(Ordering::SeqCst) < (CHUNK * CHUNKS) as u64 {
            let read = stream.read(&mut buffer).await.unwrap();
            assert!(read > 0, "the request ended early");
            account
                .other_end_bytes
                .fetch_add(read as u64, Ordering::SeqCst);
        }
        let done = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
        stream.write_all(done).await.unwrap();
        // Until the client has gone, or a reset could overtake the answer.
        while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    });
    let egress = egress_to(&origin);
    let prepared = prepare_with(
        &egress,
        &raw("med_big"),
        Arc::clone(&store) as Arc<dyn MediaStore>,
    );
    let answered = egress.send(prepared).await;
    assert_eq!(response(&answered).status, 200);
    drop((answered, egress));
    reading.await.unwrap();
    let account = &store.account;
    assert_eq!(
        account.read_bytes.load(Ordering::SeqCst),
        (CHUNK * CHUNKS) as u64
    );
    // What is between the two is in the kernel's socket buffers, at most 6 MiB and 4 MiB by default.
    let gap = account.gap_bytes_max.load(Ordering::SeqCst);
    assert!(gap < 24 << 20, "{gap} bytes were held");
}
