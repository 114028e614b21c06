//! One plugin, one channel, and the requests assembled for them.

mod bodies;
mod limits;
mod secrets;

use super::*;
use crate::Secrets;
use secrecy::SecretString;
use serde_json::json;
use wharf_core::provider::{
    Body, Descriptor, Encoding, Endpoint, Hash, Hmac, HmacInput, HttpRequest, Input, InputKind,
    JsonBody, JsonInsert, Level, Memo, Part, PartData, Piece, Replay, User, WebhookUrl,
};

const TOKEN: &str = "EAAG-token-of-the-channel";

struct Fixed;

impl Secrets for Fixed {
    fn get(&self, name: &str) -> Option<SecretString> {
        let value = match name {
            "token" => TOKEN,
            "pin" => "482913",
            "broken" => "a\r\nhost: evil.example",
            _ => return None,
        };
        Some(SecretString::from(value))
    }
}

fn descriptor() -> Descriptor {
    let input = |name: &str, audience: &str| Input {
        name: name.to_owned(),
        kind: InputKind::Secret,
        level: Level::Channel,
        required: true,
        title: String::new(),
        help: String::new(),
        choices: Vec::new(),
        pattern: String::new(),
        audience: vec![audience.to_owned()],
    };
    let endpoint = |host: &str| Endpoint {
        host: host.to_owned(),
        methods: vec![HttpMethod::Get, HttpMethod::Post],
        paths: vec!["/".to_owned()],
        host_setting: None,
    };
    Descriptor {
        id: "com.example.test".to_owned(),
        name: "Test".to_owned(),
        version: "1.0.0".to_owned(),
        vendor: "Example".to_owned(),
        homepage: None,
        capabilities: Vec::new(),
        inputs: vec![
            input("token", "graph.example.com"),
            input("pin", "*.example.com"),
            input("broken", "graph.example.com"),
            input("unset", "graph.example.com"),
        ],
        endpoints: vec![endpoint("graph.example.com"), endpoint("cdn.example.org")],
        webhooks: Vec::new(),
        sender_setting: String::new(),
        account_setting: None,
        rates: Vec::new(),
        flows: Vec::new(),
        response_headers: Vec::new(),
    }
}

fn exchange() -> Exchange {
    Exchange {
        label: "send".to_owned(),
        request: HttpRequest {
            method: HttpMethod::Post,
            url: "https://graph.example.com/v1/messages".to_owned(),
            query: Query::Fields(Vec::new()),
            headers: Vec::new(),
            body: Body::Empty,
            timeout_ms: None,
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

fn run(exchange: &Exchange) -> Result<Prepared, Denied> {
    let descriptor = descriptor();
    let webhook = |name: &str| {
        (name == "events")
            .then(|| "https://gw.example/webhooks/test/0123456789abcdef0123".to_owned())
    };
    let grant = Grant {
        descriptor: &descriptor,
        settings: &[],
        secrets: &Fixed,
        webhook_url: &webhook,
    };
    let config = EgressConfig {
        request_bytes_max: 4096,
        journal_body_bytes_max: 256,
        ..EgressConfig::default()
    };
    prepare(&config, exchange, &grant)
}

fn edit(change: impl FnOnce(&mut Exchange)) -> Result<Prepared, Denied> {
    let mut exchange = exchange();
    change(&mut exchange);
    run(&exchange)
}

fn refused(change: impl FnOnce(&mut Exchange)) -> Denied {
    edit(change).err().expect("must be refused")
}

fn text(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

fn secret(name: &str) -> Piece {
    Piece::Secret(name.to_owned())
}

fn field(name: &str, value: Vec<Piece>) -> Field {
    Field {
        name: name.to_owned(),
        value,
    }
}

fn body_hmac() -> Piece {
    Piece::Hmac(Hmac {
        key: "token".to_owned(),
        hash: Hash::Sha256,
        encoding: Encoding::Hex,
        over: vec![HmacInput::Text("v1.".to_owned()), HmacInput::Body],
    })
}

fn header<'a>(prepared: &'a Prepared, name: &str) -> &'a str {
    prepared.headers[name].to_str().unwrap()
}
