//! Proxies: what they get to see, who resolves names, and who is asked without one.

use std::sync::Arc;

use bytes::Bytes;
use secrecy::SecretString;
use url::Url;
use wharf_core::provider::TransportFailure;
use wharf_egress::{DeliveryAnswer, DeliveryFailure, DeliveryRequest, Egress, EgressConfig, Proxy};

use super::addresses::Names;
use super::tls::{AUTHORITY, Conduct, ProxyPeer, TlsPeer};
use super::{HOST, TOKEN, exchange, failure, reading, response, send};

const HOOK: &str = "hook.example.com";

fn proxy(scheme: &str, host: &str, port: u16) -> Proxy {
    Proxy {
        url: Url::parse(&format!("{scheme}://{host}:{port}")).unwrap(),
        credentials: Some(SecretString::from("wharf:hunter2pass")),
    }
}

fn config() -> EgressConfig {
    EgressConfig {
        ca_pem: Some(AUTHORITY.pem.clone()),
        ..EgressConfig::default()
    }
}

fn to_providers(proxy: Proxy, names: &Arc<Names>) -> Arc<Egress> {
    let config = EgressConfig {
        proxy: Some(proxy),
        no_proxy: vec!["localhost".to_owned()],
        ..config()
    };
    Egress::with_resolver(config, Arc::clone(names) as _).unwrap()
}

