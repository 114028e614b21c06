//! Callers that hold on, send too much or too slowly: they lose their connection, and nobody else does.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wharf_test_support::eventually;

use crate::harness::{TO, TestGateway, WAIT, each_with};

async fn connect(gateway: &TestGateway) -> TcpStream {
    let address = gateway.url("").replace("http://", "");
    TcpStream::connect(address).await.unwrap()
}

/// What comes until the other side closes; fails when it never does.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = tokio::time::timeout(WAIT, stream.read_to_end(&mut text)).await;
    // A reset is a close as well.
    let _ = read.expect("the connection stays open");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_headers_slowly_is_closed_and_others_are_served() {
    each_with(
        |setup| {
            setup.set("http.header_timeout_ms", 300);
            setup.set("http.connections_max", 8);
        },
        async |gateway| {
            // As many as there are places: without a time limit nobody else would ever get in.
            let mut slow = Vec::new();
            for _ in 0..8 {
                let mut stream = connect(gateway).await;
                stream
                    .write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ")
                    .await
                    .unwrap();
                slow.push(tokio::spawn(async move {
                    // Drop by drop, until it is closed.
                    while stream.write_all(b"a").await.is_ok() {
                        let mut byte = [0];
                        let rest = Duration::from_millis(20);
                        if let Ok(Ok(0) | Err(_)) =
                            tokio::time::timeout(rest, stream.read(&mut byte)).await
                        {
                            break;
                        }
                    }
                }));
            }
            let served = eventually(WAIT, || async {
                let answer = gateway.call("GET", "/livez").without_key().empty().await;
                (answer.status == 200).then_some(())
            });
            served.await.unwrap();
            for one in slow {
                tokio::time::timeout(WAIT, one)
                    .await
                    .expect("a slow one is still open")
                    .unwrap();
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_come_in_time_is_given_up() {
    each_with(
        |setup| {
            setup.set("http.request_timeout_ms", 400);
            setup.set("send.immediate_timeout_ms", 300);
        },
        async |gateway| {
            let key = gateway.credentials.key_of(crate::harness::ACME);
            let mut stream = connect(gateway).await;
            let head = format!(
                "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\
                 Content-Type: application/json\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n{{"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            let said = until_closed(&mut stream).await;
            assert!(
                said.starts_with("HTTP/1.1 400") || said.starts_with("HTTP/1.1 503"),
                "{said}"
            );
            assert_eq!(gateway.rows("message").await, 0);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_without_end_are_refused() {
    each_with(
        |setup| setup.set("http.header_bytes_max", 16_384),
        async |gateway| {
            let mut stream = connect(gateway).await;
            let head = format!(
                "GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n",
                "a".repeat(20_000)
            );
            let _ = stream.write_all(head.as_bytes()).await;
            let said = until_closed(&mut stream).await;
            assert!(said.starts_with("HTTP/1.1 431"), "{said}");
            let fits = gateway
                .call("GET", "/livez")
                .header("x-long", &"a".repeat(12_000));
            assert_eq!(fits.empty().await.status, 200);
        },
    )
    .await;
}

/// 80 MB of zeros in 500 KB: gzip's header, then one block of fixed Huffman codes: a zero, and 300,000 times
/// "258 of what came one byte before".
fn bomb() -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3];
    let (mut buffer, mut filled) = (0_u8, 0);
    let mut put = |bits: &str| {
        for bit in bits.bytes() {
            buffer |= (bit - b'0') << filled;
            filled += 1;
            if filled == 8 {
                bytes.push(std::mem::take(&mut buffer));
                filled = 0;
            }
        }
    };
    put("110");
    put("00110000");
    for _ in 0..300_000 {
        put("11000101");
        put("00000");
    }
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_have_to_be_unpacked_is_refused() {
    each_with(
        |_| {},
        async |gateway| {
            for coding in [
                "gzip",
                "br",
                "deflate",
                "zstd",
                "identity, gzip",
                "gzip, gzip",
            ] {
                for path in [
                    "/v1/messages",
                    "/v1/keys",
                    "/v1/media",
                    "/api/whatsapp/official/send/text",
                ] {
                    let kind = match path {
                        "/v1/media" => "image/png",
                        _ => "application/json",
                    };
                    let refused = gateway
                        .call("POST", path)
                        .header("content-encoding", coding)
                        .bytes(kind, bomb())
                        .await;
                    refused.assert_problem(415, "unsupported-media-type");
                }
            }
            let plain = json!({"to": TO, "text": {"body": "Hello"}});
            let taken = gateway
                .call("POST", "/v1/messages")
                .header("content-encoding", "identity");
            assert_eq!(taken.json(&plain).await.status, 202);
            assert_eq!(gateway.rows("media").await, 0);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_has_so_many_connections_and_trusted_proxies_have_more() {
    for (trusted, is_closed) in [("", true), ("127.0.0.0/8", false)] {
        each_with(
            |setup| {
                setup.set("http.connections_per_address_max", 3);
                setup.set("http.trusted_proxies", trusted);
            },
            async |gateway| {
                let mut held = Vec::new();
                for _ in 0..3 {
                    let mut stream = connect(gateway).await;
                    // An answer proves that it has its place.
                    stream
                        .write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                        .await
                        .unwrap();
                    let mut some = [0; 12];
                    stream.read_exact(&mut some).await.unwrap();
                    assert_eq!(&some, b"HTTP/1.1 200");
                    held.push(stream);
                }
                let mut fourth = connect(gateway).await;
                let asked = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
                let _ = fourth.write_all(asked).await;
                let said = until_closed(&mut fourth).await;
                assert_eq!(said.is_empty(), is_closed, "{said}");
                // Who leaves makes room.
                held.clear();
                let served = eventually(WAIT, || async {
                    let mut next = connect(gateway).await;
                    let _ = next.write_all(asked).await;
                    until_closed(&mut next)
                        .await
                        .starts_with("HTTP/1.1 200")
                        .then_some(())
                });
                served.await.unwrap();
            },
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_beyond_what_may_be_in_flight_are_told_to_come_again() {
    each_with(
        |setup| setup.set("http.requests_in_flight_max", 1),
        async |gateway| {
            let key = gateway.credentials.key_of(crate::harness::ACME);
            // A request whose body is still to come is in flight: that it is asked for its body says so.
            let mut stream = connect(gateway).await;
            // One that sends nothing: the provider's webhooks would be in flight as well.
            let body = json!({"to": TO, "text": {}}).to_string();
            let head = format!(
                "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\
                 Connection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut go_on = [0; 25];
            stream.read_exact(&mut go_on).await.unwrap();
            assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
            let refused = gateway.call("GET", "/v1/channels").empty().await;
            refused.assert_problem(503, "overloaded");
            assert_eq!(refused.headers["retry-after"], "1");
            let health = gateway.call("GET", "/livez").without_key().empty().await;
            assert_eq!(health.status, 200);
            stream.write_all(body.as_bytes()).await.unwrap();
            let said = until_closed(&mut stream).await;
            assert!(said.starts_with("HTTP/1.1 422"), "{said}");
            assert_eq!(
                gateway.call("GET", "/v1/channels").empty().await.status,
                200
            );
        },
    )
    .await;
}
