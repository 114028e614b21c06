//! What leaves the host, against real sockets: failures told apart, nothing followed, nothing leaked.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod deliveries;
mod exchanges;
mod failures;
mod peer;

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use wharf_core::provider::{
    Body, Capture, Descriptor, Endpoint, Exchange, Field, HttpMethod, HttpRequest, Input,
    InputKind, JsonBody, Level, Outcome, Piece, Query, Replay, Sink, TransportFailure,
};
use wharf_egress::{Answered, Egress, EgressConfig, Grant, Prepared, Secrets};

const HOST: &str = "graph.example.com";
const TOKEN: &str = "EAAG-token-of-the-channel";

struct OneToken;

impl Secrets for OneToken {
    fn get(&self, name: &str) -> Option<SecretString> {
        (name == "token").then(|| SecretString::from(TOKEN))
    }
}

fn descriptor() -> Descriptor {
    let endpoint = |host: &str| Endpoint {
        host: host.to_owned(),
        methods: vec![HttpMethod::Get, HttpMethod::Post],
        paths: vec!["/v1/".to_owned()],
        host_setting: None,
    };
    Descriptor {
        id: "com.example.test".to_owned(),
        name: "Test".to_owned(),
        version: "1.0.0".to_owned(),
        vendor: "Example".to_owned(),
        homepage: None,
        capabilities: Vec::new(),
        inputs: vec![Input {
            name: "token".to_owned(),
            kind: InputKind::Secret,
            level: Level::Channel,
            required: true,
            title: String::new(),
            help: String::new(),
            choices: Vec::new(),
            pattern: String::new(),
            audience: vec![HOST.to_owned(), "sandbox.wharf.internal".to_owned()],
        }],
        endpoints: vec![
            endpoint(HOST),
            endpoint("localhost"),
            endpoint("nobody.invalid"),
            endpoint("sandbox.wharf.internal"),
        ],
        webhooks: Vec::new(),
        sender_setting: String::new(),
        account_setting: None,
        rates: Vec::new(),
        flows: Vec::new(),
        response_headers: vec!["X-Trace".to_owned(), "Set-Cookie".to_owned()],
    }
}

/// A text being sent, as a plugin would build it.
fn exchange(host: &str) -> Exchange {
    Exchange {
        label: "send".to_owned(),
        request: HttpRequest {
            method: HttpMethod::Post,
            url: format!("https://{host}/v1/messages"),
            query: Query::Raw("a=1".to_owned()),
            headers: vec![Field {
                name: "authorization".to_owned(),
                value: vec![
                    Piece::Text("Bearer ".to_owned()),
                    Piece::Secret("token".to_owned()),
                ],
            }],
            body: Body::Json(JsonBody {
                document: r#"{"text":"hello"}"#.to_owned(),
                insert: Vec::new(),
            }),
            timeout_ms: Some(20_000),
        },
        replay: Replay::Unsafe,
        sink: Sink::Buffer(1 << 20),
        capture: Vec::new(),
        memo: None,
        bucket: None,
        delay_ms: 0,
        state: Vec::new(),
    }
}

fn reading(host: &str) -> Exchange {
    let mut exchange = exchange(host);
    exchange.request.method = HttpMethod::Get;
    exchange.request.headers = Vec::new();
    exchange.request.body = Body::Empty;
    exchange
}

fn capturing(pointer: &str) -> Exchange {
    let mut exchange = exchange(HOST);
    exchange.capture = vec![Capture {
        pointer: pointer.to_owned(),
        secret: "token".to_owned(),
        lifetime: Some("/expires_in".to_owned()),
    }];
    exchange
}

/// An egress whose `graph.example.com` is the given origin.
fn egress_to(origin: &str) -> Arc<Egress> {
    let origin = url::Url::parse(origin).unwrap();
    Egress::new(EgressConfig {
        connect_timeout_ms: 10_000,
        connect_to: BTreeMap::from([(HOST.to_owned(), origin)]),
        ..EgressConfig::default()
    })
    .unwrap()
}

fn prepare(egress: &Egress, exchange: &Exchange) -> Prepared {
    let descriptor = descriptor();
    let grant = Grant {
        descriptor: &descriptor,
        settings: &[],
        secrets: &OneToken,
        webhook_url: &|_| None,
    };
    egress
        .prepare(exchange, &grant)
        .expect("must pass the policy")
}

async fn send(egress: &Egress, exchange: &Exchange) -> Answered {
    egress.send(prepare(egress, exchange)).await
}

fn response(answered: &Answered) -> &wharf_core::provider::HttpResponse {
    match &answered.outcome {
        Outcome::Response(response) => response,
        other => panic!("expected a response, got {other:?}: {}", answered.journal),
    }
}

fn failure(answered: &Answered) -> TransportFailure {
    match &answered.outcome {
        Outcome::Failed(failure) => *failure,
        other => panic!("expected a failure, got {other:?}"),
    }
}
