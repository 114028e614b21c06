//! Names that lead inside: by every class of address, by changing their mind, by a redirect.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::net::TcpListener;
use url::Url;
use wharf_core::provider::TransportFailure;
use wharf_egress::{BoxFuture, DeliveryRequest, Egress, EgressConfig, Resolver};

use super::peer::{Manner, Peer, answer};
use super::tls::{AUTHORITY, TlsPeer};
use super::{HOST, egress_to, failure, reading, response, send};

/// A name server that answers with each list in turn, and with the last for ever.
pub(super) struct Names {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    pub(super) fn fixed(addresses: &[&str]) -> Arc<Self> {
        Self::flipping(&[addresses])
    }

    fn flipping(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |list: &&[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(parse).collect()),
            asked: Mutex::default(),
        })
    }

    /// Every name it was asked for, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Resolver for Names {
    fn resolve(&self, host: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        self.asked.lock().unwrap().push(host.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answer = match answers.len() {
            1 => answers[0].clone(),
            _ => answers.remove(0),
        };
        Box::pin(async { Ok(answer) })
    }
}

fn delivering(names: &Arc<Names>) -> Arc<Egress> {
    let config = EgressConfig {
        delivery_https_only: false,
        delivery_allow: vec!["127.0.0.1/32".parse().unwrap()],
        ca_pem: Some(AUTHORITY.pem.clone()),
        ..EgressConfig::default()
    };
    Egress::with_resolver(config, Arc::clone(names) as _).unwrap()
}

fn post(url: &str) -> DeliveryRequest {
    DeliveryRequest {
        url: Url::parse(url).unwrap(),
        headers: Vec::new(),
        body: Bytes::from_static(b"{}"),
        timeout_ms: 20_000,
    }
}

#[tokio::test]
async fn no_class_of_private_address_is_connected_to() {
    for address in [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        let names = Names::fixed(&[address]);
        let egress = Egress::with_resolver(EgressConfig::default(), Arc::clone(&names) as _);
        let answered = send(&egress.unwrap(), &reading(HOST)).await;
        assert_eq!(failure(&answered), TransportFailure::Denied, "{address}");
        assert!(answered.journal["note"].as_str().unwrap().contains(HOST));
        let refused = delivering(&Names::fixed(&[if address == "127.0.0.1" {
            "127.0.0.2"
        } else {
            address
        }]))
        .deliver(post("http://hook.example.com/"))
        .await
        .unwrap_err();
        assert_eq!(refused.slug(), "refused", "{address}");
    }
}

#[tokio::test]
async fn of_a_mixed_answer_only_the_vetted_addresses_are_tried() {
    let forbidden = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = forbidden.local_addr().unwrap().port();
    // Nothing listens at the allowed address, so whatever else was known would be tried next.
    let names = Names::fixed(&["127.0.0.2", "127.0.0.1", "127.0.0.2"]);
    let failed = delivering(&names)
        .deliver(post(&format!("http://hook.example.com:{port}/")))
        .await
        .unwrap_err();
    assert_eq!(failed.slug(), "connect");
    let untouched = std::future::poll_fn(|context| {
        std::task::Poll::Ready(forbidden.poll_accept(context).is_pending())
    });
    assert!(untouched.await, "the forbidden address was connected to");
}

/// Vetting and connecting share one answer, so the second one, which leads inside, is never used.
#[tokio::test]
async fn a_name_that_changes_its_mind_after_the_check_is_harmless() {
    let once = Manner::Answer(
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
    );
    let allowed = Peer::start(once).await;
    let forbidden = TcpListener::bind(("127.0.0.2", allowed.port))
        .await
        .unwrap();
    let names = Names::flipping(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let egress = delivering(&names);
    let url = format!("http://hook.example.com:{}/", allowed.port);
    assert_eq!(egress.deliver(post(&url)).await.unwrap().status, 200);
    assert_eq!(names.asked(), ["hook.example.com"], "asked once, not twice");
    // The next connection asks again, and what it is told is vetted again.
    let refused = egress.deliver(post(&url)).await.unwrap_err();
    assert_eq!(refused.slug(), "refused");
    assert_eq!(names.asked().len(), 2);
    assert_eq!(allowed.requests().len(), 1);
    let untouched = std::future::poll_fn(|context| {
        std::task::Poll::Ready(forbidden.poll_accept(context).is_pending())
    });
    assert!(untouched.await, "the forbidden address was connected to");
}

#[tokio::test]
async fn the_vetted_address_is_connected_to_under_the_names_certificate() {
    let endpoint = TlsPeer::start().await;
    let egress = delivering(&Names::fixed(&["127.0.0.1"]));
    let url = |host: &str| format!("https://{host}:{}/in", endpoint.port);
    let answer = egress.deliver(post(&url("hook.example.com"))).await;
    assert_eq!(answer.unwrap().status, 200);
    let (name, head) = endpoint.seen().remove(0);
    assert_eq!(name, "hook.example.com");
    let host = format!("\r\nhost: hook.example.com:{}\r\n", endpoint.port);
    assert!(head.contains(&host), "{head}");
    let failed = egress.deliver(post(&url("other.example.com"))).await;
    assert_eq!(failed.unwrap_err().slug(), "tls");
}

#[tokio::test]
async fn a_redirect_to_the_metadata_service_is_an_answer() {
    let location = "location: http://169.254.169.254/latest/meta-data/\r\n";
    for status in [
        "301 Moved",
        "302 Found",
        "303 See",
        "307 Temporary",
        "308 Permanent",
    ] {
        let peer = Peer::start(answer(status, location, "")).await;
        let answered = send(&egress_to(&peer.http()), &reading(HOST)).await;
        assert_eq!(response(&answered).status.to_string(), status[..3]);
        assert_eq!(peer.requests().len(), 1);
        let names = Names::fixed(&["127.0.0.1"]);
        let url = format!("http://hook.example.com:{}/", peer.port);
        let delivered = delivering(&names).deliver(post(&url)).await.unwrap();
        assert_eq!(delivered.status.to_string(), status[..3]);
        assert_eq!(names.asked(), ["hook.example.com"]);
    }
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let many: String = (0..200).map(|n| format!("x-{n}: v\r\n")).collect();
    let long = format!("x-long: {}\r\n", "v".repeat(33 << 10));
    let endless = "x".repeat(4 << 20);
    for headers in [many, long, endless] {
        let head = format!("HTTP/1.1 200 OK\r\n{headers}").into_bytes();
        let mut whole = head.clone();
        whole.extend_from_slice(b"content-length: 0\r\n\r\n");
        for manner in [Manner::AnswerAndHang(head), Manner::Answer(whole)] {
            let hangs = matches!(manner, Manner::AnswerAndHang(_));
            let peer = Peer::start(manner).await;
            let mut exchange = reading(HOST);
            exchange.request.timeout_ms = Some(500);
            let answered = send(&egress_to(&peer.http()), &exchange).await;
            let kind = failure(&answered);
            // A head that is short enough and does not end is a timeout like any other.
            let timeout = hangs && kind == TransportFailure::TimeoutAfterSend;
            assert!(
                timeout || kind == TransportFailure::BodyTooLarge,
                "{}",
                answered.journal
            );
        }
    }
}