#[tokio::test]
async fn a_provider_is_reached_through_a_tunnel_for_its_name() {
    let provider = TlsPeer::start().await;
    let names = Names::fixed(&[]);
    for (scheme, host) in [("http", "127.0.0.1"), ("https", "proxy.example.com")] {
        let peer = ProxyPeer::start(Conduct::To(provider.port), scheme == "https").await;
        let names = match scheme {
            "https" => Names::fixed(&["127.0.0.1"]),
            _ => Arc::clone(&names),
        };
        let egress = to_providers(proxy(scheme, host, peer.port), &names);
        let answered = send(&egress, &exchange(HOST)).await;
        assert_eq!(response(&answered).status, 200);
        assert_eq!(peer.targets(), ["graph.example.com:443"]);
        let head = &peer.heads()[0];
        // printf 'wharf:hunter2pass' | base64
        let credentials = "\r\nProxy-Authorization: Basic d2hhcmY6aHVudGVyMnBhc3M=\r\n";
        assert!(head.contains(credentials), "{head}");
        assert!(!head.contains(TOKEN), "{head}");
        // The provider's name is resolved by the proxy alone.
        assert!(!names.asked().contains(&HOST.to_owned()));
    }
    for (name, head) in provider.seen() {
        assert_eq!(name, HOST);
        let head = head.to_lowercase();
        assert!(
            head.starts_with("post /v1/messages?a=1 http/1.1\r\n"),
            "{head}"
        );
        assert!(head.contains("\r\nhost: graph.example.com\r\n"), "{head}");
        assert!(!head.contains("proxy-"), "{head}");
    }
    assert_eq!(provider.seen().len(), 2);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_certain_not_to_have_sent() {
    for status in [403, 407, 502] {
        let peer = ProxyPeer::start(Conduct::Refuse(status), false).await;
        let egress = to_providers(proxy("http", "127.0.0.1", peer.port), &Names::fixed(&[]));
        let answered = send(&egress, &exchange(HOST)).await;
        assert_eq!(failure(&answered), TransportFailure::Connect);
        assert!(!failure(&answered).is_ambiguous());
        let journal = answered.journal.to_string();
        assert!(
            !journal.contains("hunter2") && !journal.contains("d2hhcm"),
            "{journal}"
        );
        assert_eq!(peer.heads().len(), 1);
    }
}

#[tokio::test]
async fn a_provider_behind_a_proxy_must_still_prove_its_name() {
    // The certificate is not for this name.
    let provider = TlsPeer::start().await;
    let peer = ProxyPeer::start(Conduct::To(provider.port), false).await;
    let egress = to_providers(proxy("http", "127.0.0.1", peer.port), &Names::fixed(&[]));
    let answered = send(&egress, &reading("nobody.invalid")).await;
    assert_eq!(failure(&answered), TransportFailure::Tls);
    assert_eq!(peer.targets(), ["nobody.invalid:443"]);
    assert!(provider.seen().is_empty());
}

#[tokio::test]
async fn an_excepted_host_goes_without_the_proxy_and_through_the_filter() {
    let peer = ProxyPeer::start(Conduct::Refuse(500), false).await;
    let names = Names::fixed(&["127.0.0.1"]);
    let egress = to_providers(proxy("http", "127.0.0.1", peer.port), &names);
    let answered = send(&egress, &reading("localhost")).await;
    assert_eq!(failure(&answered), TransportFailure::Denied);
    assert_eq!(names.asked(), ["localhost"]);
    assert!(peer.heads().is_empty());
}

#[tokio::test]
async fn services_and_redirections_do_not_go_through_a_proxy() {
    let peer = ProxyPeer::start(Conduct::Refuse(500), false).await;
    let target = super::peer::Peer::start(super::peer::answer("200 OK", "", "{}")).await;
    let egress = Egress::new(EgressConfig {
        proxy: Some(proxy("http", "127.0.0.1", peer.port)),
        connect_to: [(HOST.to_owned(), Url::parse(&target.http()).unwrap())].into(),
        ..config()
    })
    .unwrap();
    assert_eq!(response(&send(&egress, &exchange(HOST)).await).status, 200);
    assert!(peer.heads().is_empty());
}

async fn deliver(
    peer: &ProxyPeer,
    names: &Arc<Names>,
    url: &str,
    change: impl FnOnce(&mut EgressConfig),
) -> Result<DeliveryAnswer, DeliveryFailure> {
    let mut config = EgressConfig {
        delivery_proxy: Some(proxy("http", "127.0.0.1", peer.port)),
        delivery_allow: vec!["127.0.0.0/8".parse().unwrap()],
        ..config()
    };
    change(&mut config);
    let egress = Egress::with_resolver(config, Arc::clone(names) as _).unwrap();
    let request = DeliveryRequest {
        url: Url::parse(url).unwrap(),
        headers: Vec::new(),
        body: Bytes::from_static(b"{}"),
        timeout_ms: 20_000,
    };
    egress.deliver(request).await
}

#[tokio::test]
async fn a_delivery_proxy_is_asked_for_the_vetted_address_and_tls_for_the_name() {
    let endpoint = TlsPeer::start().await;
    let peer = ProxyPeer::start(Conduct::To(endpoint.port), false).await;
    let names = Names::fixed(&["10.0.0.1", "169.254.169.254", "127.0.0.9"]);
    let url = format!("https://{HOOK}:8443/in");
    let answer = deliver(&peer, &names, &url, |_| ()).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(peer.targets(), ["127.0.0.9:8443"]);
    let (name, head) = endpoint.seen().remove(0);
    assert_eq!(name, HOOK);
    assert!(
        head.contains("\r\nhost: hook.example.com:8443\r\n"),
        "{head}"
    );
}

#[tokio::test]
async fn a_delivery_proxy_never_hears_of_private_endpoints() {
    let peer = ProxyPeer::start(Conduct::Refuse(500), false).await;
    let url = format!("https://{HOOK}/in");
    for private in [
        "10.0.0.1",
        "169.254.169.254",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
    ] {
        let names = Names::fixed(&[private]);
        let refused = deliver(&peer, &names, &url, |_| ()).await.unwrap_err();
        assert_eq!(refused.slug(), "refused", "{private}: {refused}");
    }
    let names = Names::fixed(&["10.0.0.1"]);
    for literal in ["https://10.0.0.1/", "https://[fd00::1]/", "https://0xa.1/"] {
        let resolves = |config: &mut EgressConfig| config.delivery_proxy_resolves = true;
        let refused = deliver(&peer, &names, literal, resolves).await.unwrap_err();
        assert_eq!(refused.slug(), "refused", "{literal}");
    }
    assert!(peer.heads().is_empty());
}

#[tokio::test]
async fn a_delivery_proxy_that_resolves_gets_the_name() {
    let endpoint = TlsPeer::start().await;
    let peer = ProxyPeer::start(Conduct::To(endpoint.port), false).await;
    let names = Names::fixed(&["10.0.0.1"]);
    let resolves = |config: &mut EgressConfig| config.delivery_proxy_resolves = true;
    let url = format!("https://{HOOK}/in");
    assert_eq!(
        deliver(&peer, &names, &url, resolves).await.unwrap().status,
        200
    );
    assert_eq!(peer.targets(), ["hook.example.com:443"]);
    assert!(names.asked().is_empty());
}

#[test]
fn a_proxy_that_cannot_work_is_an_error_at_start() {
    let with = |url: &str, credentials: Option<&str>| {
        Egress::new(EgressConfig {
            delivery_proxy: Some(Proxy {
                url: Url::parse(url).unwrap(),
                credentials: credentials.map(SecretString::from),
            }),
            ..EgressConfig::default()
        })
        .err()
        .map(|error| error.to_string())
    };
    assert_eq!(with("http://proxy.example.com:3128", Some("u:p")), None);
    for (url, credentials) in [
        ("socks5://proxy.example.com:1080", None),
        ("http://u:p@proxy.example.com:3128", None),
        (
            "http://proxy.example.com:3128",
            Some("secret-without-colon"),
        ),
    ] {
        let error = with(url, credentials).expect("must be refused");
        assert!(error.starts_with("egress.delivery_proxy: "), "{error}");
        assert!(!error.contains("secret-without"), "{error}");
    }
    for pem in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n"] {
        let config = EgressConfig {
            ca_pem: Some(pem.to_owned()),
            ..EgressConfig::default()
        };
        let error = Egress::new(config).err().expect("must be refused");
        assert!(error.to_string().contains("egress.ca_pem"), "{error}");
    }
}
